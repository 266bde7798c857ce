"""Routes about the books."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from shared import tokens
from shared.http import UPSTREAM_REFUSED, UPSTREAM_UNAVAILABLE
from shared.pages import Pool
from shared.problem import declare
from shared.regions import REGION_PATTERN

from .. import schemas, usecases
from .parts import Reading, SchemeName, Service

router = APIRouter()


@router.get("/v1/accounts", response_model=schemas.Accounts, responses=declare(*tokens.DECLARED), tags=["books"])
async def list_accounts(
    service: Service,
    caller: Reading,
    pool: Pool,
    as_of: Annotated[
        AwareDatetime | None, Query(description="Balances as of this instant", examples=["2021-12-31T23:59:59+08:00"])
    ] = None,
) -> Any:
    """Every account of the fund ledger; the balances sum to zero."""
    return await usecases.account_balances(service, caller, pool, as_of)


@router.get("/v1/summary", response_model=schemas.Summary, responses=declare(*tokens.DECLARED), tags=["books"])
async def summarise_books(service: Service, caller: Reading, pool: Pool) -> Any:
    """Money taken, receipts, refunds and funds of a pool."""
    return await usecases.summarise(service, caller, pool)


@router.get(
    "/v1/four-way",
    response_model=schemas.FourWay,
    responses=declare(*tokens.DECLARED, UPSTREAM_UNAVAILABLE, UPSTREAM_REFUSED),
    tags=["books"],
)
async def check_four_way(
    service: Service,
    caller: Reading,
    pool: Pool,
    scheme: SchemeName,
    unit_code: Annotated[
        str | None,
        Query(pattern=r"^[0-9A-Za-z_-]{1,32}$", description="Only the persons of this unit", examples=["V200"]),
    ] = None,
    region: Annotated[
        str | None,
        Query(pattern=REGION_PATTERN, description="Only the persons of units in this region", examples=["990101102"]),
    ] = None,
) -> Any:
    """四一致: whether money, heads, roster and receipts agree on the persons who paid."""
    return await usecases.four_way(service, caller, pool, scheme, unit_code=unit_code, region=region)
