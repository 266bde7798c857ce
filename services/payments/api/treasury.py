"""Routes of the treasury: its packages, vouchers for many people, what was remitted up, refunds through it."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.evidence import EMPTY_UPLOAD, receive_upload
from shared.idempotency import OnceKey, respond
from shared.pages import After, Limit, Pool
from shared.problem import TOO_LARGE, declare
from shared.versions import IfMatch, IfMatchOnChange

from .. import usecases
from ..rules.treasury import Message, PackageState, RefundPackageState, VoucherResult
from ..schemas import treasury as wire
from ..schemas import treasury_problems as problems
from ..schemas.ledger_problems import FOUR_EYES
from .parts import Checking, Paying, Reading, Service, Writing

router = APIRouter(tags=["treasury"])

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a30"
_FILE = "application/octet-stream"
_BINARY = {"content": {_FILE: {"schema": {"type": "string", "format": "binary"}}}}

Cursor = Annotated[UUID | None, Query(description="`next` of the page before", examples=[_ID])]
Day = Annotated[date | None, Query(description="Only of this day", examples=["2021-12-06"])]
ApplicationId = Annotated[UUID, Path(description="The application", examples=[_ID])]


@router.post(
    "/v1/treasury/packages",
    response_model=wire.TreasuryPackage,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.TREASURY_NOT_SET_UP,
        problems.TRAILER_WRONG,
        problems.PACKAGE_UNREADABLE,
        problems.PACKAGE_OF_ANOTHER_POOL,
        problems.ANSWER_WITHOUT_PACKAGE,
        EMPTY_UPLOAD,
        TOO_LARGE,
    )
    | {200: {"model": wire.TreasuryPackage, "description": "The same bytes came before"}},
    openapi_extra={"requestBody": {"required": True, **_BINARY}},
)
async def receive_treasury_package(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    pool: Pool,
    file_name: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            pattern=r"^[^/\\\x00-\x1f]+$",
            description="Name of the file",
            examples=["3126-20211206-1.xml"],
        ),
    ],
) -> Response:
    """Hand over one part of a package of the treasury (3126, 3122, 3123, 9110), as it came. A package counts once all
    its parts are there and its figures are those of its lines; a day that is sent again replaces the one before."""
    upload = await receive_upload(request)
    answer = await usecases.receive_treasury_package(service, caller, once, upload, pool=pool, file_name=file_name)
    return respond(request, answer)


@router.get("/v1/treasury/packages", response_model=wire.TreasuryPackagePage, responses=declare(*tokens.DECLARED))
async def list_treasury_packages(
    service: Service,
    caller: Reading,
    pool: Pool,
    message_no: Annotated[Message | None, Query(description="Only this message", examples=["3126"])] = None,
    state: Annotated[PackageState | None, Query(description="Only in this state", examples=["incomplete"])] = None,
    day: Day = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """Packages in the order in which they began."""
    return await usecases.list_treasury_packages(
        service, caller, pool, after=after, limit=limit, message_no=message_no, state=state, day=day
    )


@router.get(
    "/v1/treasury/packages/{package_id}",
    response_model=wire.TreasuryPackage,
    responses=declare(*tokens.DECLARED, problems.PACKAGE_UNKNOWN),
)
async def read_treasury_package(
    service: Service,
    caller: Reading,
    package_id: Annotated[UUID, Path(description="The package", examples=[_ID])],
    pool: Pool,
) -> Any:
    """One package: which parts have come, and whether it counts."""
    return await usecases.read_treasury_package(service, caller, pool, package_id)


@router.get("/v1/treasury/vouchers", response_model=wire.VoucherStatePage, responses=declare(*tokens.DECLARED))
async def list_vouchers(
    service: Service,
    caller: Reading,
    pool: Pool,
    result: Annotated[
        VoucherResult | None, Query(description="Only those that come to this", examples=["amount_differs"])
    ] = None,
    posted_on: Annotated[date | None, Query(description="Only posted on this day", examples=["2021-12-06"])] = None,
    voucher_no: Annotated[
        str | None, Query(max_length=64, description="Only this voucher", examples=["399010161000000001"])
    ] = None,
    limit: Limit = 100,
    after: After = "",
) -> Any:
    """Vouchers, what the treasury posted under each and what money of ours is under it: many to one."""
    return await usecases.list_vouchers(
        service, caller, pool, after=after, limit=limit, result=result, posted_on=posted_on, voucher_no=voucher_no
    )


@router.post(
    "/v1/treasury/vouchers",
    response_model=wire.Voucher,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.VOUCHER_KNOWN,
        problems.ALREADY_UNDER_VOUCHER,
        problems.VOUCHER_COVERS_NOTHING,
        problems.VOUCHER_AMOUNT_DIFFERS,
    ),
)
async def record_voucher(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.VoucherOrder
) -> Response:
    """划缴: write down whose money a voucher covers that was handed to the treasury in one sum."""
    return respond(request, await usecases.record_voucher(service, caller, once, order))


@router.post(
    "/v1/treasury/vouchers/{voucher_id}/withdraw",
    response_model=wire.Voucher,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.VOUCHER_UNKNOWN, FOUR_EYES),
)
async def withdraw_voucher(
    service: Service,
    caller: Checking,
    once: OnceKey,
    request: Request,
    voucher_id: Annotated[UUID, Path(description="The voucher", examples=[_ID])],
    order: wire.Withdrawal,
) -> Response:
    """Take a voucher back that somebody else wrote down wrongly; its money may be put under another."""
    return respond(request, await usecases.withdraw_voucher(service, caller, once, voucher_id, order))


@router.post(
    "/v1/treasury/remitted",
    response_model=wire.Remitted,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.NOT_POSTED,
        problems.REMITTED_AMOUNT_DIFFERS,
        problems.REMITTED_KNOWN,
    ),
)
async def record_remitted(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.RemittedOrder
) -> Response:
    """上解: write down that what an office posted on a day was remitted up to the fund."""
    return respond(request, await usecases.record_remitted(service, caller, once, order))


@router.post(
    "/v1/treasury/remitted/{remitted_id}/withdraw",
    response_model=wire.Remitted,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.REMITTED_UNKNOWN, FOUR_EYES),
)
async def withdraw_remitted(
    service: Service,
    caller: Checking,
    once: OnceKey,
    request: Request,
    remitted_id: Annotated[UUID, Path(description="The record", examples=[_ID])],
    order: wire.Withdrawal,
) -> Response:
    """Take such a record of somebody else's back."""
    return respond(request, await usecases.withdraw_remitted(service, caller, once, remitted_id, order))


