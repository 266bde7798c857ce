"""The fund-flow bill of WeChat Pay (资金账单): what moved in the merchant's account on a day.

Its bytes are those of the trade bill (BOM, CRLF, back-ticks). A line has 记账时间, 微信支付业务单号, 资金流水单号,
业务名称, 业务类型, 收支类型, 收支金额(元), 账户结余(元), 资金变更提交申请人, 备注, 业务凭证号; the last one counts the
lines, what came and what went. The reference is that of the trade bill: a payment's 微信支付业务单号, a refund's
业务凭证号.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ..rules.reconciling import LineKind, Totals
from .statements import (
    COUNT,
    RawLine,
    StatementLine,
    StatementUnreadable,
    decode,
    read_instant,
    yuan_to_fen,
)

LAYOUT = "wechat_fund_flow"
INSTITUTION = "wechat"
"""The account at WeChat, as the institution of its statements."""

_COLUMNS = ("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "收支类型", "收支金额(元)", "业务凭证号")


class Flow(StrEnum):
    """What a line is about."""

    TRADE = "trade"
    REFUND = "refund"
    FEE = "fee"
    WITHDRAWAL = "withdrawal"
    OTHER = "other"


def flow_of(name: str) -> Flow:
    """What a 业务名称 means."""
    for part, flow in _NAMES.items():
        if part in name:
            return flow
    return Flow.OTHER


_NAMES: Mapping[str, Flow] = {
    "手续费": Flow.FEE,
    "提现": Flow.WITHDRAWAL,
    "退款": Flow.REFUND,
    "交易": Flow.TRADE,
}


def is_fund_flow(first_line: str) -> bool:
    """Whether a file begins as a fund-flow bill does."""
    return set(_COLUMNS) <= set(_cells(first_line))


@dataclass
class FundFlowReader:
    """Reads a fund-flow bill line by line."""

    told: Totals | None = None
    _headings: list[str] = field(default_factory=list)
    _sums: bool = False
    _count: int = 0
    _in_fen: int = 0
    _out_fen: int = 0

    @property
    def found(self) -> Totals:
        """Count of all lines, what came and what went."""
        return Totals(self._count, self._in_fen, self._out_fen)

    def take(self, line: RawLine) -> StatementLine | None:
        """What a line says."""
        try:
            text = decode(line)
        except ValueError as error:
            return self._counted(StatementLine(line.number, line.raw, faults=(str(error),)))
        if not text:
            return None
        if not self._headings:
            if not is_fund_flow(text):
                raise StatementUnreadable(f"不是微信资金账单，缺少列：{'、'.join(_COLUMNS)}")
            self._headings = _cells(text)
            return None
        if text.startswith("资金流水总笔数"):
            self._sums = True
            return None
        if self._sums:
            self.told = _totals(_cells(text)) if line.ended else None  # WeChat ends every line
            return None
        return self._counted(self._read(line, _cells(text)))

    def _read(self, line: RawLine, cells: list[str]) -> StatementLine:
        if len(cells) != len(self._headings):
            fault = f"应有 {len(self._headings)} 列，实有 {len(cells)} 列"
            return StatementLine(line.number, line.raw, faults=(fault,))
        row = dict(zip(self._headings, cells, strict=True))
        try:
            refund = flow_of(row["业务名称"]) is Flow.REFUND
            return StatementLine(
                line.number,
                line.raw,
                kind={"收入": LineKind.PAYMENT, "支出": LineKind.REFUND}[row["收支类型"]],
                reference=(row["业务凭证号"] if refund else row["微信支付业务单号"]) or None,
                order_no=row["资金流水单号"] or None,
                amount_fen=yuan_to_fen(row["收支金额(元)"]),
                paid_at=read_instant(row["记账时间"]),
                payer_name=row["业务名称"][:100],
            )
        except (ValueError, KeyError, OverflowError) as error:
            return StatementLine(line.number, line.raw, faults=(f"无法读取：{error}",))

    def _counted(self, line: StatementLine) -> StatementLine:
        self._count += 1
        if line.kind is LineKind.PAYMENT:
            self._in_fen += line.amount_fen or 0
        else:
            self._out_fen += line.amount_fen or 0
        return line


def _cells(text: str) -> list[str]:
    """A line's values: with back-ticks they are parted by ``,` ``, without by commas."""
    return text[1:].split(",`") if text.startswith("`") else text.split(",")


def _totals(cells: list[str]) -> Totals | None:
    try:
        count, _, come, _, gone = cells
        whole = count.partition(".")[0]  # WeChat prints 20.0
        return Totals(int(whole), yuan_to_fen(come), yuan_to_fen(gone)) if COUNT.fullmatch(whole) else None
    except ValueError:
        return None
