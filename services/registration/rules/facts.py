"""What an assessment is told about a person. Days are days in Asia/Shanghai; the caller made them from instants."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Literal

from shared.codes import Document, Status
from shared.regions import in_pool


class EnrolmentKind(StrEnum):
    """How a person joins the scheme: for the first time, again, or as a newborn."""

    NEW = "new"
    RENEWAL = "renewal"
    NEWBORN = "newborn"


@dataclass(frozen=True, slots=True)
class GivenStatus:
    """A status as somebody states it: it counts from `identified_on` (None: always held).

    `school_region` is where a student's school lies; None: a school in the pool.
    """

    code: Status
    grade: int | None = None
    identified_on: date | None = None
    school_region: str | None = None

    def counts_on(self, day: date) -> bool:
        """Whether the status counts on a day."""
        return self.identified_on is None or self.identified_on <= day


@dataclass(frozen=True, slots=True)
class Facts:
    """One person who asks to join. `documents` None: papers are taken as shown; empty: none were shown.

    None of `hukou_kind`, `child_hukou_here` and `pension_elsewhere` is known: as the notice wants it.
    """

    birth_date: date
    hukou: str
    hukou_since: date | None
    residence: str
    enrolment: EnrolmentKind
    registered_on: date
    paid_on: date | None
    statuses: tuple[GivenStatus, ...] = ()
    documents: frozenset[Document] | None = None
    sex: Literal["male", "female"] | None = None
    residence_permit: bool = False
    former_scheme: Literal["urban", "nrcms"] | None = None
    missed_years: int = 0
    repaired_years: int = 0
    hukou_kind: Literal["urban", "rural"] | None = None
    child_hukou_here: bool | None = None
    pension_elsewhere: bool | None = None

    @property
    def day(self) -> date:
        """The day that windows and statuses go by: that of payment, where it is not known that of registration."""
        return self.paid_on or self.registered_on

    @property
    def settled_by(self) -> date:
        """The day by which hukou must be taken up: for a newborn the day of registration, for others `day`."""
        return self.registered_on if self.enrolment is EnrolmentKind.NEWBORN else self.day

    def paid(self, day: date | None, statuses: tuple[GivenStatus, ...] | None = None) -> "Facts":
        """The same person paying on another day, holding other statuses where they are given."""
        if day == self.paid_on and statuses is None:
            return self
        return replace(self, paid_on=day, statuses=self.statuses if statuses is None else statuses)


class Situation:
    """Facts as one pool sees them: what is local, and which statuses count on `status_day`.

    Statuses count on the day of payment; a revision looks at them on the later day on which a list came.
    """

    __slots__ = ("day", "facts", "held", "hukou_here", "pool", "residence_here", "status_day")

    def __init__(self, pool: str, facts: Facts, status_day: date | None = None) -> None:
        self.pool = pool
        self.facts = facts
        self.day = facts.day
        self.status_day = status_day or facts.day
        self.held = [status for status in facts.statuses if status.counts_on(self.status_day)]
        self.residence_here = in_pool(facts.residence, pool)
        self.hukou_here = in_pool(facts.hukou, pool) and (
            facts.hukou_since is None or facts.hukou_since <= facts.settled_by
        )

    def holds(self, code: Status) -> bool:
        """Whether the person holds a status that counts."""
        return any(status.code is code for status in self.held)
