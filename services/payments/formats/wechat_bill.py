"""The trade bill of WeChat Pay: one day's payments and refunds as a file. The fund flow stands in `fund_flow`.

UTF-8 with BOM, lines ended by CRLF, the last one too. Values begin with a back-tick and are parted by ``,` ``, because
a product's name may contain a comma; header lines have no back-ticks. Amounts are yuan. The last line sums up, below a
header that begins with 总. A line that cannot be read is a fault with its text; the other lines stand.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from shared.clock import SHANGHAI

from .statements import COUNT, of_our_days

_BOM = b"\xef\xbb\xbf"
_MOST_BYTES = 256 * 1024 * 1024
_HASHES = {"SHA1": lambda data: hashlib.sha1(data, usedforsecurity=False), "SHA256": hashlib.sha256}


_COUNT = "总交易单数"
_SUMS = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
"""The columns that the totals are of."""


class LineKind(StrEnum):
    """What a line is about (交易状态)."""

    PAYMENT = "payment"
    REFUND = "refund"
    REVOKED = "revoked"


@dataclass(frozen=True)
class TradeLine:
    """One payment or refund; amounts in fen.

    `order_fen` is the order's amount, `settled_fen` what is settled of it (应结订单金额); `refund_fen` and
    `asked_refund_fen` are 退款金额 and 申请退款金额. A payment has no refund numbers. The fee may have parts of a fen.
    """

    line_no: int
    raw: str
    kind: LineKind
    at: datetime
    appid: str
    mchid: str
    transaction_id: str
    order_no: str
    trade_type: str
    order_fen: int
    settled_fen: int
    refund_id: str
    refund_no: str
    refund_fen: int
    asked_refund_fen: int
    refund_status: str
    attach: str
    fee_yuan: Decimal


@dataclass(frozen=True)
class LineFault:
    """A line that cannot be read, and why; `raw` with what is not UTF-8 replaced."""

    line_no: int
    raw: str
    why: str


@dataclass(frozen=True)
class TradeTotals:
    """What the last line says of all: how many lines, and sums in fen."""

    count: int
    settled_fen: int
    refund_fen: int
    order_fen: int
    asked_refund_fen: int


@dataclass(frozen=True)
class TradeBill:
    """A bill as read. `totals` is None where the end of the file is missing."""

    lines: Sequence[TradeLine]
    faults: Sequence[LineFault]
    totals: TradeTotals | None

    @property
    def agrees(self) -> bool:
        """Whether every line could be read and the totals are theirs."""
        if self.faults or self.totals is None:
            return False
        return self.totals == TradeTotals(
            len(self.lines),
            sum(line.settled_fen for line in self.lines),
            sum(line.refund_fen for line in self.lines),
            sum(line.order_fen for line in self.lines),
            sum(line.asked_refund_fen for line in self.lines),
        )


def hash_agrees(data: bytes, hash_type: str, hash_value: str) -> bool:
    """Whether these are the bytes that were announced. The bill itself is not signed; its announcement is."""
    made = _HASHES.get(hash_type.upper())
    return made is not None and made(data).hexdigest() == hash_value.strip().lower()


def unpacked(data: bytes) -> bytes:
    """A bill as it was announced, whether it came as gzip or plain. Raises ValueError for gzip that is none."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = unpacking.decompress(data, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"not gzip: {error}") from error
    if not unpacking.eof:
        raise ValueError("the end of the gzip is missing, or it holds more than a bill")
    return plain


def fen(yuan: str) -> int:
    """`0.01` → 1. Raises ValueError for parts of a fen and for what is no number."""
    cents = _yuan(yuan) * 100
    if cents != cents.to_integral_value():
        raise ValueError(f"{yuan} yuan has parts of a fen")
    return int(cents)


def read_trade_bill(data: bytes) -> TradeBill:
    """Read a bill. Raises ValueError only where there is no header line, so that nothing in it can be read."""
    rows = data.removeprefix(_BOM).replace(b"\r\n", b"\n").split(b"\n")
    names = _text(rows[0]).split(",")
    if missing := sorted(set(_COLUMNS) - set(names)):
        raise ValueError(f"not a trade bill: the columns {'、'.join(missing)} are missing")
    lines: list[TradeLine] = []
    faults: list[LineFault] = []
    totals, sums = None, None
    for line_no, row in enumerate(rows[1:], start=2):
        text = _text(row)
        if not text:
            continue
        if text.startswith("总"):
            sums = text.split(",")
            continue
        try:
            values = _values(row)
            if sums is None:
                lines.append(_line(line_no, text, _named(names, values)))
            else:
                totals = _totals(_named(sums, values))
        except (ValueError, KeyError) as error:
            faults.append(LineFault(line_no, text, str(error)))
    return TradeBill(lines, faults, totals)


