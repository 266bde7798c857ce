"""A small town for the tests of registration: its package, a village, a school, rosters, lists of departments."""

import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from fastapi import FastAPI
from sqlalchemy import text
from stdnum.cn import ric

from services.registration.app import create_app
from shared.ids import new_id
from shared.sheets import write_sheet
from tests.suite import InProcessSuite

POOL, SCHEME = "140522", "yangcheng-2022"
VILLAGE, SCHOOL, AGENCY = "140522108200", "2114000001", "14052201"
PLACE = "140522108200"
PACKAGE = Path("services/registration/packages/yangcheng-2022.yaml").read_bytes()
VILLAGE_COLUMNS = ["户号", "户主", "姓名", "身份证号", "性别", "户籍地代码", "居住地代码", "参保方式"]
SCHOOL_COLUMNS = ["班级", "姓名", "身份证号", "性别", "户籍地代码", "居住地代码", "参保方式"]
OFFICER = "registration:read registration:write registration:approve"


def number(order: int, birth: str = "19800203") -> str:
    """An invented identity number with a right check digit."""
    stem = f"140522{birth}{order:03d}"
    return stem + ric.calc_check_digit(f"{stem}0")


@dataclass(frozen=True)
class Villager:
    """A row of a roster."""

    number: str
    name: str = "张三"
    hukou: str = PLACE
    residence: str = PLACE
    kind: str = "续保"

    def cells(self, columns: Sequence[str]) -> list[str]:
        """The row under these columns."""
        known = {"户号": "0001", "户主": "张大", "班级": "一年级1班", "性别": "男", "姓名": self.name}
        known |= {"身份证号": self.number, "户籍地代码": self.hukou, "居住地代码": self.residence}
        return [{**known, "参保方式": self.kind}[column] for column in columns]


def roster_file(people: Sequence[Villager], columns: Sequence[str] = VILLAGE_COLUMNS) -> bytes:
    """A roster as XLSX."""
    return write_sheet("xlsx", columns, [person.cells(columns) for person in people])


def keyed(*, file: bool = False) -> dict[str, str]:
    """Headers of a request that makes something."""
    kind = {"Content-Type": "application/octet-stream"} if file else {}
    return {"Idempotency-Key": str(new_id()), **kind}


async def publish_package(
    suite: InProcessSuite, source: bytes | None = None, correction: dict[str, str] | None = None
) -> str:
    """Draft, validate and publish the package by two officers; its version."""
    drafter = suite.client("registration", OFFICER, user="officer-a")
    draft = await drafter.post("/v1/packages", content=source or PACKAGE, headers=keyed(file=True))
    assert draft.status_code == 201, draft.text
    version: str = draft.json()["version"]
    path = f"/v1/packages/{draft.json()['scheme']}/{version}"
    validated = await drafter.post(f"{path}/validate", json={"correction": correction})
    assert validated.status_code == 200, validated.text
    publisher = suite.client("registration", OFFICER, user="officer-b")
    published = await publisher.post(f"{path}/publish")
    assert published.status_code == 200, published.text
    return version


async def found_town(suite: InProcessSuite) -> None:
    """Publish the package and make a village, a school and the agency."""
    await publish_package(suite)
    officer = suite.client("registration", OFFICER)
    units = [(VILLAGE, "village", PLACE), (SCHOOL, "school", "140522108000"), (AGENCY, "institution", POOL)]
    for unit_code, kind, region in units:
        unit = {"pool": POOL, "unit_code": unit_code, "name": f"单位{unit_code}", "kind": kind, "region": region}
        made = await officer.post("/v1/units", json=unit, headers=keyed())
        assert made.status_code == 201, made.text


@asynccontextmanager
async def town_alone(databases: dict[str, str], folder: Path) -> AsyncIterator[InProcessSuite]:
    """The town in September 2021, without payments and refunds; in the end all invariants hold."""
    running = InProcessSuite(databases, folder / "keys", only=("eligibility", "registration"))
    jobs = running.apps["registration"].state.jobs
    jobs[:] = [job for job in jobs if not job.name.startswith("follow")]  # payments is not here to be followed
    running.set_clock("2021-08-16 09:00")
    await found_town(running)
    running.set_clock("2021-09-03 09:00")
    yield running
    assert await running.invariants_broken() == {}
    await running.close()


async def hand_in(
    client: httpx.AsyncClient, data: bytes, *, unit_code: str = VILLAGE, scheme: str = SCHEME
) -> dict[str, Any]:
    """Hand in a roster; the roster as answered."""
    params = {"pool": POOL, "scheme": scheme, "unit_code": unit_code, "file_name": "花名册.xlsx"}
    answer = await client.post("/v1/rosters", params=params, content=data, headers=keyed(file=True))
    assert answer.is_success, answer.text
    roster: dict[str, Any] = answer.json()
    return roster


async def hand_in_feed(suite: InProcessSuite, supplier: str, columns: Sequence[str], *rows: Sequence[str]) -> None:
    """Hand a department's list over to eligibility and let it be judged; every row must be good."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([columns, *rows])
    client = suite.client("eligibility", "eligibility:read eligibility:write")
    params = {"pool": POOL, "supplier": supplier, "file_name": "名单.csv"}
    handed = await client.post("/v1/feeds", params=params, content=out.getvalue().encode(), headers=keyed(file=True))
    assert handed.status_code == 201, handed.text
    await suite.settle_down()
    feed = (await client.get(f"/v1/feeds/{handed.json()['feed_id']}", params={"pool": POOL})).json()
    assert (feed["state"], feed["rows_accepted"]) == ("taken", len(rows)), feed


async def rows_of(client: httpx.AsyncClient, roster_id: str) -> list[dict[str, Any]]:
    """What became of a roster's rows."""
    answer = await client.get(f"/v1/rosters/{roster_id}/rows", params={"pool": POOL, "limit": 1000})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def progress(client: httpx.AsyncClient) -> dict[str, Any]:
    """How far the scheme has come."""
    answer = await client.get("/v1/progress", params={"pool": POOL, "scheme": SCHEME})
    found: dict[str, Any] = answer.json()
    return found


class Disturbed(httpx.AsyncBaseTransport):
    """A way to eligibility on which something happens at the `nth` question about statuses; counts whom they name."""

    def __init__(
        self, suite: InProcessSuite, nth: int = 0, happens: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._inner = httpx.ASGITransport(suite.apps["eligibility"])
        self._nth, self._happens = nth, happens
        self.asked: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/statuses/query"):
            self.asked.append(len(orjson.loads(await request.aread())["person_ids"]))
            if self._happens and len(self.asked) == self._nth:
                await self._happens()
        return await self._inner.handle_async_request(request)


class KilledError(Exception):
    """The process is gone."""


async def killed() -> None:
    """What befalls a process that dies."""
    raise KilledError


def worker(suite: InProcessSuite, disturbed: Disturbed) -> FastAPI:
    """Another worker of registration on the same database."""
    first = suite.apps["registration"].state.service
    return create_app(first.settings, clock=suite.clock, transports={**suite._transports, "eligibility": disturbed})


async def let_runs_go(suite: InProcessSuite) -> None:
    """The leases of all runs have run out."""
    async with suite.apps["registration"].state.database.engine.begin() as connection:
        await connection.execute(text("update package_run set free_from = now()"))
