"""The route that shows the rules, and the job, the same in every service."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from .. import tokens
from ..jobs import Job
from ..problem import declare
from ..tokens import Caller
from .erasing import Retention

_EVERY_SECONDS = 600


class RetentionRule(BaseModel):
    """How long a kind of record is kept."""

    kind: str = Field(description="Name of the kind", examples=["files"])
    meaning: str = Field(description="What belongs to it", examples=["Lists of departments"])
    days: int | None = Field(description="Days after which it is erased; null: kept for ever", examples=[1826])
    least_days: int = Field(description="Fewer days than these cannot be set", examples=[90])


class RetentionRules(BaseModel):
    """What is kept how long. What was erased stands in the audit lines `retention.erased`."""

    items: list[RetentionRule] = Field(description="Every kind", examples=[[]])
    held_pools: list[str] = Field(description="Pooling areas in which nothing is erased now", examples=[["990101"]])


def routes(retention: Retention) -> APIRouter:
    """`/v1/retention`."""
    router = APIRouter(tags=["inspection"])
    Reading = Annotated[Caller, Depends(tokens.needs(f"{retention.service}:read"))]  # noqa: N806 -- a type

    @router.get("/v1/retention", response_model=RetentionRules, responses=declare(*tokens.DECLARED))
    async def read_retention(_caller: Reading) -> Any:
        """How long this service keeps what, by its settings."""
        rules = [
            {
                "kind": kind.name,
                "meaning": kind.meaning,
                "days": retention.days.get(kind.name),
                "least_days": kind.least_days,
            }
            for kind in retention.kinds
        ]
        return {"items": rules, "held_pools": sorted(retention.held_pools)}

    return router


def jobs(retention: Retention) -> Sequence[Job]:
    """What retention does without a request."""
    return [Job("erase_what_is_old", _EVERY_SECONDS, partial(retention.erase))]
