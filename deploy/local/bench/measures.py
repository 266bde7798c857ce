"""What a benchmark says: rows of the contract, and beside them what was used to get there."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Row:
    """One measurement: `n` of something, what was reached, and the limit it stands against."""

    name: str
    unit: str
    n: int
    ours: float
    limit: float
    ratio: float
    limit_is: str
    machine: str


@dataclass(frozen=True)
class Measured:
    """A row, the ratio it aims at, and what is worth knowing beside it (memory, waits, processor time)."""

    row: Row
    aim: float
    beside: dict[str, float] = field(default_factory=dict)


def against(
    name: str,
    unit: str,
    n: int,
    ours: Sequence[float],
    limit: Sequence[float],
    limit_is: str,
    aim: float,
    beside: dict[str, float] | None = None,
) -> Measured:
    """Rates of several rounds against those of the limit in the same rounds: medians, larger is better."""
    reached, possible = median(ours), median(limit)
    row = Row(name, unit, n, round(reached, 1), round(possible, 1), round(reached / possible, 3), limit_is, machine())
    return Measured(row, aim, beside or {})


def machine() -> str:
    """What it was measured on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
