"""Routes of the work list."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool, page
from shared.problem import declare
from shared.versions import IfMatch

from .. import schemas, usecases
from ..schemas.fields import ID
from .parts import Approving, Reading, Service, Writing

router = APIRouter()


@router.get("/v1/matches", response_model=schemas.MatchCasePage, responses=declare(*tokens.DECLARED), tags=["matches"])
async def list_matches(
    service: Service,
    caller: Reading,
    pool: Pool,
    decided: Annotated[
        bool, Query(description="Instead of open cases the decisions, with how often each was reused", examples=[False])
    ] = False,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[ID])] = None,
) -> Any:
    """Names and numbers of lists that may mean several persons, and on whom a clerk has still to decide."""
    rows = await usecases.list_cases(service, caller, pool, after, limit, decided=decided)
    return page(rows, limit, lambda case: case["case_id"])


@router.post(
    "/v1/matches/{case_id}/decide",
    response_model=schemas.MatchDecided,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        schemas.MATCH_UNKNOWN,
        schemas.NOT_A_CANDIDATE,
    ),
    tags=["matches"],
)
async def decide_match(
    service: Service,
    caller: Writing,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    case_id: Annotated[UUID, Path(description="The case", examples=[ID])],
    pool: Pool,
    decision: schemas.MatchDecision,
) -> Response:
    """Decide whom a name and number mean; rows that bring them again are taken for that person."""
    return respond(
        request, await usecases.decide_case(service, caller, once, pool, case_id, version, decision.person_id)
    )


@router.post(
    "/v1/matches/{case_id}/withdraw",
    response_model=schemas.MatchDecided,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        schemas.MATCH_UNKNOWN,
        schemas.MATCH_NOT_DECIDED,
    ),
    tags=["matches"],
)
async def withdraw_match(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    case_id: Annotated[UUID, Path(description="The case", examples=[ID])],
    pool: Pool,
    why: schemas.MatchWithdrawal,
) -> Response:
    """Take a decision back; rows that were taken by it count no longer, and the next such row opens a new case."""
    return respond(request, await usecases.withdraw_decision(service, caller, once, pool, case_id, version, why.reason))
