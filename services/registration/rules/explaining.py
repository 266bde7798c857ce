"""Why an assessment says what it says: what applied and what did not, step by step, each with its rules.

`explain` asks the very functions that assessed, in their order, about the same facts; `explain_issued` tells what an
assessment that was issued earlier keeps. Neither decides anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shared.codes import Payer, RefusalCode, Status

from .admission import admitting_rules, tie_of
from .assess import cover_on, joining_terms
from .cover import waiting_months
from .documents import asked_for
from .dues import Dues, dues_of
from .facts import Facts, Situation
from .package import Package, RuleIds, Span, Terms
from .subsidy import Candidate, judge
from .verdict import Accepted, Line, NotApplied, Reason, Refused, merged
from .window import window_of
from .words import NOT_APPLIED, PAYERS, REFUSALS, STATUSES, Words, yuan


class Subject(StrEnum):
    """What a step is about, in the order of an explanation."""

    ADMISSION = "admission"
    WINDOW = "window"
    RATE = "rate"
    HELP = "help"
    PAPERS = "papers"
    WAIT = "wait"
    COVER = "cover"
    RESULT = "result"


class Outcome(StrEnum):
    """What came of a step: it applied, it did not, or it stands in the way."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explanation; `amount_fen` is what it is about, where it is about an amount."""

    subject: Subject
    outcome: Outcome
    words: Words
    rules: RuleIds = ()
    status: Status | None = None
    payer: Payer | None = None
    amount_fen: int | None = None


def explain(package: Package, facts: Facts, verdict: Accepted | Refused) -> tuple[Step, ...]:
    """The steps that led from the facts to the verdict, ordered by subject."""
    seen = Situation(package.pool, facts)
    refused = _refusals(verdict)
    terms, group_rules = joining_terms(package, seen)
    steps = [*refused, *_admission(package, seen)]
    if isinstance(terms, Terms):
        steps += [_window(package, seen, terms, group_rules), *_rates(package, seen, terms)]
    if isinstance(verdict, Accepted) and isinstance(terms, Terms):
        steps += [*_papers(package, seen), *_given(package, verdict), *_not_held(package, facts)]
        steps += _wait(package, facts, terms, cover_on(package, terms, seen)[1])
        steps += _ending(package, verdict, terms.rules)
    # Of a subject that stands in the way, what would have applied beside it is not told.
    stopped = {step.subject for step in refused}
    kept = [step for step in steps if step.subject not in stopped or step.outcome is not Outcome.APPLIED]
    return _ordered(_with_the_rest(kept, verdict.rules))


def explain_issued(package: Package, verdict: Accepted) -> tuple[Step, ...]:
    """The steps of an assessment as it was issued: who pays what and why not others, and the cover."""
    return _ordered(_with_the_rest([*_given(package, verdict), *_ending(package, verdict, ())], verdict.rules))


def _ordered(steps: Sequence[Step]) -> tuple[Step, ...]:
    subjects = list(Subject)
    return tuple(sorted(steps, key=lambda step: subjects.index(step.subject)))


def _with_the_rest(steps: list[Step], decided: RuleIds) -> list[Step]:
    """The steps, and the rules that decided beside them."""
    told = merged(*(step.rules for step in steps))
    rest = tuple(rule for rule in decided if rule not in told)
    if not rest:
        return steps
    return [
        *steps,
        Step(Subject.RESULT, Outcome.APPLIED, Words("同时依据以下规则", "These rules decided as well"), rest),
    ]


def _refusals(verdict: Accepted | Refused) -> list[Step]:
    if isinstance(verdict, Accepted):
        return []
    return [
        Step(
            _SUBJECTS[reason.code],
            Outcome.REFUSED,
            Words(reason.detail, _sentence(REFUSALS[reason.code].en)),
            reason.rules,
        )
        for reason in verdict.reasons
    ]


