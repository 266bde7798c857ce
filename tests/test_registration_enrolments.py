"""Single registrations, news from payments, audit lines, and rows edited behind the service's back."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.registration.invariants import INVARIANTS
from services.registration.usecases import learn_payments
from services.registration.usecases.payments import UnknownBillError
from shared.database import Database
from shared.events import Event
from shared.ids import new_id
from tests.registration_town import (
    AGENCY,
    OFFICER,
    POOL,
    SCHEME,
    VILLAGE,
    Villager,
    found_town,
    hand_in,
    hand_in_feed,
    keyed,
    number,
    progress,
    roster_file,
)
from tests.suite import InProcessSuite


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    running = InProcessSuite(databases, tmp_path / "keys", only=("eligibility", "registration"))
    running.apps["registration"].state.jobs[1:] = []  # payments is not here to be followed
    running.set_clock("2021-08-16 09:00")
    await found_town(running)
    running.set_clock("2021-09-01 09:00")
    yield running
    await running.close()


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("registration", OFFICER)


def request_for(identity_number: str, enrolment: str = "new", **changes: Any) -> dict[str, Any]:
    person = {"name": "张三", "document": {"type": "resident_id", "number": identity_number}}
    person |= {"hukou": VILLAGE, "residence": VILLAGE, **changes.pop("person", {})}
    asked = {"pool": POOL, "scheme": SCHEME, "unit_code": AGENCY, "enrolment": enrolment, "person": person}
    return {**asked, **changes}


async def enrol(client: httpx.AsyncClient, asked: dict[str, Any], headers: Any = None) -> httpx.Response:
    return await client.post("/v1/enrolments", json=asked, headers=headers or keyed())


def database_of(suite: InProcessSuite) -> Database:
    database: Database = suite.apps["registration"].state.database
    return database


@pytest.mark.rule("S004-02")
async def test_one_person_enrols(client: httpx.AsyncClient):
    answer = await enrol(client, request_for(number(1)))
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["outcome"], made["reasons"]) == ("enrolled", [])
    assert (made["enrolment"]["kind"], made["enrolment"]["state"], made["enrolment"]["roster_id"]) == (
        "new",
        "enrolled",
        None,
    )
    assert (made["assessment"]["payable_fen"], made["assessment"]["rules"]) == (32000, ["S004-09"])
    params = {"pool": POOL}
    stored = await client.get(f"/v1/enrolments/{made['enrolment']['enrolment_id']}", params=params)
    assert (stored.json(), stored.headers["ETag"]) == (made["enrolment"], '"1"')
    issued = await client.get(f"/v1/assessments/{made['assessment']['assessment_id']}", params=params)
    assert issued.json() == made["assessment"]
    assert (await progress(client))["expected"] == 0  # on no roster


async def test_a_retry_gets_the_first_answer(client: httpx.AsyncClient):
    key = keyed()
    first = await enrol(client, request_for(number(1)), key)
    again = await enrol(client, request_for(number(1)), key)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (first.json(), "true")
    other = await enrol(client, request_for(number(2)), key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await progress(client))["enrolled"] == 1
    missing = await client.post("/v1/enrolments", json=request_for(number(1)))
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")


@pytest.mark.rule("S000-01", "S002-18")
async def test_a_refusal_is_recorded_once_per_person_and_reason(suite: InProcessSuite, client: httpx.AsyncClient):
    employed = ["姓名", "身份证号", "参保单位", "参保起始日期", "参保终止日期"]
    await hand_in_feed(suite, "employee_insurance", employed, ["张三", number(1), "县医院", "2020-01-01", ""])
    stranger = request_for(number(1), person={"hukou": "140523001", "residence": "140523001"})
    for _ in range(2):
        answer = await enrol(client, stranger)
        assert (answer.status_code, answer.json()["outcome"]) == (201, "refused")
        codes = [(reason["code"], reason["rules"]) for reason in answer.json()["reasons"]]
        assert codes == [("employee_insured", ["S004-04"]), ("no_local_tie", ["S004-04"])]
    await enrol(client, request_for(number(2)))
    twice = await enrol(client, request_for(number(2), "renewal"))
    assert [reason["code"] for reason in twice.json()["reasons"]] == ["already_enrolled"]
    found = await progress(client)
    assert found["refused"] == {"already_enrolled": 1, "employee_insured": 1, "no_local_tie": 1}


@pytest.mark.rule("S004-34", "S004-35")
async def test_newborns(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2022-03-28 09:00")
    born = await enrol(client, request_for(number(1, "20220315"), "newborn", documents=["hukou_booklet"]))
    made = born.json()["assessment"]
    assert (made["standard_fen"], made["payable_fen"], made["lines"]) == (0, 0, [])
    assert made["cover"] == {"from": "2022-03-15", "to": "2022-12-31"}
    refused = await enrol(client, request_for(number(2, "20220315"), "newborn", documents=["photo"]))
    assert [reason["code"] for reason in refused.json()["reasons"]] == ["documents_missing"]
    older = await enrol(client, request_for(number(1, "20211231"), "newborn"))
    assert [reason["code"] for reason in older.json()["reasons"]] == ["not_eligible"]
    late = await enrol(client, request_for(number(1, "19800203"), "new"))
    assert [reason["code"] for reason in late.json()["reasons"]] == ["outside_window"]
    assert (await progress(client))["newborns"] == 1


async def test_who_is_nobody(client: httpx.AsyncClient):
    await enrol(client, request_for(number(1)))
    cases = [
        ({"document": {"type": "resident_id", "number": number(1)[:17] + "?"}}, "/person/document/number"),
        ({"name": "李四"}, "/person/name"),
    ]
    for person, pointer in cases:
        answer = await enrol(client, request_for(number(1), person=person))
        assert (answer.status_code, answer.json()["code"]) == (422, "person_refused")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    for change, code in (({"unit_code": "nowhere"}, "unit_unknown"), ({"scheme": "atlantis-2022"}, "scheme_unknown")):
        answer = await enrol(client, request_for(number(2), **change))
        assert (answer.status_code, answer.json()["code"]) == (404, code)


@pytest.mark.rule("S000-25", "S000-51")
async def test_an_area_enrols_and_reads_its_own(suite: InProcessSuite, client: httpx.AsyncClient):
    village = suite.client("registration", OFFICER, area=VILLAGE)
    assert (await enrol(village, request_for(number(1)))).json()["code"] == "area_forbidden"
    assert (await enrol(village, request_for(number(1), unit_code=VILLAGE))).status_code == 201
    made = (await enrol(client, request_for(number(2)))).json()
    for kind in ("enrolment", "assessment"):
        answer = await village.get(f"/v1/{kind}s/{made[kind][f'{kind}_id']}", params={"pool": POOL})
        assert (answer.status_code, answer.json()["code"]) == (403, "area_forbidden")
        assert len((await village.get(f"/v1/{kind}s", params={"pool": POOL})).json()["items"]) == 1
        assert len((await client.get(f"/v1/{kind}s", params={"pool": POOL})).json()["items"]) == 2


async def test_lists_page_and_narrow(client: httpx.AsyncClient):
    people = [(await enrol(client, request_for(number(order)))).json()["person_id"] for order in range(3)]
    for path in ("enrolments", "assessments"):
        seen: list[str] = []
        after = ""
        while True:
            params = {"pool": POOL, "scheme": SCHEME, "limit": "2", **({"after": after} if after else {})}
            found = (await client.get(f"/v1/{path}", params=params)).json()
            seen += [item["person_id"] for item in found["items"]]
            after = found["next"] or ""
            if not after:
                break
        assert seen == people
        one = (await client.get(f"/v1/{path}", params={"pool": POOL, "person_id": people[1]})).json()
        assert [item["person_id"] for item in one["items"]] == [people[1]]
        none = (await client.get(f"/v1/{path}", params={"pool": POOL, "scheme": "other"})).json()
        assert none == {"items": [], "next": None}


@pytest.mark.rule("S000-59", "S002-40")
async def test_writes_and_reads_of_persons_leave_audit_lines(suite: InProcessSuite, client: httpx.AsyncClient):
    made = (await enrol(client, request_for(number(1)))).json()
    await client.get("/v1/enrolments", params={"pool": POOL, "person_id": made["person_id"]})
    await client.get(f"/v1/assessments/{made['assessment']['assessment_id']}", params={"pool": POOL})
    async with database_of(suite).reading() as tx:
        lines = await tx.rows("select action, actor, persons from audit_line where persons <> '[]' order by seq")
    assert [line["action"] for line in lines] == ["person.registered", "enrolment.read", "assessment.read"]
    assert all((line["actor"], line["persons"]) == ("tester", [made["person_id"]]) for line in lines)


# News from payments


def paid(assessment: dict[str, Any], seq: int = 1) -> Event:
    """bill.paid as payments tells it."""
    data = {
        "bill_no": f"140522-{seq}",
        "assessment_id": assessment["assessment_id"],
        "person_id": assessment["person_id"],
        "scheme": SCHEME,
        "amount_fen": assessment["payable_fen"],
        "paid_on": "2021-09-05",
        "collection_id": str(new_id()),
        "receipt_no": "1",
    }
    return Event(POOL, seq, "bill.paid", data["bill_no"], 2, datetime(2021, 9, 5, 2, tzinfo=UTC), data)


async def learn(suite: InProcessSuite, events: Sequence[Event]) -> None:
    async with database_of(suite).writing() as tx:
        await learn_payments(tx, POOL, events)


async def assessments(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get("/v1/assessments", params={"pool": POOL})).json()["items"]
    return items


@pytest.mark.rule("S002-26")
async def test_a_paid_bill_starts_cover(suite: InProcessSuite, client: httpx.AsyncClient):
    await hand_in(client, roster_file([Villager(number(order)) for order in range(3)]))
    await suite.settle_down()
    issued = await assessments(client)
    other = Event(POOL, 3, "collection.surplus", "x", 1, datetime(2021, 9, 5, tzinfo=UTC), {})
    await learn(suite, [paid(issued[0], 1), other, paid(issued[2], 2)])
    covers = (await client.get("/v1/covers", params={"pool": POOL, "scheme": SCHEME})).json()["items"]
    assert [(cover["person_id"], cover["year"]) for cover in covers] == [
        (issued[0]["person_id"], 2022),
        (issued[2]["person_id"], 2022),
    ]
    assert {(cover["covered_from"], cover["covered_to"]) for cover in covers} == {("2022-01-01", "2022-12-31")}
    enrolments = (await client.get("/v1/enrolments", params={"pool": POOL})).json()["items"]
    assert [item["state"] for item in enrolments] == ["paid", "enrolled", "paid"]
    assert (enrolments[0]["paid_fen"], enrolments[0]["paid_on"], enrolments[0]["version"]) == (32000, "2021-09-05", 2)
    found = await progress(client)
    persons = [issued[0]["person_id"], issued[2]["person_id"]]
    digest = sum(int(md5(person.encode(), usedforsecurity=False).hexdigest()[:15], 16) for person in persons)
    assert found["covered"] == 2
    assert found["roster_paid"] == {"heads": 2, "amount_fen": 64000, "digest": str(digest)}
    events = (await client.get("/v1/events", params={"pool": POOL, "after": 3})).json()["items"]
    assert [event["type"] for event in events] == ["cover.started", "cover.started"]
    assert events[0]["data"] == {
        "cover_id": covers[0]["cover_id"],
        "person_id": issued[0]["person_id"],
        "scheme": SCHEME,
        "year": 2022,
        "from": "2022-01-01",
        "to": "2022-12-31",
    }
    assert await suite.invariants_broken() == {}


async def test_a_strange_bill_stops_the_follower_and_changes_nothing(suite: InProcessSuite, client: httpx.AsyncClient):
    await enrol(client, request_for(number(1)))
    [issued] = await assessments(client)
    strange = paid({**issued, "assessment_id": str(new_id())}, 2)
    with pytest.raises(UnknownBillError):
        await learn(suite, [paid(issued, 1), strange])
    assert (await progress(client))["covered"] == 0
    await learn(suite, [paid(issued, 1)])
    with pytest.raises(UnknownBillError):
        await learn(suite, [paid(issued, 1)])
    assert (await progress(client))["covered"] == 1


# Rows edited behind the service's back

TAMPERED = {
    "lines_sum_to_standard": "update assessment_line set amount_fen = amount_fen - 100",
    "assessment_as_told": "update assessment_line set payer = 'county_finance' where payer <> 'person'",
    "enrolment_is_assessed": "delete from assessment_line; delete from assessment",
    "paid_what_was_payable": "update enrolment set paid_fen = paid_fen + 1",
    "paid_is_covered": "update cover set covered_to = covered_to - 1",
    "cover_as_told": "update cover set covered_from = covered_from + 1",
    "roster_counts_its_rows": "update roster set rows_refused = 0",
    "refused_row_is_counted": "delete from refusal",
    "enrolled_row_enrolled_its_person": "update enrolment set roster_id = null",
    "no_roster_waits_long": "update roster set state = 'received', taken_at = null, free_from = now() - interval '2h'",
}


async def test_invariants_find_what_was_edited(suite: InProcessSuite, client: httpx.AsyncClient):
    rural = ["姓名", "身份证号", "残疾等级", "评定日期", "终止日期"]
    await hand_in_feed(suite, "disabled_federation", rural, ["张三", number(1), "二级", "2019-01-01", ""])
    away = {"hukou": "140523001001", "residence": "140523001001"}
    await hand_in(client, roster_file([Villager(number(1)), Villager(number(2)), Villager(number(3), **away)]))
    await suite.settle_down()
    await learn(suite, [paid(assessment, seq) for seq, assessment in enumerate(await assessments(client), start=1)])
    assert await suite.invariants_broken() == {}
    service = database_of(suite)
    for name, statements in TAMPERED.items():
        async with service.engine.connect() as connection:
            for statement in ("set local guards.off = 'on'", *statements.split(";")):
                await connection.execute(text(statement))
            sql = next(invariant.sql for invariant in INVARIANTS if invariant.name == name)
            found = (await connection.execute(text(sql))).mappings().all()
            assert found, name
            assert all(row["pool"] == POOL and row["subject"] for row in found), name
            await connection.rollback()
