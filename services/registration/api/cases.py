"""Routes of cases: late news about statuses."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.http import UPSTREAM_UNAVAILABLE
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import usecases
from ..schemas import problems
from ..schemas.cases import CaseDecision, StatusCase, StatusCasePage
from .parts import AfterId, Approving, OptionalScheme, Reading, Service

router = APIRouter(tags=["cases"])

CaseId = Annotated[UUID, Path(description="Case", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])]


@router.get("/v1/status-cases", response_model=StatusCasePage, responses=declare(*tokens.DECLARED))
async def list_status_cases(
    service: Service,
    caller: Reading,
    pool: Pool,
    scheme: OptionalScheme = None,
    state: Annotated[
        Literal["open", "approved", "declined", "noted"] | None,
        Query(description="Only cases in this state", examples=["open"]),
    ] = None,
    limit: Limit = 100,
    after: AfterId = None,
) -> Any:
    """Late news about statuses inside the token's area; the open ones wait for a person."""
    return await usecases.list_cases(service, caller, pool, scheme=scheme, state=state, after=after, limit=limit)


@router.get(
    "/v1/status-cases/{case_id}", response_model=StatusCase, responses=declare(*tokens.DECLARED, problems.CASE_UNKNOWN)
)
async def read_status_case(service: Service, caller: Reading, case_id: CaseId, pool: Pool, response: Response) -> Any:
    """One case."""
    case = await usecases.read_case(service, caller, pool, case_id)
    response.headers["ETag"] = f'"{case["version"]}"'
    return case


@router.post(
    "/v1/status-cases/{case_id}/decide",
    response_model=StatusCase,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.CASE_UNKNOWN,
        problems.CASE_DECIDED,
        problems.CASE_MOOT,
        UPSTREAM_UNAVAILABLE,
    ),
)
async def decide_status_case(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    case_id: CaseId,
    order: CaseDecision,
) -> Response:
    """Let a list count that came too late, or decline it. What it changes is revised and told at once."""
    return respond(request, await usecases.decide_case(service, caller, once, case_id, version, order))
