"""SQL about vouchers with which money is handed to the treasury, and about what it remitted up."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import treasury_remitted, treasury_voucher

VOUCHER = (
    "pool, voucher_id, voucher_no, amount_fen, collections_count, handed_on, covers, recorded_by, recorded_at, "
    "withdrawn_by, withdrawn_at, withdraw_reason, version"
)
REMITTED = (
    "pool, remitted_id, office, posted_on, remitted_on, amount_fen, document_no, recorded_by, recorded_at, "
    "withdrawn_by, withdrawn_at, withdraw_reason"
)
_FREE = (
    "c.reversed_at is null and c.refunded_fen + c.refunding_fen < c.amount_fen and not exists ("
    "select 1 from collection_voucher as l where l.pool = c.pool and l.collection_id = c.collection_id and l.live)"
)
_COLUMNS = "c.collection_id, c.amount_fen - c.refunded_fen - c.refunding_fen as amount_fen"


async def free_of_list(tx: Writer, pool: str, ids: Sequence[UUID]) -> Sequence[Row]:
    """Those of the collections that may be put under a voucher, kept from being reversed meanwhile."""
    return await tx.rows(
        f"select {_COLUMNS} from collection as c where c.pool = :pool and c.collection_id = any(cast(:ids as uuid[])) "
        f"and {_FREE} order by c.collection_id for share of c",
        pool=pool,
        ids=list(ids),
    )


async def free_of_day(tx: Writer, pool: str, channel: str, institution: str, day: date) -> Sequence[Row]:
    """Money of a channel's day (of one bank, where named) that is under no voucher."""
    return await tx.rows(
        f"select {_COLUMNS} from collection as c join submission as s on s.pool = c.pool "
        "and s.submission_id = c.submission_id where c.pool = :pool and c.channel = :channel "
        "and (:institution = '' or split_part(s.reference, '/', 1) = :institution) "
        "and c.paid_at >= cast(:day as timestamp) at time zone 'Asia/Shanghai' "
        "and c.paid_at < (cast(:day as timestamp) + interval '1 day') at time zone 'Asia/Shanghai' "
        f"and {_FREE} order by c.collection_id for share of c",
        pool=pool,
        channel=channel,
        institution=institution,
        day=datetime(day.year, day.month, day.day),  # noqa: DTZ001 -- a day in words; the zone stands in the SQL
    )


async def free_of_slip(tx: Writer, pool: str, remittance_id: UUID) -> Sequence[Row]:
    """Money on a confirmed slip, or on those that a town's slip sums up, that is under no voucher."""
    return await tx.rows(
        f"select {_COLUMNS} from collection as c where c.pool = :pool and c.collection_id in ("
        "select item.collection_id from remittance_receipt as item join remittance as m on m.pool = item.pool "
        "and m.remittance_id = item.remittance_id and m.status = 'confirmed' where item.pool = :pool and item.live "
        "and (item.remittance_id = :id or item.remittance_id in (select part.part_id from remittance_part as part "
        "where part.pool = :pool and part.remittance_id = :id and part.live))) "
        f"and {_FREE} order by c.collection_id for share of c",
        pool=pool,
        id=remittance_id,
    )


async def free_of_ledger(tx: Writer, pool: str, ledger_id: UUID) -> Sequence[Row]:
    """Money of an agent's ledger that is under no voucher."""
    return await tx.rows(
        f"select {_COLUMNS} from collection as c where c.pool = :pool and c.collection_id in ("
        "select line.collection_id from ledger_line as line where line.pool = :pool and line.ledger_id = :id "
        f"and line.kind = 'payment') and {_FREE} order by c.collection_id for share of c",
        pool=pool,
        id=ledger_id,
    )


async def insert_voucher(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Record a voucher; False where its number is in use."""
    tail = "on conflict (pool, voucher_no) where withdrawn_at is null do nothing returning voucher_id"
    return bool(await tx.insert(treasury_voucher, [row], tail=tail))


async def find_voucher(tx: Reader, pool: str, voucher_id: UUID) -> Row | None:
    """One voucher that the agency recorded."""
    return await tx.row(
        f"select {VOUCHER} from treasury_voucher where pool = :pool and voucher_id = :id", pool=pool, id=voucher_id
    )


async def withdraw_voucher(tx: Writer, pool: str, voucher_id: UUID, by: str, at: datetime, reason: str) -> bool:
    """Withdraw a standing voucher and free its money; False where there is none."""
    found = await tx.execute(
        "update treasury_voucher set withdrawn_by = :by, withdrawn_at = :at, withdraw_reason = :reason, "
        "version = version + 1 where pool = :pool and voucher_id = :id and withdrawn_at is null",
        pool=pool,
        id=voucher_id,
        by=by,
        at=at,
        reason=reason,
    )
    await tx.execute(
        "update collection_voucher set live = false where pool = :pool and voucher_id = :id and live",
        pool=pool,
        id=voucher_id,
    )
    return found > 0


async def insert_remitted(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Record what was remitted up; False where that day's is recorded."""
    tail = "on conflict (pool, office, posted_on) where withdrawn_at is null do nothing returning remitted_id"
    return bool(await tx.insert(treasury_remitted, [row], tail=tail))


async def find_remitted(tx: Reader, pool: str, remitted_id: UUID) -> Row | None:
    """One record of what was remitted up."""
    return await tx.row(
        f"select {REMITTED} from treasury_remitted where pool = :pool and remitted_id = :id", pool=pool, id=remitted_id
    )


async def withdraw_remitted(tx: Writer, pool: str, remitted_id: UUID, by: str, at: datetime, reason: str) -> bool:
    """Withdraw such a record; False where there is none."""
    found = await tx.execute(
        "update treasury_remitted set withdrawn_by = :by, withdrawn_at = :at, withdraw_reason = :reason "
        "where pool = :pool and remitted_id = :id and withdrawn_at is null",
        pool=pool,
        id=remitted_id,
        by=by,
        at=at,
        reason=reason,
    )
    return found > 0
