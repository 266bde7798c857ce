"""Rosters on real databases, with eligibility beside: who is enrolled, who goes back, what crashes and crowds do."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from services.registration.app import create_app
from services.registration.usecases import take_waiting_roster
from services.registration.usecases.taking import CHUNK_ROWS
from shared.sheets import read_sheet
from tests.registration_town import (
    OFFICER,
    POOL,
    SCHEME,
    SCHOOL,
    SCHOOL_COLUMNS,
    VILLAGE,
    Villager,
    found_town,
    hand_in,
    hand_in_feed,
    keyed,
    number,
    progress,
    roster_file,
    rows_of,
)
from tests.suite import InProcessSuite, close_app

AWAY = "140523001001"


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    running = InProcessSuite(databases, tmp_path / "keys", only=("eligibility", "registration"))
    running.apps["registration"].state.jobs[1:] = []  # payments is not here to be followed
    running.set_clock("2021-08-16 09:00")
    await found_town(running)
    yield running
    assert await running.invariants_broken() == {}
    await running.close()


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("registration", OFFICER)


async def taken(suite: InProcessSuite, client: httpx.AsyncClient, people: list[Villager], **unit: Any) -> Any:
    """Hand in a roster and let it be taken; the rows' outcomes with their reasons."""
    roster = await hand_in(client, roster_file(people, **unit.pop("columns", {})), **unit)
    await suite.settle_down()
    rows = await rows_of(client, roster["roster_id"])
    return [(row["outcome"], [reason["code"] for reason in row["reasons"]]) for row in rows]


@pytest.mark.rule("S000-60", "S002-18", "S002-26")
async def test_every_row_has_its_outcome(suite: InProcessSuite, client: httpx.AsyncClient):
    employed = ["姓名", "身份证号", "参保单位", "参保起始日期", "参保终止日期"]
    await hand_in_feed(suite, "employee_insurance", employed, ["张三", number(3), "县医院", "2020-01-01", ""])
    police = ["姓名", "身份证号", "性别", "户号", "户籍地代码", "变动类型", "变动日期"]
    await hand_in_feed(suite, "public_security", police, ["张三", number(4), "男", "1", VILLAGE, "死亡", "2021-08-01"])
    suite.set_clock("2021-09-01 09:00")
    people = [
        Villager(number(1)),
        Villager(number(2), hukou=AWAY, residence=AWAY),
        Villager(number(3), hukou=AWAY, residence=AWAY),
        Villager(number(4)),
        Villager(number(1)),
        Villager(number(5)[:17] + "?", name="", hukou="甲村", kind="迁移"),
        Villager(number(3), name="李四"),
    ]
    roster = await hand_in(client, roster_file(people))
    assert (roster["state"], roster["rows_total"]) == ("received", 7)
    await suite.settle_down()
    rows = await rows_of(client, roster["roster_id"])
    assert [(row["row"], row["outcome"], [reason["code"] for reason in row["reasons"]]) for row in rows] == [
        (2, "enrolled", []),
        (3, "refused", ["no_local_tie"]),
        (4, "refused", ["employee_insured", "no_local_tie"]),
        (5, "refused", ["not_eligible"]),
        (6, "rejected", ["duplicate_row"]),
        (7, "rejected", ["name_missing", "identity_number_invalid", "region_unknown", "enrolment_unknown"]),
        (8, "rejected", ["name_differs"]),
    ]
    done = (await client.get(f"/v1/rosters/{roster['roster_id']}", params={"pool": POOL})).json()
    counts = (done["state"], done["rows_enrolled"], done["rows_refused"], done["rows_rejected"])
    assert counts == ("taken", 1, 3, 3)
    found = await progress(client)
    assert (found["expected"], found["enrolled"], found["covered"]) == (4, 1, 0)
    assert found["refused"] == {"employee_insured": 1, "no_local_tie": 2, "not_eligible": 1}
    assert found["assessed"] == {"count": 1, "standard_fen": 32000, "by_payer_fen": {"person": 32000}}


