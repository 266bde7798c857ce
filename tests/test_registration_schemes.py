"""The six schemes through the preview, without a database: what the catalogue of their rules says, on both sides of
every boundary. A row is one question: the day of registration and payment, what is told, what must come of it."""

from datetime import date
from typing import Any

import pytest

from services.registration.usecases.preview import preview
from tests.registration_rules import SCHEMES

LOCAL = {
    "county-2015": "999001",
    "lanshan-2016": "371302001",
    "yangquan-2018": "140311",
    "tongliao-2016": "150502",
    "national-2026": "999002",
}
AWAY = "440103"
FUND, DISTRICT, COUNTY = "medical_assistance_fund", "district_finance", "county_finance"


def ask(scheme: str, day: str, **told: Any) -> dict[str, Any]:
    """The answer for a local resident of 35 to 46 who renews on a day, with what else is told."""
    here = LOCAL[scheme]
    statuses = [{"code": one} if isinstance(one, str) else one for one in told.pop("statuses", [])]
    body: dict[str, Any] = {
        "scheme": scheme,
        "enrolment": told.pop("enrolment", "renewal"),
        "registered_at": f"{told.pop('registered_on', day)}T09:00:00+08:00",
        "paid_at": f"{day}T10:00:00+08:00" if told.pop("paid", True) else None,
        "statuses": statuses,
        "documents": told.pop("documents", None),
        "person": {"birth_date": "1980-05-05", "hukou": here, "residence": here, **told},
    }
    return preview(SCHEMES, body)


def outcome(answer: dict[str, Any]) -> Any:
    """The codes of a refusal; of an acceptance who pays what, and the first covered day."""
    if answer["decision"] == "refused":
        return sorted(reason["code"] for reason in answer["reasons"])
    pays = {line["payer"]: line["amount_fen"] for line in answer["lines"]}
    return pays, answer["cover"] and answer["cover"]["from"]


def identified(code: str, day: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "identified_on": day, **more}


def disabled(grade: int) -> dict[str, Any]:
    return {"code": "disabled", "grade": grade}


def at_school(region: str) -> dict[str, Any]:
    return {"code": "student", "school_region": region}


