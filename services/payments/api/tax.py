"""Routes of the tax bureau: signed messages instead of tokens, event ids instead of Idempotency-Key."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.types import Message, Receive

from shared.idempotency import respond
from shared.problem import BUSY, HTTP_ERROR, INTERNAL, TOO_LARGE, Problem, declare
from shared.routing import of_request, plain_first
from shared.signed_requests import address_called, show_headers

from .. import schemas, usecases
from ..formats.tax import Signed, SignedRequest
from .parts import Service

_MOST_BYTES = 4 * 1024 * 1024


class SignedRoute(APIRoute):
    """A route whose message is verified before anything of it is parsed; a refused message uses up its nonce, too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler behind the verification."""
        handle = plain_first(self, super().get_route_handler())

        async def verified(given: Request) -> Response:
            request = Request(given.scope, _limited(given.receive))
            service: usecases.Payments = request.app.state.service
            address = address_called(request, service.settings.public_url)
            message = SignedRequest(request.method, address, request.headers.items(), await request.body())
            signed = usecases.verify_tax_message(service, message)
            request.state.signed = signed
            request.state.client_id = signed.key_id
            try:
                return await handle(request)
            except (Problem, HTTPException, RequestValidationError):
                await usecases.use_up_nonce(service, signed)
                raise

        return verified


def _limited(receive: Receive) -> Receive:
    """Receive no more than a batch can need. Raises Problem TOO_LARGE."""
    size = 0

    async def limited() -> Message:
        nonlocal size
        piece = await receive()
        size += len(piece.get("body", b""))
        if size > _MOST_BYTES:
            raise TOO_LARGE(limit_bytes=_MOST_BYTES)
        return piece

    return limited


@of_request
async def _signed(request: Request) -> Signed:
    signed: Signed = request.state.signed
    return signed


SignedBy = Annotated[Signed, Depends(_signed)]

router = APIRouter(route_class=SignedRoute, dependencies=[Depends(show_headers)], tags=["tax"])
_DECLARED = (schemas.SIGNATURE_INVALID, schemas.NONCE_REUSED, HTTP_ERROR, TOO_LARGE, INTERNAL, BUSY)


@router.post(
    "/v1/channels/tax/confirmations",
    response_model=schemas.TaxConfirmationAnswer,
    responses=declare(*_DECLARED, schemas.EVENT_ID_REUSED),
)
async def confirm_tax_payment(
    service: Service, signed: SignedBy, request: Request, confirmation: schemas.TaxConfirmation
) -> Response:
    """The tax bureau has collected money: booked for good when this is answered. The same event, the same answer."""
    return respond(request, await usecases.confirm_tax_payment(service, signed, confirmation))


@router.post(
    "/v1/channels/tax/confirmations/batches",
    response_model=schemas.TaxBatchAnswer,
    responses=declare(*_DECLARED, schemas.TOO_MANY_ITEMS),
)
async def confirm_tax_batch(
    service: Service, signed: SignedBy, request: Request, batch: schemas.TaxConfirmationBatch
) -> Response:
    """The tax bureau has collected up to 1,000 payments; answered item by item, in order."""
    return respond(request, await usecases.confirm_tax_batch(service, signed, batch))


@router.post("/v1/channels/tax/terminals", include_in_schema=False)
async def take_terminal_message(service: Service, signed: SignedBy, request: Request) -> Response:
    """Older terminals: JSON with `head` and `body`, answered so; 404 where `PAYMENTS_TAX_TERMINAL` is not set."""
    answer = await usecases.take_terminal_message(service, signed, await request.body())
    if answer is None:
        raise HTTPException(404)
    return Response(answer, media_type="application/json")
