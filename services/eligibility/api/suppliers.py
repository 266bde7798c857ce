"""Routes of suppliers: what each may assert, what was agreed with it, and whether it is late."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import schemas, usecases
from .parts import Approving, Reading, Service, Writing

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


@router.get(
    "/v1/suppliers/{supplier}/keys",
    response_model=schemas.SupplierKeys,
    responses=declare(*tokens.DECLARED, schemas.SUPPLIER_UNKNOWN),
    tags=["suppliers"],
)
async def list_supplier_keys(service: Service, caller: Reading, supplier: SupplierCode, pool: Pool) -> Any:
    """The keys with which a department's own system signs, revoked ones too."""
    return {"items": await usecases.list_keys(service, caller, pool, supplier)}


@router.post(
    "/v1/suppliers/{supplier}/keys",
    response_model=schemas.SupplierKey,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.SUPPLIER_UNKNOWN,
        schemas.KEY_ID_TAKEN,
        schemas.KEYS_ENOUGH,
    ),
    tags=["suppliers"],
)
async def record_supplier_key(
    service: Service,
    caller: Approving,
    once: OnceKey,
    request: Request,
    supplier: SupplierCode,
    pool: Pool,
    wanted: schemas.SupplierKeyAdded,
) -> Response:
    """Record a key of a department's own system. Two may be valid at a time: add the new one, let the system change to
    it, revoke the old one."""
    return respond(request, await usecases.add_key(service, caller, once, pool, supplier, wanted))


@router.post(
    "/v1/suppliers/{supplier}/keys/{key_id}/revoke",
    response_model=schemas.SupplierKey,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.SUPPLIER_UNKNOWN,
        schemas.KEY_UNKNOWN,
    ),
    tags=["suppliers"],
)
async def revoke_supplier_key(
    service: Service,
    caller: Approving,
    once: OnceKey,
    request: Request,
    supplier: SupplierCode,
    key_id: Annotated[str, Path(max_length=100, description="The key", examples=["civil-affairs-1"])],
    pool: Pool,
) -> Response:
    """A key may sign no longer; the lists that came by it stand."""
    return respond(request, await usecases.revoke_key(service, caller, once, pool, supplier, key_id))
