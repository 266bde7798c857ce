"""Money that goes back stands on statements, too: several times on one card, and on its way though it was given up."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.payments import usecases
from services.payments.rules.refunding import RefundState, refund_number
from shared.codes import Channel
from shared.ids import new_id
from tests.payments_town import POOL, Counter, issue_bills, trace_of
from tests.statements_town import Desk, book, paid, trade_bill
from tests.suite import InProcessSuite


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 12:30")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


async def pay_back(suite: InProcessSuite, collection_id: str, amount_fen: int, method: str, **how: Any) -> UUID:
    """Order a refund; its identifier."""
    refund_id = new_id()
    order = {"pool": POOL, "refund_id": str(refund_id), "application_id": str(new_id()), "method": method, **how}
    order |= {"collection_id": collection_id, "amount_fen": amount_fen, "paid_to": "王小明", "paid_by": "clerk-wang"}
    client = suite.client("payments", "payments:pay")
    answer = await client.post("/v1/refunds", json=order, headers={"Idempotency-Key": str(refund_id)})
    assert answer.status_code == 201, answer.text
    return refund_id


def acquirer(day: str, *back_fen: int) -> bytes:
    """The acquirer's file of a day on which so much went back to the card of slip A2, in this order."""
    rows = [f"{len(back_fen)},-{sum(back_fen) / 100:.2f}", "终端号,批次号,凭证号,交易时间,金额(元),交易类型"]
    rows += [
        f"T1,000001,{trace_of('A2')},{day} 15:{minute:02d}:00,{fen / 100:.2f},退货"
        for minute, fen in enumerate(back_fen)
    ]
    return "\n".join(rows).encode() + b"\n"


async def test_what_goes_back_to_one_card_is_told_apart_by_amount_and_day(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000, 4000, 32000, 32000])
    counter = await Counter.open(payments)
    await counter.take(bills, pos="A1")
    surplus = (await counter.take(bills, pos="A2")).json()["items"]
    at_counter = {"shift_id": counter.shift["shift_id"]}
    for item, fen in zip(surplus[:3], (32000, 4000, 32000), strict=True):
        await pay_back(payments, item["collection_id"], fen, "pos_return", **at_counter)
    payments.set_clock("2021-12-06 12:30")
    await pay_back(payments, surplus[3]["collection_id"], 32000, "pos_return", **at_counter)
    desk = Desk(payments)
    payments.set_clock("2021-12-07 10:00")
    second = await desk.bring(Channel.COUNTER, acquirer("2021-12-06", 32000), day="2021-12-06")
    first = await desk.bring(Channel.COUNTER, acquirer("2021-12-05", 4000, 32000, 32000, 32000))
    assert await desk.results(second["statement_id"]) == ["matched"]
    assert await desk.results(first["statement_id"]) == ["matched", "matched", "matched", "duplicate"]


@pytest.mark.parametrize("given_up_first", [True, False])
async def test_a_refund_given_up_while_the_bill_says_it_is_on_its_way(
    payments: InProcessSuite, given_up_first: bool
) -> None:
    twice = paid(Channel.WECHAT, (await issue_bills(payments, [32000])) * 2)
    [_, surplus] = await book(payments, twice)
    refund_id = await pay_back(payments, str(surplus["collection_id"]), 32000, "wechat")
    service: usecases.Payments = payments.apps["payments"].state.service
    async with service.database.writing() as tx:
        await usecases.settle_refund(tx, POOL, refund_id, RefundState.ABNORMAL, service.clock.now())
    desk = Desk(payments)
    bill = trade_bill(twice, [(refund_number(POOL, refund_id), 32000)])
    bill = bill.replace(b"`ORIGINAL,`SUCCESS", b"`ORIGINAL,`ABNORMAL")

    async def give_up() -> None:
        order = {"pool": POOL, "given_up_by": "head-chen", "note": "银行卡已注销，改为窗口现金退付"}
        client = payments.client("payments", "payments:pay")
        headers = {"Idempotency-Key": str(new_id())}
        answer = await client.post(f"/v1/refunds/{refund_id}/give-up", json=order, headers=headers)
        assert answer.status_code == 200, answer.text

    if given_up_first:
        await give_up()
    payments.set_clock("2021-12-06 10:00")
    statement = await desk.bring(Channel.WECHAT, bill)
    if not given_up_first:
        await give_up()
    expected = ["matched", "matched", "both_failed" if given_up_first else "matched"]
    assert await desk.results(statement["statement_id"]) == expected
    assert await desk.open_exceptions() == []
