"""What the tests of eligibility hand in and ask: lists as bytes, invented numbers, the questions of a clerk."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import httpx
from stdnum.cn import ric

from tests.suite import InProcessSuite

POOL = "140522"
VILLAGE = "140522108200"
ALL = "eligibility:read eligibility:write"
POLICE = ["姓名", "身份证号", "性别", "户号", "户籍地代码", "变动类型", "变动日期"]
DISABLED = ["姓名", "身份证号", "残疾等级", "评定日期", "终止日期"]
EMPLOYED = ["姓名", "身份证号", "参保单位", "参保起始日期", "参保终止日期"]
VETERANS = ["姓名", "身份证号", "优抚类别", "认定日期", "终止日期"]


@asynccontextmanager
async def eligibility_alone(databases: dict[str, str], folder: Path) -> AsyncIterator[InProcessSuite]:
    """Eligibility in August 2021, nobody else running; in the end all its invariants hold."""
    running = InProcessSuite(databases, folder / "keys", only=("eligibility",))
    running.set_clock("2021-08-16 09:00")
    yield running
    assert await running.invariants_broken() == {}
    await running.close()


def number(order: int, birth: str = "19800203") -> str:
    """An invented identity number with a right check digit."""
    stem = f"140522{birth}{order:03d}"
    return stem + ric.calc_check_digit(f"{stem}0")


def sheet(heading: Sequence[str], *rows: Sequence[str], encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([heading, *rows])
    return out.getvalue().encode(encoding)


async def send(
    client: httpx.AsyncClient,
    supplier: str,
    data: bytes,
    *,
    file_name: str = "名单.csv",
    key: str | None = None,
    pool: str = POOL,
    **manifest: str,
) -> httpx.Response:
    return await client.post(
        "/v1/feeds",
        params={"pool": pool, "supplier": supplier, "file_name": file_name, **manifest},
        content=data,
        headers={
            "Idempotency-Key": key or f"{supplier}-{Random().random()}",
            "Content-Type": "application/octet-stream",
        },
    )


async def take(
    suite: InProcessSuite, supplier: str, data: bytes, *, becomes: str = "taken", pool: str = POOL, **manifest: str
) -> dict[str, Any]:
    """Hand a list over and have it taken; the feed as it stands then."""
    client = suite.client("eligibility", ALL)
    sent = await send(client, supplier, data, pool=pool, **manifest)
    assert sent.status_code == 201, sent.text
    await suite.settle_down()
    answer = await client.get(f"/v1/feeds/{sent.json()['feed_id']}", params={"pool": pool})
    feed: dict[str, Any] = answer.json()
    assert feed["state"] == (becomes or feed["state"])
    return feed


async def decide(
    suite: InProcessSuite, feed: dict[str, Any], act: str, *, user: str = "复核人", **body: str
) -> httpx.Response:
    """Approve, reject or withdraw a list."""
    client = suite.client("eligibility", "eligibility:approve", user=user)
    answer = await client.post(
        f"/v1/feeds/{feed['feed_id']}/{act}",
        params={"pool": feed["pool"]},
        json=body or None,
        headers={"Idempotency-Key": f"{act}-{feed['feed_id']}-{Random().random()}", "If-Match": f'"{feed["version"]}"'},
    )
    await suite.settle_down()
    return answer


async def person(client: httpx.AsyncClient, document: str) -> dict[str, Any]:
    body = {"pool": POOL, "document": {"type": "resident_id", "number": document}}
    answer = await client.post("/v1/persons/lookup", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def statuses(client: httpx.AsyncClient, person_id: str, as_of: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/persons/{person_id}/statuses", params={"pool": POOL, "as_of": as_of})
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    held: list[dict[str, Any]] = item["statuses"]
    return held


async def rows(suite: InProcessSuite, sql: str) -> list[dict[str, Any]]:
    async with suite.apps["eligibility"].state.database.reading() as tx:
        return [dict(row) for row in await tx.rows(sql)]
