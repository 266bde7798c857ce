"""The benchmarks, each against its limit in the same run: `make bench`.

Prints a line per row and writes out/bench.json. Exit code 1 where a limit is missed. A case is a function that yields
its rows; `ratio` is larger-is-better, 1 is the limit.
"""

import json
import os
import platform
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from deploy.local import places
from services.registration.formats.package import read_package
from services.registration.rules import EnrolmentKind, Facts, GivenStatus, Package, assess
from shared.codes import Status

_PACKAGES = places.ROOT / "services" / "registration" / "packages"
_TRIES = 3
_STATUSES = (Status.DIBAO, Status.DESTITUTE, Status.DISABLED, Status.STUDENT, Status.ORPHAN, Status.LOW_INCOME_FAMILY)


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


def assess_pure(sizes: Sequence[int] = (10_000, 100_000)) -> Iterator[Row]:
    """Persons assessed in a second of one core's time, over all schemes; four in five hold no status."""
    packages = [read_package(path.read_bytes()).package for path in sorted(_PACKAGES.glob("*.yaml"))]
    limit = 50_000.0
    for size in sizes:
        chance = random.Random(size)
        people = [(package, _somebody(package, chance)) for package in packages for _ in range(size // len(packages))]
        seconds = min(_timed(people) for _ in range(_TRIES))
        ours = round(len(people) / seconds, 1)
        limit_is = "at least 50,000 persons a second on one core"
        yield Row("assess_pure", "persons/s", len(people), ours, limit, round(ours / limit, 3), limit_is, _machine())


def _somebody(package: Package, chance: random.Random) -> Facts:
    opens = package.window.opens_on or date(package.benefit_year - 1, 12, 1)
    day = opens + timedelta(days=chance.randrange(120))
    held = chance.choices((0, 1, 2), (80, 15, 5))[0]
    return Facts(
        birth_date=date(1930, 1, 1) + timedelta(days=chance.randrange(31_000)),
        hukou=package.pool,
        hukou_since=None,
        residence=package.pool,
        enrolment=chance.choice((EnrolmentKind.NEW, EnrolmentKind.RENEWAL)),
        registered_on=day,
        paid_on=day,
        statuses=tuple(GivenStatus(status, chance.randint(1, 4)) for status in chance.sample(_STATUSES, held)),
    )


def _timed(people: Sequence[tuple[Package, Facts]]) -> float:
    began = time.process_time()
    for package, facts in people:
        assess(package, facts)
    return time.process_time() - began


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


CASES: tuple[Callable[[], Iterator[Row]], ...] = (assess_pure,)


def main() -> int:
    """Run every case."""
    rows = []
    for case in CASES:
        for row in case():
            rows.append(row)
            print(f"{row.name:<20} n={row.n:<8} {row.ours:>12,.1f} {row.unit}  limit {row.limit:,.1f}  × {row.ratio}")
    path = places.ROOT / "out" / "bench.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 1 if any(row.ratio < 1 for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
