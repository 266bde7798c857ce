"""The rules of registration for any package: help, properties, cover by year, and packages that are no packages."""

import re
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registration.formats.package import PackageFaulty, load_package, read_package
from services.registration.rules import (
    Accepted,
    EnrolmentKind,
    Facts,
    GivenStatus,
    Package,
    Refused,
    Span,
    assess,
    assessment_day,
    next_open_day,
    split_by_year,
    window_refusal,
)
from services.registration.rules.package import FixedHelp, FullHelp, Help, PercentHelp
from services.registration.rules.subsidy import amount_of
from shared.codes import Payer, RefusalCode, Status
from tests.registration_rules import AWAY, HERE, PACKAGES, YANGCHENG, accepted, facts, held, newborn, refusals

SOURCE = (PACKAGES / "yangcheng-2022.yaml").read_text(encoding="utf-8")

days = st.dates(date(2021, 8, 1), date(2022, 2, 1))
statuses = st.lists(
    st.builds(
        lambda code, grade, since: GivenStatus(code, grade if code is Status.DISABLED else None, since),
        st.sampled_from(list(Status)),
        st.integers(1, 4),
        st.none() | days,
    ),
    max_size=5,
).map(tuple)
people = st.builds(
    Facts,
    birth_date=st.dates(date(1930, 1, 1), date(2022, 12, 31)),
    hukou=st.sampled_from([HERE, AWAY, "140522"]),
    hukou_since=st.none() | days,
    residence=st.sampled_from([HERE, AWAY]),
    enrolment=st.sampled_from(list(EnrolmentKind)),
    registered_on=days,
    paid_on=st.none() | days,
    statuses=statuses,
    documents=st.none() | st.just(frozenset()),
)


@pytest.mark.rule("S004-14", "A004-4")
@pytest.mark.parametrize(
    ("help_", "standard_fen", "expected_fen"),
    [
        (FullHelp(), 32000, 32000),
        (FixedHelp(28000), 32000, 28000),
        (FixedHelp(28000), 20000, 20000),
        (PercentHelp(90, 0), 32000, 28800),
        # A004-4: the floor of the notice under other years' standards
        (PercentHelp(80, 28000), 32000, 28000),
        (PercentHelp(80, 28000), 35000, 28000),
        (PercentHelp(80, 28000), 38000, 30400),
        (PercentHelp(80, 28000), 40000, 32000),
        (PercentHelp(80, 28000), 25000, 25000),
        # half a fen goes up, so that help is never short
        (PercentHelp(50, 0), 3, 2),
        (PercentHelp(33, 0), 100, 33),
    ],
)
def test_amount_of_help(help_: Help, standard_fen: int, expected_fen: int):
    assert amount_of(help_, standard_fen) == expected_fen


fen = st.integers(0, 100_000)
helps = st.one_of(
    st.builds(FullHelp),
    st.builds(FixedHelp, fen),
    st.builds(PercentHelp, st.integers(1, 100), fen, st.none() | st.integers(100_000, 200_000)),
)


def raised(help_: Help, by: int) -> Help:
    """The same help with more of everything."""
    if isinstance(help_, FixedHelp):
        return FixedHelp(help_.amount_fen + by)
    if isinstance(help_, PercentHelp):
        cap_fen = None if help_.cap_fen is None else help_.cap_fen + by
        return PercentHelp(min(100, help_.percent + by), help_.floor_fen + by, cap_fen)
    return help_


@given(helps, st.integers(0, 50), fen)
def test_more_help_never_pays_less_and_never_more_than_is_due(help_: Help, by: int, individual_fen: int):
    assert 0 <= amount_of(help_, individual_fen) <= amount_of(raised(help_, by), individual_fen) <= individual_fen


def in_year(year: int) -> Package:
    """The package as if it were another year's."""
    return replace(YANGCHENG, benefit_year=year)


@pytest.mark.rule("S004-11", "A004-5")
@pytest.mark.parametrize(("year", "expected_fen"), [(2021, 32000), (2022, 4000), (2025, 4000), (2026, 32000)])
def test_help_for_some_years_only(year: int, expected_fen: int):
    """S004-11, A004-5: fixed help for the benefit years 2022 to 2025."""
    verdict = accepted(facts(statuses=(held("at_risk_of_poverty"),)), in_year(year))
    assert verdict.payable_fen == expected_fen
    assert [gone.reason for gone in verdict.not_applied] == ([] if expected_fen == 4000 else ["expired"])


