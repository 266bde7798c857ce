"""Routes of reconciliation: statements of the channels, their rows, exceptions and how they are resolved."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.evidence import EMPTY_UPLOAD, receive_upload
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import TOO_LARGE, declare
from shared.versions import IfMatch

from .. import schemas, usecases
from ..rules.reconciling import BreakState, StatementState
from ..rules.settlements import Source
from ..schemas import ledger_problems
from ..schemas import statement_problems as problems
from ..schemas import statements as wire
from .parts import Approving, Checking, Reading, Service, Writing

router = APIRouter()

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a20"
_FILE = "application/octet-stream"
_BINARY = {"content": {_FILE: {"schema": {"type": "string", "format": "binary"}}}}

StatementId = Annotated[UUID, Path(description="The statement", examples=[_ID])]
ExceptionId = Annotated[UUID, Path(description="The exception", examples=[_ID])]
Cursor = Annotated[UUID | None, Query(description="`next` of the page before", examples=[_ID])]
ChannelFilter = Annotated[Source | None, Query(description="Only of this channel", examples=["wechat"])]
ExceptionFilter = Annotated[BreakState | None, Query(description="Only in this state", examples=["open"])]


@router.post(
    "/v1/statements",
    response_model=wire.Statement,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.INSTITUTION_NEEDED,
        problems.ACCOUNT_UNKNOWN,
        problems.STATEMENT_AHEAD,
        problems.STATEMENT_UNREADABLE,
        problems.STATEMENT_OF_ANOTHER_DAY,
        EMPTY_UPLOAD,
        TOO_LARGE,
    )
    | {200: {"model": wire.Statement, "description": "The same bytes came before for this day"}},
    openapi_extra={"requestBody": {"required": True, **_BINARY}},
    tags=["reconciliation"],
)
async def receive_statement(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    pool: Pool,
    channel: Annotated[
        Source, Query(description="The channel that it comes from; `account`: of our account", examples=["wechat"])
    ],
    day: Annotated[date, Query(description="The channel's day", examples=["2021-12-05"])],
    file_name: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            pattern=r"^[^/\\\x00-\x1f]+$",
            description="Name of the file",
            examples=["tradebill-20211205.csv"],
        ),
    ],
    institution: Annotated[
        str,
        Query(
            pattern=r"^([0-9A-Za-z_.-]{1,40}(/[a-z_]{1,20})?)?$",
            description="Bank's code; of an agent the ledger, with `/method` where the list is of one way to pay; "
            "the account",
            examples=["RCB990101"],
        ),
    ] = "",
) -> Response:
    """Hand over a channel's statement of a day. It is kept whole and taken in soon after; other bytes for the same day
    are a new version, which re-opens only the rows that differ."""
    upload = await receive_upload(request)
    answer = await usecases.receive_statement(
        service, caller, once, upload, pool=pool, channel=channel, institution=institution, day=day, file_name=file_name
    )
    return respond(request, answer)


@router.get(
    "/v1/statements", response_model=wire.StatementPage, responses=declare(*tokens.DECLARED), tags=["reconciliation"]
)
async def list_statements(
    service: Service,
    caller: Reading,
    pool: Pool,
    channel: ChannelFilter = None,
    state: Annotated[StatementState | None, Query(description="Only in this state", examples=["differs"])] = None,
    day: Annotated[date | None, Query(description="Only of this day", examples=["2021-12-05"])] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """Statements of all channels, in the order in which they came."""
    return await usecases.list_statements(
        service, caller, pool, after=after, limit=limit, channel=channel, state=state, day=day
    )


@router.get(
    "/v1/statements/{statement_id}",
    response_model=wire.Statement,
    responses=declare(*tokens.DECLARED, problems.STATEMENT_UNKNOWN),
    tags=["reconciliation"],
)
async def read_statement(
    service: Service, caller: Reading, statement_id: StatementId, pool: Pool, response: Response
) -> Any:
    """One statement, and how far it is reconciled."""
    statement = await usecases.read_statement(service, caller, pool, statement_id)
    response.headers["ETag"] = f'"{statement["version"]}"'
    return statement


@router.get(
    "/v1/statements/{statement_id}/rows",
    response_model=wire.StatementRowPage,
    responses=declare(*tokens.DECLARED, problems.STATEMENT_UNKNOWN),
    tags=["reconciliation"],
)
async def list_statement_rows(
    service: Service,
    caller: Reading,
    statement_id: StatementId,
    pool: Pool,
    result: Annotated[
        wire.ResultName | None, Query(description="Only rows that come to this", examples=["ours_missing"])
    ] = None,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, description="`next` of the page before", examples=[0])] = 0,
) -> Any:
    """The lines of a statement and what each comes to."""
    return await usecases.list_statement_rows(
        service, caller, pool, statement_id, after=after, limit=limit, result=result
    )


@router.post(
    "/v1/statements/{statement_id}/check",
    response_model=wire.Statement,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.STATEMENT_UNKNOWN,
        problems.STATEMENT_NOT_IN_STATE,
        ledger_problems.FOUR_EYES,
    ),
    tags=["reconciliation"],
)
async def check_statement(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    statement_id: StatementId,
    order: wire.StatementJudgement,
) -> Response:
    """Accept or reject a statement whose totals are not those of its lines; never by who brought it. Accepted, every
    line of it counts, and the difference is an exception."""
    return respond(request, await usecases.judge_statement(service, caller, once, statement_id, version, order))


@router.post(
    "/v1/statements/{statement_id}/reconcile",
    response_model=wire.Statement,
    responses=declare(*tokens.DECLARED, problems.STATEMENT_UNKNOWN, problems.STATEMENT_NOT_IN_STATE),
    tags=["reconciliation"],
)
async def reconcile_statement(
    service: Service, caller: Writing, statement_id: StatementId, order: wire.StatementOrder
) -> Any:
    """Look at what is open of a statement once more now instead of tomorrow; what is settled stays as it is."""
    return await usecases.reconcile_again(service, caller, order.pool, statement_id)


@router.get(
    "/v1/reconciliation",
    response_model=wire.ReconciliationFigures,
    responses=declare(*tokens.DECLARED),
    tags=["reconciliation"],
)
async def summarise_reconciliation(service: Service, caller: Reading, pool: Pool) -> Any:
    """How far a pool's statements are reconciled."""
    return await usecases.read_reconciliation(service, caller, pool)


