"""How rows of departments' lists are judged, and on which days a status holds. No database."""

from datetime import date
from pathlib import Path

import pytest
from stdnum.cn import ric

from services.eligibility import formats, rules
from shared.codes import Status
from shared.sheets import read_day

TODAY = date(2021, 8, 10)
SUPPLIERS = formats.read_suppliers(Path(formats.__file__).with_name("suppliers.yaml").read_bytes())


def number(birth: str = "19800203", order: int = 1) -> str:
    """An invented identity number with a right check digit."""
    stem = f"140522{birth}{order:03d}"
    return stem + ric.calc_check_digit(f"{stem}0")


ZHANG = number()
CHILD = number("20210701", 2)

CIVIL = {"name": "张三", "number": ZHANG, "word": "低保", "since": "2021-03-01", "until": ""}
POLICE = {
    "name": "张三",
    "number": ZHANG,
    "household_no": "0042",
    "region": "140522108200",
    "word": "在册",
    "since": "",
}
SCHOOL = {"name": "张三", "number": ZHANG, "school": "蟒河学校", "school_region": "140522108", "since": "2020-09-01"}
DISABLED = {"name": "张三", "number": ZHANG, "word": "二级", "since": "2019-01-01"}
EMPLOYED = {"name": "张三", "number": ZHANG, "employer": "某厂", "since": "2021-01-01", "until": "2021-12-31"}


def judge(supplier: str, *rows: dict[str, str]) -> list[rules.Verdict]:
    """The verdicts over rows that stand from row 2 of a sheet on."""
    feed_rows = [
        rules.FeedRow(row_no, cells, {name: read_day(cells.get(name, "")) for name in ("since", "until")})
        for row_no, cells in enumerate(rows, 2)
    ]
    return list(rules.judge_rows(feed_rows, SUPPLIERS[supplier], TODAY))


def codes(verdict: rules.Verdict) -> list[str]:
    """The fault codes with which a row goes back where it means nobody; none for an accepted one."""
    return [] if isinstance(verdict, rules.Accepted) else [fault.code.value for fault in verdict.faults]


@pytest.mark.parametrize(
    ("supplier", "row", "claim"),
    [
        ("civil_affairs", CIVIL, rules.StatusClaim(Status.DIBAO, None, None, date(2021, 3, 1), None)),
        (
            "civil_affairs",
            CIVIL | {"word": "特困"},
            rules.StatusClaim(Status.DESTITUTE, None, None, date(2021, 3, 1), None),
        ),
        (
            "civil_affairs",
            CIVIL | {"word": "孤儿"},
            rules.StatusClaim(Status.ORPHAN, None, None, date(2021, 3, 1), None),
        ),
        (
            "civil_affairs",
            CIVIL | {"word": "事实无人抚养儿童"},
            rules.StatusClaim(Status.UNATTENDED_CHILD, None, None, date(2021, 3, 1), None),
        ),
        (
            "civil_affairs",
            CIVIL | {"until": "2022-02-28"},
            rules.StatusClaim(Status.DIBAO, None, None, date(2021, 3, 1), date(2022, 2, 28)),
        ),
        (
            "civil_affairs",
            CIVIL | {"until": "2021-03-01"},
            rules.StatusClaim(Status.DIBAO, None, None, date(2021, 3, 1), date(2021, 3, 1)),
        ),
        pytest.param(
            "disabled_federation",
            DISABLED,
            rules.StatusClaim(Status.DISABLED, 2, None, date(2019, 1, 1), None),
            marks=pytest.mark.rule("S000-56", "S001-32"),
        ),
        (
            "disabled_federation",
            DISABLED | {"word": "四级"},
            rules.StatusClaim(Status.DISABLED, 4, None, date(2019, 1, 1), None),
        ),
        (
            "rural_revitalisation",
            CIVIL | {"word": "返贫致贫"},
            rules.StatusClaim(Status.FALLEN_INTO_POVERTY, None, None, date(2021, 3, 1), None),
        ),
        (
            "rural_revitalisation",
            CIVIL | {"word": "易返贫致贫"},
            rules.StatusClaim(Status.AT_RISK_OF_POVERTY, None, None, date(2021, 3, 1), None),
        ),
        (
            "rural_revitalisation",
            CIVIL | {"word": "稳定脱贫"},
            rules.StatusClaim(Status.STABLY_OUT_OF_POVERTY, None, None, date(2021, 3, 1), None),
        ),
        (
            "veterans",
            CIVIL | {"word": "在乡重点优抚"},
            rules.StatusClaim(Status.KEY_ENTITLED, None, None, date(2021, 3, 1), None),
        ),
        pytest.param(
            "education",
            SCHOOL,
            rules.StatusClaim(Status.STUDENT, None, "140522108", date(2020, 9, 1), None),
            marks=pytest.mark.rule("S000-54", "S001-29"),
        ),
        (
            "employee_insurance",
            EMPLOYED,
            rules.StatusClaim(Status.EMPLOYEE_INSURED, None, None, date(2021, 1, 1), date(2021, 12, 31)),
        ),
        pytest.param(
            "public_security",
            POLICE,
            rules.HukouClaim("140522108200", "0042", None),
            marks=pytest.mark.rule("S000-55", "S001-30"),
        ),
        (
            "public_security",
            POLICE | {"word": "出生", "since": "2021-07-20", "number": CHILD},
            rules.HukouClaim("140522108200", "0042", None),
        ),
        (
            "public_security",
            POLICE | {"word": "迁入", "since": "2021-07-20"},
            rules.HukouClaim("140522108200", "0042", date(2021, 7, 20)),
        ),
        (
            "public_security",
            POLICE | {"word": "迁出", "since": "2021-07-20", "region": "110101001001"},
            rules.HukouClaim("110101001001", "0042", date(2021, 7, 20)),
        ),
        (
            "public_security",
            POLICE | {"word": "死亡", "since": "2021-07-20", "region": ""},
            rules.StatusClaim(Status.DECEASED, None, None, date(2021, 7, 20), None),
        ),
    ],
)
def test_a_good_row_asserts_one_thing(supplier: str, row: dict[str, str], claim: object) -> None:
    (verdict,) = judge(supplier, row)
    assert isinstance(verdict, rules.Accepted), verdict
    assert verdict.claim == claim
    assert (verdict.row_no, verdict.name) == (2, "张三")


