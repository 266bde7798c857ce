"""Who may join: somebody with a tie to the pool, born, not excluded, who fulfils what is required of their like."""

from shared.codes import RefusalCode

from .facts import Situation
from .package import Package, RuleIds, Tie
from .verdict import Reason, merged


def admission_refusals(package: Package, seen: Situation) -> list[Reason]:
    """Every reason for which the person may not join, whatever is due and on whatever day."""
    admission, facts = package.admission, seen.facts
    reasons = [
        Reason(exclusion.refused_as, _EXCLUDED[exclusion.refused_as], exclusion.rules)
        for exclusion in admission.exclusions
        if seen.holds(exclusion.status)
    ]
    if tie_of(package, seen) is None:
        reasons.append(Reason(RefusalCode.NO_LOCAL_TIE, "没有参保所需的本地户籍、居住等关系", admission.tie_rules))
    if facts.birth_date > facts.registered_on:
        text = f"登记日{facts.registered_on}早于出生日期{facts.birth_date}"
        reasons.append(Reason(RefusalCode.NOT_ELIGIBLE, text, admission.rules))
    unmet = [one for one in admission.requirements if one.of.fits(seen) and not one.who.fits(seen)]
    return reasons + [Reason(RefusalCode.NOT_ELIGIBLE, one.text, one.rules) for one in unmet]


def tie_of(package: Package, seen: Situation) -> Tie | None:
    """The first tie that the person has."""
    for tie in package.admission.ties:
        if tie.who.fits(seen):
            return tie
    return None


def admitting_rules(package: Package, seen: Situation) -> RuleIds:
    """The rules by which somebody who may join does so otherwise than everybody: another tie, a requirement met."""
    tie = tie_of(package, seen)
    required = [one.rules for one in package.admission.requirements if one.of.fits(seen)]
    return merged(tie.rules if tie else (), *required)


_EXCLUDED = {
    RefusalCode.EMPLOYEE_INSURED: "属于职工医疗保险应参保人员",
    RefusalCode.INSURED_ELSEWHERE: "已在其他地区或其他制度参保",
    RefusalCode.NOT_ELIGIBLE: "不属于参保对象",
}
