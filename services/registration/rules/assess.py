"""The assessment (核定): what is due for a person, who pays which line, from when cover runs – or why not.

`assess` is pure and total: the same package and facts give the same answer, an acceptance or a refusal with the
rules that decided. It knows no place and no year; whatever differs between notices stands in the package.
"""

from datetime import date

from shared.codes import Payer, RefusalCode
from shared.regions import in_pool

from .facts import EnrolmentKind, Facts, GivenStatus
from .package import Newborn, Package, Premium, Span
from .subsidy import choose, nothing_to_help
from .verdict import Accepted, Line, Reason, Refused, merged
from .window import window_refusal


def assess(package: Package, facts: Facts) -> Accepted | Refused:
    """Assess one person under one package; a refusal carries all its reasons at once."""
    if facts.enrolment is EnrolmentKind.NEWBORN:
        return _assess_newborn(package, facts)
    premium = package.premiums.get(facts.enrolment)
    closed = window_refusal(package.window, facts.day)
    reasons = _admission_refusals(package, facts) + ([closed] if closed else [])
    if premium is None:
        return Refused((*reasons, _no_rule(facts.enrolment)))
    if reasons:
        return Refused(tuple(reasons))
    return accept_at(package, premium, facts.statuses, facts.day)


def accept_at(package: Package, premium: Premium, statuses: tuple[GivenStatus, ...], day: date) -> Accepted:
    """What is due at a premium for somebody who may join, and who pays it, by the statuses that count on `day`."""
    chosen = choose(package, statuses, day, premium.individual_fen)
    helped_fen = chosen.line.amount_fen if chosen.line else 0
    own = Line(Payer.PERSON, premium.individual_fen - helped_fen, None, premium.rules)
    lines = tuple(line for line in (chosen.line, own) if line and line.amount_fen)
    cited = [line.rules for line in lines] + [status.rules for status in chosen.not_applied]
    return Accepted(
        standard_fen=premium.individual_fen,
        payable_fen=own.amount_fen,
        lines=lines,
        cover=package.cover,
        not_applied=chosen.not_applied,
        rules=merged(premium.rules, *cited),
    )


def _assess_newborn(package: Package, facts: Facts) -> Accepted | Refused:
    """A child owes nothing for the year of its birth and is covered from birth, however late it registers (A004-15).

    No window binds it: outside the period it registers at the agency instead of the village (S004-35).
    """
    newborn = package.newborn
    reasons = _admission_refusals(package, facts)
    if newborn is None:
        return Refused((*reasons, _no_rule(facts.enrolment)))
    if _is_of_another_year(package, facts):
        text = f"新生儿政策只适用于{package.benefit_year}年出生的儿童，出生日期为{facts.birth_date}"
        reasons.append(Reason(RefusalCode.NOT_ELIGIBLE, text, newborn.free_rules))
    if _lacks_documents(newborn, facts):
        text = "新生儿参保登记须凭新生儿户籍（户口簿或户籍证明）"
        reasons.append(Reason(RefusalCode.DOCUMENTS_MISSING, text, newborn.document_rules))
    if reasons:
        return Refused(tuple(reasons))
    not_applied = nothing_to_help(package, facts.statuses, facts.day, newborn.free_rules)
    return Accepted(
        standard_fen=0,
        payable_fen=0,
        lines=(),
        cover=Span(facts.birth_date, package.cover.ends_on),
        not_applied=not_applied,
        rules=merged(newborn.free_rules, *(status.rules for status in not_applied)),
    )


def _admission_refusals(package: Package, facts: Facts) -> list[Reason]:
    admission = package.admission
    held = {status.code for status in facts.statuses if status.counts_on(facts.day)}
    reasons = [
        Reason(exclusion.refused_as, _EXCLUDED[exclusion.refused_as], exclusion.rules)
        for exclusion in admission.exclusions
        if exclusion.status in held
    ]
    if not _has_local_tie(package, facts):
        reasons.append(Reason(RefusalCode.NO_LOCAL_TIE, "户籍地和居住地均不在本统筹区", admission.tie_rules))
    unborn = facts.birth_date > facts.registered_on
    if unborn and not _is_of_another_year(package, facts):
        text = f"登记日{facts.registered_on}早于出生日期{facts.birth_date}"
        reasons.append(Reason(RefusalCode.NOT_ELIGIBLE, text, admission.rules))
    return reasons


def _is_of_another_year(package: Package, facts: Facts) -> bool:
    return facts.enrolment is EnrolmentKind.NEWBORN and facts.birth_date.year != package.benefit_year


def _has_local_tie(package: Package, facts: Facts) -> bool:
    admission = package.admission
    hukou_holds = facts.hukou_since is None or facts.hukou_since <= facts.settled_by
    return (admission.by_hukou and hukou_holds and in_pool(facts.hukou, package.pool)) or (
        admission.by_residence and in_pool(facts.residence, package.pool)
    )


def _lacks_documents(newborn: Newborn, facts: Facts) -> bool:
    return facts.documents is not None and newborn.documents.isdisjoint(facts.documents)


def _no_rule(enrolment: EnrolmentKind) -> Reason:
    return Reason(RefusalCode.NO_RULE, f"本年度政策未规定“{_KINDS[enrolment]}”如何办理，请由经办机构确定", ())


_EXCLUDED = {
    RefusalCode.EMPLOYEE_INSURED: "属于职工医疗保险应参保人员",
    RefusalCode.INSURED_ELSEWHERE: "已在其他地区参保",
    RefusalCode.NOT_ELIGIBLE: "不属于参保对象",
}

_KINDS = {EnrolmentKind.NEW: "新参保", EnrolmentKind.RENEWAL: "续保", EnrolmentKind.NEWBORN: "新生儿参保"}
