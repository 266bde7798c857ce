"""WeChat Pay tells of money: by a notification, or by its answer when it is asked. Both are booked the same.

See `messages.py` for how a notification is stored, acted upon and answered.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.codes import Channel
from shared.database import Row, Writer
from shared.problem import Problem

from .. import schemas
from ..clients import WechatClient
from ..formats import wechat as wire
from ..formats.genuine import NotGenuine, Unreadable
from ..rules import orders as rules
from ..rules.refunding import RefundState, refund_of_number
from ..rules.tax import NOT_NAMED
from ..schemas.wechat import WechatRefund, WechatTransaction
from ..store import orders as store
from .cashier import Came, book
from .payback import settle_refund
from .settling import Payment
from .suite import Payments

_TRANSACTION, _REFUND = "TRANSACTION.", "REFUND."


async def fetch_wechat_certificates(service: Payments) -> bool:
    """Fetch WeChat's platform certificates, by the schedule of the settings; whether any came."""
    return service.wechat is not None and await service.wechat.fetch_certificates()


async def read_notification(service: Payments, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """A notification as a row of `channel_message`, verified; as it came where it cannot be read. Raises NotGenuine."""
    if service.wechat is None:
        raise NotGenuine("merchant", "no merchant is set up")
    await service.wechat.verify(headers, body)
    return _message(service.wechat, headers, body)


async def apply_message(service: Payments, tx: Writer, row: Row) -> rules.Verdict:
    """Act upon a stored notification, and judge it."""
    if row["kind"].startswith(_TRANSACTION):
        return await _apply_transaction(service, tx, row)
    if row["kind"].startswith(_REFUND):
        return await wechat_refund_news(tx, wire.read_refund(row["content"]), service.clock.now())
    return rules.Verdict.KIND_UNKNOWN


def came_by(pool: str, order: Row | None, said: WechatTransaction) -> Came:
    """The money that a transaction tells of; it is of one of the states in which money has come."""
    return Came(said.transaction_id, _payment(pool, order, said))


async def _apply_transaction(service: Payments, tx: Writer, row: Row) -> rules.Verdict:
    """Book what a notification says, and judge it."""
    assert service.wechat is not None
    said = wire.read_transaction(row["content"])
    order = await store.find_order(tx, row["pool"], said.out_trade_no)
    verdict = _verdict(service.wechat.mchid, order, said)
    if verdict not in rules.ONLY_KEPT:
        fits = verdict in (rules.Verdict.BOOKED, rules.Verdict.AMOUNT_DIFFERS)
        ours = order if fits else None
        await book(tx, row["pool"], ours, came_by(row["pool"], ours, said), service.clock.now())
    return verdict


async def wechat_refund_news(tx: Writer, said: WechatRefund, now: datetime) -> rules.Verdict:
    """Tell the refund that it is about what WeChat says of it; used for notifications and for answers."""
    found = refund_of_number(said.out_refund_no)
    state = _REFUND_STATES.get(said.status)
    if found is None or state is None:
        return rules.Verdict.REFUND_UNKNOWN
    pool, refund_id = found
    try:
        await settle_refund(
            tx, pool, refund_id, state, said.success_time or now, reference=said.refund_id or None, detail=said.status
        )
    except Problem as problem:
        if problem.kind is not schemas.REFUND_UNKNOWN:
            raise
        return rules.Verdict.REFUND_UNKNOWN
    return rules.Verdict.REFUND_TOLD


_REFUND_STATES = {
    "PROCESSING": RefundState.PROCESSING,
    "SUCCESS": RefundState.SETTLED,
    "ABNORMAL": RefundState.ABNORMAL,
    "CLOSED": RefundState.FAILED,
}


def _verdict(mchid: str, order: Row | None, said: WechatTransaction) -> rules.Verdict:
    """What a notification is to us. Money that has come is booked, whatever else is wrong with it."""
    if said.trade_state not in wire.MONEY_CAME or said.amount is None:
        return rules.Verdict.NOT_PAID
    if said.mchid != mchid:
        return rules.Verdict.MCHID_DIFFERS
    if order is None:
        return rules.Verdict.ORDER_UNKNOWN
    if said.appid != order["request"]["appid"]:
        return rules.Verdict.APPID_DIFFERS
    return rules.Verdict.BOOKED if said.amount.total == order["amount_fen"] else rules.Verdict.AMOUNT_DIFFERS


def _payment(pool: str, order: Row | None, said: WechatTransaction) -> Payment:
    assert said.amount is not None
    assert said.success_time is not None
    return Payment(
        channel=Channel.WECHAT,
        method=said.trade_type.lower() or Channel.WECHAT,
        reference=said.transaction_id,
        bill_no=order["bill_no"] if order else said.out_trade_no,
        amount_fen=said.amount.total,
        paid_at=said.success_time,
        payer_name=order["payer_name"] if order else NOT_NAMED,
        payer_id=order["payer_id"] if order else None,
        region=order["region"] if order else pool,
        book_code=rules.wechat_book(pool),
        taken_by=Channel.WECHAT,
        shift_id=None,
        held_account=rules.WECHAT_ACCOUNT,
        message=said.model_dump(mode="json"),
    )


def _message(client: WechatClient, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """A verified notification as a row: opened where that can be done, as it came in any case."""
    kept = {name.lower(): text for name, text in headers.items()}
    row: dict[str, Any] = {
        "message_id": f"sha256-{hashlib.sha256(body).hexdigest()}",
        "kind": "",
        "reference": None,
        "status": rules.MESSAGE_TRANSITIONS[None, rules.MessageAct.RECEIVE],
        "verdict": None,
        "headers": {name: kept[name] for name in kept if name.startswith("wechatpay-") or name == "request-id"},
        "body": body,
        "content": {},
    }
    try:
        notice = wire.read_notice(body)
        row |= {"message_id": notice.id, "kind": notice.event_type}
        content = client.open_resource(notice.resource)
        if notice.event_type.startswith(_TRANSACTION):
            row["reference"] = wire.read_transaction(content).out_trade_no
        elif notice.event_type.startswith(_REFUND):
            row["reference"] = wire.read_refund(content).out_trade_no
        row["content"] = content
    except Unreadable as error:
        unread = rules.MESSAGE_TRANSITIONS[None, rules.MessageAct.FAIL_TO_READ]
        row |= {"status": unread, "verdict": str(error)}
    return row
