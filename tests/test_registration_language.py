"""What the package language can say beyond what the six schemes need, what it refuses, and overlays."""

import copy
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
import yaml

from services.registration.formats.overlay import OverlayRefused, apply_overlay
from services.registration.formats.package import PackageFaulty, read_package
from services.registration.rules import Accepted, EnrolmentKind, Facts, GivenStatus, Package, Refused, assess
from shared.codes import Status
from tests.registration_rules import PACKAGES
from tests.rules.cases import ids

PLAIN: dict[str, Any] = {
    "language": 1,
    "scheme": "example-2031",
    "pool": "990101",
    "benefit_year": 2031,
    "title": "示例县2031年度",
    "notice": {"rules": ["L01"]},
    "admission": {
        "rules": ["L01"],
        "local_tie": {"rules": ["L01"], "any_of": [{"who": {"hukou": "local"}, "rules": ["L01"]}]},
    },
    "window": {
        "opens": {"day": date(2030, 9, 1), "rules": ["L02"]},
        "closes": {"day": date(2030, 12, 20), "rules": ["L02"]},
    },
    "premiums": [{"individual_fen": 30000, "fiscal_fen": 60000, "rules": ["L03"]}],
    "subsidies": {
        "one_only": {"choice": "highest_amount", "tie": "listed_first", "rules": ["L04"]},
        "evidence": {"counts_on": "payment_day", "rules": ["L04"]},
        "given": [{"statuses": ["dibao"], "help": {"kind": "full"}, "payer": "county_finance", "rules": ["L05"]}],
    },
    "cover": {"from": date(2031, 1, 1), "to": date(2031, 12, 31), "rules": ["L06"]},
}


def written(changes: Mapping[str, Any]) -> bytes:
    """The plain package with some fields (dotted, list positions included) stated otherwise."""
    whole = copy.deepcopy(PLAIN)
    for path, value in changes.items():
        *way, last = path.split(".")
        place: Any = whole
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        place[int(last) if isinstance(place, list) else last] = value
    return yaml.safe_dump(whole, allow_unicode=True).encode()


def package(**changes: Any) -> Package:
    return read_package(written({path.replace("__", "."): value for path, value in changes.items()})).package


def asking(day: str, *statuses: GivenStatus, **told: Any) -> Facts:
    when = date.fromisoformat(day)
    plain = {"birth_date": date(1990, 1, 1), "hukou": "990101", "hukou_since": None, "residence": "990101"}
    known = {"enrolment": EnrolmentKind.NEW, "registered_on": when, "paid_on": when, "statuses": statuses}
    return Facts(**{**plain, **known, **told})


def pays(made: Package, facts: Facts) -> Any:
    """Who pays what, or the codes of the refusal."""
    verdict = assess(made, facts)
    if isinstance(verdict, Refused):
        return [reason.code for reason in verdict.reasons]
    return {line.payer: line.amount_fen for line in verdict.lines}


def starts(made: Package, facts: Facts) -> date:
    verdict = assess(made, facts)
    assert isinstance(verdict, Accepted)
    assert verdict.cover is not None
    return verdict.cover.starts_on


DIBAO = GivenStatus(Status.DIBAO)
WINDOW = ["outside_window"]


@pytest.mark.parametrize(
    ("window", "open_days", "closed_days"),
    [
        ({}, ["2030-09-01", "2030-12-20"], ["2030-08-31", "2030-12-21"]),
        # an extension puts off the last day for everybody
        (
            {"extension": {"day": date(2031, 1, 10), "rules": ["L02"]}},
            ["2030-12-21", "2031-01-10"],
            ["2031-01-11"],
        ),
        # a last day that is off moves to the next day that is not
        (
            {"holiday_shift": {"shift": True, "days_off": [date(2030, 12, 20), date(2030, 12, 21)], "rules": ["L02"]}},
            ["2030-12-20", "2030-12-22"],
            ["2030-12-23"],
        ),
        (
            {"holiday_shift": {"shift": False, "days_off": [date(2030, 12, 20)], "rules": ["L02"]}},
            ["2030-12-20"],
            ["2030-12-21"],
        ),
    ],
)
def test_edges_of_the_window(window: dict[str, Any], open_days: list[str], closed_days: list[str]):
    made = package(**{f"window__{name}": value for name, value in window.items()})
    assert [pays(made, asking(day)) for day in open_days] == [{"person": 30000}] * len(open_days)
    assert [pays(made, asking(day)) for day in closed_days] == [WINDOW] * len(closed_days)


