"""Corrections: everybody who is enrolled is assessed anew by the version that took the place of the one before.

    claim (tx: lease) → per chunk: ask what they hold (no transaction) → tx: lock enrolments, correct, move the cursor

A revision is issued only where the two versions differ for the person; all others keep what was issued, and the version
that it was issued by. Whoever enrols meanwhile does so by the correction (`hold_in_force`), so nobody is passed over.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.clock import business_day
from shared.database import Row, Writer

from ..rules import Held, Package
from ..rules.correction import Stays, correct
from ..store import package_runs as store
from ..store import revisions as revision_store
from .enrolling import followed_news, hold_news
from .registration import Registration, governing, versions_of
from .revising import Change, change, standing_of
from .running import CHUNK_PEOPLE, CORRECTION, advance_run, claim_run, hold_run


@dataclass(frozen=True, slots=True)
class _Opened:
    """A claimed run, and every version of the scheme with the day from which it counts."""

    run: Row
    versions: Sequence[tuple[Package, date | None]]


async def correct_enrolled(service: Registration) -> bool:
    """Do one correction that waits; whether there was one. Raises what eligibility answers; it then waits on."""
    run = await claim_run(service, CORRECTION)
    if run is None:
        return False
    pool, scheme = run["pool"], run["scheme"]
    async with service.database.reading() as tx:
        opened = _Opened(run, await versions_of(tx, pool, scheme))
    cursor, going = run["last_id"], True
    while going:
        news = await followed_news(service, pool)
        async with service.database.reading() as tx:
            rows = await store.read_members(tx, pool, scheme, after=cursor, limit=CHUNK_PEOPLE)
        held = await service.eligibility.every_status(pool, [row["person_id"] for row in rows])
        going, cursor = await _settle(service, opened, rows, held, news=news, cursor=cursor)
    return True


async def _settle(
    service: Registration,
    opened: _Opened,
    rows: Sequence[Row],
    held: Mapping[UUID, tuple[Held, ...]],
    *,
    news: int,
    cursor: UUID | None,
) -> tuple[bool, UUID | None]:
    """Correct a chunk and move the cursor; whether there is more for this worker to do, and from where.

    The cursor stays where status news came between question and correction: the chunk is asked about once more.
    """
    run, is_last = opened.run, len(rows) < CHUNK_PEOPLE
    async with service.database.writing() as tx:
        if not await hold_run(tx, run, cursor):
            return False, cursor
        if await hold_news(service, tx, run["pool"]) != news:
            return True, cursor
        now = service.clock.now()
        locked = await revision_store.lock_enrolments(tx, run["pool"], [row["enrolment_id"] for row in rows])
        changes, counts = _judge(opened, locked, held, business_day(now))
        await change(tx, run["pool"], changes, now)
        _audit(service, tx, run, changes, now)
        counts["done"] = len(rows)
        last_id = rows[-1]["enrolment_id"] if rows else cursor
        await advance_run(tx, run, last_id=last_id, is_last=is_last, counts=counts, now=now)
    return not is_last, last_id


def _judge(
    opened: _Opened, locked: Sequence[Row], held: Mapping[UUID, tuple[Held, ...]], today: date
) -> tuple[list[Change], Counter[str]]:
    """What changes for locked enrolments; how many are changed, refused by the correction, and left to a person."""
    by_version = {package.version: package for package, _ in opened.versions}
    counts, changes = Counter[str](), list[Change]()
    for row in locked:
        package, former = governing(opened.versions, row["paid_on"]), by_version[row["package"]]
        known, assessed_for = held[row["person_id"]], row["assessed_for"]
        found = correct(package, former, standing_of(row), known, assessed_for=assessed_for, today=today)
        if found is Stays.REFUSED:
            counts["refused"] += 1
        elif found is Stays.COVERED_OTHERWISE or (found and row["disputed"]):
            counts["left"] += 1
        elif found:
            counts["changed"] += 1
            changes.append(Change(row, package, found, today))
    return changes, counts


def _audit(service: Registration, tx: Writer, run: Row, changes: Sequence[Change], now: datetime) -> None:
    persons = [one.row["person_id"] for one in changes]
    if persons:
        detail = {"scheme": run["scheme"], "version": run["package"]}
        client_id, actor = service.settings.client_id, run["started_by"]
        tx.audit(run["pool"], "enrolment.corrected", client_id, actor, now, persons, detail)
