"""SQL of audit lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ..database import Reader, Row

# Digests of rows that were written say nothing to people.
_LINE = (
    "seq, occurred_at, action, client_id, actor, jsonb_array_length(persons) as persons_count, "
    "detail - 'written' as detail"
)


@dataclass(frozen=True)
class Asked:
    """Which lines are asked for; None: all."""

    person_id: UUID | None = None
    actor: str | None = None
    client_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_lines(tx: Reader, pool: str, asked: Asked, after: int, limit: int, shown_persons: int) -> Sequence[Row]:
    """The lines after a number that are asked for, `limit` + 1 of them; of each the first persons."""
    # Lines of a person come from their own index, whatever a planner thinks of the order: in a pool of years there are
    # few of them among many.
    about = "persons @> cast(:person as jsonb)"
    found = f"with about as materialized (select * from audit_line where pool = :pool and {about}) "
    return await tx.rows(
        f"{found if asked.person_id else ''}"
        f"select {_LINE}, jsonb_path_query_array(persons, '$[0 to {shown_persons - 1}]') as persons "
        f"from {'about' if asked.person_id else 'audit_line'} as line where pool = :pool and seq > :after "
        "and (cast(:actor as text) is null or actor = :actor) "
        "and (cast(:client_id as text) is null or client_id = :client_id) "
        "and (cast(:action as text) is null or action = :action) "
        "and (cast(:since as timestamptz) is null or occurred_at >= :since) "
        "and (cast(:until as timestamptz) is null or occurred_at < :until) order by seq limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
        actor=asked.actor,
        client_id=asked.client_id,
        action=asked.action,
        since=asked.since,
        until=asked.until,
        **({"person": [str(asked.person_id)]} if asked.person_id else {}),
    )


async def find_line(tx: Reader, pool: str, seq: int) -> Row | None:
    """One line with all its persons."""
    return await tx.row(
        f"select {_LINE}, persons from audit_line where pool = :pool and seq = :seq", pool=pool, seq=seq
    )