COUNTY_2015: list[tuple[str, dict[str, Any], Any]] = [
    # S001-24, S001-25, A001-7: no first day; residents to 30 January, students to 10 February
    ("2014-03-01", {}, ({"person": 14000}, None)),
    ("2015-01-30", {}, ({"person": 14000}, None)),
    ("2015-01-31", {}, ["outside_window"]),
    ("2015-01-31", {"statuses": ["student"]}, ({"person": 4000}, None)),
    ("2015-02-10", {"statuses": ["student"]}, ({"person": 4000}, None)),
    ("2015-02-11", {"statuses": ["student"]}, ["outside_window"]),
    ("2015-02-01", {"statuses": [identified("student", "2015-02-02")]}, ["outside_window"]),
    ("2015-02-01", {"statuses": ["dibao"]}, ["outside_window"]),
    # S001-08, S001-09, A001-2, A001-3
    ("2015-01-10", {"birth_date": "1997-01-01"}, ({"person": 14000}, None)),
    ("2015-01-10", {"birth_date": "1997-01-02"}, ({"person": 4000}, None)),
    ("2015-01-10", {"birth_date": "1990-01-01", "statuses": ["student"]}, ({"person": 4000}, None)),
    # S001-10, A001-4
    ("2015-01-10", {"birth_date": "1955-01-01", "statuses": ["low_income_family"]}, ({"person": 6000}, None)),
    ("2015-01-10", {"birth_date": "1955-01-02", "statuses": ["low_income_family"]}, ({"person": 14000}, None)),
    ("2015-01-10", {"birth_date": "1955-01-01"}, ({"person": 14000}, None)),
    (
        "2015-01-10",
        {"birth_date": "1950-01-01", "statuses": [identified("low_income_family", "2015-01-11")]},
        ({"person": 14000}, None),
    ),
    # S001-11: a county student who studies elsewhere
    ("2015-01-10", {"statuses": [at_school(AWAY)]}, ({"person": 4000}, None)),
    # S001-12, A001-5, A001-6: the finance department pays whatever would be due
    ("2015-01-10", {"statuses": ["dibao"]}, ({COUNTY: 14000}, None)),
    ("2015-01-10", {"statuses": ["dibao"], "birth_date": "2010-01-01"}, ({COUNTY: 4000}, None)),
    ("2015-01-10", {"statuses": [disabled(2)]}, ({COUNTY: 14000}, None)),
    ("2015-01-10", {"statuses": [disabled(3)]}, ({"person": 14000}, None)),
    (
        "2015-01-10",
        {"statuses": ["low_income_family", disabled(1)], "birth_date": "1950-01-01"},
        ({COUNTY: 6000}, None),
    ),
    # S001-02, S001-05, S001-06: town hukou, or a rural pupil at a school in town
    ("2015-01-10", {"hukou": AWAY}, ["no_local_tie"]),
    ("2015-01-10", {"hukou": AWAY, "residence_permit": True}, ["no_local_tie"]),
    ("2015-01-10", {"hukou_kind": "urban", "residence": AWAY}, ({"person": 14000}, None)),
    ("2015-01-10", {"hukou_kind": "rural"}, ["no_local_tie"]),
    ("2015-01-10", {"hukou_kind": "rural", "statuses": ["student"]}, ({"person": 4000}, None)),
    ("2015-01-10", {"hukou_kind": "rural", "statuses": [at_school(AWAY)]}, ["no_local_tie"]),
    ("2015-01-10", {"hukou": AWAY, "statuses": ["student"]}, ({"person": 4000}, None)),
    ("2015-01-10", {"hukou": AWAY, "statuses": ["student"], "hukou_kind": "urban"}, ["no_local_tie"]),
    ("2015-01-10", {"statuses": ["employee_insured"]}, ["employee_insured"]),
    ("2015-01-10", {"statuses": ["insured_elsewhere"]}, ["insured_elsewhere"]),
    # S001-03, S001-04, A001-13 to A001-15: older people who moved in
    ("2015-01-10", {"birth_date": "1955-01-01", "sex": "male", "hukou_since": "2013-01-10"}, ({"person": 14000}, None)),
    ("2015-01-10", {"birth_date": "1955-01-01", "sex": "male", "hukou_since": "2013-01-11"}, ["not_eligible"]),
    ("2015-01-10", {"birth_date": "1955-01-02", "sex": "male", "hukou_since": "2014-12-01"}, ({"person": 14000}, None)),
    ("2015-01-10", {"birth_date": "1965-01-01", "sex": "female", "hukou_since": "2014-12-01"}, ["not_eligible"]),
    (
        "2015-01-10",
        {"birth_date": "1965-01-02", "sex": "female", "hukou_since": "2014-12-01"},
        ({"person": 14000}, None),
    ),
    (
        "2015-01-20",
        {"birth_date": "1950-01-01", "hukou_since": "2013-01-15", "registered_on": "2015-01-10"},
        ["not_eligible"],
    ),
    (
        "2015-01-10",
        {"birth_date": "1950-01-01", "hukou_since": "2010-01-01", "child_hukou_here": False},
        ["not_eligible"],
    ),
    (
        "2015-01-10",
        {"birth_date": "1950-01-01", "hukou_since": "2010-01-01", "pension_elsewhere": True},
        ["not_eligible"],
    ),
    ("2015-01-10", {"birth_date": "1950-01-01", "pension_elsewhere": True}, ({"person": 14000}, None)),
    # A001-10: newborns are not regulated
    ("2015-01-10", {"enrolment": "newborn", "birth_date": "2015-01-02", "paid": False}, ["no_rule"]),
    # S001-13 to S001-16
    ("2015-01-10", {"enrolment": "new", "documents": ["hukou_booklet", "id_card", "photo"]}, ({"person": 14000}, None)),
    ("2015-01-10", {"enrolment": "new", "documents": ["hukou_booklet", "id_card"]}, ["documents_missing"]),
    ("2015-01-10", {"documents": ["insurance_handbook", "hukou_booklet"]}, ({"person": 14000}, None)),
    ("2015-01-10", {"documents": ["insurance_handbook", "id_card"]}, ["documents_missing"]),
    ("2015-01-10", {"enrolment": "new", "statuses": ["student"], "documents": ["photo"]}, ({"person": 4000}, None)),
    ("2015-01-10", {"statuses": ["student"], "documents": ["insurance_handbook"]}, ({"person": 4000}, None)),
    ("2015-01-10", {"statuses": ["student"], "documents": ["photo"]}, ["documents_missing"]),
    ("2015-01-10", {"statuses": [at_school(AWAY)], "documents": ["student_card", "id_card"]}, ({"person": 4000}, None)),
    ("2015-01-10", {"statuses": [at_school(AWAY)], "documents": ["insurance_handbook"]}, ["documents_missing"]),
    # every reason at once
    (
        "2015-01-31",
        {"hukou": AWAY, "statuses": ["employee_insured"], "documents": []},
        ["documents_missing", "employee_insured", "no_local_tie", "outside_window"],
    ),
]

