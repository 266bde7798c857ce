"""SQL about card terminals and card sales at counters."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables.counter import pos_sale, pos_terminal

_TERMINAL = "pool, terminal_no, shop_no, counter_code, region, registered_by, registered_at, withdrawn_at"
_SALE = (
    "pool, terminal_no, batch_no, trace_no, reference_no, shift_id, state, amount_fen, items, paid_at, void_trace_no, "
    "voided_at, voided_by, version"
)
_NAMED = "pool = :pool and terminal_no = :terminal_no and batch_no = :batch_no and trace_no = :trace_no"


async def insert_terminal(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Register a terminal; False where it stands at a counter already. One that was withdrawn moves."""
    tail = (
        "on conflict (pool, terminal_no) do update set shop_no = excluded.shop_no, "
        "counter_code = excluded.counter_code, region = excluded.region, registered_by = excluded.registered_by, "
        "registered_at = excluded.registered_at, withdrawn_at = null where pos_terminal.withdrawn_at is not null "
        "returning terminal_no"
    )
    return bool(await tx.insert(pos_terminal, [row], tail=tail))


async def find_terminal(tx: Reader, pool: str, terminal_no: str) -> Row | None:
    """One terminal."""
    return await tx.row(
        f"select {_TERMINAL} from pos_terminal where pool = :pool and terminal_no = :terminal_no",
        pool=pool,
        terminal_no=terminal_no,
    )


async def list_terminals(
    tx: Reader, pool: str, area: str, *, after: str, limit: int, counter_code: str | None
) -> Sequence[Row]:
    """Terminals inside an area by number; `limit` + 1 rows."""
    narrowed = " and counter_code = :counter_code" if counter_code else ""
    return await tx.rows(
        f"select {_TERMINAL} from pos_terminal where pool = :pool and starts_with(region, :area) "
        f"and terminal_no > :after{narrowed} order by terminal_no limit :limit",
        pool=pool,
        area=area,
        after=after,
        limit=limit + 1,
        **({"counter_code": counter_code} if counter_code else {}),
    )


async def withdraw_terminal(tx: Writer, pool: str, terminal_no: str, at: datetime) -> None:
    """Take a terminal out of use; the first time counts."""
    await tx.execute(
        "update pos_terminal set withdrawn_at = coalesce(withdrawn_at, :at) "
        "where pool = :pool and terminal_no = :terminal_no",
        pool=pool,
        terminal_no=terminal_no,
        at=at,
    )


async def insert_sales(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    """Record card sales of one pool, in the order of their slips; those (terminal, batch, trace) that are new."""
    ordered = sorted(rows, key=lambda row: (row["terminal_no"], row["batch_no"], row["trace_no"]))
    tail = "on conflict (pool, terminal_no, batch_no, trace_no) do nothing returning terminal_no, batch_no, trace_no"
    stored = await tx.insert(pos_sale, ordered, tail=tail)
    return {(row["terminal_no"], row["batch_no"], row["trace_no"]) for row in stored}


async def lock_sale(tx: Writer, pool: str, terminal_no: str, batch_no: str, trace_no: str) -> Row | None:
    """One card sale, locked."""
    return await tx.row(
        f"select {_SALE} from pos_sale where {_NAMED} for update",
        pool=pool,
        terminal_no=terminal_no,
        batch_no=batch_no,
        trace_no=trace_no,
    )


async def lock_sales(tx: Writer, pool: str, names: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], Row]:
    """Card sales by their slips (terminal, batch, trace), locked in the order of these."""
    rows = await tx.rows(
        f"select {_SALE} from pos_sale where pool = :pool and (terminal_no, batch_no, trace_no) in (select * "
        "from unnest(cast(:terminals as text[]), cast(:batches as text[]), cast(:traces as text[]))) "
        "order by terminal_no, batch_no, trace_no for update",
        pool=pool,
        terminals=[terminal_no for terminal_no, _, _ in names],
        batches=[batch_no for _, batch_no, _ in names],
        traces=[trace_no for _, _, trace_no in names],
    )
    return {(row["terminal_no"], row["batch_no"], row["trace_no"]): row for row in rows}


async def void_sale(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Note that a locked sale was taken back; False where another void has this trace number."""
    taken = await tx.value(
        "select 1 from pos_sale where pool = :pool and terminal_no = :terminal_no and batch_no = :batch_no "
        "and (void_trace_no = :void_trace_no or trace_no = :void_trace_no)",
        **{name: row[name] for name in ("pool", "terminal_no", "batch_no", "void_trace_no")},
    )
    if taken:
        return False
    await tx.execute(
        "update pos_sale set state = 'voided', void_trace_no = :void_trace_no, voided_at = :voided_at, "
        f"voided_by = :voided_by, version = version + 1 where {_NAMED}",
        **row,
    )
    return True


async def collections_of_slip(tx: Reader, pool: str, reference: str, items: Sequence[str]) -> list[UUID]:
    """The collections of a slip, by the bills that it paid."""
    rows = await tx.rows(
        "select c.collection_id from submission as s join collection as c on c.pool = s.pool "
        "and c.submission_id = s.submission_id where s.pool = :pool and s.channel = 'counter' "
        "and s.reference = any(cast(:references as text[])) order by c.collection_id",
        pool=pool,
        references=[f"{reference}/{bill_no}" for bill_no in items],
    )
    return [row["collection_id"] for row in rows]
