"""Documents that name a person: each kind's number with its check digit, and what else it says about its holder.

Numbers of 18 digits name their own kind (codes.md C3): 81/82/83 0000 is a residence permit of somebody from Hong Kong,
Macao or Taiwan, 9 before a province a foreigner's card of 2023. So a list that calls every one of them 身份证号 is
understood. python-stdnum does the check digit and the birth date (`shared/identity.py`); it refuses the permits by
their region and knows no other kind, so the kinds are told apart here. Of passports and of the foreigner's card of
before 2023 only the shape can be checked; rejecting a valid number is worse than accepting an invalid one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from stdnum.cn import ric

from shared.identity import NumberFault, Sex, normal_number, read_resident_number


class DocumentKind(StrEnum):
    """证件类型. A newborn without a number goes by the mother's and the order of birth until there is one."""

    RESIDENT_ID = "resident_id"
    HMT_RESIDENCE_PERMIT = "hmt_residence_permit"
    FOREIGN_RESIDENCE_CARD = "foreign_residence_card"
    CHINESE_PASSPORT = "chinese_passport"
    FOREIGN_PASSPORT = "foreign_passport"
    NEWBORN = "newborn"


KIND_WORDS: Mapping[str, DocumentKind] = {
    "": DocumentKind.RESIDENT_ID,
    "居民身份证": DocumentKind.RESIDENT_ID,
    "港澳台居民居住证": DocumentKind.HMT_RESIDENCE_PERMIT,
    "外国人永久居留身份证": DocumentKind.FOREIGN_RESIDENCE_CARD,
    "中国护照": DocumentKind.CHINESE_PASSPORT,
    "外国护照": DocumentKind.FOREIGN_PASSPORT,
    "新生儿": DocumentKind.NEWBORN,
    "01": DocumentKind.RESIDENT_ID,
    "17": DocumentKind.HMT_RESIDENCE_PERMIT,
    "07": DocumentKind.FOREIGN_RESIDENCE_CARD,
    "16": DocumentKind.CHINESE_PASSPORT,
    "08": DocumentKind.FOREIGN_PASSPORT,
}
"""The cell 证件类型 of a list: the words, or the national code psn_cert_type (codes.md C1)."""

_SEXES: Mapping[str, Sex] = {"男": "male", "女": "female", "1": "male", "2": "female"}

_TITLES = {word_kind: word for word, word_kind in KIND_WORDS.items() if word and not word.isdigit()}
_PERMIT = re.compile(r"8[123]0000[0-9]{11}[0-9X]")
# The digits behind the 9 are a province (11 to 65), which no county code that begins with 9 has.
_FOREIGN = re.compile(r"9(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])[0-9]{14}[0-9X]")
_FOREIGN_OLD = re.compile(r"[A-Z]{3}[0-9]{12}")
_CHINESE_PASSPORT = re.compile(r"(?:1[45][0-9]{7}|[DEGKPS][0-9A-HJ-NP-Z][0-9]{7})")
_FOREIGN_PASSPORT = re.compile(r"(?=.*[0-9])[0-9A-Z]{5,15}")
_BIRTH_ORDER = re.compile(r"0[1-9]")


@dataclass(frozen=True)
class Shown:
    """A document as it was shown: the number as written, and the holder's birth date and sex where they were told."""

    number: str
    kind: DocumentKind = DocumentKind.RESIDENT_ID
    birth_date: date | None = None
    sex: Sex | None = None


@dataclass(frozen=True)
class Holder:
    """Whom a document names, with a number that passed its checks."""

    kind: DocumentKind
    number: str
    birth_date: date
    sex: Sex

    @property
    def document(self) -> tuple[DocumentKind, str]:
        """What the holder is found by."""
        return self.kind, self.number


def read_document(shown: Shown, today: date) -> Holder | NumberFault:
    """Read a document; `today` bounds birth dates. What the number says of its holder goes before what was told."""
    number = normal_number(shown.number)
    kind = true_kind(shown.kind, number)
    if not number:
        return NumberFault("identity_number_missing", f"缺少{_title(kind)}")
    if kind is DocumentKind.NEWBORN:
        return _read_newborn(shown, number, today)
    if kind in (DocumentKind.RESIDENT_ID, DocumentKind.HMT_RESIDENCE_PERMIT) or _FOREIGN.fullmatch(number):
        return _read_eighteen(kind, number, today)
    shape, wanted = _SHAPES[kind]
    if not shape.fullmatch(number):
        return NumberFault("identity_number_invalid", f"{_title(kind)}应为{wanted}")
    return _told(kind, number, shown, today)


