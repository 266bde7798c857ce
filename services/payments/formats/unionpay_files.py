"""UnionPay's day file: a zip of a file of successful trades (ZM) and one of adjustments (ZME).

Lines have fields of fixed width, counted in bytes: a name of odd width shifts whoever counts characters. Amounts are in
fen. Neither file tells its totals; but every trade has its amount and its fee, and what UnionPay settles for it. The
sum of what is settled is what the file says of itself, amounts less fees is what was found.

A payment is named by its queryId, money that goes back by the number that we gave it. An adjustment names nothing of
ours, so it is left to a person.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from shared.clock import SHANGHAI

from ..rules import refunding, unionpay
from ..rules.reconciling import LineKind, LineStatus, Totals
from ..settings import UnionPayFiles
from .statements import LineSplitter, RawLine, StatementLine, StatementUnreadable
from .unionpay import read_moment

LAYOUT = "unionpay_day_file"
ZIP = b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"
MOST_ZIPPED_BYTES = 32 * 1024 * 1024
MOST_BYTES = 64 * 1024 * 1024
"""Of a zip, and of the files in it together."""
_TRADES, _ADJUSTMENTS = re.compile(r"ZM(?!E)"), re.compile(r"ZME")
_SIGNED = re.compile(r"([CD]?)\s*([0-9]+)")
_PIECE = 256 * 1024


class ZipSplitter:
    """Pieces of a zip → the lines of the files in it: first the trades, then the adjustments.

    The files are unpacked in pieces, as their lines are asked for. Raises StatementUnreadable at the end, where it is
    no such zip, or not all of it.
    """

    def __init__(self, most_zipped: int = MOST_ZIPPED_BYTES, most: int = MOST_BYTES) -> None:
        """`most_zipped` and `most`: the size of a zip, and of what is in it, in bytes."""
        self._file = io.BytesIO()
        self._most_zipped, self._most = most_zipped, most

    def feed(self, piece: bytes) -> Iterator[RawLine]:
        """Nothing yet: the directory of a zip stands at its end. Raises StatementUnreadable for too large a file."""
        if self._file.tell() + len(piece) > self._most_zipped:
            raise StatementUnreadable(f"压缩包过大，最多 {self._most_zipped} 字节")
        self._file.write(piece)
        return iter(())

    def end(self) -> Iterator[RawLine]:
        """Every line. `number` goes on from one file to the other."""
        try:
            with zipfile.ZipFile(self._file) as packed:
                number = unpacked = 0
                for name in _members(packed, self._most):
                    splitter = LineSplitter()
                    with packed.open(name) as member:
                        while piece := member.read(_PIECE):
                            unpacked += len(piece)
                            if unpacked > self._most:  # the directory of a zip says what its maker wants
                                raise _too_large(self._most)
                            for line in splitter.feed(piece):
                                number += 1
                                yield RawLine(number, line.raw, line.cut)
                    for line in splitter.end():
                        number += 1
                        yield RawLine(number, line.raw, line.cut, ended=False)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            raise StatementUnreadable(f"压缩包损坏或不完整，请重新下载：{error}") from error


def _members(packed: zipfile.ZipFile, most: int) -> Sequence[str]:
    if sum(each.file_size for each in packed.infolist()) > most:
        raise _too_large(most)
    names = packed.namelist()
    trades = [name for name in names if _TRADES.search(name)]
    if not trades:
        raise StatementUnreadable("压缩包内没有成功交易文件（ZM）")
    return [*sorted(trades), *sorted(name for name in names if _ADJUSTMENTS.search(name))]


def _too_large(most: int) -> StatementUnreadable:
    return StatementUnreadable(f"压缩包内文件过大，合计最多 {most} 字节")


@dataclass
class DayFileReader:
    """Reads the lines of a day's file. Which of the two files a line is of shows in its length."""

    files: UnionPayFiles
    day: date
    told: Totals | None = None
    _count: int = 0
    _settled_fen: int = 0
    _fen: int = 0
    _faulty: bool = False

    def __post_init__(self) -> None:
        self._noon = datetime.combine(self.day, time(12), SHANGHAI)
        self._count_up(0, 0)

    @property
    def found(self) -> Totals:
        """Count of all lines; sum of the payments, less what went back, less fees."""
        return Totals(self._count, self._fen)

    def take(self, line: RawLine) -> StatementLine | None:
        """What a line says."""
        if not line.raw.strip():
            return None
        try:
            if line.cut:
                raise ValueError("行过长，无法读取")
            files = self.files
            if _fits(files, line.raw, files.trades):
                return self._trade(line, _cells(files, line.raw, files.trades, files.columns))
            if _fits(files, line.raw, files.adjustments):
                return self._adjustment(line, _cells(files, line.raw, files.adjustments, files.adjustment_columns))
            wanted = " 或 ".join(str(_length(files, widths)) for widths in (files.trades, files.adjustments))
            raise ValueError(f"行长应为 {wanted} 字节，实为 {len(line.raw)} 字节")
        except ValueError as error:
            # Whoever has lost a line cannot say what the lines come to.
            self._faulty = True
            self._count_up(0, 0)
            self._count += 1
            return StatementLine(line.number, line.raw, faults=(str(error),))

    def _trade(self, line: RawLine, cells: Mapping[str, str]) -> StatementLine:
        amount_fen = _fen("交易金额", cells["amount"])
        back = cells["code"] in self.files.money_back
        known = back or cells["code"] in self.files.payments
        sign = -1 if back else 1
        at = read_moment(cells["sent_at"], self._noon)
        fee_fen, settled_fen = _signed("手续费", cells["fee"], -1), _signed("清算金额", cells["settled"], sign)
        if not cells["query_id"] or not amount_fen:
            raise ValueError("缺少查询流水号或金额为零")
        self._count += 1
        self._count_up(settled_fen, sign * amount_fen + fee_fen)
        refund = unionpay.refund_of_back_number(cells["order_no"]) if back else None
        return StatementLine(
            line.number,
            line.raw,
            kind=LineKind.REFUND if back else LineKind.PAYMENT,
            status=LineStatus.SUCCESS if known else LineStatus.UNKNOWN,
            reference=refunding.refund_number(*refund) if refund else unionpay.reference(self.day, cells["query_id"]),
            order_no=cells["order_no"] or None,
            amount_fen=amount_fen,
            paid_at=at,
            faults=() if known else (f"交易代码“{cells['code']}”不明",),
        )

    def _adjustment(self, line: RawLine, cells: Mapping[str, str]) -> StatementLine:
        number = f"ZME{cells['sent_at']}{cells['trace_no']}"
        amount_fen, at = _fen("交易金额", cells["amount"]), read_moment(cells["sent_at"], self._noon)
        self._count += 1
        self._count_up(0, 0)
        return StatementLine(
            line.number,
            line.raw,
            status=LineStatus.UNKNOWN,
            reference=unionpay.reference(self.day, number),
            amount_fen=amount_fen or None,
            paid_at=at,
            faults=(f"差错调整（ZME，交易代码 {cells['code']}），请向银联核实后处理",),
        )

    def _count_up(self, settled_fen: int, fen: int) -> None:
        self._settled_fen += settled_fen
        self._fen += fen
        self.told = None if self._faulty else Totals(self._count, self._settled_fen)


