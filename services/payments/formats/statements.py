"""Day statements of the channels (对账单): bytes → lines, each judged by itself; a bad line harms no other.

A file is read once, line by line, so that its size does not matter. Beside its lines a reader tells what the file says
of itself (`told`) and what it has found (`found`), both counted as the channel counts.

A layout is known by its first lines. All but the trade bill begin with a line of totals: count and sum, with or
without words between. Then come the headings, columns in any order, and the lines.

- wechat `wechat_trade_bill`: the trade bill, see `wechat_bill`; its totals stand at the end.
- bank `bank_check_file`: as the bank's settings say (`settings.CheckFile`); by default `|` between values, no headings:
  交易日期|交易流水号|客户编号|缴费金额|二级渠道|交易类型. 交易类型 1 pays, 2 reverses under a serial of its own; the
  sum is net of reversals.
- bank `unionpay_day_file`: a zip of lines cut by bytes, see `unionpay_files`; it tells no totals of its own.
- etax `tax_day_list`: CSV; 电子税票号,缴费时间,应缴单号,金额(元),缴费人,事件号.
- counter `pos_settlement`: the acquirer's file (PAYMENTS_POS_FILE has its own headings, words and delimiter);
  终端号,批次号,凭证号,交易时间,金额(元),交易类型, and 原批次号,原凭证号 where it prints them. 消费 pays; 撤销 and 退货
  name the sale as their original, or have its numbers; the sum is net.
- counter `shift_report`: CSV of a hall; 班次号,窗口,结班时间,现金收入(元).
- agent `receipt_list`: CSV of what an agent's code or account received; 流水号,交易时间,付款人,金额(元).

Amounts are yuan with up to two decimals, instants are in Asia/Shanghai. CSV is UTF-8, with or without BOM, or GB18030.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.clock import SHANGHAI

from ..rules.reconciling import LineKind, LineStatus, Totals

BOM = b"\xef\xbb\xbf"
HEAD_BYTES = 64 * 1024
"""What is needed of a file to recognise its layout."""

_LONGEST_LINE = 16 * 1024


class StatementUnreadable(Exception):
    """The file as a whole is not a statement of its channel; the message tells the clerk what to do."""


@dataclass(frozen=True)
class RawLine:
    """A line of a file; `number` as an editor shows it.

    One beyond 16 KiB is `cut`; the last one is not `ended` where the file does not end with a line end.
    """

    number: int
    raw: bytes
    cut: bool = False
    ended: bool = True


@dataclass(frozen=True)
class StatementLine:
    """What one line says. `reference` and `order_no` are written as our submissions write them.

    `faults` are for clerks; a line with one has `amount_fen` None unless all that counts could be read.
    """

    number: int
    raw: bytes
    kind: LineKind = LineKind.PAYMENT
    status: LineStatus = LineStatus.SUCCESS
    reference: str | None = None
    order_no: str | None = None
    amount_fen: int | None = None
    paid_at: datetime | None = None
    payer_name: str | None = None
    faults: tuple[str, ...] = ()

    @property
    def digest(self) -> bytes:
        """The mark by which the same line is known in another version of the file."""
        return hashlib.sha256(self.raw).digest()


class StatementReader(Protocol):
    """Reads the lines of one file in their order."""

    told: Totals | None

    @property
    def found(self) -> Totals:
        """What the lines so far come to."""
        ...

    def take(self, line: RawLine) -> StatementLine | None:
        """What a line says; None for headings, totals and empty lines."""
        ...


class LineSplitter:
    """Pieces of a file → its lines, without ever holding more than one line beside a piece."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._number = 0
        self._cut = False

    def feed(self, piece: bytes) -> Iterator[RawLine]:
        """The lines that end in this piece."""
        *ended, rest = piece.split(b"\n")
        for part in ended:
            self._add(part)
            yield self._line(ended=True)
        self._add(rest)

    def end(self) -> Iterator[RawLine]:
        """The last line, where the file does not end with a line end."""
        if self._rest:
            yield self._line(ended=False)

    def _add(self, part: bytes) -> None:
        room = _LONGEST_LINE - len(self._rest)
        self._rest += part[:room]
        self._cut |= len(part) > room

    def _line(self, *, ended: bool) -> RawLine:
        self._number += 1
        raw = bytes(self._rest.removesuffix(b"\r"))
        line = RawLine(self._number, raw.removeprefix(BOM) if self._number == 1 else raw, self._cut, ended)
        self._rest.clear()
        self._cut = False
        return line


def yuan_to_fen(text: str) -> int:
    """`320.00`, `1,320`, `0.5` → fen. Raises ValueError for a sign, parts of a fen and what is no amount."""
    if not _YUAN.fullmatch(text):
        raise ValueError(f"“{text}”不是以元为单位的金额")
    whole, _, cents = text.replace(",", "").partition(".")
    return int(whole) * 100 + int(cents.ljust(2, "0"))


def read_fen(text: str) -> int:
    """`30000`, `000000030000` → 30000. Raises ValueError for what is no amount in whole fen."""
    if not _FEN.fullmatch(text):
        raise ValueError(f"“{text}”不是以分为单位的金额")
    return int(text)


def read_instant(text: str) -> datetime:
    """An instant as channels write it: 2021-12-05 10:00:00, 2021/12/5 10:00, 20211205100000, or with its offset.

    Raises ValueError.
    """
    found = _INSTANT.fullmatch(text)
    if found:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
        return of_our_days(datetime(year, month, day, hour, minute, second, tzinfo=SHANGHAI))
    instant = datetime.fromisoformat(text)
    return of_our_days(instant if instant.tzinfo else instant.replace(tzinfo=SHANGHAI))


