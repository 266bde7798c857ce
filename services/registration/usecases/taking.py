"""Taking a roster: its rows in chunks, each chunk in one transaction with the roster's cursor.

    claim (tx: lease) → per chunk: identify (eligibility, no transaction) → tx: enrol, note rows, move the cursor

A process that dies resumes behind the last chunk: the cursor stands in the transaction of the effect, and eligibility
is asked again under the same key. A worker whose lease ran out finds the cursor moved and lets go.
"""

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import business_day, wall_now
from shared.database import Writer
from shared.sheets import SheetRow

from ..formats.roster import RosterRow, UnreadableRow, read_roster, read_row
from ..rules import EnrolmentKind, Package, Refused, status_day
from ..rules.states import ROSTER_TRANSITIONS, RosterAct, RosterState
from ..store import packages as package_store
from ..store import rosters as store
from ..store import units as unit_store
from .enrolling import Applicant, Enrolled, Judged, Place, Unidentified, enrol, followed_news, hold_news, identify
from .registration import Registration, package_of_pool

CHUNK_ROWS = 1000
"""As many as eligibility resolves at once: the roster of most villages and schools is one chunk."""
LEASE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class _Opened:
    """A claimed roster with its unit and its rows."""

    roster: Mapping[str, Any]
    unit: Mapping[str, Any]
    rows: Sequence[SheetRow]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Rows that are done together, and what is known of them, by the package and the status news up to `news`."""

    package: Package
    news: int
    last_row: int
    is_last: bool
    unreadable: list[UnreadableRow]
    found: list[Judged | Unidentified]


async def take_waiting_roster(service: Registration) -> bool:
    """Take one roster that waits; whether there was one. Raises what eligibility answers; the roster then waits on."""
    claimed = await _claim(service)
    if claimed is None:
        return False
    opened = await _open(service, claimed)
    cursor: int | None = claimed["last_row"]
    while cursor is not None:
        chunk = await _prepare(service, opened, cursor)
        cursor = await _settle(service, opened, chunk, cursor)
    return True


async def _claim(service: Registration) -> Mapping[str, Any] | None:
    async with service.database.reading() as tx:
        pools = await package_store.list_pools(tx)
    for pool in pools:
        async with service.database.writing() as tx:
            now = wall_now()
            claimed = await store.claim_waiting(tx, pool, now, now + timedelta(seconds=LEASE_SECONDS))
        if claimed is not None:
            return claimed
    return None


async def _open(service: Registration, roster: Mapping[str, Any]) -> _Opened:
    pool = roster["pool"]
    async with service.database.reading() as tx:
        unit = await unit_store.find_unit(tx, pool, roster["unit_code"])
        data = await evidence.load(tx, service.sealer, pool, roster["evidence_id"])
    assert unit is not None
    sheet = await asyncio.to_thread(read_roster, roster["file_name"], data, unit["kind"])
    return _Opened(roster, unit, sheet.rows)


async def _prepare(service: Registration, opened: _Opened, cursor: int) -> _Chunk:
    """Read the next rows and ask eligibility about them."""
    begin = bisect_right(opened.rows, cursor, key=lambda row: row.number)
    rows, roster = opened.rows[begin : begin + CHUNK_ROWS], opened.roster
    async with service.database.reading() as tx:
        package = await package_of_pool(tx, roster["pool"], roster["scheme"])
    # The day of receipt bounds birth dates: a resumed chunk reads its rows as the first try did.
    read = [read_row(row, today=business_day(roster["received_at"])) for row in rows]
    today = business_day(service.clock.now())
    day = status_day(package, EnrolmentKind.RENEWAL, today)
    applicants = [_applicant(row) for row in read if isinstance(row, RosterRow)]
    last_row = rows[-1].number if rows else cursor
    key = f"roster-{roster['roster_id']}-{cursor}-{last_row}"
    news = await followed_news(service, package.pool)
    found = await identify(service, package, applicants, today=today, status_day=day, key=key)
    unreadable = [row for row in read if isinstance(row, UnreadableRow)]
    return _Chunk(package, news, last_row, begin + CHUNK_ROWS >= len(opened.rows), unreadable, found)


async def _settle(service: Registration, opened: _Opened, chunk: _Chunk, cursor: int) -> int | None:
    """Enrol a chunk's people and move the cursor; None where the roster is done or another worker has it.

    The cursor stays where status news or a correction of the package came between question and enrolment: the chunk is
    asked about once more.
    """
    roster, package, pool = opened.roster, chunk.package, opened.roster["pool"]
    async with service.database.writing() as tx:
        standing = await store.lock_roster(tx, pool, roster["roster_id"])
        if standing["state"] != RosterState.RECEIVED or standing["last_row"] != cursor:
            return None
        if await hold_news(service, tx, pool) != chunk.news:
            return cursor
        if not await package_store.hold_in_force(tx, pool, package.scheme, package.version):
            return cursor
        now = service.clock.now()
        place = Place(opened.unit, roster["roster_id"], now, service.settings.client_id, roster["received_by"])
        judged, repeated = await _tell_repeated(tx, pool, roster["roster_id"], chunk.found)
        outcomes = await enrol(tx, package, judged, place) if judged else []
        rows = [
            *[_rejected(row.row, [(fault.code, fault.detail) for fault in row.faults]) for row in chunk.unreadable],
            *[_rejected(one.applicant.row, one.faults) for one in chunk.found if isinstance(one, Unidentified)],
            *[_rejected(one.applicant.row, [("duplicate_row", "本花名册已列有此人")]) for one in repeated],
            *[_outcome(one, outcome) for one, outcome in zip(judged, outcomes, strict=True)],
        ]
        common = {"pool": pool, "roster_id": roster["roster_id"], "scheme": roster["scheme"]}
        await store.insert_rows(tx, [{**common, **row} for row in sorted(rows, key=lambda row: row["row_no"])])
        act = RosterAct.TAKE_LAST_ROW if chunk.is_last else RosterAct.TAKE_ROWS
        await store.advance(
            tx,
            pool,
            roster["roster_id"],
            state=ROSTER_TRANSITIONS[RosterState.RECEIVED, act],
            last_row=chunk.last_row,
            counts=Counter(row["outcome"] for row in rows),
            free_from=wall_now() + timedelta(seconds=LEASE_SECONDS),
            taken_at=now if chunk.is_last else None,
        )
    return None if chunk.is_last else chunk.last_row


async def _tell_repeated(
    tx: Writer, pool: str, roster_id: UUID, found: Sequence[Judged | Unidentified]
) -> tuple[list[Judged], list[Judged]]:
    """Whom this roster names for the first time, and whom again: that is a slip of the list, not a second request."""
    known = [one for one in found if isinstance(one, Judged)]
    seen = await store.persons_of_roster(tx, pool, roster_id, [one.person_id for one in known])
    first: list[Judged] = []
    repeated: list[Judged] = []
    for one in known:
        (repeated if one.person_id in seen else first).append(one)
        seen.add(one.person_id)
    return first, repeated


def _applicant(row: RosterRow) -> Applicant:
    return Applicant(
        row=row.row,
        name=row.name,
        number=row.number,
        hukou=row.hukou,
        residence=row.residence,
        kind=row.kind,
        household_no=row.household_no,
        residence_permit=row.residence_permit,
        former_scheme=row.former_scheme,
        missed_years=row.missed_years,
        repaired_years=row.repaired_years,
    )


def _outcome(one: Judged, outcome: Enrolled | Refused) -> dict[str, Any]:
    common = {"row_no": one.applicant.row, "person_id": one.person_id}
    if isinstance(outcome, Enrolled):
        return {**common, "outcome": "enrolled", "enrolment_id": outcome.enrolment_id, "reasons": []}
    reasons = [asdict(reason) for reason in outcome.reasons]
    return {**common, "outcome": "refused", "enrolment_id": None, "reasons": reasons}


def _rejected(row_no: int, faults: Sequence[tuple[str, str]]) -> dict[str, Any]:
    reasons = [{"code": code, "detail": detail, "rules": []} for code, detail in faults]
    return {"row_no": row_no, "person_id": None, "outcome": "rejected", "enrolment_id": None, "reasons": reasons}
