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
    Holder,
    HukouClaim,
    MatchedBy,
    MergeSource,
    Rejected,
    StatusClaim,
    Supplier,
    Verdict,
)
from ..store import claims, feeds, hukou, merges, persons, suppliers
from .matching import Match, count_uses, match_doubts
from .register import Registered, find_or_create, row_digest
from .suite import JOB, Eligibility
from .uniting import tell
from .working_out import work_out

CHUNK_ROWS = 1_000

Said = tuple[Match, Accepted | Doubtful]
"""A person of the register and how it was found, and a row that says something about it."""


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
        named = [(row.name, one) for row in chunk if isinstance(row, Accepted) for one in _documents(row)]
        register = await find_or_create(service, tx, pool, now, named)
        doubts = [row.doubt for row in chunk if isinstance(row, Doubtful)]
        means, undecided = await match_doubts(service, tx, pool, now, doubts)
        accepted, rejected = _recognise(chunk, register, means, undecided)
        kept, moved = await _keep_hukou(tx, feed, now, accepted)
        claimed = [_claim_row(feed, match, row) for match, row in accepted if isinstance(row.claim, StatusClaim)]
        await claims.insert_claims(tx, claimed)
        died = await work_out(tx, pool, feed["supplier"], now, sorted({row["person_id"] for row in claimed}))
        await persons.raise_versions(tx, pool, sorted(died | moved))
        await _tie_newborns(tx, feed, now, accepted, register)
        await count_uses(tx, pool, now, [match for match, _ in accepted])
        await feeds.insert_rejections(tx, [_rejection_row(feed, row) for row in rejected])
        await feeds.move_cursor(tx, pool, feed_id, accepted=len(accepted), rejected=len(rejected))
        if cursor["rows_done"] + len(chunk) == feed["rows_total"]:
            await _conclude(service, tx, feed, now)
        written = {person.person_id: person.digest for person in register.values() if person.created}
        written |= {row["hukou_id"]: _hukou_digest(row) for row in kept}
        detail = {"feed_id": str(feed_id), "written": {str(row_id): digest for row_id, digest in written.items()}}
        who = sorted({match.person_id for match, _ in accepted})
        tx.audit(pool, "person.recorded", JOB, feed["received_by"], now, who, detail)
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
    register: Mapping[Holder, Registered],
    means: Mapping[Doubt, Match],
    undecided: Container[Doubt],
) -> tuple[list[Said], list[Rejected]]:
    """Tie rows to persons; what the register knows under another name, or cannot tell from another, goes back."""
    accepted: list[Said] = []
    rejected: list[Rejected] = []
    for row in chunk:
        if isinstance(row, Rejected):
            rejected.append(row)
        elif isinstance(row, Doubtful):
            match = means.get(row.doubt)
            if match:
                accepted.append((match, row))
            else:
                faults = (rules.SEVERAL_CANDIDATES,) if row.doubt in undecided else row.faults
                rejected.append(Rejected(row.row_no, faults))
        elif register[row.holder].goes_by(row.name):
            accepted.append((Match(register[row.holder].person_id, MatchedBy.NUMBER), row))
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
            "person_id": match.person_id,
            "region": row.claim.region,
            "household_no": row.claim.household_no,
            "since": row.claim.since,
            "feed_id": feed["feed_id"],
            "row_no": row.row_no,
            "recorded_at": now,
            "case_id": match.case_id,
        }
        for match, row in accepted
        if isinstance(row.claim, HukouClaim)
    ]
    if not rows:
        return [], set()
    news = await hukou.hukou_news(tx, feed["pool"], rows)
    taken_up = await hukou.insert_hukou(tx, rows)
    kept = [row for row in rows if row["hukou_id"] in taken_up]
    return kept, {row["person_id"] for row in kept if row["hukou_id"] in news}


def _hukou_digest(row: Row) -> str:
    columns = ("hukou_id", "person_id", "region", "household_no", "since", "feed_id", "row_no")
    return row_digest(*(row[column] for column in columns))


def _documents(row: Accepted) -> list[Holder]:
    """The documents that a row names: a child's own, and the one by which it was known before."""
    return [row.holder, row.newborn] if row.newborn else [row.holder]


async def _tie_newborns(
    tx: Writer, feed: Row, now: datetime, accepted: Sequence[Said], register: Mapping[Holder, Registered]
) -> None:
    """Keep by which number of the mother children were known, and have the two records of each merged."""
    ties = []
    for match, row in accepted:
        if isinstance(row, Accepted) and row.newborn:
            pair = {"merged_id": register[row.newborn].person_id, "surviving_id": match.person_id}
            ties.append({"pool": feed["pool"], "feed_id": feed["feed_id"], "row_no": row.row_no, **pair})
    await merges.insert_ties(tx, ties)
    for tie in ties:
        source, why = MergeSource.LIST, f"{feed['file_name']} 第{tie['row_no']}行"
        await tell(tx, feed["pool"], tie["merged_id"], tie["surviving_id"], source, why, feed["received_by"], now)


def _claim_row(feed: Row, match: Match, row: Accepted | Doubtful) -> dict[str, Any]:
    assert isinstance(row.claim, StatusClaim)
    return {
        "pool": feed["pool"],
        "feed_id": feed["feed_id"],
        "row_no": row.row_no,
        "supplier": feed["supplier"],
        "person_id": match.person_id,
        "case_id": match.case_id,
        "code": row.claim.code.value,
        "grade": row.claim.grade,
        "school_region": row.claim.school_region,
        "valid_from": row.claim.identified_on,
        "valid_to": row.claim.valid_to,
    }


def _rejection_row(feed: Row, row: Rejected) -> dict[str, Any]:
    faults = [{"code": fault.code.value, "detail": fault.detail} for fault in row.faults]
    return {"pool": feed["pool"], "feed_id": feed["feed_id"], "row_no": row.row_no, "faults": faults}
