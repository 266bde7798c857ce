"""The faults of a package file: each with its line, its column, its field, what is wrong and what would be right."""

import ast
from pathlib import Path

import pytest

from services.registration.formats.faults import PackageFault
from services.registration.formats.package import PackageFaulty, read_package
from services.registration.formats.wording import FAULTS

PACKAGES = Path("services/registration/packages")
YANGCHENG = (PACKAGES / "yangcheng-2022.yaml").read_text(encoding="utf-8")
LANSHAN = (PACKAGES / "lanshan-2016.yaml").read_text(encoding="utf-8")


def faults_of(source: str) -> list[PackageFault]:
    with pytest.raises(PackageFaulty) as caught:
        read_package(source.encode())
    return caught.value.faults


def place_of(source: str, text: str) -> tuple[int, int]:
    """Line and column of a text, both from 1."""
    before = source[: source.index(text)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


# What stands in the sound file, what is written instead, the part of that at which the fault points; the field, the
# code, and what must be said of it in Chinese and in English.
FAULTY: list[tuple[str, str, str, str, str, str, str]] = [
    *(
        ("individual_fen: 32000", f"individual_fen: {wrong}", wrong, "/premiums/0/individual_fen", code, zh, en)
        for wrong, code, zh, en in [
            ('"32000"', "int_type", "应为整数", "an integer"),
            ("320.5", "int_type", "现为 320.5", "given: 320.5"),
            ("-1", "greater_than_equal", "不小于 0", "at least 0"),
            ("99999999", "less_than_equal", "不大于 10000000", "at most 10000000"),
            ("032000", "ambiguous_number", "不要以 0 开头", "no leading 0"),
            ("32_000", "ambiguous_number", "会被读成别的数", "another number"),
            ("99999999999999999999", "not_a_value", "不是存在的", "no day or number"),
        ]
    ),
    *(
        ("day: 2021-12-25", f"day: {wrong}", wrong, "/window/closes/day", code, zh, en)
        for wrong, code, zh, en in [
            ("2021-11-31", "not_a_value", "2021-11-31 不是存在的日期", "no day"),
            ("25 Dec", "date_parsing", "应为日期，如 2031-09-01", "a day such as"),
            ("20211225", "date_type", "应为日期", "a day such as"),
            ("2021-12-25 10:00:00", "date_parsing", "应为日期", "a day such as"),
        ]
    ),
    (
        *("individual_fen: 32000", "individul_fen: 32000", "individul_fen", "/premiums/0/individul_fen"),
        *(
            "extra_forbidden",
            "没有字段 individul_fen，是否应为 individual_fen？此处可用：",
            "did you mean individual_fen?",
        ),
    ),
    (
        *('pool: "140522"', "pool: 140522", "140522", "/pool"),
        *("string_type", "数字代码请加引号", "quote codes"),
    ),
    (
        *('pool: "140522"', 'pool: "1405"', '"1405"', "/pool"),
        *("string_pattern_mismatch", "如 990101（现为 1405）", "such as 990101"),
    ),
    (
        *("benefit_year: 2022", "benefit_year: 2022\nbenefit_year: 2023", "benefit_year: 2023", "/benefit_year"),
        *("duplicate_key", "键 benefit_year 重复", "stated twice"),
    ),
    (
        *("{kind: fixed,", "{kind: fixd,", "fixd", "/subsidies/given/5/help"),
        *("union_tag_invalid", "full、percent、fixed；是否应为 fixed？", "did you mean fixed?"),
    ),
    (
        *("percent: 90}", "percent: 0.9}", "0.9}", "/subsidies/given/3/help/percent"),
        *("int_type", "不带引号和小数", "without quotes or decimals"),
    ),
    (
        *("payer: original_channel", "payer: orginal_channel", "orginal_channel", "/subsidies/given/1/payer"),
        *("enum", "是否应为 original_channel？", "did you mean original_channel?"),
    ),
    (
        *("statuses: [dibao]", "statuses: [dibo]", "dibo]", "/subsidies/given/4/statuses/0"),
        *("enum", "是否应为 dibao？", "did you mean dibao?"),
    ),
    (
        *("statuses: [dibao]", "statuses: dibao", "dibao\n", "/subsidies/given/4/statuses"),
        *("tuple_type", "应为列表", "Must be a list"),
    ),
    (
        *("grades: [1, 2]", "grades: [1, 5]", "5]", "/subsidies/given/1/grades/1"),
        *("less_than_equal", "应不大于 4", "at most 4"),
    ),
    (
        *("{choice: highest_amount", "{choice: highest", "highest,", "/subsidies/one_only/choice"),
        *("literal_error", "highest_amount、listed_first", "one of highest_amount, listed_first"),
    ),
    (
        *("day: 2021-12-25", "day: 2021-08-25", "day: 2021-08-25", "/window"),
        *(
            "out_of_order",
            "opens.day（2021-09-01）应不晚于 closes.day（2021-08-25）",
            "must not be later than closes.day",
        ),
    ),
    (
        *("{first: 1, last: 25,", "{first: 26, last: 25,", "last: 25", "/window"),
        *("out_of_order", "应不晚于 open_days.last（25）", "must not be later than open_days.last"),
    ),
    (
        *("    rules: [S004-09]", "    rules: []", "[]", "/premiums/0/rules"),
        *("too_short", "至少应有 1 项", "at least 1 item"),
    ),
    (
        *("    rules: [S004-09]", "    rules: [S4-9]", "S4-9", "/premiums/0/rules/0"),
        *("string_pattern_mismatch", "如 S004-14（现为 S4-9）", "such as S004-14"),
    ),
    (
        *("cover: {kind: birth}", "cover: birth", "birth\n", "/newborn/cases/0/cover"),
        *("dict_type", "应为键值结构（现为 birth）", "a mapping of fields"),
    ),
    (
        *("shift: false", "shift: nope", "nope", "/window/holiday_shift/shift"),
        *("bool_type", "应为 true 或 false", "true or false"),
    ),
    (
        *("  S004-09:\n", "  S04-09:\n", "S04-09:", "/sentences/S04-09"),
        *("string_pattern_mismatch", "如 S004-14", "such as S004-14"),
    ),
    (
        *("title: 阳城县", "title: *x 阳城县", "title", ""),
        *("not_yaml", "不支持别名", "aliases"),
    ),
]


@pytest.mark.parametrize(("old", "new", "at", "pointer", "code", "zh", "en"), FAULTY, ids=lambda told: str(told)[:24])
def test_a_fault_has_its_place_and_says_what_would_be_right(
    old: str, new: str, at: str, pointer: str, code: str, zh: str, en: str
):
    sound = YANGCHENG
    broken = sound.replace(old, new, 1)
    assert broken != sound
    start = sound.index(old)
    [fault] = faults_of(broken)
    assert (fault.pointer, fault.code) == (pointer, code)
    assert zh in fault.detail, fault.detail
    assert en in fault.english, fault.english
    if code != "not_yaml":  # a file that is no YAML breaks where its reader stops
        assert (fault.line, fault.column) == place_of(broken, broken[broken.index(at, max(0, start - 12)) :])


def test_every_fault_is_told_at_once_in_the_order_of_the_file():
    broken = LANSHAN.replace("individual_fen", "individul_fen").replace("2015-12-31, rules", "2015-11-31, rules")
    assert [(fault.code, fault.pointer) for fault in faults_of(broken)] == [
        ("not_a_value", "/window/closes/day"),
        ("extra_forbidden", "/premiums/0/individul_fen"),
    ]
    missing = faults_of(YANGCHENG.replace("    rules: [S004-09]\n", ""))
    assert [(fault.pointer, fault.detail) for fault in missing] == [("/premiums/0/rules", "缺少必填项 rules")]


@pytest.mark.parametrize(
    ("raw", "code", "place"),
    [
        (b"a: 1\nb: \xff", "not_utf8", (2, 4)),
        (b"a: " + b"[" * 5000, "too_deep", None),
        (b"a: 1\n\tb: 2", "not_yaml", (2, 1)),
        (b"x" * 300_001, "too_large", None),
        (b"a: &a [1]\nb: *a", "not_yaml", None),
        (b"a: {<<: {b: 1}}", "not_plain", (1, 5)),
        (b'a: "\\ud800"', "not_a_value", (1, 4)),
        (b'a: "\\0"', "not_a_value", (1, 4)),
        (b"a: .nan", "not_a_value", (1, 4)),
        (b"a: 12:30", "ambiguous_number", (1, 4)),
        (b"a: !!set {b}", "not_plain", (1, 4)),
        (b"a: " + b"[" * 60 + b"]" * 60, "too_deep", (1, 44)),
    ],
)
def test_files_without_traps(raw: bytes, code: str, place: tuple[int, int] | None):
    with pytest.raises(PackageFaulty) as caught:
        read_package(raw)
    fault = next(fault for fault in caught.value.faults if fault.code == code)
    assert place is None or (fault.line, fault.column) == place


def test_every_code_of_the_language_is_told_in_english_too():
    raised = set()
    for path in sorted(Path("services/registration/formats/language").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PydanticCustomError":
                raised.add(ast.literal_eval(node.args[0]))
    assert raised
    assert raised <= set(FAULTS)
