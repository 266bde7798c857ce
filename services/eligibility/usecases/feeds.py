"""Lists of departments: received and kept whole as evidence, shown, decided about, withdrawn, bad rows given back."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.problem import FieldError
from shared.regions import in_pool
from shared.sheets import SheetUnreadable
from shared.tokens import Caller
from shared.versions import require_version

from .. import formats, schemas
from ..rules import EVERYTHING, FEED_TRANSITIONS, FeedAct, FeedKind, FeedState, Scope, Supplier
from ..store import feeds as store
from ..store import statuses as status_store
from ..store import suppliers as supplier_store
from .suite import Eligibility


@dataclass(frozen=True)
class Manifest:
    """What a department says of a list it hands over; None: nothing.

    `list_day` is the day as of which it speaks (None: the day it comes), `serial` its number among those of one day. A
    full list may come as `part` of `parts` under one `list_id`, and speak for some categories or a region alone.
    """

    file_name: str
    kind: FeedKind = FeedKind.CHANGES
    list_day: date | None = None
    serial: int = 0
    rows: int | None = None
    sha256: str | None = None
    list_id: str | None = None
    part: int | None = None
    parts: int | None = None
    scope: Scope = EVERYTHING


async def receive_feed(
    service: Eligibility,
    caller: Caller,
    once: Once,
    pool: str,
    supplier_code: str,
    manifest: Manifest,
    upload: Upload,
) -> Answer:
    """Keep a list as evidence; the job takes it. The same bytes of the same supplier are the same feed, unless they are
    said to be another part or of another day; said to be of another kind or scope they are refused.

    Raises Problem SUPPLIER_UNKNOWN, FULL_LIST_REFUSED, FEED_UNREADABLE, MANIFEST_DIFFERS, PART_DIFFERS, AREA_FORBIDDEN.
    """
    caller.require_pool(pool)
    supplier = service.suppliers.get(supplier_code)
    if supplier is None:
        raise schemas.SUPPLIER_UNKNOWN(supplier=supplier_code, known="、".join(service.suppliers))
    if manifest.kind is FeedKind.FULL and supplier.shrink_percent is None:
        raise schemas.FULL_LIST_REFUSED(supplier=supplier.name)
    rows_total = await asyncio.to_thread(_count_rows, supplier, manifest.file_name, upload)
    today = business_day(service.clock.now())
    differences = _differences(supplier, pool, manifest, upload, rows_total, today)
    if differences:
        raise schemas.MANIFEST_DIFFERS(errors=differences)

    async def work(tx: Writer) -> Answer:
        feed_id, now = new_id(), service.clock.now()
        asked = (pool, supplier.code, upload.sha256, manifest.list_day, manifest.list_id, manifest.part)
        if known := await store.find_feed_of_bytes(tx, *asked):
            return _same_feed(known, manifest)
        whole_id = await _join_parts(tx, pool, supplier, manifest, upload, today) or feed_id
        row = _new_feed(pool, feed_id, whole_id, supplier, manifest, upload, rows_total, caller, now)
        is_new = await store.insert_feed(tx, row)
        if is_new:
            evidence_id = await evidence.keep(tx, service.sealer, pool, manifest.file_name, upload, now)
            await store.set_evidence(tx, pool, feed_id, evidence_id)
            tx.audit(pool, "feed.received", caller.client_id, caller.subject, now, [], {"feed_id": str(feed_id)})
        feed = await store.find_feed_of_bytes(tx, *asked)
        assert feed is not None
        return _shown(feed, 201) if is_new else _same_feed(feed, manifest)

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
        files = await store.parts_of(tx, pool, feed["supplier"], feed["list_id"]) if feed["list_id"] else [feed]
        if caller.subject in {file["received_by"] for file in files}:
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
        await store.open_whole(tx, pool, feed["whole_id"])
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
        detail = {"feed_id": str(feed_id), "rows": len(rejections)}
        tx.audit(pool, "feed.returned", caller.client_id, caller.subject, service.clock.now(), [], detail)
    supplier, file_name = service.suppliers[feed["supplier"]], feed["file_name"]
    reasons = {row["row_no"]: "；".join(fault["detail"] for fault in row["faults"]) for row in rejections}
    with await evidence.fetch(service.database, service.sealer, pool, feed["evidence_id"]) as file:
        data = await asyncio.to_thread(formats.write_rejected, supplier, file_name, file, reasons)
    return f"退回-{file_name}", data


async def _movable(tx: Writer, pool: str, feed_id: UUID, version: int, act: FeedAct) -> Row:
    """A feed, locked, to which an act may happen now. The supplier's turn comes first, which is everybody's order."""
    await supplier_store.take_turn(tx, pool, (await _known_feed(tx, pool, feed_id))["supplier"])
    feed = await store.lock_feed(tx, pool, feed_id)
    assert feed is not None
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
    try:
        return formats.count_rows(supplier, file_name, upload.file)
    except SheetUnreadable as error:
        raise schemas.FEED_UNREADABLE(reason=str(error)) from error


def _same_feed(known: Row, manifest: Manifest) -> Answer:
    """The feed of bytes that came before. Bytes that are to mean something else now are refused: that they are here
    would be taken for an answer to it. Raises Problem MANIFEST_DIFFERS."""
    told = "同一文件此前报送时为 {earlier}，现为 {now}；如须更改，请先撤回名单 {feed_id} 再报送"
    if differing := _said_otherwise(known, _meaning(manifest), "said_otherwise", told):
        raise schemas.MANIFEST_DIFFERS(errors=differing)
    return _shown(known, 200)


def _meaning(manifest: Manifest) -> dict[str, object]:
    """What a list says beside its rows."""
    return {
        "kind": manifest.kind,
        "parts": manifest.parts,
        "serial": manifest.serial,
        "categories": manifest.scope.written,
        "region": manifest.scope.region,
    }


def _said_otherwise(earlier: Row, said: Mapping[str, object], code: str, detail: str) -> list[FieldError]:
    told = [(name, earlier[name], now) for name, now in said.items() if earlier[name] != now]
    return [
        FieldError(
            pointer=f"?{name}",
            code=code,
            detail=detail.format(earlier=_text(before), now=_text(now), feed_id=earlier["feed_id"]),
        )
        for name, before, now in told
    ]


def _text(said: object) -> str:
    return "未注明" if said is None else str(said)


async def _join_parts(
    tx: Writer, pool: str, supplier: Supplier, manifest: Manifest, upload: Upload, today: date
) -> UUID | None:
    """The list that a part belongs to; None: it is the first, or no part. Two files for one part are refused, and parts
    that do not agree what list it is. Raises Problem PART_DIFFERS."""
    if manifest.list_id is None:
        return None
    await supplier_store.take_turn(tx, pool, supplier.code)
    here = await store.parts_of(tx, pool, supplier.code, manifest.list_id)
    if not here:
        return None
    said = _meaning(manifest) | {"list_day": manifest.list_day or today}
    differing = _said_otherwise(here[0], said, "part_differs", "已收到的部分为 {earlier}，这一部分为 {now}")
    if any(file["part"] == manifest.part and file["sha256"] != upload.sha256 for file in here):
        detail = f"第 {manifest.part} 部分已收到另一份文件；如须更换，请先撤回那一份"
        differing.append(FieldError(pointer="?part", code="part_taken", detail=detail))
    if differing:
        raise schemas.PART_DIFFERS(errors=differing, list_id=manifest.list_id)
    whole_id: UUID = here[0]["whole_id"]
    return whole_id


def _new_feed(
    pool: str,
    feed_id: UUID,
    whole_id: UUID,
    supplier: Supplier,
    manifest: Manifest,
    upload: Upload,
    rows_total: int,
    caller: Caller,
    now: datetime,
) -> dict[str, Any]:
    return {
        "pool": pool,
        "feed_id": feed_id,
        "supplier": supplier.code,
        "file_name": manifest.file_name,
        "sha256": upload.sha256,
        "size_bytes": upload.size_bytes,
        "kind": manifest.kind,
        "list_day": manifest.list_day or business_day(now),
        "serial": manifest.serial,
        "list_id": manifest.list_id,
        "part": manifest.part,
        "parts": manifest.parts,
        "whole_id": whole_id,
        "scope_categories": manifest.scope.written,
        "scope_region": manifest.scope.region,
        "closing": False,
        "state": FEED_TRANSITIONS[None, FeedAct.RECEIVE],
        "rows_total": rows_total,
        "rows_done": 0,
        "rows_accepted": 0,
        "rows_rejected": 0,
        "received_by": caller.subject,
        "received_at": now,
        "version": 1,
    }


def _differences(
    supplier: Supplier, pool: str, manifest: Manifest, upload: Upload, rows_total: int, today: date
) -> list[FieldError]:
    """Where a file is not what its manifest says, or the manifest says what cannot be."""
    found = []
    numbers = (manifest.list_id, manifest.part, manifest.parts)
    if any(numbers) and not all(numbers):
        found.append(("part", "part_incomplete", "分部分报送须同时注明 list_id、part 和 parts"))
    elif manifest.part and manifest.parts and manifest.part > manifest.parts:
        found.append(("part", "part_impossible", f"共 {manifest.parts} 部分，没有第 {manifest.part} 部分"))
    scope = manifest.scope
    if manifest.kind is not FeedKind.FULL and (any(numbers) or scope != EVERYTHING):
        found.append(("kind", "full_only", "只有全量名单（full）可分部分报送或限定类别、地区"))
    if strange := sorted((scope.categories or frozenset()) - set(supplier.asserts)):
        found.append(("categories", "category_unknown", f"{supplier.name}不认定：{'、'.join(strange)}"))
    if scope.region is not None and not in_pool(scope.region, pool):
        found.append(("region", "region_outside", f"{scope.region} 不在统筹区 {pool} 内"))
    if manifest.rows is not None and manifest.rows != rows_total:
        found.append(("rows", "count_differs", f"所报 {manifest.rows} 行，文件中有 {rows_total} 行"))
    if manifest.sha256 is not None and manifest.sha256.lower() != upload.sha256:
        found.append(("sha256", "checksum_differs", f"文件的 SHA-256 为 {upload.sha256}"))
    if manifest.list_day is not None and manifest.list_day > today:
        found.append(("list_day", "date_in_future", f"名单日期 {manifest.list_day} 晚于今天"))
    return [FieldError(pointer=f"?{name}", code=code, detail=detail) for name, code, detail in found]
