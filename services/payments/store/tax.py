"""SQL about the tax bureau's messages: which nonces were used, what was first answered to an event."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.database import Reader, Row, Writer

from ..rules.tax import POOLLESS
from ..tables.tax import tax_event

_MOST_FORGOTTEN = 5000


async def claim_nonce(tx: Writer, key_id: str, nonce: str, content: bytes, expires_at: datetime) -> bytes:
    """Take a nonce for these bytes, waiting for whoever has it in hand; the bytes that it belongs to."""
    owner: bytes = await tx.value(
        "insert into tax_nonce (pool, key_id, nonce, content, expires_at) "
        "values (:pool, :key_id, :nonce, :content, :expires_at) "
        "on conflict (pool, key_id, nonce) do update set content = tax_nonce.content returning content",
        pool=POOLLESS,
        key_id=key_id,
        nonce=nonce,
        content=content,
        expires_at=expires_at,
    )
    return owner


async def forget_nonces(tx: Writer, before: datetime) -> int:
    """Delete some nonces that expired before an instant; how many."""
    return await tx.execute(
        "delete from tax_nonce where pool = :pool and (key_id, nonce) in (select key_id, nonce from tax_nonce "
        "where pool = :pool and expires_at < :before order by expires_at limit :most for update skip locked)",
        pool=POOLLESS,
        before=before,
        most=_MOST_FORGOTTEN,
    )


async def pools_with_bills(tx: Reader, pools: Iterable[str]) -> set[str]:
    """Those of the pools in which there are bills."""
    rows = await tx.rows(
        "select named.pool from unnest(cast(:pools as text[])) as named (pool) "
        "where exists (select 1 from bill where bill.pool = named.pool)",
        pools=sorted(set(pools)),
    )
    return {row["pool"] for row in rows}


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
        "select event_id, content, collection_id, outcome, receipt_no, reason from tax_event "
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
