"""SQL about paid enrolments and their cover."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from shared.database import Reader, Writer

from ..tables import cover


async def mark_paid(
    tx: Writer,
    pool: str,
    assessment_ids: Sequence[UUID],
    bill_nos: Sequence[str],
    amounts_fen: Sequence[int],
    paid_on: Sequence[date],
) -> Sequence[Mapping[str, Any]]:
    """Mark the enrolments of paid assessments; each that was still unpaid comes back with the span it covers."""
    return await tx.rows(
        "update enrolment e"
        " set state = 'paid', bill_no = told.bill_no, paid_fen = told.amount_fen, paid_on = told.paid_on,"
        " version = e.version + 1"
        " from unnest(cast(:assessment_ids as uuid[]), cast(:bill_nos as text[]), cast(:amounts_fen as bigint[]),"
        " cast(:paid_on as date[])) as told (assessment_id, bill_no, amount_fen, paid_on)"
        " join assessment a on a.pool = :pool and a.assessment_id = told.assessment_id"
        " where e.pool = :pool and e.enrolment_id = a.enrolment_id and e.state = 'enrolled'"
        " returning e.enrolment_id, e.person_id, e.scheme, a.assessment_id, a.covered_from, a.covered_to",
        pool=pool,
        assessment_ids=list(assessment_ids),
        bill_nos=list(bill_nos),
        amounts_fen=list(amounts_fen),
        paid_on=list(paid_on),
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
        " c.started_at from cover c join enrolment e on e.pool = c.pool and e.enrolment_id = c.enrolment_id"
        " join unit u on u.pool = e.pool and u.unit_code = e.unit_code"
        " where c.pool = :pool and starts_with(u.region, :area)"
        " and (cast(:scheme as text) is null or c.scheme = :scheme)"
        " and (cast(:person_id as uuid) is null or c.person_id = :person_id)"
        " and (cast(:after as uuid) is null or c.cover_id > :after) order by c.cover_id limit :limit",
        pool=pool,
        area=area,
        scheme=scheme,
        person_id=person_id,
        after=after,
        limit=limit + 1,
    )