def document_key(shown: Shown) -> tuple[DocumentKind, str]:
    """Under which kind and number a document is looked up, good or not; 15 digits in the form of 18."""
    number = normal_number(shown.number)
    kind = true_kind(shown.kind, number)
    return kind, (old_form(number) or number) if kind is DocumentKind.RESIDENT_ID else number


def true_kind(kind: DocumentKind, number: str) -> DocumentKind:
    """The kind that a number of 18 digits names by itself, else the one that was told."""
    if kind in (DocumentKind.RESIDENT_ID, DocumentKind.HMT_RESIDENCE_PERMIT, DocumentKind.FOREIGN_RESIDENCE_CARD):
        if _PERMIT.fullmatch(number):
            return DocumentKind.HMT_RESIDENCE_PERMIT
        if _FOREIGN.fullmatch(number):
            return DocumentKind.FOREIGN_RESIDENCE_CARD
    return kind


def old_form(number: str) -> str | None:
    """The 18 digits of a resident number in its old form of 15; None for anything else.

    The old form lacks the century, which was the twentieth for whoever has one, and the check digit.
    """
    if len(number) != 15 or not (number.isascii() and number.isdigit()):
        return None
    stem = f"{number[:6]}19{number[6:]}"
    return stem + ric.calc_check_digit(f"{stem}0")


def read_sex(word: str) -> Sex | None:
    """The sex in a cell of a list, None where it says neither."""
    return _SEXES.get(word)


def newborn_number(mother: str, order: str) -> str:
    """The number of a child that has none yet: the mother's, and the order of birth in two digits."""
    return normal_number(mother) + normal_number(order).rjust(2, "0")


def _read_eighteen(kind: DocumentKind, number: str, today: date) -> Holder | NumberFault:
    read = read_resident_number(number, today=today)
    if isinstance(read, NumberFault):
        return NumberFault(read.code, read.detail.replace("身份证号", _title(kind)))
    if kind is DocumentKind.HMT_RESIDENCE_PERMIT and not _PERMIT.fullmatch(number):
        return NumberFault("identity_number_invalid", f"{_title(kind)}应以810000、820000或830000开头")
    return Holder(kind, number, read.birth_date, read.sex)


def _read_newborn(shown: Shown, number: str, today: date) -> Holder | NumberFault:
    mother, order = number[:-2], number[-2:]
    read = read_resident_number(mother, today=today)
    if isinstance(read, NumberFault) or not _BIRTH_ORDER.fullmatch(order):
        wanted = "新生儿无证件号码时，应填母亲的18位证件号码加两位出生顺序（如01）"
        return NumberFault("identity_number_invalid", wanted)
    holder = _told(DocumentKind.NEWBORN, number, shown, today)
    if isinstance(holder, Holder) and holder.birth_date <= read.birth_date:
        return NumberFault("date_invalid", "新生儿的出生日期应晚于母亲的出生日期")
    return holder


def _told(kind: DocumentKind, number: str, shown: Shown, today: date) -> Holder | NumberFault:
    """The holder of a document whose number says nothing about birth and sex."""
    if shown.birth_date is None:
        return NumberFault("birth_date_missing", f"{_title(kind)}不含出生日期，请另填有效的出生日期")
    if not date(1890, 1, 1) <= shown.birth_date <= today:
        return NumberFault("date_invalid", "出生日期不可能")
    if shown.sex is None:
        return NumberFault("sex_missing", f"{_title(kind)}不含性别，请另填性别")
    return Holder(kind, number, shown.birth_date, shown.sex)


def _title(kind: DocumentKind) -> str:
    return "身份证号" if kind is DocumentKind.RESIDENT_ID else f"{_TITLES[kind]}号码"


_SHAPES = {
    DocumentKind.FOREIGN_RESIDENCE_CARD: (_FOREIGN_OLD, "18位（9开头），或旧证的3位字母加12位数字"),
    DocumentKind.CHINESE_PASSPORT: (_CHINESE_PASSPORT, "9位（如E开头加8位）"),
    DocumentKind.FOREIGN_PASSPORT: (_FOREIGN_PASSPORT, "5至15位字母和数字"),
}
