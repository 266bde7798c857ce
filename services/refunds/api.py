"""Routes of refunds: parse, one use case, answer."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.http import UPSTREAM_UNAVAILABLE
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import declare
from shared.routing import of_request
from shared.tokens import Caller, needs
from shared.versions import IfMatch

from . import schemas, usecases
from .rules import State

router = APIRouter(tags=["applications"])

Reading = Annotated[Caller, Depends(needs("refunds:read"))]
Writing = Annotated[Caller, Depends(needs("refunds:write"))]
Checking = Annotated[Caller, Depends(needs("refunds:check"))]
Approving = Annotated[Caller, Depends(needs("refunds:approve"))]
Paying = Annotated[Caller, Depends(needs("refunds:pay"))]

ApplicationId = Annotated[UUID, Path(description="The application", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"])]

_STEP = (
    *tokens.DECLARED,
    *idempotency.DECLARED,
    *versions.DECLARED,
    schemas.APPLICATION_UNKNOWN,
    schemas.WRONG_STATE,
    schemas.FOUR_EYES,
)


@of_request
async def _service(request: Request) -> usecases.Refunds:
    service: usecases.Refunds = request.app.state.service
    return service


Service = Annotated[usecases.Refunds, Depends(_service)]


@router.post(
    "/v1/applications",
    response_model=schemas.Application,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.COLLECTION_UNKNOWN,
        schemas.SCHEME_UNKNOWN,
        schemas.SCHEME_DIFFERS,
        schemas.ALREADY_APPLIED,
        UPSTREAM_UNAVAILABLE,
    ),
)
async def apply_for_refund(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: schemas.RefundRequest
) -> Response:
    """Ask for money back; where nothing is due the application is recorded as refused, with every reason."""
    return respond(request, await usecases.apply(service, caller, once, order))


@router.get("/v1/applications", response_model=schemas.ApplicationPage, responses=declare(*tokens.DECLARED))
async def list_applications(
    service: Service,
    caller: Reading,
    pool: Pool,
    state: Annotated[State | None, Query(description="Only applications in this state", examples=["requested"])] = None,
    scheme: Annotated[
        str | None, Query(max_length=60, description="Only applications of this scheme", examples=["example-2031"])
    ] = None,
    person_id: Annotated[
        UUID | None, Query(description="The insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
    ] = None,
    limit: Limit = 100,
    after: Annotated[
        UUID | None, Query(description="`next` of the page before", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07"])
    ] = None,
) -> Any:
    """Applications inside the token's area, in the order they were recorded."""
    return await usecases.list_applications(
        service, caller, pool, after=after, limit=limit, state=state, scheme=scheme, person_id=person_id
    )


@router.get(
    "/v1/applications/{application_id}",
    response_model=schemas.Application,
    responses=declare(*tokens.DECLARED, schemas.APPLICATION_UNKNOWN),
)
async def read_application(
    service: Service, caller: Reading, application_id: ApplicationId, pool: Pool, response: Response
) -> Any:
    """One application."""
    application = await usecases.read_application(service, caller, pool, application_id)
    response.headers["ETag"] = f'"{application["version"]}"'
    return application


@router.post(
    "/v1/applications/{application_id}/check",
    response_model=schemas.Application,
    responses=declare(*_STEP, schemas.NOT_DUE, schemas.NOTE_NEEDED, UPSTREAM_UNAVAILABLE),
)
async def check_application(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    application_id: ApplicationId,
    order: schemas.CheckResult,
) -> Response:
    """Confirm that the money is due back, or reject the application; not by whoever asked."""
    return respond(request, await usecases.check(service, caller, once, application_id, version, order))


@router.post(
    "/v1/applications/{application_id}/decide",
    response_model=schemas.Application,
    responses=declare(*_STEP, schemas.NOTE_NEEDED),
)
async def decide_application(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    application_id: ApplicationId,
    order: schemas.Decision,
) -> Response:
    """Approve or reject a checked application; not by whoever asked."""
    return respond(request, await usecases.decide(service, caller, once, application_id, version, order))


@router.post(
    "/v1/applications/{application_id}/pay",
    response_model=schemas.Application,
    responses=declare(*_STEP, schemas.PAYOUT_REFUSED, UPSTREAM_UNAVAILABLE),
)
async def pay_application(
    service: Service,
    caller: Paying,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    application_id: ApplicationId,
    order: schemas.Payout,
) -> Response:
    """Pay an approved application back; not by whoever asked, checked or decided. The same key never pays twice.

    A counter pays at once (200, `paid`); a channel takes its time (202, `paying`), and `refund.closed` tells the end.
    """
    return respond(request, await usecases.pay(service, caller, once, application_id, version, order))


@router.post(
    "/v1/applications/{application_id}/reroute",
    response_model=schemas.Application,
    responses=declare(*_STEP, schemas.NOT_ABNORMAL, schemas.PAID_OTHERWISE, UPSTREAM_UNAVAILABLE),
)
async def resolve_abnormal_payout(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    application_id: ApplicationId,
    order: schemas.Rerouting,
) -> Response:
    """Give up a payout that its channel could not bring home, so that a counter can pay it; not by who paid it."""
    return respond(request, await usecases.reroute(service, caller, once, application_id, version, order))


@router.get("/v1/summary", response_model=schemas.Summary, responses=declare(*tokens.DECLARED))
async def summarise_refunds(
    service: Service,
    caller: Reading,
    pool: Pool,
    scheme: Annotated[str, Query(max_length=60, description="Scheme", examples=["example-2031"])],
) -> Any:
    """What became of a scheme's applications."""
    return await usecases.summarise(service, caller, pool, scheme)
