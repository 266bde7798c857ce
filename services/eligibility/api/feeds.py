"""Routes of lists that departments hand over."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.codes import Status
from shared.evidence import EMPTY_UPLOAD, EVIDENCE_ERASED, receive_upload
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool, page
from shared.problem import ARCHIVED, BUSY, HTTP_ERROR, INTERNAL, TOO_LARGE, declare
from shared.regions import REGION_PATTERN
from shared.signatures import SignedHead
from shared.signed_requests import SIGNATURE_INVALID, address_called, show_headers
from shared.versions import IfMatch

from .. import schemas, usecases
from ..rules import FeedAct, FeedKind, FeedState, Scope
from ..schemas.fields import FEED_ID, ID, SHA256
from .parts import BINARY, FILE, Approving, Reading, Service, Writing

router = APIRouter()

FeedId = Annotated[UUID, Path(description="The list", examples=[FEED_ID])]
SupplierCode = Annotated[
    str, Query(max_length=60, description="Department that hands the list over", examples=["civil_affairs"])
]
FileName = Annotated[
    str,
    Query(
        min_length=5,
        max_length=200,
        pattern=r"^[^/\\\x00-\x1f]+$",
        description="Name of the file, ending in .csv, .xlsx or .jsonl (an object a line, its keys the headings)",
        examples=["低保花名2021-08.xlsx"],
    ),
]
ListId = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=60,
        pattern=r"^[^\x00-\x1f]+$",
        description="Of a full list in several files: the supplier's name of the list, the same for all its parts",
        examples=["低保-2021-08"],
    ),
]


async def _manifest(
    file_name: FileName,
    kind: Annotated[
        FeedKind,
        Query(
            description="changes: whom the list does not name loses nothing; full: the supplier's statuses of whom it "
            "does not name end the day before `list_day`",
            examples=["changes"],
        ),
    ] = FeedKind.CHANGES,
    list_day: Annotated[
        date | None,
        Query(
            description="Day as of which the list speaks; of two lists the later one counts, in whatever order they "
            "come. Absent: today",
            examples=["2021-08-18"],
        ),
    ] = None,
    serial: Annotated[
        int, Query(ge=0, le=1_000_000, description="Number of the list among those of one day", examples=[0])
    ] = 0,
    rows: Annotated[
        int | None, Query(ge=0, description="Manifest: rows in the list, empty ones not counted", examples=[120])
    ] = None,
    sha256: Annotated[
        str | None,
        Query(pattern=r"^[0-9a-fA-F]{64}$", description="Manifest: SHA-256 of the file, hex", examples=[SHA256]),
    ] = None,
    list_id: ListId = None,
    part: Annotated[int | None, Query(ge=1, le=1000, description="Which part this file is", examples=[1])] = None,
    parts: Annotated[
        int | None,
        Query(
            ge=2, le=1000, description="How many parts the list has; it ends nothing before all are here", examples=[3]
        ),
    ] = None,
    categories: Annotated[
        list[Status] | None,
        Query(
            min_length=1,
            description="Categories for which a full list speaks: whom it does not name with them loses these alone. "
            "Absent: all that its supplier asserts",
            examples=[["dibao"]],
        ),
    ] = None,
    region: Annotated[
        str | None,
        Query(
            pattern=REGION_PATTERN,
            description="Region for whose people a full list speaks; whom the supplier's lists place elsewhere, or "
            "nowhere, loses nothing. Absent: the whole pool",
            examples=["990101102"],
        ),
    ] = None,
) -> usecases.Manifest:
    scope = Scope(frozenset(categories) if categories else None, region)
    return usecases.Manifest(file_name, kind, list_day, serial, rows, sha256, list_id, part, parts, scope)


ManifestOf = Annotated[usecases.Manifest, Depends(_manifest)]

_RECEIVED: dict[int | str, Any] = {
    200: {"model": schemas.Feed, "description": "The supplier has handed over the same bytes before"}
}
_REFUSED = (
    schemas.SUPPLIER_UNKNOWN,
    schemas.FEED_UNREADABLE,
    schemas.FULL_LIST_REFUSED,
    schemas.MANIFEST_DIFFERS,
    schemas.PART_DIFFERS,
    EMPTY_UPLOAD,
    TOO_LARGE,
)


@router.post(
    "/v1/feeds",
    response_model=schemas.Feed,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, *_REFUSED) | _RECEIVED,
    openapi_extra={"requestBody": {"required": True, **BINARY}},
    tags=["feeds"],
)
async def receive_feed(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    pool: Pool,
    supplier: SupplierCode,
    manifest: ManifestOf,
) -> Response:
    """Hand over a department's list. It is kept whole; its rows are judged one by one soon after."""
    upload = await receive_upload(request)
    return respond(request, await usecases.receive_feed(service, caller, once, pool, supplier, manifest, upload))


