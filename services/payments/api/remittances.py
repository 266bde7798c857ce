"""Routes of remittance: slips, who holds money too long, claims on other payers."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import After, Limit, Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import usecases
from ..schemas import ledger_problems as problems
from ..schemas import remittances as wire
from .parts import Checking, ClaimReceiptId, Reading, RemittanceId, Service, Writing

router = APIRouter()

Cursor = Annotated[
    UUID | None, Query(description="`next` of the page before", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a09"])
]
Status = Annotated[
    Literal["submitted", "confirmed", "rejected"] | None,
    Query(description="Only in this state", examples=["submitted"]),
]
_CHECKED = (problems.FOUR_EYES, problems.ALREADY_CHECKED)


@router.post(
    "/v1/remittances",
    response_model=wire.Slip,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.LEDGER_UNKNOWN,
        problems.DAY_AHEAD,
        problems.NOT_REMITTABLE,
        problems.TOTAL_DIFFERS,
        problems.BANK_REFERENCE_USED,
    ),
    tags=["remittances"],
)
async def submit_slip(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.SlipOrder
) -> Response:
    """Write a slip (缴款单); the money moves when a second person has confirmed it."""
    return respond(request, await usecases.submit_slip(service, caller, once, order))


@router.get("/v1/remittances", response_model=wire.SlipPage, responses=declare(*tokens.DECLARED), tags=["remittances"])
async def list_slips(
    service: Service,
    caller: Reading,
    pool: Pool,
    status: Status = None,
    from_account: Annotated[
        str | None, Query(max_length=60, description="Only from this account", examples=["held/town/990101102"])
    ] = None,
    to_account: Annotated[
        str | None, Query(max_length=60, description="Only to this account", examples=["special_account"])
    ] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """Slips inside the token's area, in the order in which they were written."""
    return await usecases.list_slips(
        service, caller, pool, after=after, limit=limit, status=status, from_account=from_account,
        to_account=to_account,
    )  # fmt: skip


@router.get(
    "/v1/remittances/overdue",
    response_model=wire.OverduePage,
    responses=declare(*tokens.DECLARED),
    tags=["remittances"],
)
async def list_overdue(
    service: Service,
    caller: Reading,
    pool: Pool,
    as_of: Annotated[
        AwareDatetime | None, Query(description="As of this instant", examples=["2021-12-31T23:59:59+08:00"])
    ] = None,
    limit: Limit = 100,
    after: After = "",
) -> Any:
    """Who holds money longer than allowed, with amounts: agents, towns, counters whose shift is open."""
    return await usecases.list_overdue(service, caller, pool, as_of=as_of, after=after, limit=limit)


@router.get(
    "/v1/remittances/{remittance_id}",
    response_model=wire.Slip,
    responses=declare(*tokens.DECLARED, problems.SLIP_UNKNOWN),
    tags=["remittances"],
)
async def read_slip(
    service: Service, caller: Reading, remittance_id: RemittanceId, pool: Pool, response: Response
) -> Any:
    """One slip."""
    slip = await usecases.read_slip(service, caller, pool, remittance_id)
    response.headers["ETag"] = f'"{slip["version"]}"'
    return slip


@router.get(
    "/v1/remittances/{remittance_id}/items",
    response_model=wire.SlipItemPage,
    responses=declare(*tokens.DECLARED, problems.SLIP_UNKNOWN),
    tags=["remittances"],
)
async def list_slip_items(
    service: Service, caller: Reading, remittance_id: RemittanceId, pool: Pool, limit: Limit = 100, after: Cursor = None
) -> Any:
    """What stands in a slip: receipts of an agent, or the slips that a town hands on."""
    return await usecases.list_slip_items(service, caller, pool, remittance_id, after=after, limit=limit)


@router.post(
    "/v1/remittances/{remittance_id}/check",
    response_model=wire.Slip,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, *versions.DECLARED, problems.SLIP_UNKNOWN, *_CHECKED),
    tags=["remittances"],
)
async def check_slip(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    remittance_id: RemittanceId,
    order: wire.Check,
) -> Response:
    """A second person, of whoever receives the money, confirms a slip or rejects it; confirmed money moves."""
    return respond(request, await usecases.check_slip(service, caller, once, remittance_id, version, order))


@router.get("/v1/claims", response_model=wire.Claims, responses=declare(*tokens.DECLARED), tags=["claims"])
async def list_claims(service: Service, caller: Reading, pool: Pool) -> Any:
    """What other payers owe for their lines of settled bills, and what they have paid."""
    return await usecases.list_claims(service, caller, pool)


@router.post(
    "/v1/claims/receipts",
    response_model=wire.ClaimReceipt,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.DAY_AHEAD,
        problems.CLAIM_EXCEEDS_DUE,
        problems.BANK_REFERENCE_USED,
    ),
    tags=["claims"],
)
async def record_claim_receipt(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.ClaimReceiptOrder
) -> Response:
    """Write down money that another payer paid; it is posted when a second person has confirmed it."""
    return respond(request, await usecases.record_claim_receipt(service, caller, once, order))


@router.get(
    "/v1/claims/receipts", response_model=wire.ClaimReceiptPage, responses=declare(*tokens.DECLARED), tags=["claims"]
)
async def list_claim_receipts(
    service: Service,
    caller: Reading,
    pool: Pool,
    payer: Annotated[
        wire.OtherPayer | None, Query(description="Only of this payer", examples=["medical_assistance_fund"])
    ] = None,
    status: Status = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """Money received on claims, in the order in which it was written down."""
    return await usecases.list_claim_receipts(
        service, caller, pool, after=after, limit=limit, payer=payer, status=status
    )


@router.get(
    "/v1/claims/receipts/{claim_receipt_id}",
    response_model=wire.ClaimReceipt,
    responses=declare(*tokens.DECLARED, problems.CLAIM_RECEIPT_UNKNOWN),
    tags=["claims"],
)
async def read_claim_receipt(
    service: Service, caller: Reading, claim_receipt_id: ClaimReceiptId, pool: Pool, response: Response
) -> Any:
    """Money received on a claim."""
    row = await usecases.read_claim_receipt(service, caller, pool, claim_receipt_id)
    response.headers["ETag"] = f'"{row["version"]}"'
    return row


@router.post(
    "/v1/claims/receipts/{claim_receipt_id}/check",
    response_model=wire.ClaimReceipt,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.CLAIM_RECEIPT_UNKNOWN,
        problems.CLAIM_EXCEEDS_DUE,
        *_CHECKED,
    ),
    tags=["claims"],
)
async def check_claim_receipt(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    claim_receipt_id: ClaimReceiptId,
    order: wire.Check,
) -> Response:
    """A second person confirms that the money is there, or rejects it; never more than is due is confirmed."""
    return respond(request, await usecases.check_claim_receipt(service, caller, once, claim_receipt_id, version, order))
