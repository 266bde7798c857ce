"""Document 004 (a county's notice for 2022), rule by rule: boundaries on both sides, as the catalogue reads them."""

from datetime import date
from typing import Any

import pytest

from services.registration.rules import EnrolmentKind, assessment_day
from shared.codes import Document
from tests.registration_rules import AWAY, DAY, YANGCHENG, accepted, facts, held, newborn, refusals

PERSON, FUND, CHANNEL = "person", "medical_assistance_fund", "original_channel"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        # S004-03, S004-06: from 1 September
        (date(2021, 8, 25), ["outside_window"]),
        (date(2021, 8, 31), ["outside_window"]),
        (date(2021, 9, 1), []),
        # S004-07, A004-1: days 1 to 25 of each month
        (date(2021, 9, 25), []),
        (date(2021, 9, 26), ["closed_day"]),
        (date(2021, 9, 30), ["closed_day"]),
        (date(2021, 10, 1), []),
        (date(2021, 10, 25), []),
        (date(2021, 10, 31), ["closed_day"]),
        (date(2021, 11, 30), ["closed_day"]),
        (date(2021, 12, 1), []),
        # S004-08, A004-2, A004-14: 25 December is a Saturday and the last day all the same; after it no masked day
        (date(2021, 12, 25), []),
        (date(2021, 12, 26), ["outside_window"]),
        (date(2021, 12, 31), ["outside_window"]),
        (date(2022, 1, 1), ["outside_window"]),
        (date(2022, 9, 10), ["outside_window"]),
    ],
)
@pytest.mark.parametrize("enrolment", [EnrolmentKind.NEW, EnrolmentKind.RENEWAL])
def test_window(day: date, expected: list[str], enrolment: EnrolmentKind):
    assert refusals(facts(paid_on=day, enrolment=enrolment)) == expected
    assert refusals(facts(paid_on=None, registered_on=day, enrolment=enrolment)) == expected


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
    """S004-02, A004-12: the mask binds paying; a roster of the 26th is assessed for the first of the next month."""
    assert assessment_day(YANGCHENG.window, EnrolmentKind.RENEWAL, today) == expected
    assert assessment_day(YANGCHENG.window, EnrolmentKind.NEWBORN, today) == today


def test_premium_and_cover():
    """S004-05, S004-09, A004-17: 320 yuan for everybody, for the calendar year."""
    for kind in (EnrolmentKind.NEW, EnrolmentKind.RENEWAL):
        verdict = accepted(facts(enrolment=kind))
        assert (verdict.standard_fen, verdict.payable_fen) == (32000, 32000)
        assert [(line.payer, line.amount_fen, line.status) for line in verdict.lines] == [(PERSON, 32000, None)]
        assert (verdict.cover.starts_on, verdict.cover.ends_on) == (date(2022, 1, 1), date(2022, 12, 31))
        assert verdict.rules == ("S004-09",)


@pytest.mark.parametrize(
    ("code", "grade", "payer", "given_fen", "rules"),
    [
        ("destitute", None, FUND, 32000, ("S004-13", "S004-15")),
        ("orphan", None, FUND, 32000, ("S004-13", "S004-15")),
        ("unattended_child", None, FUND, 32000, ("S004-13", "S004-15")),
        ("disabled", 1, CHANNEL, 32000, ("S004-16",)),
        ("disabled", 2, CHANNEL, 32000, ("S004-16",)),
        ("key_entitled", None, CHANNEL, 32000, ("S004-16",)),
        ("fallen_into_poverty", None, FUND, 28800, ("S004-12", "S004-15")),
        ("dibao", None, FUND, 28000, ("S004-14", "S004-15")),
        ("at_risk_of_poverty", None, FUND, 28000, ("S004-11", "S004-15")),
    ],
)
def test_help(code: str, grade: int | None, payer: str, given_fen: int, rules: tuple[str, ...]):
    verdict = accepted(facts(statuses=(held(code, None, grade),)))
    expected = [(payer, given_fen, code, rules), (PERSON, 32000 - given_fen, None, ("S004-09",))]
    shown = [(line.payer, line.amount_fen, line.status, line.rules) for line in verdict.lines]
    assert shown == [line for line in expected if line[1]]
    assert verdict.payable_fen == 32000 - given_fen
    assert verdict.not_applied == ()


