"""Routes about receipts: reading, printing, the public check, cancelling, fiscal numbers, proofs, tax certificates."""

import time
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import After, Limit, Pool
from shared.problem import Problem, declare
from shared.versions import IfMatch

from .. import schemas, usecases
from ..formats import verify_page
from ..rules.receipts import CancellationState, Series
from ..schemas import ledger_problems
from ..schemas import receipt_problems as problems
from ..schemas import receipts as wire
from .parts import Checking, CollectionId, Reading, ReceiptNo, Service, Writing

router = APIRouter()

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a30"
_FILE = "application/octet-stream"
_BINARY = {"content": {_FILE: {"schema": {"type": "string", "format": "binary"}}}}

Cursor = Annotated[UUID | None, Query(description="`next` of the page before", examples=[_ID])]
CancellationId = Annotated[UUID, Path(description="The cancellation", examples=[_ID])]
SegmentId = Annotated[UUID, Path(description="The segment", examples=[_ID])]
BookFilter = Annotated[
    str | None, Query(max_length=40, description="Only of this receipt book", examples=["TAXHALL01"])
]
BookCode = Annotated[str, Path(max_length=40, description="The receipt book", examples=["TAXHALL01"])]


# The public check


@router.get(
    "/v1/receipts/verify",
    response_model=wire.VerifiedReceipt,
    responses=declare(problems.TOO_MANY_TRIES),
    tags=["receipts"],
)
async def verify_receipt(
    service: Service,
    request: Request,
    response: Response,
    code: Annotated[str, Query(pattern=r"^[0-9]{8}$", description="票据代码", examples=["99060121"])],
    number: Annotated[str, Query(pattern=r"^[0-9]{10}$", description="票据号码", examples=["0000000042"])],
    check_code: Annotated[str, Query(pattern=r"^[0-9A-Za-z]{6}$", description="校验码", examples=["589d80"])],
    amount_fen: Annotated[int, Query(ge=1, le=10**12, description="Amount in fen", examples=[30000])],
    day: Annotated[date, Query(description="开票日期", examples=["2021-12-05"])],
) -> Any:
    """Whether a receipt is genuine and counts. Open to everybody, and slow for who guesses: no token."""
    response.headers["Cache-Control"] = "no-store"
    asked = usecases.Asked(code, number, check_code, amount_fen, day)
    return await usecases.verify_receipt(service, asked, _address(request), time.monotonic())


@router.get("/verify", response_class=HTMLResponse, include_in_schema=False)
async def show_verify_page(service: Service, request: Request) -> HTMLResponse:
    """The same as a page for people; the QR code of a receipt leads here."""
    given = {field.name: request.query_params.get(field.name, "").strip()[:40] for field in verify_page.FIELDS}
    asked, faults = verify_page.read(given) if any(given.values()) else (None, {})
    answer, wait = None, 0
    if asked:
        try:
            answer = await usecases.verify_receipt(
                service, usecases.Asked(**asked), _address(request), time.monotonic()
            )
        except Problem as problem:
            wait = problem.retry_seconds
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": verify_page.CONTENT_SECURITY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    if wait:
        headers["Retry-After"] = str(wait)
    html = verify_page.page(given, faults=faults, answer=answer, wait_seconds=wait)
    return HTMLResponse(html, 429 if wait else 200, headers)


# Receipts


@router.get(
    "/v1/receipts/{receipt_no}",
    response_model=wire.Receipt,
    responses=declare(*tokens.DECLARED, schemas.RECEIPT_UNKNOWN),
    tags=["receipts"],
)
async def read_receipt(service: Service, caller: Reading, request: Request, receipt_no: ReceiptNo, pool: Pool) -> Any:
    """One receipt, by its number or by that of its red one; one that does not count any more stays."""
    return await usecases.read_receipt(service, caller, pool, receipt_no, _base(service, request))


@router.get(
    "/v1/receipts/{receipt_no}/pdf",
    response_class=Response,
    responses=declare(*tokens.DECLARED, schemas.RECEIPT_UNKNOWN) | {200: {"description": "The receipt", **_BINARY}},
    tags=["receipts"],
)
async def export_receipt_pdf(
    service: Service, caller: Reading, request: Request, receipt_no: ReceiptNo, pool: Pool
) -> Response:
    """A receipt as a PDF with its QR code; one that does not count any more is stamped 作废 or 已冲红."""
    data = await usecases.print_receipt(service, caller, pool, receipt_no, _base(service, request))
    return _file(data, f"{receipt_no}.pdf")


