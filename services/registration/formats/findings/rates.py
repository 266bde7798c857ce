"""Who has no rate, who has two, and which rate nobody reaches."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import groupby

from shared.codes import RefusalCode

from ...rules.admission import admission_refusals
from ...rules.dues import dues_of
from ...rules.facts import EnrolmentKind, Facts, Situation
from ...rules.newborn import newborn_terms
from ...rules.package import Package, Terms
from ...rules.verdict import Reason
from ...rules.words import Words
from ..language import PackageFile
from .finding import Finding
from .people import birthdays, open_day, people, told


def missing_rates(file: PackageFile, package: Package) -> Iterator[Finding]:
    """Birthdays on which somebody who may join has no rate; what holds for everybody is told once."""
    everybody: set[date] = set()
    said: set[tuple[date, ...]] = set()
    days = birthdays(file, open_day(package))
    for _, same in groupby(people(file, package), key=lambda facts: replace(facts, birth_date=date.min)):
        group = list(same)
        lacking = [facts for facts in group if _may_join_without_rate(package, facts)]
        bare = {facts.birth_date for facts in lacking} - everybody
        if not group[0].statuses and group[0].former_scheme is None and not group[0].residence_permit:
            everybody |= bare
        for run in _runs(days, bare):
            if (key := tuple(run)) in said:
                continue
            said.add(key)
            example = told(next(facts for facts in lacking if facts.birth_date == run[0]))
            span = _span(days, run)
            zh = f"{span.zh}出生的人没有费率，例：{example[0]}"
            en = f"Nobody born {span.en} has a rate, for example: {example[1]}"
            yield Finding(("premiums",), "birthday_without_rate", zh, en)


def newborn_rates(package: Package) -> Iterator[Finding]:
    """Cases of newborns in which something is due and no rate says what."""
    for number, case in enumerate(package.newborn.cases if package.newborn else ()):
        child = Facts(
            birth_date=case.born_from,
            hukou=package.pool,
            hukou_since=None,
            residence=package.pool,
            enrolment=EnrolmentKind.NEWBORN,
            registered_on=max(case.born_from, open_day(package)),
            paid_on=max(case.born_from, open_day(package)),
        )
        seen = Situation(package.pool, child)
        terms = newborn_terms(package, seen)
        if isinstance(terms, Terms) and _has_no_rate(package, seen, terms):
            zh, en = told(child)
            steps = ("newborn", "cases", number)
            yield Finding(steps, "newborn_without_rate", f"新生儿没有费率，例：{zh}", f"No rate for newborns: {en}")


def unreached_rates(file: PackageFile, package: Package) -> Iterator[Finding]:
    """Two rates for one person that nothing but a birthday tells apart, and rates that nobody is the first to fit."""
    first: set[int] = set()
    fitting: dict[int, Facts] = {}
    doubled: dict[tuple[int, int], Facts] = {}
    alike = [_beside_birth(file, number) for number in range(len(file.premiums))]
    for facts in people(file, package):
        seen = Situation(package.pool, facts)
        fits = [number for number, premium in enumerate(package.premiums) if premium.who.fits(seen)]
        first.update(fits[:1])
        for number in fits[1:]:
            fitting.setdefault(number, facts)
            if alike[number] == alike[fits[0]]:
                doubled.setdefault((fits[0], number), facts)
    for (one, other), facts in doubled.items():
        zh, en = told(facts)
        groups = f"{file.premiums[one].group}、{file.premiums[other].group}"
        yield Finding(
            ("premiums", other),
            "two_rates",
            f"同一人适用两个费率（{groups}），例：{zh}",
            f"Two rates fit one person ({groups.replace('、', ', ')}), for example: {en}",
        )
    told_of = {other for _, other in doubled}
    for number in sorted(set(fitting) - first - told_of):
        zh, en = told(fitting[number])
        group = file.premiums[number].group
        yield Finding(
            ("premiums", number),
            "rate_unreached",
            f"费率 {group} 排在更宽的费率之后，无人适用，例：{zh}",
            f"The rate {group} stands behind a wider one and nobody reaches it, for example: {en}",
        )


def _may_join_without_rate(package: Package, facts: Facts) -> bool:
    seen = Situation(package.pool, facts)
    return _has_no_rate(package, seen, package.in_window) and not admission_refusals(package, seen)


def _has_no_rate(package: Package, seen: Situation, terms: Terms) -> bool:
    dues = dues_of(package, seen, terms)
    return isinstance(dues, Reason) and dues.code is RefusalCode.NO_RULE


def _beside_birth(file: PackageFile, number: int) -> str:
    return file.premiums[number].who.model_dump_json(exclude={"born_from", "born_to"})


def _runs(days: list[date], bare: set[date]) -> list[list[date]]:
    """The birthdays in `bare`, joined where they are neighbours in `days`."""
    return [list(run) for is_bare, run in groupby(days, key=bare.__contains__) if is_bare]


def _span(days: list[date], run: list[date]) -> Words:
    """A run of birthdays in words; its ends are those of all days where it reaches them."""
    first, last = run[0], run[-1]
    if first == days[0] and last == days[-1]:
        return Words("任何日期", "on any day")
    if first == days[0]:
        return Words(f"{last} 及以前", f"on or before {last}")
    if last == days[-1]:
        return Words(f"{first} 及以后", f"on or after {first}")
    return Words(f"{first}", f"on {first}") if first == last else Words(f"{first} 至 {last}", f"from {first} to {last}")
