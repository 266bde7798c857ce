"""The simulated card terminals and their acquirer, and payments beside them: what a slip says is typed in, what the
acquirer prints is brought the next day, with everything that can be wrong with it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.simulators import pos
from shared.clock import SetClock
from shared.codes import Channel
from shared.ids import new_id
from tests.payments_agents import post
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills
from tests.statements_town import Desk, work
from tests.suite import InProcessSuite

TERMINAL, DAY = "14000123", "2021-12-05"


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock(f"{DAY} 10:00")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


class Hall:
    """A clerk at a counter with a simulated terminal."""

    def __init__(self, terminal: httpx.AsyncClient, counter: Counter) -> None:
        self.terminal, self.counter = terminal, counter

    async def press(self, what: str, **keys: Any) -> httpx.Response:
        """What people do at the terminal."""
        return await self.terminal.post(f"/control/{what}", json={"terminal_no": TERMINAL, **keys})

    async def sell(self, bills: Sequence[IssuedBill]) -> dict[str, Any]:
        """Charge a card and type the slip in."""
        slip = (await self.press("sales", amount_fen=sum(bill.amount_fen for bill in bills))).json()
        told = {name: slip[name] for name in ("terminal_no", "batch_no", "trace_no", "reference_no")}
        body = {
            "pool": POOL,
            "shift_id": self.counter.shift["shift_id"],
            "method": "pos",
            "payer_name": "王小明",
            "pos": told | {"paid_at": slip["at"]},
            "items": [{"bill_no": bill.bill_no, "amount_fen": bill.amount_fen} for bill in bills],
        }
        answer = await post(self.counter.client, "/v1/counter/payments", body)
        assert answer.status_code == 201, answer.text
        return dict(slip) | {"items": answer.json()["items"]}

    async def void(self, slip: dict[str, Any]) -> httpx.Response:
        """Take a sale back at the terminal and type that in."""
        named = {name: slip[name] for name in ("batch_no", "trace_no")}
        back = await self.press("voids", **named)
        assert back.status_code == 200, back.text
        told = {"pool": POOL, "shift_id": self.counter.shift["shift_id"], "terminal_no": TERMINAL, **named}
        told |= {"void_trace_no": back.json()["trace_no"], "voided_at": back.json()["at"]}
        return await post(self.counter.client, "/v1/counter/voids", told)

    async def file(self, *faults: str, day: str = DAY) -> bytes:
        """The acquirer's file."""
        answer = await self.terminal.get("/control/statement", params={"day": day, "faults": faults})
        assert answer.status_code == 200, answer.text
        return answer.content


@pytest.fixture
async def hall(payments: InProcessSuite) -> AsyncIterator[Hall]:
    app = pos.create_app(clock=payments.clock)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pos") as terminal:
        yield Hall(terminal, await Counter.open(payments))


async def test_a_day_of_cards_with_a_void_agrees_with_the_acquirer(payments: InProcessSuite, hall: Hall) -> None:
    bills = await issue_bills(payments, [32000, 4000, 32000])
    await hall.sell(bills[:2])
    wrong = await hall.sell(bills[2:])
    assert (await hall.void(wrong)).status_code == 200
    await hall.sell(bills[2:])
    await hall.counter.close(50000)
    await hall.press("settle")
    payments.set_clock("2021-12-06 10:00")
    desk = Desk(payments)
    statement = await desk.bring(Channel.COUNTER, await hall.file())
    assert statement["state"] == "accepted"
    results = await desk.results(statement["statement_id"])
    assert sorted(results) == ["both_failed", "both_failed", "matched", "matched"]
    assert await desk.open_exceptions() == []


@pytest.mark.channel("counter: void after settlement")
async def test_a_terminal_voids_nothing_that_is_settled_and_a_refund_names_its_sale(
    payments: InProcessSuite, hall: Hall
) -> None:
    [bill] = await issue_bills(payments, [32000])
    await hall.sell([bill])
    twice = await hall.sell([bill])
    await hall.counter.close(50000)
    await hall.press("settle")
    named = {name: twice[name] for name in ("batch_no", "trace_no")}
    assert (await hall.press("voids", **named)).status_code == 409
    payments.set_clock("2021-12-06 10:00")
    later = await Counter.open(payments)
    back = (await hall.press("refunds", amount_fen=32000, **named)).json()
    assert (back["original_batch_no"], back["original_trace_no"]) == tuple(named.values())
    order = {"pool": POOL, "refund_id": str(new_id()), "application_id": str(new_id()), "method": "pos_return",
             "collection_id": twice["items"][0]["collection_id"], "amount_fen": 32000, "paid_to": "王小明",
             "paid_by": "clerk-wang", "shift_id": later.shift["shift_id"]}  # fmt: skip
    assert (await post(payments.client("payments", "payments:pay"), "/v1/refunds", order)).status_code == 201
    await later.close(50000)
    payments.set_clock("2021-12-07 10:00")
    desk = Desk(payments)
    for day, expected in ((DAY, ["matched", "matched"]), ("2021-12-06", ["matched"])):
        statement = await desk.bring(Channel.COUNTER, await hall.file(day=day), day=day)
        assert await desk.results(statement["statement_id"]) == expected
    assert await desk.open_exceptions() == []


@pytest.mark.parametrize(
    ("fault", "state", "kinds"),
    [
        ("missing", "accepted", ["host_missing"]),
        ("duplicate", "accepted", ["duplicate"]),
        ("strange", "accepted", ["ours_missing"]),
        ("wrong_amount", "accepted", ["amount_differs"]),
        ("untold_void", "accepted", ["channel_failed"]),
        ("wrong_totals", "differs", []),
        ("broken_line", "differs", []),
        ("cut", "differs", []),
    ],
)
async def test_what_is_wrong_with_the_acquirers_file_is_found(
    payments: InProcessSuite, hall: Hall, fault: str, state: str, kinds: list[str]
) -> None:
    bills = await issue_bills(payments, [32000, 4000])
    for bill in bills:
        await hall.sell([bill])
    await hall.counter.close(50000)
    payments.set_clock("2021-12-09 10:00")
    desk = Desk(payments)
    statement = await desk.bring(Channel.COUNTER, await hall.file(fault))
    await work(payments)
    assert statement["state"] == state
    assert [found["kind"] for found in await desk.open_exceptions()] == kinds


def test_books_are_read_again_after_a_restart(tmp_path: Path) -> None:
    path, at = tmp_path / "pos.jsonl", SetClock(datetime.fromisoformat(f"{DAY}T10:00:00+08:00")).now()
    books = pos.Books(path)
    first = books.print("sale", TERMINAL, at, 32000)
    books.settle(TERMINAL)
    again = pos.Books(path)
    second = again.print("sale", TERMINAL, at, 4000)
    assert (second.batch_no, int(second.trace_no)) == ("000002", int(first.trace_no) + 1)
    assert [slip.amount_fen for slip in again.slips] == [32000, 4000]
