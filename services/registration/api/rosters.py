"""Routes of units and rosters."""

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response

from shared import idempotency, tokens
from shared.evidence import EMPTY_UPLOAD, EVIDENCE_ERASED
from shared.idempotency import OnceKey, respond
from shared.pages import After, Limit, Pool
from shared.problem import ARCHIVED, TOO_LARGE, declare

from .. import usecases
from ..schemas import problems
from ..schemas.rosters import RosterOut, RosterPage, RosterRowPage, UnitOut, UnitPage, UnitRequest
from .parts import BINARY, FILE, FILE_BODY, AfterId, Reading, RosterId, SchemeCode, Service, Uploaded, Writing

router = APIRouter(tags=["rosters"])

UnitCodeQuery = Annotated[
    str, Query(pattern=r"^[0-9A-Za-z_-]{1,32}$", description="Unit that hands in", examples=["990101102203"])
]
FileName = Annotated[
    str,
    Query(
        min_length=5,
        max_length=200,
        pattern=r"^[^/\\\x00-\x1f]+$",
        description="Name of the file, ending in .xlsx (or .csv)",
        examples=["990101102203.xlsx"],
    ),
]


@router.post(
    "/v1/units",
    response_model=UnitOut,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.UNIT_EXISTS, problems.REGION_OUTSIDE_POOL)
    | {200: {"model": UnitOut, "description": "The same unit is there already"}},
)
async def make_unit(
    service: Service, caller: Writing, once: OnceKey, request: Request, wanted: UnitRequest
) -> Response:
    """Make a village, a school or an institution that gathers rosters."""
    return respond(request, await usecases.make_unit(service, caller, once, wanted))


@router.get("/v1/units", response_model=UnitPage, responses=declare(*tokens.DECLARED))
async def list_units(service: Service, caller: Reading, pool: Pool, limit: Limit = 100, after: After = "") -> Any:
    """Units inside the token's area, by code."""
    return await usecases.list_units(service, caller, pool, after, limit)


@router.post(
    "/v1/rosters",
    response_model=RosterOut,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.UNIT_UNKNOWN,
        problems.SCHEME_UNKNOWN,
        problems.ROSTER_UNREADABLE,
        EMPTY_UPLOAD,
        TOO_LARGE,
    )
    | {200: {"model": RosterOut, "description": "The unit has handed in the same bytes before"}},
    openapi_extra=FILE_BODY,
)
async def hand_in_roster(
    service: Service,
    caller: Writing,
    upload: Uploaded,
    once: OnceKey,
    request: Request,
    pool: Pool,
    scheme: SchemeCode,
    unit_code: UnitCodeQuery,
    file_name: FileName,
) -> Response:
    """Hand in a roster (XLSX). It is kept whole; its rows are taken soon after."""
    answer = await usecases.hand_in_roster(
        service, caller, once, upload, pool=pool, scheme=scheme, unit_code=unit_code, file_name=file_name
    )
    return respond(request, answer)


@router.get("/v1/rosters", response_model=RosterPage, responses=declare(*tokens.DECLARED))
async def list_rosters(
    service: Service, caller: Reading, pool: Pool, scheme: SchemeCode, limit: Limit = 100, after: AfterId = None
) -> Any:
    """Rosters of a scheme inside the token's area, in the order in which they came."""
    return await usecases.list_rosters(service, caller, pool, scheme, after, limit)


@router.get(
    "/v1/rosters/{roster_id}",
    response_model=RosterOut,
    responses=declare(*tokens.DECLARED, problems.ROSTER_UNKNOWN),
)
async def read_roster(service: Service, caller: Reading, roster_id: RosterId, pool: Pool, response: Response) -> Any:
    """One roster, and how far its rows are taken."""
    roster = await usecases.read_roster(service, caller, pool, roster_id)
    response.headers["ETag"] = f'"{roster["version"]}"'
    return roster


@router.get(
    "/v1/rosters/{roster_id}/rows",
    response_model=RosterRowPage,
    responses=declare(*tokens.DECLARED, problems.ROSTER_UNKNOWN),
)
async def list_roster_rows(
    service: Service,
    caller: Reading,
    roster_id: RosterId,
    pool: Pool,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, description="`next` of the page before", examples=[0])] = 0,
) -> Any:
    """What became of each row that is done."""
    return await usecases.list_roster_rows(service, caller, pool, roster_id, after, limit)


@router.get(
    "/v1/rosters/{roster_id}/rejected",
    response_class=Response,
    responses=declare(*tokens.DECLARED, problems.ROSTER_UNKNOWN, problems.ROSTER_NOT_TAKEN, EVIDENCE_ERASED, ARCHIVED)
    | {200: {"description": "The rows that enrolled nobody, as sent, with the column 退回原因", **BINARY}},
)
async def return_roster_rows(service: Service, caller: Reading, roster_id: RosterId, pool: Pool) -> Response:
    """The rows that were refused or rejected, in the form they were sent in, each with its reasons.

    Identity numbers are masked unless the token may hand rosters in (`registration:write`) or has `persons:full`.
    """
    file_name, data = await usecases.read_returned_rows(service, caller, pool, roster_id)
    disposition = f"attachment; filename*=UTF-8''{quote(file_name)}"
    return Response(data, media_type=FILE, headers={"Content-Disposition": disposition})