def test_a_group_with_another_last_day_has_the_same_open_days():
    made = package(
        window__open_days={"first": 1, "last": 25, "rules": ["L02"]},
        window__deadlines=[{"who": {"born_from": date(2010, 1, 1)}, "day": date(2031, 1, 31), "rules": ["L02"]}],
    )
    child = {"birth_date": date(2015, 1, 1)}
    assert pays(made, asking("2031-01-25", **child)) == {"person": 30000}
    assert pays(made, asking("2031-01-26", **child)) == ["closed_day"]
    assert pays(made, asking("2031-02-01", **child)) == WINDOW
    assert pays(made, asking("2030-12-21")) == WINDOW


def late(first: date, until: date | None = None, **changes: Any) -> dict[str, Any]:
    stage = {"from": first, "until": until, "due": "individual", "cover": {"kind": "period"}, "helped": "as_in_window"}
    return {**stage, "rules": ["L07"], **changes}


def test_between_late_stages_nothing_is_taken():
    made = package(
        late=[
            late(date(2031, 1, 1), date(2031, 1, 31)),
            late(date(2031, 3, 1), due="individual_and_fiscal"),
        ]
    )
    found = [pays(made, asking(day)) for day in ("2030-12-25", "2031-01-31", "2031-02-15", "2031-03-01")]
    assert found == [WINDOW, {"person": 30000}, WINDOW, {"person": 90000}]


def test_a_late_stage_may_be_for_members_of_the_former_schemes_only():
    """A000-4: a reading that a policy owner may change."""
    made = package(late=[late(date(2031, 1, 1), prior_scheme_only=True)])
    assert pays(made, asking("2031-01-05", former_scheme="nrcms")) == {"person": 30000}
    assert pays(made, asking("2031-01-05")) == WINDOW


@pytest.mark.parametrize(("count", "expected"), [("plus_n", date(2031, 2, 14)), ("strict", date(2031, 2, 15))])
def test_days_after_payment_are_counted_as_stated(count: str, expected: date):
    """A-X1: the D+N-th day, or N full days between."""
    made = package(late=[late(date(2031, 1, 1), cover={"kind": "after_payment", "days": 30, "count": count})])
    assert starts(made, asking("2031-01-15")) == expected


@pytest.mark.parametrize(
    ("missed", "repaired", "first_counts", "expected"),
    [
        (0, 0, True, date(2031, 1, 1)),
        (1, 0, True, date(2031, 3, 15)),
        (1, 0, False, date(2031, 2, 15)),
        (3, 1, False, date(2031, 3, 15)),
        (3, 9, True, date(2031, 2, 15)),
        (5, 5, True, date(2031, 4, 15)),
    ],
)
def test_waiting_period(missed: int, repaired: int, first_counts: bool, expected: date):
    made = package(
        waiting_period={
            "fixed_months": 2,
            "months_per_missed_year": 1,
            "first_missed_year_counts": first_counts,
            "months_per_repaired_year": 1,
            "long_gap": {"missed_years": 5, "at_least_months": 4},
            "rules": ["L08"],
        }
    )
    assert starts(made, asking("2030-12-15", missed_years=missed, repaired_years=repaired)) == expected


def subsidy(*statuses: str, **changes: Any) -> dict[str, Any]:
    plain = {"statuses": list(statuses), "help": {"kind": "full"}, "payer": "county_finance", "rules": ["L05"]}
    return {**plain, **changes}


def shared(payers: list[dict[str, Any]]) -> dict[str, Any]:
    return {**subsidy("dibao"), "payer": None, "payers": payers}


SHARED: list[dict[str, Any]] = [{"payer": "medical_assistance_fund", "up_to_fen": 15000}, {"payer": "county_finance"}]


