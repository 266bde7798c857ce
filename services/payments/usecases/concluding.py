"""Orders are brought to their end by what the channel says of them: asked by a request, or by a job when it is time.

    ask the channel (no transaction) → its word → `rules.order_step` → booked, ended, expired, or asked again later

Whoever asks does the same, so it does not matter who comes first, and asking once more does no harm.
"""

import asyncio
from datetime import timedelta

from shared.clock import wall_now
from shared.database import Row

from ..rules import orders as rules
from ..store import orders as store
from .cashier import Cashier, Said, book
from .suite import Payments
from .unionpay_cashier import UnionPayCashier
from .wechat_cashier import WechatCashier

_BATCH = 20


def cashiers(service: Payments) -> dict[str, Cashier]:
    """The channels that take orders here, by their name in orders."""
    found: list[Cashier] = [
        *([WechatCashier(service.wechat)] if service.wechat else []),
        *([UnionPayCashier(service.unionpay)] if service.unionpay else []),
    ]
    return {cashier.channel: cashier for cashier in found}


async def conclude(service: Payments, row: Row) -> Row:
    """Ask about a live order and do what the answer means; the order as it stands then.

    One that is closing is closed once more; one whose time is over and that nobody has paid is closed before it is
    called expired. Where the channel does not answer, the order stays as it was.
    """
    cashier = cashiers(service).get(row["channel"])
    if cashier is None:
        return row
    ended = over(service, cashier, row)
    said = await _ask(cashier, row, over=ended)
    return row if said is None else await record(service, row, said, over=ended)


async def record(service: Payments, row: Row, said: Said, *, over: bool = False) -> Row:
    """Do what the channel's word means for an order; the order as it stands then."""
    async with service.database.writing() as tx:
        if said.came is not None:
            _, order = await book(tx, row["pool"], row, said.came, service.clock.now())
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


async def ask_orders(service: Payments) -> bool:
    """Ask about the orders whose turn it is; whether there were any."""
    open_here = cashiers(service)
    async with service.database.reading() as reader:
        waiting = [row for row in await store.live_orders_by_channel(reader) if row["channel"] in open_here]
    worked = False
    failures: list[BaseException] = []
    for pool, channel in ((row["pool"], row["channel"]) for row in waiting):
        patience = open_here[channel].patience.total_seconds()
        async with service.database.writing() as tx:
            rows = await store.lease_orders(
                tx, pool, channel, wall_now(), patience, rules.LONGEST_PAUSE_SECONDS, _BATCH
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


async def _ask(cashier: Cashier, row: Row, *, over: bool) -> Said | None:
    status = rules.OrderStatus(row["status"])
    closing = status is rules.OrderStatus.CLOSING
    said = await cashier.end(row, over=over) if closing else await cashier.query(row)
    if said and not closing and rules.order_step(status, said.word, over=over) is rules.OrderAct.CLOSE:
        said = await cashier.end(row, over=over)
    if said and said.word is rules.Word.PAID and said.came is None:
        said = await cashier.query(row)
    return said


def over(service: Payments, cashier: Cashier, row: Row) -> bool:
    """Whether an order's time has run out: by business time, or by wall time where business time stands still."""
    age = wall_now() - row["entered_at"]
    limit = timedelta(minutes=cashier.minutes(rules.Product(row["product"]))) + GRACE
    return bool(service.clock.now() > row["expires_at"] + GRACE or age > limit)


GRACE = timedelta(seconds=30)
"""A payment begun in time may end a little later."""
