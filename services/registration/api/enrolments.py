"""Routes of enrolments, assessments, cover and progress."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from shared import idempotency, tokens
from shared.http import UPSTREAM_UNAVAILABLE
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import declare
from shared.regions import REGION_PATTERN

from .. import usecases
from ..schemas import problems
from ..schemas.duplicates import DuplicateCoverPage
from ..schemas.enrolments import (
    AssessmentOut,
    AssessmentPage,
    CoverPage,
    EnrolmentAnswer,
    EnrolmentOut,
    EnrolmentPage,
    EnrolmentRequest,
    Progress,
    ReassessmentRequest,
)
from ..schemas.preview import PreviewAnswer, PreviewRequest
from .parts import AfterId, AssessmentId, EnrolmentId, OptionalScheme, PersonId, Reading, SchemeCode, Service, Writing

router = APIRouter(tags=["enrolments"])


@router.post("/v1/assessments/preview", response_model=PreviewAnswer, responses=declare(*tokens.DECLARED))
async def preview_assessment(service: Service, _caller: Reading, asked: PreviewRequest) -> Any:
    """What would this person pay, who pays the rest, from when are they covered, and why? Stores nothing."""
    return await usecases.preview_assessment(service, asked)


@router.post(
    "/v1/enrolments",
    response_model=EnrolmentAnswer,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.UNIT_UNKNOWN,
        problems.SCHEME_UNKNOWN,
        problems.PERSON_REFUSED,
        UPSTREAM_UNAVAILABLE,
    ),
)
async def enrol_person(
    service: Service, caller: Writing, once: OnceKey, request: Request, asked: EnrolmentRequest
) -> Response:
    """Enrol one person apart from a roster. A refusal is an answer: it is recorded, with every reason."""
    return respond(request, await usecases.enrol_one(service, caller, once, asked))


@router.post(
    "/v1/enrolments/{enrolment_id}/reassess",
    response_model=EnrolmentAnswer,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.ENROLMENT_UNKNOWN,
        problems.ENROLMENT_STATE,
        UPSTREAM_UNAVAILABLE,
    ),
)
async def reassess_enrolment(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    enrolment_id: EnrolmentId,
    asked: ReassessmentRequest,
) -> Response:
    """Somebody who has not paid in time comes to pay: what is due now, or why nothing is taken any more."""
    return respond(request, await usecases.reassess_enrolment(service, caller, once, enrolment_id, asked))


@router.get("/v1/enrolments", response_model=EnrolmentPage, responses=declare(*tokens.DECLARED))
async def list_enrolments(
    service: Service,
    caller: Reading,
    pool: Pool,
    scheme: OptionalScheme = None,
    person_id: PersonId = None,
    limit: Limit = 100,
    after: AfterId = None,
) -> Any:
    """Enrolments inside the token's area, in the order in which they were made."""
    return await usecases.list_enrolments(
        service, caller, pool, scheme=scheme, person_id=person_id, after=after, limit=limit
    )


@router.get(
    "/v1/enrolments/{enrolment_id}",
    response_model=EnrolmentOut,
    responses=declare(*tokens.DECLARED, problems.ENROLMENT_UNKNOWN),
)
async def read_enrolment(
    service: Service, caller: Reading, enrolment_id: EnrolmentId, pool: Pool, response: Response
) -> Any:
    """One enrolment."""
    enrolment = await usecases.read_enrolment(service, caller, pool, enrolment_id)
    response.headers["ETag"] = f'"{enrolment["version"]}"'
    return enrolment


@router.get("/v1/assessments", response_model=AssessmentPage, responses=declare(*tokens.DECLARED))
async def list_assessments(
    service: Service,
    caller: Reading,
    pool: Pool,
    scheme: OptionalScheme = None,
    person_id: PersonId = None,
    limit: Limit = 100,
    after: AfterId = None,
) -> Any:
    """Assessments inside the token's area, in the order in which they were issued."""
    return await usecases.list_assessments(
        service, caller, pool, scheme=scheme, person_id=person_id, after=after, limit=limit
    )


@router.get(
    "/v1/assessments/{assessment_id}",
    response_model=AssessmentOut,
    responses=declare(*tokens.DECLARED, problems.ASSESSMENT_UNKNOWN),
)
async def read_assessment(service: Service, caller: Reading, assessment_id: AssessmentId, pool: Pool) -> Any:
    """One assessment, as it was issued."""
    return await usecases.read_assessment(service, caller, pool, assessment_id)


@router.get("/v1/covers", response_model=CoverPage, responses=declare(*tokens.DECLARED))
async def list_covers(
    service: Service,
    caller: Reading,
    pool: Pool,
    person_id: PersonId = None,
    scheme: OptionalScheme = None,
    limit: Limit = 100,
    after: AfterId = None,
) -> Any:
    """Cover inside the token's area: one entry per person and calendar year."""
    return await usecases.list_covers(
        service, caller, pool, scheme=scheme, person_id=person_id, after=after, limit=limit
    )


@router.get(
    "/v1/duplicate-cover",
    response_model=DuplicateCoverPage,
    responses=declare(*tokens.DECLARED, UPSTREAM_UNAVAILABLE),
)
async def list_duplicate_cover(
    service: Service,
    caller: Reading,
    pool: Pool,
    scheme: OptionalScheme = None,
    limit: Limit = 100,
    after: AfterId = None,
) -> Any:
    """Cover inside the token's area of which days are covered elsewhere too, and which has preference.

    A page looks at `limit` covers and shows the doubled ones; it may be empty although more follow.
    """
    return await usecases.list_duplicate_cover(service, caller, pool, scheme=scheme, after=after, limit=limit)


@router.get(
    "/v1/progress",
    response_model=Progress,
    responses=declare(*tokens.DECLARED, problems.SCHEME_UNKNOWN),
)
async def read_progress(
    service: Service,
    caller: Reading,
    pool: Pool,
    scheme: SchemeCode,
    unit_code: Annotated[
        str | None,
        Query(pattern=r"^[0-9A-Za-z_-]{1,32}$", description="Only this unit", examples=["990101102203"]),
    ] = None,
    region: Annotated[
        str | None, Query(pattern=REGION_PATTERN, description="Only units in this region", examples=["990101102"])
    ] = None,
) -> Any:
    """How far a scheme has come, inside the token's area."""
    return await usecases.progress(service, caller, pool, scheme, unit_code=unit_code, region=region)
