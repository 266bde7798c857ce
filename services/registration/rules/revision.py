"""What news about statuses change for somebody who is enrolled already. Pure, and by the rules that assess.

Status news decide two things alone: whether the person joins at all, and who pays which part. The tie to the place, the
papers and the window were judged when the person enrolled.

    cover has not begun, and the person is excluded or dead before it would     withdrawn
    unpaid      judged anew for the first day on which the person can pay       revised, up or down
    paid        less is due, and the list came inside the window                revised: the difference goes back
                less is due, but the list came after the window                 a person decides (A004-11)
                more is due                                                     nothing is collected again; noted
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from shared.codes import Payer, RefusalCode, Status

from .assess import accept_on, assess, joining_terms
from .facts import Facts, GivenStatus, Situation
from .package import Package, RuleIds, Span
from .payable import assessment_day, bill_window
from .verdict import Accepted, Reason, Refused
from .window import window_of


class RevisionReason(StrEnum):
    """Why an assessment is revised."""

    STATUS_RECOGNISED = "status_recognised"
    STATUS_WITHDRAWN = "status_withdrawn"
    PACKAGE_CORRECTED = "package_corrected"
    PAYS_LATE = "pays_late"


class CaseKind(StrEnum):
    """News that change nothing by themselves: three kinds that a person decides, two that are only noted."""

    RECOGNISED_LATE = "recognised_late"
    EXCLUDED_LATE = "excluded_late"
    WITHDRAWN_AFTER_PAYMENT = "withdrawn_after_payment"
    CORRECTED_AFTER_PAYMENT = "corrected_after_payment"
    ENROLLED_TWICE = "enrolled_twice"

    @property
    def is_noted(self) -> bool:
        """Whether it asks nothing of anybody: more was due of somebody who has paid."""
        return self in (CaseKind.WITHDRAWN_AFTER_PAYMENT, CaseKind.CORRECTED_AFTER_PAYMENT)


@dataclass(frozen=True, slots=True)
class Held:
    """A status of the register with the last day on which it holds (None: until further notice)."""

    status: GivenStatus
    until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the person holds it on a day."""
        return self.status.counts_on(day) and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Standing:
    """An enrolment and its assessment in force; `lines` are payer, fen and status.

    `facts` are those by which the person enrolled, without statuses: these are told anew.
    """

    facts: Facts
    paid_on: date | None
    cover: Span | None
    payable_fen: int
    lines: tuple[tuple[Payer, int, Status | None], ...]


@dataclass(frozen=True, slots=True)
class Revised:
    """Another amount is due, or others pay it."""

    verdict: Accepted
    assessed_for: date
    reason: RevisionReason


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The person does not join: `status` began before cover would, or another record of the same person is enrolled.
    `refused_as` is what an applicant would be told."""

    status: Status | Literal["enrolled_twice"]
    refused_as: RefusalCode
    rules: RuleIds


@dataclass(frozen=True, slots=True)
class Case:
    """What the news would change: the assessment as it would be, or the status by which the person would not join."""

    kind: CaseKind
    would: Revised | Withdrawn


def review(
    package: Package, standing: Standing, held: Sequence[Held], *, found_on: date, today: date
) -> Revised | Withdrawn | Case | None:
    """What the statuses that a person is known to hold change, the list having come on `found_on`; None: nothing."""
    excluded = excluded_before_cover(package, standing.cover, held) if standing.cover else None
    if excluded and standing.cover:
        if found_on < standing.cover.starts_on:
            return excluded
        # Cover runs already. Somebody who never paid has none, and there is nothing to decide.
        return Case(CaseKind.EXCLUDED_LATE, excluded) if standing.paid_on else None
    if standing.paid_on is None:
        return _review_unpaid(package, standing, held, today)
    return _review_paid(package, standing, held, standing.paid_on, found_on)


def reassess(
    package: Package, standing: Standing, held: Sequence[Held], *, assessed_for: date, today: date
) -> Revised | Refused | None:
    """What is due of somebody who has not paid and comes to pay today; None: the bill of `assessed_for` still holds.

    After the window a late stage asks for another amount, or gives cover from another day, or nothing is taken.
    """
    day = assessment_day(package, standing.facts, today)
    facts = standing.facts.paid(day, tuple(one.status for one in held if one.holds_on(day)))
    verdict = assess(package, facts)
    if isinstance(verdict, Refused):
        return verdict
    before = bill_window(package, standing.facts.paid(assessed_for))
    if bill_window(package, facts) == before and lines_of(verdict) == standing.lines:
        return None
    return Revised(verdict, day, RevisionReason.PAYS_LATE)


def lines_of(verdict: Accepted) -> tuple[tuple[Payer, int, Status | None], ...]:
    """The lines of an acceptance as a standing keeps them."""
    return tuple((line.payer, line.amount_fen, line.status) for line in verdict.lines)


def excluded_before_cover(package: Package, cover: Span, held: Sequence[Held]) -> Withdrawn | None:
    """The status by which a person is not insured here when cover would begin: begun before it, and still held then."""
    excluding = {one.status: Withdrawn(one.status, one.refused_as, one.rules) for one in package.admission.exclusions}
    excluding[Status.DECEASED] = Withdrawn(Status.DECEASED, RefusalCode.NOT_ELIGIBLE, package.admission.rules)
    for one in held:
        began = one.status.identified_on is None or one.status.identified_on < cover.starts_on
        if one.status.code in excluding and began and one.holds_on(cover.starts_on):
            return excluding[one.status.code]
    return None


def _review_unpaid(package: Package, standing: Standing, held: Sequence[Held], today: date) -> Revised | None:
    day = assessment_day(package, standing.facts, today)
    counting = tuple(one.status for one in held if one.holds_on(day))
    seen = Situation(package.pool, standing.facts.paid(day, counting))
    if isinstance(joining_terms(package, seen)[0], Reason):
        return None  # Nothing can be paid any more.
    return _revise(package, standing, seen, day)


def _review_paid(
    package: Package, standing: Standing, held: Sequence[Held], paid_on: date, found_on: date
) -> Revised | Case | None:
    """Status at payment counts, and what came later inside the window (A004-11)."""
    if not package.subsidies.added_later:
        return None
    window, _ = window_of(package, Situation(package.pool, standing.facts.paid(paid_on)))
    inside = window.closes_on is None or found_on <= window.closes_on
    later = max(paid_on, found_on if inside or window.closes_on is None else window.closes_on)
    counting = tuple(one.status for one in held if one.holds_on(paid_on) or one.holds_on(later))
    seen = Situation(package.pool, standing.facts.paid(paid_on, counting), status_day=later)
    revised = _revise(package, standing, seen, later)
    if revised is None:
        return None
    if revised.verdict.payable_fen > standing.payable_fen:
        return Case(CaseKind.WITHDRAWN_AFTER_PAYMENT, revised)
    if inside:
        return revised
    return Case(CaseKind.RECOGNISED_LATE, revised) if revised.verdict.payable_fen < standing.payable_fen else None


def _revise(package: Package, standing: Standing, seen: Situation, day: date) -> Revised | None:
    terms, rules = joining_terms(package, seen)
    # Money that was taken was taken inside the window: it is not asked again.
    verdict = accept_on(package, seen, package.in_window if isinstance(terms, Reason) else terms, rules)
    if not isinstance(verdict, Accepted):
        return None
    if lines_of(verdict) == standing.lines:
        return None
    more = verdict.payable_fen > standing.payable_fen
    reason = RevisionReason.STATUS_WITHDRAWN if more else RevisionReason.STATUS_RECOGNISED
    return Revised(verdict, day, reason)