def parted(data: bytes, files: UnionPayFiles, home: Callable[[str], str]) -> Mapping[str, bytes]:
    """A day's zip, parted into one for each `home` of its orders' numbers; as it came where there is but one.

    Lines stay as they are, byte for byte. What names no order, an adjustment, is at home where no order is. Raises
    StatementUnreadable.
    """
    splitter = ZipSplitter()
    splitter.feed(data)
    lines = [line.raw for line in splitter.end() if line.raw.strip()]
    trades = [_fits(files, raw, files.trades) for raw in lines]
    homes = [
        home(_cells(files, raw, files.trades, files.columns)["order_no"] if is_trade else "")
        for raw, is_trade in zip(lines, trades, strict=True)
    ]
    if len(set(homes)) <= 1:
        return dict.fromkeys(homes, data)
    parts: dict[str, bytes] = {}
    for one in sorted(set(homes)):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
            for name, wanted in (("ZM", True), ("ZME", False)):
                own = [
                    raw + b"\r\n"
                    for raw, is_trade, where in zip(lines, trades, homes, strict=True)
                    if where == one and is_trade is wanted
                ]
                # No time in it: the same lines are the same file.
                file.writestr(zipfile.ZipInfo(name), b"".join(own), zipfile.ZIP_DEFLATED)
        parts[one] = packed.getvalue()
    return parts


def _length(files: UnionPayFiles, widths: Sequence[int]) -> int:
    return sum(widths) + files.gap_bytes * (len(widths) - 1)


def _fits(files: UnionPayFiles, raw: bytes, widths: Sequence[int]) -> bool:
    """Whether a line has the length of a file; blanks at its end may have got lost on the way."""
    whole = _length(files, widths)
    return whole - widths[-1] <= len(raw) <= whole


def _cells(files: UnionPayFiles, raw: bytes, widths: Sequence[int], columns: Mapping[str, int]) -> dict[str, str]:
    """The columns that we read, cut by bytes. Raises ValueError where one is not text."""
    starts, place = [], 0
    for width in widths:
        starts.append(place)
        place += width + files.gap_bytes
    return {
        name: raw[starts[column] : starts[column] + widths[column]].decode(files.encoding).replace("\0", "").strip()
        for name, column in columns.items()
    }


def _fen(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{name}“{text}”不是以分为单位的金额")
    return int(text)


def _signed(name: str, text: str, usual: int) -> int:
    """An amount with C (to us) or D (from us) before it; without either it is as `usual`."""
    found = _SIGNED.fullmatch(text)
    if found is None:
        if not text:
            return 0
        raise ValueError(f"{name}“{text}”不是以分为单位的金额")
    return int(found[2]) * {"C": 1, "D": -1}.get(found[1], usual)