YEAR_2016 = "2016-01-01"
LANSHAN_2016: list[tuple[str, dict[str, Any], Any]] = [
    # S002-19, A002-1: from 13 November, before the full launch too
    ("2015-11-12", {}, ["outside_window"]),
    ("2015-11-13", {}, ({"person": 15000}, YEAR_2016)),
    ("2015-12-31", {}, ({"person": 15000}, YEAR_2016)),
    # S002-21, S002-22, A002-2, A002-4
    ("2016-01-01", {}, ({"person": 15000}, "2016-03-01")),
    ("2016-02-29", {}, ({"person": 15000}, "2016-03-01")),
    ("2016-03-01", {}, ({"person": 56000}, "2016-03-31")),
    ("2016-12-01", {}, ({"person": 56000}, "2016-12-31")),
    ("2016-12-02", {}, ["no_cover_left"]),
    ("2017-01-10", {}, ["no_cover_left"]),
    # S002-09 to S002-11, A002-6, A002-7, A002-9
    ("2015-12-01", {"statuses": ["dibao"]}, ({DISTRICT: 15000}, YEAR_2016)),
    ("2015-12-01", {"statuses": ["destitute"]}, ({DISTRICT: 15000}, YEAR_2016)),
    ("2015-12-01", {"statuses": ["key_entitled"]}, ({DISTRICT: 15000}, YEAR_2016)),
    ("2015-12-01", {"statuses": [disabled(4)]}, ({DISTRICT: 15000}, YEAR_2016)),
    ("2015-12-01", {"statuses": ["orphan"]}, ({"person": 15000}, YEAR_2016)),
    ("2015-12-01", {"birth_date": "1945-12-31"}, ({DISTRICT: 15000}, YEAR_2016)),
    ("2015-12-01", {"birth_date": "1946-01-01"}, ({"person": 15000}, YEAR_2016)),
    ("2015-12-31", {"statuses": [identified("dibao", "2015-12-31")]}, ({DISTRICT: 15000}, YEAR_2016)),
    ("2015-12-30", {"statuses": [identified("dibao", "2015-12-31")]}, ({"person": 15000}, YEAR_2016)),
    ("2016-01-10", {"statuses": [identified("dibao", "2015-12-31")]}, ({DISTRICT: 15000}, "2016-03-01")),
    ("2016-01-10", {"statuses": [identified("dibao", "2016-01-01")]}, ({"person": 15000}, "2016-03-01")),
    # A002-8: late and special, the notice is silent on the rest
    ("2016-02-29", {"statuses": ["dibao"]}, ({DISTRICT: 15000}, "2016-03-01")),
    ("2016-03-01", {"statuses": ["dibao"]}, ["no_rule"]),
    ("2016-03-01", {"birth_date": "1945-12-31"}, ["no_rule"]),
    ("2016-03-01", {"statuses": [identified("dibao", "2016-01-01")]}, ({"person": 56000}, "2016-03-31")),
    ("2016-12-02", {"statuses": ["dibao"]}, ["no_cover_left", "no_rule"]),
    # S002-02 to S002-04, A002-19
    ("2015-12-01", {"hukou": AWAY}, ["no_local_tie"]),
    ("2015-12-01", {"residence": AWAY}, ({"person": 15000}, YEAR_2016)),
    ("2015-12-01", {"hukou": AWAY, "residence_permit": True}, ({"person": 15000}, YEAR_2016)),
    ("2015-12-01", {"hukou": AWAY, "residence": AWAY, "residence_permit": True}, ["no_local_tie"]),
    ("2015-12-01", {"hukou": AWAY, "residence": AWAY, "statuses": ["student"]}, ({"person": 15000}, YEAR_2016)),
    ("2015-12-01", {"hukou": AWAY, "statuses": [at_school("371302")]}, ({"person": 15000}, YEAR_2016)),
    ("2015-12-01", {"hukou": AWAY, "statuses": [at_school("371311")]}, ["no_local_tie"]),
    (
        "2015-12-01",
        {"hukou": AWAY, "residence_permit": True, "birth_date": "1930-01-01"},
        ({"person": 15000}, YEAR_2016),
    ),
    ("2015-12-01", {"hukou_since": "2015-12-02"}, ["no_local_tie"]),
    ("2015-12-01", {"hukou_since": "2015-12-01"}, ({"person": 15000}, YEAR_2016)),
    ("2015-12-01", {"statuses": ["employee_insured"]}, ["employee_insured"]),
    ("2015-12-01", {"statuses": ["insured_elsewhere"]}, ({"person": 15000}, YEAR_2016)),
    # S002-23, S002-24, A002-10 to A002-12: six months to the day, clamped
    ("2016-08-31", {"enrolment": "newborn", "birth_date": "2016-02-29"}, ({"person": 56000}, "2016-09-30")),
    ("2016-08-29", {"enrolment": "newborn", "birth_date": "2016-02-29"}, ({"person": 15000}, "2016-02-29")),
    ("2017-02-28", {"enrolment": "newborn", "birth_date": "2016-08-31"}, ({"person": 15000}, "2016-08-31")),
    ("2017-03-01", {"enrolment": "newborn", "birth_date": "2016-08-31"}, ["no_cover_left"]),
    (
        "2016-10-05",
        {"enrolment": "newborn", "birth_date": "2016-02-29", "registered_on": "2016-08-29"},
        ({"person": 15000}, "2016-02-29"),
    ),
    (
        "2016-05-01",
        {"enrolment": "newborn", "birth_date": "2016-02-29", "statuses": ["dibao"]},
        ({DISTRICT: 15000}, "2016-02-29"),
    ),
    ("2016-09-01", {"enrolment": "newborn", "birth_date": "2016-02-29", "statuses": ["dibao"]}, ["no_rule"]),
    ("2016-05-01", {"enrolment": "newborn", "birth_date": "2015-12-31"}, ["not_eligible"]),
    (
        "2016-02-15",
        {"enrolment": "newborn", "birth_date": "2016-01-31", "hukou": AWAY, "residence_permit": True},
        ({"person": 15000}, "2016-03-01"),
    ),
    ("2016-05-01", {"enrolment": "newborn", "birth_date": "2016-02-29", "hukou": AWAY}, ["no_local_tie"]),
    ("2016-05-01", {"enrolment": "newborn", "birth_date": "2016-02-29", "hukou_since": "2016-05-02"}, ["no_local_tie"]),
    # S002-13, S002-15 to S002-17
    ("2015-12-01", {"documents": ["id_card", "hukou_certificate"]}, ({"person": 15000}, YEAR_2016)),
    ("2015-12-01", {"documents": ["hukou_booklet", "hukou_certificate"]}, ["documents_missing"]),
    (
        "2015-12-01",
        {"hukou": AWAY, "residence_permit": True, "documents": ["residence_certificate", "id_card"]},
        ({"person": 15000}, YEAR_2016),
    ),
    ("2015-12-01", {"hukou": AWAY, "residence_permit": True, "documents": ["residence_permit"]}, ["documents_missing"]),
    ("2015-12-01", {"hukou": AWAY, "documents": ["residence_certificate", "id_card"]}, ["no_local_tie"]),
    ("2015-12-01", {"hukou": AWAY, "statuses": ["student"], "documents": []}, ({"person": 15000}, YEAR_2016)),
    (
        "2016-05-01",
        {"enrolment": "newborn", "birth_date": "2016-02-29", "documents": ["hukou_booklet"]},
        ({"person": 15000}, "2016-02-29"),
    ),
    (
        "2016-05-01",
        {"enrolment": "newborn", "birth_date": "2016-02-29", "documents": ["birth_certificate"]},
        ["documents_missing"],
    ),
]

