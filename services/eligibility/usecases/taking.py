"""The job that takes lists: judge every row, find or record the persons, keep what is said, send bad rows back.

A list is taken in chunks. The cursor of the feed moves in the transaction of its chunk, so whoever is killed leaves
nothing half done and nothing to do twice, and several workers may be at it. What a full list ends, and what rested on
one that is withdrawn, is gone through afterwards, in chunks as well (`sweeping.py`).
"""

import asyncio
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import business_day
from shared.database import Row, Writer
from shared.ids import new_id

from .. import formats, rules
from ..rules import (
    FEED_TRANSITIONS,
    Accepted,
    Doubt,
    Doubtful,
    FeedAct,
    FeedState,
    HukouClaim,
    Rejected,
    StatusClaim,
    Supplier,
    Verdict,
)
from ..store import claims, feeds, persons, suppliers
from .matching import match_doubts
from .register import Registered, find_or_create, row_digest
from .suite import JOB, Eligibility
from .working_out import work_out

CHUNK_ROWS = 1_000

Said = tuple[UUID, Accepted | Doubtful]
"""A person of the register, and a row that says something about it."""


async def take_feed(service: Eligibility, feed: Row) -> bool:
    """Judge one list to its end, or until another worker is at it; whether a chunk was taken."""
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
        cursor = await feeds.lock_work(tx, pool, feed_id, FeedState.RECEIVED)
        if cursor is None:
            return False
        await suppliers.take_turn(tx, pool, feed["supplier"])
        now = service.clock.now()
        chunk = verdicts[cursor["rows_done"] : cursor["rows_done"] + CHUNK_ROWS]
        named = [(row.name, row.holder) for row in chunk if isinstance(row, Accepted)]
        register = await find_or_create(service, tx, pool, now, named)
        doubts = [row.doubt for row in chunk if isinstance(row, Doubtful)]
        means, undecided = await match_doubts(service, tx, pool, now, doubts)
        accepted, rejected = _recognise(chunk, register, means, undecided)
        kept, moved = await _keep_hukou(tx, feed, now, accepted)
        claimed = [
            _claim_row(feed, person_id, row) for person_id, row in accepted if isinstance(row.claim, StatusClaim)
        ]
        await claims.insert_claims(tx, claimed)
        died = await work_out(tx, pool, feed["supplier"], now, sorted({row["person_id"] for row in claimed}))
        await persons.raise_versions(tx, pool, sorted(died | moved))
        await feeds.insert_rejections(tx, [_rejection_row(feed, row) for row in rejected])
        await feeds.move_cursor(tx, pool, feed_id, accepted=len(accepted), rejected=len(rejected))
        if cursor["rows_done"] + len(chunk) == feed["rows_total"]:
            await _conclude(service, tx, feed, now)
        written = {person.person_id: person.digest for person in register.values() if person.created}
        written |= {row["hukou_id"]: _hukou_digest(row) for row in kept}
        detail = {"feed_id": str(feed_id), "written": {str(row_id): digest for row_id, digest in written.items()}}
        tx.audit(pool, "person.recorded", JOB, feed["received_by"], now, sorted({who for who, _ in accepted}), detail)
    return True


async def _conclude(service: Eligibility, tx: Writer, feed: Row, now: datetime) -> None:
    """The last row is judged: a list of changes is taken; a full one ends what it does not name, or waits for leave."""
    held, ending, act = None, None, FeedAct.TAKE_LAST_ROW
    shrink_percent = service.suppliers[feed["supplier"]].shrink_percent
    if feed["kind"] == rules.FeedKind.FULL and shrink_percent is not None:
        held, ending = await claims.count_ending(tx, feed["pool"], feed)
        rejected = await feeds.count_rejected(tx, feed["pool"], feed["feed_id"])
        waits = rules.needs_second_person(held, ending, rejected, shrink_percent)
        act = FeedAct.HOLD if waits else FeedAct.BEGIN_ENDING
    state = FEED_TRANSITIONS[FeedState.RECEIVED, act]
    await feeds.set_judged(tx, feed["pool"], feed["feed_id"], state, now, held=held, ending=ending)


def _judge(supplier: Supplier, feed: Row, data: bytes) -> list[Verdict]:
    rows = formats.read_feed(supplier, feed["file_name"], data)
    if len(rows) != feed["rows_total"]:
        raise RuntimeError(f"feed {feed['feed_id']} had {feed['rows_total']} rows when it came and has {len(rows)} now")
    return list(rules.judge_rows(rows, supplier, business_day(feed["received_at"])))


def _recognise(
    chunk: Sequence[Verdict],
    register: Mapping[str, Registered],
    means: Mapping[Doubt, UUID],
    undecided: Container[Doubt],
) -> tuple[list[Said], list[Rejected]]:
    """Tie rows to persons; what the register knows under another name, or cannot tell from another, goes back."""
    accepted: list[Said] = []
    rejected: list[Rejected] = []
    for row in chunk:
        if isinstance(row, Rejected):
            rejected.append(row)
        elif isinstance(row, Doubtful):
            person_id = means.get(row.doubt)
            if person_id:
                accepted.append((person_id, row))
            else:
                faults = (rules.SEVERAL_CANDIDATES,) if row.doubt in undecided else row.faults
                rejected.append(Rejected(row.row_no, faults))
        elif rules.same_name(row.name, register[row.holder.number].name):
            accepted.append((register[row.holder.number].person_id, row))
        else:
            rejected.append(Rejected(row.row_no, (rules.NAME_DIFFERS,)))
    return accepted, rejected


async def _keep_hukou(
    tx: Writer, feed: Row, now: datetime, accepted: Sequence[Said]
) -> tuple[list[dict[str, Any]], set[UUID]]:
    """Keep what rows say about hukou; the rows kept, and the persons about whom that was news."""
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
    if not rows:
        return [], set()
    news = await persons.hukou_news(tx, feed["pool"], rows)
    taken_up = await persons.insert_hukou(tx, rows)
    kept = [row for row in rows if row["hukou_id"] in taken_up]
    return kept, {row["person_id"] for row in kept if row["hukou_id"] in news}


def _hukou_digest(row: Row) -> str:
    columns = ("hukou_id", "person_id", "region", "household_no", "since", "feed_id", "row_no")
    return row_digest(*(row[column] for column in columns))


def _claim_row(feed: Row, person_id: UUID, row: Accepted | Doubtful) -> dict[str, Any]:
    assert isinstance(row.claim, StatusClaim)
    return {
        "pool": feed["pool"],
        "feed_id": feed["feed_id"],
        "row_no": row.row_no,
        "supplier": feed["supplier"],
        "person_id": person_id,
        "code": row.claim.code.value,
        "grade": row.claim.grade,
        "school_region": row.claim.school_region,
        "valid_from": row.claim.identified_on,
        "valid_to": row.claim.valid_to,
    }


def _rejection_row(feed: Row, row: Rejected) -> dict[str, Any]:
    faults = [{"code": fault.code.value, "detail": fault.detail} for fault in row.faults]
    return {"pool": feed["pool"], "feed_id": feed["feed_id"], "row_no": row.row_no, "faults": faults}