@pytest.mark.parametrize(
    ("given", "statuses", "expected"),
    [
        # several payers in order, the last takes the rest
        (
            [shared(SHARED)],
            [DIBAO],
            {"medical_assistance_fund": 15000, "county_finance": 15000},
        ),
        (
            [{**subsidy("dibao", help={"kind": "fixed", "amount_fen": 9000}), "payer": None, "payers": SHARED}],
            [DIBAO],
            {"medical_assistance_fund": 9000, "person": 21000},
        ),
        # floor and cap
        (
            [subsidy("dibao", help={"kind": "percent", "percent": 90, "cap_fen": 20000})],
            [DIBAO],
            {"county_finance": 20000, "person": 10000},
        ),
        (
            [subsidy("dibao", help={"kind": "percent", "percent": 10, "floor_fen": 5000, "cap_fen": 20000})],
            [DIBAO],
            {"county_finance": 5000, "person": 25000},
        ),
        # one status, told apart by a condition
        (
            [
                subsidy("disabled", grades=[1, 2]),
                subsidy("disabled", grades=[3, 4], help={"kind": "percent", "percent": 50}),
            ],
            [GivenStatus(Status.DISABLED, 3)],
            {"county_finance": 15000, "person": 15000},
        ),
        (
            [
                subsidy("dibao", who={"born_to": date(1990, 1, 1)}),
                subsidy("dibao", who={"born_from": date(1990, 1, 2)}),
            ],
            [DIBAO],
            {"county_finance": 30000},
        ),
        ([subsidy("dibao", who={"born_from": date(1990, 1, 2)})], [DIBAO], {"person": 30000}),
        ([subsidy(who={"sex": "female"})], [], {"person": 30000}),
        ([subsidy("dibao", benefit_years={"first": 2032, "last": 2033})], [DIBAO], {"person": 30000}),
    ],
)
def test_help(given: list[dict[str, Any]], statuses: list[GivenStatus], expected: dict[str, int]):
    assert pays(package(subsidies__given=given), asking("2030-10-01", *statuses)) == expected


@pytest.mark.parametrize(("choice", "expected"), [("highest_amount", 30000), ("listed_first", 6000)])
def test_which_of_two_subsidies(choice: str, expected: int):
    given = [subsidy("dibao", help={"kind": "fixed", "amount_fen": 6000}), subsidy("orphan")]
    made = package(subsidies__given=given, subsidies__one_only__choice=choice)
    assert pays(made, asking("2030-10-01", GivenStatus(Status.ORPHAN), DIBAO))["county_finance"] == expected


def test_a_gap_is_shared_to_the_fen():
    kept = {
        "who": {"former_scheme": "nrcms"},
        "keeps_fen": 19999,
        "gap_from": date(2030, 10, 1),
        "gap_payers": [
            {"payer": "city_finance", "percent": 33},
            {"payer": "province_finance", "percent": 33},
            {"payer": "county_finance"},
        ],
        "rules": ["L09"],
    }
    made = package(transition=[kept])
    member = {"former_scheme": "nrcms"}
    shares = pays(made, asking("2030-10-01", **member))
    assert shares == {"city_finance": 3300, "province_finance": 3300, "county_finance": 3401, "person": 19999}
    assert pays(made, asking("2030-09-30", **member)) == {"person": 19999}
    verdict = assess(made, asking("2030-10-01", DIBAO, **member))
    assert isinstance(verdict, Accepted)
    assert (verdict.standard_fen, verdict.payable_fen) == (30000, 0)
    assert pays(made, asking("2030-10-01")) == {"person": 30000}


def test_nobody_without_a_rate_pays_another_groups():
    made = package(premiums=[{"who": {"born_to": date(1980, 1, 1)}, "individual_fen": 30000, "rules": ["L03"]}])
    assert pays(made, asking("2030-10-01")) == ["no_rule"]


