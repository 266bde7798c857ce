"""SQL about the messages that channels send: evidence, stored before it is acted upon."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.database import Reader, Row, Writer

from ..tables import channel_message


async def store_message(tx: Writer, row: Mapping[str, Any]) -> str:
    """Store a message unless its channel sent one of this id before; the state of the one that stands.

    What could not be read then and can be read now takes its place.
    """
    await tx.insert(
        channel_message,
        [row],
        tail="on conflict (pool, channel, message_id) do update set kind = excluded.kind, "
        "reference = excluded.reference, status = excluded.status, verdict = excluded.verdict, "
        "content = excluded.content, entered_at = excluded.entered_at "
        "where channel_message.status = 'unreadable' and excluded.status <> 'unreadable'",
    )
    status: str = await tx.value(
        "select status from channel_message where pool = :pool and channel = :channel and message_id = :message_id",
        pool=row["pool"],
        channel=row["channel"],
        message_id=row["message_id"],
    )
    return status


async def lock_waiting(tx: Writer, pool: str, channel: str, message_id: str) -> Row | None:
    """A message that was stored and not acted upon yet, locked; None where somebody has done so."""
    return await tx.row(
        "select pool, channel, message_id, kind, reference, content from channel_message where pool = :pool "
        "and channel = :channel and message_id = :message_id and status = 'received' for update",
        pool=pool,
        channel=channel,
        message_id=message_id,
    )


async def waiting_messages(tx: Reader, before: datetime, limit: int) -> Sequence[Row]:
    """Messages that were stored before an instant of wall time and not acted upon yet."""
    return await tx.rows(
        "select pool, channel, message_id from channel_message where status = 'received' and entered_at < :before "
        "order by entered_at limit :limit",
        before=before,
        limit=limit,
    )


async def judge_message(tx: Writer, row: Row, status: str, verdict: str, wall: datetime) -> None:
    """Write what became of a locked message."""
    await tx.execute(
        "update channel_message set status = :status, verdict = :verdict, entered_at = :wall "
        "where pool = :pool and channel = :channel and message_id = :message_id",
        pool=row["pool"],
        channel=row["channel"],
        message_id=row["message_id"],
        status=status,
        verdict=verdict,
        wall=wall,
    )
