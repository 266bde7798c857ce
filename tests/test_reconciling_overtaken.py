"""Between a proposal and its approval the books move on: the channel's message comes after all, or the line of another
day. What was proposed then answers nothing any more, and nobody's money is booked twice or taken back wrongly."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.payments import usecases
from services.payments.store import refunds as refund_store
from shared.clock import wall_now
from shared.codes import Channel
from shared.ids import new_id
from tests.payments_town import POOL, issue_bills
from tests.statements_town import HELD, NOON, PRINT, Desk, book, check_file, paid, tax_list, trade_bill, work
from tests.suite import InProcessSuite
from tests.waiting import wait_for

ELECTRONIC = [Channel.WECHAT, Channel.BANK, Channel.ETAX]
AFTER_WINDOW, DAY_AFTER = "2021-12-09 10:00", "2021-12-10 10:00"


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 12:30")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


@pytest.fixture
async def desk(payments: InProcessSuite) -> Desk:
    return Desk(payments)


async def proposed(payments: InProcessSuite, desk: Desk, data: bytes, channel: Channel, what: str) -> dict[str, Any]:
    """The only exception of a day's statement, after its window and with a proposal."""
    payments.set_clock(AFTER_WINDOW)
    await desk.bring(channel, data)
    [found] = await desk.open_exceptions()
    answer = await desk.propose(found, what)
    assert answer.status_code == 200, answer.text
    proposal: dict[str, Any] = answer.json()
    return proposal


async def refused_and_superseded(payments: InProcessSuite, desk: Desk, proposal: dict[str, Any]) -> None:
    """Approving does nothing, and the next day's look ends the exception."""
    answer = await desk.approve(proposal)
    assert (answer.status_code, answer.json()["code"]) == (409, "resolution_not_possible")
    payments.set_clock(DAY_AFTER)
    await work(payments)
    assert [each["state"] for each in await desk.exceptions()] == ["superseded"]


async def standing(payments: InProcessSuite) -> list[int]:
    """The money that is booked and not reversed, in fen."""
    service: usecases.Payments = payments.apps["payments"].state.service
    async with service.database.reading() as tx:
        rows = await tx.rows("select amount_fen from collection where reversed_at is null order by booked_at")
    return [row["amount_fen"] for row in rows]


@pytest.mark.parametrize("channel", ELECTRONIC)
async def test_money_whose_message_comes_before_the_approval_is_not_booked_again(
    payments: InProcessSuite, desk: Desk, channel: Channel
) -> None:
    sold = paid(channel, await issue_bills(payments, [32000]))
    proposal = await proposed(payments, desk, PRINT[channel](sold), channel, "book")
    await book(payments, sold)
    await refused_and_superseded(payments, desk, proposal)
    assert await standing(payments) == [32000]
    balances = await desk.balances()
    assert balances["special_account"] == 32000
    assert HELD[channel] not in balances


async def test_money_of_unknown_end_is_booked_only_while_we_do_not_have_it(
    payments: InProcessSuite, desk: Desk
) -> None:
    sold = paid(Channel.BANK, await issue_bills(payments, [32000] * 2))
    await book(payments, sold[:1])
    payments.set_clock(AFTER_WINDOW)
    statement = await desk.bring(Channel.BANK, check_file(sold).replace(b"|APP|1", b"|APP|9"))
    if statement["state"] == "differs":
        assert (await desk.check(statement)).status_code == 200
        await work(payments)
    ours, theirs = sorted(await desk.open_exceptions(), key=lambda each: str(each["our_fen"] is None))
    assert (ours["kind"], ours["possible"]) == ("unknown", ["ignore", "wait"])
    assert (theirs["kind"], theirs["possible"]) == ("unknown", ["book", "ignore", "wait"])
    proposal = (await desk.propose(theirs, "book")).json()
    await book(payments, sold[1:])
    answer = await desk.approve(proposal)
    assert (answer.status_code, answer.json()["code"]) == (409, "resolution_not_possible")
    assert await standing(payments) == [32000] * 2


