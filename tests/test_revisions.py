"""Lists that come after people have enrolled or paid: what is due changes, the difference goes back, books agree."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from services.payments import usecases as payments
from shared.ids import new_id
from shared.jobs import drain
from tests.payments_town import POOL
from tests.registration_town import OFFICER, Villager, hand_in, hand_in_feed, number, progress, roster_file
from tests.revisions_town import AID, STANDARD, Json, Town
from tests.suite import InProcessSuite, close_app

DIFFERENCE = 28000  # dibao: 80 % of 320 yuan, 280 at least (S004-14)


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    running = InProcessSuite(databases, tmp_path / "keys")
    yield running
    await running.close()


async def assessments(town: Town, order: int = 1) -> list[tuple[int, int, str]]:
    """Revision, payable and state of a person's assessments."""
    found = await town.items("registration", "assessments", order)
    return [(one["revision"], one["payable_fen"], one["state"]) for one in found]


async def bills(town: Town, order: int = 1) -> list[tuple[int, str]]:
    """Amount and status of a person's bills, each behind the one that it replaces."""
    after = {bill["replaces"]: bill for bill in await town.items("payments", "bills", order)}
    found, bill = [], after.get(None)
    while bill:
        found.append((bill["amount_fen"], bill["status"]))
        bill = after.get(bill["bill_no"])
    return found


# A list that lowers what is due


async def test_an_unpaid_bill_gives_way_to_one_with_less_due(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite)
    suite.set_clock("2021-09-10 09:00")
    await town.aid(1)
    assert await assessments(town) == [(1, STANDARD, "superseded"), (2, 4000, "in_force")]
    assert await bills(town) == [(STANDARD, "voided"), (4000, "open")]
    [voided] = await town.events("payments", "bill.voided")
    assert voided["replaced_by"] == (await town.bill(1))["bill_no"]
    assert (await town.paid(1))["released_fen"] == 0
    assert len(await town.items("registration", "covers", 1)) == 1
    assert await town.items("refunds", "applications") == []
    await town.in_order()


@pytest.mark.rule("A004-10", "A004-11")
@pytest.mark.parametrize(
    ("identified_on", "came"),
    [
        ("2021-03-01", "2021-10-12 09:00"),  # held at payment, the list came later (A004-11)
        ("2021-10-01", "2021-10-12 09:00"),  # recognised after payment, inside the window
        ("2021-10-01", "2021-10-28 09:00"),  # on a day on which nothing is paid; the mask is for paying (A004-12)
        ("2021-12-20", "2021-12-25 23:00"),
    ],
)
async def test_who_paid_in_full_gets_the_difference_back(suite: InProcessSuite, identified_on: str, came: str) -> None:
    town = await Town.enrolled(suite)
    collection = await town.paid(1)
    suite.set_clock(came)
    await town.aid(1, since=identified_on)
    assert await assessments(town) == [(1, STANDARD, "superseded"), (2, 4000, "in_force")]
    assert await bills(town) == [(STANDARD, "voided"), (4000, "paid")]
    [revised] = await town.events("registration", "assessment.revised")
    assert (revised["reason"], revised["difference_fen"]) == ("status_recognised", -DIFFERENCE)
    assert (revised["found_on"], revised["lines"][0]["status"]) == (came[:10], "dibao")
    standing = await town.collection(collection["collection_id"])
    assert (standing["outcome"], standing["bill_no"]) == ("settled", collection["bill_no"])
    assert (standing["released_fen"], standing["settles"]) == (DIFFERENCE, (await town.bill(1))["bill_no"])
    found = await town.application()
    assert (found["ground"], found["amount_fen"], found["requested_by"]) == ("status_recognised", DIFFERENCE, "system")
    assert (found["requested_on"], found["late"]) == (came[:10], False)
    funds = await town.funds()
    assert (funds["surplus_fen"], funds["claims_due_fen"]) == (DIFFERENCE, DIFFERENCE)
    await town.in_order()
    await town.refund(found)
    funds = await town.funds()
    assert (funds["surplus_fen"], funds["refunded_fen"], funds["voided"]) == (0, DIFFERENCE, 0)
    [enrolment] = await town.items("registration", "enrolments", 1)
    assert (enrolment["state"], enrolment["paid_fen"], enrolment["revision"]) == ("paid", 4000, 2)
    assert len(await town.items("registration", "covers", 1)) == 1
    await town.in_order()


