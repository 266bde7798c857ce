"""Slips of the pen in lists: what clerks get wrong, and the same row put right for the next list.

A list is a sequence of rows as mappings from heading to cell. The row put right is handed in again later, so no
person is lost by a slip.
"""

from collections.abc import Callable, Sequence
from datetime import date
from random import Random

from .identity import impossible_birth_date, wrong_check_digit
from .sheets import Cell

Row = dict[str, Cell]


def _number(row: Row) -> str:
    return str(row["身份证号"])


def _wrong_digit(row: Row) -> Row:
    return {**row, "身份证号": wrong_check_digit(_number(row))}


def _too_short(row: Row) -> Row:
    return {**row, "身份证号": _number(row)[:17]}


def _no_such_birthday(row: Row) -> Row:
    return {**row, "身份证号": impossible_birth_date(_number(row))}


def _no_name(row: Row) -> Row:
    return {**row, "姓名": ""}


def _other_name(row: Row) -> Row:
    return {**row, "姓名": f"{str(row['姓名'])[0]}某某"}


def _set(heading_part: str, text: str) -> Callable[[Row], Row]:
    def slip(row: Row) -> Row:
        heading = next(name for name in row if heading_part in name)
        return {**row, heading: text}

    return slip


SLIPS: dict[str, Callable[[Row], Row]] = {
    "wrong_digit": _wrong_digit,
    "too_short": _too_short,
    "no_such_birthday": _no_such_birthday,
    "no_name": _no_name,
    "other_name": _other_name,
    "impossible_day": _set("日期", "2021-02-30"),
    "day_to_come": _set("日期", "2031-05-01"),
    "unknown_region": _set("所在地", "阳城县城"),
    "unknown_help": _set("类别", "临时救助"),
    "unknown_grade": _set("等级", "五级"),
}


def make_slips(rng: Random, rows: Sequence[Row], kinds: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """Spoil one row for each kind (as far as there are rows), and repeat one row if `duplicate` is among them.

    Returns the list with its slips, and the spoilt rows as they should have been. Only rows of people whom other lists
    name as well should come in here, so that the register knows their right names.
    """
    sheet = list(rows)
    wanted = [kind for kind in kinds if kind != "duplicate"][: max(0, len(sheet) - 1)]
    places = rng.sample(range(len(sheet)), len(wanted))
    right = [sheet[place] for place in places]
    for place, kind in zip(places, wanted, strict=True):
        sheet[place] = SLIPS[kind](sheet[place])
    clean = [row for place, row in enumerate(sheet) if place not in set(places)]
    if clean:
        sheet += rng.choices(clean, k=list(kinds).count("duplicate"))
    return sheet, right


def vary(rng: Random, row: Row) -> Row:
    """The same row as another hand writes it: a blank in a short name, a small x at the end of a number."""
    name, number = str(row["姓名"]), _number(row)
    if len(name) == 2 and rng.random() < 0.08:
        name = f"{name[0]}　{name[1]}"
    if number.endswith("X") and rng.random() < 0.3:
        number = number.lower()
    return {**row, "姓名": name, "身份证号": number}


def cells(rows: Sequence[Row], header: Sequence[str]) -> list[list[Cell]]:
    """Rows in the order of the header; a heading that a row does not have stays empty."""
    return [[row.get(heading) for heading in header] for row in rows]


def slashed(day: date) -> str:
    """A day as many lists write it: 2019/3/7."""
    return f"{day.year}/{day.month}/{day.day}"