YEAR_2018 = "2018-01-01"
YANGQUAN_2018: list[tuple[str, dict[str, Any], Any]] = [
    # S000-13, A000-1; S000-11: one rate for all
    ("2017-08-31", {}, ["outside_window"]),
    ("2017-09-01", {}, ({"person": 18000}, YEAR_2018)),
    ("2017-12-31", {"birth_date": "2010-01-01"}, ({"person": 18000}, YEAR_2018)),
    # S000-15, S000-16, A000-3 to A000-5
    ("2018-01-01", {}, ["amount_unknown"]),
    ("2018-12-01", {}, ["amount_unknown"]),
    ("2018-12-02", {}, ["amount_unknown", "no_cover_left"]),
    # S000-19 to S000-23, A000-6, A000-7, A-X5
    ("2017-10-01", {"statuses": ["dibao"], "birth_date": "1958-01-01"}, ({FUND: 18000}, YEAR_2018)),
    ("2017-10-01", {"statuses": ["dibao"], "birth_date": "1958-01-02"}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"statuses": ["dibao"], "birth_date": "2000-01-01"}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"statuses": ["dibao"], "birth_date": "2000-01-02"}, ({FUND: 18000}, YEAR_2018)),
    ("2017-10-01", {"statuses": ["orphan"]}, ({FUND: 18000}, YEAR_2018)),
    ("2017-10-01", {"statuses": ["registered_poor"]}, ({FUND: 18000}, YEAR_2018)),
    ("2017-10-01", {"statuses": [disabled(2)]}, ({FUND: 18000}, YEAR_2018)),
    ("2017-10-01", {"statuses": [disabled(3)]}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"statuses": ["family_planning_hardship"]}, ({FUND: 18000}, YEAR_2018)),
    ("2017-10-01", {"statuses": ["destitute"]}, ({"person": 18000}, YEAR_2018)),
    # S000-32, A000-9
    ("2017-10-01", {"statuses": ["armed_police"]}, ["amount_unknown"]),
    ("2017-10-01", {"statuses": ["armed_police"], "hukou": AWAY, "residence": AWAY}, ["amount_unknown"]),
    # S000-01, S000-03 to S000-10
    ("2017-10-01", {"statuses": ["employee_insured"]}, ["employee_insured"]),
    ("2017-10-01", {"statuses": ["insured_elsewhere"]}, ["insured_elsewhere"]),
    ("2017-10-01", {"hukou": AWAY}, ["no_local_tie"]),
    ("2017-10-01", {"hukou": AWAY, "residence_permit": True}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"hukou": AWAY, "statuses": ["student"]}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"hukou": AWAY, "statuses": ["clergy"]}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"hukou": AWAY, "statuses": ["returned_overseas_chinese"]}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"hukou": AWAY, "statuses": ["hardship_enterprise_retiree"]}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"hukou": AWAY, "residence": AWAY, "statuses": ["detained"]}, ({"person": 18000}, YEAR_2018)),
    # S000-17, S000-18, A000-10
    ("2017-12-31", {"enrolment": "newborn", "birth_date": "2017-09-01"}, ({"person": 18000}, "2017-09-01")),
    ("2017-12-31", {"enrolment": "newborn", "birth_date": "2017-12-31"}, ({"person": 18000}, "2017-12-31")),
    ("2017-12-31", {"enrolment": "newborn", "birth_date": "2017-08-31"}, ["not_eligible"]),
    ("2017-12-31", {"enrolment": "newborn", "birth_date": "2017-10-01", "paid": False}, ["not_eligible"]),
    ("2018-01-05", {"enrolment": "newborn", "birth_date": "2017-12-20"}, ["amount_unknown"]),
    ("2018-05-01", {"enrolment": "newborn", "birth_date": "2018-01-01"}, ({"person": 18000}, "2018-05-01")),
    (
        "2018-05-03",
        {"enrolment": "newborn", "birth_date": "2018-03-01", "registered_on": "2018-05-01", "statuses": ["orphan"]},
        ({FUND: 18000}, "2018-05-01"),
    ),
    ("2019-01-05", {"enrolment": "newborn", "birth_date": "2018-12-20"}, ["no_cover_left"]),
    (
        "2018-05-01",
        {"enrolment": "newborn", "birth_date": "2018-03-01", "hukou_since": "2018-06-01"},
        ({"person": 18000}, "2018-05-01"),
    ),
    # S000-33 to S000-36
    ("2017-10-01", {"documents": ["social_security_card"]}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"documents": ["id_card", "old_scheme_certificate", "photo"]}, ({"person": 18000}, YEAR_2018)),
    ("2017-10-01", {"documents": ["id_card", "photo"]}, ["documents_missing"]),
    ("2017-10-01", {"statuses": ["orphan"], "documents": ["social_security_card"]}, ["documents_missing"]),
    (
        "2017-10-01",
        {"statuses": ["orphan"], "documents": ["social_security_card", "status_certificate"]},
        ({FUND: 18000}, YEAR_2018),
    ),
    ("2017-10-01", {"statuses": ["dibao"], "documents": ["social_security_card"]}, ({"person": 18000}, YEAR_2018)),
    (
        "2017-10-01",
        {"hukou": AWAY, "residence_permit": True, "documents": ["residence_permit", "uninsured_certificate", "photo"]},
        ({"person": 18000}, YEAR_2018),
    ),
    (
        "2017-10-01",
        {"hukou": AWAY, "residence_permit": True, "documents": ["social_security_card"]},
        ["documents_missing"],
    ),
    (
        "2017-10-01",
        {"hukou": AWAY, "statuses": ["student"], "documents": ["social_security_card"]},
        ({"person": 18000}, YEAR_2018),
    ),
    (
        "2018-05-01",
        {"enrolment": "newborn", "birth_date": "2018-03-01", "documents": ["birth_certificate"]},
        ({"person": 18000}, "2018-05-01"),
    ),
    (
        "2018-05-01",
        {"enrolment": "newborn", "birth_date": "2018-03-01", "documents": ["id_card"]},
        ["documents_missing"],
    ),
]

