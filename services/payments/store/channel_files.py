"""SQL about the day files that we fetch from channels."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import channel_file

_FILE = "pool, channel, kind, day, state, asked, ask_at, said, evidence_id, ended_at"
_KEY = "pool = :pool and channel = :channel and kind = :kind and day = :day"


async def last_days(tx: Reader, pool: str, channel: str) -> dict[str, date]:
    """The newest day of each kind of file that is or was wanted."""
    rows = await tx.rows(
        "select kind, max(day) as day from channel_file where pool = :pool and channel = :channel group by kind",
        pool=pool,
        channel=channel,
    )
    return {row["kind"]: row["day"] for row in rows}


async def first_paid(tx: Reader, channel: str) -> datetime | None:
    """When the first money of any pool came by a channel."""
    found: datetime | None = await tx.value(
        "select min(paid_at) from collection where channel = :channel", channel=channel
    )
    return found


async def first_day_of_bank(tx: Reader, institution: str) -> date | None:
    """The first accounting day of a bank on which money of any pool came by it."""
    found: date | None = await tx.value(
        "select min(to_date(split_part(reference, '/', 2), 'YYYYMMDD')) from submission "
        "where channel = 'bank' and reference like :prefix",
        prefix=f"{institution}/%",
    )
    return found


async def want_files(tx: Writer, pool: str, channel: str, kind: str, days: Sequence[date], wall: datetime) -> None:
    """Want the files of days; where somebody wants them already, nothing changes."""
    rows: list[dict[str, Any]] = [
        {"pool": pool, "channel": channel, "kind": kind, "day": day, "state": "wanted", "asked": 0, "ask_at": wall}
        for day in days
    ]
    await tx.insert(channel_file, rows, tail="on conflict do nothing")


async def lease_file(
    tx: Writer, pool: str, channel: str, wall: datetime, first_seconds: float, most_seconds: float
) -> Row | None:
    """The file whose turn it is to be asked for, the oldest day first; the pause until its next turn doubles each time.

    A worker that dies leaves it to that next turn.
    """
    return await tx.row(
        # Materialized: a plan that asks the selection again for each row would find others than before.
        "with due as materialized (select channel, kind, day from channel_file "
        "where pool = :pool and channel = :channel and state = 'wanted' and ask_at <= :wall "
        "order by day, kind limit 1 for update skip locked) "
        "update channel_file set asked = asked + 1, ask_at = to_timestamp(:now + "
        "least(:most_seconds, :first_seconds * power(2, least(asked, 20)))) "
        f"where pool = :pool and (channel, kind, day) in (select channel, kind, day from due) returning {_FILE}",
        pool=pool,
        channel=channel,
        wall=wall,
        now=wall.timestamp(),
        first_seconds=first_seconds,
        most_seconds=most_seconds,
    )


async def note_file(tx: Writer, row: Row, said: str, ask_at: datetime | None = None) -> None:
    """Write down why a wanted file is not there, and when it is asked for again where the lease did not say so."""
    await tx.execute(
        f"update channel_file set said = :said, ask_at = coalesce(:ask_at, ask_at) where {_KEY} and state = 'wanted'",
        **_key(row),
        said=said[:200],
        ask_at=ask_at,
    )


async def lock_wanted(tx: Writer, row: Row) -> bool:
    """Lock a file that is still wanted; False where another worker has ended the wait."""
    found = await tx.row(f"select 1 from channel_file where {_KEY} and state = 'wanted' for update", **_key(row))
    return found is not None


async def end_file(tx: Writer, row: Row, state: str, at: datetime, evidence_id: UUID | None = None) -> None:
    """End the wait for a file."""
    await tx.execute(
        "update channel_file set state = :state, ended_at = :at, evidence_id = :evidence_id, said = null "
        f"where {_KEY} and state = 'wanted'",
        **_key(row),
        state=state,
        at=at,
        evidence_id=evidence_id,
    )


def _key(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in ("pool", "channel", "kind", "day")}
