"""Routes of agents: their devices, ledgers and lines."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from shared import idempotency, tokens, versions
from shared.idempotency import OnceKey, respond
from shared.pages import Limit, Pool
from shared.problem import declare
from shared.versions import IfMatch

from .. import usecases
from ..schemas import ledger_problems as problems
from ..schemas import ledgers as wire
from .parts import Checking, DeviceId, LedgerId, Reading, Service, Writing

router = APIRouter(tags=["ledgers"])

LedgerCursor = Annotated[
    UUID | None, Query(description="`next` of the page before", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a08"])
]
Status = Annotated[
    Literal["open", "closed", "remitted"] | None, Query(description="Only ledgers in this state", examples=["open"])
]
SchemeOfLedger = Annotated[str | None, Query(max_length=60, description="Only this scheme", examples=["example-2031"])]
Agent = Annotated[str | None, Query(max_length=200, description="Only this agent's (`sub`)", examples=["agent-zhang"])]


@router.post(
    "/v1/agents/devices",
    response_model=wire.Device,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.DEVICE_KEY_FAULTY, problems.DEVICE_KEY_TAKEN),
)
async def register_device(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.DeviceRegistration
) -> Response:
    """Register the public key of a device on which the acting person signs lines."""
    return respond(request, await usecases.register_device(service, caller, once, order))


@router.post(
    "/v1/agents/devices/{device_id}/withdraw",
    response_model=wire.Device,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.DEVICE_UNKNOWN),
)
async def withdraw_device(
    service: Service,
    caller: Writing,
    once: OnceKey,
    request: Request,
    device_id: DeviceId,
    order: wire.DeviceWithdrawal,
) -> Response:
    """Withdraw one's own device; it signs nothing new."""
    return respond(request, await usecases.withdraw_device(service, caller, once, device_id, order))


@router.post(
    "/v1/ledgers",
    response_model=wire.Ledger,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.LEDGER_OPEN),
)
async def open_ledger(
    service: Service, caller: Writing, once: OnceKey, request: Request, order: wire.LedgerOpening
) -> Response:
    """Open a ledger (代收台账) for a unit; the acting person becomes its agent."""
    return respond(request, await usecases.open_ledger(service, caller, once, order))


@router.get("/v1/ledgers", response_model=wire.LedgerPage, responses=declare(*tokens.DECLARED))
async def list_ledgers(
    service: Service,
    caller: Reading,
    pool: Pool,
    scheme: SchemeOfLedger = None,
    status: Status = None,
    agent: Agent = None,
    limit: Limit = 100,
    after: LedgerCursor = None,
) -> Any:
    """Ledgers inside the token's area, in the order in which they were opened."""
    return await usecases.list_ledgers(
        service, caller, pool, after=after, limit=limit, scheme=scheme, status=status, agent=agent
    )


@router.get(
    "/v1/ledgers/{ledger_id}",
    response_model=wire.Ledger,
    responses=declare(*tokens.DECLARED, problems.LEDGER_UNKNOWN),
)
async def read_ledger(service: Service, caller: Reading, ledger_id: LedgerId, pool: Pool, response: Response) -> Any:
    """One ledger."""
    ledger = await usecases.read_ledger(service, caller, pool, ledger_id)
    response.headers["ETag"] = f'"{ledger["version"]}"'
    return ledger


@router.post(
    "/v1/ledgers/{ledger_id}/lines",
    response_model=wire.LedgerLinesAnswer,
    status_code=201,
    responses=declare(*tokens.DECLARED, *idempotency.DECLARED, problems.LEDGER_UNKNOWN, problems.LEDGER_OF_ANOTHER),
)
async def record_ledger_lines(
    service: Service, caller: Writing, once: OnceKey, request: Request, ledger_id: LedgerId, order: wire.LedgerLines
) -> Response:
    """Write lines into one's own ledger and book their money. A refused line comes back, the others are kept."""
    return respond(request, await usecases.record_ledger_lines(service, caller, once, ledger_id, order))


@router.get(
    "/v1/ledgers/{ledger_id}/lines",
    response_model=wire.LedgerLinePage,
    responses=declare(*tokens.DECLARED, problems.LEDGER_UNKNOWN),
)
async def list_ledger_lines(
    service: Service,
    caller: Reading,
    ledger_id: LedgerId,
    pool: Pool,
    held: Annotated[
        bool | None,
        Query(
            description="true: only lines whose money the agent still holds; false: only the others", examples=[True]
        ),
    ] = None,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=1_000_000, description="`next` of the page before", examples=[0])] = 0,
) -> Any:
    """Lines of a ledger by number, as sent, with both signatures."""
    return await usecases.list_ledger_lines(service, caller, pool, ledger_id, after=after, limit=limit, held=held)


@router.get(
    "/v1/ledgers/{ledger_id}/totals",
    response_model=wire.LedgerTotals,
    responses=declare(*tokens.DECLARED, problems.LEDGER_UNKNOWN),
)
async def summarise_ledger(
    service: Service, caller: Reading, ledger_id: LedgerId, pool: Pool, response: Response
) -> Any:
    """The foot of a ledger, to be printed, compared and signed: counts and sums, in figures and in words."""
    totals = await usecases.total_ledger(service, caller, pool, ledger_id)
    response.headers["ETag"] = f'"{totals["version"]}"'
    return totals


@router.post(
    "/v1/ledgers/{ledger_id}/close",
    response_model=wire.Ledger,
    responses=declare(
        *tokens.DECLARED,
        *idempotency.DECLARED,
        *versions.DECLARED,
        problems.LEDGER_UNKNOWN,
        problems.FOUR_EYES,
        problems.LEDGER_CLOSED,
        problems.WINDOW_OPEN,
        problems.LEDGER_GAPS,
        problems.FIGURES_DIFFER,
        problems.SIGNATURE_REFUSED,
    ),
)
async def close_ledger(
    service: Service,
    caller: Checking,
    once: OnceKey,
    version: IfMatch,
    request: Request,
    ledger_id: LedgerId,
    order: wire.LedgerClosing,
) -> Response:
    """The head of the agency has verified the ledger after the payment period and signs; nothing can be added after."""
    return respond(request, await usecases.close_ledger(service, caller, once, ledger_id, version, order))
