"""Routes of eligibility: parse, one use case, answer."""

from datetime import date
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from shared import idempotency, tokens
from shared.evidence import EMPTY_UPLOAD, receive_upload
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool, page
from shared.problem import TOO_LARGE, declare
from shared.tokens import Caller, needs

from . import schemas, usecases

router = APIRouter()

Reading = Annotated[Caller, Depends(needs("eligibility:read"))]
Writing = Annotated[Caller, Depends(needs("eligibility:write"))]

FeedId = Annotated[UUID, Path(description="The list", examples=["0192f0c4-0000-7c3e-8a55-3f1f7f1b2a01"])]
PersonId = Annotated[UUID, Path(description="The person", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])]

_FILE = "application/octet-stream"
_BINARY = {"content": {_FILE: {"schema": {"type": "string", "format": "binary"}}}}


def _service(request: Request) -> usecases.Eligibility:
    service: usecases.Eligibility = request.app.state.service
    return service


Service = Annotated[usecases.Eligibility, Depends(_service)]


@router.post(
    "/v1/feeds",
    response_model=schemas.Feed,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        schemas.SUPPLIER_UNKNOWN,
        schemas.FEED_UNREADABLE,
        EMPTY_UPLOAD,
        TOO_LARGE,
    )
    | {200: {"model": schemas.Feed, "description": "The supplier has handed over the same bytes before"}},
    openapi_extra={"requestBody": {"required": True, **_BINARY}},
    tags=["feeds"],
)
async def receive_feed(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    pool: Pool,
    supplier: Annotated[
        str, Query(max_length=60, description="Department that hands the list over", examples=["civil_affairs"])
    ],
    file_name: Annotated[
        str,
        Query(
            min_length=5,
            max_length=200,
            pattern=r"^[^/\\\x00-\x1f]+$",
            description="Name of the file, ending in .csv or .xlsx",
            examples=["低保花名2021-08.xlsx"],
        ),
    ],
) -> Response:
    """Hand over a department's list. It is kept whole; its rows are judged one by one soon after."""
    upload = await receive_upload(request)
    return respond(request, await usecases.receive_feed(service, caller, once, pool, supplier, file_name, upload))


@router.get("/v1/feeds", response_model=schemas.FeedPage, responses=declare(*tokens.DECLARED), tags=["feeds"])
async def list_feeds(
    service: Service,
    caller: Reading,
    pool: Pool,
    limit: Limit = 100,
    after: Annotated[
        UUID | None, Query(description="`next` of the page before", examples=["0192f0c4-0000-7c3e-8a55-3f1f7f1b2a01"])
    ] = None,
) -> Any:
    """Lists handed over, in the order they came."""
    return page(await usecases.list_feeds(service, caller, pool, after, limit), limit, lambda feed: feed["feed_id"])


@router.get(
    "/v1/feeds/{feed_id}",
    response_model=schemas.Feed,
    responses=declare(*tokens.DECLARED, schemas.FEED_UNKNOWN),
    tags=["feeds"],
)
async def read_feed(service: Service, caller: Reading, feed_id: FeedId, pool: Pool) -> Any:
    """One list, and how far its rows are judged."""
    return await usecases.read_feed(service, caller, pool, feed_id)


@router.get(
    "/v1/feeds/{feed_id}/rejected",
    response_class=Response,
    responses=declare(*tokens.DECLARED, schemas.FEED_UNKNOWN, schemas.FEED_NOT_TAKEN)
    | {200: {"description": "The rows that go back, as they were sent, with the column 退回原因", **_BINARY}},
    tags=["feeds"],
)
async def return_rejected(service: Service, caller: Reading, feed_id: FeedId, pool: Pool) -> Response:
    """The rows that go back to the department, in the form they were sent in, each with what is wrong."""
    file_name, data = await usecases.return_rejected(service, caller, pool, feed_id)
    return Response(
        data, media_type=_FILE, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(file_name)}"}
    )


@router.post(
    "/v1/persons/resolve",
    response_model=schemas.ResolveAnswer,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED),
    tags=["persons"],
)
async def resolve_persons(
    service: Service, caller: Writing, once: OnceKey, request: Request, wanted: schemas.ResolveRequest
) -> Response:
    """Find the persons of a roster by their documents; who is not known yet is recorded."""
    return respond(request, await usecases.resolve_persons(service, caller, once, wanted))


@router.post(
    "/v1/persons/lookup",
    response_model=schemas.Person,
    responses=declare(*tokens.DECLARED, schemas.PERSON_UNKNOWN),
    tags=["persons"],
)
async def look_up_person(
    service: Service, caller: Reading, request: Request, wanted: schemas.LookupRequest
) -> Response:
    """The person whom a document names."""
    return respond(request, await usecases.look_up_person(service, caller, wanted))


@router.get(
    "/v1/persons/{person_id}",
    response_model=schemas.Person,
    responses=declare(*tokens.DECLARED, schemas.PERSON_UNKNOWN),
    tags=["persons"],
)
async def read_person(service: Service, caller: Reading, request: Request, person_id: PersonId, pool: Pool) -> Response:
    """One person."""
    return respond(request, await usecases.read_person(service, caller, pool, person_id))


@router.get(
    "/v1/persons/{person_id}/statuses",
    response_model=schemas.StatusAnswer,
    responses=declare(*tokens.DECLARED, schemas.PERSON_UNKNOWN),
    tags=["statuses"],
)
async def read_statuses(
    service: Service,
    caller: Reading,
    person_id: PersonId,
    pool: Pool,
    as_of: Annotated[
        date | None, Query(description="Day in question; absent: today in Asia/Shanghai", examples=["2021-12-05"])
    ] = None,
) -> Any:
    """The statuses one person holds on a day, with the rows they rest on."""
    return await usecases.query_statuses(service, caller, pool, [person_id], as_of)


@router.post(
    "/v1/statuses/query",
    response_model=schemas.StatusAnswer,
    responses=declare(*tokens.DECLARED, schemas.PERSON_UNKNOWN),
    tags=["statuses"],
)
async def query_statuses(service: Service, caller: Reading, wanted: schemas.StatusQuery) -> Any:
    """The statuses that up to 10,000 persons hold on a day, or on any, with the rows they rest on."""
    return await usecases.query_statuses(
        service, caller, wanted.pool, wanted.person_ids, wanted.as_of, every_day=wanted.every_day
    )