@pytest.mark.parametrize(
    ("supplier", "row", "expected"),
    [
        ("civil_affairs", CIVIL | {"name": " "}, ["name_missing"]),
        ("civil_affairs", CIVIL | {"number": ""}, ["identity_number_missing"]),
        ("civil_affairs", CIVIL | {"number": ZHANG[:-1]}, ["identity_number_invalid"]),
        (
            "civil_affairs",
            CIVIL | {"number": ZHANG[:-1] + ("1" if ZHANG[-1] != "1" else "2")},
            ["identity_number_invalid"],
        ),
        ("civil_affairs", CIVIL | {"number": number("19800230")}, ["identity_number_invalid"]),
        ("civil_affairs", CIVIL | {"number": number("20210811")}, ["identity_number_invalid"]),
        ("civil_affairs", CIVIL | {"number": number("20210810"), "since": "2021-08-10"}, []),
        ("civil_affairs", CIVIL | {"word": ""}, ["category_unknown"]),
        ("civil_affairs", CIVIL | {"word": "在乡重点优抚"}, ["category_unknown"]),
        ("disabled_federation", DISABLED | {"word": "五级"}, ["grade_invalid"]),
        ("disabled_federation", DISABLED | {"word": ""}, ["grade_invalid"]),
        ("civil_affairs", CIVIL | {"since": ""}, ["date_invalid"]),
        ("civil_affairs", CIVIL | {"since": "2021-02-30"}, ["date_invalid"]),
        ("civil_affairs", CIVIL | {"since": "2021-08-11"}, ["date_in_future"]),
        ("civil_affairs", CIVIL | {"since": "2021-08-10"}, []),
        ("civil_affairs", CIVIL | {"since": "1979-12-31"}, ["date_invalid"]),
        ("civil_affairs", CIVIL | {"until": "2021-02-28"}, ["date_invalid"]),
        ("civil_affairs", CIVIL | {"until": "长期"}, ["date_invalid"]),
        ("education", SCHOOL | {"school_region": "14052"}, ["region_unknown"]),
        ("education", SCHOOL | {"school_region": ""}, ["region_unknown"]),
        ("public_security", POLICE | {"region": "140522108"}, ["region_unknown"]),
        ("public_security", POLICE | {"word": "迁入"}, ["date_invalid"]),
        ("public_security", POLICE | {"word": "出生", "since": "2021-08-11"}, ["date_in_future"]),
        ("public_security", POLICE | {"word": "失踪", "since": "2021-07-20"}, ["category_unknown"]),
        (
            "civil_affairs",
            {"name": "", "number": "x", "word": "富户", "since": "?", "until": "2021-01-01"},
            ["name_missing", "identity_number_invalid", "category_unknown", "date_invalid"],
        ),
        (
            "public_security",
            POLICE | {"word": "迁入", "region": "?", "since": "2022-01-01", "name": ""},
            ["name_missing", "region_unknown", "date_in_future"],
        ),
    ],
)
def test_a_bad_row_goes_back_with_every_fault(supplier: str, row: dict[str, str], expected: list[str]) -> None:
    (verdict,) = judge(supplier, row)
    assert codes(verdict) == expected


