"""Dry runs on real databases: the sums are those of assessing anew, whoever is killed, cancelled or comes late."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.registration.formats.package import read_package
from services.registration.rules import Accepted, assess
from services.registration.usecases import judge_dry_run
from services.registration.usecases.running import CHUNK_PEOPLE
from shared.sheets import read_sheet
from tests.registration_rules import facts, held
from tests.registration_town import (
    OFFICER,
    PACKAGE,
    POOL,
    SCHEME,
    Disturbed,
    KilledError,
    Villager,
    hand_in,
    hand_in_feed,
    keyed,
    killed,
    let_runs_go,
    number,
    progress,
    roster_file,
    town_alone,
    worker,
)
from tests.suite import InProcessSuite, close_app

HEADS = CHUNK_PEOPLE + 40
AID = ["姓名", "身份证号", "救助类别", "认定日期", "终止日期"]
HELPED = {**dict.fromkeys(range(40), "低保"), **dict.fromkeys(range(40, 60), "特困")}
CODES = {"低保": "dibao", "特困": "destitute"}
DEARER = PACKAGE.replace(b"individual_fen: 32000", b"individual_fen: 36000")
STRICTER = PACKAGE.replace(
    b"  excluded:\n", b"  excluded:\n    - {status: destitute, refused_as: not_eligible, rules: [S004-04]}\n"
)


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with town_alone(databases, tmp_path) as running:
        yield running


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("registration", OFFICER, user="officer-a")


async def enrolled(suite: InProcessSuite, client: httpx.AsyncClient, heads: int = HEADS) -> None:
    """A village of so many people, some of whom are helped."""
    aid = [["张三", number(n), word, "2021-03-01", ""] for n, word in HELPED.items() if n < heads]
    await hand_in_feed(suite, "civil_affairs", AID, *aid)
    await hand_in(client, roster_file([Villager(number(n)) for n in range(heads)]))
    await suite.settle_down()
    assert (await progress(client))["enrolled"] == heads


async def start(client: httpx.AsyncClient, source: bytes, **asked: Any) -> dict[str, Any]:
    """Draft a package and start its dry run."""
    draft = await client.post("/v1/packages", content=source, headers=keyed(file=True))
    assert draft.status_code == 201, draft.text
    path = f"/v1/packages/{draft.json()['scheme']}/{draft.json()['version']}/dry-run"
    started = await client.post(path, json=asked, headers=keyed())
    assert started.status_code == 201, started.text
    run: dict[str, Any] = started.json()
    assert (run["state"], run["persons_done"]) == ("running", 0)
    return run


async def read(client: httpx.AsyncClient, run: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"/v1/dry-runs/{run['run_id']}", params={"pool": POOL})
    found: dict[str, Any] = answer.json()
    return found


async def changes(client: httpx.AsyncClient, run: dict[str, Any], **params: Any) -> list[dict[str, Any]]:
    """Every change, page by page."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        path = f"/v1/dry-runs/{run['run_id']}/changes"
        page = (await client.get(path, params={"pool": POOL, "limit": 200, **params, **after})).json()
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def anew(source: bytes, heads: int = HEADS) -> Counter[tuple[str | None, str]]:
    """What each payer pays for each group, by assessing everybody one after the other."""
    package = read_package(source).package
    sums = Counter[tuple[str | None, str]]()
    for n in range(heads):
        statuses = (held(CODES[HELPED[n]]),) if n in HELPED else ()
        verdict = assess(package, facts(statuses=statuses))
        assert isinstance(verdict, Accepted)
        helped = next((line.status for line in verdict.lines if line.status), None)
        for line in verdict.lines:
            sums[helped, line.payer] += line.amount_fen
    return sums


def told(run: dict[str, Any], when: str) -> Counter[tuple[str | None, str]]:
    return Counter({(row["helped_as"], row["payer"]): row[f"{when}_fen"] for row in run["sums"]})