TONGLIAO_2016: list[tuple[str, dict[str, Any], Any]] = [
    # A003-3, A003-4: no amount is stated, for nobody and on no day
    *(
        (day, {"former_scheme": former}, ["amount_unknown"])
        for day in ("2016-03-01", "2016-06-30", "2016-07-01", "2017-01-01")
        for former in (None, "urban", "nrcms")
    ),
    ("2016-08-01", {"statuses": ["employee_insured"]}, ["amount_unknown", "employee_insured"]),
    ("2016-08-01", {"hukou": AWAY}, ["amount_unknown"]),
    ("2016-08-01", {"hukou": AWAY, "residence": AWAY}, ["amount_unknown", "no_local_tie"]),
    ("2016-08-01", {"enrolment": "newborn", "birth_date": "2016-05-01"}, ["no_rule"]),
]

YEAR_2026 = "2026-01-01"
NATIONAL_2026: list[tuple[str, dict[str, Any], Any]] = [
    ("2025-08-31", {}, ["outside_window"]),
    ("2025-09-01", {}, ({"person": 40000}, YEAR_2026)),
    ("2025-12-31", {}, ({"person": 40000}, YEAR_2026)),
    # late: the same amount, three months
    ("2026-01-01", {}, ({"person": 40000}, "2026-04-01")),
    ("2026-01-31", {}, ({"person": 40000}, "2026-04-30")),
    ("2026-09-30", {}, ({"person": 40000}, "2026-12-30")),
    ("2026-10-01", {}, ["no_cover_left"]),
    # missed years, repaired years, the floor after a long gap
    ("2025-12-20", {"missed_years": 1}, ({"person": 40000}, "2026-04-20")),
    ("2025-09-01", {"missed_years": 1}, ({"person": 40000}, YEAR_2026)),
    ("2025-12-20", {"missed_years": 2, "repaired_years": 2}, ({"person": 40000}, "2026-03-20")),
    ("2025-12-20", {"missed_years": 2, "repaired_years": 5}, ({"person": 40000}, "2026-03-20")),
    ("2025-12-20", {"missed_years": 3, "repaired_years": 3}, ({"person": 40000}, "2026-03-20")),
    ("2025-12-20", {"missed_years": 4, "repaired_years": 4}, ({"person": 40000}, "2026-06-20")),
    ("2025-12-20", {"missed_years": 5}, ({"person": 40000}, "2026-08-20")),
    ("2026-02-10", {"missed_years": 2, "repaired_years": 1}, ({"person": 40000}, "2026-06-10")),
    # help, newborns
    ("2025-12-31", {"statuses": ["destitute"]}, ({FUND: 40000}, YEAR_2026)),
    ("2026-01-05", {"statuses": ["destitute"]}, ({FUND: 40000}, "2026-04-05")),
    ("2025-12-31", {"statuses": ["dibao"]}, ({"person": 40000}, YEAR_2026)),
    ("2026-06-01", {"enrolment": "newborn", "birth_date": "2026-01-01"}, ({"person": 40000}, "2026-01-01")),
    ("2026-06-01", {"enrolment": "newborn", "birth_date": "2025-12-31"}, ["not_eligible"]),
    (
        "2026-06-01",
        {"enrolment": "newborn", "birth_date": "2026-01-01", "missed_years": 4},
        ({"person": 40000}, "2026-01-01"),
    ),
    # who may join
    ("2025-10-01", {"hukou": AWAY, "residence_permit": True}, ({"person": 40000}, YEAR_2026)),
    ("2025-10-01", {"hukou": AWAY}, ["no_local_tie"]),
    ("2025-10-01", {"hukou": AWAY, "statuses": [at_school(AWAY)]}, ({"person": 40000}, YEAR_2026)),
    ("2025-10-01", {"hukou": AWAY, "residence": AWAY, "statuses": ["student"]}, ({"person": 40000}, YEAR_2026)),
    ("2025-10-01", {"hukou": AWAY, "birth_date": "2019-09-01"}, ({"person": 40000}, YEAR_2026)),
    ("2025-10-01", {"hukou": AWAY, "birth_date": "2019-08-31"}, ["no_local_tie"]),
    ("2025-10-01", {"statuses": ["employee_insured", "insured_elsewhere"]}, ["employee_insured", "insured_elsewhere"]),
]

