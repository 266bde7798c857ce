"""Routes of merges: two records that are one person."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool, page
from shared.problem import declare
from shared.versions import IfMatch

from .. import schemas, usecases
from ..rules import MergeAct, MergeState
from ..schemas.fields import ID
from .parts import Approving, Reading, Service, Writing

router = APIRouter()

MergeId = Annotated[UUID, Path(description="The merge", examples=[ID])]

_DECIDED = (
    *tokens.DECLARED,
    *idempotency.DECLARED,
    *versions.DECLARED,
    schemas.MERGE_UNKNOWN,
    schemas.MERGE_NOT_IN_STATE,
)


@router.post(
    "/v1/merges",
    response_model=schemas.Merge,
    status_code=201,
    responses=declare(
        *tokens.DECLARED, *idempotency.DECLARED, schemas.PERSON_UNKNOWN, schemas.PERSON_ERASED, schemas.MERGE_MOOT
    ),
    tags=["merges"],
)
async def propose_merge(
    service: Service, caller: Writing, once: OnceKey, request: Request, wanted: schemas.MergeProposal
) -> Response:
    """Propose that two records are one person; another person decides."""
    return respond(request, await usecases.propose_merge(service, caller, once, wanted))


@router.get("/v1/merges", response_model=schemas.MergePage, responses=declare(*tokens.DECLARED), tags=["merges"])
async def list_merges(
    service: Service,
    caller: Reading,
    pool: Pool,
    state: Annotated[MergeState | None, Query(description="Only those in this state", examples=["proposed"])] = None,
    person_id: Annotated[UUID | None, Query(description="Only those of this record", examples=[ID])] = None,
    limit: Limit = 100,
    after: Annotated[UUID | None, Query(description="`next` of the page before", examples=[ID])] = None,
) -> Any:
    """Merges: carried out, waiting for somebody, and undone."""
    rows = await usecases.list_merges(service, caller, pool, state, person_id, after, limit)
    return page(rows, limit, lambda merge: merge["merge_id"])


@router.get(
    "/v1/merges/{merge_id}",
    response_model=schemas.Merge,
    responses=declare(*tokens.DECLARED, schemas.MERGE_UNKNOWN),
    tags=["merges"],
)
async def read_merge(service: Service, caller: Reading, request: Request, merge_id: MergeId, pool: Pool) -> Response:
    """One merge."""
    return respond(request, await usecases.read_merge(service, caller, pool, merge_id))


@router.post(
    "/v1/merges/{merge_id}/approve",
    response_model=schemas.Merge,
    responses=declare(*_DECIDED, schemas.MERGE_FOUR_EYES, schemas.MERGE_MOOT),
    tags=["merges"],
)
async def approve_merge(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    merge_id: MergeId,
    pool: Pool,
) -> Response:
    """Let two records be one person from now on; what was known of each before stays as it was."""
    answer = await usecases.decide_merge(service, caller, once, pool, merge_id, version, MergeAct.APPROVE)
    return respond(request, answer)


@router.post(
    "/v1/merges/{merge_id}/reject",
    response_model=schemas.Merge,
    responses=declare(*_DECIDED, schemas.MERGE_FOUR_EYES),
    tags=["merges"],
)
async def reject_merge(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    merge_id: MergeId,
    pool: Pool,
) -> Response:
    """Decide that the two are two; lists that say otherwise change nothing."""
    answer = await usecases.decide_merge(service, caller, once, pool, merge_id, version, MergeAct.DECLINE)
    return respond(request, answer)


@router.post(
    "/v1/merges/{merge_id}/dispute", response_model=schemas.Merge, responses=declare(*_DECIDED), tags=["merges"]
)
async def dispute_merge(
    service: Service,
    caller: Writing,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    merge_id: MergeId,
    pool: Pool,
    why: schemas.MergeReason,
) -> Response:
    """Say that a merge was wrong; it holds until another person decides."""
    answer = await usecases.decide_merge(service, caller, once, pool, merge_id, version, MergeAct.DISPUTE, why.reason)
    return respond(request, answer)


@router.post(
    "/v1/merges/{merge_id}/uphold",
    response_model=schemas.Merge,
    responses=declare(*_DECIDED, schemas.MERGE_FOUR_EYES),
    tags=["merges"],
)
async def uphold_merge(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    merge_id: MergeId,
    pool: Pool,
) -> Response:
    """Decide that a disputed merge was right."""
    answer = await usecases.decide_merge(service, caller, once, pool, merge_id, version, MergeAct.UPHOLD)
    return respond(request, answer)


@router.post(
    "/v1/merges/{merge_id}/undo",
    response_model=schemas.Merge,
    responses=declare(*_DECIDED, schemas.MERGE_FOUR_EYES, schemas.MERGE_OVERTAKEN),
    tags=["merges"],
)
async def undo_merge(
    service: Service,
    caller: Approving,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    merge_id: MergeId,
    pool: Pool,
) -> Response:
    """Undo a disputed merge: from now on each answers for itself again, with what was said of it."""
    answer = await usecases.decide_merge(service, caller, once, pool, merge_id, version, MergeAct.UNDO)
    return respond(request, answer)
