"""A package file, checked field by field, becomes the value that the rules work with.

What only tells people how to work (remittance, receipts, notices, reports) stays in the file and is not compiled.
"""

from dataclasses import replace
from datetime import date
from types import MappingProxyType

from shared.codes import Payer, Status

from ..rules import package as compiled
from ..rules import who as people
from ..rules.verdict import merged
from . import language
from .language import days, handling, money
from .language import people as described

_FORMER = ("urban", "nrcms")
_NO_SUBSIDIES = compiled.Subsidies(
    MappingProxyType({}), (), MappingProxyType({}), compiled.Choice.HIGHEST_AMOUNT, (), (), added_later=False
)


def compile_package(file: language.PackageFile, version: str) -> compiled.Package:
    """The value of a package file under its version."""
    window = _window(file.window) if file.window else compiled.Window()
    return compiled.Package(
        scheme=file.scheme,
        pool=file.pool,
        benefit_year=file.benefit_year,
        title=file.title,
        version=version,
        window=window,
        group_windows=_group_windows(file.window, window) if file.window else (),
        in_window=compiled.Terms(compiled.Due.INDIVIDUAL, compiled.FromPeriod(), helped=True, rules=()),
        late=tuple(map(_late_stage, file.late)),
        admission=_admission(file.admission),
        papers=tuple(map(_papers, file.documents)),
        premiums=tuple(map(_premium, file.premiums)),
        kept=tuple(map(_kept, file.transition)),
        subsidies=_subsidies(file.subsidies) if file.subsidies else _NO_SUBSIDIES,
        newborn=_newborn(file.newborn) if file.newborn else None,
        cover=file.cover.span() if file.cover else None,
        cover_rules=file.cover.rules if file.cover else (),
        waiting_period=_waiting(file.waiting_period) if file.waiting_period else None,
        refund=_refund(file.refund) if file.refund else None,
        overlays=tuple(mark.label for mark in file.overlays),
        sentences=MappingProxyType(
            {rule: compiled.Sentence(said.quote, said.zh, said.en) for rule, said in file.sentences.items()}
        ),
    )


def _who(part: described.Who | None) -> people.Who:
    if part is None:
        return people.EVERYBODY
    conditions: list[people.Condition] = []
    if part.enrolments:
        conditions.append(people.Enrols(frozenset(part.enrolments)))
    if part.statuses:
        grades = frozenset(part.grades) if part.grades else None
        conditions.append(people.Holds(frozenset(part.statuses), grades))
    if part.school:
        conditions.append(people.Holds(frozenset({Status.STUDENT}), school=part.school))
    if part.born_from or part.born_to:
        conditions.append(people.Born(part.born_from, part.born_to))
    if part.hukou:
        conditions.append(people.HukouAt(part.hukou))
    if part.hukou_years:
        conditions.append(people.HukouYears(part.hukou_years))
    if part.residence:
        conditions.append(people.LivesAt(part.residence == "local"))
    if part.moved_in is not None:
        conditions.append(people.MovedIn(part.moved_in))
    conditions += _stated(part)
    if part.any_of:
        conditions.append(people.AnyOf(tuple(map(_who, part.any_of))))
    return people.Who(tuple(conditions))


def _stated(part: described.Who) -> list[people.Condition]:
    stated: list[people.Condition] = []
    if part.sex is not None:
        stated.append(people.Fact("sex", part.sex, if_unknown=False))
    if part.residence_permit is not None:
        stated.append(people.Fact("residence_permit", part.residence_permit, if_unknown=False))
    if part.former_scheme is not None:
        stated.append(people.Fact("former_scheme", part.former_scheme, if_unknown=False))
    if part.hukou_kind is not None:
        stated.append(people.Fact("hukou_kind", part.hukou_kind, if_unknown=True))
    if part.child_hukou_here is not None:
        stated.append(people.Fact("child_hukou_here", part.child_hukou_here, if_unknown=True))
    if part.pension_elsewhere is not None:
        stated.append(people.Fact("pension_elsewhere", part.pension_elsewhere, if_unknown=True))
    return stated


def _window(part: days.Window) -> compiled.Window:
    closes = part.extension or part.closes
    return compiled.Window(
        opens_on=part.opens.day if part.opens else None,
        opens_rules=part.opens.rules if part.opens else (),
        closes_on=_shifted(part, closes.day) if closes else None,
        closes_rules=merged(closes.rules, part.closes.rules) if closes and part.closes else (),
        first_day=part.open_days.first if part.open_days else 1,
        last_day=part.open_days.last if part.open_days else 31,
        mask_rules=part.open_days.rules if part.open_days else (),
    )


def _shifted(part: days.Window, day: date) -> date:
    """A last day, moved behind the days off where the notice moves it."""
    if part.holiday_shift and part.holiday_shift.shift:
        while day in part.holiday_shift.days_off:
            day = date.fromordinal(day.toordinal() + 1)
    return day


def _group_windows(part: days.Window, window: compiled.Window) -> tuple[compiled.GroupWindow, ...]:
    return tuple(
        compiled.GroupWindow(
            _who(group.who),
            replace(window, closes_on=_shifted(part, group.day), closes_rules=group.rules),
            group.rules,
        )
        for group in part.deadlines
    )


def _start(part: days.Start) -> compiled.Start:
    match part:
        case days.FromDay():
            return compiled.FromDay(part.day)
        case days.FromBirth():
            return compiled.FromBirth()
        case days.FromRegistration():
            return compiled.FromRegistration()
        case days.AfterPayment():
            return compiled.AfterPayment(part.days if part.count == "plus_n" else part.days + 1)
        case days.FromPeriod():
            return compiled.FromPeriod()