@router.get(
    "/v1/exceptions",
    response_model=wire.StatementExceptionPage,
    responses=declare(*tokens.DECLARED),
    tags=["reconciliation"],
)
async def list_exceptions(
    service: Service,
    caller: Reading,
    pool: Pool,
    state: ExceptionFilter = None,
    channel: ChannelFilter = None,
    statement_id: Annotated[UUID | None, Query(description="Only of this statement", examples=[_ID])] = None,
    limit: Limit = 100,
    after: Cursor = None,
) -> Any:
    """差错: what does not fit, in the order in which it was found."""
    return await usecases.list_breaks(
        service, caller, pool, after=after, limit=limit, state=state, channel=channel, statement_id=statement_id
    )


@router.get(
    "/v1/exceptions.xlsx",
    response_class=Response,
    responses=declare(*tokens.DECLARED) | {200: {"description": "A table for clerks", **_BINARY}},
    tags=["reconciliation"],
)
async def export_exceptions(service: Service, caller: Reading, pool: Pool, state: ExceptionFilter = None) -> Response:
    """Exceptions as a table for clerks."""
    data = await usecases.export_breaks(service, caller, pool, state)
    headers = {"Content-Disposition": f"attachment; filename=exceptions-{pool}.xlsx"}
    return Response(data, media_type=_FILE, headers=headers)


@router.get(
    "/v1/exceptions/{exception_id}",
    response_model=wire.StatementException,
    responses=declare(*tokens.DECLARED, problems.BREAK_UNKNOWN),
    tags=["reconciliation"],
)
async def read_exception(
    service: Service, caller: Reading, exception_id: ExceptionId, pool: Pool, response: Response
) -> Any:
    """One exception."""
    found = await usecases.read_break(service, caller, pool, exception_id)
    response.headers["ETag"] = f'"{found["version"]}"'
    return found


@router.post(
    "/v1/exceptions/{exception_id}/propose",
    response_model=wire.StatementException,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.BREAK_UNKNOWN,
        problems.BREAK_NOT_IN_STATE,
        problems.RESOLUTION_NOT_POSSIBLE,
    ),
    tags=["reconciliation"],
)
async def propose_resolution(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    exception_id: ExceptionId,
    order: wire.ResolutionProposal,
) -> Response:
    """Propose what to do about an exception."""
    return respond(request, await usecases.propose(service, caller, once, exception_id, version, order))


@router.post(
    "/v1/exceptions/{exception_id}/approve",
    response_model=wire.StatementException,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.BREAK_UNKNOWN,
        problems.BREAK_NOT_IN_STATE,
        problems.RESOLUTION_NOT_POSSIBLE,
        ledger_problems.FOUR_EYES,
        schemas.NOT_REVERSIBLE,
    ),
    tags=["reconciliation"],
)
async def approve_resolution(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    exception_id: ExceptionId,
    order: wire.ResolutionApproval,
) -> Response:
    """Approve a proposal, which takes effect at once, or return it; never by who proposed it or brought the file."""
    return respond(request, await usecases.approve(service, caller, once, exception_id, version, order))
