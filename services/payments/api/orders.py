"""Routes of orders with channels."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from shared import http, idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import schemas, usecases
from ..schemas import order_problems as problems
from ..schemas import orders as wire
from .parts import Reading, Service, Writing

router = APIRouter()

OrderNo = Annotated[
    str, Path(max_length=32, description="Number of the order", examples=["99010101HFQ8N7YVFK5T2WB8XCDQ3M9Z"])
]


@router.post(
    "/v1/orders",
    response_model=wire.Order,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.NOT_TAKEN,
        problems.CHANNEL_NOT_OFFERED,
        problems.APPID_NOT_OURS,
        problems.BILL_BEING_PAID,
        problems.ORDER_STANDS,
        problems.BILL_BEING_WITHHELD,
        problems.ORDER_NOT_OPENED,
        http.UPSTREAM_UNAVAILABLE,
    ),
    tags=["orders"],
)
async def create_order(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.OrderPlacement
) -> Response:
    """Order the payment of a bill through a channel; the answer says how the payer gets to the cashier: `invocation`
    for a page inside WeChat (jsapi), `h5_url` or `form` for a browser (h5), `code_url` for a QR code (native).

    Judged like cash: what would not settle the bill is refused with every reason. An open order for the same bill is
    closed first.
    """
    return respond(request, await usecases.create_order(service, caller, once, order))


@router.get(
    "/v1/orders/{order_no}",
    response_model=wire.Order,
    responses=declare(*tokens.DECLARED, problems.ORDER_UNKNOWN),
    tags=["orders"],
)
async def read_order(service: Service, caller: Reading, order_no: OrderNo, pool: Pool, response: Response) -> Any:
    """One order."""
    order = await usecases.read_order(service, caller, pool, order_no)
    response.headers["ETag"] = f'"{order["version"]}"'
    return order


@router.post(
    "/v1/orders/{order_no}/close",
    response_model=wire.Order,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.ORDER_UNKNOWN,
        problems.ORDER_ENDED,
    ),
    tags=["orders"],
)
async def close_order(
    service: Service,
    caller: Writing,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    order_no: OrderNo,
    order: wire.OrderClosing,
) -> Response:
    """Close an order that is not paid. It is `closing` until the channel has confirmed; it may turn out to be paid."""
    return respond(request, await usecases.close_order(service, caller, once, order_no, version, order))
