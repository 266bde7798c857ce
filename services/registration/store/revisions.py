"""SQL that revises assessments, withdraws enrolments, and keeps what a person decides on."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import status_case

_CASE = (
    "c.pool, c.case_id, c.scheme, c.person_id, c.enrolment_id, c.assessment_id, c.kind, c.state, c.found_on, c.status,"
    " c.payable_fen, c.would_be_fen, c.rules, c.opened_at, c.decided_by, c.decided_at, c.note, c.version"
)
_IN_REGION = (
    "status_case c join enrolment e on e.pool = c.pool and e.enrolment_id = c.enrolment_id"
    " join unit u on u.pool = e.pool and u.unit_code = e.unit_code"
)
# Read once the enrolments are locked: a revision that was waited for is seen only by a statement that begins after it.
_STANDING = (
    "select e.pool, e.enrolment_id, e.scheme, e.person_id, e.kind, e.facts, e.unit_code, e.state, e.revision,"
    " e.paid_on, e.version, u.region, a.assessment_id, a.package, a.assessed_for, a.standard_fen, a.payable_fen,"
    " a.covered_from, a.covered_to, (select max(m.revision) from assessment m where m.pool = :pool"
    " and m.enrolment_id = e.enrolment_id) as last_revision,"
    " exists (select 1 from status_case c where c.pool = :pool and c.enrolment_id = e.enrolment_id"
    " and c.state in ('open', 'declined')) as disputed,"
    " (select coalesce(jsonb_agg(jsonb_build_array(l.payer, l.amount_fen, l.status) order by l.line_no), '[]')"
    " from assessment_line l where l.pool = :pool and l.assessment_id = a.assessment_id) as lines"
    " from enrolment e join unit u on u.pool = e.pool and u.unit_code = e.unit_code"
    " join assessment a on a.pool = e.pool and a.enrolment_id = e.enrolment_id and a.revision = e.revision"
    " where e.pool = :pool and e.state <> 'withdrawn' and e.enrolment_id = any(cast(:enrolment_ids as uuid[]))"
)


async def lock_standing(tx: Writer, pool: str, person_ids: Sequence[UUID], day: date) -> Sequence[Row]:
    """Lock the enrolments of persons whose cover has not ended by `day`, or is not stated, with assessments in force.

    In the order of their ids, so that two transactions do not wait in a ring.
    """
    locked = await tx.rows(
        "select enrolment_id from enrolment where pool = :pool and person_id = any(cast(:person_ids as uuid[]))"
        " order by enrolment_id for update",
        pool=pool,
        person_ids=list(person_ids),
    )
    return await tx.rows(
        f"{_STANDING} and coalesce(a.covered_to >= :day, true) order by e.enrolment_id",
        pool=pool,
        enrolment_ids=[row["enrolment_id"] for row in locked],
        day=day,
    )


async def lock_enrolments(tx: Writer, pool: str, enrolment_ids: Sequence[UUID]) -> Sequence[Row]:
    """Lock enrolments in the same order, with their assessments in force."""
    await tx.rows(
        "select enrolment_id from enrolment where pool = :pool and enrolment_id = any(cast(:enrolment_ids as uuid[]))"
        " order by enrolment_id for update",
        pool=pool,
        enrolment_ids=list(enrolment_ids),
    )
    return await tx.rows(f"{_STANDING} order by e.enrolment_id", pool=pool, enrolment_ids=list(enrolment_ids))


async def set_revisions(tx: Writer, pool: str, revised: Sequence[tuple[UUID, int]]) -> None:
    """Put these revisions of locked enrolments in force."""
    await tx.execute(
        "update enrolment e set revision = told.revision, version = e.version + 1"
        " from unnest(cast(:ids as uuid[]), cast(:revisions as integer[])) as told (enrolment_id, revision)"
        " where e.pool = :pool and e.enrolment_id = told.enrolment_id",
        pool=pool,
        ids=[enrolment_id for enrolment_id, _ in revised],
        revisions=[revision for _, revision in revised],
    )


async def withdraw(tx: Writer, pool: str, withdrawn: Sequence[tuple[UUID, str]], at: datetime) -> None:
    """Withdraw locked enrolments, each for its reason."""
    await tx.execute(
        "update enrolment e set state = 'withdrawn', withdrawn_at = :at, withdrawn_reason = told.reason,"
        " version = e.version + 1"
        " from unnest(cast(:ids as uuid[]), cast(:reasons as text[])) as told (enrolment_id, reason)"
        " where e.pool = :pool and e.enrolment_id = told.enrolment_id",
        pool=pool,
        ids=[enrolment_id for enrolment_id, _ in withdrawn],
        at=at,
        reasons=[reason for _, reason in withdrawn],
    )


async def insert_cases(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep cases; what was found of an assessment before is not found again."""
    tail = "on conflict (pool, assessment_id, kind, would_be_fen) do nothing"
    await tx.insert(status_case, sorted(rows, key=lambda row: (row["assessment_id"], row["kind"])), tail=tail)


async def find_case(tx: Reader, pool: str, case_id: UUID) -> Row | None:
    """One case, with the region of its unit."""
    return await tx.row(
        f"select {_CASE}, u.region from {_IN_REGION} where c.pool = :pool and c.case_id = :case_id",
        pool=pool,
        case_id=case_id,
    )


async def lock_case(tx: Writer, pool: str, case_id: UUID) -> Row:
    """One case that is known to be there, locked."""
    row = await tx.row(
        f"select {_CASE} from status_case c where c.pool = :pool and c.case_id = :case_id for update",
        pool=pool,
        case_id=case_id,
    )
    assert row is not None
    return row


async def list_cases(
    tx: Reader, pool: str, area: str, *, scheme: str | None, state: str | None, after: UUID | None, limit: int
) -> Sequence[Row]:
    """Cases inside an area in the order in which they were opened; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_CASE} from {_IN_REGION} where c.pool = :pool and starts_with(u.region, :area)"
        " and (cast(:scheme as text) is null or c.scheme = :scheme)"
        " and (cast(:state as text) is null or c.state = :state)"
        " and (cast(:after as uuid) is null or c.case_id > :after) order by c.case_id limit :limit",
        pool=pool,
        area=area,
        scheme=scheme,
        state=state,
        after=after,
        limit=limit + 1,
    )


async def decide_case(tx: Writer, pool: str, case_id: UUID, *, state: str, by: str, at: datetime, note: str) -> None:
    """Record the decision on a locked case."""
    await tx.execute(
        "update status_case set state = :state, decided_by = :by, decided_at = :at, note = :note,"
        " version = version + 1 where pool = :pool and case_id = :case_id",
        pool=pool,
        case_id=case_id,
        state=state,
        by=by,
        at=at,
        note=note,
    )
