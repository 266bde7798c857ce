"""Lists of departments: received and kept whole, taken by a job chunk by chunk, bad rows given back.

The cursor of a feed moves in the transaction of its chunk, so whoever is killed leaves nothing half done and nothing
to do twice, and several workers may be at it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.sheets import SheetUnreadable
from shared.tokens import Caller

from .. import formats, rules, schemas, store
from ..rules import Accepted, HukouClaim, Rejected, StatusClaim, Supplier, Verdict
from .register import find_or_create
from .suite import Eligibility

CHUNK_ROWS = 1_000
_JOB = "eligibility"

Said = tuple[UUID, Accepted]
"""A person of the register, and what a row says about it."""


async def receive_feed(
    service: Eligibility, caller: Caller, once: Once, pool: str, supplier_code: str, file_name: str, upload: Upload
) -> Answer:
    """Keep a list as evidence; the job takes it. The same bytes of the same supplier are the same feed.

    Raises Problem SUPPLIER_UNKNOWN, FEED_UNREADABLE, AREA_FORBIDDEN.
    """
    caller.require_pool(pool)
    supplier = service.suppliers.get(supplier_code)
    if supplier is None:
        raise schemas.SUPPLIER_UNKNOWN(supplier=supplier_code, known="、".join(service.suppliers))
    rows_total = await asyncio.to_thread(_count_rows, supplier, file_name, upload)

    async def work(tx: Writer) -> Answer:
        feed_id, now = new_id(), service.clock.now()
        is_new = await store.insert_feed(
            tx,
            {
                "pool": pool,
                "feed_id": feed_id,
                "supplier": supplier.code,
                "file_name": file_name,
                "sha256": upload.sha256,
                "size_bytes": upload.size_bytes,
                "state": "received",
                "rows_total": rows_total,
                "rows_done": 0,
                "rows_accepted": 0,
                "rows_rejected": 0,
                "received_by": caller.subject,
                "received_at": now,
            },
        )
        if is_new:
            evidence_id = await evidence.keep(tx, service.sealer, pool, file_name, upload, now)
            await store.set_evidence(tx, pool, feed_id, evidence_id)
            tx.audit(pool, "feed.received", caller.client_id, caller.subject, now, [], {"feed_id": str(feed_id)})
        feed = await store.find_feed_of_bytes(tx, pool, supplier.code, upload.sha256)
        return Answer(201 if is_new else 200, schemas.Feed.model_validate(feed).model_dump(mode="json"))

    return await once.run(service.database, pool, work)


async def list_feeds(service: Eligibility, caller: Caller, pool: str, after: UUID | None, limit: int) -> Sequence[Row]:
    """Feeds of the pool in the order they came; one more than `limit` where there are more."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return await store.list_feeds(tx, pool, after, limit)


