"""Whom a package is asked about: people on both sides of every boundary that it names."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Literal

from shared.codes import Status

from ...rules.facts import EnrolmentKind, Facts, GivenStatus
from ...rules.package import Package
from ...rules.window import next_open_day
from ...rules.words import ENROLMENTS, STATUSES
from ..language import PackageFile
from ..language.people import Who

DAY = timedelta(days=1)
_AWAY = "000000"  # the code of no place, and so in no pool
_YEARS = range(1850, 2200)  # nobody who enrols was born outside


def all_whos(file: PackageFile) -> list[Who]:
    """Every description of people that decides about rates, and those inside them."""
    outer = [premium.who for premium in file.premiums] + [kept.who for kept in file.transition]
    return [inner for who in outer for inner in _with_inner(who)]


def _with_inner(who: Who) -> Iterator[Who]:
    yield who
    for inner in who.any_of or ():
        yield from _with_inner(inner)


def open_day(package: Package) -> date:
    """A day inside the window on which an ordinary person can pay."""
    start = package.window.opens_on or date(package.benefit_year, 1, 1)
    return next_open_day(package.window, start) or start


def adult(package: Package, day: date) -> Facts:
    """A local resident of thirty who renews and pays on a day."""
    return Facts(
        birth_date=day.replace(year=day.year - 30, day=1),
        hukou=package.pool,
        hukou_since=None,
        residence=package.pool,
        enrolment=EnrolmentKind.RENEWAL,
        registered_on=day,
        paid_on=day,
    )


def day_after(day: date) -> date:
    """The next day; of the last that there is, itself."""
    return day if day == date.max else day + DAY


def birthdays(file: PackageFile, day: date) -> list[date]:
    """Birthdays on both sides of every boundary of the rates, and of every age between; none after `day`."""
    edges = {date(day.year - age, 1, 1) for age in range(0, 100, 10)}
    for who in all_whos(file):
        edges |= {edge for edge in (who.born_from, who.born_to) if edge and edge.year in _YEARS}
    days = {edge + step * DAY for edge in edges for step in (-1, 0, 1)}
    return sorted(found for found in days if found <= day)


def people(file: PackageFile, package: Package) -> Iterator[Facts]:
    """Local people of every kind that the rates tell apart, on every birthday; plain ones first."""
    plain = adult(package, open_day(package))
    whos = all_whos(file)
    held: list[tuple[GivenStatus, ...]] = [(), *((status,) for status in _statuses(whos))]
    sexes = _SEXES if any(who.sex for who in whos) else (None,)
    formers = _FORMERS if any(who.former_scheme for who in whos) else (None,)
    hukous = _HUKOUS if any(who.hukou_kind for who in whos) else (None,)
    at_home = (plain.hukou, False), (_AWAY, True)  # the others live here with a residence permit
    for home, statuses, former, hukou, sex, kind in product(at_home, held, formers, hukous, sexes, _JOINING):
        for birth_date in birthdays(file, plain.registered_on):
            yield replace(
                plain,
                birth_date=birth_date,
                hukou=home[0],
                residence_permit=home[1],
                statuses=statuses,
                former_scheme=former,
                hukou_kind=hukou,
                sex=sex,
                enrolment=kind,
            )


def told(facts: Facts) -> tuple[str, str]:
    """A person in a few words, in Chinese and in English."""
    kind_zh, kind_en = ENROLMENTS[facts.enrolment]
    zh, en = [f"{facts.birth_date}出生", kind_zh], [f"born {facts.birth_date}", kind_en]
    for status in facts.statuses:
        grade_zh, grade_en = (f"{status.grade}级", f" grade {status.grade}") if status.grade else ("", "")
        zh.append(f"{STATUSES[status.code].zh}{grade_zh}")
        en.append(f"{STATUSES[status.code].en}{grade_en}")
    if facts.residence_permit:
        zh.append("外地户籍持居住证")
        en.append("hukou elsewhere, with a residence permit")
    for name in ("former_scheme", "hukou_kind", "sex"):
        if value := getattr(facts, name):
            zh.append(f"{name} {value}")
            en.append(f"{name} {value}")
    return "、".join(zh), ", ".join(en)


def _statuses(whos: list[Who]) -> list[GivenStatus]:
    named = sorted({status for who in whos for status in who.statuses or ()})
    schools = sorted({who.school for who in whos if who.school})
    found = [GivenStatus(status) for status in named if status is not Status.DISABLED]
    found += [GivenStatus(Status.STUDENT, school_region=_SCHOOLS[school]) for school in schools]
    if Status.DISABLED in named:
        found += [GivenStatus(Status.DISABLED, grade) for grade in range(1, 5)]
    return found


_SEXES: tuple[Literal["male", "female"] | None, ...] = ("male", "female")
_FORMERS: tuple[Literal["urban", "nrcms"] | None, ...] = (None, "urban", "nrcms")
_HUKOUS: tuple[Literal["urban", "rural"] | None, ...] = (None, "urban", "rural")
_JOINING = (EnrolmentKind.RENEWAL, EnrolmentKind.NEW)
_SCHOOLS = {"local": None, "elsewhere": _AWAY}