async def test_who_owes_nothing_after_all_gets_everything_back(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite, 2)
    await town.paid(1)
    await town.paid(2)
    await town.aid(1, "特困")
    assert await bills(town) == [(STANDARD, "voided"), (0, "paid")]
    await town.in_order()
    assert (await town.funds())["voided"] == 0  # the receipt stands until the money is back
    await town.refund(await town.application())
    assert (await town.funds())["voided"] == 1
    await town.in_order()


async def test_two_lists_one_after_the_other_open_two_cases(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite)
    await town.paid(1)
    await town.aid(1)
    first = await town.approve(await town.application())
    await town.aid(1, "特困")
    assert [state for *_, state in await assessments(town)] == ["superseded", "superseded", "in_force"]
    second = await town.application(state="requested")
    assert (first["amount_fen"], second["amount_fen"]) == (DIFFERENCE, 4000)
    await town.in_order()
    assert (await town.pay_back(first)).json()["state"] == "paid"
    await suite.settle_down()
    await town.refund(second)
    funds = await town.funds()
    assert (funds["refunded_fen"], funds["surplus_fen"], funds["voided"]) == (STANDARD, 0, 1)
    await town.in_order()


@pytest.mark.rule("A004-9")
async def test_the_payer_of_the_help_changes_and_nobody_pays_anything(suite: InProcessSuite) -> None:
    """Two statuses of the same amount: the one listed first pays (A004-9), whichever list came first."""
    town = await Town.enrolled(suite)
    disabled = ["姓名", "身份证号", "残疾等级", "评定日期", "终止日期"]
    await hand_in_feed(
        suite, "disabled_federation", disabled, ["张三", town.people[1].number, "一级", "2020-01-01", ""]
    )
    assert (await town.bill(1))["lines"][0]["payer"] == "original_channel"
    await town.aid(1, "特困")
    assert (await town.bill(1))["lines"][0]["payer"] == "medical_assistance_fund"
    assert (await town.funds())["claims_due_fen"] == STANDARD
    await town.in_order()


# After the window


@pytest.mark.rule("A004-11")
async def test_after_the_window_a_person_decides_twice(suite: InProcessSuite) -> None:
    """Registration's head whether the list counts, the agency whether the money goes back; both say why."""
    town = await Town.enrolled(suite)
    await town.paid(1)
    suite.set_clock("2021-12-27 09:00")
    await town.aid(1, since="2021-12-01")
    assert await bills(town) == [(STANDARD, "paid")]
    assert await town.items("refunds", "applications") == []
    [case] = await town.items("registration", "status-cases", state="open")
    assert (case["kind"], case["found_on"], case["status"]) == ("recognised_late", "2021-12-27", "dibao")
    assert (case["payable_fen"], case["would_be_fen"]) == (STANDARD, 4000)
    decided = await town.decide_case(case)
    assert (decided["http"], decided["state"], decided["decided_by"]) == (200, "approved", "head-chen")
    assert (await town.decide_case(decided))["code"] == "case_decided"
    await town.in_order()
    found = await town.application()
    assert (found["late"], found["requested_on"], found["amount_fen"]) == (True, "2021-12-27", DIFFERENCE)
    silent = await town.step(found, "check", "checker", {"result": "confirmed"})
    assert (silent.status_code, silent.json()["code"]) == (422, "note_needed")
    await town.refund(found, note="花名逾期报送，责任不在缴费人")
    assert (await town.funds())["refunded_fen"] == DIFFERENCE
    await town.in_order()