async def get_feed(service: Eligibility, caller: Caller, pool: str, feed_id: UUID) -> Row:
    """One feed. Raises Problem FEED_UNKNOWN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return await _known_feed(tx, pool, feed_id)


async def return_rejected(service: Eligibility, caller: Caller, pool: str, feed_id: UUID) -> tuple[str, bytes]:
    """The rows that go back, in the form they were sent in: a file name and its bytes.

    Raises Problem FEED_UNKNOWN, FEED_NOT_TAKEN.
    """
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        feed = await _known_feed(tx, pool, feed_id)
        if feed["state"] != "taken":
            raise schemas.FEED_NOT_TAKEN(done=feed["rows_accepted"] + feed["rows_rejected"], total=feed["rows_total"])
        rejections = await store.rejections(tx, pool, feed_id)
        data = await evidence.load(tx, service.sealer, pool, feed["evidence_id"])
        detail = {"feed_id": str(feed_id), "rows": len(rejections)}
        tx.audit(pool, "feed.returned", caller.client_id, caller.subject, service.clock.now(), [], detail)
    supplier, file_name = service.suppliers[feed["supplier"]], feed["file_name"]
    reasons = {row["row_no"]: "；".join(fault["detail"] for fault in row["faults"]) for row in rejections}
    return f"退回-{file_name}", await asyncio.to_thread(formats.write_rejected, supplier, file_name, data, reasons)


async def take_feeds(service: Eligibility) -> bool:
    """Take what is waiting, of each supplier the oldest list first; whether there was anything to do."""
    async with service.database.reading() as tx:
        waiting = await store.waiting_feeds(tx)
    return any([await take_feed(service, feed) for feed in waiting])


async def take_feed(service: Eligibility, feed: Row) -> bool:
    """Take one list to its end, or until another worker is at it; whether a chunk was taken."""
    async with service.database.reading() as tx:
        data = await evidence.load(tx, service.sealer, feed["pool"], feed["evidence_id"])
    verdicts = await asyncio.to_thread(_judge, service.suppliers[feed["supplier"]], feed, data)
    worked = False
    while await take_chunk(service, feed, verdicts):
        worked = True
    return worked


async def take_chunk(service: Eligibility, feed: Row, verdicts: Sequence[Verdict]) -> bool:
    """Store the next judged rows and move the cursor, in one transaction; False where there is nothing left to do."""
    pool, feed_id = feed["pool"], feed["feed_id"]
    async with service.database.writing() as tx:
        cursor = await store.lock_cursor(tx, pool, feed_id)
        if cursor is None:
            return False
        now = service.clock.now()
        chunk = verdicts[cursor : cursor + CHUNK_ROWS]
        accepted, rejected = await _recognise(service, tx, pool, now, chunk)
        changed = await _store_hukou(tx, feed, now, accepted) | await _store_statuses(tx, feed, now, accepted)
        await store.raise_versions(tx, pool, sorted(changed))
        await store.insert_rejections(tx, [_rejection_row(feed, row) for row in rejected])
        await store.move_cursor(tx, pool, feed_id, accepted=len(accepted), rejected=len(rejected), at=now)
        persons = sorted({person_id for person_id, _ in accepted})
        tx.audit(pool, "person.recorded", _JOB, feed["received_by"], now, persons, {"feed_id": str(feed_id)})
    return True


async def _known_feed(tx: Reader, pool: str, feed_id: UUID) -> Row:
    feed = await store.find_feed(tx, pool, feed_id)
    if feed is None:
        raise schemas.FEED_UNKNOWN(feed_id=feed_id)
    return feed


async def _recognise(
    service: Eligibility, tx: Writer, pool: str, now: datetime, chunk: Sequence[Verdict]
) -> tuple[list[Said], list[Rejected]]:
    """Tie accepted rows to persons; a row whose number the register knows under another name goes back, too."""
    named = [(row.name, row.holder) for row in chunk if isinstance(row, Accepted)]
    register = await find_or_create(service, tx, pool, now, named)
    accepted: list[Said] = []
    rejected: list[Rejected] = []
    for row in chunk:
        if isinstance(row, Rejected):
            rejected.append(row)
        elif rules.same_name(row.name, register[row.holder.number].name):
            accepted.append((register[row.holder.number].person_id, row))
        else:
            rejected.append(Rejected(row.row_no, (rules.NAME_DIFFERS,)))
    return accepted, rejected


async def _store_hukou(tx: Writer, feed: Row, now: datetime, accepted: Sequence[Said]) -> set[UUID]:
    """Store what rows say about hukou; the persons about whom that was news."""
    rows = [
        {
            "pool": feed["pool"],
            "hukou_id": new_id(),
            "person_id": person_id,
            "region": row.claim.region,
            "household_no": row.claim.household_no,
            "since": row.claim.since,
            "feed_id": feed["feed_id"],
            "row_no": row.row_no,
            "recorded_at": now,
        }
        for person_id, row in accepted
        if isinstance(row.claim, HukouClaim)
    ]
    return set(await store.insert_hukou(tx, rows))


async def _store_statuses(tx: Writer, feed: Row, now: datetime, accepted: Sequence[Said]) -> set[UUID]:
    """Store and tell the statuses that rows assert; the persons whose own record shows it (the deceased).

    A status that the supplier states again says nothing new. Stated otherwise (another last day, grade or school) the
    earlier one is withdrawn, not overwritten: an auditor can see what was held to be true, and when.
    """
    claims = [(person_id, row.row_no, row.claim) for person_id, row in accepted if isinstance(row.claim, StatusClaim)]
    rows = [_status_row(feed, now, person_id, row_no, claim) for person_id, row_no, claim in claims]
    if not rows:
        return set()
    withdrawn = await store.withdraw_replaced(tx, feed["pool"], feed["supplier"], now, rows)
    taken_up = await store.insert_statuses(tx, rows)
    granted = [row for row in rows if row["status_id"] in taken_up]
    for kind, told in (("status.withdrawn", withdrawn), ("status.granted", granted)):
        for row in told:
            tx.publish(feed["pool"], kind, row["status_id"], row["version"], now, _status_news(row))
    return {row["person_id"] for row in [*withdrawn, *granted] if row["code"] == "deceased"}


def _status_row(feed: Row, now: datetime, person_id: UUID, row_no: int, claim: StatusClaim) -> dict[str, Any]:
    return {
        "pool": feed["pool"],
        "status_id": new_id(),
        "person_id": person_id,
        "code": claim.code.value,
        "grade": claim.grade,
        "school_region": claim.school_region,
        "valid_from": claim.identified_on,
        "valid_to": claim.valid_to,
        "supplier": feed["supplier"],
        "feed_id": feed["feed_id"],
        "row_no": row_no,
        "version": 1,
        "recorded_at": now,
    }


def _status_news(row: Row) -> dict[str, Any]:
    named = {**row, "identified_on": row["valid_from"], "row": row["row_no"]}
    return schemas.StatusNews.model_validate(named).model_dump(mode="json")


def _rejection_row(feed: Row, row: Rejected) -> dict[str, Any]:
    faults = [{"code": fault.code.value, "detail": fault.detail} for fault in row.faults]
    return {"pool": feed["pool"], "feed_id": feed["feed_id"], "row_no": row.row_no, "faults": faults}


def _count_rows(supplier: Supplier, file_name: str, upload: Upload) -> int:
    upload.file.seek(0)
    try:
        return len(formats.read_feed(supplier, file_name, upload.file.read()))
    except SheetUnreadable as error:
        raise schemas.FEED_UNREADABLE(reason=str(error)) from error


def _judge(supplier: Supplier, feed: Row, data: bytes) -> list[Verdict]:
    rows = formats.read_feed(supplier, feed["file_name"], data)
    if len(rows) != feed["rows_total"]:
        raise RuntimeError(f"feed {feed['feed_id']} had {feed['rows_total']} rows when it came and has {len(rows)} now")
    return list(rules.judge_rows(rows, supplier, business_day(feed["received_at"])))
