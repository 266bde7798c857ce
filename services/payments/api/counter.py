"""Routes of the counter."""

from typing import Any

from fastapi import APIRouter, Request, Response

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import schemas, usecases
from ..schemas import cards, ledger_problems, order_problems
from .parts import Checking, Reading, Service, ShiftId, Writing

router = APIRouter()


@router.post(
    "/v1/shifts",
    response_model=schemas.Shift,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, schemas.SHIFT_OPEN),
    tags=["counter"],
)
async def open_shift(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: schemas.ShiftOpening
) -> Response:
    """Open a shift at a counter; the acting person becomes its clerk."""
    return respond(request, await usecases.open_shift(service, caller, once, order))


@router.get(
    "/v1/shifts/{shift_id}",
    response_model=schemas.Shift,
    responses=declare(*tokens.DECLARED, schemas.SHIFT_UNKNOWN),
    tags=["counter"],
)
async def read_shift(service: Service, caller: Reading, shift_id: ShiftId, pool: Pool, response: Response) -> Any:
    """One shift."""
    shift = await usecases.read_shift(service, caller, pool, shift_id)
    response.headers["ETag"] = f'"{shift["version"]}"'
    return shift


@router.post(
    "/v1/shifts/{shift_id}/close",
    response_model=schemas.Shift,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        schemas.SHIFT_UNKNOWN,
        schemas.SHIFT_CLOSED,
        schemas.SHIFT_OF_ANOTHER,
    ),
    tags=["counter"],
)
async def close_shift(
    service: Service,
    caller: Writing,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    shift_id: ShiftId,
    order: schemas.ShiftClosing,
) -> Response:
    """Count the drawer and close the shift; what cards brought goes to the special account, cash is to be deposited."""
    return respond(request, await usecases.close_shift(service, caller, once, shift_id, version, order))


@router.get(
    "/v1/shifts/{shift_id}/cash-journal",
    response_model=schemas.CashJournal,
    responses=declare(*tokens.DECLARED, schemas.SHIFT_UNKNOWN),
    tags=["counter"],
)
async def read_cash_journal(service: Service, caller: Reading, shift_id: ShiftId, pool: Pool) -> Any:
    """What went into a shift's drawer and out of it, with the running balance."""
    return await usecases.read_cash_journal(service, caller, pool, shift_id)


@router.post(
    "/v1/shifts/{shift_id}/difference",
    response_model=schemas.Shift,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        schemas.SHIFT_UNKNOWN,
        schemas.NO_DIFFERENCE,
        ledger_problems.FOUR_EYES,
    ),
    tags=["counter"],
)
async def resolve_shift_difference(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    shift_id: ShiftId,
    order: schemas.DifferenceBooking,
) -> Response:
    """Book what a closed shift's drawer held more or less than it should; not by its clerk."""
    return respond(request, await usecases.book_difference(service, caller, once, shift_id, version, order))


@router.post(
    "/v1/counter/payments",
    response_model=schemas.CounterAnswer,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.SHIFT_UNKNOWN,
        schemas.SHIFT_CLOSED,
        schemas.SHIFT_OF_ANOTHER,
        schemas.NOT_TAKEN,
        order_problems.ORDER_STANDS,
        order_problems.BILL_BEING_PAID,
        order_problems.BILL_BEING_WITHHELD,
        cards.SLIP_USED,
        cards.VOIDED_BEFORE,
    ),
    tags=["counter"],
)
async def take_counter_payment(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: schemas.CounterPayment
) -> Response:
    """Take money for one or several bills at an open shift, in cash or by POS."""
    return respond(request, await usecases.take_counter_payment(service, caller, once, order))
