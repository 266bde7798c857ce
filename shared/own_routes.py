"""Routes that every service has about itself: its feed, followers, invariants, alarms, health and metrics."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from . import metrics, problem
from .clock import Clock
from .database import Database
from .events import LAST_SEQ, EventPage, Follower, FollowerStates, Heads, read_events, read_heads
from .invariants import Invariant, check
from .pages import Limit, Pool
from .pages import page as make_page
from .tokens import DECLARED, Caller, needs


class InvariantFinding(BaseModel):
    """What an invariant found."""

    name: str = Field(description="Name of the invariant", examples=["postings_sum_to_zero"])
    meaning: str = Field(description="What must hold", examples=["The postings of a transfer sum to zero"])
    found: int = Field(description="Rows that break it; 0 where all is well", examples=[0])
    sample: list[str] = Field(description="The first few, as pool/subject", examples=[[]])


class InvariantReport(BaseModel):
    """All invariants of the service."""

    items: list[InvariantFinding] = Field(description="One entry per invariant", examples=[[]])


class Health(BaseModel):
    """Alive or ready."""

    status: str = Field(description="`ok`", examples=["ok"])


def feed(name: str, database: Database) -> APIRouter:
    router = APIRouter(tags=["events"])
    Reading = Annotated[Caller, Depends(needs(f"{name}:read"))]  # noqa: N806 -- a type

    @router.get("/v1/events", response_model=EventPage, responses=problem.declare(*DECLARED))
    async def list_events(
        caller: Reading,
        pool: Pool,
        after: Annotated[
            int, Query(ge=0, le=LAST_SEQ, description="Cursor: the last `seq` seen, 0 for the beginning", examples=[0])
        ] = 0,
        limit: Limit = 500,
    ) -> Any:
        """The pool's events after a cursor, gap-free and in commit order."""
        caller.require_pool(pool)
        async with database.reading_behind() as tx:
            return make_page(await read_events(tx, pool, after, limit), limit, lambda row: row["seq"])

    @router.get("/v1/events/heads", response_model=Heads, responses=problem.declare(*DECLARED))
    async def list_event_heads(caller: Reading) -> Any:
        """Where the feed of each pool ends; only pools inside the caller's area."""
        async with database.reading_behind() as tx:
            return {"items": [head for head in await read_heads(tx) if head["pool"].startswith(caller.area)]}

    return router


def own_state(
    name: str, database: Database, invariants: Sequence[Invariant], followers: Sequence[Follower]
) -> APIRouter:
    router = APIRouter(tags=["operation"])
    Reading = Annotated[Caller, Depends(needs(f"{name}:read"))]  # noqa: N806 -- a type

    @router.get("/v1/followers", response_model=FollowerStates, responses=problem.declare(*DECLARED))
    async def list_followers(caller: Reading) -> Any:
        """How far this service has followed the feeds of others; lag 0 means it has seen all."""
        states = [state for follower in followers for state in await follower.states()]
        return {"items": [state for state in states if state["pool"].startswith(caller.area)]}

    @router.get("/v1/invariants", response_model=InvariantReport, responses=problem.declare(*DECLARED))
    async def check_invariants(caller: Reading) -> Any:
        """Run the queries that must find nothing. Needs a token for all areas."""
        caller.require_region("")
        async with database.reading_behind() as tx:
            return {"items": [finding.__dict__ for finding in await check(tx, invariants)]}

    return router


def alarms(name: str, database: Database, alarms: Sequence[Invariant], clock: Clock) -> APIRouter:
    router = APIRouter(tags=["operation"])
    Reading = Annotated[Caller, Depends(needs(f"{name}:read"))]  # noqa: N806 -- a type

    @router.get("/v1/alarms", response_model=InvariantReport, responses=problem.declare(*DECLARED))
    async def check_alarms(caller: Reading) -> Any:
        """What waits for somebody longer than it may, by the business clock. Needs a token for all areas."""
        caller.require_region("")
        async with database.reading_behind() as tx:
            return {"items": [finding.__dict__ for finding in await check(tx, alarms, now=clock.now())]}

    return router


def health(database: Database, revision: str) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_model=Health)
    async def check_health() -> Any:
        """Alive: the process answers."""
        return {"status": "ok"}

    @router.get("/readyz", response_model=Health, responses=problem.declare(problem.BUSY))
    async def check_readiness() -> Any:
        """Ready: the database answers and stands at the migration this code expects."""
        try:
            async with database.engine.connect() as connection:
                found = (await connection.execute(text("select version_num from alembic_version"))).scalar_one_or_none()
        except (SQLAlchemyError, OSError) as error:
            raise problem.BUSY() from error
        if found != revision:
            raise problem.BUSY()
        return {"status": "ok"}

    @router.get("/metrics", include_in_schema=False)
    async def read_metrics() -> Response:
        """Prometheus metrics."""
        return Response(metrics.render(), media_type=metrics.CONTENT_TYPE)

    return router
