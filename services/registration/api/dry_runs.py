"""Routes of dry runs: what a package would change for everybody who is enrolled."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from shared import idempotency, tokens
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import declare

from .. import usecases
from ..schemas import problems
from ..schemas.dry_runs import DryRunChangePage, DryRunOut, DryRunPage, DryRunRequest, DryRunSummary, Effect
from .parts import BINARY, FILE, AfterId, Reading, SchemeCode, SchemeInPath, Service, VersionInPath, Writing

router = APIRouter(tags=["dry runs"])

RunId = Annotated[UUID, Path(description="Dry run", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])]


@router.post(
    "/v1/packages/{scheme}/{version}/dry-run",
    response_model=DryRunOut,
    status_code=201,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        problems.PACKAGE_UNKNOWN,
        problems.PACKAGE_STATE,
        problems.SCHEME_UNKNOWN,
    ),
)
async def start_dry_run(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    scheme: SchemeInPath,
    version: VersionInPath,
    asked: DryRunRequest,
) -> Response:
    """Start judging everybody who is enrolled by a package, whatever its state. It changes no assessment."""
    return respond(request, await usecases.start_dry_run(service, caller, once, scheme, version, asked))


@router.get("/v1/dry-runs", response_model=DryRunPage, responses=declare(*tokens.DECLARED))
async def list_dry_runs(
    service: Service, caller: Reading, pool: Pool, scheme: SchemeCode, limit: Limit = 100, after: AfterId = None
) -> Any:
    """The dry runs of a scheme's packages, in the order in which they were started."""
    return await usecases.list_dry_runs(service, caller, pool, scheme, after, limit)


@router.get(
    "/v1/dry-runs/{run_id}",
    response_model=DryRunSummary,
    responses=declare(*tokens.DECLARED, problems.DRY_RUN_UNKNOWN),
)
async def read_dry_run(service: Service, caller: Reading, run_id: RunId, pool: Pool, response: Response) -> Any:
    """One dry run: how far it is, sums by group and payer before and after, and who would be refused why."""
    run = await usecases.read_dry_run(service, caller, pool, run_id)
    response.headers["ETag"] = f'"{run["version"]}"'
    return run


@router.post(
    "/v1/dry-runs/{run_id}/cancel",
    response_model=DryRunOut,
    responses=declare(*tokens.DECLARED, problems.DRY_RUN_UNKNOWN),
)
async def cancel_dry_run(service: Service, caller: Writing, run_id: RunId, pool: Pool) -> Any:
    """Cancel a dry run; one that has ended stays as it is."""
    return await usecases.cancel_dry_run(service, caller, pool, run_id)


@router.get(
    "/v1/dry-runs/{run_id}/changes",
    response_model=DryRunChangePage,
    responses=declare(*tokens.DECLARED, problems.DRY_RUN_UNKNOWN),
)
async def list_dry_run_changes(
    service: Service,
    caller: Reading,
    run_id: RunId,
    pool: Pool,
    effect: Annotated[Effect | None, Query(description="Only those with this effect", examples=["pays_more"])] = None,
    limit: Limit = 100,
    after: AfterId = None,
) -> Any:
    """Whom the package would change, as far as the dry run has come."""
    return await usecases.list_dry_run_changes(service, caller, pool, run_id, effect=effect, after=after, limit=limit)


@router.get(
    "/v1/dry-runs/{run_id}/changes.csv",
    response_class=Response,
    responses=declare(*tokens.DECLARED, problems.DRY_RUN_UNKNOWN, problems.DRY_RUN_NOT_DONE)
    | {200: {"description": "CSV in UTF-8 that spreadsheets open, with Chinese headings", **BINARY}},
)
async def export_dry_run_changes(service: Service, caller: Reading, run_id: RunId, pool: Pool) -> Response:
    """Everybody whom the package would change, however many, one row each."""
    pieces = await usecases.export_dry_run_changes(service, caller, pool, run_id)
    return StreamingResponse(pieces, media_type=FILE, headers=_named(f"{run_id}.csv"))


@router.get(
    "/v1/dry-runs/{run_id}/sums.xlsx",
    response_class=Response,
    responses=declare(*tokens.DECLARED, problems.DRY_RUN_UNKNOWN, problems.DRY_RUN_NOT_DONE)
    | {200: {"description": "XLSX with Chinese headings", **BINARY}},
)
async def export_dry_run_sums(service: Service, caller: Reading, run_id: RunId, pool: Pool) -> Response:
    """Sums by group and payer before and after, and how many would be refused for each reason."""
    data = await usecases.export_dry_run_sums(service, caller, pool, run_id)
    return Response(data, media_type=FILE, headers=_named(f"{run_id}.xlsx"))


def _named(file_name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{file_name}"'}
