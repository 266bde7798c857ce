"""SQL that settles a list of payments: everything set-based, one statement per table whatever the list's length."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import collection, receipt, submission, transfer

COLLECTION = (
    "pool, collection_id, channel, method, bill_no, scheme, person_id, region, amount_fen, "
    "released_fen, refunding_fen, refunded_fen, payer_name, payer_id, shift_id, paid_at, booked_at, outcome, reason, "
    "settles, receipt_no, reversed_at, reversal_reason, version"
)


async def insert_submissions(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Store what has come, in the order of the references; the ids of those that are new to us."""
    ordered = sorted(rows, key=lambda row: (row["channel"], row["reference"]))
    stored = await tx.insert(
        submission, ordered, tail="on conflict (pool, channel, reference) do nothing returning submission_id"
    )
    return {row["submission_id"] for row in stored}


async def collections_by_reference(tx: Reader, pool: str, channel: str, references: Sequence[str]) -> dict[str, Row]:
    """What became of earlier submissions, by their channel's reference."""
    rows = await tx.rows(
        f"select reference, {', '.join(f'collection.{name.strip()}' for name in COLLECTION.split(','))} "
        "from submission join collection on collection.pool = submission.pool "
        "and collection.submission_id = submission.submission_id "
        "where submission.pool = :pool and submission.channel = :channel "
        "and reference = any(cast(:references as text[]))",
        pool=pool,
        channel=channel,
        references=list(references),
    )
    return {row["reference"]: row for row in rows}


async def take_receipt_numbers(tx: Writer, pool: str, wanted: Mapping[str, int]) -> dict[str, int]:
    """Take consecutive numbers from receipt books, books in ascending order; the first number of each.

    The book's row stays locked until the commit, so a rolled-back transaction leaves no gap.
    """
    rows = await tx.rows(
        "insert into receipt_book (pool, book_code, last_number) "
        "select :pool, book_code, count from unnest(cast(:books as text[]), cast(:counts as bigint[])) "
        "as wanted (book_code, count) order by book_code "
        "on conflict (pool, book_code) do update set last_number = receipt_book.last_number + excluded.last_number "
        "returning book_code, last_number",
        pool=pool,
        books=list(wanted),
        counts=list(wanted.values()),
    )
    return {row["book_code"]: row["last_number"] - wanted[row["book_code"]] + 1 for row in rows}


async def insert_collections(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Book money that has come."""
    await tx.store(collection, rows)


async def insert_receipts(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Issue receipts."""
    await tx.store(receipt, rows)


async def insert_transfers(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Post to the fund ledger."""
    await tx.store(transfer, rows)