def test_a_number_in_lower_case_is_the_same_person() -> None:
    ends_with_x = next(found for order in range(1, 99) if (found := number(order=order)).endswith("X"))
    (verdict,) = judge("civil_affairs", CIVIL | {"number": f" {ends_with_x.lower()} "})
    assert isinstance(verdict, rules.Accepted)
    assert verdict.holder.number == ends_with_x


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (CIVIL, ["duplicate_row"]),
        (CIVIL | {"since": "2021/3/1", "name": "张 三"}, ["duplicate_row"]),
        (CIVIL | {"until": "2021-12-31"}, ["duplicate_row"]),
        (CIVIL | {"name": ""}, ["name_missing", "duplicate_row"]),
        (CIVIL | {"word": "特困"}, []),
        (CIVIL | {"since": "2021-04-01"}, []),
        (CIVIL | {"number": number(order=7)}, []),
    ],
)
def test_a_row_that_repeats_an_accepted_one_is_a_duplicate(second: dict[str, str], expected: list[str]) -> None:
    first, verdict = judge("civil_affairs", CIVIL, second)
    assert codes(first) == []
    assert codes(verdict) == expected


def test_a_good_row_after_a_bad_one_is_no_duplicate() -> None:
    bad, good = judge("civil_affairs", CIVIL | {"name": ""}, CIVIL)
    assert (codes(bad), codes(good)) == (["name_missing"], [])


def test_the_clerk_is_told_what_would_be_right() -> None:
    (verdict,) = judge("disabled_federation", DISABLED | {"word": "五级", "since": "2021-1-32"})
    assert isinstance(verdict, rules.Rejected)
    assert [fault.detail for fault in verdict.faults] == [
        "残疾等级“五级”应为一级、二级、三级、四级之一",
        "评定日期“2021-1-32”不是有效日期，应为YYYY-MM-DD",
    ]


@pytest.mark.parametrize(
    ("identified_on", "valid_to", "as_of", "holds"),
    [
        (date(2021, 8, 1), None, date(2021, 7, 31), False),
        (date(2021, 8, 1), None, date(2021, 8, 1), True),
        (date(2021, 8, 1), None, date(2099, 1, 1), True),
        (date(2021, 8, 1), date(2021, 8, 31), date(2021, 8, 31), True),
        (date(2021, 8, 1), date(2021, 8, 31), date(2021, 9, 1), False),
        (date(2021, 8, 1), date(2021, 8, 1), date(2021, 8, 1), True),
    ],
)
def test_a_status_holds_from_its_first_to_its_last_day(
    identified_on: date, valid_to: date | None, as_of: date, holds: bool
) -> None:
    assert rules.status_holds(identified_on, valid_to, as_of) is holds


@pytest.mark.parametrize(
    ("given", "recorded", "same"),
    [
        ("张三", "张三", True),
        (" 张 三 ", "张三", True),
        ("阿依·古丽", "阿依•古丽", True),
        ("阿依.古丽", "阿依·古丽", True),
        ("张三", "张山", False),
        ("阿依古丽", "阿依·古丽", False),
    ],
)
def test_names_are_compared_without_blanks_and_kinds_of_dots(given: str, recorded: str, same: bool) -> None:
    assert rules.same_name(given, recorded) is same


@pytest.mark.parametrize(
    ("area", "hukou", "seen"),
    [
        ("", None, True),
        ("14", None, True),
        ("140522", None, True),
        ("140522", "110101001001", True),
        ("140522108", "140522108200", True),
        ("140522108200", "140522108200", True),
        ("140522109", "140522108200", False),
        ("140522108", "110101001001", False),
        ("140522108", None, False),
        ("150502", "140522108200", False),
    ],
)
def test_an_area_sees_the_persons_registered_in_it(area: str, hukou: str | None, seen: bool) -> None:
    assert rules.may_see(area, "140522", hukou) is seen