async def test_a_dearer_package_sums_up_to_assessing_everybody_anew(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await enrolled(suite, client)
    run = await start(client, DEARER)
    early = await client.get(f"/v1/dry-runs/{run['run_id']}/sums.xlsx", params={"pool": POOL})
    assert (early.status_code, early.json()["code"]) == (409, "dry_run_not_done")
    await suite.settle_down()
    done = await read(client, run)
    counts = (done["state"], done["persons_total"], done["persons_done"], done["persons_changed"])
    assert counts == ("done", HEADS, HEADS, HEADS)
    assert told(done, "before") == anew(PACKAGE)
    assert told(done, "after") == anew(DEARER)
    payers = Counter[str]()
    for row in done["sums"]:
        payers[row["payer"]] += row["before_fen"]
    assert payers == (await progress(client))["assessed"]["by_payer_fen"]
    assert [row["persons_after"] for row in done["sums"] if row["helped_as"] == "dibao"] == [40, 40]

    listed = await changes(client, run)
    assert len({change["person_id"] for change in listed}) == HEADS
    effects = Counter((change["effect"], change["after"]["payable_fen"]) for change in listed)
    # dibao: 80 % of 360 yuan, so that 72 are left where 40 were; destitute: nothing as before, but others pay more
    assert effects == {("pays_more", 36000): HEADS - 60, ("pays_more", 7200): 40, ("pays_the_same", 0): 20}
    assert len(await changes(client, run, effect="pays_the_same")) == 20
    file = await client.get(f"/v1/dry-runs/{run['run_id']}/changes.csv", params={"pool": POOL})
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row["人员编号"] for row in rows] == [change["person_id"] for change in listed]
    assert Counter(row["试算个人缴费（元）"] for row in rows) == {"360.00": HEADS - 60, "72.00": 40, "0.00": 20}
    workbook = await client.get(f"/v1/dry-runs/{run['run_id']}/sums.xlsx", params={"pool": POOL})
    sheet = read_sheet("sums.xlsx", workbook.content, required=["资助身份", "付款方", "试算金额（元）"])
    assert sheet.rows[-1].cells["试算金额（元）"] == f"{HEADS * 360:,}.00"

    # Nothing was touched, nobody outside the pool's officers sees it, and who has seen whom is on record.
    assert (await progress(client))["assessed"]["standard_fen"] == HEADS * 32000
    village = suite.client("registration", OFFICER, area="140522108")
    refused = await village.get(f"/v1/dry-runs/{run['run_id']}", params={"pool": POOL})
    assert refused.json()["code"] == "area_forbidden"
    async with suite.apps["registration"].state.database.reading() as tx:
        lines = await tx.rows("select persons from audit_line where action = 'dry_run.read'")
    assert len({person for line in lines for person in line["persons"]}) == HEADS


