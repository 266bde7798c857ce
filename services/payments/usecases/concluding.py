"""Orders are brought to their end by what the channel says of them: asked by a request, or by a job when it is time.

    ask the channel (no transaction) → its word → `rules.order_step` → booked, ended, expired, or asked again later

Whoever asks does the same, so it does not matter who comes first, and asking once more does no harm.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from shared.clock import wall_now
from shared.database import Row

from ..clients import Done, Refused, WechatClient
from ..formats.wechat import MONEY_CAME
from ..rules import orders as rules
from ..schemas.wechat import WechatTransaction
from ..store import orders as store
from .suite import Payments
from .wechat import book_wechat

_BATCH = 20
_log = structlog.get_logger()


@dataclass(frozen=True)
class Said:
    """The channel's word on an order; of a paid one, what it says of the payment."""

    word: rules.Word
    transaction: WechatTransaction | None = None


async def conclude(service: Payments, row: Row) -> Row:
    """Ask about a live order and do what the answer means; the order as it stands then.

    One that is closing is closed once more; one whose time is over and that nobody has paid is closed before it is
    called expired. Where the channel does not answer, the order stays as it was.
    """
    over = _over(service, row)
    said = await _ask(service, row, over=over)
    return row if said is None else await record(service, row, said, over=over)


async def record(service: Payments, row: Row, said: Said, *, over: bool = False) -> Row:
    """Do what the channel's word means for an order; the order as it stands then."""
    async with service.database.writing() as tx:
        if said.transaction is not None:
            _, order = await book_wechat(tx, row["pool"], row, said.transaction, service.clock.now())
            assert order is not None
            return order
        locked = await store.lock_order(tx, row["pool"], row["order_no"])
        assert locked is not None
        status = rules.OrderStatus(locked["status"])
        act = rules.order_step(status, said.word, over=over)
        if act is None or act is rules.OrderAct.CLOSE:
            return locked
        reason = locked["reason"] or ("unknown_to_channel" if act is rules.OrderAct.REFUSE else None)
        return await store.move_order(tx, locked, rules.ORDER_TRANSITIONS[status, act], wall_now(), reason=reason)


async def query(client: WechatClient, order_no: str) -> Said | None:
    """What WeChat knows of an order; None where that cannot be told just now."""
    outcome = await client.query_order(order_no)
    if isinstance(outcome, Done):
        found = outcome.value
        if found.trade_state in MONEY_CAME:
            return Said(rules.Word.PAID, found)
        word = _STATES.get(found.trade_state)
        return Said(word) if word else None
    if isinstance(outcome, Refused):
        if outcome.code == _ABSENT:
            return Said(rules.Word.ABSENT)
        _log.error("channel_refused_query", channel="wechat", order_no=order_no, code=outcome.code)
    return None


async def ask_orders(service: Payments) -> bool:
    """Ask about the orders whose turn it is; whether there were any."""
    if service.wechat is None:
        return False
    async with service.database.reading() as reader:
        pools = await store.pools_with_live_orders(reader)
    worked = False
    failures: list[BaseException] = []
    for pool in pools:
        async with service.database.writing() as tx:
            rows = await store.lease_orders(
                tx, pool, wall_now(), service.wechat.settings.ask_seconds, rules.LONGEST_PAUSE_SECONDS, _BATCH
            )
        results = await asyncio.gather(*(conclude(service, row) for row in rows), return_exceptions=True)
        failures.extend(result for result in results if isinstance(result, BaseException))
        worked = worked or bool(rows)
    if failures:
        raise failures[0]
    return worked


async def close_superseded_orders(service: Payments) -> bool:
    """Begin to close the orders of bills that were settled otherwise, or voided; whether there were any.

    `ask_orders` carries on. Who pays such an order all the same is booked, and paid back as surplus.
    """
    async with service.database.reading() as reader:
        pools = await store.pools_with_live_orders(reader)
    found = 0
    for pool in pools:
        async with service.database.writing() as tx:
            found += await store.supersede_orders_of_ended_bills(tx, pool, wall_now())
    return found > 0


async def _ask(service: Payments, row: Row, *, over: bool) -> Said | None:
    client = service.wechat
    if client is None:
        return None
    status, order_no = rules.OrderStatus(row["status"]), row["order_no"]
    closing = status is rules.OrderStatus.CLOSING
    said = await _close(client, order_no) if closing else await query(client, order_no)
    if said and not closing and rules.order_step(status, said.word, over=over) is rules.OrderAct.CLOSE:
        said = await _close(client, order_no)
    if said and said.word is rules.Word.PAID and said.transaction is None:
        said = await query(client, order_no)
    return said


async def _close(client: WechatClient, order_no: str) -> Said | None:
    outcome = await client.close_order(order_no)
    if isinstance(outcome, Done):
        return Said(rules.Word.ENDED)
    if isinstance(outcome, Refused):
        word = _CLOSE_REFUSALS.get(outcome.code)
        if word:
            return Said(word)
        _log.error("channel_refused_close", channel="wechat", order_no=order_no, code=outcome.code)
    return None


def _over(service: Payments, row: Row) -> bool:
    """Whether an order's time has run out: by business time, or by wall time where business time stands still."""
    assert service.wechat is not None
    age = wall_now() - row["entered_at"]
    limit = timedelta(minutes=service.wechat.settings.order_minutes) + _GRACE
    return bool(service.clock.now() > row["expires_at"] + _GRACE or age > limit)


_GRACE = timedelta(seconds=30)
"""A payment begun in time may end a little later."""

_ABSENT = "ORDERNOTEXIST"
_STATES = {
    "NOTPAY": rules.Word.UNPAID,
    "PAYERROR": rules.Word.UNPAID,
    "USERPAYING": rules.Word.PAYING,
    "ACCEPT": rules.Word.PAYING,
    "CLOSED": rules.Word.ENDED,
    "REVOKED": rules.Word.ENDED,
}
_CLOSE_REFUSALS = {
    "USERPAYING": rules.Word.PAYING,
    "ORDERPAID": rules.Word.PAID,
    "ORDERCLOSED": rules.Word.ENDED,
    _ABSENT: rules.Word.ABSENT,
}
