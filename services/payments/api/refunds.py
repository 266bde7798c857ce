"""Routes about money that goes back."""

from typing import Any

from fastapi import APIRouter, Request, Response

from shared import idempotency, tokens
from shared.idempotency import OnceKey, respond
from shared.pages import Pool
from shared.problem import declare

from .. import schemas, usecases
from .parts import Paying, Reading, RefundId, Service

router = APIRouter()


@router.post(
    "/v1/refunds",
    response_model=schemas.Refund,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.COLLECTION_UNKNOWN,
        schemas.SHIFT_UNKNOWN,
        schemas.SHIFT_CLOSED,
        schemas.SHIFT_OF_ANOTHER,
        schemas.NOT_REFUNDABLE,
        schemas.REFUND_EXCEEDS,
    ),
    tags=["refunds"],
)
async def pay_back(
    service: Service, caller: Paying, once: OnceKey, request: Request, order: schemas.RefundOrder
) -> Response:
    """Pay back surplus money that the refunds service has decided on; the same refund_id is paid once."""
    return respond(request, await usecases.pay_back(service, caller, once, order))


@router.get(
    "/v1/refunds/{refund_id}",
    response_model=schemas.Refund,
    responses=declare(*tokens.DECLARED, schemas.REFUND_UNKNOWN),
    tags=["refunds"],
)
async def read_refund(service: Service, caller: Reading, refund_id: RefundId, pool: Pool) -> Any:
    """One refund."""
    return await usecases.read_refund(service, caller, pool, refund_id)
