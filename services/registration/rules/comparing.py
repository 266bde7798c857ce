"""What another package would make of somebody who is enrolled: a draft, a correction, or next year's. Pure."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from shared.codes import Payer, Status

from .assess import assess
from .facts import EnrolmentKind, Facts
from .package import Package, Span
from .payable import assessment_day
from .revision import Held
from .verdict import Accepted, Refused


class Effect(StrEnum):
    """What changes for a person; `pays_the_same`: others pay otherwise, or cover differs."""

    PAYS_MORE = "pays_more"
    PAYS_LESS = "pays_less"
    PAYS_THE_SAME = "pays_the_same"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is enrolled: the facts, without statuses, and the statuses; days of assessment and of payment."""

    facts: Facts
    held: tuple[Held, ...]
    assessed_for: date
    paid_on: date | None


@dataclass(frozen=True, slots=True)
class Due:
    """What is due for a person, who pays which part (payer, fen, status), and the cover."""

    standard_fen: int
    payable_fen: int
    lines: tuple[tuple[Payer, int, Status | None], ...]
    cover: Span | None

    @property
    def helped_as(self) -> Status | None:
        """The status that helps."""
        return next((status for _, _, status in self.lines if status), None)


def judge_member(package: Package, who: Member) -> Accepted | Refused:
    """What another version of their scheme's package says of somebody who is enrolled.

    They are judged for the day of payment, or that of assessment where they have not paid, or the first day from it
    on which this version takes payment; statuses count as they did then.
    """
    day = who.paid_on or who.assessed_for
    day = assessment_day(package, who.facts.paid(day), day)
    status_day = max(day, who.assessed_for)
    statuses = tuple(one.status for one in who.held if one.holds_on(day) or one.holds_on(status_day))
    return assess(package, who.facts.paid(day, statuses), status_day)


def judge_renewing(package: Package, who: Member) -> Accepted | Refused:
    """What the package of another year says of somebody who is enrolled, if they renew on the first day they can."""
    kind = EnrolmentKind.RENEWAL if who.facts.enrolment is EnrolmentKind.NEWBORN else who.facts.enrolment
    today = package.window.opens_on or date(package.benefit_year, 1, 1)
    facts = replace(who.facts, enrolment=kind, registered_on=today)
    day = assessment_day(package, facts.paid(today), today)
    return assess(package, facts.paid(day, tuple(one.status for one in who.held if one.holds_on(day))))


def due_of(verdict: Accepted) -> Due:
    """What an acceptance says is due."""
    lines = tuple((line.payer, line.amount_fen, line.status) for line in verdict.lines)
    return Due(verdict.standard_fen, verdict.payable_fen, lines, verdict.cover)


def is_same(one: Accepted | Refused, other: Accepted | Refused) -> bool:
    """Whether two packages say the same of somebody, apart from the rules that they cite."""
    if isinstance(one, Accepted) and isinstance(other, Accepted):
        return due_of(one) == due_of(other)
    return isinstance(one, Refused) and isinstance(other, Refused)


def effect_of(before: Due, after: Accepted | Refused) -> Effect | None:
    """What becomes of somebody of whom `before` stands; None: nothing changes."""
    if isinstance(after, Refused):
        return Effect.REFUSED
    due = due_of(after)
    if due == before:
        return None
    if due.payable_fen == before.payable_fen:
        return Effect.PAYS_THE_SAME
    return Effect.PAYS_MORE if due.payable_fen > before.payable_fen else Effect.PAYS_LESS
