"""Routes of agents' cash-books."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from shared import tokens
from shared.pages import Pool
from shared.problem import declare

from .. import usecases
from ..schemas import cash_books as wire
from .parts import Reading, Service

router = APIRouter(tags=["ledgers"])

_FILE = "application/octet-stream"

Agent = Annotated[str, Query(min_length=1, max_length=200, description="The agent (`sub`)", examples=["agent-zhang"])]
First = Annotated[date | None, Query(alias="from", description="First day", examples=["2021-12-01"])]
Last = Annotated[date | None, Query(alias="to", description="Last day", examples=["2021-12-31"])]


@router.get("/v1/agents/cash-book", response_model=wire.CashBook, responses=declare(*tokens.DECLARED))
async def read_cash_book(
    service: Service, caller: Reading, pool: Pool, agent: Agent, first: First = None, last: Last = None
) -> Any:
    """What an agent took, handed over and holds, day by day with the running balance."""
    return await usecases.read_cash_book(service, caller, pool, agent, first=first, last=last)


@router.get(
    "/v1/agents/cash-book.xlsx",
    response_class=Response,
    responses=declare(*tokens.DECLARED)
    | {
        200: {
            "description": "The cash-book (XLSX)",
            "content": {_FILE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def export_cash_book(
    service: Service, caller: Reading, pool: Pool, agent: Agent, first: First = None, last: Last = None
) -> Response:
    """An agent's cash-book as a table for printing."""
    data = await usecases.export_cash_book(service, caller, pool, agent, first=first, last=last)
    headers = {"Content-Disposition": f"attachment; filename=cash-book-{pool}.xlsx"}
    return Response(data, media_type=_FILE, headers=headers)
