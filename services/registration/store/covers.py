"""SQL about paid enrolments and their cover."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Writer

from ..tables import cover
from .aliases import ANY_ID


async def lock_billed(tx: Writer, pool: str, assessment_ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    """Lock the enrolments that these assessments belong to; by assessment, with its figures and those in force."""
    rows = await tx.rows(
        "select e.pool, e.enrolment_id, e.person_id, e.scheme, e.state, e.revision, e.paid_revision, e.bill_no,"
        " e.kind, e.facts, a.assessment_id, a.revision as billed_revision, a.package, a.payable_fen,"
        " f.assessment_id as in_force_id, f.payable_fen as in_force_fen"
        " from assessment a join enrolment e on e.pool = a.pool and e.enrolment_id = a.enrolment_id"
        " join assessment f on f.pool = e.pool and f.enrolment_id = e.enrolment_id and f.revision = e.revision"
        " where a.pool = :pool and a.assessment_id = any(cast(:assessment_ids as uuid[]))"
        " order by e.enrolment_id for update of e",
        pool=pool,
        assessment_ids=list(assessment_ids),
    )
    return {row["assessment_id"]: row for row in rows}


async def mark_paid(tx: Writer, pool: str, paid: Sequence[Mapping[str, Any]]) -> None:
    """Mark locked enrolments as paid: by which bill and revision, how much and when, and what is in force then."""
    await tx.execute(
        "update enrolment e"
        " set state = 'paid', bill_no = told.bill_no, paid_fen = told.amount_fen, paid_on = told.paid_on,"
        " paid_revision = told.paid_revision, revision = told.revision, version = e.version + 1"
        " from unnest(cast(:enrolment_ids as uuid[]), cast(:bill_nos as text[]), cast(:amounts_fen as bigint[]),"
        " cast(:paid_on as date[]), cast(:paid_revisions as integer[]), cast(:revisions as integer[]))"
        " as told (enrolment_id, bill_no, amount_fen, paid_on, paid_revision, revision)"
        " where e.pool = :pool and e.enrolment_id = told.enrolment_id",
        pool=pool,
        enrolment_ids=[row["enrolment_id"] for row in paid],
        bill_nos=[row["bill_no"] for row in paid],
        amounts_fen=[row["amount_fen"] for row in paid],
        paid_on=[row["paid_on"] for row in paid],
        paid_revisions=[row["paid_revision"] for row in paid],
        revisions=[row["revision"] for row in paid],
    )


async def mark_unpaid(tx: Writer, pool: str, enrolment_ids: Sequence[UUID]) -> None:
    """Mark locked enrolments as not paid any more."""
    await tx.execute(
        "update enrolment set state = 'enrolled', bill_no = null, paid_fen = null, paid_on = null,"
        " paid_revision = null, version = version + 1"
        " where pool = :pool and enrolment_id = any(cast(:enrolment_ids as uuid[]))",
        pool=pool,
        enrolment_ids=list(enrolment_ids),
    )


async def end_covers(
    tx: Writer, pool: str, enrolment_ids: Sequence[UUID], at: datetime, reasons: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    """End the running cover of enrolments, each for its reason; what ended."""
    return await tx.rows(
        "update cover c set ended_at = :at, end_reason = told.reason"
        " from unnest(cast(:enrolment_ids as uuid[]), cast(:reasons as text[])) as told (enrolment_id, reason)"
        " where c.pool = :pool and c.enrolment_id = told.enrolment_id and c.ended_at is null"
        " returning c.cover_id, c.person_id, c.scheme, c.year, c.covered_from, c.covered_to, c.end_reason",
        pool=pool,
        enrolment_ids=list(enrolment_ids),
        at=at,
        reasons=list(reasons),
    )


async def insert_covers(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Cover of persons who have none in that year yet."""
    await tx.insert(cover, rows)


async def list_covers(
    tx: Reader, pool: str, area: str, *, scheme: str | None, person_id: UUID | None, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Cover inside an area, in the order in which it started; `limit` + 1 rows."""
    return await tx.rows(
        "select c.pool, c.cover_id, c.person_id, c.scheme, c.enrolment_id, c.year, c.covered_from, c.covered_to,"
        " c.started_at, c.ended_at, c.end_reason"
        " from cover c join enrolment e on e.pool = c.pool and e.enrolment_id = c.enrolment_id"
        " join unit u on u.pool = e.pool and u.unit_code = e.unit_code"
        " where c.pool = :pool and starts_with(u.region, :area)"
        " and (cast(:scheme as text) is null or c.scheme = :scheme)"
        f" and (cast(:person_id as uuid) is null or c.person_id = any({ANY_ID}))"
        " and (cast(:after as uuid) is null or c.cover_id > :after) order by c.cover_id limit :limit",
        pool=pool,
        area=area,
        scheme=scheme,
        person_id=person_id,
        after=after,
        limit=limit + 1,
    )


async def running_covers(
    tx: Reader, pool: str, area: str, *, scheme: str | None, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Cover inside an area that has not ended, with the facts of its enrolment and whether anybody else pays a part of
    it; in the order in which it started, `limit` + 1 rows."""
    return await tx.rows(
        "select c.pool, c.cover_id, c.person_id, c.scheme, c.enrolment_id, c.covered_from, c.covered_to, e.unit_code,"
        " e.kind, e.facts, exists (select 1 from assessment a join assessment_line l on l.pool = a.pool"
        " and l.assessment_id = a.assessment_id where a.pool = :pool and a.enrolment_id = e.enrolment_id"
        " and a.revision = e.revision and l.status is not null) as subsidised"
        " from cover c join enrolment e on e.pool = c.pool and e.enrolment_id = c.enrolment_id"
        " join unit u on u.pool = e.pool and u.unit_code = e.unit_code"
        " where c.pool = :pool and c.ended_at is null and starts_with(u.region, :area)"
        " and (cast(:scheme as text) is null or c.scheme = :scheme)"
        " and (cast(:after as uuid) is null or c.cover_id > :after) order by c.cover_id limit :limit",
        pool=pool,
        area=area,
        scheme=scheme,
        after=after,
        limit=limit + 1,
    )
