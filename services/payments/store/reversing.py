"""SQL that takes money back."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.database import Reader, Row, Writer

from .settling import COLLECTION


async def lock_collections(tx: Writer, pool: str, collection_ids: Sequence[UUID]) -> Sequence[Row]:
    """Lock collections in the order of their ids."""
    return await tx.rows(
        f"select {COLLECTION} from collection where pool = :pool and collection_id = any(cast(:ids as uuid[])) "
        "order by collection_id for update",
        pool=pool,
        ids=list(collection_ids),
    )


async def settled_bills(tx: Reader, pool: str, collection_ids: Sequence[UUID]) -> list[str]:
    """The bills that these collections pay."""
    rows = await tx.rows(
        "select settles from collection where pool = :pool and collection_id = any(cast(:ids as uuid[])) "
        "and settles is not null",
        pool=pool,
        ids=list(collection_ids),
    )
    return [row["settles"] for row in rows]


async def postings_of(tx: Reader, pool: str, collection_ids: Sequence[UUID]) -> Sequence[Row]:
    """What was posted when these collections were booked, cleared, and when some of their money was released."""
    return await tx.rows(
        "select pool, kind, debit_account, credit_account, amount_fen, scheme, subject, bill_no from transfer "
        "where pool = :pool and (kind in ('collect', 'clear') and subject = any(cast(:subjects as text[])) "
        "or kind = 'release' and split_part(subject, '/', 1) = any(cast(:subjects as text[]))) "
        "order by transfer_id",
        pool=pool,
        subjects=[str(collection_id) for collection_id in collection_ids],
    )


async def mark_reversed(tx: Writer, pool: str, collection_ids: Sequence[UUID], at: datetime, reason: str) -> None:
    """Mark locked collections as taken back."""
    await tx.execute(
        "update collection set reversed_at = :at, reversal_reason = :reason, settles = null, version = version + 1 "
        "where pool = :pool and collection_id = any(cast(:ids as uuid[]))",
        pool=pool,
        ids=list(collection_ids),
        at=at,
        reason=reason,
    )
