"""Routes about money that goes back."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from shared import idempotency, tokens
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import declare

from .. import schemas, usecases
from ..rules import RefundState
from ..schemas import treasury_problems
from ..schemas.ledger_problems import FOUR_EYES
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
        schemas.APPLICATION_HAS_REFUND,
        schemas.NOT_THE_WAY_BACK,
        schemas.SHIFT_UNKNOWN,
        schemas.SHIFT_CLOSED,
        schemas.SHIFT_OF_ANOTHER,
        schemas.NOT_REFUNDABLE,
        schemas.REFUND_EXCEEDS,
        treasury_problems.TREASURY_NOT_SET_UP,
        treasury_problems.ACCOUNT_NEEDED,
        treasury_problems.ACCOUNT_UNCONFIRMED,
        FOUR_EYES,
    ),
    tags=["refunds"],
)
async def pay_back(
    service: Service, caller: Paying, once: OnceKey, request: Request, order: schemas.RefundOrder
) -> Response:
    """Pay money back as the refunds service has decided; the same refund_id is paid once.

    At a counter it is paid at once (`settled`). Through a channel it is `submitted`, and `refund.settled` or
    `refund.returned` tells the end.
    """
    return respond(request, await usecases.pay_back(service, caller, once, order))


@router.get("/v1/refunds", response_model=schemas.RefundPage, responses=declare(*tokens.DECLARED), tags=["refunds"])
async def list_refunds(
    service: Service,
    caller: Reading,
    pool: Pool,
    state: Annotated[RefundState | None, Query(description="Only refunds in this state", examples=["abnormal"])] = None,
    collection_id: Annotated[
        UUID | None, Query(description="Only of this money", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    ] = None,
    limit: Limit = 100,
    after: Annotated[
        UUID | None, Query(description="`next` of the page before", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06"])
    ] = None,
) -> Any:
    """Refunds of a pool, in the order in which they were ordered; the abnormal ones wait for a person."""
    return await usecases.list_refunds(
        service, caller, pool, after=after, limit=limit, state=state, collection_id=collection_id
    )


@router.post(
    "/v1/refunds/{refund_id}/give-up",
    response_model=schemas.Refund,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.REFUND_UNKNOWN,
        schemas.NOT_ABNORMAL,
        schemas.PAID_OTHERWISE,
        schemas.PAID_BY_THE_SAME,
    ),
    tags=["refunds"],
)
async def give_up_refund(
    service: Service,
    caller: Paying,
    once: OnceKey,
    request: Request,
    refund_id: RefundId,
    order: schemas.RefundGivingUp,
) -> Response:
    """Give an abnormal refund up, so that the money can go another way; not by who paid it out, and not where its
    channel says that another sum was paid of it."""
    return respond(request, await usecases.give_up_refund(service, caller, once, refund_id, order))


@router.get(
    "/v1/refunds/{refund_id}",
    response_model=schemas.Refund,
    responses=declare(*tokens.DECLARED, schemas.REFUND_UNKNOWN),
    tags=["refunds"],
)
async def read_refund(service: Service, caller: Reading, refund_id: RefundId, pool: Pool) -> Any:
    """One refund."""
    return await usecases.read_refund(service, caller, pool, refund_id)
