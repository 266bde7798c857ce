"""What a benchmark says: rows of the contract, and beside them what was used to get there."""

import os
import platform
import re
import resource
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median

import psutil

from deploy.local import binaries

_KINDS = ("CSV", "XLSX")


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

    @property
    def title(self) -> str:
        """The name, and of what kind where a case measures several."""
        kind, colon, _ = self.limit_is.partition(": ")
        return f"{self.name} {kind}" if colon and kind in _KINDS else self.name


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
    *,
    times: bool = False,
) -> Measured:
    """Rates of several rounds, or `times`, against those of the limit in the same rounds: medians. A larger ratio is
    better for both."""
    reached, possible = median(ours), median(limit)
    ratio = round(possible / reached if times else reached / possible, 3)
    return Measured(
        Row(name, unit, n, round(reached, 1), round(possible, 1), ratio, limit_is, machine()), aim, beside or {}
    )


@cache
def surroundings() -> Mapping[str, str]:
    """What it was measured on: processor, memory, versions."""
    server = subprocess.run(
        [binaries.installed() / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": platform.system(),
        "Postgres": server.stdout.split()[-1],
        "Python": platform.python_version(),
    }


def bench_peak_mib() -> float:
    """The largest memory of this process so far, in MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def machine() -> str:
    """The same in a line."""
    about = surroundings()
    return f"{about['processor']}, {about['memory']}, Postgres {about['Postgres']}, Python {about['Python']}"


def _processor() -> str:
    """The processor's name, where Linux tells it."""
    told = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", told.read_text(encoding="utf-8")) if told.exists() else None
    return " ".join(found[1].split()) if found else platform.machine()
