"""Lists of departments: received and kept whole as evidence, shown, decided about, withdrawn, bad rows given back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shared import evidence
from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.problem import FieldError
from shared.sheets import SheetUnreadable
from shared.tokens import Caller
from shared.versions import require_version

from .. import formats, schemas
from ..rules import FEED_TRANSITIONS, FeedAct, FeedKind, FeedState, Supplier
from ..store import feeds as store
from ..store import statuses as status_store
from .suite import Eligibility


@dataclass(frozen=True)
class Manifest:
    """What a department says of a list it hands over; None: nothing.

    `list_day` is the day as of which it speaks (None: the day it comes), `serial` its number among those of one day.
    """

    file_name: str
    kind: FeedKind = FeedKind.CHANGES
    list_day: date | None = None
    serial: int = 0
    rows: int | None = None
    sha256: str | None = None


async def receive_feed(
    service: Eligibility,
    caller: Caller,
    once: Once,
    pool: str,
    supplier_code: str,
    manifest: Manifest,
    upload: Upload,
) -> Answer:
    """Keep a list as evidence; the job takes it. The same bytes of the same supplier are the same feed.

    Raises Problem SUPPLIER_UNKNOWN, FULL_LIST_REFUSED, FEED_UNREADABLE, MANIFEST_DIFFERS, AREA_FORBIDDEN.
    """
    caller.require_pool(pool)
    supplier = service.suppliers.get(supplier_code)
    if supplier is None:
        raise schemas.SUPPLIER_UNKNOWN(supplier=supplier_code, known="、".join(service.suppliers))
    if manifest.kind is FeedKind.FULL and supplier.shrink_percent is None:
        raise schemas.FULL_LIST_REFUSED(supplier=supplier.name)
    rows_total = await asyncio.to_thread(_count_rows, supplier, manifest.file_name, upload)
    today = business_day(service.clock.now())
    differences = _differences(manifest, upload, rows_total, today)
    if differences:
        raise schemas.MANIFEST_DIFFERS(errors=differences)

    async def work(tx: Writer) -> Answer:
        feed_id, now = new_id(), service.clock.now()
        is_new = await store.insert_feed(
            tx,
            {
                "pool": pool,
                "feed_id": feed_id,
                "supplier": supplier.code,
                "file_name": manifest.file_name,
                "sha256": upload.sha256,
                "size_bytes": upload.size_bytes,
                "kind": manifest.kind,
                "list_day": manifest.list_day or business_day(now),
                "serial": manifest.serial,
                "state": FEED_TRANSITIONS[None, FeedAct.RECEIVE],
                "rows_total": rows_total,
                "rows_done": 0,
                "rows_accepted": 0,
                "rows_rejected": 0,
                "received_by": caller.subject,
                "received_at": now,
                "version": 1,
            },
        )
        if is_new:
            evidence_id = await evidence.keep(tx, service.sealer, pool, manifest.file_name, upload, now)
            await store.set_evidence(tx, pool, feed_id, evidence_id)
            tx.audit(pool, "feed.received", caller.client_id, caller.subject, now, [], {"feed_id": str(feed_id)})
        feed = await store.find_feed_of_bytes(tx, pool, supplier.code, upload.sha256)
        assert feed is not None
        return _shown(feed, 201 if is_new else 200)

    return await once.run(service.database, pool, work)


async def list_feeds(
    service: Eligibility,
    caller: Caller,
    pool: str,
    supplier: str | None,
    state: FeedState | None,
    after: UUID | None,
    limit: int,
) -> Sequence[Row]:
    """Feeds of the pool in the order they came; one more than `limit` where there are more."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return await store.list_feeds(tx, pool, supplier, state, after, limit)