def parted(data: bytes, bill: TradeBill, home: Callable[[str], str]) -> Mapping[str, bytes]:
    """A trade bill, parted into one for each `home` of its orders' numbers; as it came where there is but one.

    Lines stay as they are, byte for byte, under totals of their own. Raises ValueError where the bill's totals are not
    those of its lines: whose share is missing cannot be told.
    """
    homes = {line.line_no: home(line.order_no) for line in bill.lines}
    if len(set(homes.values())) <= 1:
        return dict.fromkeys(homes.values(), data)
    if not bill.agrees:
        raise ValueError("a bill of several pools whose totals are not those of its lines")
    rows = data.removeprefix(_BOM).replace(b"\r\n", b"\n").split(b"\n")
    names = _text(rows[0]).split(",")
    sums = next(_text(row).split(",") for row in rows if _text(row).startswith("总"))
    parts = {}
    for one in set(homes.values()):
        own = [rows[line_no - 1] for line_no, where in homes.items() if where == one]
        values = [_named(names, _values(row)) for row in own]
        totals = ",".join(f"`{_total(name, values)}" for name in sums)
        lines = [rows[0], *own, ",".join(sums).encode(), totals.encode()]
        parts[one] = _BOM + b"".join(line + b"\r\n" for line in lines)
    return parts


def _total(name: str, rows: Sequence[Mapping[str, str]]) -> str:
    return str(len(rows)) if name == _COUNT else str(sum((_yuan(row[_SUMS[name]]) for row in rows), Decimal(0)))


def _text(row: bytes) -> str:
    return row.decode(errors="replace")


def _values(row: bytes) -> list[str]:
    text = row.decode().replace("\0", "")  # UnicodeDecodeError is a ValueError
    if not text.startswith("`"):
        raise ValueError("a line begins with a back-tick")
    return text[1:].split(",`")


def _named(names: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    if len(values) != len(names):
        raise ValueError(f"a line has {len(names)} values, this one {len(values)}")
    return dict(zip(names, values, strict=True))


def _line(line_no: int, raw: str, row: Mapping[str, str]) -> TradeLine:
    kind = _KINDS.get(row["交易状态"])
    if kind is None:
        raise ValueError(f"交易状态 {row['交易状态']} is not known")
    refunded = kind is LineKind.REFUND
    return TradeLine(
        line_no=line_no,
        raw=raw,
        kind=kind,
        at=of_our_days(datetime.strptime(row["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)),
        appid=row["公众账号ID"],
        mchid=row["商户号"],
        transaction_id=row["微信订单号"],
        order_no=row["商户订单号"],
        trade_type=row["交易类型"],
        order_fen=fen(row["订单金额"]),
        settled_fen=fen(row["应结订单金额"]),
        refund_id=row.get("微信退款单号", "") if refunded else "",
        refund_no=row.get("商户退款单号", "") if refunded else "",
        refund_fen=fen(row.get("退款金额", "0")),
        asked_refund_fen=fen(row.get("申请退款金额", "0")),
        refund_status=row.get("退款状态", ""),
        attach=row["商户数据包"],
        fee_yuan=_yuan(row["手续费"]),
    )


def _totals(row: Mapping[str, str]) -> TradeTotals:
    if not COUNT.fullmatch(row[_COUNT]):
        raise ValueError(f"{row[_COUNT]!r} is not a count")
    return TradeTotals(
        int(row[_COUNT]),
        fen(row["应结订单总金额"]),
        fen(row.get("退款总金额", "0")),
        fen(row["订单总金额"]),
        fen(row.get("申请退款总金额", "0")),
    )


def _yuan(text: str) -> Decimal:
    if not _YUAN.fullmatch(text):
        raise ValueError(f"{text!r} is not an amount in yuan")
    return Decimal(text)


_YUAN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,8})?")
_KINDS = {"SUCCESS": LineKind.PAYMENT, "REFUND": LineKind.REFUND, "REVOKED": LineKind.REVOKED}
_COLUMNS = (
    *("交易时间", "公众账号ID", "商户号", "微信订单号", "商户订单号", "交易类型", "交易状态", "应结订单金额"),
    *("商户数据包", "手续费", "订单金额"),
)
