"""SQL about receipt numbers handed out beforehand."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables.blocks import receipt_block, receipt_unissued

_BLOCK = (
    "block.pool, block.block_id, block.book_code, block.first_number, block.last_number, block.region, block.agent, "
    "block.state, block.issued_by, block.issued_at, block.returned_at, block.unused_count as stated_unused_count, "
    "block.checked_by, block.checked_at, block.note, block.version"
)
# What has become of a block's numbers: receipts, and what the table of the others says.
_COUNTS = (
    "(select count(*) from receipt where receipt.pool = :pool and receipt.book_code = block.book_code "
    "and receipt.number between block.first_number and block.last_number) as used_count, "
    "(select count(*) filter (where cause = 'spoiled') from receipt_unissued as other where other.pool = :pool "
    "and other.block_id = block.block_id) as spoiled_count, "
    "(select count(*) filter (where cause = 'withheld') from receipt_unissued as other where other.pool = :pool "
    "and other.block_id = block.block_id) as withheld_count, "
    "(select count(*) filter (where cause = 'returned') from receipt_unissued as other where other.pool = :pool "
    "and other.block_id = block.block_id) as returned_count"
)


async def insert_block(tx: Writer, row: Mapping[str, Any]) -> None:
    """Hand out a block."""
    await tx.insert(receipt_block, [row])


async def find_block(tx: Reader, pool: str, block_id: UUID) -> Row | None:
    """One block with what became of its numbers."""
    return await tx.row(
        f"select {_BLOCK}, {_COUNTS} from receipt_block as block where block.pool = :pool "
        "and block.block_id = :block_id",
        pool=pool,
        block_id=block_id,
    )


async def list_blocks(
    tx: Reader, pool: str, area: str, *, after: UUID | None, limit: int, state: str | None, agent: str | None
) -> Sequence[Row]:
    """Blocks inside an area in the order in which they were handed out; `limit` + 1 rows."""
    wanted: list[tuple[str, str, Any]] = [
        ("after", "block.block_id > :after", after),
        ("state", "block.state = :state", state),
        ("agent", "block.agent = :agent", agent),
        ("area", "starts_with(block.region, :area)", area or None),
    ]
    given = {name: value for name, _, value in wanted if value is not None}
    conditions = "".join(f" and {condition}" for name, condition, _ in wanted if name in given)
    return await tx.rows(
        f"select {_BLOCK}, {_COUNTS} from receipt_block as block where block.pool = :pool{conditions} "
        "order by block.block_id limit :limit",
        pool=pool,
        limit=limit + 1,
        **given,
    )


async def lock_block(tx: Writer, pool: str, block_id: UUID) -> Row | None:
    """One block, locked: numbers are used, given back and written off one after the other."""
    locked = await tx.row(
        "select block_id from receipt_block where pool = :pool and block_id = :block_id for update",
        pool=pool,
        block_id=block_id,
    )
    return await find_block(tx, pool, block_id) if locked else None


async def lock_numbers(tx: Writer, pool: str, numbers: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Row]:
    """The blocks in which numbers (book, number) lie, locked in one order, each with whether the number is used."""
    about: dict[str, Any] = {
        "pool": pool,
        "books": [book_code for book_code, _ in numbers],
        "numbers": [number for _, number in numbers],
    }
    named = "unnest(cast(:books as text[]), cast(:numbers as bigint[])) as named (book_code, number)"
    inside = "block.book_code = named.book_code and named.number between block.first_number and block.last_number"
    await tx.rows(
        "select block.block_id from receipt_block as block where block.pool = :pool "
        f"and exists (select 1 from {named} where {inside}) order by block.block_id for update",
        **about,
    )
    rows = await tx.rows(
        "select named.book_code, named.number, block.block_id, block.agent, block.state, "
        "exists (select 1 from receipt where receipt.pool = :pool and receipt.book_code = named.book_code "
        "and receipt.number = named.number) or exists (select 1 from receipt_unissued as other "
        "where other.pool = :pool and other.book_code = named.book_code and other.number = named.number) as used "
        f"from {named} join receipt_block as block on block.pool = :pool and {inside}",
        **about,
    )
    return {(row["book_code"], row["number"]): row for row in rows}


async def insert_unissued(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record numbers of locked blocks that became no receipt."""
    await tx.insert(receipt_unissued, rows)


async def change_block(tx: Writer, row: Mapping[str, Any]) -> None:
    """Move a locked block."""
    await tx.execute(
        "update receipt_block set state = :state, returned_at = :returned_at, unused_count = :unused_count, "
        "checked_by = :checked_by, checked_at = :checked_at, note = :note, version = version + 1 "
        "where pool = :pool and block_id = :block_id",
        **{
            name: row[name]
            for name in (
                *("state", "returned_at", "unused_count", "checked_by", "checked_at", "note"),
                *("pool", "block_id"),
            )
        },
    )


async def record_returned(tx: Writer, pool: str, block_id: UUID, by: str, at: datetime) -> None:
    """Every number of a locked block of which nothing is known was given back."""
    await tx.execute(
        "insert into receipt_unissued (pool, book_code, number, block_id, cause, recorded_by, recorded_at) "
        "select block.pool, block.book_code, each.number, block.block_id, 'returned', :by, :at "
        "from receipt_block as block, generate_series(block.first_number, block.last_number) as each (number) "
        "where block.pool = :pool and block.block_id = :block_id "
        "and not exists (select 1 from receipt where receipt.pool = :pool "
        "and receipt.book_code = block.book_code and receipt.number = each.number) "
        "and not exists (select 1 from receipt_unissued as other where other.pool = :pool "
        "and other.book_code = block.book_code and other.number = each.number)",
        pool=pool,
        block_id=block_id,
        by=by,
        at=at,
    )
