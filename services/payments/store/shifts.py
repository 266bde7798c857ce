"""SQL about shifts of a counter."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import shift

_SHOWN = (
    "pool, shift_id, counter_code, region, clerk, status, opening_float_fen, opened_at, closed_at, expected_cash_fen, "
    "counted_cash_fen, denominations, takings_fen, deposit_fen, deposit_due_on, note, difference_note, "
    "difference_booked_by, difference_booked_at, version"
)


async def insert_shift(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Open a shift; False where the counter has one open."""
    stored = await tx.insert(
        shift, [row], tail="on conflict (pool, counter_code) where status = 'open' do nothing returning shift_id"
    )
    return bool(stored)


async def find_shift(tx: Reader, pool: str, shift_id: UUID) -> Row | None:
    """One shift."""
    return await tx.row(
        f"select {_SHOWN} from shift where pool = :pool and shift_id = :shift_id", pool=pool, shift_id=shift_id
    )


async def share_shift(tx: Writer, pool: str, shift_id: UUID) -> Row | None:
    """One shift, kept from being closed while this transaction books into it."""
    return await tx.row(
        f"select {_SHOWN} from shift where pool = :pool and shift_id = :shift_id for share",
        pool=pool,
        shift_id=shift_id,
    )


async def share_shifts(tx: Writer, pool: str, shift_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Shifts, in one order, kept from being closed while this transaction books into them."""
    rows = await tx.rows(
        f"select {_SHOWN} from shift where pool = :pool and shift_id = any(cast(:ids as uuid[])) "
        "order by shift_id for share",
        pool=pool,
        ids=sorted(set(shift_ids)),
    )
    return {row["shift_id"]: row for row in rows}


async def lock_shift(tx: Writer, pool: str, shift_id: UUID) -> Row | None:
    """One shift, locked to be closed."""
    return await tx.row(
        f"select {_SHOWN} from shift where pool = :pool and shift_id = :shift_id for update",
        pool=pool,
        shift_id=shift_id,
    )


async def shift_sums(tx: Reader, pool: str, shift_id: UUID) -> dict[str, int]:
    """What a shift took and paid back, in fen: `cash_in`, `all_in`, `cash_out`, `all_out`."""
    row = await tx.row(
        "select "
        "(select cast(coalesce(sum(amount_fen), 0) as bigint) from collection "
        " where pool = :pool and shift_id = :shift_id and method = 'cash' and reversed_at is null) as cash_in, "
        "(select cast(coalesce(sum(amount_fen), 0) as bigint) from collection "
        " where pool = :pool and shift_id = :shift_id and reversed_at is null) as all_in, "
        "(select cast(coalesce(sum(amount_fen), 0) as bigint) from refund "
        " where pool = :pool and shift_id = :shift_id and method = 'cash') as cash_out, "
        "(select cast(coalesce(sum(amount_fen), 0) as bigint) from refund "
        " where pool = :pool and shift_id = :shift_id) as all_out",
        pool=pool,
        shift_id=shift_id,
    )
    assert row is not None
    return dict(row)


async def close_shift(tx: Writer, row: Mapping[str, Any]) -> None:
    """Close a locked shift."""
    await tx.execute(
        "update shift set status = :status, closed_at = :closed_at, expected_cash_fen = :expected_cash_fen, "
        "counted_cash_fen = :counted_cash_fen, denominations = :denominations, "
        "takings_fen = :takings_fen, deposit_fen = :deposit_fen, deposit_due_on = :deposit_due_on, note = :note, "
        "version = version + 1 where pool = :pool and shift_id = :shift_id",
        **row,
    )


async def book_difference(tx: Writer, row: Mapping[str, Any]) -> None:
    """Note that the difference of a locked shift is booked, and what is to be deposited with it."""
    await tx.execute(
        "update shift set status = :status, deposit_fen = :deposit_fen, difference_note = :difference_note, "
        "difference_booked_by = :difference_booked_by, difference_booked_at = :difference_booked_at, "
        "version = version + 1 where pool = :pool and shift_id = :shift_id",
        **row,
    )


async def lock_for_deposit(tx: Writer, pool: str, shift_ids: Sequence[UUID]) -> Sequence[Row]:
    """Lock shifts in the order of their ids, with whether each stands in a deposit slip."""
    await tx.rows(
        "select shift_id from shift where pool = :pool and shift_id = any(cast(:ids as uuid[])) "
        "order by shift_id for update",
        pool=pool,
        ids=list(shift_ids),
    )
    # A statement of its own: what another transaction did while we waited is seen only by the next snapshot.
    return await tx.rows(
        f"select {_SHOWN}, exists (select 1 from remittance_shift as item where item.pool = :pool "
        "and item.shift_id = shift.shift_id and item.live) as in_slip "
        "from shift where pool = :pool and shift_id = any(cast(:ids as uuid[])) order by shift_id",
        pool=pool,
        ids=list(shift_ids),
    )


async def cash_journal(tx: Reader, pool: str, shift_id: UUID) -> Sequence[Row]:
    """Cash into a shift's drawer and out of it, in the order in which it happened."""
    return await tx.rows(
        "select at, kind, collection_id, receipt_no, name, in_fen, out_fen from ("
        "select booked_at as at, 'payment' as kind, collection_id, receipt_no, payer_name as name, "
        "amount_fen as in_fen, cast(0 as bigint) as out_fen from collection "
        "where pool = :pool and shift_id = :shift_id and method = 'cash' "
        "union all select reversed_at, 'reversed', collection_id, receipt_no, payer_name, 0, amount_fen "
        "from collection where pool = :pool and shift_id = :shift_id and method = 'cash' and reversed_at is not null "
        "union all select refund.submitted_at, 'refund', refund.collection_id, collection.receipt_no, refund.paid_to, "
        "0, refund.amount_fen from refund join collection on collection.pool = refund.pool "
        "and collection.collection_id = refund.collection_id "
        "where refund.pool = :pool and refund.shift_id = :shift_id and refund.method = 'cash') as move "
        "order by at, collection_id, kind",
        pool=pool,
        shift_id=shift_id,
    )
