"""Notifications of channels: evidence, stored before it is acted upon. The same for every channel that sends them.

    notification → genuine? → tx 1 stored as evidence → tx 2 booked, judged → answered

A message is acted upon once, whoever gets to it: the request that brought it, its repetition, or `apply_messages` after
a process has died between the two transactions. What cannot be booked stays as evidence with our verdict.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from shared.clock import wall_now
from shared.codes import Channel
from shared.database import Row, Writer
from shared.jobs import in_turn
from shared.metrics import CHANNEL_MESSAGES

from ..formats.genuine import NotGenuine, Unreadable
from ..rules import orders as rules
from ..rules.tax import POOLLESS, pool_named
from ..store import messages as store
from ..store.tax import pools_with_bills
from . import unionpay, wechat
from .suite import Payments

_BATCH = 50
_WAIT_SECONDS = 10
_log = structlog.get_logger()


@dataclass(frozen=True)
class Teller:
    """A channel that notifies. `read` verifies and makes a row; `apply` books a stored one and judges it."""

    read: Callable[[Payments, Mapping[str, str], bytes], Awaitable[dict[str, Any]]]
    apply: Callable[[Payments, Writer, Row], Awaitable[rules.Verdict]]


_TELLERS: Mapping[str, Teller] = {
    Channel.WECHAT: Teller(wechat.read_notification, wechat.apply_message),
    unionpay.CHANNEL: Teller(unionpay.read_notification, unionpay.apply_message),
}


async def take_notification(service: Payments, channel: str, headers: Mapping[str, str], body: bytes) -> None:
    """Store what a channel notifies and act upon it; done means durable. The same again changes nothing.

    What is stored is answered, whatever becomes of acting upon it now: `apply_messages` does that again.
    Raises NotGenuine where the channel has not signed it; Unreadable where it has, but we cannot read it: it is kept,
    and the channel sends it again.
    """
    try:
        read = await _TELLERS[channel].read(service, headers, body)
    except NotGenuine as error:
        CHANNEL_MESSAGES.labels(channel, f"not_genuine_{error.why}").inc()
        _log.warning("channel_message_refused", channel=channel, why=str(error))
        raise
    message = read | {"channel": channel, "received_at": service.clock.now(), "entered_at": wall_now()}
    async with service.database.writing() as tx:
        pool = await _home(tx, message["reference"])
        status = await store.store_message(tx, {"pool": pool, **message})
    if status == rules.MessageStatus.UNREADABLE:
        CHANNEL_MESSAGES.labels(channel, status).inc()
        _log.error("channel_message_unreadable", channel=channel, message_id=message["message_id"])
        raise Unreadable(message["verdict"])
    if status != rules.MessageStatus.RECEIVED:
        return
    try:
        await _apply(service, pool, channel, message["message_id"])
    except Exception:  # noqa: BLE001 -- whatever it is, the message is stored, and a job acts upon it
        CHANNEL_MESSAGES.labels(channel, "left").inc()
        _log.exception("channel_message_left", channel=channel, message_id=message["message_id"])


async def apply_messages(service: Payments) -> bool:
    """Act upon messages that were stored and then left alone; whether there were any."""
    before = wall_now() - timedelta(seconds=_WAIT_SECONDS)
    async with service.database.reading() as reader:
        waiting = await store.waiting_messages(reader, before, _BATCH)
    return await in_turn(waiting, partial(_apply_waiting, service))


async def _apply_waiting(service: Payments, message: Row) -> bool:
    await _apply(service, message["pool"], message["channel"], message["message_id"])
    return True


async def _apply(service: Payments, pool: str, channel: str, message_id: str) -> None:
    async with service.database.writing() as tx:
        row = await store.lock_waiting(tx, pool, channel, message_id)
        if row is None:
            return
        verdict = await _TELLERS[channel].apply(service, tx, row)
        act = rules.MessageAct.KEEP if verdict in rules.ONLY_KEPT else rules.MessageAct.APPLY
        status = rules.MESSAGE_TRANSITIONS[rules.MessageStatus.RECEIVED, act]
        await store.judge_message(tx, row, status, verdict, wall_now())
    CHANNEL_MESSAGES.labels(channel, verdict).inc()
    _log.info("channel_message", channel=channel, message_id=message_id, status=status, verdict=verdict)


async def _home(tx: Writer, reference: str | None) -> str:
    """The pool that an order's number begins with; that of no pool where nobody there knows of us."""
    named = pool_named(reference or "")
    return named if named in await pools_with_bills(tx, [named]) else POOLLESS
