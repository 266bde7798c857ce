"""Routes of batch withholding (批量代扣): batches, their lines, the file for the bank, and the bank's return files."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.evidence import EMPTY_UPLOAD, receive_upload
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import ARCHIVED, TOO_LARGE, declare
from shared.versions import IfMatch

from .. import usecases
from ..rules.withholding import WithholdingLineState, WithholdingState
from ..schemas import ledger_problems
from ..schemas import withholding as wire
from ..schemas import withholding_problems as problems
from .parts import Checking, Reading, Service, Writing

router = APIRouter(tags=["withholding"])

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a31"
_FILE = "application/octet-stream"
_BINARY = {"content": {_FILE: {"schema": {"type": "string", "format": "binary"}}}}

WithholdingId = Annotated[UUID, Path(description="The batch", examples=[_ID])]


@router.post(
    "/v1/withholdings",
    response_model=wire.Withholding,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.NO_WITHHOLDING,
        problems.DEBIT_DAY_OVER,
        problems.NOTHING_TO_WITHHOLD,
    ),
)
async def build_withholding(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.WithholdingOrder
) -> Response:
    """Build a batch of the open bills whose persons have an agreement in force with a bank. Nothing is asked for until
    another person has released it. Left out is what stands in another batch, or in an order that can still be paid."""
    return respond(request, await usecases.build_withholding(service, caller, once, order))


@router.get("/v1/withholdings", response_model=wire.WithholdingPage, responses=declare(*tokens.DECLARED))
async def list_withholdings(
    service: Service,
    caller: Reading,
    pool: Pool,
    institution: Annotated[
        str | None, Query(max_length=40, description="Only of this bank", examples=["RCB990101"])
    ] = None,
    state: Annotated[WithholdingState | None, Query(description="Only in this state", examples=["sent"])] = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[_ID])] = None,
) -> Any:
    """Batches in the order in which they were built."""
    return await usecases.list_withholdings(
        service, caller, pool, after=after, limit=limit, institution=institution, state=state
    )


@router.get(
    "/v1/withholdings/{withholding_id}",
    response_model=wire.Withholding,
    responses=declare(*tokens.DECLARED, problems.WITHHOLDING_UNKNOWN),
)
async def read_withholding(
    service: Service, caller: Reading, withholding_id: WithholdingId, pool: Pool, response: Response
) -> Any:
    """One batch, and how its lines stand."""
    found = await usecases.read_withholding(service, caller, pool, withholding_id)
    response.headers["ETag"] = f'"{found["version"]}"'
    return found


@router.get(
    "/v1/withholdings/{withholding_id}/lines",
    response_model=wire.WithholdingLinePage,
    responses=declare(*tokens.DECLARED, problems.WITHHOLDING_UNKNOWN),
)
async def list_withholding_lines(
    service: Service,
    caller: Reading,
    withholding_id: WithholdingId,
    pool: Pool,
    state: Annotated[WithholdingLineState | None, Query(description="Only in this state", examples=["failed"])] = None,
    limit: Limit = 100,
    after: Annotated[str, Query(max_length=32, description="`next` of the page before", examples=[""])] = "",
) -> Any:
    """The lines of a batch, what the bank said of each and what the money came to."""
    return await usecases.list_withholding_lines(
        service, caller, pool, withholding_id, after=after, limit=limit, state=state
    )


_ACT_DECLARED = (
    *tokens.DECLARED,
    *idempotency.DECLARED,
    *versions.DECLARED,
    problems.WITHHOLDING_UNKNOWN,
    problems.WITHHOLDING_NOT_IN_STATE,
)


@router.post(
    "/v1/withholdings/{withholding_id}/release",
    response_model=wire.Withholding,
    responses=declare(
        *_ACT_DECLARED,
        problems.NO_WITHHOLDING,
        problems.DEBIT_DAY_OVER,
        problems.NOTHING_TO_WITHHOLD,
        ledger_problems.FOUR_EYES,
    ),
)
async def release_withholding(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    withholding_id: WithholdingId,
    order: wire.WithholdingAct,
) -> Response:
    """Ask for the money: the file for the bank is made and kept. Never by who built the batch."""
    return respond(request, await usecases.release_withholding(service, caller, once, withholding_id, version, order))


@router.post(
    "/v1/withholdings/{withholding_id}/cancel", response_model=wire.Withholding, responses=declare(*_ACT_DECLARED)
)
async def cancel_withholding(
    service: Service,
    caller: Writing,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    withholding_id: WithholdingId,
    order: wire.WithholdingAct,
) -> Response:
    """Cancel a batch that was not released; its bills are free for another."""
    return respond(request, await usecases.cancel_withholding(service, caller, once, withholding_id, version, order))


@router.get(
    "/v1/withholdings/{withholding_id}/file",
    response_class=Response,
    responses=declare(*tokens.DECLARED, problems.WITHHOLDING_UNKNOWN, problems.WITHHOLDING_NOT_IN_STATE, ARCHIVED)
    | {200: {"description": "The file for the bank", **_BINARY}},
)
async def read_withholding_file(
    service: Service, caller: Checking, withholding_id: WithholdingId, pool: Pool
) -> Response:
    """The file for the bank, as it was made at the release; the same bytes every time. It holds whole account numbers:
    who takes it is put on record."""
    name, raw = await usecases.read_withholding_file(service, caller, pool, withholding_id)
    return Response(raw, media_type=_FILE, headers={"Content-Disposition": f"attachment; filename={name}"})


@router.post(
    "/v1/withholdings/{withholding_id}/returns",
    response_model=wire.WithholdingReturn,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.WITHHOLDING_UNKNOWN,
        problems.NO_WITHHOLDING,
        problems.RETURN_OF_ANOTHER_BATCH,
        problems.RETURN_UNREADABLE,
        problems.WITHHOLDING_NOT_IN_STATE,
        problems.RETURN_SUPERSEDED,
        EMPTY_UPLOAD,
        TOO_LARGE,
    )
    | {200: {"model": wire.WithholdingReturn, "description": "The same bytes came before as this kind of file"}},
    openapi_extra={"requestBody": {"required": True, **_BINARY}},
)
async def receive_return(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    withholding_id: WithholdingId,
    pool: Pool,
    file_name: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            pattern=r"^[^/\\\x00-\x1f]+$",
            description="Name of the file, as the bank gave it; it has the batch number in it",
            examples=["final_RCB990101_990101203110080001.ret"],
        ),
    ],
) -> Response:
    """Hand over a file that the bank has sent back for a batch. It is kept whole; its lines are taken soon after."""
    upload = await receive_upload(request)
    answer = await usecases.receive_return(
        service, caller, once, upload, pool=pool, withholding_id=withholding_id, name=file_name
    )
    return respond(request, answer)


@router.get(
    "/v1/withholdings/{withholding_id}/returns",
    response_model=wire.WithholdingReturns,
    responses=declare(*tokens.DECLARED, problems.WITHHOLDING_UNKNOWN),
)
async def list_returns(service: Service, caller: Reading, withholding_id: WithholdingId, pool: Pool) -> Any:
    """The files that came for a batch, and how far each was taken."""
    return await usecases.list_returns(service, caller, pool, withholding_id)


@router.post(
    "/v1/withholdings/{withholding_id}/returns/{return_no}/check",
    response_model=wire.WithholdingReturn,
    responses=declare(
        *_ACT_DECLARED,
        problems.RETURN_UNKNOWN,
        problems.RETURN_NOT_IN_STATE,
        problems.RETURN_SUPERSEDED,
        ledger_problems.FOUR_EYES,
    ),
)
async def check_return(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    withholding_id: WithholdingId,
    return_no: Annotated[int, Path(ge=1, description="Number among the batch's files", examples=[1])],
    order: wire.ReturnJudgement,
) -> Response:
    """Accept or reject a return file whose totals are not those of its lines; never by who brought it."""
    answer = await usecases.judge_return(service, caller, once, withholding_id, return_no, version, order)
    return respond(request, answer)
