"""Cover of one person twice for the same days, and which of the two has preference. The order is data."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from shared.codes import Status
from shared.regions import in_pool

from .days import add_months
from .package import Span
from .revision import Held

OtherCover = Literal[Status.EMPLOYEE_INSURED, Status.INSURED_ELSEWHERE]
Keep = Literal["here", "other", "person_chooses"]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must hold for an entry of the order; None: it does not matter."""

    other: OtherCover | None = None
    student: Literal["here", "elsewhere"] | None = None
    months_at_least: int | None = None
    subsidised: bool | None = None
    residence_here: bool | None = None


@dataclass(frozen=True, slots=True)
class Preference:
    """An entry of the order: which cover is kept where its conditions hold, and why, for the clerk."""

    code: str
    conditions: Conditions
    keep: Keep
    why: str


@dataclass(frozen=True, slots=True)
class OwnCover:
    """A cover here: its days, where the person lived when enrolling, and whether anybody else pays a part of it."""

    pool: str
    span: Span
    residence: str
    subsidised: bool


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Another cover of some of the same days, those days, and which of the two has preference."""

    other: Held
    days: Span
    preference: Preference


def check_order(order: Sequence[Preference]) -> None:
    """Raises ValueError for an order that is silent about some case, or has an entry that is never reached."""
    for kind in (Status.EMPLOYEE_INSURED, Status.INSURED_ELSEWHERE):
        entries = [entry for entry in order if entry.conditions.other in (None, kind)]
        closing = [entry.conditions == Conditions(entry.conditions.other) for entry in entries]
        if closing.count(True) != 1 or not closing[-1]:
            raise ValueError(f"of {kind} the last entry, and no other, must hold without further conditions")


def duplicates(order: Sequence[Preference], own: OwnCover, held: Iterable[Held]) -> Iterator[Duplicate]:
    """What a person is covered by beside the cover here, on which of its days."""
    known = list(held)
    for other in known:
        if other.status.code not in (Status.EMPLOYEE_INSURED, Status.INSURED_ELSEWHERE):
            continue
        first = max(own.span.starts_on, other.status.identified_on or own.span.starts_on)
        last = min(own.span.ends_on, other.until or own.span.ends_on)
        if first > last:
            continue
        preference = next(entry for entry in order if _holds(entry.conditions, own, other, known, first))
        yield Duplicate(other, Span(first, last), preference)


def _holds(wanted: Conditions, own: OwnCover, other: Held, held: Sequence[Held], day: date) -> bool:
    return (
        wanted.other in (None, other.status.code)
        and wanted.student in (None, _school(own.pool, held, day))
        and (wanted.months_at_least is None or _runs_for(other, held, day, wanted.months_at_least))
        and wanted.subsidised in (None, own.subsidised)
        and wanted.residence_here in (None, in_pool(own.residence, own.pool))
    )


def _school(pool: str, held: Sequence[Held], day: date) -> Literal["here", "elsewhere"] | None:
    """Where a student's school lies on a day; one of which nothing is told lies here. None for who is no student."""
    schools = [one.status.school_region for one in held if one.status.code is Status.STUDENT and one.holds_on(day)]
    if not schools:
        return None
    return "here" if any(school is None or in_pool(school, pool) for school in schools) else "elsewhere"


def _runs_for(other: Held, held: Sequence[Held], day: date, months: int) -> bool:
    """Whether cover of the same kind has run without a break for so many months on a day, in however many spans."""
    first = day
    spans = [one for one in held if one.status.code is other.status.code]
    for one in sorted(spans, key=lambda one: one.until or date.max, reverse=True):
        begins = one.status.identified_on or date.min
        if begins <= first <= (one.until or date.max - timedelta(days=1)) + timedelta(days=1):
            first = begins
    return first <= add_months(day, -months)
