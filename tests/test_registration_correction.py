"""What another version of a package makes of somebody who is enrolled, and what its correction changes: pure."""

from datetime import date

import pytest

from services.registration.formats.package import read_package
from services.registration.rules import Accepted, Case, Held, Package, Refused, Revised, Standing, assess
from services.registration.rules.comparing import Member, due_of, effect_of, judge_member, judge_renewing
from services.registration.rules.correction import correct
from tests.registration_rules import AWAY, PACKAGES, YANGCHENG, facts, held, newborn

SOURCE = (PACKAGES / "yangcheng-2022.yaml").read_bytes()
ASSESSED = date(2021, 9, 10)


def version(old: str = "", new: str = "") -> Package:
    """The package with one thing changed."""
    assert not old or old.encode() in SOURCE
    return read_package(SOURCE.replace(old.encode(), new.encode(), 1)).package


DEARER = version("individual_fen: 32000", "individual_fen: 36000")
CHEAPER = version("individual_fen: 32000", "individual_fen: 30000")
GENEROUS = version("percent: 80, floor_fen: 28000", "percent: 80, floor_fen: 29000")
OTHER_PAYER = version(
    "floor_fen: 28000}\n      payer: medical_assistance_fund", "floor_fen: 28000}\n      payer: county_finance"
)
SHORTER = version("cover: {from: 2022-01-01", "cover: {from: 2022-02-01")
STRICTER = version("  excluded:\n", "  excluded:\n    - {status: dibao, refused_as: not_eligible, rules: [S004-04]}\n")
RENAMED = version("阳城县2022年度", "阳城2022年度")
LATER_MASK = version("open_days: {first: 1, last: 25", "open_days: {first: 15, last: 25")
DIBAO = Held(held("dibao", date(2021, 3, 1)))
LATE = Held(held("dibao", date(2021, 9, 20)))


def standing(*statuses: Held, paid_on: date | None = None) -> Standing:
    """Somebody assessed on the tenth of September by the package in force."""
    verdict = assess(
        YANGCHENG, facts(paid_on=ASSESSED, registered_on=ASSESSED, statuses=tuple(one.status for one in statuses))
    )
    assert isinstance(verdict, Accepted)
    due = due_of(verdict)
    known = facts(paid_on=None, registered_on=ASSESSED)
    return Standing(known, paid_on, due.cover, due.payable_fen, due.lines)


def outcome(package: Package, *statuses: Held, now: tuple[Held, ...] | None = None, paid: bool, today: str) -> str:
    """What becomes of it, in a word or two."""
    who = standing(*statuses, paid_on=ASSESSED if paid else None)
    known = statuses if now is None else now
    found = correct(package, YANGCHENG, who, known, assessed_for=ASSESSED, today=date.fromisoformat(today))
    if isinstance(found, Revised):
        return f"{found.reason} {found.verdict.payable_fen} {found.assessed_for}"
    return (
        f"{found.kind} {found.would.verdict.payable_fen}"
        if isinstance(found, Case) and isinstance(found.would, Revised)
        else str(found)
    )


@pytest.mark.parametrize(
    ("package", "statuses", "today", "unpaid", "paid"),
    [
        (CHEAPER, (), "2021-10-12", "package_corrected 30000 2021-10-12", "package_corrected 30000 2021-09-10"),
        (CHEAPER, (), "2021-10-26", "package_corrected 30000 2021-11-01", "package_corrected 30000 2021-09-10"),
        (CHEAPER, (), "2022-03-01", "None", "package_corrected 30000 2021-09-10"),  # nothing can be paid any more
        (DEARER, (), "2021-10-12", "package_corrected 36000 2021-10-12", "corrected_after_payment 36000"),
        (GENEROUS, (), "2021-10-12", "None", "None"),
        (GENEROUS, (DIBAO,), "2021-10-12", "package_corrected 3000 2021-10-12", "package_corrected 3000 2021-09-10"),
        (OTHER_PAYER, (DIBAO,), "2021-10-12", "package_corrected 4000 2021-10-12", "package_corrected 4000 2021-09-10"),
        (SHORTER, (), "2021-10-12", "package_corrected 32000 2021-10-12", "covered_otherwise"),
        (STRICTER, (), "2021-10-12", "None", "None"),
        (STRICTER, (DIBAO,), "2021-10-12", "refused", "refused"),
        (RENAMED, (DIBAO,), "2021-10-12", "None", "None"),
        (YANGCHENG, (DIBAO,), "2021-10-12", "None", "None"),
    ],
)
def test_a_correction(package: Package, statuses: tuple[Held, ...], today: str, unpaid: str, paid: str) -> None:
    assert outcome(package, *statuses, paid=False, today=today) == unpaid
    assert outcome(package, *statuses, paid=True, today=today) == paid


def test_a_list_that_came_late_is_no_matter_of_a_correction() -> None:
    for paid in (True, False):
        assert outcome(RENAMED, now=(DIBAO,), paid=paid, today="2021-10-12") == "None"


@pytest.mark.parametrize(
    ("package", "who", "effect"),
    [
        (DEARER, (), "pays_more"),
        (CHEAPER, (), "pays_less"),
        (OTHER_PAYER, (DIBAO,), "pays_the_same"),
        (SHORTER, (), "pays_the_same"),
        (STRICTER, (DIBAO,), "refused"),
        (RENAMED, (), None),
        (LATER_MASK, (), None),  # judged for the first day from then on which it takes payment
    ],
)
def test_the_effect_of_another_version(package: Package, who: tuple[Held, ...], effect: str | None) -> None:
    holding = tuple(one.status for one in who)
    before = assess(YANGCHENG, facts(paid_on=ASSESSED, registered_on=ASSESSED, statuses=holding))
    assert isinstance(before, Accepted)
    member = Member(facts(paid_on=None, registered_on=ASSESSED), who, ASSESSED, None)
    assert effect_of(due_of(before), judge_member(package, member)) == effect


def test_next_year_everybody_renews_on_the_first_day_and_newborns_pay() -> None:
    source = SOURCE.replace(b"benefit_year: 2022", b"benefit_year: 2023")
    for year in (2022, 2021):
        source = source.replace(f"{year}-".encode(), f"{year + 1}-".encode())
    package = read_package(source).package
    child = Member(newborn(birth_date=date(2022, 3, 15)), (), date(2022, 4, 15), date(2022, 4, 15))
    over = Held(held("dibao", date(2021, 3, 1)), until=date(2022, 8, 31))
    for who, payable_fen in (
        (child, 32000),
        (Member(facts(paid_on=None), (LATE,), ASSESSED, ASSESSED), 4000),
        (Member(facts(paid_on=None), (over,), ASSESSED, ASSESSED), 32000),  # holds it no longer
    ):
        verdict = judge_renewing(package, who)
        assert isinstance(verdict, Accepted)
        assert (verdict.payable_fen, verdict.cover) == (payable_fen, package.cover)
    stranger = Member(facts(paid_on=None, hukou=AWAY, residence=AWAY), (), ASSESSED, None)
    assert isinstance(judge_renewing(package, stranger), Refused)
