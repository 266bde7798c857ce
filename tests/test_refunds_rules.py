"""Who gets money back and who may lay hands on it: tables of cases, and the state graph. No database."""

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from services.refunds import rules, schemas
from services.refunds.rules import Collection, Hand, Reason, State, Stated, Step
from shared.ids import new_id

STATED = Stated.of(
    {
        "window_from": "2021-09-01",
        "window_to": "2021-12-25",
        "grounds": ["paid_twice", "moved_away", "status_recognised", "joined_employee", "wrong_payment"],
        "person_decides": ["status_recognised"],
        "rules": {
            "outside_window": ["S004-30", "S004-32"],
            "paid_twice": ["S004-29", "S004-31", "S004-33"],
            "moved_away": ["S004-33"],
            "status_recognised": ["S004-17"],
            "joined_employee": ["S004-04"],
            "wrong_payment": ["S004-20"],
        },
    }
)
TWICE, WINDOW = ("S004-29", "S004-31", "S004-33"), ("S004-30", "S004-32")
ALL_GROUNDS = (*TWICE, "S004-17", "S004-04", "S004-20")


def collection(
    outcome: str = "surplus", refunded_fen: int = 0, released_fen: int | None = None, refunding_fen: int = 0
) -> Collection:
    if released_fen is None:
        released_fen = 32000 if outcome == "surplus" else 0
    about = (new_id(), "140522A", "yangcheng-2022", new_id(), "140522108200", outcome)
    return Collection(*about, 32000, released_fen, refunding_fen, refunded_fen)


def codes(reasons: list[Reason]) -> list[tuple[str, tuple[str, ...]]]:
    return [(reason.code.value, reason.rules) for reason in reasons]