@router.post(
    "/v1/receipts/{receipt_no}/cancellations",
    response_model=wire.Cancellation,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.RECEIPT_UNKNOWN,
        problems.RECEIPT_NOT_VALID,
        problems.CANCELLATION_WAITS,
    ),
    tags=["receipts"],
)
async def request_cancellation(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    receipt_no: ReceiptNo,
    order: wire.CancellationOrder,
) -> Response:
    """Ask for a misprinted receipt to be cancelled and issued anew; it stands until a second person has looked."""
    return respond(request, await usecases.request_cancellation(service, caller, once, receipt_no, order))


@router.get(
    "/v1/receipt-cancellations",
    response_model=wire.CancellationPage,
    responses=declare(*tokens.DECLARED),
    tags=["receipts"],
)
async def list_cancellations(
    service: Service,
    caller: Reading,
    pool: Pool,
    state: Annotated[CancellationState | None, Query(description="Only in this state", examples=["requested"])] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """Misprinted receipts that were to be cancelled, inside the token's area."""
    return await usecases.list_cancellations(service, caller, pool, after=after, limit=limit, state=state)


@router.get(
    "/v1/receipt-cancellations/{cancellation_id}",
    response_model=wire.Cancellation,
    responses=declare(*tokens.DECLARED, problems.CANCELLATION_UNKNOWN),
    tags=["receipts"],
)
async def read_cancellation(
    service: Service, caller: Reading, cancellation_id: CancellationId, pool: Pool, response: Response
) -> Any:
    """One cancellation."""
    row = await usecases.read_cancellation(service, caller, pool, cancellation_id)
    response.headers["ETag"] = f'"{row["version"]}"'
    return row


@router.post(
    "/v1/receipt-cancellations/{cancellation_id}/check",
    response_model=wire.Cancellation,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.CANCELLATION_UNKNOWN,
        problems.RECEIPT_NOT_VALID,
        ledger_problems.FOUR_EYES,
        ledger_problems.ALREADY_CHECKED,
    ),
    tags=["receipts"],
)
async def check_cancellation(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    cancellation_id: CancellationId,
    order: wire.CancellationCheck,
) -> Response:
    """A second person confirms, and the receipt is void (or offset by a red one) and issued anew; or rejects."""
    answer = await usecases.check_cancellation(service, caller, once, cancellation_id, version, order)
    return respond(request, answer)


# Fiscal numbers and their proof


@router.post(
    "/v1/receipt-segments",
    response_model=wire.Segment,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.SEGMENT_TAKEN),
    tags=["receipt books"],
)
async def hand_out_segment(
    service: Service, caller: Checking, once: OnceKey, request: Request, order: wire.SegmentOrder
) -> Response:
    """领用: give a unit's book a segment of printed forms. Books without one get electronic numbers by themselves."""
    return respond(request, await usecases.hand_out_segment(service, caller, once, order))


