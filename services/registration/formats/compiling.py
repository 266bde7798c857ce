"""A package file, checked field by field, becomes the value that the rules work with."""

from types import MappingProxyType

from shared.codes import Status

from ..rules import package as compiled
from ..rules.facts import EnrolmentKind
from . import language


def compile_package(file: language.PackageFile, version: str) -> compiled.Package:
    """The value of a package file under its version."""
    premiums: dict[EnrolmentKind, compiled.Premium] = {
        kind: compiled.Premium(part.individual_fen, part.rules) for part in file.premiums for kind in part.enrolments
    }
    return compiled.Package(
        scheme=file.scheme,
        pool=file.pool,
        benefit_year=file.benefit_year,
        title=file.title,
        version=version,
        window=_window(file.window),
        admission=_admission(file.admission),
        premiums=MappingProxyType(premiums),
        subsidies=_subsidies(file.subsidies),
        newborn=_newborn(file.newborn) if file.newborn else None,
        cover=file.cover.span(),
        cover_rules=file.cover.rules,
        refund=_refund(file.refund) if file.refund else None,
    )


def _window(part: language.Window) -> compiled.Window:
    return compiled.Window(
        opens_on=part.opens.day,
        opens_rules=part.opens.rules,
        closes_on=part.closes.day,
        closes_rules=part.closes.rules,
        first_day=part.open_days.first,
        last_day=part.open_days.last,
        mask_rules=part.open_days.rules,
    )


def _admission(part: language.Admission) -> compiled.Admission:
    return compiled.Admission(
        rules=part.rules,
        once_rules=part.once.rules,
        by_hukou="hukou" in part.local_tie.any_of,
        by_residence="residence" in part.local_tie.any_of,
        tie_rules=part.local_tie.rules,
        exclusions=tuple(compiled.Exclusion(found.status, found.refused_as, found.rules) for found in part.excluded),
    )


def _subsidies(part: language.Subsidies) -> compiled.Subsidies:
    listed = [(given, status) for given in part.given for status in given.statuses]
    by_status = {status: _subsidy(given, status, rank) for rank, (given, status) in enumerate(listed)}
    denied = {status: found.rules for found in part.denied for status in found.statuses}
    return compiled.Subsidies(
        by_status=MappingProxyType(by_status),
        denied=MappingProxyType(denied),
        one_only_rules=part.one_only.rules,
        evidence_rules=part.evidence.rules,
        added_later=part.evidence.added_later is not None,
    )


def _subsidy(part: language.Subsidy, status: Status, rank: int) -> compiled.Subsidy:
    years = part.benefit_years
    return compiled.Subsidy(
        status=status,
        rank=rank,
        help=_help(part.help),
        payer=part.payer,
        rules=part.rules,
        grades=frozenset(part.grades) if part.grades else None,
        first_benefit_year=years.first if years else None,
        last_benefit_year=years.last if years else None,
    )


def _help(part: language.Full | language.Percent | language.Fixed) -> compiled.Help:
    match part:
        case language.Full():
            return compiled.FullHelp()
        case language.Percent():
            return compiled.PercentHelp(part.percent, part.floor_fen)
        case language.Fixed():
            return compiled.FixedHelp(part.amount_fen)


def _newborn(part: language.Newborn) -> compiled.Newborn:
    return compiled.Newborn(part.birth_year.rules, frozenset(part.documents.any_of), part.documents.rules)


def _refund(part: language.Refund) -> compiled.Refund:
    grounds = {found.ground: found.rules for found in part.grounds}
    decided = frozenset(found.ground for found in part.grounds if found.found_after_window)
    return compiled.Refund(part.window.span(), part.window.rules, MappingProxyType(grounds), decided)
