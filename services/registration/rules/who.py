"""Whom a part of a notice speaks of: a conjunction of conditions, each a value of its own.

`Who` is compiled from the package language; a condition that a part does not state is not in its tuple.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from shared.codes import Status
from shared.regions import in_pool

from .days import add_years
from .facts import EnrolmentKind, GivenStatus, Situation


@dataclass(frozen=True, slots=True)
class Enrols:
    """The person enrols in one of these ways."""

    kinds: frozenset[EnrolmentKind]

    def holds(self, seen: Situation) -> bool:
        """Whether the condition holds."""
        return seen.facts.enrolment in self.kinds


@dataclass(frozen=True, slots=True)
class Holds:
    """The person holds one of these statuses; with `grades` of one of these grades, with `school` at such a school."""

    statuses: frozenset[Status]
    grades: frozenset[int] | None = None
    school: Literal["local", "elsewhere"] | None = None

    def holds(self, seen: Situation) -> bool:
        """Whether the condition holds."""
        if not seen.held:
            return False
        return any(
            status.code in self.statuses
            and (self.grades is None or status.grade in self.grades)
            and (self.school is None or (self.school == "local") is _is_local_school(status, seen.pool))
            for status in seen.held
        )


@dataclass(frozen=True, slots=True)
class Born:
    """The person was born on one of these days, both inclusive."""

    first: date | None
    last: date | None

    def holds(self, seen: Situation) -> bool:
        """Whether the condition holds."""
        birth_date = seen.facts.birth_date
        return (self.first is None or self.first <= birth_date) and (self.last is None or birth_date <= self.last)


@dataclass(frozen=True, slots=True)
class HukouAt:
    """Where the hukou is; `intended` is content with one in the pool that is not taken up yet."""

    where: Literal["local", "elsewhere", "intended"]

    def holds(self, seen: Situation) -> bool:
        """Whether the condition holds."""
        if self.where == "intended":
            return in_pool(seen.facts.hukou, seen.pool)
        return seen.hukou_here is (self.where == "local")


@dataclass(frozen=True, slots=True)
class HukouYears:
    """By registration the hukou has been here for so many full years; one held since birth always has."""

    years: int

    def holds(self, seen: Situation) -> bool:
        """Whether the condition holds."""
        since = seen.facts.hukou_since
        return since is None or add_years(since, self.years) <= seen.facts.registered_on


@dataclass(frozen=True, slots=True)
class LivesAt:
    """Whether the person lives in the pool."""

    here: bool

    def holds(self, seen: Situation) -> bool:
        """Whether the condition holds."""
        return seen.residence_here is self.here


@dataclass(frozen=True, slots=True)
class MovedIn:
    """Whether the hukou was moved in: its first day is told, and is not that of birth."""

    moved: bool

    def holds(self, seen: Situation) -> bool:
        """Whether the condition holds."""
        since = seen.facts.hukou_since
        return (since is not None and since != seen.facts.birth_date) is self.moved


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that the caller states has this value; with `if_unknown`, also where it is not known."""

    name: Literal["sex", "residence_permit", "former_scheme", "hukou_kind", "child_hukou_here", "pension_elsewhere"]
    value: str | bool
    if_unknown: bool

    def holds(self, seen: Situation) -> bool:
        """Whether the condition holds."""
        found = getattr(seen.facts, self.name)
        return found == self.value or (found is None and self.if_unknown)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of these descriptions fits."""

    whos: tuple["Who", ...]

    def holds(self, seen: Situation) -> bool:
        """Whether the condition holds."""
        return any(who.fits(seen) for who in self.whos)


Condition = Enrols | Holds | Born | HukouAt | HukouYears | LivesAt | MovedIn | Fact | AnyOf


@dataclass(frozen=True, slots=True)
class Who:
    """A description of people; without conditions, everybody."""

    conditions: tuple[Condition, ...] = ()

    def fits(self, seen: Situation) -> bool:
        """Whether the person is meant."""
        for condition in self.conditions:  # noqa: SIM110 -- asked ten times for a person: a generator takes twice as long
            if not condition.holds(seen):
                return False
        return True


EVERYBODY = Who()


def _is_local_school(status: GivenStatus, pool: str) -> bool:
    return status.school_region is None or in_pool(status.school_region, pool)
