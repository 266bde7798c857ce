"""What a simulated UnionPay knows: purchases and money given back, and the file of a day.

The file is a zip of ZM (trades) and ZME (adjustments): fields of fixed width in bytes with one between them, GBK, fen.
Every trade has the merchant's short name in it, whose width in bytes is odd. Faults on demand: `wrong_totals` (what is
settled is not what was traded), `unknown_line` (a payment that nobody made), `adjustment`, `cut_line`, `cut_end` (half
of the zip), `no_trades` (a zip without ZM).
"""

import base64
import io
import json
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
STATEMENT_FAULTS = frozenset({"wrong_totals", "unknown_line", "adjustment", "cut_line", "cut_end", "no_trades"})
CUT_OVER_HOUR = 23
CARD = "6299990123456780034"
"""The card of every payer: invented, with a right check digit; UnionPay may send it whole."""
_SHORT_NAME = "晋城医保A"  # nine bytes in GBK
_TRADES = (
    *(3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2),
    *(6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 98),
)
_ADJUSTMENTS = (3, 11, 11, 6, 10, 19, 12, 4, 2, 2, 6, 10, 4, 12, 13, 13, 15, 15, 1, 12, 2, 135)


@dataclass
class Trade:
    """A transaction. `txn_type` 01 purchase, 31 undone, 04 refunded; `code` its response code, empty: not paid yet."""

    order_no: str
    txn_time: str
    txn_type: str
    fields: dict[str, str]
    code: str = ""
    query_id: str = ""
    trace_no: str = ""
    at: str = ""
    settled_on: str = ""
    original: str = ""

    @property
    def amount(self) -> int:
        """Its amount in fen."""
        return int(self.fields["txnAmt"])

    def result(self) -> dict[str, str]:
        """What a query or a notification says of it, when it has happened."""
        if not self.at:
            return {"txnAmt": str(self.amount), "currencyCode": "156"}
        at, day = datetime.fromisoformat(self.at), date.fromisoformat(self.settled_on)
        return {
            "txnAmt": str(self.amount),
            "settleAmt": str(self.amount),
            "currencyCode": "156",
            "settleCurrencyCode": "156",
            "queryId": self.query_id,
            "traceNo": self.trace_no,
            "traceTime": f"{at:%m%d%H%M%S}",
            "settleDate": f"{day:%m%d}",
            "accNo": CARD,
            **({"origQryId": self.original} if self.original else {}),
        }


def accounting_day(at: datetime) -> date:
    """UnionPay's day: from 23:00 on the next one."""
    return (at.astimezone(SHANGHAI) + timedelta(hours=24 - CUT_OVER_HOUR)).date()


@dataclass
class Books:
    """Trades; kept in a file of one JSON object per line where a path is given, the last line counts."""

    path: Path | None = None
    trades: dict[tuple[str, str], Trade] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path and self.path.exists() else ():
            trade = Trade(**json.loads(line))
            self.trades[trade.order_no, trade.txn_time] = trade

    def keep(self, trade: Trade) -> None:
        """Put a trade in, or write its change down."""
        self.trades[trade.order_no, trade.txn_time] = trade
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(trade), ensure_ascii=False) + "\n")

    def happen(self, trade: Trade, at: datetime, code: str = "00") -> None:
        """A trade is carried out: it gets its numbers and its day."""
        local = at.astimezone(SHANGHAI)
        trade.code, trade.at = code, local.isoformat(timespec="seconds")
        trade.trace_no = f"{sum(bool(each.at) for each in self.trades.values()) % 1_000_000:06d}"
        trade.query_id = f"{local:%Y%m%d%H%M%S}{trade.trace_no}8"
        trade.settled_on = accounting_day(local).isoformat()
        self.keep(trade)

    def by_query_id(self, query_id: str) -> Trade | None:
        """The purchase under a number."""
        return next((each for each in self.trades.values() if query_id and each.query_id == query_id), None)

    def given_back(self, query_id: str) -> int:
        """What of a purchase has gone back, in fen."""
        return sum(
            each.amount for each in self.trades.values() if each.original == query_id and each.code in ("00", "05")
        )

    def day_file(self, day: date, merchant: str, faults: Collection[str]) -> bytes | None:
        """The zip of an accounting day; None where nothing happened."""
        done = [each for each in self.trades.values() if each.code == "00" and each.settled_on == day.isoformat()]
        if not done:
            return None
        rows = [_trade_line(each, merchant) for each in sorted(done, key=lambda each: each.at)]
        if "wrong_totals" in faults:
            rows[0] = _trade_line(done[0], merchant, settled=done[0].amount - 100)
        if "unknown_line" in faults:
            strange = Trade("140522ZZZZZZZZZZZZZZZZZZZZZZZZZZ", done[0].txn_time, "01", {"txnAmt": "32000"})
            strange.at, strange.query_id, strange.trace_no = done[0].at, f"{day:%Y%m%d}9999999999999", "999999"
            rows.append(_trade_line(strange, merchant))
        if "cut_line" in faults:
            rows[-1] = rows[-1][:200]
        stamp, packed = f"INN{day:%y%m%d}88", io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
            if "no_trades" not in faults:
                file.writestr(_member(f"{stamp}ZM_{merchant}", day), b"".join(row + b"\r\n" for row in rows))
            adjusted = [_adjustment_line(done[0], merchant)] if "adjustment" in faults else []
            file.writestr(_member(f"{stamp}ZME_{merchant}", day), b"".join(row + b"\r\n" for row in adjusted))
        data = packed.getvalue()
        return data[: len(data) // 2] if "cut_end" in faults else data


def file_content(data: bytes) -> str:
    """A file as an answer carries it."""
    return base64.b64encode(zlib.compress(data)).decode()


def _member(name: str, day: date) -> zipfile.ZipInfo:
    """A file in the zip, dated by its day: printed again it has the same bytes."""
    made = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
    made.compress_type = zipfile.ZIP_DEFLATED
    return made


def _trade_line(trade: Trade, merchant: str, settled: int | None = None) -> bytes:
    at = datetime.fromisoformat(trade.at)
    sign = "C" if trade.txn_type == "01" else "D"
    filled = {
        0: {"01": "S22", "31": "S32", "04": "S30"}[trade.txn_type],
        3: trade.trace_no,
        4: f"{at:%m%d%H%M%S}",
        5: CARD,
        6: f"{trade.amount:012d}",
        9: trade.query_id,
        11: trade.order_no,
        15: "D000000000000",
        16: f"{sign}{trade.amount:012d}",
        19: trade.txn_type,
        21: "000000",
        26: trade.original,
        27: merchant,
        30: _SHORT_NAME,
        32: f"{sign}{trade.amount if settled is None else settled:012d}",
    }
    return _line(_TRADES, filled)


def _adjustment_line(trade: Trade, merchant: str) -> bytes:
    at = datetime.fromisoformat(trade.at)
    filled = {0: "E22", 3: trade.trace_no, 4: f"{at:%m%d%H%M%S}", 6: f"{trade.amount:012d}", 16: merchant}
    return _line(_ADJUSTMENTS, filled)


def _line(widths: Collection[int], filled: dict[int, str]) -> bytes:
    return b" ".join(filled.get(column, "").encode("gbk").ljust(width)[:width] for column, width in enumerate(widths))