@router.get(
    "/v1/receipt-segments",
    response_model=wire.SegmentPage,
    responses=declare(*tokens.DECLARED),
    tags=["receipt books"],
)
async def list_segments(
    service: Service,
    caller: Reading,
    pool: Pool,
    book_code: BookFilter = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """The stock report: what each unit received, used, voided, has left, in the order in which it was handed out."""
    return await usecases.list_segments(service, caller, pool, after=after, limit=limit, book_code=book_code)


@router.get(
    "/v1/receipt-segments.xlsx",
    response_class=Response,
    responses=declare(*tokens.DECLARED) | {200: {"description": "票据核销表", **_BINARY}},
    tags=["receipt books"],
)
async def export_segments(service: Service, caller: Reading, pool: Pool, book_code: BookFilter = None) -> Response:
    """The stock report as a table for the finance department."""
    data = await usecases.export_segments(service, caller, pool, book_code)
    return _file(data, f"receipt-segments-{pool}.xlsx")


@router.get(
    "/v1/receipt-segments/{segment_id}",
    response_model=wire.Segment,
    responses=declare(*tokens.DECLARED, problems.SEGMENT_UNKNOWN),
    tags=["receipt books"],
)
async def read_segment(service: Service, caller: Reading, segment_id: SegmentId, pool: Pool, response: Response) -> Any:
    """One segment."""
    row = await usecases.read_segment(service, caller, pool, segment_id)
    response.headers["ETag"] = f'"{row["version"]}"'
    return row


@router.post(
    "/v1/receipt-segments/{segment_id}/close",
    response_model=wire.Segment,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.SEGMENT_UNKNOWN,
        problems.SEGMENT_IN_USE,
        problems.SEGMENT_WRITTEN_OFF,
        ledger_problems.FOUR_EYES,
    ),
    tags=["receipt books"],
)
async def close_segment(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    segment_id: SegmentId,
    order: wire.SegmentClosing,
) -> Response:
    """核销: account for a segment whole, by another person than who handed it out."""
    return respond(request, await usecases.write_off_segment(service, caller, once, segment_id, version, order))


@router.get(
    "/v1/receipt-proofs", response_model=wire.ProofPage, responses=declare(*tokens.DECLARED), tags=["receipt books"]
)
async def list_proofs(
    service: Service,
    caller: Reading,
    pool: Pool,
    book_code: BookFilter = None,
    limit: Limit = 100,
    after: After = "",
) -> Any:
    """What each night found of the numbers that the books used: none missing, none twice."""
    return await usecases.list_proofs(service, caller, pool, after=after, limit=limit, book_code=book_code)


@router.get(
    "/v1/receipt-books/{book_code}/receipts.jsonl",
    response_class=Response,
    responses=declare(*tokens.DECLARED) | {200: {"description": "JSON, one receipt a line", **_BINARY}},
    tags=["receipt books"],
)
async def export_receipt_lines(
    service: Service,
    caller: Reading,
    request: Request,
    book_code: BookCode,
    pool: Pool,
    series: Annotated[Series, Query(description="Receipts, or red ones", examples=["ordinary"])] = Series.ORDINARY,
    after_number: Annotated[
        int, Query(ge=0, le=2**62, description="Only after this number of the book", examples=[0])
    ] = 0,
) -> Response:
    """Up to a thousand receipts of a book, or of its red ones, for a vendor of electronic receipts; names are masked
    without `persons:full`."""
    base = _base(service, request)
    data = await usecases.export_receipts(service, caller, pool, book_code, series, after_number, base)
    return _file(data, f"receipts-{series}-{after_number}.jsonl")


# The tax bureau's certificates


@router.post(
    "/v1/collections/{collection_id}/tax-certificates",
    response_model=wire.Certificate,
    status_code=201,
    responses=declare(
        *tokens.DECLARED, *idempotency.DECLARED, schemas.COLLECTION_UNKNOWN, problems.CERTIFICATE_MALFORMED
    ),
    tags=["collections"],
)
async def record_certificate(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    collection_id: CollectionId,
    order: wire.CertificateOrder,
) -> Response:
    """Keep the number of the certificate (完税证) that the tax bureau gave for a payment; the latest one counts."""
    return respond(request, await usecases.record_certificate(service, caller, once, collection_id, order))


@router.get(
    "/v1/collections/{collection_id}/tax-certificates",
    response_model=wire.CertificateList,
    responses=declare(*tokens.DECLARED, schemas.COLLECTION_UNKNOWN),
    tags=["collections"],
)
async def list_certificates(service: Service, caller: Reading, collection_id: CollectionId, pool: Pool) -> Any:
    """The certificates that were recorded for a payment, the latest first."""
    return await usecases.list_certificates(service, caller, pool, collection_id)


def _base(service: usecases.Payments, request: Request) -> str:
    """The address under which everybody finds this service: behind a proxy the public one."""
    return service.settings.public_url.rstrip("/") or f"{request.url.scheme}://{request.headers.get('host', '')}"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _file(data: bytes, name: str) -> Response:
    return Response(data, media_type=_FILE, headers={"Content-Disposition": f"attachment; filename={name}"})
