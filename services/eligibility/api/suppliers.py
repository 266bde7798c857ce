"""Routes of suppliers: what each may assert, what was agreed with it, and whether it is late."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from shared import tokens, versions
from shared.idempotency import respond
from shared.pages import Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import schemas, usecases
from .parts import Reading, Service, Writing

router = APIRouter()

SupplierCode = Annotated[str, Path(max_length=60, description="The department", examples=["civil_affairs"])]


@router.get("/v1/suppliers", response_model=schemas.Suppliers, responses=declare(*tokens.DECLARED), tags=["suppliers"])
async def list_suppliers(service: Service, caller: Reading, pool: Pool) -> Any:
    """Every department that may hand over lists, and whether its next one is overdue or its last one stale."""
    return {"items": await usecases.list_suppliers(service, caller, pool)}


@router.get(
    "/v1/suppliers/{supplier}",
    response_model=schemas.Supplier,
    responses=declare(*tokens.DECLARED, schemas.SUPPLIER_UNKNOWN),
    tags=["suppliers"],
)
async def read_supplier(
    service: Service, caller: Reading, request: Request, supplier: SupplierCode, pool: Pool
) -> Response:
    """One department."""
    return respond(request, await usecases.read_supplier(service, caller, pool, supplier))


@router.put(
    "/v1/suppliers/{supplier}",
    response_model=schemas.Supplier,
    responses=declare(*tokens.DECLARED, *versions.DECLARED, schemas.SUPPLIER_UNKNOWN),
    tags=["suppliers"],
)
async def record_agreement(
    service: Service,
    caller: Writing,
    version: IfMatch,
    request: Request,
    supplier: SupplierCode,
    pool: Pool,
    agreement: schemas.Agreement,
) -> Response:
    """Note what the pool has agreed with a department: whom to call, how often its list comes and by when."""
    return respond(request, await usecases.set_agreement(service, caller, pool, supplier, version, agreement))
