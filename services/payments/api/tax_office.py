"""Routes about the tax bureau for clerks: what it was told of bills, event ids that came with another content."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens
from shared.idempotency import OnceKey, respond
from shared.pages import After, Limit, Pool
from shared.problem import declare

from .. import schemas, usecases
from ..rules.tax_assessments import TaxLineState
from ..schemas import tax_office as wire
from .parts import BillNo, Checking, Reading, Service, Writing

router = APIRouter(tags=["tax"])


@router.get("/v1/tax-assessments", response_model=wire.TaxAssessmentPage, responses=declare(*tokens.DECLARED))
async def list_tax_assessments(
    service: Service,
    caller: Reading,
    pool: Pool,
    state: Annotated[TaxLineState | None, Query(description="Only in this state", examples=["refused"])] = None,
    bill_no: Annotated[
        str | None, Query(max_length=32, description="Only of this bill", examples=["9901017QK3M9Z5T2WB8XCD"])
    ] = None,
    limit: Limit = 100,
    after: After = "",
) -> Any:
    """核定推送: what the tax bureau was told last of each bill; the refused ones wait for a clerk."""
    return await usecases.list_tax_assessments(
        service, caller, pool, after=after, limit=limit, state=state, bill_no=bill_no
    )


@router.post(
    "/v1/tax-assessments/{bill_no}/repeat",
    response_model=wire.TaxAssessment,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, schemas.BILL_UNKNOWN, wire.ASSESSMENT_NOT_REFUSED),
)
async def send_assessment_again(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    bill_no: BillNo,
    order: wire.TaxAssessmentRepeat,
) -> Response:
    """Push a refused line again, once what was wrong with it has been mended. A changed bill is pushed by itself."""
    return respond(request, await usecases.send_assessment_again(service, caller, once, bill_no, order))


@router.get("/v1/tax-conflicts", response_model=wire.TaxConflictPage, responses=declare(*tokens.DECLARED))
async def list_tax_conflicts(
    service: Service,
    caller: Reading,
    pool: Pool,
    explained: Annotated[bool | None, Query(description="Only explained, or not", examples=[False])] = None,
    limit: Limit = 100,
    after: After = "",
) -> Any:
    """Event ids that the bureau used again for another content; each is an alarm until somebody has explained it."""
    return await usecases.list_tax_conflicts(service, caller, pool, after=after, limit=limit, explained=explained)


@router.post(
    "/v1/tax-conflicts/{event_id}/explain",
    response_model=wire.TaxConflict,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, wire.CONFLICT_UNKNOWN),
)
async def explain_tax_conflict(
    service: Service,
    caller: Checking,
    once: OnceKey,
    request: Request,
    event_id: Annotated[str, Path(max_length=64, description="The bureau's id", examples=["TAX-20211205-000001"])],
    order: wire.TaxConflictExplanation,
) -> Response:
    """Say what was behind it, after having asked the bureau."""
    return respond(request, await usecases.explain_tax_conflict(service, caller, once, event_id, order))
