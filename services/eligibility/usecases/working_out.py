"""Statuses from what lists say: recorded where they follow, withdrawn where they no longer do, told in either case."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Row, Writer
from shared.ids import new_id

from ..store import claims, merges

_FOLLOWING = (
    "person_id", "code", "grade", "school_region", "valid_from", "valid_to", "feed_id", "row_no", "ended_by",
)  # fmt: skip
_SAME_STATUS = ("person_id", "code", "valid_from", "valid_to", "grade", "school_region")


async def work_out(tx: Writer, pool: str, supplier: str, now: datetime, person_ids: Sequence[UUID]) -> set[UUID]:
    """Bring the statuses of persons by one supplier into line with all it has said; whose own record shows the change.

    Of persons who turned out to be one the survivor holds the statuses, by what was said of any of them.

    A status that is stated again says nothing new and rests on where it stood first, unless that list no longer
    counts. Stated otherwise the earlier one is withdrawn, not overwritten: an auditor can see what was held to be
    true, and when. The caller has taken the supplier's turn.
    """
    if not person_ids:
        return set()
    survivors = sorted(set((await merges.survivors(tx, pool, person_ids)).values()))
    following = {_same(row): row for row in await claims.following_statuses(tx, pool, supplier, survivors)}
    standing = await claims.standing_statuses(tx, pool, supplier, survivors)
    kept = {_same(row) for row in standing if row["founded"]} & set(following)
    withdrawn = [row for row in standing if not row["founded"] or _same(row) not in kept]
    granted = [_status_row(pool, supplier, now, row) for same, row in following.items() if same not in kept]
    await claims.withdraw_statuses(tx, pool, now, [row["status_id"] for row in withdrawn])
    await claims.insert_statuses(tx, granted)
    for row in withdrawn:
        tx.publish(pool, "status.withdrawn", row["status_id"], 2, now, _status_news(row))
    for row in granted:
        tx.publish(pool, "status.granted", row["status_id"], 1, now, _status_news(row))
    return {row["person_id"] for row in [*withdrawn, *granted] if row["code"] == "deceased"}


def _same(row: Row) -> tuple[object, ...]:
    return tuple(row[column] for column in _SAME_STATUS)


def _status_row(pool: str, supplier: str, now: datetime, row: Row) -> dict[str, Any]:
    return {
        "pool": pool,
        "status_id": new_id(),
        **{column: row[column] for column in _FOLLOWING},
        "supplier": supplier,
        "version": 1,
        "recorded_at": now,
    }


def _status_news(row: Row) -> dict[str, Any]:
    """The body of `schemas.StatusNews`, whose values these are; there may be thousands in a transaction."""
    return {
        "status_id": row["status_id"],
        "person_id": row["person_id"],
        "code": row["code"],
        "grade": row["grade"],
        "school_region": row["school_region"],
        "identified_on": row["valid_from"],
        "valid_to": row["valid_to"],
        "supplier": row["supplier"],
        "feed_id": row["feed_id"],
        "row": row["row_no"],
    }
