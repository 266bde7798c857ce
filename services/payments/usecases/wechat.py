"""WeChat Pay tells of money: by a notification, or by its answer when it is asked. Both are booked by `book_wechat`.

    notification → signature → tx 1 stored as evidence → tx 2 booked, judged → 204

A message is acted upon once, whoever gets to it: the request that brought it, its repetition, or `apply_messages` after
a process has died between the two transactions. What cannot be booked stays as evidence with our verdict.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from shared.clock import wall_now
from shared.codes import Channel
from shared.database import Row, Writer
from shared.jobs import in_turn
from shared.metrics import CHANNEL_MESSAGES
from shared.problem import Problem

from .. import schemas
from ..clients import WechatClient
from ..formats import wechat as wire
from ..rules import orders as rules
from ..rules.refunding import RefundState, refund_of_number
from ..rules.tax import NOT_NAMED, POOLLESS, pool_named
from ..schemas.wechat import WechatRefund, WechatTransaction
from ..store import messages as message_store
from ..store import orders as store
from ..store.tax import pools_with_bills
from .payback import settle_refund
from .settling import Payment, settle
from .suite import Payments

_TRANSACTION, _REFUND = "TRANSACTION.", "REFUND."
_BATCH = 50
_WAIT_SECONDS = 10
_log = structlog.get_logger()


async def book_wechat(
    tx: Writer, pool: str, order: Row | None, said: WechatTransaction, now: datetime
) -> tuple[Mapping[str, Any], Row | None]:
    """Book money that WeChat has taken, once; its collection and its order.

    Money without an order of ours is booked under the number that it came with, for which there is no bill. The bill is
    locked before the order, as everywhere. `said` is of one of the states in which money has come.
    """
    [collection] = await settle(tx, pool, [_payment(pool, order, said)], now)
    if order is None:
        return collection, None
    locked = await store.lock_order(tx, pool, order["order_no"])
    assert locked is not None
    act = rules.order_step(rules.OrderStatus(locked["status"]), rules.Word.PAID, over=False)
    if act is None:
        return collection, locked
    paid = rules.ORDER_TRANSITIONS[rules.OrderStatus(locked["status"]), act]
    details = {"transaction_id": said.transaction_id, "collection_id": collection["collection_id"]}
    return collection, await store.move_order(tx, locked, paid, wall_now(), **details)


async def take_wechat_notification(service: Payments, headers: Mapping[str, str], body: bytes) -> None:
    """Store what WeChat notifies and act upon it; done means durable. The same notification again changes nothing.

    Raises NotGenuine where WeChat has not signed it just now; Unreadable where it has, but we cannot read it: it is
    kept, and WeChat sends it again.
    """
    if service.wechat is None:
        raise wire.NotGenuine("merchant", "no merchant is set up")
    try:
        service.wechat.verify(headers, body)
    except wire.NotGenuine as error:
        CHANNEL_MESSAGES.labels("wechat", f"not_genuine_{error.why}").inc()
        _log.warning("channel_message_refused", channel="wechat", why=str(error))
        raise
    message = _message(service.wechat, headers, body) | {"received_at": service.clock.now(), "entered_at": wall_now()}
    async with service.database.writing() as tx:
        pool = await _home(tx, message["reference"])
        status = await message_store.store_message(tx, {"pool": pool, **message})
    if status == rules.MessageStatus.UNREADABLE:
        CHANNEL_MESSAGES.labels("wechat", status).inc()
        _log.error("channel_message_unreadable", channel="wechat", message_id=message["message_id"])
        raise wire.Unreadable(message["verdict"])
    if status == rules.MessageStatus.RECEIVED:
        await _apply(service, pool, message["message_id"])


async def apply_messages(service: Payments) -> bool:
    """Act upon messages that were stored and then left alone; whether there were any."""
    before = wall_now() - timedelta(seconds=_WAIT_SECONDS)
    async with service.database.reading() as reader:
        waiting = await message_store.waiting_messages(reader, before, _BATCH)
    return await in_turn(waiting, partial(_apply_waiting, service))


async def _apply_waiting(service: Payments, message: Row) -> bool:
    await _apply(service, message["pool"], message["message_id"])
    return True


async def _apply(service: Payments, pool: str, message_id: str) -> None:
    async with service.database.writing() as tx:
        row = await message_store.lock_waiting(tx, pool, Channel.WECHAT, message_id)
        if row is None:
            return
        if row["kind"].startswith(_TRANSACTION):
            verdict = await _apply_transaction(service, tx, row)
        elif row["kind"].startswith(_REFUND):
            verdict = await wechat_refund_news(tx, wire.read_refund(row["content"]), service.clock.now())
        else:
            verdict = rules.Verdict.KIND_UNKNOWN
        act = rules.MessageAct.KEEP if verdict in rules.ONLY_KEPT else rules.MessageAct.APPLY
        status = rules.MESSAGE_TRANSITIONS[rules.MessageStatus.RECEIVED, act]
        await message_store.judge_message(tx, row, status, verdict, wall_now())
    CHANNEL_MESSAGES.labels("wechat", verdict).inc()
    _log.info("channel_message", channel="wechat", message_id=message_id, status=status, verdict=verdict)


async def _apply_transaction(service: Payments, tx: Writer, row: Row) -> rules.Verdict:
    """Book what a notification says, and judge it."""
    assert service.wechat is not None
    said = wire.read_transaction(row["content"])
    order = await store.find_order(tx, row["pool"], said.out_trade_no)
    verdict = _verdict(service.wechat.mchid, order, said)
    if verdict not in rules.ONLY_KEPT:
        fits = verdict in (rules.Verdict.BOOKED, rules.Verdict.AMOUNT_DIFFERS)
        await book_wechat(tx, row["pool"], order if fits else None, said, service.clock.now())
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


async def _home(tx: Writer, reference: str | None) -> str:
    """The pool that an order's number begins with; that of no pool where nobody there knows of us."""
    named = pool_named(reference or "")
    return named if named in await pools_with_bills(tx, [named]) else POOLLESS


def _message(client: WechatClient, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """A verified notification as a row: opened where that can be done, as it came in any case."""
    kept = {name.lower(): text for name, text in headers.items()}
    row: dict[str, Any] = {
        "channel": Channel.WECHAT,
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
    except wire.Unreadable as error:
        unread = rules.MESSAGE_TRANSITIONS[None, rules.MessageAct.FAIL_TO_READ]
        row |= {"status": unread, "verdict": str(error)}
    return row