@pytest.mark.lesson("N workers")
async def test_message_and_approval_at_once_book_the_money_once(payments: InProcessSuite, desk: Desk) -> None:
    sold = paid(Channel.ETAX, await issue_bills(payments, [32000] * 6))
    payments.set_clock(AFTER_WINDOW)
    await desk.bring(Channel.ETAX, tax_list(sold))
    proposals = [(await desk.propose(each, "book")).json() for each in await desk.open_exceptions()]
    answers, _ = await asyncio.gather(
        asyncio.gather(*[desk.approve(each) for each in proposals]),
        asyncio.gather(*[book(payments, [each]) for each in sold]),
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert await standing(payments) == [32000] * 6
    payments.set_clock(DAY_AFTER)
    await work(payments)
    assert await desk.open_exceptions() == []
    assert (await desk.balances())["special_account"] == 6 * 32000


async def test_a_message_that_says_another_amount_at_the_moment_of_approval_is_not_taken_for_the_line(
    payments: InProcessSuite, desk: Desk
) -> None:
    """The message has been stored and waits to be committed while the approval looks for it in vain."""
    [sold] = paid(Channel.ETAX, await issue_bills(payments, [32000]))
    proposal = await proposed(payments, desk, tax_list([sold]), Channel.ETAX, "book")
    service: usecases.Payments = payments.apps["payments"].state.service
    async with service.database.writing() as tx:
        # Whoever wants this bill waits: the message with its reference taken, the approval behind it.
        await tx.execute("select 1 from bill where pool = :pool for update", pool=POOL)
        message = asyncio.create_task(book(payments, [replace(sold, amount_fen=31000)]))
        await wait_for(service.database, 1)
        approval = asyncio.create_task(desk.approve(proposal))
        await wait_for(service.database, 2)
    await message
    answer = await approval
    assert (answer.status_code, answer.json()["code"]) == (409, "resolution_not_possible")
    assert await standing(payments) == [31000]
    payments.set_clock(DAY_AFTER)
    await work(payments)
    assert [each["kind"] for each in await desk.open_exceptions()] == ["amount_differs"]


@pytest.mark.lesson("killed after its 2xx")
async def test_an_approval_that_dies_leaves_nothing_and_its_retry_books_once(
    payments: InProcessSuite, desk: Desk
) -> None:
    sold = paid(Channel.ETAX, await issue_bills(payments, [32000]))
    proposal = await proposed(payments, desk, tax_list(sold), Channel.ETAX, "book")
    service: usecases.Payments = payments.apps["payments"].state.service
    async with service.database.writing() as tx:
        await tx.execute("select 1 from bill where pool = :pool for update", pool=POOL)
        approval = asyncio.create_task(desk.approve(proposal, key="approve-1"))
        await wait_for(service.database, 1)
        approval.cancel()
        await asyncio.gather(approval, return_exceptions=True)
    assert await standing(payments) == []
    answers = [await desk.approve(proposal, key="approve-1") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert await standing(payments) == [32000]
    assert (await desk.balances())["special_account"] == 32000


async def test_money_that_another_days_statement_brings_is_not_taken_back(payments: InProcessSuite, desk: Desk) -> None:
    [late] = paid(Channel.WECHAT, await issue_bills(payments, [32000]), at=NOON.replace(hour=23, minute=59, second=59))
    await book(payments, [late])
    proposal = await proposed(payments, desk, trade_bill([]), Channel.WECHAT, "reverse")
    assert proposal["kind"] == "channel_missing"
    next_day = replace(late, at=late.at + timedelta(seconds=1))
    statement = await desk.bring(Channel.WECHAT, trade_bill([next_day]), day="2021-12-06")
    assert await desk.results(statement["statement_id"]) == ["late"]
    await refused_and_superseded(payments, desk, proposal)
    assert await standing(payments) == [32000]
    assert (await desk.balances())["special_account"] == 32000


async def test_money_that_a_statement_put_right_goes_back_under_the_channels_own_number(
    payments: InProcessSuite, desk: Desk
) -> None:
    [sold] = paid(Channel.ETAX, await issue_bills(payments, [32000]))
    await book(payments, [sold])
    proposal = await proposed(payments, desk, tax_list([replace(sold, amount_fen=32100)]), Channel.ETAX, "correct")
    right = (await desk.approve(proposal)).json()["booked_id"]
    refund_id = str(new_id())
    order = {
        "pool": POOL,
        "refund_id": refund_id,
        "application_id": str(new_id()),
        "method": "etax",
        "collection_id": right,
        "amount_fen": 32100,
        "paid_to": "王小明",
        "paid_by": "clerk-qian",
        "scheme": "yangcheng-2022",
    }
    answer = await payments.client("payments", "payments:pay").post(
        "/v1/refunds", json=order, headers={"Idempotency-Key": refund_id}
    )
    assert answer.status_code == 201, answer.text
    service: usecases.Payments = payments.apps["payments"].state.service
    async with service.database.writing() as tx:
        row = await refund_store.lease_refund(tx, POOL, wall_now(), 1, 1)
    assert row is not None
    assert (row["payment_reference"], row["paid_fen"]) == (sold.reference, 32100)