NO_REST = {
    "who": {},
    "gap_from": date(2031, 1, 1),
    "gap_payers": [{"payer": "fiscal", "percent": 9}],
    "rules": ["L09"],
}


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"subsidies.given.0.payer": None}, "/subsidies/given/0", "not_exactly_one"),
        ({"subsidies.given.0.payers": SHARED}, "/subsidies/given/0", "not_exactly_one"),
        ({"subsidies.given": [shared(SHARED[::-1])]}, "/subsidies/given/0", "shares_open"),
        ({"subsidies.given": [subsidy()]}, "/subsidies/given/0", "nobody_described"),
        ({"subsidies.given": [subsidy("dibao"), subsidy("dibao", who={"sex": "male"})]}, "/subsidies", "named_twice"),
        ({"premiums.0.total_fen": 90001}, "/premiums/0", "total_differs"),
        ({"premiums.0.who": {"grades": [1]}}, "/premiums/0/who", "grades_unexpected"),
        ({"late": [late(date(2030, 12, 1))]}, "", "out_of_order"),
        ({"late": [late(date(2031, 2, 1), date(2031, 1, 1))]}, "/late/0", "out_of_order"),
        (
            {"late": [late(date(2031, 1, 1), cover={"kind": "after_payment", "days": 3})]},
            "/late/0/cover/count",
            "missing",
        ),
        ({"window.extension": {"day": date(2030, 12, 1), "rules": ["L02"]}}, "/window", "out_of_order"),
        ({"transition": [NO_REST]}, "/transition/0", "shares_open"),
    ],
)
def test_what_does_not_fit_together_is_named(changes: dict[str, Any], pointer: str, code: str):
    with pytest.raises(PackageFaulty) as caught:
        read_package(written(changes))
    assert (pointer, code) in [(fault.pointer, fault.code) for fault in caught.value.faults]


# Overlays


def overlay(*sets: tuple[str, Any], scheme: str = "example-2031") -> bytes:
    listed = [{"at": at, "value": value} for at, value in sets]
    return yaml.safe_dump({"overlay": 1, "scheme": scheme, "label": "本地补充", "sets": listed}).encode()


def test_an_overlay_fills_in_what_the_notice_leaves_open():
    notice = written({"premiums.0.individual_fen": None})
    assert pays(read_package(notice).package, asking("2030-10-01")) == ["amount_unknown"]
    merged = read_package(apply_overlay(notice, overlay(("/premiums/0/individual_fen", 28000)))).package
    assert pays(merged, asking("2030-10-01")) == {"person": 28000}
    assert merged.overlays == ("本地补充",)
    assert merged.version != read_package(written({"premiums.0.individual_fen": 28000})).package.version


@pytest.mark.parametrize(
    "filling",
    [
        overlay(("/premiums/0/individual_fen", 1)),  # the notice states it
        overlay(("/premiums/1/individual_fen", 1)),
        overlay(("/premiums/0", {})),
        overlay(("/nowhere/fen", 1)),
        overlay(("/premiums/0/paid_by", "fiscal"), scheme="other-2031"),
        b"overlay: 2\nscheme: example-2031",
        b"- a",
        b"a: [",
    ],
)
def test_an_overlay_changes_nothing_that_the_notice_states(filling: bytes):
    with pytest.raises(OverlayRefused):
        apply_overlay(written({}), filling)


# The packages of the repository and the catalogue of rules

NOTICES = {
    "S000": "yangquan-2018",
    "S001": "county-2015",
    "S002": "lanshan-2016",
    "S003": "tongliao-2016",
    "S004": "yangcheng-2022",
}


def cited(part: Any, name: str) -> set[str]:
    """The ids under every `name` of a package's parts."""
    if isinstance(part, dict):
        own = (
            set(part[name])
            if isinstance(part.get(name), list) and part[name] and isinstance(part[name][0], str)
            else set()
        )
        return own.union(*(cited(inner, name) for inner in part.values()))
    return set().union(*(cited(inner, name) for inner in part)) if isinstance(part, list) else set()


@pytest.mark.parametrize(("document", "scheme"), NOTICES.items())
def test_every_rule_that_states_something_stands_in_its_package(document: str, scheme: str):
    whole = yaml.safe_load((PACKAGES / f"{scheme}.yaml").read_bytes())
    stating = {
        rule
        for rule, about in ids()["rules"].items()
        if rule.startswith(document) and {"REG", "ELG", "PAY", "REF", "RPT"} & set(about)
    }
    assert stating - cited(whole, "rules") == set()
    shown = cited(whole, "readings") | {one["reading"] for one in whole.get("readings", [])}
    mine = {reading for reading in ids()["readings"] if reading.startswith(f"A{document[1:]}-")}
    assert mine - shown == set()
    assert {rule for rule in cited(whole, "rules") if not rule.startswith(document)} == set()
