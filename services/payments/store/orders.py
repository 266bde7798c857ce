"""SQL about orders with channels."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.database import Reader, Row, Writer

from ..tables import channel_order

_ORDER = (
    "pool, order_no, channel, product, bill_no, region, amount_fen, openid, payer_name, payer_id, status, "
    "reason, request, ticket, created_at, expires_at, entered_at, ask_at, asked, transaction_id, collection_id, version"
)
_LIVE = "status in ('created', 'open', 'closing')"


async def insert_order(tx: Writer, row: Mapping[str, Any]) -> None:
    """Store the intent to pay a locked bill through a channel."""
    await tx.insert(channel_order, [row])


async def find_order(tx: Reader, pool: str, order_no: str) -> Row | None:
    """One order."""
    return await tx.row(
        f"select {_ORDER} from channel_order where pool = :pool and order_no = :order_no", pool=pool, order_no=order_no
    )


async def lock_order(tx: Writer, pool: str, order_no: str) -> Row | None:
    """One order, locked. Whoever locks a bill as well locks it first."""
    return await tx.row(
        f"select {_ORDER} from channel_order where pool = :pool and order_no = :order_no for update",
        pool=pool,
        order_no=order_no,
    )


async def rivals(tx: Reader, pool: str, bill_nos: Sequence[str]) -> Sequence[Row]:
    """Who else can pay these bills: an order that lives, or a batch by which a bank was asked and has not answered.

    The order of a bill that can be paid longest comes first, the bank last.
    """
    return await tx.rows(
        "select bill_no, order_no, channel, product, entered_at, expires_at, null as institution, null as batch_no "
        "from channel_order where pool = :pool and bill_no = any(cast(:bill_nos as text[])) "
        f"and {_LIVE} union all "
        "select l.bill_no, null, null, null, null, null, w.institution, w.batch_no from withholding_line as l "
        "join withholding as w on w.pool = l.pool and w.withholding_id = l.withholding_id where l.pool = :pool "
        "and l.bill_no = any(cast(:bill_nos as text[])) and l.state = 'asked' and w.released_at is not null "
        "order by bill_no, expires_at desc nulls last",
        pool=pool,
        bill_nos=sorted(set(bill_nos)),
    )


async def closing_orders(tx: Reader, pool: str, bill_nos: Sequence[str], but: str) -> Sequence[Row]:
    """The orders of these bills that are being closed, all but one."""
    return await tx.rows(
        f"select {_ORDER} from channel_order where pool = :pool and bill_no = any(cast(:bill_nos as text[])) "
        "and order_no <> :but and status = 'closing' order by order_no",
        pool=pool,
        bill_nos=list(bill_nos),
        but=but,
    )


async def supersede_orders(tx: Writer, pool: str, bill_nos: Sequence[str], reason: str, wall: datetime) -> None:
    """Begin to close what orders locked bills have."""
    await tx.execute(
        "update channel_order set status = 'closing', reason = :reason, entered_at = :wall, ask_at = :wall, asked = 0, "
        "version = version + 1 where pool = :pool and bill_no = any(cast(:bill_nos as text[])) "
        "and status in ('created', 'open')",
        pool=pool,
        bill_nos=list(bill_nos),
        reason=reason,
        wall=wall,
    )


async def supersede_orders_of_ended_bills(tx: Writer, pool: str, wall: datetime) -> int:
    """Begin to close the orders whose bill is not open any more, with the bill's state as their reason; how many."""
    return await tx.execute(
        "update channel_order set status = 'closing', reason = ended.reason, entered_at = :wall, ask_at = :wall, "
        "asked = 0, version = version + 1 from (select standing.order_no, "
        "case bill.status when 'paid' then 'already_paid' else 'bill_voided' end as reason "
        "from channel_order as standing join bill on bill.pool = :pool and bill.bill_no = standing.bill_no "
        "where standing.pool = :pool and standing.status in ('created', 'open') and bill.status <> 'open' "
        "order by standing.order_no for update of standing skip locked) as ended "
        "where channel_order.pool = :pool and channel_order.order_no = ended.order_no",
        pool=pool,
        wall=wall,
    )


async def move_order(tx: Writer, row: Row, status: str, wall: datetime, **changes: Any) -> Row:
    """Change the state of a locked order, and what goes with it: `reason`, `ticket`, `transaction_id`, …"""
    found = await tx.row(
        "update channel_order set status = :status, entered_at = :wall, version = version + 1"
        f"{''.join(f', {name} = :{name}' for name in changes)} "
        f"where pool = :pool and order_no = :order_no returning {_ORDER}",
        pool=row["pool"],
        order_no=row["order_no"],
        status=status,
        wall=wall,
        **changes,
    )
    assert found is not None
    return found


async def live_orders_by_channel(tx: Reader) -> Sequence[Row]:
    """The pools and channels in which orders wait for their end."""
    return await tx.rows(f"select distinct pool, channel from channel_order where {_LIVE} order by pool, channel")


async def pools_with_live_orders(tx: Reader) -> Sequence[str]:
    """The pools in which orders wait for their end."""
    rows = await tx.rows(f"select distinct pool from channel_order where {_LIVE} order by pool")
    return [row["pool"] for row in rows]


async def lease_orders(
    tx: Writer, pool: str, channel: str, wall: datetime, first_seconds: float, most_seconds: float, limit: int
) -> Sequence[Row]:
    """Orders of a channel whose turn it is to be asked; the pause until their next turn doubles each time.

    A worker that dies leaves them to that next turn.
    """
    return await tx.rows(
        # Materialized: a plan that asks the selection again for each row would find others than before.
        "with due as materialized (select order_no from channel_order where pool = :pool "
        f"and channel = :channel and {_LIVE} and ask_at <= :wall order by ask_at limit :limit for update skip locked) "
        "update channel_order set asked = asked + 1, ask_at = to_timestamp(:now + "
        "least(:most_seconds, :first_seconds * power(2, least(asked, 20)))) "
        f"where pool = :pool and order_no in (select order_no from due) returning {_ORDER}",
        pool=pool,
        channel=channel,
        wall=wall,
        now=wall.timestamp(),
        first_seconds=first_seconds,
        most_seconds=most_seconds,
        limit=limit,
    )
