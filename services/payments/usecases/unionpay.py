"""UnionPay tells of money: by a notification, or by its answer when it is asked. Both are booked as bank money.

See `messages.py` for how a notification is stored, acted upon and answered.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.codes import Channel
from shared.database import Row, Writer
from shared.identity import mask_card
from shared.problem import Problem

from .. import schemas
from ..formats import unionpay as wire
from ..formats.genuine import NotGenuine, Unreadable
from ..rules import orders as rules
from ..rules import unionpay
from ..rules.refunding import RefundState
from ..rules.tax import NOT_NAMED
from ..schemas.unionpay import UnionPayResult
from ..store import orders as store
from .cashier import Came, book
from .payback import settle_refund
from .settling import Payment
from .suite import Payments

CHANNEL = "unionpay"
"""Among orders and messages; in the books its money is a bank's."""

_PURCHASE, _BACK = "01", frozenset({"04", "31"})
_CARDS = frozenset({"accNo", "payCardNo"})
"""The fields of a form that hold a card's number."""


async def read_notification(service: Payments, _headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """A notification as a row of `channel_message`, verified; as it came where it cannot be read. Raises NotGenuine."""
    if service.unionpay is None:
        raise NotGenuine("merchant", "no merchant is set up")
    try:
        fields = wire.read_form(body)
    except Unreadable as error:
        raise NotGenuine("form", str(error)) from error
    service.unionpay.verify(fields)
    message_id = f"sha256-{hashlib.sha256(wire.to_sign(fields).encode()).hexdigest()}"
    row: dict[str, Any] = {
        "message_id": message_id,
        "kind": fields.get("txnType", "")[:64],
        "reference": None,
        "status": rules.MESSAGE_TRANSITIONS[None, rules.MessageAct.RECEIVE],
        "verdict": None,
        "headers": {},
        "body": service.sealer.seal(body, message_context(message_id)),
        "content": {name: mask_card(text) if name in _CARDS else text for name, text in fields.items()},
    }
    try:
        said = _read(fields)
        return row | {"kind": said.txn_type, "reference": said.order_no}
    except Unreadable as error:
        unread = rules.MESSAGE_TRANSITIONS[None, rules.MessageAct.FAIL_TO_READ]
        return row | {"status": unread, "verdict": str(error), "content": {}}


def message_context(message_id: str) -> str:
    """What the bytes of a notification are sealed for: they hold a whole card number."""
    return f"channel_message/{CHANNEL}/{message_id}"


async def apply_message(service: Payments, tx: Writer, row: Row) -> rules.Verdict:
    """Book what a notification says, and judge it. Money that has come is booked, whatever else is wrong with it."""
    assert service.unionpay is not None
    said, now = _read(row["content"]), service.clock.now()
    if said.merchant_id != service.unionpay.merchant_id:
        return rules.Verdict.MCHID_DIFFERS
    if said.txn_type in _BACK:
        return await _refund_news(tx, said, now)
    if said.txn_type != _PURCHASE:
        return rules.Verdict.KIND_UNKNOWN
    if said.resp_code != wire.ACCEPTED:
        return rules.Verdict.NOT_PAID
    order = await store.find_order(tx, row["pool"], said.order_no)
    fits = order is not None and order["channel"] == CHANNEL and order["request"]["txnTime"] == said.txn_time
    came = came_by(row["pool"], order if fits else None, said)
    assert came is not None
    await book(tx, row["pool"], order if fits else None, came, now)
    if order is None or not fits:
        return rules.Verdict.ORDER_UNKNOWN
    return rules.Verdict.BOOKED if said.amount_fen == order["amount_fen"] else rules.Verdict.AMOUNT_DIFFERS


def came_by(pool: str, order: Mapping[str, Any] | None, said: UnionPayResult) -> Came | None:
    """The money that a result of a purchase tells of; None where it does not say enough to book it."""
    if not (said.query_id and said.settle_date and said.amount_fen) or said.currency != "156":
        return None
    ordered_at = wire.read_time(said.txn_time)
    paid_at = wire.read_moment(said.trace_time, ordered_at) if said.trace_time else ordered_at
    reference = unionpay.reference(wire.read_day(said.settle_date, paid_at.date()), said.query_id)
    message = said.model_dump(mode="json", by_alias=True)
    if card := message.get("accNo"):
        message["accNo"] = mask_card(str(card))
    if order is None:
        order = {"bill_no": said.order_no, "payer_name": NOT_NAMED, "payer_id": None, "region": pool, "product": ""}
    return Came(said.query_id, payment_of(order, reference, said.amount_fen, paid_at, message))


def payment_of(
    order: Mapping[str, Any], reference: str, amount_fen: int, paid_at: datetime, message: dict[str, Any]
) -> Payment:
    """UnionPay's money as it is booked: a bank's, of the institution UNIONPAY."""
    return Payment(
        channel=Channel.BANK,
        method=f"{CHANNEL}_{order['product']}" if order["product"] else CHANNEL,
        reference=reference,
        bill_no=order["bill_no"],
        amount_fen=amount_fen,
        paid_at=paid_at,
        payer_name=order["payer_name"],
        payer_id=order["payer_id"],
        region=order["region"],
        book_code=unionpay.BOOK,
        taken_by=CHANNEL,
        shift_id=None,
        held_account=unionpay.ACCOUNT,
        message=message,
    )


async def _refund_news(tx: Writer, said: UnionPayResult, now: datetime) -> rules.Verdict:
    """UnionPay notifies of money that is back; that it is not is learnt by asking."""
    found = unionpay.refund_of_back_number(said.order_no)
    if said.resp_code != wire.ACCEPTED or found is None:
        return rules.Verdict.NOT_PAID if found else rules.Verdict.REFUND_UNKNOWN
    try:
        await settle_refund(tx, *found, RefundState.SETTLED, now, reference=said.query_id or None)
    except Problem as problem:
        if problem.kind is not schemas.REFUND_UNKNOWN:
            raise
        return rules.Verdict.REFUND_UNKNOWN
    return rules.Verdict.REFUND_TOLD


def _read(fields: Mapping[str, str]) -> UnionPayResult:
    """What a notification says. Raises Unreadable; also for money without number, day or amount in fen of yuan."""
    said = wire.read(UnionPayResult, fields)
    if said.txn_type == _PURCHASE and said.resp_code == wire.ACCEPTED and came_by("000000", None, said) is None:
        raise Unreadable(f"{said.order_no} is paid without queryId, settleDate or an amount of yuan")
    return said
