"""What holds for every package of the repository, with and without its overlay, whoever asks and on whatever day."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.registration.formats.overlay import apply_overlay
from services.registration.formats.package import read_package
from services.registration.rules import (
    Accepted,
    EnrolmentKind,
    Facts,
    GivenStatus,
    Package,
    Refused,
    assess,
    assessment_day,
    bill_window,
    cover_when_paid,
)
from shared.codes import Document, Payer, RefusalCode, Status
from shared.regions import pool_prefix
from tests.registration_rules import PACKAGES, SCHEMES


def filled(overlay: Path) -> Package:
    """The package of an overlay with the overlay's fields set."""
    notice = PACKAGES / f"{overlay.name.split('.', maxsplit=1)[0]}.yaml"
    return read_package(apply_overlay(notice.read_bytes(), overlay.read_bytes())).package


FILLED = {path.stem: filled(path) for path in sorted((PACKAGES / "overlays").glob("*.yaml"))}
PACKAGED = {**SCHEMES, **FILLED}


def days(package: Package) -> st.SearchStrategy[date]:
    """Days about the season of a scheme, from before its window to after its cover."""
    return st.dates(date(package.benefit_year - 1, 6, 1), date(package.benefit_year + 1, 3, 31))


def statuses(package: Package) -> st.SearchStrategy[tuple[GivenStatus, ...]]:
    return st.lists(
        st.builds(
            lambda code, grade, since, school: GivenStatus(
                code, grade if code is Status.DISABLED else None, since, school if code is Status.STUDENT else None
            ),
            st.sampled_from(list(Status)),
            st.integers(1, 4),
            st.none() | days(package),
            st.sampled_from([None, package.pool, "440103"]),
        ),
        max_size=4,
    ).map(tuple)


@st.composite
def asked(draw: st.DrawFn) -> tuple[str, Facts]:
    """A package and somebody who asks to join its scheme."""
    name = draw(st.sampled_from(sorted(PACKAGED)))
    package = PACKAGED[name]
    local = pool_prefix(package.pool).ljust(6, "2")
    registered_on = draw(days(package))
    year = package.benefit_year
    last_day = date(year, 12, 31)
    return name, Facts(
        birth_date=draw(st.dates(date(1930, 1, 1), date(year, 1, 1)) | st.dates(date(year - 1, 8, 1), last_day)),
        hukou=draw(st.sampled_from([local, local, "440103"])),
        hukou_since=draw(st.none() | st.dates(date(2005, 1, 1), date(year, 12, 31))),
        residence=draw(st.sampled_from([local, "440103"])),
        enrolment=draw(st.sampled_from(list(EnrolmentKind))),
        registered_on=registered_on,
        paid_on=draw(st.none() | st.just(registered_on) | days(package)),
        statuses=draw(statuses(package)),
        documents=draw(st.none() | st.none() | st.frozensets(st.sampled_from(list(Document)))),
        sex=draw(st.sampled_from([None, "male", "female"])),
        residence_permit=draw(st.booleans()),
        former_scheme=draw(st.sampled_from([None, "urban", "nrcms"])),
        missed_years=draw(st.integers(0, 6)),
        repaired_years=draw(st.integers(0, 6)),
        hukou_kind=draw(st.sampled_from([None, "urban", "rural"])),
        child_hukou_here=draw(st.sampled_from([None, True, False])),
        pension_elsewhere=draw(st.sampled_from([None, True, False])),
    )  # fmt: skip


@settings(max_examples=600)
@given(asked())
def test_every_answer_adds_up(case: tuple[str, Facts]):
    name, facts = case
    package = PACKAGED[name]
    verdict = assess(package, facts)
    assert verdict == assess(package, replace(facts))
    if isinstance(verdict, Refused):
        codes = [reason.code for reason in verdict.reasons]
        assert codes
        assert len(set(codes)) == len(codes)
        assert not {RefusalCode.CLOSED_DAY, RefusalCode.OUTSIDE_WINDOW} <= set(codes)
        assert all(reason.detail for reason in verdict.reasons)
        assert all(reason.rules or reason.code is RefusalCode.NO_RULE for reason in verdict.reasons)
        return
    amounts = [line.amount_fen for line in verdict.lines]
    assert all(type(amount) is int and amount > 0 for amount in amounts)
    assert sum(amounts) == verdict.standard_fen
    assert 0 <= verdict.payable_fen <= verdict.standard_fen
    assert sum(line.amount_fen for line in verdict.lines if line.payer is Payer.PERSON) == verdict.payable_fen
    assert all(one.amount_fen <= verdict.standard_fen for one in verdict.not_applied)
    assert verdict.rules
    assert (verdict.cover is None) == (package.cover is None)
    if verdict.cover and package.cover:
        assert verdict.cover.starts_on <= verdict.cover.ends_on == package.cover.ends_on


@settings(max_examples=600)
@given(asked(), st.data())
def test_a_further_status_never_raises_what_the_person_pays(case: tuple[str, Facts], data: st.DataObject):
    name, facts = case
    package = PACKAGED[name]
    more = data.draw(statuses(package))
    before, after = assess(package, facts), assess(package, replace(facts, statuses=facts.statuses + more))
    if isinstance(before, Accepted) and isinstance(after, Accepted):
        assert after.payable_fen <= before.payable_fen


@settings(max_examples=300)
@given(asked())
def test_the_order_of_statuses_does_not_matter(case: tuple[str, Facts]):
    name, facts = case
    before = assess(PACKAGED[name], facts)
    after = assess(PACKAGED[name], replace(facts, statuses=facts.statuses[::-1]))
    if isinstance(before, Accepted) and isinstance(after, Accepted):
        assert (before.lines, before.cover, before.rules) == (after.lines, after.cover, after.rules)
    else:
        assert before == after


@settings(max_examples=400)
@given(asked())
def test_who_enrols_can_pay_on_every_day_of_the_bill(case: tuple[str, Facts]):
    """The bill's days begin with the day it was assessed for; paying on the last of them still leaves cover."""
    name, facts = case
    package = PACKAGED[name]
    facts = facts.paid(assessment_day(package, facts, facts.registered_on))
    verdict = assess(package, facts)
    if not isinstance(verdict, Accepted) or verdict.standard_fen == 0:
        return
    window = bill_window(package, facts)
    assert window.opens_on is not None
    assert window.closes_on is not None
    assert window.opens_on <= facts.day <= window.closes_on
    assert cover_when_paid(package, facts, facts.day) == verdict.cover
    last = cover_when_paid(package, facts, window.closes_on)
    if verdict.cover and last:
        assert verdict.cover.starts_on <= last.starts_on <= last.ends_on


@pytest.mark.parametrize("name", sorted(PACKAGED))
def test_every_package_of_the_repository_compiles(name: str):
    package = PACKAGED[name]
    assert package.scheme == name.split(".", maxsplit=1)[0]
    assert package.overlays or name not in FILLED
    assert package.version != SCHEMES[package.scheme].version or name in SCHEMES