async def test_a_case_that_is_declined_or_that_the_lists_do_not_bear_out(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite, 3)
    for order in (1, 2, 3):
        await town.paid(order)
    suite.set_clock("2021-12-27 09:00")
    await town.aid(1, since="2021-12-01")
    await town.aid(2, since="2021-12-01")
    await town.aid(3, since="2021-12-26")  # began after the window: there is nothing to decide
    one, two = await town.items("registration", "status-cases", state="open")
    assert (await town.decide_case(one, "declined", "非经办责任"))["state"] == "declined"
    await town.aid(2, since="2021-12-01", until="2021-12-10")
    await town.aid(2, since="2021-12-01", until="2021-12-02")
    assert (await town.decide_case(two))["code"] == "case_moot"
    assert [amount for order in (1, 2, 3) for amount, _ in await bills(town, order)] == [STANDARD] * 3
    await town.in_order()


# A status that is withdrawn


async def test_a_status_that_is_withdrawn_raises_what_is_unpaid(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite)
    await town.aid(1)
    await town.aid(1, until="2021-08-31")  # stated otherwise: withdrawn and granted anew
    assert [(payable, state) for _, payable, state in await assessments(town)] == [
        (STANDARD, "superseded"),
        (4000, "superseded"),
        (STANDARD, "in_force"),
    ]
    assert [status for _, status in await bills(town)] == ["voided", "voided", "open"]
    revised = await town.events("registration", "assessment.revised")
    assert [news["reason"] for news in revised] == ["status_recognised", "status_withdrawn"]
    await town.in_order()


async def test_nothing_is_collected_again_of_who_has_paid(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite)
    await town.aid(1)
    await town.paid(1)
    await town.aid(1, until="2021-08-31")
    assert await bills(town) == [(STANDARD, "voided"), (4000, "paid")]
    [noted] = await town.items("registration", "status-cases")
    assert (noted["kind"], noted["state"]) == ("withdrawn_after_payment", "noted")
    assert (noted["payable_fen"], noted["would_be_fen"]) == (4000, STANDARD)
    assert (await town.decide_case(noted))["code"] == "case_decided"
    await town.in_order()


# Who does not join after all


@pytest.mark.parametrize(("how", "ground", "refused_as"), [
    ("employed", "joined_employee", "employee_insured"),
    ("died", "deceased", "not_eligible"),
])  # fmt: skip
async def test_who_is_insured_elsewhere_or_dead_before_the_year_gets_everything_back(
    suite: InProcessSuite, how: str, ground: str, refused_as: str
) -> None:
    town = await Town.enrolled(suite, 2)
    await town.paid(1)
    suite.set_clock("2021-11-10 09:00")
    await getattr(town, how)(1, "2021-11-01")
    [enrolment] = await town.items("registration", "enrolments", 1)
    assert enrolment["state"] == "withdrawn"
    [cover] = await town.items("registration", "covers", 1)
    assert cover["end_reason"] == enrolment["withdrawn_reason"]
    assert len(await town.events("registration", "cover.ended")) == 1
    assert await bills(town) == [(STANDARD, "voided")]
    client = suite.client("registration", OFFICER)
    found = await progress(client)
    assert (found["enrolled"], found["withdrawn"], found["covered"]) == (1, 1, 0)
    assert (found["assessed"]["count"], found["refused"]) == (1, {refused_as: 1})
    await town.in_order()
    application = await town.application()
    assert (application["ground"], application["amount_fen"]) == (ground, STANDARD)
    await town.refund(application)
    funds = await town.funds()
    assert (funds["refunded_fen"], funds["voided"], funds["surplus_fen"]) == (STANDARD, 1, 0)
    await town.in_order()


async def test_employee_insurance_that_begins_with_or_in_the_year_changes_nothing(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite, 3)
    for order in (1, 2, 3):
        await town.paid(order)
    suite.set_clock("2021-11-10 09:00")
    await town.employed(1, "2021-05-01", "2021-10-31")  # over before the year begins
    suite.set_clock("2022-02-10 09:00")
    await town.employed(2, "2022-02-01")
    await town.died(3, "2022-02-03")
    assert {status for order in (1, 2, 3) for _, status in await bills(town, order)} == {"paid"}
    assert await town.items("registration", "status-cases") == []
    await town.in_order()