@pytest.mark.rule("A-X4")
def test_what_a_notice_does_not_regulate_is_no_rule():
    """A-X4: no guess from another notice."""
    silent = replace(YANGCHENG, newborn=None, premiums=())
    assert refusals(newborn(), silent) == ["no_rule"]
    assert refusals(facts(), silent) == ["no_rule"]
    assert refusals(facts(paid_on=date(2021, 9, 26)), silent) == ["closed_day", "no_rule"]


def test_a_citys_pool_takes_in_its_counties():
    city = replace(YANGCHENG, pool="140500")
    assert refusals(facts(hukou="140523001", residence="140800"), city) == []
    assert refusals(facts(hukou="141000", residence="140800"), city) == ["no_local_tie"]


@given(people)
def test_every_answer_adds_up(person: Facts):
    verdict = assess(YANGCHENG, person)
    if isinstance(verdict, Refused):
        assert verdict.reasons
        codes = [reason.code for reason in verdict.reasons]
        assert len(set(codes)) == len(codes)
        assert not {RefusalCode.CLOSED_DAY, RefusalCode.OUTSIDE_WINDOW} <= set(codes)
        assert all(reason.rules or reason.code is RefusalCode.NO_RULE for reason in verdict.reasons)
        return
    assert sum(line.amount_fen for line in verdict.lines) == verdict.standard_fen
    assert all(line.amount_fen > 0 for line in verdict.lines)
    assert 0 <= verdict.payable_fen <= verdict.standard_fen
    own = [line.amount_fen for line in verdict.lines if line.payer is Payer.PERSON]
    assert sum(own) == verdict.payable_fen
    helped = [line.status for line in verdict.lines if line.status]
    assert len(helped) <= 1
    assert verdict.rules
    if person.enrolment is not EnrolmentKind.NEWBORN:
        assert window_refusal(YANGCHENG.window, person.day) is None


@given(people, statuses)
def test_more_statuses_never_raise_what_the_person_pays(person: Facts, more: tuple[GivenStatus, ...]):
    before = assess(YANGCHENG, person)
    after = assess(YANGCHENG, replace(person, statuses=person.statuses + more))
    if isinstance(before, Accepted) and isinstance(after, Accepted):
        assert after.payable_fen <= before.payable_fen
        assert after.standard_fen == before.standard_fen
    if isinstance(before, Accepted) and isinstance(after, Refused):
        assert [reason.code for reason in after.reasons] == [RefusalCode.EMPLOYEE_INSURED]


@given(people)
def test_the_order_of_statuses_does_not_matter(person: Facts):
    before = assess(YANGCHENG, person)
    after = assess(YANGCHENG, replace(person, statuses=person.statuses[::-1]))
    if isinstance(before, Accepted) and isinstance(after, Accepted):
        assert before.lines == after.lines
        assert before.rules == after.rules


@given(days)
def test_the_next_open_day_is_the_first(day: date):
    opened = next_open_day(YANGCHENG.window, day)
    if opened is None:
        assert YANGCHENG.window.closes_on is not None
        assert day > YANGCHENG.window.closes_on
        return
    assert window_refusal(YANGCHENG.window, opened) is None
    between = (date.fromordinal(n) for n in range(day.toordinal(), opened.toordinal()))
    assert all(window_refusal(YANGCHENG.window, closed) for closed in between)


@pytest.mark.rule("S004-02", "A004-12")
@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2021, 7, 1), date(2021, 9, 1)),
        (date(2021, 9, 1), date(2021, 9, 1)),
        (date(2021, 9, 25), date(2021, 9, 25)),
        (date(2021, 9, 26), date(2021, 10, 1)),
        (date(2021, 11, 30), date(2021, 12, 1)),
        (date(2021, 12, 25), date(2021, 12, 25)),
        (date(2021, 12, 26), date(2021, 12, 26)),  # nothing left: judged for the day itself, and refused
    ],
)
def test_registration_looks_ahead_to_the_next_open_day(today: date, expected: date):
    """The mask binds paying: a roster of the 26th is assessed for the first of the next month."""
    assert assessment_day(YANGCHENG, facts(), today) == expected
    assert assessment_day(YANGCHENG, newborn(), today) == today


@given(st.dates(date(2020, 1, 1), date(2024, 12, 31)), st.integers(0, 1200))
def test_cover_splits_at_the_turn_of_the_year(starts_on: date, length: int):
    span = Span(starts_on, date.fromordinal(starts_on.toordinal() + length))
    parts = split_by_year(span)
    assert (parts[0].starts_on, parts[-1].ends_on) == (span.starts_on, span.ends_on)
    assert all(part.starts_on.year == part.ends_on.year for part in parts)
    for one, other in pairwise(parts):
        assert one.ends_on.toordinal() + 1 == other.starts_on.toordinal()