def _late_stage(part: days.LateStage) -> compiled.LateStage:
    helped = part.helped == "as_in_window"
    terms = compiled.Terms(compiled.Due(part.due), _start(part.cover), helped, part.rules, late=True)
    former = people.AnyOf(
        tuple(people.Who((people.Fact("former_scheme", name, if_unknown=False),)) for name in _FORMER)
    )
    who = people.Who((former,)) if part.prior_scheme_only else people.EVERYBODY
    return compiled.LateStage(part.starts_on, part.until, terms, who)


def _newborn(part: days.Newborn) -> compiled.Newborn:
    cases = tuple(map(_newborn_case, part.cases))
    return compiled.Newborn(cases, part.otherwise is not None, merged(*(case.terms.rules for case in cases)))


def _newborn_case(part: days.NewbornCase) -> compiled.NewbornCase:
    helped = part.helped == "as_in_window"
    terms = compiled.Terms(compiled.Due(part.due), _start(part.cover), helped, part.rules, newborn=True)
    return compiled.NewbornCase(
        part.born_from, part.born_to, _who(part.who), part.within_months, part.paid_inside_window, terms
    )


def _waiting(part: days.WaitingPeriod) -> compiled.WaitingPeriod:
    return compiled.WaitingPeriod(
        fixed_months=part.fixed_months,
        months_per_missed_year=part.months_per_missed_year,
        uncounted_years=0 if part.first_missed_year_counts else 1,
        months_per_repaired_year=part.months_per_repaired_year,
        long_gap_years=part.long_gap.missed_years if part.long_gap else None,
        long_gap_months=part.long_gap.at_least_months if part.long_gap else 0,
        rules=part.rules,
    )


def _admission(part: described.Admission) -> compiled.Admission:
    return compiled.Admission(
        rules=part.rules,
        once_rules=part.once.rules if part.once else part.rules,
        ties=tuple(
            compiled.Tie(_who(tie.who), tie.rules if number else ()) for number, tie in enumerate(part.local_tie.any_of)
        ),
        tie_rules=merged(part.local_tie.rules, *(tie.rules for tie in part.local_tie.any_of)),
        exclusions=tuple(compiled.Exclusion(found.status, found.refused_as, found.rules) for found in part.excluded),
        requirements=tuple(
            compiled.Requirement(_who(found.of), _who(found.who), found.text, found.rules) for found in part.required
        ),
    )


def _papers(part: described.Documents) -> compiled.Papers:
    any_of = tuple(frozenset(paper.any_of) for paper in part.papers)
    return compiled.Papers(_who(part.who), part.helped, part.also, any_of, part.rules)


def _premium(part: money.Premium) -> compiled.Premium:
    is_theirs = part.paid_by is not Payer.PERSON and part.who.statuses is not None
    return compiled.Premium(
        individual_fen=part.individual_fen,
        rules=part.rules,
        who=_who(part.who),
        fiscal_fen=part.fiscal_fen,
        payer=part.paid_by,
        paid_for=part.who.statuses[0] if is_theirs and part.who.statuses else None,
        due=compiled.Due(part.due) if part.due else None,
    )


def _kept(part: money.Kept) -> compiled.Kept:
    shares = tuple((share.payer, share.percent) for share in part.gap_payers)
    return compiled.Kept(_who(part.who), part.keeps_fen, part.gap_from, shares, part.rules)


def _subsidies(part: money.Subsidies) -> compiled.Subsidies:
    by_status: dict[Status, tuple[compiled.Subsidy, ...]] = {}
    described_help: list[compiled.Subsidy] = []
    rank = 0
    for given in part.given:
        for status in given.statuses:
            by_status[status] = (*by_status.get(status, ()), _subsidy(given, status, rank))
            rank += 1
        if not given.statuses:
            described_help.append(_subsidy(given, None, rank))
            rank += 1
    denied = {status: found.rules for found in part.denied for status in found.statuses}
    return compiled.Subsidies(
        by_status=MappingProxyType(by_status),
        described=tuple(described_help),
        denied=MappingProxyType(denied),
        choice=compiled.Choice(part.one_only.choice),
        one_only_rules=part.one_only.rules,
        evidence_rules=part.evidence.rules,
        added_later=part.evidence.added_later is not None,
    )


def _subsidy(part: money.Subsidy, status: Status | None, rank: int) -> compiled.Subsidy:
    years = part.benefit_years
    payers = ((part.payer, None),) if part.payer else ()
    return compiled.Subsidy(
        status=status,
        rank=rank,
        help=_help(part.help),
        payers=payers or tuple((share.payer, share.up_to_fen) for share in part.payers or ()),
        rules=part.rules,
        grades=frozenset(part.grades) if part.grades else None,
        who=_who(part.who),
        local_hukou=part.local_hukou,
        identified_by=part.identified_by,
        first_benefit_year=years.first if years else None,
        last_benefit_year=years.last if years else None,
    )


def _help(part: money.Full | money.Percent | money.Fixed) -> compiled.Help:
    match part:
        case money.Full():
            return compiled.FullHelp()
        case money.Percent():
            return compiled.PercentHelp(part.percent, part.floor_fen, part.cap_fen)
        case money.Fixed():
            return compiled.FixedHelp(part.amount_fen)


def _refund(part: handling.Refund) -> compiled.Refund:
    grounds = {found.ground: found.rules for found in part.grounds}
    decided = frozenset(found.ground for found in part.grounds if found.found_after_window)
    return compiled.Refund(part.window.span(), part.window.rules, MappingProxyType(grounds), decided)