async def test_who_has_not_paid_is_withdrawn_and_cannot_pay_but_may_enrol_again(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite)
    await town.employed(1, "2021-09-01")
    [voided] = await town.items("payments", "bills", 1)
    assert voided["status"] == "voided"
    assert (await town.take(voided, pos="late"))["reason"] == "bill_voided"
    await town.employed(1, "2021-09-01", "2021-09-20")  # the employer had made a mistake
    suite.set_clock("2021-10-05 09:00")
    again = await hand_in(suite.client("registration", OFFICER), roster_file([Villager(number(1), kind="新参")]))
    await suite.settle_down()
    [row] = (await town.get("registration", f"rosters/{again['roster_id']}/rows"))["items"]
    assert row["outcome"] == "enrolled"
    assert (await town.paid(1))["outcome"] == "settled"
    assert [cover["end_reason"] for cover in await town.items("registration", "covers", 1)] == [None]
    await town.in_order()


async def test_told_after_the_window_the_refund_is_for_a_person_to_decide(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite)
    await town.paid(1)
    suite.set_clock("2021-12-28 09:00")
    await town.employed(1, "2021-12-15")
    found = await town.application()
    assert (found["late"], found["ground"], found["requested_on"]) == (True, "joined_employee", "2021-12-28")
    rejected = await town.step(found, "check", "checker", {"result": "rejected", "note": "逾期，按A004-12不予退费"})
    assert rejected.json()["state"] == "rejected"
    await town.in_order()


async def test_told_after_cover_began_a_person_decides_whether_it_ends(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite)
    await town.paid(1)
    suite.set_clock("2022-01-10 09:00")
    await town.employed(1, "2021-12-15")
    assert (await bills(town), await town.items("refunds", "applications")) == ([(STANDARD, "paid")], [])
    [case] = await town.items("registration", "status-cases", state="open")
    assert (case["kind"], case["status"]) == ("excluded_late", "employee_insured")
    await town.decide_case(case, note="未发生待遇，予以退保")
    assert await bills(town) == [(STANDARD, "voided")]
    assert (await town.application())["late"]
    await town.in_order()


# Once, whoever is at it


async def test_the_same_news_again_and_a_follower_from_nothing_change_nothing(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite, 2)
    await town.paid(1)
    await town.aid(1)
    await town.aid(2)
    await town.aid(1, since="2021-04-01")  # another decision about the same thing
    before = [await assessments(town, order) for order in (1, 2)]
    assert [len(found) for found in before] == [2, 2]
    async with suite.apps["registration"].state.database.writing() as tx:
        await tx.execute("delete from follow_cursor where source = 'eligibility'")
    await suite.settle_down()
    assert [await assessments(town, order) for order in (1, 2)] == before
    assert len(await town.items("refunds", "applications")) == 1
    await town.in_order()


@pytest.mark.lesson("N workers")
async def test_two_workers_of_each_service_revise_each_once(suite: InProcessSuite) -> None:
    """Lesson: N workers: no record handled twice (MOSIP #1540)."""
    heads = 12
    town = await Town.enrolled(suite, heads)
    for order in range(1, heads, 2):
        await town.paid(order)
    seconds = [suite.make_app(service) for service in ("registration", "payments", "refunds")]
    feed = [["张三", town.people[order].number, "低保", "2021-03-01", ""] for order in range(1, heads + 1)]
    await _hand_over_quietly(suite, feed)
    apps = [*suite.apps.values(), *seconds]
    for _ in range(3):
        await asyncio.gather(*[drain(app.state.jobs) for app in apps])
    for app in seconds:
        await close_app(app)
    await suite.settle_down()
    found = await town.items("registration", "assessments", limit=1000)
    assert Tally(one["state"] for one in found) == {"superseded": heads, "in_force": heads}
    assert len(await town.items("refunds", "applications")) == heads // 2
    assert (await town.funds())["surplus_fen"] == heads // 2 * DIFFERENCE
    await town.in_order()


