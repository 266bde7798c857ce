"""The job that takes lists: judge every row, find or record the persons, store what is said, send bad rows back.

A list is taken in chunks. The cursor of the feed moves in the transaction of its chunk, so whoever is killed leaves
nothing half done and nothing to do twice, and several workers may be at it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import business_day
from shared.database import Row, Writer
from shared.ids import new_id

from .. import formats, rules, schemas, store
from ..rules import Accepted, HukouClaim, Rejected, StatusClaim, Supplier, Verdict
from .register import Registered, find_or_create, row_digest
from .suite import Eligibility

CHUNK_ROWS = 1_000
_JOB = "eligibility"

Said = tuple[UUID, Accepted]
"""A person of the register, and a row that says something about it."""


async def take_feeds(service: Eligibility) -> bool:
    """Take what is waiting, of each supplier the oldest list first; whether there was anything to do.

    Raises what the first list raised that could not be taken, after the others were.
    """
    async with service.database.reading() as tx:
        waiting = await store.waiting_feeds(tx)
    worked, failure = False, None
    for feed in waiting:
        try:
            worked |= await take_feed(service, feed)
        except Exception as error:  # noqa: BLE001 -- one list must not hold up the lists of others; raised below
            failure = failure or error
    if failure:
        raise failure
    return worked


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
        named = [(row.name, row.holder) for row in chunk if isinstance(row, Accepted)]
        register = await find_or_create(service, tx, pool, now, named)
        accepted, rejected = _recognise(chunk, register)
        moved = await _store_hukou(tx, feed, now, accepted)
        died = await _store_statuses(tx, feed, now, accepted)
        await store.raise_versions(tx, pool, sorted(died | {row["person_id"] for row in moved}))
        await store.insert_rejections(tx, [_rejection_row(feed, row) for row in rejected])
        await store.move_cursor(tx, pool, feed_id, accepted=len(accepted), rejected=len(rejected), at=now)
        written = {person.person_id: person.digest for person in register.values() if person.created}
        written |= {row["hukou_id"]: _hukou_digest(row) for row in moved}
        detail = {"feed_id": str(feed_id), "written": {str(row_id): digest for row_id, digest in written.items()}}
        persons = sorted({person_id for person_id, _ in accepted})
        tx.audit(pool, "person.recorded", _JOB, feed["received_by"], now, persons, detail)
    return True


def _judge(supplier: Supplier, feed: Row, data: bytes) -> list[Verdict]:
    rows = formats.read_feed(supplier, feed["file_name"], data)
    if len(rows) != feed["rows_total"]:
        raise RuntimeError(f"feed {feed['feed_id']} had {feed['rows_total']} rows when it came and has {len(rows)} now")
    return list(rules.judge_rows(rows, supplier, business_day(feed["received_at"])))


def _recognise(chunk: Sequence[Verdict], register: Mapping[str, Registered]) -> tuple[list[Said], list[Rejected]]:
    """Tie accepted rows to persons; a row whose number the register knows under another name goes back, too."""
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


async def _store_hukou(tx: Writer, feed: Row, now: datetime, accepted: Sequence[Said]) -> list[dict[str, Any]]:
    """Store what rows say about hukou; the rows that were news."""
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
    taken_up = await store.insert_hukou(tx, rows)
    return [row for row in rows if row["hukou_id"] in taken_up]


def _hukou_digest(row: Row) -> str:
    columns = ("hukou_id", "person_id", "region", "household_no", "since", "feed_id", "row_no")
    return row_digest(*(row[column] for column in columns))


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
