"""What later lists change: a table of cases, read like the rule A004-11. No database."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.registration.rules import (
    Case,
    Held,
    Revised,
    Span,
    Standing,
    Withdrawn,
    assess,
    review,
)
from services.registration.rules.verdict import Accepted
from tests.registration_rules import YANGCHENG, facts, held, newborn

PAID = date(2021, 9, 10)
YEAR = Span(date(2022, 1, 1), date(2022, 12, 31))


def known(code: str, since: str | None = None, until: str | None = None, grade: int | None = None) -> Held:
    status = held(code, date.fromisoformat(since) if since else None, grade)
    return Held(status, date.fromisoformat(until) if until else None)


def standing(*, paid: bool, before: tuple[Held, ...] = ()) -> Standing:
    """Somebody assessed on the tenth of September with these statuses."""
    verdict = assess(YANGCHENG, facts(paid_on=PAID, registered_on=PAID, statuses=tuple(one.status for one in before)))
    assert isinstance(verdict, Accepted)
    lines = tuple((line.payer, line.amount_fen, line.status) for line in verdict.lines)
    return Standing(facts(paid_on=None), PAID if paid else None, YEAR, verdict.payable_fen, lines)


def outcome(who: Standing, *now: Held, found_on: str = "2021-10-12", today: str = "") -> str:
    """What becomes of it, in a word or two."""
    day = date.fromisoformat(found_on)
    found = review(YANGCHENG, who, now, found_on=day, today=date.fromisoformat(today) if today else day)
    if isinstance(found, Case):
        return found.kind
    if isinstance(found, Withdrawn):
        return f"withdrawn {found.status} {found.refused_as}"
    return f"revised {found.verdict.payable_fen} {found.assessed_for}" if isinstance(found, Revised) else "nothing"


DIBAO = known("dibao", "2021-03-01")


@pytest.mark.parametrize(
    ("now", "found_on", "expected"),
    [
        ([], "2021-10-12", "nothing"),
        ([DIBAO], "2021-10-12", "revised 4000 2021-10-12"),
        ([known("dibao", "2021-10-10")], "2021-10-12", "revised 4000 2021-10-12"),  # recognised after payment
        ([known("dibao", "2021-10-13")], "2021-10-12", "nothing"),  # not yet
        ([known("dibao", "2021-03-01", "2021-09-30")], "2021-10-12", "revised 4000 2021-10-12"),  # held at payment
        ([known("dibao", "2021-03-01", "2021-09-09")], "2021-10-12", "nothing"),  # over before payment
        ([DIBAO], "2021-10-28", "revised 4000 2021-10-28"),  # the mask is for paying
        ([DIBAO], "2021-12-25", "revised 4000 2021-12-25"),
        ([DIBAO], "2021-12-26", "recognised_late"),
        ([known("dibao", "2021-12-25")], "2022-01-05", "recognised_late"),
        ([known("dibao", "2021-12-26")], "2022-01-05", "nothing"),
        ([known("stably_out_of_poverty", "2021-03-01")], "2021-10-12", "nothing"),
        ([known("disabled", "2021-03-01", grade=3)], "2021-10-12", "nothing"),
        ([known("student", "2021-03-01")], "2021-10-12", "nothing"),
        ([DIBAO, known("destitute", "2021-03-01")], "2021-10-12", "revised 0 2021-10-12"),
    ],
)
def test_who_has_paid_in_full(now: list[Held], found_on: str, expected: str) -> None:
    assert outcome(standing(paid=True), *now, found_on=found_on) == expected


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ([DIBAO], "nothing"),
        ([], "withdrawn_after_payment"),  # nothing is collected again
        ([known("at_risk_of_poverty", "2021-03-01")], "revised 4000 2021-10-12"),  # the same amount, another status
    ],
)
def test_who_has_paid_with_help(now: list[Held], expected: str) -> None:
    assert outcome(standing(paid=True, before=(DIBAO,)), *now) == expected


@pytest.mark.parametrize(
    ("now", "today", "expected"),
    [
        ([], "2021-10-12", "revised 32000 2021-10-12"),
        ([DIBAO], "2021-10-12", "nothing"),
        ([known("destitute", "2021-03-01")], "2021-10-12", "revised 0 2021-10-12"),
        ([known("destitute", "2021-10-30")], "2021-10-28", "revised 0 2021-11-01"),  # the first day they can pay
        ([], "2021-12-26", "nothing"),  # nothing can be paid any more
    ],
)
def test_who_has_not_paid(now: list[Held], today: str, expected: str) -> None:
    assert outcome(standing(paid=False, before=(DIBAO,)), *now, found_on=today) == expected


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize(
    ("now", "found_on", "expected"),
    [
        (known("employee_insured", "2021-11-01"), "2021-11-10", "withdrawn employee_insured employee_insured"),
        (known("employee_insured", "2021-12-31"), "2021-12-31", "withdrawn employee_insured employee_insured"),
        (known("employee_insured", "2022-01-01"), "2021-12-31", "nothing"),  # with the year, not before it
        (known("employee_insured", "2021-05-01", "2021-12-31"), "2021-12-05", "nothing"),  # over when cover begins
        (known("deceased", "2021-12-27"), "2021-12-28", "withdrawn deceased not_eligible"),
        (known("deceased", "2022-01-01"), "2022-01-02", "nothing"),
    ],
)
def test_who_does_not_join_after_all(paid: bool, now: Held, found_on: str, expected: str) -> None:
    assert outcome(standing(paid=paid), now, found_on=found_on) == expected


@pytest.mark.parametrize(("paid", "expected"), [(True, "excluded_late"), (False, "nothing")])
def test_told_when_cover_runs_already(paid: bool, expected: str) -> None:
    assert outcome(standing(paid=paid), known("employee_insured", "2021-12-15"), found_on="2022-01-01") == expected


def test_a_newborn_owes_nothing_and_nothing_is_revised() -> None:
    child = Standing(newborn(), date(2022, 3, 28), Span(date(2022, 3, 15), YEAR.ends_on), 0, ())
    assert outcome(child, DIBAO, found_on="2022-05-01") == "nothing"


def test_a_package_that_says_nothing_of_later_lists_changes_nothing_for_the_paid() -> None:
    silent: Any = replace(YANGCHENG, subsidies=replace(YANGCHENG.subsidies, added_later=False))
    day = date(2021, 10, 12)
    assert review(silent, standing(paid=True), [DIBAO], found_on=day, today=day) is None
    assert review(silent, standing(paid=False), [DIBAO], found_on=day, today=day) is not None
