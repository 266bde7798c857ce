"""Routes of card terminals, and of card sales that are taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens
from shared.idempotency import OnceKey, respond
from shared.pages import After, Limit, Pool
from shared.problem import declare

from .. import schemas, usecases
from ..schemas import cards as wire
from .parts import Checking, Reading, Service, Writing

router = APIRouter(tags=["counter"])

TerminalNo = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,8}$", description="The terminal", examples=["14000123"])]


@router.post(
    "/v1/pos-terminals",
    response_model=wire.Terminal,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, wire.TERMINAL_REGISTERED),
)
async def register_terminal(
    service: Service, caller: Checking, once: OnceKey, request: Request, order: wire.TerminalRegistration
) -> Response:
    """Register a card terminal at a counter."""
    return respond(request, await usecases.register_terminal(service, caller, once, order))


@router.get("/v1/pos-terminals", response_model=wire.TerminalPage, responses=declare(*tokens.DECLARED))
async def list_terminals(
    service: Service,
    caller: Reading,
    pool: Pool,
    counter_code: Annotated[
        str | None, Query(max_length=20, description="Only of this counter", examples=["TAXHALL01"])
    ] = None,
    limit: Limit = 100,
    after: After = "",
) -> Any:
    """Card terminals inside the token's area, by number."""
    return await usecases.list_terminals(service, caller, pool, after=after, limit=limit, counter_code=counter_code)


@router.post(
    "/v1/pos-terminals/{terminal_no}/withdraw",
    response_model=wire.Terminal,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, wire.TERMINAL_UNKNOWN),
)
async def withdraw_terminal(
    service: Service,
    caller: Checking,
    once: OnceKey,
    request: Request,
    terminal_no: TerminalNo,
    order: wire.TerminalWithdrawal,
) -> Response:
    """Take a terminal out of use; it can be registered at another counter then."""
    return respond(request, await usecases.withdraw_terminal(service, caller, once, terminal_no, order))


@router.post(
    "/v1/counter/voids",
    response_model=wire.CardSale,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.SHIFT_UNKNOWN,
        schemas.SHIFT_CLOSED,
        schemas.SHIFT_OF_ANOTHER,
        schemas.NOT_REVERSIBLE,
        wire.SALE_UNKNOWN,
        wire.VOIDED_BEFORE,
        wire.VOID_TOO_LATE,
        wire.VOID_TRACE_USED,
    ),
)
async def void_card_sale(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.CardVoid
) -> Response:
    """Book that the terminal has taken a card sale back (撤销), on its day and in its shift; later it is a refund."""
    return respond(request, await usecases.void_card_sale(service, caller, once, order))