@router.put(
    "/v1/refund-accounts/{application_id}",
    response_model=wire.RefundAccount,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, *versions.DECLARED, problems.ACCOUNT_IN_USE),
)
async def record_refund_account(
    service: Service,
    caller: Writing,
    once: OnceKey,
    version: IfMatchOnChange,
    request: Request,
    application_id: ApplicationId,
    order: wire.RefundAccountOrder,
) -> Response:
    """Record to which bank account the treasury pays an application's money back. A change needs `If-Match`; a second
    person confirms each account, and who recorded it does not pay to it."""
    return respond(request, await usecases.record_refund_account(service, caller, once, application_id, version, order))


@router.post(
    "/v1/refund-accounts/{application_id}/confirm",
    response_model=wire.RefundAccount,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.ACCOUNT_UNKNOWN,
        problems.ACCOUNT_IN_USE,
        FOUR_EYES,
    ),
)
async def confirm_refund_account(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    application_id: ApplicationId,
    order: wire.RefundAccountConfirmation,
) -> Response:
    """Confirm an account that somebody else recorded, having compared it with the payee's papers."""
    return respond(
        request, await usecases.confirm_refund_account(service, caller, once, application_id, version, order)
    )


@router.get(
    "/v1/refund-accounts/{application_id}",
    response_model=wire.RefundAccount,
    responses=declare(*tokens.DECLARED, problems.ACCOUNT_UNKNOWN),
)
async def read_refund_account(
    service: Service, caller: Reading, application_id: ApplicationId, pool: Pool, response: Response
) -> Any:
    """The recorded account, masked."""
    account = await usecases.read_refund_account(service, caller, pool, application_id)
    response.headers["ETag"] = f'"{account["version"]}"'
    return account


@router.get("/v1/treasury/refund-packages", response_model=wire.RefundPackagePage, responses=declare(*tokens.DECLARED))
async def list_refund_packages(
    service: Service,
    caller: Reading,
    pool: Pool,
    state: Annotated[RefundPackageState | None, Query(description="Only in this state", examples=["sent"])] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """退库包: packages of refunds in the order in which they were built."""
    return await usecases.list_refund_packages(service, caller, pool, after=after, limit=limit, state=state)


@router.post(
    "/v1/treasury/refund-packages/{refund_package_id}/hand-out",
    response_class=Response,
    responses=declare(
        *tokens.DECLARED, problems.TREASURY_NOT_SET_UP, problems.PACKAGE_UNKNOWN, problems.REFUND_PACKAGE_ENDED
    )
    | {200: {"description": "The package (1104) with its trailer", **_BINARY}},
)
async def hand_out_refund_package(
    service: Service,
    caller: Paying,
    refund_package_id: Annotated[UUID, Path(description="The package", examples=[_ID])],
    pool: Pool,
) -> Response:
    """A package as it goes to the treasury, where no line to its front end is set up; it counts as sent then.
    The same bytes each time."""
    raw = await usecases.hand_out_refund_package(service, caller, pool, refund_package_id)
    return Response(raw, media_type=_FILE)


@router.get(
    "/v1/treasury/collection-differences",
    response_model=wire.CollectionDifferencePage,
    responses=declare(*tokens.DECLARED),
)
async def list_collection_differences(
    service: Service, caller: Reading, pool: Pool, limit: Limit = 100, after: After = ""
) -> Any:
    """Vouchers on which the treasury's day check (3122) and our books disagree."""
    return await usecases.list_collection_differences(service, caller, pool, after=after, limit=limit)


@router.get(
    "/v1/treasury/refund-differences",
    response_model=wire.RefundDifferencePage,
    responses=declare(*tokens.DECLARED),
)
async def list_refund_differences(service: Service, caller: Reading, pool: Pool) -> Any:
    """Refunds on which the treasury's day check (3123) and our books disagree."""
    return await usecases.list_refund_differences(service, caller, pool)