# Package files


def test_the_version_is_the_content():
    read = read_package(SOURCE.encode())
    assert read.package.version == YANGCHENG.version
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", read.package.version)
    commented = "# a remark\n" + SOURCE.replace("shift: false,", "shift:   false,")
    assert read_package(commented.encode()).package == read.package
    assert read_package(SOURCE.replace("32000", "32001").encode()).package.version != read.package.version
    assert load_package(read.content) == read.package


@pytest.mark.parametrize(
    ("old", "new", "pointer", "code"),
    [
        ('pool: "140522"', "pool: 140522", "/pool", "string_type"),
        ('pool: "140522"', 'pool: "1405"', "/pool", "string_pattern_mismatch"),
        ("percent: 90", "percent: 0.9", "/subsidies/given/3/help/percent", "int_type"),
        ("percent: 90", "percent: 101", "/subsidies/given/3/help/percent", "less_than_equal"),
        ("percent: 90", "share: 90", "/subsidies/given/3/help/percent", "missing"),
        ("kind: fixed", "kind: gift", "/subsidies/given/5/help", "union_tag_invalid"),
        ("individual_fen: 32000", "individual_fen: -1", "/premiums/0/individual_fen", "greater_than_equal"),
        ("status: employee_insured", "status: employed", "/admission/excluded/0/status", "enum"),
        ("statuses: [dibao]", "statuses: [dibao, orphan]", "/subsidies", "named_twice"),
        ("shift: false", "shift: maybe", "/window/holiday_shift/shift", "bool_type"),
        ("day: 2021-12-25", "day: 2021-08-25", "/window", "out_of_order"),
        ("first: 1, last: 25", "first: 26, last: 25", "/window", "out_of_order"),
        ("2022-01-01, to: 2022-12-31", "2022-01-01, to: 2023-12-31", "", "cover_other_year"),
        ("grades: [1, 2]", "grades: [1, 5]", "/subsidies/given/1/grades/1", "less_than_equal"),
        ("[key_entitled]", "[key_entitled]\n      grades: [1]", "/subsidies/given/2", "grades_unexpected"),
        ("payer: original_channel", "payer: person", "/subsidies/given/1", "payer_is_person"),
        ("rules: [S004-09]", "rules: []", "/premiums/0/rules", "too_short"),
        ("rules: [S004-09]", "rules: [S4-9]", "/premiums/0/rules/0", "string_pattern_mismatch"),
        ("rules: [S004-09]", "remark: none", "/premiums/0/rules", "missing"),
        ("benefit_year: 2022", "benefit_year: 2022\nbenefit_year: 2023", "/benefit_year", "duplicate_key"),
        ("day: 2021-12-25", "day: 2021-13-25", "/window/closes/day", "not_a_value"),
    ],
)
def test_a_faulty_package_names_the_field(old: str, new: str, pointer: str, code: str):
    assert old in SOURCE
    with pytest.raises(PackageFaulty) as caught:
        read_package(SOURCE.replace(old, new, 1).encode())
    assert (pointer, code) in [(fault.pointer, fault.code) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not_a_mapping"),
        (b"- a\n- b", "not_a_mapping"),
        (b"a: [", "not_yaml"),
        (b"\xff\xfe", "not_utf8"),
        (b"a: &x [1, 2]\nb: *x", "not_yaml"),
        (b"? [a]\n: b", "not_plain"),
        (b"a: !!python/object:os.system {}", "not_plain"),
        (b"a: !!binary aGk=", "not_plain"),
        (b"a: 99999999999999999999", "not_a_value"),
        (b"a: " + b"[" * 5000, "too_deep"),
        (b"a: 1\na: 2", "duplicate_key"),
    ],
)
def test_what_is_no_package_at_all(raw: bytes, code: str):
    with pytest.raises(PackageFaulty) as caught:
        read_package(raw)
    assert code in {fault.code for fault in caught.value.faults}


def test_every_fault_is_named_at_once():
    with pytest.raises(PackageFaulty) as caught:
        read_package(b"language: 1\nscheme: x\npool: '1'\n")
    pointers = {fault.pointer for fault in caught.value.faults}
    assert {"/scheme", "/pool", "/benefit_year", "/notice", "/admission", "/premiums"} <= pointers


def test_every_part_of_the_notice_cites_its_rules():
    """Each rule of the document that decides who may join, what is due, who pays and when stands in the package."""
    deciding = {f"S004-{number:02d}" for number in (*range(3, 19), 29, 30, 31, 32, 33, 34, 35)}
    assert deciding - set(re.findall(r"S004-\d\d", SOURCE)) == set()
