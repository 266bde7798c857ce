"""What an assessment is told about a person. Days are days in Asia/Shanghai; the caller made them from instants."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.codes import Document, Status


class EnrolmentKind(StrEnum):
    """How a person joins the scheme: for the first time, again, or as a child born in the benefit year."""

    NEW = "new"
    RENEWAL = "renewal"
    NEWBORN = "newborn"


@dataclass(frozen=True, slots=True)
class GivenStatus:
    """A status as somebody states it: it counts from `identified_on` (None: always held)."""

    code: Status
    grade: int | None = None
    identified_on: date | None = None

    def counts_on(self, day: date) -> bool:
        """Whether the status counts on a day."""
        return self.identified_on is None or self.identified_on <= day


@dataclass(frozen=True, slots=True)
class Facts:
    """One person who asks to join. `documents` None: papers are taken as shown; empty: none were shown."""

    birth_date: date
    hukou: str
    hukou_since: date | None
    residence: str
    enrolment: EnrolmentKind
    registered_on: date
    paid_on: date | None
    statuses: tuple[GivenStatus, ...] = ()
    documents: frozenset[Document] | None = None

    @property
    def day(self) -> date:
        """The day that windows and statuses go by: that of payment, where it is not known that of registration."""
        return self.paid_on or self.registered_on

    @property
    def settled_by(self) -> date:
        """The day by which hukou must be taken up: for a newborn the day of registration, for others `day`."""
        return self.registered_on if self.enrolment is EnrolmentKind.NEWBORN else self.day