@pytest.mark.parametrize(
    ("statuses", "reason", "rules"),
    [
        ([held("stably_out_of_poverty")], "not_in_scheme", ("S004-10",)),
        ([held("registered_poor")], "not_in_scheme", ()),
        ([held("family_planning_hardship")], "not_in_scheme", ()),
        ([held("disabled", None, 3)], "grade_not_covered", ("S004-16",)),
        ([held("disabled", None, 4)], "grade_not_covered", ("S004-16",)),
        ([held("dibao", date(2021, 10, 13))], "not_yet_identified", ("S004-17",)),
    ],
)
def test_status_that_gives_nothing(statuses: list[Any], reason: str, rules: tuple[str, ...]):
    verdict = accepted(facts(statuses=tuple(statuses)))
    assert verdict.payable_fen == 32000
    assert [(gone.status, gone.amount_fen, gone.reason, gone.rules) for gone in verdict.not_applied] == [
        (statuses[0].code, 0, reason, rules)
    ]


def test_status_counts_from_the_day_of_its_identification():
    """S004-17, A004-11: on the payment day itself it counts."""
    assert accepted(facts(statuses=(held("dibao", DAY),))).payable_fen == 4000
    assert accepted(facts(statuses=(held("dibao", date(2021, 10, 13)),))).payable_fen == 32000


@pytest.mark.parametrize(
    ("statuses", "chosen", "left"),
    [
        # the highest amount
        ([held("dibao"), held("disabled", None, 2)], "disabled", [("dibao", 28000)]),
        (
            [held("at_risk_of_poverty"), held("fallen_into_poverty")],
            "fallen_into_poverty",
            [("at_risk_of_poverty", 28000)],
        ),
        # equal amounts go by A004-9: 特困 > 重残/优抚 > 返贫致贫 > 低保 > 易返贫致贫
        ([held("disabled", None, 1), held("destitute")], "destitute", [("disabled", 32000)]),
        ([held("key_entitled"), held("orphan")], "orphan", [("key_entitled", 32000)]),
        ([held("unattended_child"), held("orphan")], "orphan", [("unattended_child", 32000)]),
        ([held("key_entitled"), held("disabled", None, 1)], "disabled", [("key_entitled", 32000)]),
        ([held("at_risk_of_poverty"), held("dibao")], "dibao", [("at_risk_of_poverty", 28000)]),
    ],
)
def test_one_subsidy_only(statuses: list[Any], chosen: str, left: list[tuple[str, int]]):
    """S004-18: several statuses, one subsidy; what the others would have given is shown."""
    for order in (statuses, statuses[::-1]):
        verdict = accepted(facts(statuses=tuple(order)))
        assert verdict.lines[0].status == chosen
        assert "S004-18" in verdict.lines[0].rules
        assert [(gone.status, gone.amount_fen, gone.reason) for gone in verdict.not_applied] == [
            (status, fen, "one_subsidy_only") for status, fen in left
        ]


def test_each_entry_of_a_status_is_judged():
    statuses = (held("disabled", None, 3), held("dibao", date(2021, 12, 1)), held("disabled", None, 1))
    verdict = accepted(facts(statuses=statuses))
    assert [(line.payer, line.amount_fen) for line in verdict.lines] == [(CHANNEL, 32000)]
    assert [(gone.status, gone.reason) for gone in verdict.not_applied] == [
        ("disabled", "grade_not_covered"),
        ("dibao", "not_yet_identified"),
    ]
    assert "S004-18" not in verdict.lines[0].rules


@pytest.mark.parametrize(
    "code", ["insured_elsewhere", "student", "deceased", "detained", "clergy", "low_income_family"]
)
def test_status_that_the_notice_does_not_name_changes_nothing(code: str):
    assert accepted(facts(statuses=(held(code),))) == accepted(facts())


