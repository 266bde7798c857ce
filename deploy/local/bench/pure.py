"""The rules in memory: persons assessed by one core."""

import random
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from statistics import median

from deploy.local import places
from services.registration.formats.package import read_package
from services.registration.rules import EnrolmentKind, Facts, GivenStatus, Package, assess
from shared.codes import Status

from .measures import Measured, against, bench_peak_mib

_PACKAGES = places.ROOT / "services" / "registration" / "packages"
_ROUNDS = 3
_STATUSES = (Status.DIBAO, Status.DESTITUTE, Status.DISABLED, Status.STUDENT, Status.ORPHAN, Status.LOW_INCOME_FAMILY)
_LIMIT = 50_000.0


def assess_pure(size: float) -> Iterator[Measured]:
    """Persons assessed in a second of one core's time, over all schemes; four in five hold no status."""
    packages = [read_package(path.read_bytes()).package for path in sorted(_PACKAGES.glob("*.yaml"))]
    for count in (round(100_000 * size), round(1_000_000 * size)):
        chance = random.Random(count)
        people = [(package, _somebody(package, chance)) for package in packages for _ in range(count // len(packages))]
        _timed(people[: len(people) // 10])
        rates = [len(people) / _timed(people) for _ in range(_ROUNDS)]
        limit_is = "at least 50,000 persons a second on one core"
        beside = {"us_a_person": round(1e6 / median(rates), 1), "bench_peak_mib": bench_peak_mib(), "rounds": _ROUNDS}
        yield against("assess_pure", "persons/s", len(people), rates, [_LIMIT], limit_is, 1.0, beside)


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
