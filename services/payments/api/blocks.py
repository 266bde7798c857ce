"""Routes of receipt numbers that are handed out beforehand."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import usecases
from ..rules.blocks import BlockState
from ..schemas import blocks as wire
from ..schemas import ledger_problems as problems
from .parts import Checking, Reading, Service, Writing

router = APIRouter(tags=["receipts"])

_ID = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a0b"
BlockId = Annotated[UUID, Path(description="The block", examples=[_ID])]


@router.post(
    "/v1/receipt-blocks",
    response_model=wire.Block,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.FOUR_EYES),
)
async def issue_receipt_block(
    service: Service, caller: Checking, once: OnceKey, request: Request, order: wire.BlockOrder
) -> Response:
    """Hand out the next numbers of a unit's book to an agent (领用), for receipts written without network."""
    return respond(request, await usecases.issue_receipt_block(service, caller, once, order))


@router.get("/v1/receipt-blocks", response_model=wire.BlockPage, responses=declare(*tokens.DECLARED))
async def list_receipt_blocks(
    service: Service,
    caller: Reading,
    pool: Pool,
    state: Annotated[BlockState | None, Query(description="Only in this state", examples=["issued"])] = None,
    agent: Annotated[
        str | None, Query(max_length=200, description="Only this agent's (`sub`)", examples=["agent-zhang"])
    ] = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[_ID])] = None,
) -> Any:
    """Blocks inside the token's area, with what became of their numbers."""
    return await usecases.list_receipt_blocks(service, caller, pool, after=after, limit=limit, state=state, agent=agent)


@router.get(
    "/v1/receipt-blocks/{block_id}",
    response_model=wire.Block,
    responses=declare(*tokens.DECLARED, wire.BLOCK_UNKNOWN),
)
async def read_receipt_block(
    service: Service, caller: Reading, block_id: BlockId, pool: Pool, response: Response
) -> Any:
    """One block."""
    block = await usecases.read_receipt_block(service, caller, pool, block_id)
    response.headers["ETag"] = f'"{block["version"]}"'
    return block


_MOVING = (*tokens.DECLARED, *idempotency.DECLARED, *versions.DECLARED, wire.BLOCK_UNKNOWN, wire.BLOCK_MOVED_ON)


@router.post(
    "/v1/receipt-blocks/{block_id}/return",
    response_model=wire.Block,
    responses=declare(*_MOVING, wire.BLOCK_OF_ANOTHER, wire.UNUSED_DIFFERS),
)
async def return_receipt_block(
    service: Service,
    caller: Writing,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    block_id: BlockId,
    order: wire.BlockReturn,
) -> Response:
    """Give one's own block back (交回), with the count of what is unused; nothing is numbered from it any more."""
    return respond(request, await usecases.give_back_receipt_block(service, caller, once, block_id, version, order))


@router.post(
    "/v1/receipt-blocks/{block_id}/check",
    response_model=wire.Block,
    responses=declare(*_MOVING, problems.FOUR_EYES),
)
async def check_receipt_block(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    block_id: BlockId,
    order: wire.BlockCheck,
) -> Response:
    """Write a block off that came back (核销), having counted it, or send it back to the agent."""
    return respond(request, await usecases.check_receipt_block(service, caller, once, block_id, version, order))
