"""What is told about each kind of fault: what is wrong and what would be right, in Chinese and in English.

A text may name values in braces; a part in ⟨…⟩ is left out where a value in it is empty. The Chinese of our own codes
is that of the language (None here), their English stands beside it.
"""

import re
from collections.abc import Mapping
from typing import Any

Told = tuple[str | None, str]

_GIVEN = "⟨（现为 {given}）⟩", "⟨ (given: {given})⟩"


def _with_given(zh: str, en: str) -> Told:
    return zh + _GIVEN[0], en + _GIVEN[1]


_INTEGER = _with_given("应为整数，不带引号和小数", "Must be an integer, without quotes or decimals")
_DAY = _with_given("应为日期，如 2031-09-01", "Must be a day such as 2031-09-01")
_TIME = _with_given('应为加引号的时刻，如 "12:00"', 'Must be a quoted time such as "12:00"')
_MAPPING = _with_given("应为键值结构", "Must be a mapping of fields")
_CHOICE: Told = (
    "应为下列之一：{options}⟨；是否应为 {meant}？⟩" + _GIVEN[0],
    "Must be one of {options}⟨; did you mean {meant}?⟩" + _GIVEN[1],
)

FAULTS: Mapping[str, Told] = {
    "missing": ("缺少必填项 {field}", "The field {field} is missing"),
    "extra_forbidden": (
        "没有字段 {field}⟨，是否应为 {likely}？⟩⟨此处可用：{known}⟩",
        "There is no field {field}⟨; did you mean {likely}?⟩⟨ Known here: {known}⟩",
    ),
    "int_type": _INTEGER,
    "int_parsing": _INTEGER,
    "int_from_float": _INTEGER,
    "string_type": _with_given("应为文本（数字代码请加引号）", "Must be a text (quote codes made of digits)"),
    "string_too_short": ("文本不能为空", "The text must not be empty"),
    "string_too_long": ("文本不应超过 {max_length} 字", "The text must not exceed {max_length} characters"),
    "string_pattern_mismatch": _with_given(
        "格式应为 {pattern}⟨，如 {examples}⟩", "Must have the form {pattern}⟨ such as {examples}⟩"
    ),
    "bool_type": _with_given("应为 true 或 false", "Must be true or false"),
    "bool_parsing": _with_given("应为 true 或 false", "Must be true or false"),
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
    "time_type": _TIME,
    "time_parsing": _TIME,
    "literal_error": _CHOICE,
    "enum": _CHOICE,
    "union_tag_invalid": ("kind " + str(_CHOICE[0]), "kind: " + _CHOICE[1]),
    "union_tag_not_found": ("缺少必填项 kind", "The field kind is missing"),
    "tuple_type": _with_given("应为列表，如 [甲, 乙]", "Must be a list such as [a, b]"),
    "list_type": _with_given("应为列表，如 [甲, 乙]", "Must be a list such as [a, b]"),
    "too_short": ("至少应有 {min_length} 项", "Must have at least {min_length} item(s)"),
    "too_long": ("不应超过 {max_length} 项", "Must not have more than {max_length} items"),
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "greater_than_equal": _with_given("应不小于 {ge}", "Must be at least {ge}"),
    "less_than_equal": _with_given("应不大于 {le}", "Must be at most {le}"),
    "out_of_order": (None, "{first_name} ({first}) must not be later than {last_name} ({last})"),
    "named_twice": (None, "{values} may be stated only once"),
    "not_exactly_one": (None, "Exactly one of these fields must be stated⟨: {fields}⟩"),
    "cover_other_year": (None, "cover.to must lie in the benefit year {year}"),
    "total_differs": (None, "total_fen must be individual_fen plus fiscal_fen"),
    "grades_unexpected": (None, "grades go only with statuses: [disabled]"),
    "nobody_described": (None, "Without statuses, who must be stated"),
    "payer_is_person": (None, "The payer of help cannot be the person"),
    "shares_open": (None, "The last payer takes the rest and states no share; every other payer states one"),
}


def fill(told: Told, values: Mapping[str, Any]) -> tuple[str, str]:
    """The texts with the values in them; the Chinese one is empty where the language has its own."""
    zh, en = told
    return _fill(zh or "", values, "、"), _fill(en, values, ", ")


def _fill(text: str, values: Mapping[str, Any], comma: str) -> str:
    shown = {name: comma.join(map(str, one)) if isinstance(one, list) else str(one) for name, one in values.items()}

    def part(match: re.Match[str]) -> str:
        named = re.findall(r"{(\w+)}", match[1])
        return match[1] if all(shown.get(name) for name in named) else ""

    kept = re.sub(r"⟨([^⟩]*)⟩", part, text)
    return re.sub(r"{(\w+)}", lambda match: shown.get(match[1], match[0]), kept)
