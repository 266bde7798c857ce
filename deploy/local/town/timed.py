"""An act of the season before it has its number."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

Act = dict[str, Any]


@dataclass(frozen=True)
class Timed:
    """An act with its instant, and its place among acts of the same instant."""

    at: datetime
    place: int
    fields: Act


def stamped(at: datetime) -> str:
    """A business instant as the acts write it."""
    return f"{at.isoformat()}+08:00"
