"""SQL about shifts of a counter."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import shift

_SHOWN = (
    "pool, shift_id, counter_code, region, clerk, status, opening_float_fen, opened_at, closed_at, expected_cash_fen, "
    "counted_cash_fen, takings_fen, note, version"
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
        "update shift set status = 'closed', closed_at = :closed_at, expected_cash_fen = :expected_cash_fen, "
        "counted_cash_fen = :counted_cash_fen, takings_fen = :takings_fen, note = :note, version = version + 1 "
        "where pool = :pool and shift_id = :shift_id",
        **row,
    )