@pytest.mark.rule("S002-18", "S002-26")
async def test_rows_go_back_as_they_came(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2021-09-01 09:00")
    wrong = Villager(number(1), hukou=AWAY, residence=AWAY)
    roster = await hand_in(client, roster_file([wrong, Villager(number(2)), Villager("123")]))
    address = f"/v1/rosters/{roster['roster_id']}/rejected"
    early = await client.get(address, params={"pool": POOL})
    assert (early.status_code, early.json()["code"]) == (409, "roster_not_taken")
    await suite.settle_down()
    returned = read_sheet("x.xlsx", (await client.get(address, params={"pool": POOL})).content, required=["退回原因"])
    assert returned.columns[-1] == "退回原因"
    assert [(row.cells["身份证号"], row.cells["退回原因"]) for row in returned.rows] == [
        (number(1), "没有参保所需的本地户籍、居住等关系"),
        ("123", "身份证号应为18位（前17位数字，末位数字或X）"),
    ]
    reader = suite.client("registration", "registration:read")
    masked = read_sheet("x.xlsx", (await reader.get(address, params={"pool": POOL})).content, required=[])
    assert masked.rows[0].cells["身份证号"] == f"1405{'*' * 12}{number(1)[-2:]}"


@pytest.mark.rule("S000-01", "S000-30", "S002-16", "S001-18", "A003-7")
async def test_a_person_on_two_rosters_is_enrolled_once(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2021-09-01 09:00")
    assert await taken(suite, client, [Villager(number(1))]) == [("enrolled", [])]
    both = [Villager(number(1)), Villager(number(2), kind="新参")]
    school = {"unit_code": SCHOOL, "columns": {"columns": SCHOOL_COLUMNS}}
    assert await taken(suite, client, both, **school) == [("refused", ["already_enrolled"]), ("enrolled", [])]
    third = [*both, Villager(number(3))]
    outcomes = await taken(suite, client, third)
    assert outcomes == [("refused", ["already_enrolled"]), ("refused", ["already_enrolled"]), ("enrolled", [])]
    found = await progress(client)
    assert (found["expected"], found["enrolled"], found["refused"]) == (3, 3, {"already_enrolled": 2})


async def test_the_same_bytes_are_the_same_roster(suite: InProcessSuite, client: httpx.AsyncClient):
    data = roster_file([Villager(number(1))])
    first = await hand_in(client, data)
    params = {"pool": POOL, "scheme": SCHEME, "unit_code": VILLAGE, "file_name": "again.xlsx"}
    again = await client.post("/v1/rosters", params=params, content=data, headers=keyed(file=True))
    assert (again.status_code, again.json()) == (200, first)
    listed = (await client.get("/v1/rosters", params={"pool": POOL, "scheme": SCHEME})).json()
    assert [roster["roster_id"] for roster in listed["items"]] == [first["roster_id"]]


@pytest.mark.rule("S004-02")
@pytest.mark.parametrize(
    ("now", "outcome", "assessed_for"),
    [
        ("2021-08-20 09:00", ("enrolled", []), "2021-09-01"),
        ("2021-09-25 23:59", ("enrolled", []), "2021-09-25"),
        ("2021-09-26 00:00", ("enrolled", []), "2021-10-01"),
        ("2021-12-25 23:59", ("enrolled", []), "2021-12-25"),
        ("2021-12-26 00:00", ("refused", ["outside_window"]), None),
    ],
)
async def test_the_mask_binds_paying_not_registering(
    suite: InProcessSuite, client: httpx.AsyncClient, now: str, outcome: Any, assessed_for: str | None
):
    suite.set_clock(now)
    assert await taken(suite, client, [Villager(number(1))]) == [outcome]
    issued = (await client.get("/v1/assessments", params={"pool": POOL})).json()["items"]
    assert [item["assessed_for"] for item in issued] == ([assessed_for] if assessed_for else [])


@pytest.mark.rule("S000-56", "S002-38", "S004-17")
async def test_help_comes_from_the_departments_lists(suite: InProcessSuite, client: httpx.AsyncClient):
    disabled = ["姓名", "身份证号", "残疾等级", "评定日期", "终止日期"]
    rows = [["张三", number(1), "二级", "2019-01-01", ""], ["张三", number(2), "三级", "2019-01-01", ""]]
    rows.append(["张三", number(3), "一级", "2019-01-01", "2021-08-31"])
    await hand_in_feed(suite, "disabled_federation", disabled, *rows)
    suite.set_clock("2021-09-01 09:00")
    await taken(suite, client, [Villager(number(order)) for order in (1, 2, 3)])
    issued = (await client.get("/v1/assessments", params={"pool": POOL})).json()["items"]
    assert [(item["payable_fen"], item["lines"][0]["payer"]) for item in issued] == [
        (0, "original_channel"),
        (32000, "person"),
        (32000, "person"),
    ]
    assert [gone["reason"] for gone in issued[1]["not_applied"]] == ["grade_not_covered"]


async def test_the_event_tells_all_that_a_bill_needs(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2021-09-01 09:00")
    await taken(suite, client, [Villager(number(1))])
    [event] = (await client.get("/v1/events", params={"pool": POOL})).json()["items"]
    [assessment] = (await client.get("/v1/assessments", params={"pool": POOL})).json()["items"]
    told = event["data"]
    assert (event["type"], event["subject"]) == ("assessment.issued", assessment["assessment_id"])
    same = ("assessment_id", "enrolment_id", "person_id", "scheme", "unit_code", "standard_fen", "payable_fen", "lines")
    assert {name: told[name] for name in same} == {name: assessment[name] for name in same}
    assert (told["version"], told["region"], told["cover"]) == (assessment["package"], VILLAGE, assessment["cover"])
    window = {"from": "2021-09-01", "to": "2021-12-25", "first_day": 1, "last_day": 25}
    assert told["window"] == {**window, "rules": ["S004-03", "S004-06", "S004-08"], "day_rules": ["S004-07"]}


async def test_an_area_sees_its_own(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2021-09-01 09:00")
    roster = await hand_in(client, roster_file([Villager(number(1))]))
    await suite.settle_down()
    village = suite.client("registration", OFFICER, area=VILLAGE)
    neighbour = suite.client("registration", OFFICER, area="140522108201")
    assert (await progress(village))["enrolled"] == 1
    assert (await progress(neighbour))["expected"] == 0
    for path in ("", "/rows", "/rejected"):
        answer = await neighbour.get(f"/v1/rosters/{roster['roster_id']}{path}", params={"pool": POOL})
        assert (answer.status_code, answer.json()["code"]) == (403, "area_forbidden")
    params = {"pool": POOL, "scheme": SCHEME, "unit_code": VILLAGE, "file_name": "a.xlsx"}
    data = roster_file([Villager(number(2))])
    answer = await neighbour.post("/v1/rosters", params=params, content=data, headers=keyed(file=True))
    assert answer.json()["code"] == "area_forbidden"


async def test_what_is_no_roster(suite: InProcessSuite, client: httpx.AsyncClient):
    good = roster_file([Villager(number(1))])
    cases: list[tuple[dict[str, str], bytes, int, str]] = [
        ({}, b"not a workbook", 422, "roster_unreadable"),
        ({}, roster_file([Villager(number(1))], SCHOOL_COLUMNS), 422, "roster_unreadable"),
        ({}, b"", 422, "empty_upload"),
        ({"file_name": "a.pdf"}, good, 422, "roster_unreadable"),
        ({"unit_code": "nowhere"}, good, 404, "unit_unknown"),
        ({"scheme": "atlantis-2022"}, good, 404, "scheme_unknown"),
    ]
    for change, data, status, code in cases:
        params = {"pool": POOL, "scheme": SCHEME, "unit_code": VILLAGE, "file_name": "a.xlsx", **change}
        answer = await client.post("/v1/rosters", params=params, content=data, headers=keyed(file=True))
        assert (answer.status_code, answer.json()["code"]) == (status, code), change


# Crashes and crowds


class _Dying(httpx.AsyncBaseTransport):
    """A way to eligibility on which the caller's process dies at the `nth` question about persons."""

    def __init__(self, eligibility: FastAPI, nth: int) -> None:
        self._inner = httpx.ASGITransport(eligibility)
        self._left = nth

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/resolve"):
            self._left -= 1
            if self._left == 0:
                raise _KilledError
        return await self._inner.handle_async_request(request)


class _KilledError(Exception):
    """The process is gone."""


def worker(suite: InProcessSuite, eligibility: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """Another worker of registration on the same database."""
    first = suite.apps["registration"].state.service
    transports = {**suite._transports, **({"eligibility": eligibility} if eligibility else {})}
    return create_app(first.settings, clock=suite.clock, transports=transports)


async def let_leases_run_out(suite: InProcessSuite) -> None:
    async with suite.apps["registration"].state.database.engine.begin() as connection:
        await connection.execute(text("update roster set free_from = now()"))


async def test_a_killed_import_resumes_where_it_stood(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2021-09-01 09:00")
    heads = CHUNK_ROWS + 40
    people = [Villager(number(n % 1000, f"19{60 + n // 1000}0101")) for n in range(heads)]
    roster = await hand_in(client, roster_file(people))
    dying = worker(suite, _Dying(suite.apps["eligibility"], nth=2))
    with pytest.raises(_KilledError):
        await take_waiting_roster(dying.state.service)
    await close_app(dying)
    half = (await client.get(f"/v1/rosters/{roster['roster_id']}", params={"pool": POOL})).json()
    assert (half["state"], half["rows_enrolled"]) == ("received", CHUNK_ROWS)
    service = suite.apps["registration"].state.service
    assert not await take_waiting_roster(service)  # its lease still runs
    await let_leases_run_out(suite)
    assert await take_waiting_roster(service)
    done = (await client.get(f"/v1/rosters/{roster['roster_id']}", params={"pool": POOL})).json()
    assert (done["state"], done["rows_enrolled"]) == ("taken", heads)
    assert (await progress(client))["assessed"]["count"] == heads
    assert not await take_waiting_roster(service)


@pytest.mark.lesson("N workers")
async def test_two_workers_on_two_rosters_of_the_same_people(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2021-09-01 09:00")
    people = [Villager(number(n)) for n in range(200)]
    await hand_in(client, roster_file(people))
    await hand_in(client, roster_file(people[::-1], SCHOOL_COLUMNS), unit_code=SCHOOL)
    second = worker(suite)
    services = [suite.apps["registration"].state.service, second.state.service]
    assert await asyncio.gather(*map(take_waiting_roster, services)) == [True, True]
    await close_app(second)
    found = await progress(client)
    assert (found["expected"], found["enrolled"], found["refused"]) == (200, 200, {"already_enrolled": 200})
    assert found["assessed"]["count"] == 200


async def test_two_workers_on_one_roster_have_one_effect(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2021-09-01 09:00")
    await hand_in(client, roster_file([Villager(number(n)) for n in range(50)]))
    second = worker(suite, _Waiting(suite.apps["eligibility"], suite))
    # The second claims first and is held up on its way to eligibility until the first, its lease gone, has done all.
    assert await take_waiting_roster(second.state.service)
    await close_app(second)
    found = await progress(client)
    assert (found["expected"], found["enrolled"], found["refused"]) == (50, 50, {})


class _Waiting(httpx.AsyncBaseTransport):
    """A way to eligibility so slow that another worker takes the roster over meanwhile."""

    def __init__(self, eligibility: FastAPI, suite: InProcessSuite) -> None:
        self._inner = httpx.ASGITransport(eligibility)
        self._suite = suite

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/resolve"):
            await let_leases_run_out(self._suite)
            assert await take_waiting_roster(self._suite.apps["registration"].state.service)
        return await self._inner.handle_async_request(request)