def _admission(package: Package, seen: Situation) -> Iterator[Step]:
    admission = package.admission
    tie = tie_of(package, seen)
    if tie is not None:
        words = Words("有参保所需的户籍、居住或就读等关系", "Has the tie to the pooling area that it takes to enrol")
        rules = merged(admission.rules, tie.rules, admitting_rules(package, seen))
        yield Step(Subject.ADMISSION, Outcome.APPLIED, words, rules)
    for exclusion in admission.exclusions:
        if not seen.holds(exclusion.status):
            zh, en = STATUSES[exclusion.status]
            words = Words(f"不属于{zh}", f"Is not {en}")
            yield Step(Subject.ADMISSION, Outcome.NOT_APPLIED, words, exclusion.rules, exclusion.status)
    for requirement in admission.requirements:
        if requirement.of.fits(seen) and requirement.who.fits(seen):
            words = Words(f"符合要求：{requirement.text}", "Fulfils what is required of people like this")
            yield Step(Subject.ADMISSION, Outcome.APPLIED, words, requirement.rules)


def _window(package: Package, seen: Situation, terms: Terms, group_rules: RuleIds) -> Step:
    day = seen.day
    if terms.newborn:
        words = Words("按新生儿规定办理", "Joins by the rules for newborns")
        return Step(Subject.WINDOW, Outcome.APPLIED, words, terms.rules)
    if terms.late:
        words = Words(f"{day}缴费，属于逾期缴费", f"Paid on {day}, which is late")
        return Step(Subject.WINDOW, Outcome.APPLIED, words, terms.rules)
    window, _ = window_of(package, seen)
    rules = merged(window.opens_rules, window.closes_rules, window.mask_rules, group_rules)
    if window.opens_on is None and window.closes_on is None:
        words = Words("政策未限定缴费期", "The notice limits payment to no period")
    else:
        first, last = window.opens_on or "…", window.closes_on or "…"
        words = Words(f"{day}在缴费期内（{first}至{last}）", f"{day} lies in the period {first} to {last}")
    return Step(Subject.WINDOW, Outcome.APPLIED, words, rules)


def _rates(package: Package, seen: Situation, terms: Terms) -> Iterator[Step]:
    dues = dues_of(package, seen, terms)
    if isinstance(dues, Reason):
        return
    yield Step(Subject.RATE, Outcome.APPLIED, _due_words(dues), dues.rules, amount_fen=dues.standard_fen)
    if dues.premium is None:
        return
    for premium in package.premiums:
        if premium is dues.premium or premium.individual_fen is None:
            continue
        amount = yuan(premium.individual_fen)
        words = Words(f"另一组的费率{amount.zh}不适用", f"The rate {amount.en} of another group does not apply")
        yield Step(Subject.RATE, Outcome.NOT_APPLIED, words, premium.rules, amount_fen=premium.individual_fen)


def _due_words(dues: Dues) -> Words:
    if dues.premium is None:
        return Words("无须缴费", "Nothing is due")
    zh, en = yuan(dues.standard_fen - dues.fiscal_fen)
    if not dues.fiscal_fen:
        return Words(f"个人缴费标准{zh}", f"The individual part is {en}")
    fiscal, whole = yuan(dues.fiscal_fen), yuan(dues.standard_fen)
    return Words(
        f"个人缴费标准{zh}，另须缴纳财政补助部分{fiscal.zh}，共{whole.zh}",
        f"The individual part is {en}; the subsidised part of {fiscal.en} is due too, {whole.en} in all",
    )


def _not_held(package: Package, facts: Facts) -> Iterator[Step]:
    """Of the help that the scheme gives, what the person holds no status for."""
    given = {status.code for status in facts.statuses}
    for status, entries in package.subsidies.by_status.items():
        if status not in given:
            zh, en = STATUSES[status]
            words = Words(f"未持有身份：{zh}", f"Holds no such status: {en}")
            yield Step(Subject.HELP, Outcome.NOT_APPLIED, words, merged(*(one.rules for one in entries)), status)


def _papers(package: Package, seen: Situation) -> Iterator[Step]:
    if seen.facts.documents is None:
        return
    helped = any(isinstance(found, Candidate) for found in judge(package, seen, 0))
    asked = asked_for(package, seen, helped=helped)
    yield Step(
        Subject.PAPERS,
        Outcome.APPLIED,
        Words("材料齐全", "All papers were shown"),
        merged(*(papers.rules for papers in asked)),
    )


