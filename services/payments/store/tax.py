"""SQL about the tax bureau's messages: which nonces were used, what was first answered to an event."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.database import Reader, Row, Writer

from ..rules.tax import POOLLESS
from ..tables.tax import tax_conflict, tax_event, tax_nonce

_MOST_FORGOTTEN = 5000


async def claim_nonces(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], bytes]:
    """Take nonces, each for its bytes, waiting for whoever has one in hand; the bytes that each belongs to."""
    ordered = sorted(({"pool": POOLLESS, **row} for row in rows), key=lambda row: (row["key_id"], row["nonce"]))
    tail = (
        "on conflict (pool, key_id, nonce) do update set content = tax_nonce.content returning key_id, nonce, content"
    )
    return {(row["key_id"], row["nonce"]): row["content"] for row in await tx.insert(tax_nonce, ordered, tail=tail)}


async def forget_nonces(tx: Writer, before: datetime) -> int:
    """Delete some nonces that expired before an instant; how many."""
    return await tx.execute(
        "with gone as materialized (select key_id, nonce from tax_nonce "
        "where pool = :pool and expires_at < :before order by expires_at limit :most for update skip locked) "
        "delete from tax_nonce known using gone "
        "where known.pool = :pool and known.key_id = gone.key_id and known.nonce = gone.nonce",
        pool=POOLLESS,
        before=before,
        most=_MOST_FORGOTTEN,
    )


async def pools_with_bills(tx: Reader, pools: Iterable[str]) -> set[str]:
    """Those of the pools, a handful, in which there are bills."""
    return {
        pool
        for pool in sorted(set(pools))
        if await tx.value("select exists (select 1 from bill where pool = :pool)", pool=pool)
    }


async def claim_events(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Take event ids in their order, waiting for whoever has one in hand; those that are new."""
    ordered = sorted(({"pool": POOLLESS, **row} for row in rows), key=lambda row: row["event_id"])
    stored = await tx.insert(tax_event, ordered, tail="on conflict (pool, event_id) do nothing returning event_id")
    return {row["event_id"] for row in stored}


async def find_events(tx: Reader, event_ids: Iterable[str]) -> dict[str, Row]:
    """What was said and answered under event ids before."""
    wanted = list(event_ids)
    if not wanted:
        return {}
    rows = await tx.rows(
        "select event_id, content, home_pool, collection_id, outcome, receipt_no, reason from tax_event "
        "where pool = :pool and event_id = any(cast(:event_ids as text[]))",
        pool=POOLLESS,
        event_ids=wanted,
    )
    return {row["event_id"]: row for row in rows}


async def answer_events(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the first answers, in the transaction of the money."""
    if not rows:
        return
    await tx.execute(
        "update tax_event set collection_id = answer.collection_id, outcome = answer.outcome, "
        "receipt_no = answer.receipt_no, reason = answer.reason "
        "from unnest(cast(:event_ids as text[]), cast(:collection_ids as uuid[]), cast(:outcomes as text[]), "
        "cast(:receipt_nos as text[]), cast(:reasons as text[])) "
        "as answer (event_id, collection_id, outcome, receipt_no, reason) "
        "where tax_event.pool = :pool and tax_event.event_id = answer.event_id",
        pool=POOLLESS,
        event_ids=[row["event_id"] for row in rows],
        collection_ids=[row["collection_id"] for row in rows],
        outcomes=[row["outcome"] for row in rows],
        receipt_nos=[row["receipt_no"] for row in rows],
        reasons=[row["reason"] for row in rows],
    )


async def note_conflicts(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep event ids that came with another content than their first; once more, it only counts."""
    counted: dict[tuple[str, str, bytes], dict[str, Any]] = {}
    for row in rows:
        place = (row["pool"], row["event_id"], row["content"])
        counted[place] = {**row, "times": counted[place]["times"] + 1 if place in counted else 1}
    tail = (
        "on conflict (pool, event_id, content) do update "
        "set times = tax_conflict.times + excluded.times, last_at = excluded.last_at"
    )
    await tx.insert(tax_conflict, [counted[place] for place in sorted(counted)], tail=tail)


async def list_conflicts(
    tx: Reader, pool: str, *, after: str, limit: int, explained: bool | None, event_id: str | None = None
) -> Sequence[Row]:
    """Event ids of a pool's money that came with another content; `limit` + 1 rows."""
    conflicts = await tx.rows(
        "select c.pool, c.event_id, min(c.first_at) as first_at, max(c.last_at) as last_at, sum(c.times) as times, "
        "jsonb_agg(c.said order by c.first_at) as said, min(c.explained_by) as explained_by, "
        "min(c.explained_at) as explained_at, min(c.note) as note from tax_conflict as c "
        "where c.pool = :pool and c.event_id > :after "
        "and (cast(:explained as boolean) is null or (c.explained_at is not null) = :explained) "
        "and (cast(:event_id as text) is null or c.event_id = :event_id) "
        "group by c.pool, c.event_id order by c.event_id limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
        explained=explained,
        event_id=event_id,
    )
    events = await tx.rows(
        "select event_id, collection_id from tax_event where pool = :pool and event_id = any(cast(:ids as text[]))",
        pool=POOLLESS,
        ids=[conflict["event_id"] for conflict in conflicts],
    )
    booked = {event["event_id"]: event["collection_id"] for event in events}
    return [{**conflict, "collection_id": booked.get(conflict["event_id"])} for conflict in conflicts]


async def explain_conflict(tx: Writer, pool: str, event_id: str, by: str, at: datetime, note: str) -> int:
    """Say what was behind an event id's other contents; how many were open."""
    return await tx.execute(
        "update tax_conflict set explained_by = :by, explained_at = :at, note = :note "
        "where pool = :pool and event_id = :event_id and explained_at is null",
        pool=pool,
        event_id=event_id,
        by=by,
        at=at,
        note=note,
    )