def of_our_days(instant: datetime) -> datetime:
    """The instant of a payment. Raises ValueError for a year in which nobody pays, whose ends no database holds."""
    if not _YEARS[0] <= instant.year <= _YEARS[1]:
        raise ValueError(f"年份 {instant.year} 有误")
    return instant


def decode(line: RawLine) -> str:
    """The text of a line. Raises ValueError for one in no known encoding, and for one that is too long to be a line."""
    if line.cut:
        raise ValueError("行过长，无法读取")
    for encoding in ("utf-8", "gb18030"):
        try:
            return line.raw.decode(encoding).replace("\0", "").strip()
        except UnicodeDecodeError:
            continue
    raise ValueError("编码无法识别，应为 UTF-8 或 GB18030")


@dataclass(frozen=True)
class Layout:
    """A file of lines with values between delimiters. `headings` empty: the values stand in the order of `columns`.

    `parse` gets a line's values by heading and makes of them what a StatementLine holds; it raises ValueError and
    KeyError for what it cannot read. `net`: reversals and refunds are taken off the channel's sum. `whole_lines`: the
    channel ends every line, so a file whose last line is not has lost its end. `amount` reads its money as fen.
    """

    name: str
    delimiter: str
    columns: tuple[str, ...]
    parse: Callable[[Mapping[str, str], str], dict[str, object]]
    headed: bool = True
    net: bool = False
    whole_lines: bool = False
    amount: Callable[[str], int] = yuan_to_fen

    def values(self, text: str) -> list[str]:
        """The values of a line. Raises ValueError where quotes are not closed."""
        try:
            [cells] = csv.reader([text], delimiter=self.delimiter, strict=True)
        except (csv.Error, ValueError) as error:
            raise ValueError("引号不成对或分隔有误") from error
        return [cell.strip() for cell in cells]


@dataclass
class DelimitedReader:
    """Reads a file of a Layout; `institution` is who sent it."""

    layout: Layout
    institution: str
    told: Totals | None = None
    _headings: Sequence[str] | None = None
    _count: int = 0
    _fen: int = 0
    _back_fen: int = 0

    def __post_init__(self) -> None:
        if not self.layout.headed:
            self._headings = self.layout.columns

    @property
    def found(self) -> Totals:
        """Count of all lines; sum of the payments, less what went back where the channel nets it."""
        return Totals(self._count, self._fen - self._back_fen if self.layout.net else self._fen)

    def take(self, line: RawLine) -> StatementLine | None:
        """What a line says."""
        if self.layout.whole_lines and not line.ended:
            self.told = None
        try:
            text = decode(line)
            if not text:
                return None
            values = self.layout.values(text)
        except ValueError as error:
            return self._counted(StatementLine(line.number, line.raw, faults=(str(error),)))
        if line.number == 1:
            self.told = read_totals(values, self.layout.amount)
            return None
        if self._headings is None:
            self._headings = _headings(self.layout, values)
            return None
        return self._counted(self._read(line, values))

    def _read(self, line: RawLine, values: Sequence[str]) -> StatementLine:
        headings = self._headings or ()
        if len(values) != len(headings):
            fault = f"应有 {len(headings)} 列，实有 {len(values)} 列"
            return StatementLine(line.number, line.raw, faults=(fault,))
        try:
            parsed = self.layout.parse(dict(zip(headings, values, strict=True)), self.institution)
        except (ValueError, OverflowError) as error:
            return StatementLine(line.number, line.raw, faults=(str(error),))
        return StatementLine(line.number, line.raw, **parsed)  # type: ignore[arg-type]

    def _counted(self, line: StatementLine) -> StatementLine:
        self._count += 1
        if line.status is not LineStatus.FAILED:
            if line.kind is LineKind.PAYMENT:
                self._fen += line.amount_fen or 0
            else:
                self._back_fen += line.amount_fen or 0
        return line


def read_totals(values: Iterable[str], amount: Callable[[str], int] = yuan_to_fen) -> Totals | None:
    """Count and sum in a line of totals, whatever words stand between them; None where it has no two such numbers.

    A net sum is below zero on a day on which more went back than came.
    """
    numbers = [value for value in values if _YUAN.fullmatch(value.removeprefix("-"))]
    if len(numbers) != 2 or not COUNT.fullmatch(numbers[0]):
        return None
    try:
        sum_fen = amount(numbers[1].removeprefix("-"))
    except ValueError:
        return None  # yuan where the bank prints fen
    return Totals(int(numbers[0]), -sum_fen if numbers[1].startswith("-") else sum_fen)


def whole_lines(head: bytes) -> list[RawLine]:
    """The whole lines of a file's beginning."""
    splitter = LineSplitter()
    return [*splitter.feed(head), *(splitter.end() if len(head) < HEAD_BYTES else ())]


def read_text(raw: bytes) -> str:
    """A line for people, however it was written."""
    try:
        return decode(RawLine(0, raw))
    except ValueError:
        return raw.decode(errors="replace").replace("\0", "")


def _headings(layout: Layout, values: Sequence[str]) -> Sequence[str]:
    missing = [name for name in layout.columns if name not in values]
    if missing:
        raise StatementUnreadable(f"缺少列：{'、'.join(missing)}")
    return values


COUNT = re.compile(r"[0-9]{1,9}")
_FEN = re.compile(r"0*[0-9]{1,12}")
_YEARS = (1900, 9998)
_YUAN = re.compile(r"(?:[0-9]{1,10}|[0-9]{1,3}(?:,[0-9]{3}){1,3})(?:\.[0-9]{1,2})?")
_INSTANT = re.compile(
    r"([12][0-9]{3})[-/]?([0-9]{1,2})[-/]?([0-9]{1,2})[ T]?(?:([0-9]{1,2}):?([0-9]{2})(?::?([0-9]{2}))?)?"
)
