"""SQL about enrolments, their assessments, and refusals."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.database import Reader, Writer

from ..tables import assessment, assessment_line, enrolment, refusal
from .aliases import ANY_ID, everybody, survivors

_ENROLMENT = (
    "e.pool, e.enrolment_id, e.scheme, e.person_id, e.kind, e.unit_code, e.household_no, e.roster_id, e.state,"
    " e.enrolled_at, e.bill_no, e.paid_fen, e.paid_on, e.revision, e.withdrawn_at, e.withdrawn_reason, e.version"
)
_ASSESSMENT = (
    "a.pool, a.assessment_id, a.enrolment_id, a.scheme, a.package, a.person_id, a.unit_code, a.assessed_for,"
    " a.standard_fen, a.payable_fen, a.covered_from, a.covered_to, a.not_applied, a.rules, a.issued_at,"
    " a.revision, a.revises, a.reason,"
    " case when a.revision <> e.revision then 'superseded' when e.state = 'withdrawn' then 'voided'"
    " else 'in_force' end as state,"
    " (select coalesce(jsonb_agg(jsonb_build_object('payer', l.payer, 'amount_fen', l.amount_fen, 'status', l.status,"
    " 'rules', l.rules) order by l.line_no), '[]') from assessment_line l"
    " where l.pool = :pool and l.assessment_id = a.assessment_id) as lines"
)
_ASSESSED = (
    "assessment a join enrolment e on e.pool = a.pool and e.enrolment_id = a.enrolment_id"
    " join unit u on u.pool = a.pool and u.unit_code = a.unit_code"
)


async def enrolled_persons(tx: Reader, pool: str, scheme: str, person_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these persons are enrolled in the scheme, under whichever id."""
    means = await everybody(tx, pool, person_ids)
    rows = await tx.rows(
        # One step into the index for each: a plan made while the scheme was empty would go through all who have joined.
        "select e.person_id from unnest(cast(:person_ids as uuid[])) as asked (person_id) cross join lateral ("
        "select person_id from enrolment where pool = :pool and scheme = :scheme and state <> 'withdrawn'"
        " and person_id = asked.person_id offset 0) e",
        pool=pool,
        scheme=scheme,
        person_ids=list(means),
    )
    if not rows:
        return set()
    one = await survivors(tx, pool, list(means))
    enrolled = {one[row["person_id"]] for row in rows}
    return {person_id for person_id in person_ids if one[person_id] in enrolled}


async def insert_enrolments(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Enrol persons who are not yet; those enrolled now. In order of person, so that two lists never wait in a ring."""
    ordered = sorted(rows, key=lambda row: row["person_id"])
    tail = "on conflict (pool, scheme, person_id) where state <> 'withdrawn' do nothing returning person_id"
    return {row["person_id"] for row in await tx.insert(enrolment, ordered, tail=tail)}


async def insert_assessments(tx: Writer, rows: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> None:
    """Assessments and their lines."""
    await tx.insert(assessment, rows)
    await tx.insert(assessment_line, lines)


async def insert_refusals(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refusals: one per person and reason, however often it is said. Ordered like enrolments."""
    ordered = sorted(rows, key=lambda row: (row["person_id"], row["code"]))
    await tx.insert(refusal, ordered, tail="on conflict (pool, scheme, person_id, code) do nothing")


async def find_enrolment(tx: Reader, pool: str, enrolment_id: UUID) -> Mapping[str, Any] | None:
    """One enrolment, with the region of its unit."""
    return await tx.row(
        f"select {_ENROLMENT}, u.region from enrolment e join unit u on u.pool = e.pool and u.unit_code = e.unit_code"
        " where e.pool = :pool and e.enrolment_id = :enrolment_id",
        pool=pool,
        enrolment_id=enrolment_id,
    )


async def find_in_force(tx: Reader, pool: str, enrolment_id: UUID) -> UUID:
    """The assessment in force of an enrolment that is known to be there."""
    row = await tx.row(
        "select a.assessment_id from enrolment e join assessment a"
        " on a.pool = e.pool and a.enrolment_id = e.enrolment_id and a.revision = e.revision"
        " where e.pool = :pool and e.enrolment_id = :enrolment_id",
        pool=pool,
        enrolment_id=enrolment_id,
    )
    assert row is not None
    found: UUID = row["assessment_id"]
    return found


async def find_assessment(tx: Reader, pool: str, assessment_id: UUID) -> Mapping[str, Any] | None:
    """One assessment with its lines, and the region of its unit."""
    return await tx.row(
        f"select {_ASSESSMENT}, u.region from {_ASSESSED} where a.pool = :pool and a.assessment_id = :assessment_id",
        pool=pool,
        assessment_id=assessment_id,
    )


async def list_enrolments(
    tx: Reader, pool: str, area: str, *, scheme: str | None, person_id: UUID | None, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Enrolments inside an area, in the order in which they were made; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_ENROLMENT} from enrolment e join unit u on u.pool = e.pool and u.unit_code = e.unit_code"
        f" where e.pool = :pool and starts_with(u.region, :area) {_narrowed('e', 'enrolment_id')}",
        pool=pool,
        area=area,
        scheme=scheme,
        person_id=person_id,
        after=after,
        limit=limit + 1,
    )


async def list_assessments(
    tx: Reader, pool: str, area: str, *, scheme: str | None, person_id: UUID | None, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Assessments inside an area, in the order in which they were issued; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_ASSESSMENT} from {_ASSESSED}"
        f" where a.pool = :pool and starts_with(u.region, :area) {_narrowed('a', 'assessment_id')}",
        pool=pool,
        area=area,
        scheme=scheme,
        person_id=person_id,
        after=after,
        limit=limit + 1,
    )


def _narrowed(table: str, key: str) -> str:
    return (
        f"and (cast(:scheme as text) is null or {table}.scheme = :scheme)"
        f" and (cast(:person_id as uuid) is null or {table}.person_id = any({ANY_ID}))"
        f" and (cast(:after as uuid) is null or {table}.{key} > :after) order by {table}.{key} limit :limit"
    )
