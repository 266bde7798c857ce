"""Routes of payments: parse, one use case, answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.http import UPSTREAM_UNAVAILABLE
from shared.idempotency import OnceKey, respond
from shared.pages import After, Limit, Pool
from shared.problem import declare
from shared.tokens import Caller, needs
from shared.versions import IfMatch

from . import schemas, usecases

router = APIRouter()

Reading = Annotated[Caller, Depends(needs("payments:read"))]
Writing = Annotated[Caller, Depends(needs("payments:write"))]
Paying = Annotated[Caller, Depends(needs("payments:pay"))]

PersonId = Annotated[
    UUID | None, Query(description="The insured person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05"])
]
PayerId = Annotated[
    UUID | None, Query(description="The payer's person_id", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02"])
]
SchemeName = Annotated[str, Query(max_length=60, description="Scheme", examples=["yangcheng-2022"])]


def _service(request: Request) -> usecases.Payments:
    service: usecases.Payments = request.app.state.service
    return service


Service = Annotated[usecases.Payments, Depends(_service)]


@router.get("/v1/bills", response_model=schemas.BillPage, responses=declare(*tokens.DECLARED), tags=["bills"])
async def list_bills(
    service: Service,
    caller: Reading,
    pool: Pool,
    status: Annotated[
        Literal["open", "paid", "voided"] | None, Query(description="Only bills in this state", examples=["open"])
    ] = None,
    person_id: PersonId = None,
    scheme: Annotated[
        str | None, Query(max_length=60, description="Only bills of this scheme", examples=["yangcheng-2022"])
    ] = None,
    limit: Limit = 100,
    after: After = "",
) -> Any:
    """Bills inside the token's area, by number."""
    return await usecases.list_bills(
        service, caller, pool, after=after, limit=limit, status=status, person_id=person_id, scheme=scheme
    )


@router.get(
    "/v1/bills/{bill_no}",
    response_model=schemas.Bill,
    responses=declare(*tokens.DECLARED, schemas.BILL_UNKNOWN),
    tags=["bills"],
)
async def read_bill(service: Service, caller: Reading, bill_no: str, pool: Pool, response: Response) -> Any:
    """One bill."""
    bill = await usecases.read_bill(service, caller, pool, bill_no)
    response.headers["ETag"] = f'"{bill["version"]}"'
    return bill


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
async def read_shift(service: Service, caller: Reading, shift_id: UUID, pool: Pool, response: Response) -> Any:
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
    shift_id: UUID,
    order: schemas.ShiftClosing,
) -> Response:
    """Count the drawer and close the shift; its takings go to the special account."""
    return respond(request, await usecases.close_shift(service, caller, once, shift_id, version, order))


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
    ),
    tags=["counter"],
)
async def take_counter_payment(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: schemas.CounterPayment
) -> Response:
    """Take money for one or several bills at an open shift, in cash or by POS."""
    return respond(request, await usecases.take_counter_payment(service, caller, once, order))


@router.get(
    "/v1/collections", response_model=schemas.CollectionPage, responses=declare(*tokens.DECLARED), tags=["collections"]
)
async def list_collections(
    service: Service,
    caller: Reading,
    pool: Pool,
    person_id: PersonId = None,
    payer_id: PayerId = None,
    bill_no: Annotated[
        str | None, Query(max_length=32, description="Only money for this bill", examples=["1405227QK3M9Z5T2WB8XCD"])
    ] = None,
    limit: Limit = 100,
    after: Annotated[
        UUID | None, Query(description="`next` of the page before", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a03"])
    ] = None,
) -> Any:
    """Money that has come, by insured person, by payer or by bill, over all channels."""
    return await usecases.list_collections(
        service, caller, pool, after=after, limit=limit, person_id=person_id, payer_id=payer_id, bill_no=bill_no
    )


@router.get(
    "/v1/collections/{collection_id}",
    response_model=schemas.Collection,
    responses=declare(*tokens.DECLARED, schemas.COLLECTION_UNKNOWN),
    tags=["collections"],
)
async def read_collection(service: Service, caller: Reading, collection_id: UUID, pool: Pool) -> Any:
    """One collection."""
    return await usecases.read_collection(service, caller, pool, collection_id)


@router.get(
    "/v1/receipts/{receipt_no}",
    response_model=schemas.Receipt,
    responses=declare(*tokens.DECLARED, schemas.RECEIPT_UNKNOWN),
    tags=["receipts"],
)
async def read_receipt(service: Service, caller: Reading, receipt_no: str, pool: Pool) -> Any:
    """One receipt; a voided one stays."""
    return await usecases.read_receipt(service, caller, pool, receipt_no)


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
async def read_refund(service: Service, caller: Reading, refund_id: UUID, pool: Pool) -> Any:
    """One refund."""
    return await usecases.read_refund(service, caller, pool, refund_id)


@router.get("/v1/accounts", response_model=schemas.Accounts, responses=declare(*tokens.DECLARED), tags=["books"])
async def list_accounts(
    service: Service,
    caller: Reading,
    pool: Pool,
    as_of: Annotated[
        datetime | None, Query(description="Balances as of this instant", examples=["2021-12-31T23:59:59+08:00"])
    ] = None,
) -> Any:
    """Every account of the fund ledger; the balances sum to zero."""
    return await usecases.account_balances(service, caller, pool, as_of)


@router.get("/v1/summary", response_model=schemas.Summary, responses=declare(*tokens.DECLARED), tags=["books"])
async def summarise(service: Service, caller: Reading, pool: Pool) -> Any:
    """Money taken, receipts, refunds and funds of a pool."""
    return await usecases.summarise(service, caller, pool)


@router.get(
    "/v1/four-way",
    response_model=schemas.FourWay,
    responses=declare(*tokens.DECLARED, UPSTREAM_UNAVAILABLE),
    tags=["books"],
)
async def check_four_way(service: Service, caller: Reading, pool: Pool, scheme: SchemeName) -> Any:
    """四一致: whether money, heads, roster and receipts agree on the persons who paid."""
    return await usecases.four_way(service, caller, pool, scheme)