async def test_who_would_be_refused_is_counted_by_reason(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await enrolled(suite, client, 80)
    run = await start(client, STRICTER)
    await suite.settle_down()
    done = await read(client, run)
    assert (done["persons_changed"], done["persons_refused"]) == (0, 20)
    assert done["refusals"] == [{"code": "not_eligible", "persons": 20}]
    assert [row["persons_after"] for row in done["sums"] if row["helped_as"] == "destitute"] == [0]
    listed = (await changes(client, run, effect="refused"))[0]
    assert (listed["after"], listed["reasons"][0]["rules"]) == (None, ["S004-04"])


async def test_next_years_package_on_this_years_people(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await enrolled(suite, client, 80)
    source = DEARER.replace(b"yangcheng-2022", b"yangcheng-2023").replace(b"benefit_year: 2022", b"benefit_year: 2023")
    for year in (2022, 2021):
        source = source.replace(f"{year}-".encode(), f"{year + 1}-".encode())
    run = await start(client, source, against=SCHEME)
    await suite.settle_down()
    done = await read(client, run)
    assert (done["scheme"], done["package_scheme"], done["persons_done"]) == (SCHEME, "yangcheng-2023", 80)
    assert (done["persons_changed"], done["persons_refused"]) == (80, 0)
    assert told(done, "after") == anew(DEARER, 80)
    unknown = await client.post(
        f"/v1/packages/yangcheng-2023/{run['package']}/dry-run", json={"against": "atlantis"}, headers=keyed()
    )
    assert unknown.json()["code"] == "scheme_unknown"


async def test_the_version_in_force_changes_nothing_even_where_lists_came_late(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await enrolled(suite, client, 80)
    await hand_in_feed(suite, "civil_affairs", AID, ["张三", number(70), "低保", "2021-03-01", ""])  # not followed yet
    run = await start(client, PACKAGE)
    await suite.settle_down()
    done = await read(client, run)
    assert (done["persons_done"], done["persons_changed"], done["persons_refused"]) == (80, 0, 0)
    assert told(done, "before") == told(done, "after") == anew(PACKAGE, 80)


# Crashes, crowds and second thoughts


async def test_a_dry_run_that_others_took_over_or_that_was_killed_counts_everybody_once(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await enrolled(suite, client)
    run = await start(client, DEARER)

    async def taken_over() -> None:
        await let_runs_go(suite)
        dying = worker(suite, Disturbed(suite, 2, killed))
        with pytest.raises(KilledError):
            await judge_dry_run(dying.state.service)  # one chunk is done when it dies
        await close_app(dying)

    slow = worker(suite, Disturbed(suite, 1, taken_over))
    assert await judge_dry_run(slow.state.service)  # finds its chunk done and lets go
    await close_app(slow)
    half = await read(client, run)
    assert (half["state"], half["persons_done"], half["persons_changed"]) == ("running", CHUNK_PEOPLE, CHUNK_PEOPLE)
    watched = Disturbed(suite)
    third = worker(suite, watched)
    assert not await judge_dry_run(third.state.service)  # the lease of the one that died still runs
    await let_runs_go(suite)
    assert await judge_dry_run(third.state.service)
    await close_app(third)
    assert watched.asked == [HEADS - CHUNK_PEOPLE]  # no question, and no chunk, is larger than CHUNK_PEOPLE
    done = await read(client, run)
    assert (done["state"], done["persons_done"], done["persons_changed"]) == ("done", HEADS, HEADS)
    assert told(done, "after") == anew(DEARER)
    assert not await judge_dry_run(suite.apps["registration"].state.service)


async def test_two_workers_count_everybody_once_and_a_cancelled_run_stays_as_it_is(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await enrolled(suite, client, 80)
    run, other = await start(client, DEARER), await start(client, DEARER)
    cancelled = await client.post(f"/v1/dry-runs/{other['run_id']}/cancel", params={"pool": POOL})
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    service = suite.apps["registration"].state.service

    async def later() -> bool:
        await let_runs_go(suite)
        return await judge_dry_run(service)

    await asyncio.gather(judge_dry_run(service), later(), later())
    done = await read(client, run)
    assert (done["state"], done["persons_done"], told(done, "after")) == ("done", 80, anew(DEARER, 80))
    again = await client.post(f"/v1/dry-runs/{run['run_id']}/cancel", params={"pool": POOL})
    assert again.json()["state"] == "done"  # too late
    stands = await read(client, other)
    assert (stands["state"], stands["persons_done"], stands["sums"]) == ("cancelled", 0, [])
    listed = (await client.get("/v1/dry-runs", params={"pool": POOL, "scheme": SCHEME})).json()["items"]
    assert [one["state"] for one in listed] == ["done", "cancelled"]
    path = f"/v1/packages/{SCHEME}/{run['package']}/withdraw"
    assert (await client.post(path, json={"reason": "不再需要"})).json()["state"] == "withdrawn"
    refused = await client.post(path.replace("withdraw", "dry-run"), json={}, headers=keyed())
    assert (refused.status_code, refused.json()["code"]) == (409, "package_state")