async def read_feed(service: Eligibility, caller: Caller, pool: str, feed_id: UUID) -> Answer:
    """One feed. Raises Problem FEED_UNKNOWN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return _shown(await _known_feed(tx, pool, feed_id))


async def list_feed_statuses(
    service: Eligibility, caller: Caller, pool: str, feed_id: UUID, after: UUID | None, limit: int
) -> Sequence[Row]:
    """The statuses that rest on a list, or did; one more than `limit` where there are more.

    Raises Problem FEED_UNKNOWN.
    """
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        await _known_feed(tx, pool, feed_id)
        rows = await status_store.statuses_of_feed(tx, pool, feed_id, after, limit)
        persons = sorted({row["person_id"] for row in rows})
        detail = {"feed_id": str(feed_id)}
        tx.audit(pool, "status.read", caller.client_id, caller.subject, service.clock.now(), persons, detail)
    return [{**row, "row": row["row_no"]} for row in rows]


async def decide_feed(
    service: Eligibility, caller: Caller, once: Once, pool: str, feed_id: UUID, version: int, act: FeedAct
) -> Answer:
    """A second person lets a full list end what it does not name (APPROVE), or not (DECLINE).

    Raises Problem FEED_UNKNOWN, VERSION_DIFFERS, FEED_NOT_IN_STATE, FOUR_EYES.
    """

    async def work(tx: Writer) -> Answer:
        feed = await _movable(tx, pool, feed_id, version, act)
        if feed["received_by"] == caller.subject:
            raise schemas.FOUR_EYES(subject=caller.subject)
        now = service.clock.now()
        state = FEED_TRANSITIONS[FeedState(feed["state"]), act]
        await store.set_decided(tx, pool, feed_id, state, caller.subject, now)
        detail = {"feed_id": str(feed_id), "statuses_ending": feed["statuses_ending"]}
        tx.audit(pool, f"feed.{act}", caller.client_id, caller.subject, now, [], detail)
        return _shown(await _known_feed(tx, pool, feed_id))

    caller.require_pool(pool)
    return await once.run(service.database, pool, work)


async def withdraw_feed(
    service: Eligibility, caller: Caller, once: Once, pool: str, feed_id: UUID, version: int, reason: str
) -> Answer:
    """Take a list back: from now on it does not count, and the job works out anew whatever rested on it.

    Raises Problem FEED_UNKNOWN, VERSION_DIFFERS, FEED_NOT_IN_STATE.
    """

    async def work(tx: Writer) -> Answer:
        feed = await _movable(tx, pool, feed_id, version, FeedAct.WITHDRAW)
        now = service.clock.now()
        state = FEED_TRANSITIONS[FeedState(feed["state"]), FeedAct.WITHDRAW]
        await store.set_withdrawn(tx, pool, feed_id, state, caller.subject, now, reason)
        detail = {"feed_id": str(feed_id), "reason": reason}
        tx.audit(pool, "feed.withdrawn", caller.client_id, caller.subject, now, [], detail)
        return _shown(await _known_feed(tx, pool, feed_id))

    caller.require_pool(pool)
    return await once.run(service.database, pool, work)


async def return_rejected(service: Eligibility, caller: Caller, pool: str, feed_id: UUID) -> tuple[str, bytes]:
    """The rows that go back, in the form they were sent in: a file name and its bytes.

    Raises Problem FEED_UNKNOWN, FEED_NOT_TAKEN.
    """
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        feed = await _known_feed(tx, pool, feed_id)
        if feed["taken_at"] is None:
            raise schemas.FEED_NOT_TAKEN(done=feed["rows_accepted"] + feed["rows_rejected"], total=feed["rows_total"])
        rejections = await store.rejections(tx, pool, feed_id)
        data = await evidence.load(tx, service.sealer, pool, feed["evidence_id"])
        detail = {"feed_id": str(feed_id), "rows": len(rejections)}
        tx.audit(pool, "feed.returned", caller.client_id, caller.subject, service.clock.now(), [], detail)
    supplier, file_name = service.suppliers[feed["supplier"]], feed["file_name"]
    reasons = {row["row_no"]: "；".join(fault["detail"] for fault in row["faults"]) for row in rejections}
    return f"退回-{file_name}", await asyncio.to_thread(formats.write_rejected, supplier, file_name, data, reasons)


async def _movable(tx: Writer, pool: str, feed_id: UUID, version: int, act: FeedAct) -> Row:
    """A feed, locked, to which an act may happen now."""
    feed = await store.lock_feed(tx, pool, feed_id)
    if feed is None:
        raise schemas.FEED_UNKNOWN(feed_id=feed_id)
    require_version(feed["version"], version)
    if (FeedState(feed["state"]), act) not in FEED_TRANSITIONS:
        raise schemas.FEED_NOT_IN_STATE(state=feed["state"])
    return feed


def _shown(feed: Row, status: int = 200) -> Answer:
    return Answer(status, schemas.Feed.model_validate(feed).model_dump(mode="json"))


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


def _differences(manifest: Manifest, upload: Upload, rows_total: int, today: date) -> list[FieldError]:
    """Where a file is not what its manifest says."""
    found = []
    if manifest.rows is not None and manifest.rows != rows_total:
        found.append(("rows", "count_differs", f"所报 {manifest.rows} 行，文件中有 {rows_total} 行"))
    if manifest.sha256 is not None and manifest.sha256.lower() != upload.sha256:
        found.append(("sha256", "checksum_differs", f"文件的 SHA-256 为 {upload.sha256}"))
    if manifest.list_day is not None and manifest.list_day > today:
        found.append(("list_day", "date_in_future", f"名单日期 {manifest.list_day} 晚于今天"))
    return [FieldError(pointer=f"?{name}", code=code, detail=detail) for name, code, detail in found]