@router.post(
    "/v1/feeds/signed",
    response_model=schemas.Feed,
    status_code=201,
    responses=declare(SIGNATURE_INVALID, schemas.NONCE_USED, HTTP_ERROR, INTERNAL, BUSY, *_REFUSED) | _RECEIVED,
    openapi_extra={"requestBody": {"required": True, **BINARY}},
    dependencies=[Depends(show_headers)],
    tags=["feeds"],
)
async def receive_signed_feed(
    service: Service, request: Request, pool: Pool, supplier: SupplierCode, manifest: ManifestOf
) -> Response:
    """A department's own system hands over its list: signed by RFC 9421 with a key of the department, without a token.
    The signature is checked before the body is read; a nonce is good for one request."""
    address = address_called(request, service.settings.public_url)
    head = SignedHead(request.method, address, request.headers.items())
    signed, sha256 = await usecases.verify_upload(service, pool, supplier, head)
    caller, once = usecases.signed_caller(pool, supplier, signed)
    request.state.client_id = caller.client_id
    upload = await receive_upload(request)
    if upload.sha256 != sha256.hex():
        raise SIGNATURE_INVALID(reason="content-digest is not that of the body (sha-256)")
    return respond(request, await usecases.receive_feed(service, caller, once, pool, supplier, manifest, upload))


@router.get("/v1/feeds", response_model=schemas.FeedPage, responses=declare(*tokens.DECLARED), tags=["feeds"])
async def list_feeds(
    service: Service,
    caller: Reading,
    pool: Pool,
    supplier: Annotated[
        str | None, Query(max_length=60, description="Only of this department", examples=["civil_affairs"])
    ] = None,
    state: Annotated[FeedState | None, Query(description="Only in this state", examples=["held"])] = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[FEED_ID])] = None,
) -> Any:
    """Lists handed over, in the order they came."""
    rows = await usecases.list_feeds(service, caller, pool, supplier, state, after, limit)
    return page(rows, limit, lambda feed: feed["feed_id"])


@router.get(
    "/v1/feeds/{feed_id}",
    response_model=schemas.Feed,
    responses=declare(*tokens.DECLARED, schemas.FEED_UNKNOWN),
    tags=["feeds"],
)
async def read_feed(service: Service, caller: Reading, request: Request, feed_id: FeedId, pool: Pool) -> Response:
    """One list, and how far its rows are judged."""
    return respond(request, await usecases.read_feed(service, caller, pool, feed_id))


@router.get(
    "/v1/feeds/{feed_id}/statuses",
    response_model=schemas.RestingStatusPage,
    responses=declare(*tokens.DECLARED, schemas.FEED_UNKNOWN),
    tags=["feeds"],
)
async def list_feed_statuses(
    service: Service,
    caller: Reading,
    feed_id: FeedId,
    pool: Pool,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[ID])] = None,
) -> Any:
    """What rests on a list, or did: every status recorded from its rows, withdrawn ones too."""
    rows = await usecases.list_feed_statuses(service, caller, pool, feed_id, after, limit)
    return page(rows, limit, lambda status: status["status_id"])


_DECIDED = declare(
    *tokens.DECLARED,
    *idempotency.DECLARED,
    *versions.DECLARED,
    schemas.FEED_UNKNOWN,
    schemas.FEED_NOT_IN_STATE,
    schemas.FOUR_EYES,
)


@router.post("/v1/feeds/{feed_id}/approve", response_model=schemas.Feed, responses=_DECIDED, tags=["feeds"])
async def approve_feed(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    feed_id: FeedId,
    pool: Pool,
) -> Response:
    """A full list that was held may end the statuses it does not name; never by who handed it over."""
    act = FeedAct.APPROVE
    return respond(request, await usecases.decide_feed(service, caller, once, pool, feed_id, version, act))


@router.post("/v1/feeds/{feed_id}/reject", response_model=schemas.Feed, responses=_DECIDED, tags=["feeds"])
async def reject_feed(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    feed_id: FeedId,
    pool: Pool,
) -> Response:
    """A full list that was held ends nothing: its rows count, its silence does not."""
    act = FeedAct.DECLINE
    return respond(request, await usecases.decide_feed(service, caller, once, pool, feed_id, version, act))


@router.post(
    "/v1/feeds/{feed_id}/withdraw",
    response_model=schemas.Feed,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        schemas.FEED_UNKNOWN,
        schemas.FEED_NOT_IN_STATE,
    ),
    tags=["feeds"],
)
async def withdraw_feed(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    feed_id: FeedId,
    pool: Pool,
    order: schemas.Withdrawal,
) -> Response:
    """Take a list back: it no longer counts, and every status that rested on it alone is withdrawn."""
    return respond(request, await usecases.withdraw_feed(service, caller, once, pool, feed_id, version, order.reason))


@router.get(
    "/v1/feeds/{feed_id}/rejected",
    response_class=Response,
    responses=declare(*tokens.DECLARED, schemas.FEED_UNKNOWN, schemas.FEED_NOT_TAKEN, EVIDENCE_ERASED, ARCHIVED)
    | {200: {"description": "The rows that go back, as they were sent, with the column 退回原因", **BINARY}},
    tags=["feeds"],
)
async def return_rejected(service: Service, caller: Reading, feed_id: FeedId, pool: Pool) -> Response:
    """The rows that go back to the department, in the form they were sent in, each with what is wrong."""
    file_name, data = await usecases.return_rejected(service, caller, pool, feed_id)
    return Response(
        data, media_type=FILE, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file_name)}"}
    )
