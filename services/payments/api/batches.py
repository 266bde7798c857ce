"""Routes of batches of ledger lines that were made without network."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens
from shared.evidence import EMPTY_UPLOAD, receive_upload
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import ARCHIVED, TOO_LARGE, declare

from .. import usecases
from ..schemas import batches as wire
from ..schemas import ledger_problems as problems
from .parts import LedgerId, Reading, Service, Writing

router = APIRouter(tags=["ledgers"])

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a0c"
_FILE = "application/octet-stream"
_BINARY = {"content": {_FILE: {"schema": {"type": "string", "format": "binary"}}}}

BatchId = Annotated[UUID, Path(description="The batch", examples=[_ID])]


@router.post(
    "/v1/ledgers/{ledger_id}/batches",
    response_model=wire.Batch,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.LEDGER_UNKNOWN,
        wire.BATCH_UNREADABLE,
        wire.BATCH_NOT_SIGNED,
        EMPTY_UPLOAD,
        TOO_LARGE,
    )
    | {200: {"model": wire.Batch, "description": "The same bytes came before; refused lines are tried once more"}},
    openapi_extra={"requestBody": {"required": True, **_BINARY}},
)
async def receive_ledger_batch(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    ledger_id: LedgerId,
    pool: Pool,
    file_name: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            pattern=r"^[^/\\\x00-\x1f]+$",
            description="Name of the file",
            examples=["V200-20211205.jsonl"],
        ),
    ],
) -> Response:
    """Hand in a batch that a device made without network, signed by it (JSON lines). It is kept whole and taken soon
    after, line by line; halves, repetitions and another order do no harm."""
    upload = await receive_upload(request)
    answer = await usecases.receive_ledger_batch(
        service, caller, once, upload, pool=pool, ledger_id=ledger_id, file_name=file_name
    )
    return respond(request, answer)


@router.get(
    "/v1/ledgers/{ledger_id}/batches",
    response_model=wire.BatchPage,
    responses=declare(*tokens.DECLARED, problems.LEDGER_UNKNOWN),
)
async def list_ledger_batches(
    service: Service,
    caller: Reading,
    ledger_id: LedgerId,
    pool: Pool,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[_ID])] = None,
) -> Any:
    """Batches of a ledger, in the order in which they came."""
    return await usecases.list_ledger_batches(service, caller, pool, ledger_id, after=after, limit=limit)


@router.get(
    "/v1/ledger-batches/{batch_id}",
    response_model=wire.Batch,
    responses=declare(*tokens.DECLARED, wire.BATCH_UNKNOWN),
)
async def read_ledger_batch(
    service: Service, caller: Reading, batch_id: BatchId, pool: Pool, response: Response
) -> Any:
    """One batch, and how far it is in the ledger."""
    batch = await usecases.read_ledger_batch(service, caller, pool, batch_id)
    response.headers["ETag"] = f'"{batch["version"]}"'
    return batch


@router.get(
    "/v1/ledger-batches/{batch_id}/lines",
    response_model=wire.BatchLinePage,
    responses=declare(*tokens.DECLARED, wire.BATCH_UNKNOWN),
)
async def list_ledger_batch_lines(
    service: Service,
    caller: Reading,
    batch_id: BatchId,
    pool: Pool,
    refused: Annotated[
        bool | None, Query(description="true: only lines that came back; false: only the others", examples=[True])
    ] = None,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=1_000_000, description="`next` of the page before", examples=[0])] = 0,
) -> Any:
    """What became of each line of a batch, in the order of the file."""
    return await usecases.list_ledger_batch_lines(
        service, caller, pool, batch_id, after=after, limit=limit, refused=refused
    )


@router.get(
    "/v1/ledger-batches/{batch_id}/refused",
    response_class=Response,
    responses=declare(*tokens.DECLARED, wire.BATCH_UNKNOWN, ARCHIVED)
    | {200: {"description": "Refused lines, as JSON lines", **_BINARY}},
)
async def export_refused_lines(service: Service, caller: Reading, batch_id: BatchId, pool: Pool) -> Response:
    """The lines that came back, as a file for the device: row, reason, what to do, and the line as it came."""
    data = await usecases.export_refused_lines(service, caller, pool, batch_id)
    headers = {"Content-Disposition": f"attachment; filename=refused-{batch_id}.jsonl"}
    return Response(data, media_type=_FILE, headers=headers)
