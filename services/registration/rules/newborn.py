"""On what terms a newborn joins. No window binds it, unless the case goes with a payment inside the window."""

from shared.codes import RefusalCode

from .days import add_months
from .facts import Situation
from .package import NewbornCase, Package, Terms
from .verdict import Reason
from .window import window_refusal


def newborn_terms(package: Package, seen: Situation) -> Terms | Reason | None:
    """The terms of the first case that fits, None where the child joins like anybody else, or why it does not join."""
    newborn, facts = package.newborn, seen.facts
    if newborn is None:
        return Reason(RefusalCode.NO_RULE, "本年度政策未规定新生儿参保如何办理，请由经办机构确定", ())
    cases = [
        case
        for case in newborn.cases
        if case.born_from <= facts.birth_date <= case.born_to
        and not (case.paid_inside_window and facts.paid_on is None)  # nothing was paid for this year
    ]
    for case in cases:
        if _fits(package, case, seen):
            return case.terms
    if cases and newborn.otherwise_new:
        return None
    text = f"新生儿政策不适用于{facts.birth_date}出生的儿童（{package.benefit_year}年度）"
    return Reason(RefusalCode.NOT_ELIGIBLE, text, newborn.rules)


def _fits(package: Package, case: NewbornCase, seen: Situation) -> bool:
    facts = seen.facts
    if case.within_months is not None and facts.registered_on > add_months(facts.birth_date, case.within_months):
        return False
    if case.paid_inside_window and window_refusal(package.window, seen.day):
        return False
    return case.who.fits(seen)
