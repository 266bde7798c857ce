"""Lists of departments: received and kept whole as evidence, shown, and their bad rows given back."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from shared import evidence
from shared.database import Reader, Row, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.sheets import SheetUnreadable
from shared.tokens import Caller

from .. import formats, schemas, store
from ..rules import Supplier
from .suite import Eligibility


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


async def read_feed(service: Eligibility, caller: Caller, pool: str, feed_id: UUID) -> Row:
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


async def _known_feed(tx: Reader, pool: str, feed_id: UUID) -> Row:
    feed = await store.find_feed(tx, pool, feed_id)
    if feed is None:
        raise schemas.FEED_UNKNOWN(feed_id=feed_id)
    return feed


def _count_rows(supplier: Supplier, file_name: str, upload: Upload) -> int:
    upload.file.seek(0)
    try:
        return len(formats.read_feed(supplier, file_name, upload.file.read()))
    except SheetUnreadable as error:
        raise schemas.FEED_UNREADABLE(reason=str(error)) from error
