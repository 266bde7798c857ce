"""Routes of erasures."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool, page
from shared.problem import declare
from shared.versions import IfMatch

from .. import schemas, usecases
from ..rules import ErasureAct, ErasureState
from ..schemas.fields import ID
from .parts import Approving, Reading, Service, Writing

router = APIRouter()

ErasureId = Annotated[UUID, Path(description="The request", examples=[ID])]

_DECIDED = (
    *tokens.DECLARED,
    *idempotency.DECLARED,
    *versions.DECLARED,
    schemas.ERASURE_UNKNOWN,
    schemas.ERASURE_NOT_IN_STATE,
    schemas.ERASURE_FOUR_EYES,
)


@router.post(
    "/v1/erasures",
    response_model=schemas.Erasure,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.PERSON_UNKNOWN,
        schemas.PERSON_NEEDED,
        schemas.ERASURE_WAITS,
    ),
    tags=["erasures"],
)
async def request_erasure(
    service: Service, caller: Writing, once: OnceKey, request: Request, wanted: schemas.ErasureRequest
) -> Response:
    """Ask that a person's name and numbers be erased; another person decides. Refused while they are needed."""
    return respond(request, await usecases.request_erasure(service, caller, once, wanted))


@router.get("/v1/erasures", response_model=schemas.ErasurePage, responses=declare(*tokens.DECLARED), tags=["erasures"])
async def list_erasures(
    service: Service,
    caller: Reading,
    pool: Pool,
    state: Annotated[ErasureState | None, Query(description="Only those in this state", examples=["requested"])] = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[ID])] = None,
) -> Any:
    """Requests: waiting, carried out, declined."""
    rows = await usecases.list_erasures(service, caller, pool, state, after, limit)
    return page(rows, limit, lambda request: request["erasure_id"])


@router.post(
    "/v1/erasures/{erasure_id}/approve",
    response_model=schemas.Erasure,
    responses=declare(*_DECIDED, schemas.PERSON_NEEDED),
    tags=["erasures"],
)
async def approve_erasure(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    erasure_id: ErasureId,
    pool: Pool,
) -> Response:
    """Erase the person's name and numbers, for good; the number names nobody from then on."""
    answer = await usecases.decide_erasure(service, caller, once, pool, erasure_id, version, ErasureAct.APPROVE)
    return respond(request, answer)


@router.post(
    "/v1/erasures/{erasure_id}/reject",
    response_model=schemas.Erasure,
    responses=declare(*_DECIDED),
    tags=["erasures"],
)
async def reject_erasure(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    erasure_id: ErasureId,
    pool: Pool,
) -> Response:
    """Decide that nothing is erased."""
    answer = await usecases.decide_erasure(service, caller, once, pool, erasure_id, version, ErasureAct.DECLINE)
    return respond(request, answer)
