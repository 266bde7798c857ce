"""Reading enrolments, assessments, cover and progress. Whoever reads about persons leaves an audit line."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.database import Writer
from shared.pages import page
from shared.tokens import Caller

from ..schemas.enrolments import AssessmentOut, EnrolmentOut
from ..schemas.problems import ASSESSMENT_UNKNOWN, ENROLMENT_UNKNOWN
from ..store import covers, enrolments
from ..store import progress as counts
from .registration import Registration, package_of_pool


async def read_enrolment(service: Registration, caller: Caller, pool: str, enrolment_id: UUID) -> dict[str, Any]:
    """One enrolment. Raises Problem ENROLMENT_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.writing() as tx:
        found = await enrolments.find_enrolment(tx, pool, enrolment_id)
        if found is None:
            raise ENROLMENT_UNKNOWN(enrolment_id=enrolment_id)
        caller.require_region(found["region"])
        _audit(service, tx, caller, pool, "enrolment.read", [found])
    return EnrolmentOut.body_of(found)


async def read_assessment(service: Registration, caller: Caller, pool: str, assessment_id: UUID) -> dict[str, Any]:
    """One assessment. Raises Problem ASSESSMENT_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.writing() as tx:
        found = await enrolments.find_assessment(tx, pool, assessment_id)
        if found is None:
            raise ASSESSMENT_UNKNOWN(assessment_id=assessment_id)
        caller.require_region(found["region"])
        _audit(service, tx, caller, pool, "assessment.read", [found])
    return assessment_body(found)


async def list_enrolments(
    service: Registration,
    caller: Caller,
    pool: str,
    *,
    scheme: str | None,
    person_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> dict[str, Any]:
    """Enrolments inside the caller's area. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.writing() as tx:
        rows = await enrolments.list_enrolments(
            tx, pool, caller.area, scheme=scheme, person_id=person_id, after=after, limit=limit
        )
        _audit(service, tx, caller, pool, "enrolment.read", rows[:limit])
    return page(rows, limit, lambda row: row["enrolment_id"])


async def list_assessments(
    service: Registration,
    caller: Caller,
    pool: str,
    *,
    scheme: str | None,
    person_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> dict[str, Any]:
    """Assessments inside the caller's area. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.writing() as tx:
        rows = await enrolments.list_assessments(
            tx, pool, caller.area, scheme=scheme, person_id=person_id, after=after, limit=limit
        )
        _audit(service, tx, caller, pool, "assessment.read", rows[:limit])
    return page([assessment_body(row) for row in rows], limit, lambda row: row["assessment_id"])


async def list_covers(
    service: Registration,
    caller: Caller,
    pool: str,
    *,
    scheme: str | None,
    person_id: UUID | None,
    after: UUID | None,
    limit: int,
) -> dict[str, Any]:
    """Cover inside the caller's area. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.writing() as tx:
        rows = await covers.list_covers(
            tx, pool, caller.area, scheme=scheme, person_id=person_id, after=after, limit=limit
        )
        _audit(service, tx, caller, pool, "cover.read", rows[:limit])
    return page(rows, limit, lambda row: row["cover_id"])


async def progress(
    service: Registration, caller: Caller, pool: str, scheme: str, *, unit_code: str | None, region: str | None
) -> dict[str, Any]:
    """How far a scheme has come inside the caller's area, or in a unit or region of it.

    Raises Problem SCHEME_UNKNOWN, AREA_FORBIDDEN.
    """
    caller.require_touch(pool)
    if region:
        caller.require_region(region)
    async with service.database.reading() as tx:
        await package_of_pool(tx, pool, scheme)
        return await counts.count_progress(tx, pool, scheme, region or caller.area, unit_code or "")


def assessment_body(row: Mapping[str, Any]) -> dict[str, Any]:
    """An assessment as it is answered."""
    cover = {"from": row["covered_from"], "to": row["covered_to"]} if row["covered_from"] else None
    return AssessmentOut.body_of({**row, "cover": cover})


def _audit(
    service: Registration, tx: Writer, caller: Caller, pool: str, action: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    persons = list(dict.fromkeys(row["person_id"] for row in rows))
    if persons:
        tx.audit(pool, action, caller.client_id, caller.subject, service.clock.now(), persons, {})
