"""Packages of the treasury's information system (TIPS, protocols §3.5): raw bytes ↔ values. No I/O.

    <CFX><HEAD>…</HEAD><MSG>…</MSG></CFX><!--HEX-->        HEX = SM3(XML ‖ key), upper case, over the bytes as they are

    3126  what was posted on a day, by voucher          3122  the day's check of vouchers
    9110  the answer to our refunds (1104)              3123  the day's check of refunds

Amounts are yuan with two decimals, days `YYYYMMDD`. What stands under codes that we do not interpret is kept as it is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ..rules.treasury import SUCCESS, Message
from .macs import Mac
from .xml import CODECS, Element, read_xml, write_text

MOST_BYTES = 4 * 1024 * 1024
"""A part of a thousand lines has some 400 kB."""

_TRAILER = re.compile(rb"<!--([0-9A-Fa-f]{64})-->\s*$")
_AMOUNT = re.compile(r"-?[0-9]{1,15}\.[0-9]{2}")
_DAY = re.compile(r"[0-9]{8}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_WORD = re.compile(r"[0-9A-Za-z._-]{1,32}")


class PackageUnreadable(Exception):
    """The bytes are no package that we know; the text says where and what."""


class TrailerWrong(Exception):
    """The code behind the package is missing, or not that of its bytes under our key."""


@dataclass(frozen=True)
class TreasuryLine:
    """A line of a package. `success`: it was done; of a posted item, it is money that came in. `order_no` (with
    `order_pack` and `entrust_date`) is that of the message it is about."""

    voucher_no: str
    amount_fen: int
    success: bool
    entrust_date: str | None = None
    order_pack: str | None = None
    order_no: str | None = None
    content: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TreasuryPart:
    """One part of a package, as it says of itself. `office` is None where the message names none (9110)."""

    message: Message
    office: str | None
    day: date
    pack_no: str
    parts: int
    part_no: int
    told_count: int
    told_fen: int | None
    lines: Sequence[TreasuryLine]
    result: str = ""
    detail: str = ""

    @property
    def amount_fen(self) -> int:
        """The sum of its lines."""
        return sum(line.amount_fen for line in self.lines)


@dataclass(frozen=True)
class RefundLine:
    """A line of a package of refunds (RetTreasury1104)."""

    tra_no: str
    treasury_code: str
    bank_no: str
    opening_bank_no: str
    account: str
    payee_name: str
    payer_code: str
    payer_name: str
    draw_back_no: str
    new_voucher_no: str
    voucher_no: str
    amount_fen: int
    bill_day: date
    budget_type: str
    budget_subject: str
    budget_level: str
    basis: str
    reason_code: str


@dataclass(frozen=True)
class RefundPackage:
    """A package of refunds: who sends it to whom, under which numbers."""

    source: str
    target: str
    message_id: str
    office: str
    day: date
    pack_no: str
    return_days: int
    lines: Sequence[RefundLine]


@dataclass(frozen=True)
class _Codes:
    """Values that a partner sets."""

    success: frozenset[str]
    voucher_types: frozenset[str]


class Tips:
    """Reads and writes packages with the key and the encoding of one treasury."""

    def __init__(
        self,
        key: bytes,
        encoding: str = "gbk",
        success: frozenset[str] = frozenset({"1"}),
        voucher_types: frozenset[str] = frozenset(),
    ) -> None:
        """`success`: values of OpStat that mean success; `voucher_types`: of ExportVouType that mean money that came
        in, none: all. Raises ValueError for a key under 16 bytes."""
        self._mac = Mac("sm3", key, "suffix")
        self._encoding, self._codes = encoding, _Codes(success, voucher_types)

    def seal(self, xml: str) -> bytes:
        """A message as it is sent: its bytes, and the code behind them."""
        raw = xml.encode(CODECS[self._encoding].removesuffix("-sig"))
        return raw + f"<!--{self._mac.of(raw)}-->".encode()

    def open(self, raw: bytes) -> bytes:
        """The XML in front of the code. Raises TrailerWrong."""
        trailer = _TRAILER.search(raw)
        if trailer is None:
            raise TrailerWrong("the trailer <!--…--> is missing")
        xml = raw[: trailer.start()]
        if not self._mac.matches(xml, trailer[1].decode()):
            raise TrailerWrong("the trailer is not that of these bytes under our key")
        return xml

    def read(self, raw: bytes) -> TreasuryPart:
        """A package of the treasury. Raises TrailerWrong before anything is read, PackageUnreadable."""
        if len(raw) > MOST_BYTES:
            raise PackageUnreadable(f"a part has at most {MOST_BYTES} bytes")
        xml = self.open(raw)
        try:
            root = read_xml(xml, self._encoding)
            if root.name != "CFX":
                raise ValueError(f"<CFX> is expected, not <{root.name}>")
            number = _text(_one(root, "HEAD"), "MsgNo")
            if number not in _READERS:
                raise ValueError(f"MsgNo is one of {', '.join(_READERS)}, not {number[:10]}")
            return _READERS[number](_one(root, "MSG"), self._codes)
        except (ValueError, KeyError, UnicodeDecodeError) as error:
            raise PackageUnreadable(str(error)) from error

    def write_refunds(self, package: RefundPackage) -> bytes:
        """A package of refunds (1104); the same values give the same bytes."""
        day = f"{package.day:%Y%m%d}"
        head = {
            "VER": "1.0",
            "SRC": package.source,
            "DES": package.target,
            "APP": "TIPS",
            "MsgNo": "1104",
            "MsgID": package.message_id,
            "MsgRef": package.message_id,
            "WorkDate": day,
        }
        batch = {
            "TaxOrgCode": package.office,
            "EntrustDate": day,
            "PackNo": package.pack_no,
            "ReturnTerm": str(package.return_days),
            "AllNum": str(len(package.lines)),
            "AllAmt": _yuan(sum(line.amount_fen for line in package.lines)),
        }
        lines = "".join(_element("RetTreasury1104", _refund_line(line)) for line in package.lines)
        label = self._encoding.upper()
        return self.seal(
            f'<?xml version="1.0" encoding="{label}"?><CFX>{_element("HEAD", head)}'
            f"<MSG>{_element('BatchHead1104', batch)}{lines}</MSG></CFX>"
        )


def _refund_line(line: RefundLine) -> dict[str, str]:
    return {
        "TraNo": line.tra_no,
        "DrawBackTreCode": line.treasury_code,
        "PayeeBankNo": line.bank_no,
        "PayeeOpBkCode": line.opening_bank_no,
        "PayeeAcct": line.account,
        "PayeeName": line.payee_name,
        "TaxPayCode": line.payer_code,
        "TaxPayName": line.payer_name,
        "DrawBackVouNo": line.draw_back_no,
        "ElectroTaxVouNo": line.new_voucher_no,
        "OriTaxVouNo": line.voucher_no,
        "TraAmt": _yuan(line.amount_fen),
        "BillDate": f"{line.bill_day:%Y%m%d}",
        "BudgetType": line.budget_type,
        "BudgetSubjectCode": line.budget_subject,
        "BudgetLevelCode": line.budget_level,
        "TrimSign": "0",
        "DrawBackVou": line.basis,
        "DrawBackReasonCode": line.reason_code,
    }


def _read_posted(message: Element, codes: _Codes) -> TreasuryPart:
    head = _one(message, "BillHead3126")
    counts = ("TaxAllNum", "DrawBackAllNum", "CorrAllNum", "FreeAllNum")
    return TreasuryPart(
        message=Message.POSTED,
        office=_word(head, "TaxOrgCode"),
        day=_day(head, "InTreDate"),
        pack_no=_word(head, "PackNo"),
        parts=_number(head, "ChildPackNum"),
        part_no=_number(head, "CurPackNo"),
        told_count=sum(_number(head, name) for name in counts),
        told_fen=None,
        lines=[
            TreasuryLine(
                _word(line, "ExpTaxVouNo"),
                _amount(line, "TraAmt"),
                success=not codes.voucher_types or _text(line, "ExportVouType") in codes.voucher_types,
                content=_fields(line),
            )
            for line in _all(message, "Bill3126")
        ],
    )


def _read_collection_check(message: Element, codes: _Codes) -> TreasuryPart:
    return _read_check(message, codes, Message.COLLECTION_CHECK, "CompDeduct3122", "OriTaxVouNo", "TraAmt")


def _read_refund_check(message: Element, codes: _Codes) -> TreasuryPart:
    return _read_check(message, codes, Message.REFUND_CHECK, "CompRetTrea3123", "DrawBackVouNo", "DrawBackAmt")


def _read_check(
    message: Element, codes: _Codes, number: Message, line_name: str, voucher: str, amount: str
) -> TreasuryPart:
    head = _one(message, f"BatchHead{number}")
    part = TreasuryPart(
        message=number,
        office=_word(head, "TaxOrgCode"),
        day=_day(head, "ChkDate"),
        pack_no=_word(head, "PackNo"),
        parts=_number(head, "ChildPackNum"),
        part_no=_number(head, "CurPackNo"),
        told_count=_number(head, "AllNum"),
        told_fen=_amount(head, "AllAmt"),
        lines=[
            TreasuryLine(
                _word(line, voucher),
                _amount(line, amount),
                success=_text(line, "OpStat") in codes.success,
                entrust_date=_text(line, "OriEntrustDate"),
                order_pack=_text(line, "OriPackNo"),
                order_no=_text(line, "OriTraNo"),
                content=_fields(line),
            )
            for line in _all(message, line_name)
        ],
    )
    if (_number(head, "CurPackNum"), _amount(head, "CurPackAmt")) != (len(part.lines), part.amount_fen):
        raise ValueError("CurPackNum and CurPackAmt are not those of the lines of this part")
    return part


def _read_refund_answer(message: Element, _codes: _Codes) -> TreasuryPart:
    head = _one(message, "BatchHead9110")
    if _text(head, "OriMsgNo") != "1104":
        raise ValueError(f"OriMsgNo is 1104, not {_text(head, 'OriMsgNo')[:10]}")
    day, pack = _day(head, "OriEntrustDate"), _word(head, "OriPackNo")
    lines = list(_all(message, "BatchReturn9110"))
    refused = not lines and _text(head, "Result") not in SUCCESS  # the whole package, which then has no lines
    return TreasuryPart(
        message=Message.REFUND_ANSWER,
        office=None,
        day=day,
        pack_no=pack,
        parts=1,
        part_no=1,
        told_count=0 if refused else _number(head, "AllNum"),
        told_fen=0 if refused else _amount(head, "AllAmt"),
        result=_text(head, "Result"),
        detail=_text(head, "AddWord"),
        lines=[
            TreasuryLine(
                _text(line, "ElectroTaxVouNo"),
                _amount(line, "TraAmt"),
                success=_text(line, "Result") in SUCCESS,
                entrust_date=f"{day:%Y%m%d}",
                order_pack=pack,
                order_no=_word(line, "OriTraNo"),
                content=_fields(line),
            )
            for line in lines
        ],
    )


_READERS = {
    "3126": _read_posted,
    "3122": _read_collection_check,
    "3123": _read_refund_check,
    "9110": _read_refund_answer,
}


def _all(parent: Element, name: str) -> Iterable[Element]:
    return (child for child in parent if child.name == name)


def _one(parent: Element, name: str) -> Element:
    found = list(_all(parent, name))
    if len(found) != 1:
        raise ValueError(f"<{name}> stands once in <{parent.name}>, not {len(found)} times")
    return found[0]


def _text(parent: Element, name: str) -> str:
    return _one(parent, name).text


def _matching(parent: Element, name: str, pattern: re.Pattern[str]) -> str:
    text = _text(parent, name)
    if not pattern.fullmatch(text):
        raise ValueError(f"<{name}> of <{parent.name}> cannot be {text[:40]!r}")
    return text


def _word(parent: Element, name: str) -> str:
    return _matching(parent, name, _WORD)


def _number(parent: Element, name: str) -> int:
    return int(_matching(parent, name, _NUMBER))


def _amount(parent: Element, name: str) -> int:
    return int(_matching(parent, name, _AMOUNT).replace(".", ""))


def _day(parent: Element, name: str) -> date:
    text = _matching(parent, name, _DAY)
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))


def _fields(line: Element) -> dict[str, str]:
    return {child.name: child.text for child in line}


def _yuan(amount_fen: int) -> str:
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def _element(name: str, values: Mapping[str, str]) -> str:
    inner = "".join(f"<{each}>{write_text(value)}</{each}>" for each, value in values.items())
    return f"<{name}>{inner}</{name}>"