@pytest.mark.parametrize(
    ("since", "expected"), [(None, ["employee_insured"]), (DAY, ["employee_insured"]), (date(2021, 10, 13), [])]
)
def test_employees_do_not_enrol(since: date | None, expected: list[str]):
    """S004-04."""
    assert refusals(facts(statuses=(held("employee_insured", since),))) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hukou": AWAY}, []),
        ({"residence": AWAY}, []),
        ({"hukou": AWAY, "residence": AWAY}, ["no_local_tie"]),
        ({"residence": AWAY, "hukou_since": DAY}, []),
        ({"residence": AWAY, "hukou_since": date(2021, 10, 13)}, ["no_local_tie"]),
        ({"hukou": "140522", "residence": AWAY}, []),
        ({"hukou": "140522108200", "residence": AWAY}, []),
        ({"hukou": "140500", "residence": "140500"}, ["no_local_tie"]),
    ],
)
def test_local_hukou_or_residence_suffices(changes: dict[str, Any], expected: list[str]):
    assert refusals(facts(**changes)) == expected


def test_every_reason_at_once():
    case = facts(
        paid_on=date(2021, 9, 26), hukou=AWAY, residence=AWAY, statuses=(held("employee_insured"), held("dibao"))
    )
    assert sorted(refusals(case)) == ["closed_day", "employee_insured", "no_local_tie"]


@pytest.mark.parametrize(
    ("changes", "starts_on"),
    [
        ({}, date(2022, 3, 15)),
        ({"birth_date": date(2022, 1, 1), "registered_on": date(2022, 1, 1)}, date(2022, 1, 1)),
        ({"birth_date": date(2022, 12, 31), "registered_on": date(2022, 12, 31)}, date(2022, 12, 31)),
        ({"registered_on": date(2022, 9, 26)}, date(2022, 3, 15)),
        ({"birth_date": date(2022, 12, 30), "registered_on": date(2023, 1, 20)}, date(2022, 12, 30)),
    ],
)
def test_newborn_is_free_from_birth(changes: dict[str, Any], starts_on: date):
    """S004-34, S004-35, A004-15: nothing due for the birth year, on whatever day the child registers."""
    verdict = accepted(newborn(**changes))
    assert (verdict.standard_fen, verdict.payable_fen, verdict.lines) == (0, 0, ())
    assert (verdict.cover.starts_on, verdict.cover.ends_on) == (starts_on, date(2022, 12, 31))
    assert "S004-34" in verdict.rules


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"birth_date": date(2021, 12, 31)}, ["not_eligible"]),
        ({"birth_date": date(2023, 1, 1), "registered_on": date(2023, 2, 1)}, ["not_eligible"]),
        ({"documents": frozenset()}, ["documents_missing"]),
        ({"documents": frozenset({Document.BIRTH_CERTIFICATE})}, ["documents_missing"]),
        ({"documents": frozenset({Document.HUKOU_BOOKLET})}, []),
        ({"documents": frozenset({Document.HUKOU_CERTIFICATE, Document.PHOTO})}, []),
        ({"documents": None}, []),
        ({"hukou": AWAY, "residence": AWAY}, ["no_local_tie"]),
        ({"residence": AWAY, "hukou_since": date(2022, 4, 15)}, []),
        ({"residence": AWAY, "hukou_since": date(2022, 4, 16)}, ["no_local_tie"]),
        ({"birth_date": date(2022, 4, 16)}, ["not_eligible"]),  # not born yet
    ],
)
def test_newborn_refused(changes: dict[str, Any], expected: list[str]):
    assert refusals(newborn(**changes)) == expected


def test_help_of_a_newborn_has_nothing_to_pay():
    statuses = (held("dibao"), held("stably_out_of_poverty"), held("orphan", date(2023, 1, 1)), held("student"))
    verdict = accepted(newborn(statuses=statuses))
    assert [(gone.status, gone.amount_fen, gone.reason) for gone in verdict.not_applied] == [
        ("dibao", 0, "condition_not_met"),
        ("stably_out_of_poverty", 0, "not_in_scheme"),
        ("orphan", 0, "not_yet_identified"),
    ]


def test_papers_are_asked_of_newborns_only():
    assert accepted(facts(documents=frozenset())) == accepted(facts())
