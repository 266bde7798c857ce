"""Resident identity numbers (GB 11643-1999): reading, checking, masking. Numbers of bank cards: masking.

python-stdnum does the check digit; around it stands what it leaves open: impossible and future dates, unknown address
codes (historic and local ones are in use, codes.md C3), and the lower-case x that lists bring.
Rejecting a valid number is worse than accepting an invalid one.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from stdnum import luhn
from stdnum.cn import ric

Sex = Literal["male", "female"]

_NUMBER = re.compile(r"[1-9][0-9]{16}[0-9X]")
# In a text as `normal_number` would read it: with full-width digits, with blanks or strokes between.
_IN_TEXT = re.compile(
    r"(?<![0-9０-９])[1-9１-９](?:[\s\-·]?[0-9０-９]){16}[\s\-·]?(?:[XxＸｘ]|[0-9０-９](?![0-9０-９]))"
)

# 13 to 19 digits as ISO/IEC 7812 begins them, in one run or in groups of four; what begins like a year is none.
_CARD_IN_TEXT = re.compile(
    r"(?<!\d)(?=[3-9３-９]|[2２][2-7２-７])\d{4}([ -]?)(?:\d{4}\1){2}\d{1,4}(?:\1\d{1,3})?(?!\d)"
)

# What both need: so many digits with nothing but blanks and strokes between. A quick look, for hardly any text has it.
_DIGITS_IN_TEXT = re.compile(r"[\d\s\-·]{13}")


@dataclass(frozen=True)
class ResidentNumber:
    """A resident identity number that passed its checks."""

    number: str
    birth_date: date
    sex: Sex


@dataclass(frozen=True)
class NumberFault:
    """Why a text is no resident identity number. `code` is stable, `detail` is for clerks."""

    code: str
    detail: str


def read_resident_number(text: str, *, today: date) -> ResidentNumber | NumberFault:
    """Read a number as lists bring it (blanks, full-width digits, lower-case x); `today` bounds the birth date."""
    number = normal_number(text)
    if not number:
        return NumberFault("identity_number_missing", "缺少身份证号")
    if not _NUMBER.fullmatch(number):
        return NumberFault("identity_number_invalid", "身份证号应为18位（前17位数字，末位数字或X）")
    if ric.calc_check_digit(number) != number[-1]:
        return NumberFault("identity_number_invalid", "身份证号校验位不符")
    try:
        birth_date = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return NumberFault("identity_number_invalid", "身份证号中的出生日期不存在")
    if birth_date > today or birth_date.year < 1890:
        return NumberFault("identity_number_invalid", "身份证号中的出生日期不可能")
    return ResidentNumber(number, birth_date, "male" if int(number[16]) % 2 else "female")


def normal_number(text: str) -> str:
    """The one spelling under which a number is stored and looked up."""
    if text.isascii() and text.isalnum():
        return text.upper()
    narrow = text.translate(_NARROW)
    return re.sub(r"[\s\-·]", "", narrow).upper()


def mask_number(number: str) -> str:
    """For answers without the scope `persons:full`: the first four and the last two characters."""
    return number[:4] + "*" * (len(number) - 6) + number[-2:] if len(number) > 8 else "*" * len(number)


_SHORTEST_NUMBER = 13


def mask_name(name: str) -> str:
    """For those who only have to recognise somebody: the first character and, of three or more, the last."""
    kept = name[-1:] if len(name) > 2 else ""
    return name[:1] + "*" * (len(name) - 1 - len(kept)) + kept if len(name) > 1 else "*" * len(name)


def mask_in_text(text: str) -> str:
    """Blank every identity number and every card number inside a text; used by the log writer."""
    if len(text) < _SHORTEST_NUMBER or not _DIGITS_IN_TEXT.search(text):
        return text
    return _CARD_IN_TEXT.sub(_masked_card, _IN_TEXT.sub(lambda found: mask_number(found[0]), text))


def mask_card(number: str) -> str:
    """A card's number as it may be kept and shown: its first six and last four characters."""
    return number[:6] + "*" * (len(number) - 10) + number[-4:] if len(number) > 10 else "*" * len(number)


def normal_name(text: str) -> str:
    """Names are compared without blanks and with one kind of middle dot."""
    if text.isalpha():
        return text
    return re.sub(r"[.．•‧∙⋅・･]", "·", re.sub(r"\s", "", text))


def _masked_card(found: re.Match[str]) -> str:
    """What looks like a card's number, masked where its check digit is right, too."""
    return mask_card(found[0]) if luhn.is_valid(re.sub(r"\D", "", found[0].translate(_NARROW))) else found[0]


_NARROW = str.maketrans("０１２３４５６７８９Ｘｘ", "0123456789XX")
