"""Routes about bills."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response

from shared import tokens
from shared.pages import After, Limit, Pool
from shared.problem import declare

from .. import schemas, usecases
from .parts import BillNo, PersonId, Reading, Service

router = APIRouter()


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
        str | None, Query(max_length=60, description="Only bills of this scheme", examples=["example-2031"])
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
async def read_bill(service: Service, caller: Reading, bill_no: BillNo, pool: Pool, response: Response) -> Any:
    """One bill."""
    bill = await usecases.read_bill(service, caller, pool, bill_no)
    response.headers["ETag"] = f'"{bill["version"]}"'
    return bill
