"""Routes of statuses: of some persons, and of everybody who holds one."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from shared import tokens
from shared.codes import Status
from shared.pages import Limit, Pool, page
from shared.problem import declare
from shared.regions import REGION_PATTERN

from .. import schemas, usecases
from ..schemas.fields import ID
from .parts import BINARY, FILE, AsOf, KnownAt, PersonId, Reading, Service

router = APIRouter()

_ANSWERED = declare(*tokens.DECLARED, schemas.PERSON_UNKNOWN, schemas.KNOWN_AT_IN_FUTURE)
_LISTED = declare(*tokens.DECLARED, schemas.KNOWN_AT_IN_FUTURE)

Held = Annotated[Status, Query(description="The status held", examples=["dibao"])]
Region = Annotated[
    str | None,
    Query(
        pattern=REGION_PATTERN,
        description="Only with a hukou here (village, town, county); absent: all that the token's area takes in",
        examples=["990101102"],
    ),
]


@router.get(
    "/v1/persons/{person_id}/statuses", response_model=schemas.StatusAnswer, responses=_ANSWERED, tags=["statuses"]
)
async def read_statuses(
    service: Service,
    caller: Reading,
    person_id: PersonId,
    pool: Pool,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    explain: Annotated[
        bool, Query(description="Also tell what was near and why it does not hold", examples=[True])
    ] = True,
) -> Any:
    """The statuses one person holds on a day, with the rows they rest on, and why not others that were near."""
    asked = usecases.moment(service, as_of, known_at)
    return await usecases.query_statuses(service, caller, pool, [person_id], asked, explain=explain)


@router.post("/v1/statuses/query", response_model=schemas.StatusAnswer, responses=_ANSWERED, tags=["statuses"])
async def query_statuses(service: Service, caller: Reading, wanted: schemas.StatusQuery) -> Any:
    """The statuses that up to 10,000 persons hold on a day, or on any, with the rows they rest on."""
    asked = usecases.moment(service, wanted.as_of, wanted.known_at, every_day=wanted.every_day)
    return await usecases.query_statuses(service, caller, wanted.pool, wanted.person_ids, asked, explain=wanted.explain)


@router.get(
    "/v1/statuses/export",
    response_class=Response,
    responses=_LISTED
    | {200: {"description": "JSON lines, one person a line as in `items` of the answer to a query", **BINARY}},
    tags=["statuses"],
)
async def export_statuses(
    service: Service,
    caller: Reading,
    pool: Pool,
    region: Region = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    explain: Annotated[
        bool, Query(description="Also tell what was near and why it does not hold", examples=[False])
    ] = False,
) -> Response:
    """The statuses of everybody in a village, a town or the whole pool on a day, as a stream."""
    asked = usecases.moment(service, as_of, known_at)
    lines = usecases.export_statuses(service, caller, pool, region, asked, explain=explain)
    return StreamingResponse(lines, media_type=FILE)


@router.get("/v1/statuses/holders", response_model=schemas.HolderPage, responses=_LISTED, tags=["statuses"])
async def list_holders(
    service: Service,
    caller: Reading,
    pool: Pool,
    status: Held,
    region: Region = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[ID])] = None,
) -> Any:
    """Who holds a status on a day, by the hukou of that day."""
    asked = usecases.moment(service, as_of, known_at)
    rows = await usecases.list_holders(service, caller, pool, status, region, asked, after, limit)
    shown = page(rows, limit, lambda holder: holder["person_id"])
    return {"as_of": asked.as_of, "known_at": asked.known_at, **shown}


@router.get(
    "/v1/statuses/holders/export",
    response_class=Response,
    responses=_LISTED | {200: {"description": "JSON lines, one holder a line as in the page", **BINARY}},
    tags=["statuses"],
)
async def export_holders(
    service: Service,
    caller: Reading,
    pool: Pool,
    status: Held,
    region: Region = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """Everybody who holds a status on a day, as a stream."""
    asked = usecases.moment(service, as_of, known_at)
    lines = usecases.export_holders(service, caller, pool, status, region, asked)
    return StreamingResponse(lines, media_type=FILE)