@pytest.mark.rule("S004-30", "S004-33")
@pytest.mark.parametrize(
    ("outcome", "refunded_fen", "ground", "day", "reasons"),
    [
        ("surplus", 0, "paid_twice", "2021-09-01", []),
        ("surplus", 0, "paid_twice", "2021-12-25", []),
        ("surplus", 0, "paid_twice", "2021-10-26", []),  # the day mask is for paying, not for asking (A004-12)
        ("surplus", 31999, "paid_twice", "2021-12-05", []),
        ("surplus", 0, "paid_twice", "2021-08-31", [("outside_window", WINDOW)]),
        ("surplus", 0, "paid_twice", "2021-12-26", [("outside_window", WINDOW)]),
        ("surplus", 0, "too_dear", "2021-12-05", [("ground_not_allowed", ALL_GROUNDS)]),
        # The scheme lists it, but nothing here could look into it.
        ("surplus", 0, "moved_away", "2021-12-05", [("ground_not_allowed", ALL_GROUNDS)]),
        ("settled", 0, "paid_twice", "2021-12-05", [("not_surplus", TWICE)]),
        ("suspense", 0, "paid_twice", "2021-12-05", [("not_surplus", TWICE)]),
        ("surplus", 32000, "paid_twice", "2021-12-05", [("nothing_left", TWICE)]),
        ("settled", 0, "paid_twice", "2021-12-28", [("outside_window", WINDOW), ("not_surplus", TWICE)]),
        (
            "surplus",
            32000,
            "too_dear",
            "2022-01-01",
            [("outside_window", WINDOW), ("ground_not_allowed", ALL_GROUNDS), ("nothing_left", ())],
        ),
        ("suspense", 0, "wrong_payment", "2021-12-05", []),
        ("surplus", 0, "wrong_payment", "2021-12-05", [("not_in_suspense", ("S004-20",))]),
        # The departments' list has not changed the assessment: the list decides, not the wish (S004-17).
        ("settled", 0, "status_recognised", "2021-12-05", [("not_released", ("S004-17",))]),
        ("settled", 0, "joined_employee", "2021-12-05", [("not_released", ("S004-04",))]),
    ],
)
def test_every_reason_is_given_with_its_rules(
    outcome: str, refunded_fen: int, ground: str, day: str, reasons: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert codes(rules.judge(STATED, collection(outcome, refunded_fen), ground, date.fromisoformat(day))) == reasons


@pytest.mark.parametrize(
    ("ground", "money", "late", "reasons"),
    [
        ("status_recognised", collection("settled", released_fen=28000), False, []),
        ("status_recognised", collection("settled", 28000, 28000), False, ["nothing_left"]),
        ("status_recognised", collection("settled", 0, 28000, 28000), False, ["nothing_left"]),
        ("joined_employee", collection("settled", released_fen=32000), False, []),
        ("joined_employee", collection("settled", released_fen=28000), False, ["not_released"]),
        ("status_recognised", collection("settled", released_fen=28000), True, []),  # a person decides
        ("joined_employee", collection("settled", released_fen=32000), True, ["outside_window"]),
    ],
)
def test_money_that_is_not_due_any_more(ground: str, money: Collection, late: bool, reasons: list[str]) -> None:
    day = date(2022, 1, 5) if late else date(2021, 12, 5)
    assert [reason.code for reason in rules.judge(STATED, money, ground, day, late=late)] == reasons


def test_money_that_was_taken_back_cannot_go_back() -> None:
    assert replace(collection(), is_reversed=True).left_fen == 0


@pytest.mark.parametrize(
    ("reason", "because", "ground"),
    [
        ("already_paid", "", "paid_twice"),
        ("assessment_revised", "status_recognised", "status_recognised"),
        ("assessment_voided", "employee_insured", "joined_employee"),
        ("assessment_voided", "deceased", "deceased"),
        ("assessment_voided", "insured_elsewhere", "insured_elsewhere"),
    ],
)
def test_the_ground_behind_a_surplus(reason: str, because: str, ground: str) -> None:
    assert rules.ground_of(reason, because) == ground


@pytest.mark.rule("A000-15", "A002-18", "A-X4")
def test_a_notice_without_a_word_about_refunds_leads_to_no_rule() -> None:
    day = date(2021, 12, 5)
    assert codes(rules.judge(None, collection(), "paid_twice", day)) == [("no_rule", ())]
    assert codes(rules.judge(None, collection("settled"), "paid_twice", day)) == [("no_rule", ()), ("not_surplus", ())]


@pytest.mark.rule("A000-15", "A002-18", "A-X4")
@pytest.mark.parametrize(
    ("money", "reasons"),
    [(collection(), []), (collection(refunded_fen=32000), ["nothing_left"]), (collection("settled"), ["not_surplus"])],
)
def test_what_the_system_found_and_no_notice_regulates_is_left_to_a_person(
    money: Collection, reasons: list[str]
) -> None:
    found = rules.judge(None, money, "paid_twice", date(2016, 3, 1), found=True)
    assert [reason.code.value for reason in found] == reasons


@pytest.mark.rule("S004-32")
def test_the_reason_is_told_in_words_for_the_applicant() -> None:
    [late] = rules.judge(STATED, collection(), "paid_twice", date(2021, 12, 28))
    assert late.detail == "退费须在集中征缴期内申请（2021-09-01至2021-12-25），申请日为2021-12-28"


@pytest.mark.lesson("maker, checker, payer")
@pytest.mark.parametrize(
    ("step", "subject", "barred_as"),
    [
        (Step.CHECK, "asks", Hand.APPLICANT),
        (Step.CHECK, "else", None),
        (Step.DECIDE, "asks", Hand.APPLICANT),
        (Step.DECIDE, "checks", None),  # who decides may have checked
        (Step.PAY, "asks", Hand.APPLICANT),
        (Step.PAY, "checks", Hand.CHECKER),
        (Step.PAY, "decides", Hand.DECIDER),
        (Step.PAY, "reroutes", Hand.REROUTER),
        (Step.PAY, "else", None),
        (Step.REROUTE, "asks", Hand.APPLICANT),
        (Step.REROUTE, "pays", Hand.PAYER),
        (Step.REROUTE, "decides", None),
    ],
)
def test_who_asks_who_checks_and_who_pays_are_different_people(
    step: Step, subject: str, barred_as: Hand | None
) -> None:
    hands = {"requested_by": "asks", "checked_by": "checks", "decided_by": "decides"}
    hands |= {"paid_by": "pays", "rerouted_by": "reroutes"}
    assert rules.seen_by(step, subject, hands) == barred_as


def test_every_state_step_and_hand_has_its_words() -> None:
    assert set(rules.NOT_BY) == set(Step)
    assert (set(schemas.STATES), set(schemas.STEPS), set(schemas.HANDS)) == (set(State), set(Step), set(Hand))


def test_the_readme_has_the_words_of_every_state() -> None:
    readme = (Path(rules.__file__).parent / "README.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (\w+) \| (\S+) \|", readme, re.MULTILINE)
    assert dict(told) == {"state": "中文", **schemas.STATES}
