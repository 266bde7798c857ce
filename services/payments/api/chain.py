"""Routes of the chain of a day: order ↔ channel ↔ bank ↔ treasury."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from shared import tokens
from shared.pages import Pool
from shared.problem import declare

from .. import usecases
from ..schemas import chain as wire
from ..schemas import statement_problems as problems
from .parts import Reading, Service

router = APIRouter()

_FILE = "application/octet-stream"
_BINARY = {"content": {_FILE: {"schema": {"type": "string", "format": "binary"}}}}


@router.get(
    "/v1/reconciliation/chain",
    response_model=wire.DayChain,
    responses=declare(*tokens.DECLARED),
    tags=["reconciliation"],
)
async def read_reconciliation_chain(
    service: Service,
    caller: Reading,
    pool: Pool,
    day: Annotated[date, Query(description="The channels' day", examples=["2021-12-05"])],
) -> Any:
    """What was collected on a day, followed to the channel's statement, the special account and the treasury, by
    channel and institution; and where the chain is broken."""
    return await usecases.read_chain(service, caller, pool, day)


@router.get(
    "/v1/reconciliation/chain.xlsx",
    response_class=Response,
    responses=declare(*tokens.DECLARED, problems.EXPORT_TOO_LONG)
    | {200: {"description": "A table for the accountant", **_BINARY}},
    tags=["reconciliation"],
)
async def export_reconciliation_chain(
    service: Service,
    caller: Reading,
    pool: Pool,
    first: Annotated[date, Query(description="First day", examples=["2021-12-01"])],
    last: Annotated[date, Query(description="Last day, within 31 days", examples=["2021-12-25"])],
) -> Response:
    """The chains of some days as a table for the accountant."""
    data = await usecases.export_chain(service, caller, pool, first, last)
    headers = {"Content-Disposition": f"attachment; filename=chain-{pool}-{first}.xlsx"}
    return Response(data, media_type=_FILE, headers=headers)