def _given(package: Package, verdict: Accepted) -> Iterator[Step]:
    """Who else pays, because of what; and why other statuses gave nothing."""
    for line in verdict.lines:
        if line.payer is not Payer.PERSON:
            words = _payer_words(line)
            yield Step(
                Subject.HELP, Outcome.APPLIED, words, line.rules, line.status, line.payer, amount_fen=line.amount_fen
            )
    for left in verdict.not_applied:
        words = _not_applied_words(left)
        entries = package.subsidies.by_status.get(left.status, ())
        rules = merged(left.rules, *(entry.rules for entry in entries))
        yield Step(Subject.HELP, Outcome.NOT_APPLIED, words, rules, left.status, amount_fen=left.amount_fen)


def _payer_words(line: Line) -> Words:
    payer, amount = PAYERS[line.payer], yuan(line.amount_fen)
    if line.status is None:
        return Words(f"{payer.zh}承担{amount.zh}", _sentence(f"{payer.en} pays {amount.en}"))
    status = STATUSES[line.status]
    return Words(f"{status.zh}：{payer.zh}资助{amount.zh}", _sentence(f"{status.en}: {payer.en} pays {amount.en}"))


def _not_applied_words(left: NotApplied) -> Words:
    status, reason, amount = STATUSES[left.status], NOT_APPLIED[left.reason], yuan(left.amount_fen)
    if not left.amount_fen:
        return Words(f"{status.zh}：{reason.zh}", _sentence(f"{status.en}: {reason.en}"))
    return Words(
        f"{status.zh}：{reason.zh}，单独可资助{amount.zh}",
        _sentence(f"{status.en}: {reason.en}; alone it would give {amount.en}"),
    )


def _wait(package: Package, facts: Facts, terms: Terms, rules: RuleIds) -> Iterator[Step]:
    waiting = package.waiting_period
    if waiting is None:
        return
    if not rules:
        words = Words("不设等待期", "There is no wait")
        yield Step(Subject.WAIT, Outcome.NOT_APPLIED, words, waiting.rules)
        return
    months = waiting_months(waiting, facts.missed_years, facts.repaired_years, late=terms.late)
    words = Words(f"缴费后等待{months}个月", f"Benefits begin {months} months after payment")
    yield Step(Subject.WAIT, Outcome.APPLIED, words, rules)


def _ending(package: Package, verdict: Accepted, terms_rules: RuleIds) -> Iterator[Step]:
    yield _cover(package, verdict.cover, terms_rules)
    person, whole = yuan(verdict.payable_fen), yuan(verdict.standard_fen)
    own = merged(*(line.rules for line in verdict.lines if line.payer is Payer.PERSON))
    words = Words(f"个人应缴{person.zh}（共{whole.zh}）", f"The person pays {person.en} of {whole.en}")
    yield Step(Subject.RESULT, Outcome.APPLIED, words, own, payer=Payer.PERSON, amount_fen=verdict.payable_fen)


def _cover(package: Package, span: Span | None, terms_rules: RuleIds) -> Step:
    if span is None:
        return Step(
            Subject.COVER, Outcome.NOT_APPLIED, Words("政策未规定待遇享受期", "The notice states no days of cover")
        )
    words = Words(f"待遇自{span.starts_on}至{span.ends_on}", f"Covered from {span.starts_on} to {span.ends_on}")
    return Step(Subject.COVER, Outcome.APPLIED, words, merged(package.cover_rules, terms_rules))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


_SUBJECTS = {
    RefusalCode.OUTSIDE_WINDOW: Subject.WINDOW,
    RefusalCode.CLOSED_DAY: Subject.WINDOW,
    RefusalCode.EMPLOYEE_INSURED: Subject.ADMISSION,
    RefusalCode.INSURED_ELSEWHERE: Subject.ADMISSION,
    RefusalCode.NO_LOCAL_TIE: Subject.ADMISSION,
    RefusalCode.ALREADY_ENROLLED: Subject.ADMISSION,
    RefusalCode.NOT_ELIGIBLE: Subject.ADMISSION,
    RefusalCode.UNKNOWN_SCHEME: Subject.ADMISSION,
    RefusalCode.DOCUMENTS_MISSING: Subject.PAPERS,
    RefusalCode.NO_RULE: Subject.RATE,
    RefusalCode.AMOUNT_UNKNOWN: Subject.RATE,
    RefusalCode.NO_COVER_LEFT: Subject.COVER,
}