async def _hand_over_quietly(suite: InProcessSuite, rows: list[list[str]]) -> None:
    """A list that eligibility has taken and nobody has followed yet."""
    text = "\r\n".join(",".join(row) for row in [AID, *rows])
    answer = await suite.client("eligibility", "eligibility:read eligibility:write").post(
        "/v1/feeds",
        params={"pool": POOL, "supplier": "civil_affairs", "file_name": "名单.csv"},
        content=text.encode(),
        headers={"Idempotency-Key": str(new_id()), "Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    await drain(suite.apps["eligibility"].state.jobs)


async def _overtake(town: Town, order: int, until: str) -> None:
    """A list revises what is due of somebody, who pays the bill that stands before payments has heard of it."""
    bill = await town.bill(order)
    await _hand_over_quietly(town.suite, [["张三", town.people[order].number, "低保", "2021-03-01", until]])
    await drain(town.suite.apps["registration"].state.jobs)
    assert (await town.take(bill))["outcome"] == "settled"
    await town.suite.settle_down()


@pytest.mark.parametrize("paid_fen", [STANDARD, 4000])
async def test_money_that_comes_while_a_revision_is_on_its_way(suite: InProcessSuite, paid_fen: int) -> None:
    """Less is due: the rest goes back. More is due: paid is paid, and what was paid is in force again."""
    town = await Town.enrolled(suite)
    downward = paid_fen == STANDARD
    if not downward:
        await town.aid(1)
    await _overtake(town, 1, "" if downward else "2021-08-31")
    assert len(await town.events("registration", "assessment.reinstated")) == int(not downward)
    [enrolment] = await town.items("registration", "enrolments", 1)
    assert (enrolment["state"], enrolment["paid_fen"]) == ("paid", 4000)
    in_force = [payable for _, payable, state in await assessments(town) if state == "in_force"]
    assert in_force == [4000]
    assert len(await town.items("refunds", "applications")) == int(downward)
    cases = await town.items("registration", "status-cases")
    assert [case["kind"] for case in cases] == ([] if downward else ["withdrawn_after_payment"])
    await town.in_order()


class _NewsInBetween(httpx.AsyncBaseTransport):
    """A way to eligibility on which a department's list comes, and is followed, after the question was answered."""

    def __init__(self, suite: InProcessSuite, row: list[str]) -> None:
        self._suite, self._row = suite, row
        self._inner = httpx.ASGITransport(suite.apps["eligibility"])
        self.questions = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        if request.url.path == "/v1/statuses/query":
            self.questions += 1
            if self.questions == 1:
                await _hand_over_quietly(self._suite, [self._row])
                followers = self._suite.apps["registration"].state.jobs[1:]
                await drain(followers)
        return answer


@pytest.mark.lesson("list cannot change under the run")
@pytest.mark.parametrize("alone", [True, False])
async def test_the_list_that_an_amount_was_computed_from_cannot_change_under_the_run(
    suite: InProcessSuite, alone: bool
) -> None:
    """Lesson: the list that amounts were computed from cannot change under the run (OpenSPP #626)."""
    town = await Town.enrolled(suite)
    await town.aid(1)  # so that there is a cursor
    way = _NewsInBetween(suite, ["张三", number(2), "低保", "2021-03-01", ""])
    suite._transports["eligibility"] = way
    worker = suite.make_app("registration")
    client = suite.client("registration", OFFICER, app=worker)
    if alone:
        person: dict[str, Any] = {"name": "张三", "document": {"type": "resident_id", "number": number(2)}}
        person |= {"hukou": "140522108200", "residence": "140522108200"}
        asked = {
            "pool": POOL,
            "scheme": "yangcheng-2022",
            "unit_code": "14052201",
            "enrolment": "new",
            "person": person,
        }
        made = await client.post("/v1/enrolments", json=asked, headers={"Idempotency-Key": "one"})
        assert made.status_code == 201, made.text
    else:
        await hand_in(client, roster_file([Villager(number(2))]))
        await drain(worker.state.jobs[:1])
    await close_app(worker)
    assert way.questions == 2
    found: list[Json] = await town.items("registration", "assessments", limit=1000)
    assert (found[-1]["revision"], found[-1]["payable_fen"]) == (1, 4000)


async def test_money_taken_back_after_a_revision_opens_the_bill_that_it_paid(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite)
    collection = await town.paid(1)
    await town.aid(1)
    service: payments.Payments = suite.apps["payments"].state.service
    async with service.database.writing() as tx:
        await payments.reverse(tx, POOL, [UUID(collection["collection_id"])], "wrong card", service.clock.now())
    await suite.settle_down()
    assert await bills(town) == [(STANDARD, "voided"), (4000, "open")]
    [enrolment] = await town.items("registration", "enrolments", 1)
    assert (enrolment["state"], enrolment["paid_fen"]) == ("enrolled", None)
    funds = await town.funds()
    assert (funds["surplus_fen"], funds["claims_due_fen"], funds["held_fen"]) == (0, 0, 0)
    await town.in_order()
    refused = await town.step(await town.application(), "check", "checker", {"result": "confirmed"})
    assert [error["code"] for error in refused.json()["errors"]] == ["nothing_left"]
    await town.paid(1)
    covers = await town.items("registration", "covers", 1)
    assert [cover["end_reason"] for cover in covers] == ["bill_reversed", None]
    await town.in_order()


# Rows edited behind the services' back

_LATEST = "(select pool, enrolment_id, max(revision) as revision from assessment group by pool, enrolment_id) a"
_ITS = "a.pool = e.pool and a.enrolment_id = e.enrolment_id"
EDITS = [
    ("registration", "delete from event where type = 'assessment.revised'", {"assessment_as_told"}),
    ("registration", "delete from event where type = 'assessment.voided'", {"withdrawn_was_told"}),
    ("registration", "update enrolment set paid_revision = 1 where state = 'paid'", {"paid_what_was_payable"}),
    ("registration", "update enrolment set revision = 1 where state = 'paid'", {"in_force_was_told_last"}),
    (
        "registration",
        f"update enrolment e set revision = a.revision from {_LATEST} where {_ITS}",
        {"in_force_was_told_last"},
    ),
    ("registration", "delete from event where type = 'assessment.reinstated'", {"in_force_was_told_last"}),
    ("registration", "update assessment set revises = assessment_id where revision = 2", {"revision_follows_its_like"}),
    ("registration", "update cover set ended_at = null, end_reason = null", {"withdrawn_was_told", "cover_as_told"}),
    ("payments", "update transfer set amount_fen = amount_fen - 1 where kind = 'release'", {"released_is_posted"}),
    ("payments", "update bill set replaces = null", {"voided_bill_was_told"}),
    (
        "payments",
        "update bill set person_id = cast(md5(bill_no) as uuid) where replaces is not null",
        {"voided_bill_was_told"},
    ),
    ("payments", "delete from transfer where kind = 'claim'", {"claims_match_settled_bills"}),
]


async def test_an_edit_behind_the_services_back_is_found(suite: InProcessSuite) -> None:
    town = await Town.enrolled(suite, 3)
    await town.paid(1)
    await town.aid(1)
    await town.paid(2)
    await town.employed(2, "2021-09-01")
    await town.aid(3)
    await _overtake(town, 3, "2021-08-31")
    await town.in_order()
    for service, edit, finds in EDITS:
        invariants = import_module(f"services.{service}.invariants").INVARIANTS
        async with suite.apps[service].state.database.engine.connect() as connection:
            await connection.execute(text(edit))
            broken = {
                one.name
                for one in invariants
                if (await connection.execute(text(one.sql))).mappings().first() is not None
            }
            await connection.rollback()
        assert broken & finds, (edit, broken)
