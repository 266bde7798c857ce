"""The assessment (核定): what is due for a person, who pays which line, from when cover runs – or why not.

`assess` is pure and total: the same package and facts give the same answer, an acceptance or a refusal with the
rules that decided. It knows no place and no year; whatever differs between notices stands in the package.

    who may join (`admission`) → on what terms (`window`, `newborn`) → what is due (`dues`) → who helps (`subsidy`)
    → which papers (`documents`) → from when cover runs (`cover`)
"""

from collections.abc import Sequence
from datetime import date

from shared.codes import Payer, RefusalCode

from .admission import admission_refusals, admitting_rules
from .cover import cover_from
from .documents import missing_documents
from .dues import Dues, dues_of
from .facts import EnrolmentKind, Facts, Situation
from .newborn import newborn_terms
from .package import Package, RuleIds, Span, Terms
from .subsidy import Candidate, Chosen, Judged, choose, judge, nothing_to_help
from .verdict import Accepted, Line, Reason, Refused, merged
from .window import terms_on, window_of


def assess(package: Package, facts: Facts, status_day: date | None = None) -> Accepted | Refused:
    """Assess one person under one package; a refusal carries all its reasons at once.

    Statuses count on `status_day`, that of payment where it is None.
    """
    seen = Situation(package.pool, facts, status_day)
    reasons = admission_refusals(package, seen)
    terms, rules = joining_terms(package, seen)
    if isinstance(terms, Reason):
        reasons.append(terms)
        return Refused(_each_once(reasons + _beside(package, seen, terms)))
    accepted = accept_on(package, seen, terms, rules)
    reasons += _lacking_papers(package, seen)
    if isinstance(accepted, Accepted):
        return Refused(_each_once(reasons)) if reasons else accepted
    return Refused(_each_once([*reasons, *accepted]))


def joining_terms(package: Package, seen: Situation) -> tuple[Terms | Reason, RuleIds]:
    """On what terms the person joins on the day of the situation, or why not; the rules of the group's own window."""
    if seen.facts.enrolment is EnrolmentKind.NEWBORN:
        found = newborn_terms(package, seen)
        if found is not None:
            return found, ()
    window, group_rules = window_of(package, seen)
    return terms_on(package, window, seen), group_rules


def accept_on(package: Package, seen: Situation, terms: Terms, rules: RuleIds) -> Accepted | list[Reason]:
    """What is due on these terms for somebody who may join, who pays it, and the cover; or what stands in the way."""
    dues = dues_of(package, seen, terms)
    judged = judge(package, seen, 0 if isinstance(dues, Reason) else dues.owed_fen)
    cover, wait_rules = cover_on(package, terms, seen)
    reasons = [*_silent_on_help(judged, terms), *_no_cover(package, terms, cover, wait_rules)]
    if isinstance(dues, Reason):
        return [dues, *reasons]
    if reasons:
        return reasons
    chosen = _help_with(package, judged, dues)
    own = _own_line(dues, chosen, terms)
    lines = tuple(line for line in (*chosen.lines, *dues.others, own) if line.amount_fen)
    cited = [line.rules for line in lines] + [status.rules for status in chosen.not_applied]
    return Accepted(
        standard_fen=dues.standard_fen,
        payable_fen=own.amount_fen if own.payer is Payer.PERSON else 0,
        lines=lines,
        cover=cover,
        not_applied=chosen.not_applied,
        rules=merged(dues.rules, rules, wait_rules, admitting_rules(package, seen), *cited),
    )


def _help_with(package: Package, judged: Judged, dues: Dues) -> Chosen:
    """Help goes to what the person owes; where somebody else owes all, or nothing is due, nothing is left to help."""
    if dues.payer is Payer.PERSON and dues.premium is not None:
        return choose(package, judged)
    return nothing_to_help(judged, dues.rules)


def _own_line(dues: Dues, chosen: Chosen, terms: Terms) -> Line:
    amount_fen = dues.owed_fen - chosen.amount_fen + dues.fiscal_fen
    if dues.premium is None:
        return Line(Payer.PERSON, amount_fen, None, ())
    return Line(dues.payer, amount_fen, dues.premium.paid_for, merged(dues.premium.rules, terms.rules))


def _beside(package: Package, seen: Situation, closed: Reason) -> list[Reason]:
    """What else stands in the way of somebody who cannot join on this day: a rate that is not known, missing papers."""
    if closed.code is RefusalCode.NO_RULE:
        return []
    found = dues_of(package, seen, package.in_window) if closed.code in _CLOSED else None
    return [*([found] if isinstance(found, Reason) else []), *_lacking_papers(package, seen)]


def _lacking_papers(package: Package, seen: Situation) -> list[Reason]:
    if seen.facts.documents is None:
        return []
    helped = any(isinstance(found, Candidate) for found in judge(package, seen, 0))
    lacking = missing_documents(package, seen, seen.facts.documents, helped=helped)
    return [lacking] if lacking else []


def _silent_on_help(judged: Judged, terms: Terms) -> list[Reason]:
    """Of those who would be helped the notice is silent on these terms: a person decides (A002-8)."""
    if terms.helped:
        return []
    helping = [found.subsidy.rules for found in judged if isinstance(found, Candidate)]
    if not helping:
        return []
    text = "资助对象此时参保，通知未规定其余部分由谁负担，请由经办机构确定"
    return [Reason(RefusalCode.NO_RULE, text, merged(terms.rules, *helping))]


def cover_on(package: Package, terms: Terms, seen: Situation) -> tuple[Span | None, RuleIds]:
    """The cover of somebody who pays on the day of the situation (None: the notice states none); rules of a wait."""
    if package.cover is None:
        return None, ()
    starts_on, rules = cover_from(package, package.cover, terms, seen.facts)
    return Span(starts_on, package.cover.ends_on), rules


def _no_cover(package: Package, terms: Terms, span: Span | None, rules: RuleIds) -> list[Reason]:
    if span is None or span.starts_on <= span.ends_on:
        return []
    text = f"待遇自{span.starts_on}起，已超出本年度待遇享受期（至{span.ends_on}）"
    return [Reason(RefusalCode.NO_COVER_LEFT, text, merged(terms.rules, rules, package.cover_rules))]


def _each_once(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """The reasons with each code once; a repeated one adds its rules to the first."""
    found: dict[RefusalCode, Reason] = {}
    for reason in reasons:
        before = found.get(reason.code)
        found[reason.code] = (
            Reason(before.code, before.detail, merged(before.rules, reason.rules)) if before else reason
        )
    return tuple(found.values())


_CLOSED = frozenset({RefusalCode.OUTSIDE_WINDOW, RefusalCode.CLOSED_DAY})
