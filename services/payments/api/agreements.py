"""Routes of agreements to withhold (代扣协议)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import usecases
from ..rules.withholding import AgreementState
from ..schemas import agreements as wire
from ..schemas import withholding_problems as problems
from .parts import PersonId, Reading, Service, Writing

router = APIRouter(tags=["withholding"])

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a30"

AgreementId = Annotated[UUID, Path(description="The agreement", examples=[_ID])]


@router.post(
    "/v1/agreements",
    response_model=wire.Agreement,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.AGREEMENT_REFUSED)
    | {200: {"model": wire.Agreement, "description": "It was recorded before"}},
)
async def record_agreement(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.AgreementOrder
) -> Response:
    """Record that a payer lets a bank debit an account for these persons' premiums. The account is kept sealed."""
    return respond(request, await usecases.record_agreement(service, caller, once, order))


@router.post(
    "/v1/agreements/batches",
    response_model=wire.AgreementBatchAnswer,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED),
)
async def record_agreements(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.AgreementBatch
) -> Response:
    """Record many agreements at once: good ones are kept, bad ones come back with their reason, in order."""
    return respond(request, await usecases.record_agreements(service, caller, once, order))


@router.get("/v1/agreements", response_model=wire.AgreementPage, responses=declare(*tokens.DECLARED))
async def list_agreements(
    service: Service,
    caller: Reading,
    pool: Pool,
    person_id: PersonId = None,
    state: Annotated[AgreementState | None, Query(description="Only in this state", examples=["valid"])] = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[_ID])] = None,
) -> Any:
    """Agreements inside the caller's area; accounts are masked."""
    return await usecases.list_agreements(
        service, caller, pool, after=after, limit=limit, person_id=person_id, state=state
    )


@router.get(
    "/v1/agreements/{agreement_id}",
    response_model=wire.Agreement,
    responses=declare(*tokens.DECLARED, problems.AGREEMENT_UNKNOWN),
)
async def read_agreement(
    service: Service, caller: Reading, agreement_id: AgreementId, pool: Pool, response: Response
) -> Any:
    """One agreement; its account is masked."""
    found = await usecases.read_agreement(service, caller, pool, agreement_id)
    response.headers["ETag"] = f'"{found["version"]}"'
    return found


@router.post(
    "/v1/agreements/{agreement_id}/withdraw",
    response_model=wire.Agreement,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.AGREEMENT_UNKNOWN,
        problems.AGREEMENT_WITHDRAWN,
    ),
)
async def withdraw_agreement(
    service: Service,
    caller: Writing,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    agreement_id: AgreementId,
    order: wire.AgreementWithdrawal,
) -> Response:
    """Withdraw an agreement. What is with the bank already stays there; its money goes back by application."""
    return respond(request, await usecases.withdraw_agreement(service, caller, once, agreement_id, version, order))
