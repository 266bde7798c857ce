"""What only shows in the whole of a package, each with an example; the language as a JSON Schema; the check command."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.openapi import PACKAGE_LANGUAGE
from services.registration import check
from services.registration.formats.faults import PackageFault
from services.registration.formats.findings import findings
from services.registration.formats.package import PackageContent, read_package
from services.registration.formats.schema import package_schema, schema_text

PACKAGES = Path("services/registration/packages")
FILES = sorted(PACKAGES.glob("*.yaml"))
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in FILES}
YANGCHENG, COUNTY, LANSHAN, YANGQUAN = "yangcheng-2022", "county-2015", "lanshan-2016", "yangquan-2018"
TEN_DAYS = timedelta(days=10)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def found_in(read: PackageContent) -> list[PackageFault]:
    return findings(read.file, read.package, read.marked)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_package_of_the_repository_is_whole(path: Path):
    read = read_package(path.read_bytes())
    assert [fault.told() for fault in found_in(read)] == []
    assert path.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=package.schema.json\n")


# What is written instead in which package; the code of the finding, its field, and the example that shows it.
UNFIT: list[tuple[str, str, str, str, str, str]] = [
    (
        LANSHAN,
        "- group: residents\n    indiv",
        "- group: residents\n    who: {hukou: local}\n    indiv",
        "birthday_without_rate",
        "/premiums",
        "外地户籍持居住证",
    ),
    (YANGCHENG, "closes: {day: 2021-12-25", "closes: {day: 9999-12-25", "window_after_cover", "/window", "9999-12-25"),
    (
        COUNTY,
        "{born_from: 1997-01-02}",
        "{born_from: 1997-02-02}",
        "birthday_without_rate",
        "/premiums",
        "1997-01-02出生",
    ),
    (
        COUNTY,
        "who: {born_to: 1997-01-01}",
        "who: {born_to: 1990-01-01}",
        "birthday_without_rate",
        "/premiums",
        "1990-01-02 至",
    ),
    (COUNTY, "{born_from: 1997-01-02}", "{born_from: 1996-01-02}", "two_rates", "/premiums/4", "1996-01-02出生"),
    (
        YANGCHENG,
        "{enrolments: [new, renewal]}",
        "{enrolments: [renewal]}",
        "birthday_without_rate",
        "/premiums",
        "新参保",
    ),
    (
        YANGQUAN,
        "- group: armed_police  #",
        "- {group: all, rules: [S000-12]}\n  - group: armed_police  #",
        "rate_unreached",
        "/premiums/1",
        "武警官兵",
    ),
    (YANGCHENG, "last: 25, rules", "last: 24, rules", "last_day_closed", "/window", "2021-12-25"),
    (
        YANGCHENG,
        "cover: {from: 2022-01-01",
        "cover: {from: 2021-12-01",
        "window_after_cover",
        "/window",
        "2021-12-25 缴费",
    ),
    (LANSHAN, "until: 2016-02-29", "until: 2016-03-05", "late_stages_overlap", "/late/1", "2016-03-01"),
    (LANSHAN, "  - from: 2016-03-01", "  - from: 2016-12-02", "no_cover_left", "/late/1", "2017-01-01"),
    (LANSHAN, "{kind: day, day: 2016-03-01}", "{kind: period}", "window_after_cover", "/late/0", "2016-02-29 缴费"),
    (
        LANSHAN,
        "[dibao, destitute, key_entitled], when",
        "[dibao, key_entitled], when",
        "status_without_supplier",
        "/subsidies/given/0",
        "特困人员",
    ),
    (
        COUNTY,
        "statuses: [low_income_family], data",
        "statuses: [], data",
        "status_without_supplier",
        "/premiums/3",
        "低收入家庭",
    ),
    (
        YANGQUAN,
        "born_from: 2018-01-01",
        "born_from: 2018-01-11",
        "birthday_without_case",
        "/newborn/cases/1",
        "2018-01-01 出生",
    ),
    (LANSHAN, "      within_months: 6\n", "", "two_newborn_cases", "/newborn/cases/1", "2016-01-01 出生"),
    (YANGCHENG, "  S004-09:\n", "  S004-99:\n", "rule_without_sentence", "/premiums/0/rules/0", "S004-09"),
]
AGAIN = "    - statuses: [at_risk_of_poverty]\n      help: {kind: full}\n      payer: collective\n"


@pytest.mark.parametrize(("scheme", "old", "new", "code", "pointer", "example"), UNFIT)
def test_a_finding_names_a_person_or_a_day_that_shows_it(
    scheme: str, old: str, new: str, code: str, pointer: str, example: str
):
    assert old in SOURCES[scheme]
    found = found_in(read_package(SOURCES[scheme].replace(old, new, 1).encode()))
    [shown] = [fault for fault in found if (fault.code, fault.pointer) == (code, pointer)]
    assert example in shown.detail
    assert shown.line is not None
    assert not CHINESE.search(shown.english)


@pytest.mark.parametrize(
    ("years", "code", "example"),
    [
        ("{first: 2025, last: 2027}", "subsidies_overlap", "2025"),
        ("{first: 2028, last: 2029}", "benefit_years_hole", "2026"),
    ],
)
def test_the_benefit_years_of_two_subsidies(years: str, code: str, example: str):
    added = f"{AGAIN}      benefit_years: {years}\n      rules: [S004-11]\n  denied:"
    [found] = found_in(read_package(SOURCES[YANGCHENG].replace("  denied:", added, 1).encode()))
    assert (found.code, found.pointer) == (code, "/subsidies/given/6")
    assert example in found.detail


def holes() -> Iterator[tuple[str, str, Any]]:
    """Every package with ten days cut out of one of its rates, late stages or newborn cases: name, code, file."""
    for scheme, source in SOURCES.items():
        whole = yaml.safe_load(source)
        for number in range(len(whole["premiums"])):
            cut = yaml.safe_load(source)
            if narrowed(cut["premiums"], number):
                yield f"{scheme}-premiums-{number}", "birthday_without_rate", cut
        for number in range(len(whole.get("late", ()))):
            cut = yaml.safe_load(source)
            cut["late"][number]["from"] += TEN_DAYS
            yield f"{scheme}-late-{number}", "late_hole", cut
        children = whole.get("newborn", {}).get("cases", ())
        for number, (before, case) in enumerate(pairwise(children), start=1):
            if before["born_to"] < case["born_from"]:  # otherwise nothing else says where the first of them begins
                cut = yaml.safe_load(source)
                cut["newborn"]["cases"][number]["born_from"] += TEN_DAYS
                yield f"{scheme}-newborn-{number}", "birthday_without_case", cut


def narrowed(premiums: list[dict[str, Any]], number: int) -> bool:
    """Whether a rate could be narrowed: where it goes by a status, or another is for everybody, no hole comes of it."""
    others = [one.get("who", {}) for at, one in enumerate(premiums) if at != number]
    who = premiums[number].setdefault("who", {})
    if "statuses" in who or any(not {"statuses", "born_from", "born_to"} & one.keys() for one in others):
        return False
    if "born_from" in who:
        who["born_from"] += TEN_DAYS
    else:
        who["born_to"] = who.get("born_to", date(1960, 1, 1)) - TEN_DAYS
    return True


HOLES = list(holes())


@pytest.mark.parametrize(("code", "cut"), [row[1:] for row in HOLES], ids=[row[0] for row in HOLES])
def test_a_hole_cut_into_a_package_is_found(code: str, cut: dict[str, Any]):
    read = read_package(yaml.safe_dump(cut, allow_unicode=True, sort_keys=False).encode())
    assert code in {fault.code for fault in found_in(read)}


def test_holes_were_cut_into_every_kind_of_part():
    assert {code for _, code, _ in HOLES} == {"birthday_without_rate", "late_hole", "birthday_without_case"}


def test_the_committed_schema_is_the_language():
    assert PACKAGE_LANGUAGE.read_text(encoding="utf-8") == schema_text(), "run `make openapi`"
    assert json.loads(schema_text())["$schema"].endswith("2020-12/schema")


def test_every_field_of_the_schema_has_chinese_words_and_an_example():
    schema = package_schema()
    mute = [
        f"{name}.{field}"
        for name, model in {**schema["$defs"], "": schema}.items()
        for field, inner in model.get("properties", {}).items()
        if not CHINESE.search(inner["title"]) or not CHINESE.search(inner["description"]) or inner["examples"] == [None]
    ]
    assert mute == []


def test_the_check_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sound = PACKAGES / "lanshan-2016.yaml"
    unfit, faulty = tmp_path / "unfit.yaml", tmp_path / "faulty.yaml"
    unfit.write_text(SOURCES[LANSHAN].replace("  - from: 2016-03-01", "  - from: 2016-03-09"), encoding="utf-8")
    faulty.write_text(SOURCES[LANSHAN].replace("individual_fen", "individul_fen"), encoding="utf-8")
    assert check.main([str(sound)]) == 0
    assert "未发现问题" in capsys.readouterr().out
    assert check.main([str(sound), str(unfit)]) == 1
    [line] = [at for at, text in enumerate(unfit.read_text(encoding="utf-8").splitlines(), 1) if "2016-03-09" in text]
    assert f"{unfit}:{line}:5  /late/1  2016-03-01 至 2016-03-08" in capsys.readouterr().out
    assert check.main(["--en", str(faulty)]) == 1
    assert "did you mean individual_fen?" in capsys.readouterr().out
    assert check.main([str(tmp_path / "absent.yaml"), str(faulty)]) == 2
