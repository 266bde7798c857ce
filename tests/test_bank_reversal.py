"""The bank takes back what it paid: once, on the same day, in whatever order messages come. Asking never books."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import text

from shared.ids import new_id
from tests.bank_town import CCB, DAY, STRANGE, Town, code, open_town, payment, reversal, serial, signed
from tests.payments_town import POOL, Counter, issue_bills
from tests.waiting import end_waiting


@pytest.fixture(params=["json", "xml"])
async def town(
    request: pytest.FixtureRequest, databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Town]:
    """All banks write in one form; everything holds for each."""
    async with open_town(databases, tmp_path / "keys", monkeypatch.setenv, form=request.param) as town:
        yield town


async def test_a_reversal_opens_the_bill_again_and_leaves_everything_on_record(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [4000])
    paid = await town.pay(bill)
    taken_back = await town.control("reversals", {"bill_no": bill.bill_no})
    assert (taken_back["outcome"], taken_back["return_code"]) == ("reversed", "AAAAAAA")
    assert (await town.bill(bill))["status"] == "open"
    found = await town.summary()
    assert found["collected"]["count"] == found["funds"]["held_fen"] == found["funds"]["claims_due_fen"] == 0
    assert found["receipts"]["voided"] == 1
    assert await town.states(paid["bank_seq"]) == ("reversed", "reversed", "reversed")
    assert await town.states(taken_back["bank_seq"]) == ("done", "done", "done")
    again = await town.pay(bill)
    assert (again["outcome"], again["receipt_no"]) == ("settled", "YHRCB140522-00000002")


async def test_surplus_and_suspense_are_reversed_without_touching_the_bill(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    await town.pay(bill)
    line = town.line()
    for seq, body in (("A1", payment(bill.bill_no)), ("A2", payment(STRANGE))):
        await line.tell("pay", DAY, seq, body)
        answer = await line.tell("reverse", DAY, f"R{seq}", reversal(seq))
        assert (code(answer), answer["body"]["outcome"]) == ("accepted", "reversed")
        assert await town.states(seq) == ("untouched", "reversed", "reversed")
        assert await town.states(f"R{seq}") == ("untouched", "done", "done")
    assert (await town.bill(bill))["status"] == "paid"
    found = await town.summary()
    assert found["collected"]["count"] == 1
    assert found["funds"]["surplus_fen"] == found["funds"]["suspense_fen"] == 0


@pytest.mark.channel("bank: reversal twice")
async def test_a_reversal_takes_effect_once_whatever_serial_it_comes_under(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    line = town.line()
    await line.tell("pay", DAY, "A1", payment(bill.bill_no))
    answers = await asyncio.gather(*[line.tell("reverse", DAY, f"R{n % 5}", reversal("A1")) for n in range(15)])
    assert {code(answer) for answer in answers} == {"accepted"}
    assert len({orjson.dumps(answer["body"]) for answer in answers}) == 1
    states = Tally([await town.states(f"R{n}") for n in range(5)])
    assert states == {("done", "done", "done"): 1, ("untouched", "untouched", "done"): 4}
    assert (await town.summary())["receipts"]["voided"] == 1
    # The next day the first answer still stands, under whatever serial it is asked for.
    town.suite.set_clock("2021-12-06 08:00")
    late = await line.tell("reverse", "20211206", "R9", reversal("A1"))
    assert (code(late), late["body"]) == ("accepted", answers[0]["body"])


async def test_a_late_repetition_of_a_reversed_payment_does_not_hear_that_it_is_booked(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    line = town.line()
    await line.tell("pay", DAY, "A1", payment(bill.bill_no))
    await line.tell("reverse", DAY, "R1", reversal("A1"))
    assert code(await line.tell("pay", DAY, "A1", payment(bill.bill_no))) == "reversed"
    assert (await town.summary())["collected"]["count"] == 0


@pytest.mark.channel("bank: reversal next day")
@pytest.mark.parametrize(
    ("now", "day", "body", "said"),
    [
        ("2021-12-05 23:59:59", DAY, reversal("A1", "319.00"), "amount_differs"),
        ("2021-12-05 23:59:59", DAY, reversal("P1"), "not_a_payment"),
        ("2021-12-05 23:59:59", DAY, reversal("X1"), "not_a_payment"),
        ("2021-12-06 00:00:00", "20211206", reversal("A1"), "day_over"),
        ("2021-12-06 00:00:00", DAY, reversal("A1"), "day_over"),
        ("2021-12-05 23:59:59", "20211206", reversal("A1"), "day_over"),
        ("2021-12-05 23:59:59", DAY, reversal("A1", day="20211204"), "day_over"),
        ("2021-12-06 00:00:00", "20211206", reversal("nothing"), "day_over"),
    ],
)
async def test_a_reversal_is_refused_and_nothing_changes(
    town: Town, now: str, day: str, body: dict[str, str], said: str
) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    line = town.line()
    await line.tell("pay", DAY, "A1", payment(bill.bill_no))
    await line.tell("reverse", DAY, "P1", reversal("A0"))
    before = await town.summary()
    town.suite.set_clock(now)
    for _ in range(2):
        assert code(await line.tell("reverse", day, "X1", body)) == said
    assert await town.summary() == before
    assert await town.states("X1", day) == ("untouched", "refused", "pending")
    assert (await town.bill(bill))["status"] == "paid"


async def test_money_that_went_back_to_the_payer_cannot_be_reversed_too(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    counter = await Counter.open(town.suite)
    await counter.take([bill])
    line = town.line()
    surplus = (await line.tell("pay", DAY, "A1", payment(bill.bill_no)))["body"]
    order: dict[str, Any] = {
        "pool": POOL,
        "refund_id": str(new_id()),
        "application_id": str(new_id()),
        "method": "bank",
    }
    order |= {"collection_id": surplus["biller_seq"], "amount_fen": 32000, "paid_to": "王小明", "paid_by": "clerk-li"}
    payer = town.suite.client("payments", "payments:pay")
    ordered = await payer.post("/v1/refunds", json=order, headers={"Idempotency-Key": "k"})
    assert ordered.status_code == 201, ordered.text
    assert code(await line.tell("reverse", DAY, "R1", reversal("A1"))) == "paid_back"
    assert await town.states("A1") == ("untouched", "done", "done")


@pytest.mark.channel("bank: reversal first")
async def test_a_payment_whose_reversal_came_first_is_not_booked(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    line = town.line()
    early = await line.tell("reverse", DAY, "R1", reversal("A1"))
    assert (code(early), early["body"]["outcome"]) == ("accepted", "reversed")
    assert await town.states("A1") == ("pending", "pending", "reversed")
    assert await town.states("R1") == ("pending", "pending", "done")
    assert (await line.tell("result", DAY, "Q1", serial("A1")))["body"]["outcome"] == "reversed"
    assert (await line.tell("reverse", DAY, "R2", reversal("A1")))["body"] == early["body"]
    for _ in range(2):
        assert code(await line.tell("pay", DAY, "A1", payment(bill.bill_no))) == "reversed"
    assert await town.states("A1") == ("untouched", "refused", "reversed")
    assert await town.states("R1") == ("untouched", "done", "done")
    assert (await line.tell("reverse", DAY, "R1", reversal("A1")))["body"] == early["body"]
    assert (await town.summary())["collected"]["count"] == 0
    assert (await town.pay(bill))["outcome"] == "settled"


async def test_payment_and_reversal_at_once_leave_nothing_booked_and_nobody_waiting(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * 15)
    line = town.line()
    messages = []
    for at, bill in enumerate(bills):
        pair = [("pay", f"A{at}", payment(bill.bill_no)), ("reverse", f"R{at}", reversal(f"A{at}"))]
        messages += pair if at % 2 else pair[::-1]
    await asyncio.gather(*[line.tell(operation, DAY, seq, body) for operation, seq, body in messages])
    for at in range(15):
        assert (await town.states(f"A{at}"))[2] == "reversed"
        assert (await town.states(f"R{at}"))[1:] == ("done", "done")
    found = await town.summary()
    assert found["collected"]["count"] == found["funds"]["held_fen"] == 0


@pytest.mark.parametrize(
    ("fault", "outcome", "status", "states"),
    [
        (None, "settled", "paid", ("done", "done", "done")),
        ("timeout", "settled", "paid", ("done", "done", "done")),
        ("duplicate", "settled", "paid", ("done", "done", "done")),
        ("reverse", "settled", "open", ("reversed", "reversed", "reversed")),
        ("reverse_first", "reversed", "open", ("untouched", "refused", "reversed")),
    ],
)
async def test_the_faults_of_the_line(
    town: Town, fault: str | None, outcome: str, status: str, states: tuple[str, str, str]
) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    paid = await town.pay(bill, fault=fault)
    assert paid["outcome"] == outcome
    assert (await town.bill(bill))["status"] == status
    assert await town.states(paid["bank_seq"]) == states
    checked = await town.control("checks", {"day": "2021-12-05"})
    assert checked["agreed"], checked


async def test_a_bank_asks_first_and_does_not_take_what_it_may_not(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    assert (await town.pay(bill, region="140523"))["outcome"] == "not_taken"
    assert (await town.pay(bill, amount_fen=31000))["outcome"] == "not_taken"
    await town.pay(bill)
    assert (await town.pay(bill, institution=CCB))["outcome"] == "not_taken"
    assert (await town.pay(bill, institution=CCB, fault="unasked"))["outcome"] == "surplus"
    assert (await town.summary())["collected"]["count"] == 2


# Unknown outcomes


async def test_asking_for_a_serial_tells_and_never_books(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    line = town.line()
    for _ in range(3):
        answer = await line.tell("result", DAY, "Q1", serial("A1"))
        assert (code(answer), answer["body"]) == ("not_known", {"state": "not_known"})
    first = await line.tell("pay", DAY, "A1", payment(bill.bill_no))
    told = (await line.tell("result", DAY, "Q2", serial("A1")))["body"]
    assert (told["state"], told["return_code"]) == ("done", "AAAAAAA")
    assert told.items() >= first["body"].items()
    await line.tell("reverse", DAY, "R1", reversal("A1"))
    reversed_ = (await line.tell("result", DAY, "Q3", serial("A1")))["body"]
    assert (reversed_["state"], reversed_["outcome"]) == ("reversed", "reversed")
    of_reversal = (await line.tell("result", DAY, "Q4", serial("R1")))["body"]
    assert (of_reversal["kind"], of_reversal["state"]) == ("reverse", "done")
    assert len(await town.rows("select 1 from bank_journal")) == 2


async def test_an_answer_that_is_lost_after_the_commit_is_told_by_asking(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    losing = town.line()
    losing._client = httpx.AsyncClient(
        transport=LosesAnswers(httpx.ASGITransport(town.suite.apps["payments"])), base_url="http://payments"
    )
    town.suite._clients.append(losing._client)
    await losing._hang_up("/v1/channels/bank/pay", *signed(losing, "pay", "A1", payment(bill.bill_no)))
    told = (await town.line().tell("result", DAY, "Q1", serial("A1")))["body"]
    assert (told["state"], told["outcome"]) == ("done", "settled")
    assert (await town.line().tell("pay", DAY, "A1", payment(bill.bill_no)))["body"]["outcome"] == "settled"
    assert (await town.summary())["collected"]["count"] == 1


@pytest.mark.parametrize("operation", ["pay", "reverse"])
async def test_a_database_that_dies_after_settling_leaves_nothing_and_the_bank_is_told_nothing(
    town: Town, operation: str
) -> None:
    one, two = await issue_bills(town.suite, [32000, 32000])
    line = town.line()
    await line.tell("pay", DAY, "A0", payment(one.bill_no))
    body = payment(two.bill_no) if operation == "pay" else reversal("A0")
    before = await town.summary()
    path = f"/v1/channels/bank/{operation}"
    raw, headers = signed(line, operation, "A1", body)
    # The head row of the pool's events is the last lock of all: whoever waits for it has settled already.
    async with town.service.database.engine.connect() as other:
        await other.execute(text(f"select 1 from chain_head where chain = 'event' and pool = '{POOL}' for update"))
        waiting = asyncio.create_task(line._client.post(path, content=raw, headers=headers))
        killed = False
        while not killed:
            assert not waiting.done()
            await asyncio.sleep(0.02)
            killed = await end_waiting(town.service.database, "chain_head")
        answer = await waiting
        await other.rollback()
    assert answer.status_code == 503
    assert "X-Mac" not in answer.headers
    assert code(await line.tell("result", DAY, "Q1", serial("A1"))) == "not_known"
    assert await town.summary() == before
    assert code(await line.tell(operation, DAY, "A1", body)) == "accepted"


class LosesAnswers(httpx.AsyncBaseTransport):
    """The line breaks after the server has answered."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        assert answer.status_code == 200
        raise httpx.ReadError("the line is closed")
