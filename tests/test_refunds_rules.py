"""Who gets money back and who may lay hands on it: tables of cases, and the state graph. No database."""

import re
from datetime import date
from pathlib import Path

import pytest

from services.refunds import rules, schemas
from services.refunds.rules import Act, Collection, Hand, Reason, State, Stated, Step
from shared.ids import new_id

STATED = Stated.of(
    {
        "window_from": "2021-09-01",
        "window_to": "2021-12-25",
        "grounds": ["paid_twice", "moved_away"],
        "rules": {
            "outside_window": ["S004-30", "S004-32"],
            "paid_twice": ["S004-29", "S004-31", "S004-33"],
            "moved_away": ["S004-33"],
        },
    }
)
TWICE, WINDOW = ("S004-29", "S004-31", "S004-33"), ("S004-30", "S004-32")


def collection(outcome: str = "surplus", refunded_fen: int = 0) -> Collection:
    return Collection(new_id(), "140522A", "yangcheng-2022", new_id(), "140522108200", outcome, 32000, refunded_fen)


def codes(reasons: list[Reason]) -> list[tuple[str, tuple[str, ...]]]:
    return [(reason.code.value, reason.rules) for reason in reasons]


@pytest.mark.parametrize(
    ("outcome", "refunded_fen", "ground", "day", "reasons"),
    [
        ("surplus", 0, "paid_twice", "2021-09-01", []),
        ("surplus", 0, "paid_twice", "2021-12-25", []),
        ("surplus", 0, "paid_twice", "2021-10-26", []),  # the day mask is for paying, not for asking (A004-12)
        ("surplus", 31999, "paid_twice", "2021-12-05", []),
        ("surplus", 0, "paid_twice", "2021-08-31", [("outside_window", WINDOW)]),
        ("surplus", 0, "paid_twice", "2021-12-26", [("outside_window", WINDOW)]),
        ("surplus", 0, "too_dear", "2021-12-05", [("ground_not_allowed", TWICE)]),
        # The scheme lists it, but nothing here could look into it.
        ("surplus", 0, "moved_away", "2021-12-05", [("ground_not_allowed", TWICE)]),
        ("settled", 0, "paid_twice", "2021-12-05", [("not_surplus", TWICE)]),
        ("suspense", 0, "paid_twice", "2021-12-05", [("not_surplus", TWICE)]),
        ("surplus", 32000, "paid_twice", "2021-12-05", [("nothing_left", TWICE)]),
        ("settled", 0, "paid_twice", "2021-12-28", [("outside_window", WINDOW), ("not_surplus", TWICE)]),
        (
            "surplus",
            32000,
            "too_dear",
            "2022-01-01",
            [("outside_window", WINDOW), ("ground_not_allowed", TWICE), ("nothing_left", ())],
        ),
    ],
)
def test_every_reason_is_given_with_its_rules(
    outcome: str, refunded_fen: int, ground: str, day: str, reasons: list[tuple[str, tuple[str, ...]]]
) -> None:
    assert codes(rules.judge(STATED, collection(outcome, refunded_fen), ground, date.fromisoformat(day))) == reasons


def test_a_notice_without_a_word_about_refunds_leads_to_no_rule() -> None:
    day = date(2021, 12, 5)
    assert codes(rules.judge(None, collection(), "paid_twice", day)) == [("no_rule", ())]
    assert codes(rules.judge(None, collection("settled"), "paid_twice", day)) == [("no_rule", ()), ("not_surplus", ())]


def test_the_reason_is_told_in_words_for_the_applicant() -> None:
    [late] = rules.judge(STATED, collection(), "paid_twice", date(2021, 12, 28))
    assert late.detail == "退费须在集中征缴期内申请（2021-09-01至2021-12-25），申请日为2021-12-28"


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
        (Step.PAY, "else", None),
    ],
)
def test_who_asks_who_checks_and_who_pays_are_different_people(
    step: Step, subject: str, barred_as: Hand | None
) -> None:
    hands = {"requested_by": "asks", "checked_by": "checks", "decided_by": "decides"}
    assert rules.seen_by(step, subject, hands) == barred_as


def test_every_state_is_reached_and_every_act_leads_somewhere() -> None:
    assert set(rules.TRANSITIONS.values()) == set(State)
    assert {act for _, act in rules.TRANSITIONS} == set(Act)
    final = set(State) - {state for state, _ in rules.TRANSITIONS}
    assert final == {State.REFUSED, State.REJECTED, State.PAID}
    assert set(rules.NOT_BY) == set(Step)
    assert set(schemas.STATES) == set(State)


def test_the_readme_draws_exactly_the_table() -> None:
    readme = (Path(rules.__file__).parent / "README.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^ +(\S+) --> (\w+): (\w+)$", readme, re.MULTILINE)
    table = [(before or "[*]", after, act) for (before, act), after in rules.TRANSITIONS.items()]
    assert drawn == table
    told = re.findall(r"^\| (\w+) \| (\S+) \|", readme, re.MULTILINE)
    assert dict(told) == {"state": "中文", **schemas.STATES}
