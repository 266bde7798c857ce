"""The job that takes lists: judge every row, find or record the persons, keep what is said, send bad rows back.

A list is taken in chunks. The cursor of the feed moves in the transaction of its chunk, so whoever is killed leaves
nothing half done and nothing to do twice, and several workers may be at it. What a full list ends, and what rested on
one that is withdrawn, is gone through afterwards, in chunks as well (`sweeping.py`).
"""

import asyncio
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import IO, Any
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
    Scope,
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
ROWS_AT_ONCE = 20
"""Rows judged before anything else has its turn; well below a millisecond."""

Said = tuple[Match, Accepted | Doubtful]
"""A person of the register and how it was found, and a row that says something about it."""


async def take_feed(service: Eligibility, feed: Row) -> bool:
    """Judge one list to its end, or until another worker is at it; whether a chunk was taken."""
    with await evidence.fetch(service.database, service.sealer, feed["pool"], feed["evidence_id"]) as file:
        judged = Judged(judge(service.suppliers[feed["supplier"]], feed, file))
        try:
            worked = False
            while await take_chunk(service, feed, judged):
                worked = True
        finally:
            await judged.stop()
    return worked


def judge(supplier: Supplier, feed: Row, file: IO[bytes]) -> Iterator[Verdict]:
    """The rows of a list with their verdicts, read as they are asked for."""
    rows = formats.read_feed(supplier, feed["file_name"], file)
    scope = Scope.of(feed["categories"], feed["region"])
    return rules.judge_rows(rows, supplier, business_day(feed["received_at"]), scope, feed["rows_total"])


class Judged:
    """Verdicts in chunks, in their order. The next chunk is judged while the database works on the one before, and no
    more than these two are in memory.

    It is judged a few rows at a time in the event loop itself, which does so when it has nothing else to do; a thread
    would take the interpreter from the chunk before just when that needs it.
    """

    def __init__(self, verdicts: Iterator[Verdict]) -> None:
        self._verdicts = verdicts
        self._read = 0
        self._next = self._ahead(opening=True)

    async def chunk(self, start: int) -> list[Verdict]:
        """Verdicts from row `start` on (the first is 0); what other workers have taken is passed over. Empty behind the
        last."""
        while True:
            begin, chunk = await self._next
            if not chunk:
                return []
            self._next = self._ahead()
            if start < begin:
                raise RuntimeError(
                    f"row {start} was read before; whoever takes it anew reads the list from its beginning"
                )
            if start < begin + len(chunk):
                return chunk[start - begin :]

    async def stop(self) -> None:
        """Let what is being judged come to its end; nothing reads the file any more."""
        await asyncio.wait([self._next])

    def _ahead(self, *, opening: bool = False) -> asyncio.Task[tuple[int, list[Verdict]]]:
        return asyncio.create_task(self._take(opening=opening))

    async def _take(self, *, opening: bool) -> tuple[int, list[Verdict]]:
        # A workbook is unpacked when its first row is asked for, which takes its time.
        chunk = await asyncio.to_thread(self._some, 1) if opening else []
        while len(chunk) < CHUNK_ROWS and (some := self._some(min(ROWS_AT_ONCE, CHUNK_ROWS - len(chunk)))):
            chunk += some
            await asyncio.sleep(0)
        begin = self._read
        self._read += len(chunk)
        return begin, chunk

    def _some(self, most: int) -> list[Verdict]:
        return list(islice(self._verdicts, most))


async def take_chunk(service: Eligibility, feed: Row, judged: Judged) -> bool:
    """Store the next judged rows and move the cursor, in one transaction; False where there is nothing left to do."""
    pool, feed_id = feed["pool"], feed["feed_id"]
    async with service.database.writing() as tx:
        await suppliers.take_turn(tx, pool, feed["supplier"])
        cursor = await feeds.lock_work(tx, pool, feed_id, FeedState.RECEIVED)
        if cursor is None:
            return False
        now = service.clock.now()
        chunk = await judged.chunk(cursor["rows_done"])
        done = cursor["rows_done"] + len(chunk)
        if done > feed["rows_total"] or (not chunk and done < feed["rows_total"]):
            raise RuntimeError(f"feed {feed_id} had {feed['rows_total']} rows when it came and has others now")
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
        if done == feed["rows_total"]:
            await _conclude(service, tx, feed, now)
        written = {person.person_id: person.digest for person in register.values() if person.created}
        written |= {row["hukou_id"]: _hukou_digest(row) for row in kept}
        detail = {"feed_id": str(feed_id), "written": {str(row_id): digest for row_id, digest in written.items()}}
        who = sorted({match.person_id for match, _ in accepted})
        tx.audit(pool, "person.recorded", JOB, feed["received_by"], now, who, detail)
    return True


async def _conclude(service: Eligibility, tx: Writer, feed: Row, now: datetime) -> None:
    """The last row is judged: a list of changes is taken, as is a part of a full list whose others are not all judged;
    by the last of them the whole list ends what it does not name, or waits for leave."""
    held, ending, act = None, None, FeedAct.TAKE_LAST_ROW
    shrink_percent = service.suppliers[feed["supplier"]].shrink_percent
    if feed["kind"] == rules.FeedKind.FULL and shrink_percent is not None:
        whole = await feeds.stand_of_whole(tx, feed["pool"], feed["whole_id"])
        if whole["judged"] + 1 == (feed["parts"] or 1):
            held, ending = await claims.count_ending(tx, feed["pool"], feed)
            waits = rules.needs_second_person(held, ending, whole["rejected"], shrink_percent)
            act = FeedAct.HOLD if waits else FeedAct.BEGIN_ENDING
    state = FEED_TRANSITIONS[FeedState.RECEIVED, act]
    await feeds.set_judged(tx, feed["pool"], feed["feed_id"], state, now, held=held, ending=ending)


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
        "region": row.claim.region,
        "valid_from": row.claim.identified_on,
        "valid_to": row.claim.valid_to,
    }


def _rejection_row(feed: Row, row: Rejected) -> dict[str, Any]:
    faults = [{"code": fault.code.value, "detail": fault.detail} for fault in row.faults]
    return {"pool": feed["pool"], "feed_id": feed["feed_id"], "row_no": row.row_no, "faults": faults}