TABLES = {
    "county-2015": COUNTY_2015,
    "lanshan-2016": LANSHAN_2016,
    "yangquan-2018": YANGQUAN_2018,
    "tongliao-2016": TONGLIAO_2016,
    "national-2026": NATIONAL_2026,
}


@pytest.mark.parametrize("scheme", TABLES)
def test_the_scheme_answers_as_its_notice_says(scheme: str):
    wrong = [
        f"{day} {told}: {found}, not {expected}"
        for day, told, expected in TABLES[scheme]
        if (found := outcome(ask(scheme, day, **told))) != expected
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("scheme", "day", "statuses", "expected"),
    [
        ("lanshan-2016", "2016-01-10", [identified("dibao", "2016-01-05")], [("dibao", "condition_not_met", 0)]),
        ("lanshan-2016", "2015-12-10", [identified("dibao", "2015-12-20")], [("dibao", "not_yet_identified", 0)]),
        ("lanshan-2016", "2016-01-10", [identified("dibao", "2016-02-01")], [("dibao", "not_yet_identified", 0)]),
        ("lanshan-2016", "2015-12-10", ["key_entitled", "dibao"], [("key_entitled", "one_subsidy_only", 15000)]),
        ("lanshan-2016", "2015-12-10", ["orphan"], [("orphan", "not_in_scheme", 0)]),
        ("yangquan-2018", "2017-10-01", ["dibao", "orphan"], [("dibao", "condition_not_met", 0)]),
        (
            "yangquan-2018",
            "2017-10-01",
            ["registered_poor", "orphan"],
            [("registered_poor", "one_subsidy_only", 18000)],
        ),
        ("yangquan-2018", "2017-10-01", ["destitute"], [("destitute", "not_in_scheme", 0)]),
        ("county-2015", "2015-01-10", [disabled(1), "dibao"], [("disabled", "one_subsidy_only", 14000)]),
        ("county-2015", "2015-01-10", [disabled(4), "student"], [("disabled", "grade_not_covered", 0)]),
        ("national-2026", "2025-10-01", ["dibao", "destitute"], [("dibao", "not_in_scheme", 0)]),
    ],
)
def test_what_the_other_statuses_came_to(scheme: str, day: str, statuses: list[Any], expected: list[Any]):
    answer = ask(scheme, day, statuses=statuses)
    assert [(one["status"], one["reason"], one["amount_fen"]) for one in answer["not_applied"]] == expected


