"""Lists: `?limit=&after=` answers `{"items": […], "next": "…"|null}`; keyset paging, so no page grows with history."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query

from .regions import POOL_PATTERN

LIMIT = 1_000

Limit = Annotated[int, Query(ge=1, le=LIMIT, description="At most so many items", examples=[100])]
After = Annotated[
    str,
    Query(max_length=200, description="`next` of the page before; empty for the first page", examples=[""]),
]
Pool = Annotated[
    str,
    Query(pattern=POOL_PATTERN, description="Pooling area (统筹区), six-digit division code", examples=["990101"]),
]


def page(rows: Sequence[Mapping[str, Any]], limit: int, key: Callable[[Mapping[str, Any]], object]) -> dict[str, Any]:
    """The answer for `limit + 1` rows read after the cursor: the extra one only tells that there is more."""
    shown = list(rows[:limit])
    return {"items": shown, "next": str(key(shown[-1])) if len(rows) > limit else None}
