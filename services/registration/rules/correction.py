"""What a correction of a package changes for somebody who is enrolled already. Pure, and by the rules that assess.

Of those whom the corrected package treats as the one before nothing is asked; of the others:

    unpaid      judged anew for the first day on which the person can pay       revised, up or down
    paid        less is due, or others pay                                      revised: the difference goes back
                more is due                                                     nothing is collected again; noted

Who could not join by the correction keeps the assessment, and so does somebody who has paid and would be covered on
other days: both are for a person to decide.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from .assess import accept_on, joining_terms
from .comparing import Member, is_same, judge_member
from .facts import Situation
from .package import Package
from .payable import assessment_day
from .revision import Case, CaseKind, Held, Revised, RevisionReason, Standing
from .verdict import Accepted, Reason, Refused


class Stays(StrEnum):
    """Why somebody keeps an assessment that the correction would not have made; a person decides."""

    REFUSED = "refused"
    COVERED_OTHERWISE = "covered_otherwise"


def correct(
    package: Package, former: Package, standing: Standing, held: Sequence[Held], *, assessed_for: date, today: date
) -> Revised | Case | Stays | None:
    """What `package` changes for somebody assessed by `former`; None: nothing."""
    if package.version == former.version:
        return None
    who = Member(standing.facts, tuple(held), assessed_for, standing.paid_on)
    before, after = judge_member(former, who), judge_member(package, who)
    if is_same(before, after) or isinstance(before, Refused):
        return None
    if isinstance(after, Refused):
        return Stays.REFUSED
    if standing.paid_on is None:
        return _revise(package, standing, held, assessment_day(package, standing.facts, today))
    if before.cover != after.cover:
        return Stays.COVERED_OTHERWISE
    revised = _revise(package, standing, held, max(standing.paid_on, assessed_for))
    if revised and revised.verdict.payable_fen > standing.payable_fen:
        return Case(CaseKind.CORRECTED_AFTER_PAYMENT, revised)
    return revised


def _revise(package: Package, standing: Standing, held: Sequence[Held], day: date) -> Revised | None:
    paid_on = standing.paid_on or day
    counting = tuple(one.status for one in held if one.holds_on(paid_on) or one.holds_on(day))
    seen = Situation(package.pool, standing.facts.paid(paid_on, counting), status_day=day)
    terms, rules = joining_terms(package, seen)
    if isinstance(terms, Reason):
        if standing.paid_on is None:
            return None  # Nothing can be paid any more.
        terms = package.in_window  # Money that was taken was taken in time.
    verdict = accept_on(package, seen, terms, rules)
    if not isinstance(verdict, Accepted):
        return None
    lines = tuple((line.payer, line.amount_fen, line.status) for line in verdict.lines)
    if lines == standing.lines and (standing.paid_on or verdict.cover == standing.cover):
        return None
    return Revised(verdict, day, RevisionReason.PACKAGE_CORRECTED)
