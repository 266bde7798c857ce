"""Money that comes: one winner per bill, every fen booked once, receipts without gaps, whatever comes twice."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.payments import rules, usecases
from shared.codes import Channel
from shared.ids import new_id
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills
from tests.suite import InProcessSuite, close_app

LONGEST_WAIT_SECONDS = 60  # for the last of two hundred on a slow machine


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 10:00")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


async def summary(suite: InProcessSuite) -> dict[str, Any]:
    answer = await suite.client("payments", "payments:read").get("/v1/summary", params={"pool": POOL})
    body: dict[str, Any] = answer.json()
    return body


async def pay_back(suite: InProcessSuite, collection_id: str, counter: Counter, amount_fen: int = 32000) -> int:
    answer = await suite.client("payments", "payments:pay").post(
        "/v1/refunds",
        json={
            "pool": POOL,
            "refund_id": str(new_id()),
            "application_id": str(new_id()),
            "collection_id": collection_id,
            "shift_id": counter.shift["shift_id"],
            "method": "cash",
            "amount_fen": amount_fen,
            "paid_to": "王小明",
            "paid_by": counter.shift["clerk"],
        },
        headers={"Idempotency-Key": str(new_id())},
    )
    return answer.status_code


@pytest.mark.lesson("two payments alike")
@pytest.mark.rule("S004-23", "S000-48", "S002-28")
async def test_cash_settles_a_family_with_one_receipt_each(payments: InProcessSuite) -> None:
    family = await issue_bills(payments, [32000, 32000, 4000])
    counter = await Counter.open(payments)
    answer = await counter.take(family)
    assert answer.status_code == 201
    assert [item["outcome"] for item in answer.json()["items"]] == ["settled"] * 3
    assert [item["receipt_no"] for item in answer.json()["items"]] == [f"HALL01-0000000{n}" for n in (1, 2, 3)]
    found = await summary(payments)
    assert found["collected"]["by_channel"]["counter"] == {"count": 3, "amount_fen": 68000}
    assert found["funds"]["claims_due_fen"] == 28000
    assert found["funds"]["held_fen"] == 68000


@pytest.mark.rule("S002-38", "A004-10")
async def test_a_person_who_owes_nothing_is_settled_at_once_without_receipt(payments: InProcessSuite) -> None:
    [free] = await issue_bills(payments, [0])
    bill = (
        await payments.client("payments", "payments:read").get(f"/v1/bills/{free.bill_no}", params={"pool": POOL})
    ).json()
    assert (bill["status"], bill["paid_on"]) == ("paid", "2021-09-01")
    found = await summary(payments)
    assert found["collected"]["count"] == found["receipts"]["issued"] == 0
    assert found["funds"]["claims_due_fen"] == 32000


async def test_two_terminals_at_once_have_one_winner_and_the_other_is_surplus(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 10)
    second_worker = payments.make_app("payments")
    halls = [
        await Counter.open(payments, code="HALL01"),
        await Counter.open(payments, code="HALL02", app=second_worker),
    ]
    answers = await asyncio.gather(
        *[
            hall.take([bill], pos=f"ref-{at}-{hall.shift['counter_code']}")
            for at, bill in enumerate(bills)
            for hall in halls
        ]
    )
    outcomes = Tally((a.json()["items"][0]["bill_no"], a.json()["items"][0]["outcome"]) for a in answers)
    assert outcomes == {(bill.bill_no, outcome): 1 for bill in bills for outcome in ("settled", "surplus")}
    found = await summary(payments)
    assert found["receipts"] == {"issued": 20, "voided": 0, "gaps": 0, "duplicates": 0}
    assert found["funds"]["surplus_fen"] == 320000
    await close_app(second_worker)


async def test_families_in_opposite_order_do_not_block_each_other(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 20)
    halls = [await Counter.open(payments, code="HALL01"), await Counter.open(payments, code="HALL02")]
    answers = await asyncio.gather(
        *[hall.take(order, pos=f"{hall.shift['counter_code']}-{n}") for n in range(3)
          for hall, order in zip(halls, (bills, bills[::-1]), strict=True)]
    )  # fmt: skip
    assert {answer.status_code for answer in answers} == {201}
    outcomes = Tally(item["outcome"] for answer in answers for item in answer.json()["items"])
    assert outcomes == {"settled": 20, "surplus": 100}


async def test_the_same_slip_under_another_key_is_booked_once(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    answers = await asyncio.gather(*[counter.take([bill], pos="ref-1") for _ in range(10)])
    assert len({answer.json()["items"][0]["collection_id"] for answer in answers}) == 1
    assert (await summary(payments))["collected"]["count"] == 1


@pytest.mark.parametrize(
    ("now", "state", "amount_fen", "code", "rules"),
    [
        pytest.param(
            "2021-08-31 23:59:59",
            "open",
            32000,
            "outside_window",
            ["S004-06", "S004-08"],
            marks=pytest.mark.rule("S004-08"),
        ),
        pytest.param(
            "2021-09-26 00:00:00", "open", 32000, "closed_day", ["S004-07"], marks=pytest.mark.rule("S004-07")
        ),
        pytest.param(
            "2021-11-30 23:59:59", "open", 32000, "closed_day", ["S004-07"], marks=pytest.mark.rule("S004-07")
        ),
        pytest.param(
            "2021-12-26 00:00:00",
            "open",
            32000,
            "outside_window",
            ["S004-06", "S004-08"],
            marks=pytest.mark.rule("S004-08"),
        ),
        ("2021-12-05 10:00", "open", 31999, "amount_differs", []),
        ("2021-12-05 10:00", "paid", 32000, "already_paid", []),
        ("2021-12-05 10:00", "unknown", 32000, "bill_unknown", []),
    ],
)
async def test_cash_that_would_not_settle_is_not_taken(
    payments: InProcessSuite, now: str, state: str, amount_fen: int, code: str, rules: list[str]
) -> None:
    good, bad = await issue_bills(payments, [32000, 32000])
    counter = await Counter.open(payments)
    if state == "paid":
        await counter.take([bad], pos="earlier")
    if state == "unknown":
        bad = IssuedBill("1405220000000000000000", bad.person_id, 32000)
    payments.set_clock(now)
    before = await summary(payments)
    answer = await counter.take([bad], amount_fen=amount_fen)
    assert (answer.status_code, answer.json()["code"], answer.json()["rules"]) == (409, "payment_not_taken", rules)
    assert [error["code"] for error in answer.json()["errors"]] == [code]
    both = await counter.take([good, bad], amount_fen=amount_fen)
    assert both.status_code == 409
    assert await summary(payments) == before


@pytest.mark.rule("A004-1")
@pytest.mark.parametrize(
    "instant", ["2021-09-01 00:00:00", "2021-09-25 23:59:59", "2021-12-25 23:59:59", "2021-12-25T15:59:59+00:00"]
)
async def test_cash_is_taken_to_the_last_second_of_an_open_day(payments: InProcessSuite, instant: str) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    payments.set_clock(instant)
    assert (await counter.take([bill])).json()["items"][0]["outcome"] == "settled"


async def test_a_card_that_was_charged_wrongly_waits_in_suspense(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    wrong = (await counter.take([bill], pos="r1", amount_fen=31000)).json()["items"][0]
    assert (wrong["outcome"], wrong["reason"], wrong["receipt_no"]) == ("suspense", "amount_differs", None)
    unknown = (await counter.take([IssuedBill("140522ZZZZZZZZZZZZZZZZ", bill.person_id, 32000)], pos="r2")).json()[
        "items"
    ][0]
    assert (unknown["outcome"], unknown["reason"]) == ("suspense", "bill_unknown")
    found = await summary(payments)
    assert found["funds"]["suspense_fen"] == 63000
    assert found["collected"]["amount_fen"] == 63000
    assert found["receipts"]["issued"] == 0


@pytest.mark.lesson("200 receipts at once")
@pytest.mark.rule("S002-29")
async def test_two_hundred_receipts_at_once_with_rollbacks_leave_no_gap(payments: InProcessSuite) -> None:
    """One in ten dies after its receipt number was taken."""
    bills = await issue_bills(payments, [32000] * 200)
    counter = await Counter.open(payments)
    service: usecases.Payments = payments.apps["payments"].state.service
    now = service.clock.now()

    async def take(at: int, bill: IssuedBill) -> None:
        payment = usecases.Payment(
            channel=Channel.COUNTER,
            method="pos",
            reference=f"ref-{at}",
            bill_no=bill.bill_no,
            amount_fen=32000,
            paid_at=now,
            payer_name="王小明",
            payer_id=None,
            region="140522108",
            book_code="HALL01",
            taken_by="clerk-wang",
            shift_id=UUID(counter.shift["shift_id"]),
            held_account=rules.held_account(counter.shift["shift_id"]),
            message={},
        )
        async with service.database.writing() as tx:
            [row] = await usecases.settle(tx, POOL, [payment], now)
            assert row["receipt_no"]
            if at % 10 == 0:
                raise ConnectionError("the process was killed")

    async with asyncio.timeout(LONGEST_WAIT_SECONDS):  # nobody waits longer
        results = await asyncio.gather(*[take(at, bill) for at, bill in enumerate(bills)], return_exceptions=True)
    assert Tally(type(result) for result in results) == {type(None): 180, ConnectionError: 20}
    found = await summary(payments)
    assert found["receipts"] == {"issued": 180, "voided": 0, "gaps": 0, "duplicates": 0}
    assert found["collected"]["count"] == 180


@pytest.mark.lesson("50 refunds at once")
async def test_fifty_refunds_at_once_never_exceed_what_was_paid(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    await counter.take([bill])
    surplus = (await counter.take([bill], pos="again")).json()["items"][0]
    statuses = await asyncio.gather(*[pay_back(payments, surplus["collection_id"], counter, 10000) for _ in range(50)])
    assert Tally(statuses) == {201: 3, 409: 47}
    found = await summary(payments)
    assert found["refunds"] == {"count": 3, "amount_fen": 30000}
    assert found["receipts"]["voided"] == 1


async def test_settled_money_is_not_paid_back_as_surplus(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    settled = (await counter.take([bill])).json()["items"][0]
    assert await pay_back(payments, settled["collection_id"], counter) == 409


@pytest.mark.rule("S000-47")
async def test_closing_a_shift_hands_its_takings_to_the_special_account(payments: InProcessSuite) -> None:
    one, two = await issue_bills(payments, [32000, 4000])
    counter = await Counter.open(payments)
    await counter.take([one])
    await counter.take([two], pos="p1")
    surplus = (await counter.take([one], pos="p2")).json()["items"][0]
    assert await pay_back(payments, surplus["collection_id"], counter) == 201
    closed = (await counter.close(50000 - 100)).json()
    assert closed["expected_cash_fen"] == 50000 + 32000 - 32000
    assert closed["difference_fen"] == -100
    assert closed["takings_fen"] == 36000
    found = await summary(payments)
    assert (
        found["funds"]["special_account_fen"]
        == found["collected"]["amount_fen"] - found["refunds"]["amount_fen"]
        == 36000
    )
    assert found["funds"]["held_fen"] == found["funds"]["ledger_sum_fen"] == 0


async def test_a_shift_is_its_clerks_and_closes_once(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    other = Counter(payments.client("payments", "payments:read payments:write", user="clerk-li"), counter.shift)
    assert (await other.take([bill])).json()["code"] == "shift_of_another"
    assert (await counter.close(50000, version=7)).status_code == 412
    assert (await counter.close(50000)).status_code == 200
    assert (await counter.close(50000, version=2)).json()["code"] == "shift_closed"
    assert (await counter.take([bill])).json()["code"] == "shift_closed"


async def test_a_village_token_sees_only_its_bills(payments: InProcessSuite) -> None:
    await issue_bills(payments, [32000])
    for area, seen in (("", 1), ("140522", 1), ("140522108200", 1), ("140522108201", 0)):
        answer = await payments.client("payments", "payments:read", area=area).get("/v1/bills", params={"pool": POOL})
        assert len(answer.json()["items"]) == seen, area
    outside = await payments.client("payments", "payments:read", area="140500").get("/v1/bills", params={"pool": POOL})
    assert outside.status_code == 403


@pytest.mark.rule("S004-27", "S004-28")
async def test_queries_by_payer_and_by_insured_person(payments: InProcessSuite) -> None:
    one, two = await issue_bills(payments, [32000, 32000])
    counter = await Counter.open(payments)
    await counter.take([one, two])
    client = payments.client("payments", "payments:read")
    mine = (await client.get("/v1/collections", params={"pool": POOL, "person_id": str(one.person_id)})).json()["items"]
    assert [item["bill_no"] for item in mine] == [one.bill_no]
    first = (await client.get("/v1/collections", params={"pool": POOL, "limit": 1})).json()
    rest = (await client.get("/v1/collections", params={"pool": POOL, "limit": 1, "after": first["next"]})).json()
    assert {first["items"][0]["bill_no"], rest["items"][0]["bill_no"]} == {one.bill_no, two.bill_no}
    assert rest["next"] is None


@pytest.mark.rule("S002-29")
async def test_reversed_money_leaves_the_bill_open_and_everything_on_record(payments: InProcessSuite) -> None:
    one, two = await issue_bills(payments, [4000, 32000])
    counter = await Counter.open(payments)
    booked = (await counter.take([one, two])).json()["items"]
    service: usecases.Payments = payments.apps["payments"].state.service
    for _ in range(2):  # the second time there is nothing left to reverse
        async with service.database.writing() as tx:
            await usecases.reverse(tx, POOL, [UUID(booked[0]["collection_id"])], "wrong person", service.clock.now())
    bill = (
        await payments.client("payments", "payments:read").get(f"/v1/bills/{one.bill_no}", params={"pool": POOL})
    ).json()
    assert (bill["status"], bill["paid_on"], bill["version"]) == ("open", None, 3)
    found = await summary(payments)
    assert found["collected"]["amount_fen"] == 32000
    assert found["receipts"] == {"issued": 2, "voided": 1, "gaps": 0, "duplicates": 0}
    assert found["funds"]["claims_due_fen"] == 0
    assert (await counter.take([one])).json()["items"][0]["outcome"] == "settled"
    assert (await summary(payments))["collected"]["amount_fen"] == 36000
