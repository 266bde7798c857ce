"""Clearing: what a channel holds of ours goes to the special account once its accepted statement says that it is there.

One posting per collection, named by it, so that the ledger itself refuses a second one and a reversal finds what it has
to take back. Money at a counter or with an agent goes up on other ways: shifts and slips.
"""

from datetime import datetime
from uuid import UUID

from shared.database import Writer

from .. import rules
from ..store import breaks as store
from .posting import transfer

KIND = "clear"
_CHUNK = 1_000


async def clear(tx: Writer, pool: str, statement_id: UUID, now: datetime) -> bool:
    """Clear what the rows of a locked, accepted statement stand for; whether there may be more."""
    rows = await store.uncleared(tx, pool, statement_id, _CHUNK)
    if not rows:
        return False
    postings = [
        transfer(row, KIND, rules.SPECIAL_ACCOUNT, row["held"], row["amount_fen"], row["collection_id"], now)
        for row in rows
    ]
    await store.post_clearing(tx, postings)
    for subject_pool in sorted({row["pool"] for row in rows}):
        cleared = [row["collection_id"] for row in rows if row["pool"] == subject_pool]
        await store.mark_cleared(tx, pool, subject_pool, cleared, now)
    return len(rows) == _CHUNK