def test_help_that_goes_by_hukou_is_for_locals():
    answer = ask("lanshan-2016", "2015-12-10", statuses=["dibao"], hukou=AWAY, residence_permit=True)
    assert [(one["status"], one["reason"]) for one in answer["not_applied"]] == [("dibao", "not_local")]


def test_help_by_age_has_no_status_and_gives_way_to_a_status():
    aged = ask("lanshan-2016", "2015-12-10", birth_date="1940-01-01")
    assert [(line["payer"], line["status"]) for line in aged["lines"]] == [(DISTRICT, None)]
    poor = ask("lanshan-2016", "2015-12-10", birth_date="1940-01-01", statuses=["dibao"])
    assert [(line["payer"], line["status"]) for line in poor["lines"]] == [(DISTRICT, "dibao")]
    assert poor["not_applied"] == []


@pytest.mark.parametrize(
    ("scheme", "day", "told", "cited"),
    [
        ("county-2015", "2015-02-05", {"statuses": ["student"]}, {"S001-09", "S001-25"}),
        ("county-2015", "2015-01-10", {"statuses": [at_school(AWAY)]}, {"S001-11"}),
        ("county-2015", "2015-01-31", {}, {"S001-24"}),
        ("county-2015", "2015-01-10", {"birth_date": "1950-01-01", "hukou_since": "2014-06-01"}, {"S001-03"}),
        ("lanshan-2016", "2016-02-01", {}, {"S002-07", "S002-21"}),
        ("lanshan-2016", "2016-04-01", {}, {"S002-06", "S002-08", "S002-22"}),
        ("lanshan-2016", "2015-12-01", {"hukou": AWAY, "residence_permit": True}, {"S002-04"}),
        ("lanshan-2016", "2015-12-01", {"birth_date": "1940-01-01"}, {"S002-10", "S002-11"}),
        ("yangquan-2018", "2018-02-01", {}, {"S000-15"}),
        ("yangquan-2018", "2017-12-31", {"enrolment": "newborn", "birth_date": "2017-10-01"}, {"S000-18"}),
        ("tongliao-2016", "2016-08-01", {"former_scheme": "nrcms"}, {"S003-11", "S003-12"}),
        ("national-2026", "2026-01-05", {}, {"B1", "B2"}),
    ],
)
def test_the_deciding_rules_are_named(scheme: str, day: str, told: dict[str, Any], cited: set[str]):
    assert cited <= set(ask(scheme, day, **told)["rules"])


def test_days_are_checked_against_the_calendar_of_the_notice():
    """A birth date on either side of the turn of a group, for every day of its week."""
    for offset in range(-3, 4):
        born = date.fromordinal(date(1997, 1, 1).toordinal() + offset)
        expected = 14000 if offset <= 0 else 4000
        assert ask("county-2015", "2015-01-10", birth_date=born.isoformat())["standard_fen"] == expected
