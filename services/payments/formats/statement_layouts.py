"""The layout of each channel's day statement: which columns, which words, which reference. See `statements`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.codes import Channel

from ..rules.cards import pos_reference
from ..rules.reconciling import LineKind, LineStatus, Totals
from ..settings import POS_COLUMNS, CheckFile, PosFile
from . import wechat_bill
from .statements import (
    BOM,
    HEAD_BYTES,
    DelimitedReader,
    Layout,
    RawLine,
    StatementLine,
    StatementReader,
    StatementUnreadable,
    read_fen,
    read_instant,
    read_text,
    read_totals,
    whole_lines,
    yuan_to_fen,
)

Cells = Mapping[str, str]
Parsed = dict[str, object]

WECHAT_TRADE_BILL = "wechat_trade_bill"
POS_SETTLEMENT = "pos_settlement"
BANK_CHECK_FILE = "bank_check_file"
_FIRST_LINES = 20


def open_reader(
    channel: Channel, institution: str, head: bytes, pos: PosFile | None = None, bank: CheckFile | None = None
) -> tuple[str, StatementReader]:
    """The layout of a file, known by its first bytes, and a reader for it; `pos` and `bank` are how those print.

    Raises StatementUnreadable.
    """
    lines = [read_text(line.raw) for line in whole_lines(head[:HEAD_BYTES])[:_FIRST_LINES]]
    if channel is Channel.WECHAT:
        return WECHAT_TRADE_BILL, TradeBillReader.over(head)
    own = {POS_SETTLEMENT: pos and pos_layout(pos), BANK_CHECK_FILE: bank and bank_layout(bank)}
    layouts = [own.get(layout.name) or layout for layout in LAYOUTS[channel]]
    for layout in layouts:
        if fits(layout, lines):
            return layout.name, DelimitedReader(layout, institution)
    expected = "；".join(f"{layout.name}：{layout.delimiter.join(layout.columns)}" for layout in layouts)
    raise StatementUnreadable(f"无法识别的对账单，首行应为合计或表头（{expected}）")


def fits(layout: Layout, lines: list[str]) -> bool:
    """Whether a file that begins with these lines has this layout."""
    rows = []
    for text in lines:
        try:
            rows.append(layout.values(text) if text else [])
        except ValueError:
            rows.append([])
    if not rows or read_totals(rows[0]) is None:
        return False
    filled = [row for row in rows[1:] if row]
    return not layout.headed or (bool(filled) and set(layout.columns) <= set(filled[0]))


# --- wechat -----------------------------------------------------------------------------------------------------------

_TRADE_KINDS = {
    wechat_bill.LineKind.PAYMENT: LineKind.PAYMENT,
    wechat_bill.LineKind.REFUND: LineKind.REFUND,
    wechat_bill.LineKind.REVOKED: LineKind.REVERSAL,
}
_REFUND_STATUS = {
    "SUCCESS": LineStatus.SUCCESS,
    "PROCESSING": LineStatus.OPEN,
    "ABNORMAL": LineStatus.OPEN,
    "CHANGE": LineStatus.OPEN,
    "CLOSED": LineStatus.FAILED,
    "FAIL": LineStatus.FAILED,
}


@dataclass
class TradeBillReader:
    """Reads a trade bill through `wechat_bill`, one line at a time under the file's headings."""

    headings: bytes
    told: Totals | None = None
    _sums: bytes | None = None
    _count: int = 0
    _order_fen: int = 0
    _refund_fen: int = 0
    _first: bool = field(default=True)

    @classmethod
    def over(cls, head: bytes) -> "TradeBillReader":
        """A reader for a file that begins so. Raises StatementUnreadable."""
        headings = head.removeprefix(BOM).split(b"\n", 1)[0]
        try:
            wechat_bill.read_trade_bill(headings)
        except ValueError as error:
            raise StatementUnreadable(f"不是微信交易账单：{error}") from error
        return cls(headings)

    @property
    def found(self) -> Totals:
        """Count of all lines, sums of the orders' amounts and of the refunds."""
        return Totals(self._count, self._order_fen, self._refund_fen)

    def take(self, line: RawLine) -> StatementLine | None:
        """What a line says."""
        if self._first or not line.raw.strip():
            self._first = False
            return None
        if line.raw.startswith("总".encode()):
            self._sums = line.raw
            return None
        above = [self.headings] if self._sums is None else [self.headings, self._sums]
        bill = wechat_bill.read_trade_bill(b"\n".join([*above, line.raw]))
        if bill.totals:
            self.told = Totals(bill.totals.count, bill.totals.order_fen, bill.totals.refund_fen)
            return None
        self._count += 1
        if line.cut or not bill.lines:
            why = "行过长" if line.cut else "；".join(fault.why for fault in bill.faults)
            return StatementLine(line.number, line.raw, faults=(why,))
        return self._read(line, bill.lines[0])

    def _read(self, line: RawLine, trade: wechat_bill.TradeLine) -> StatementLine:
        kind = _TRADE_KINDS[trade.kind]
        self._order_fen += trade.order_fen
        self._refund_fen += trade.refund_fen
        refund = kind is LineKind.REFUND
        amount_fen = (trade.refund_fen or trade.asked_refund_fen) if refund else trade.order_fen
        status = _REFUND_STATUS.get(trade.refund_status, LineStatus.UNKNOWN) if refund else LineStatus.SUCCESS
        reference = trade.refund_no if refund else trade.transaction_id
        usable = amount_fen > 0 and bool(reference)
        return StatementLine(
            line.number,
            line.raw,
            kind=kind,
            status=status,
            reference=reference or None,
            order_no=trade.order_no or None,
            amount_fen=amount_fen if usable else None,
            paid_at=trade.at,
            faults=() if usable else ("缺少单号或金额为零",),
        )


# --- the others -------------------------------------------------------------------------------------------------------


def _required(cells: Cells, name: str) -> str:
    if not cells[name]:
        raise ValueError(f"缺少{name}")
    if len(cells[name]) > 100:
        raise ValueError(f"{name}过长")
    return cells[name]


def _word(words: Mapping[str, tuple[LineKind, LineStatus]], text: str) -> Parsed:
    """What a word of the channel means; one that nobody knows is a payment of unknown status."""
    kind, status = words.get(text.upper(), (LineKind.PAYMENT, LineStatus.UNKNOWN))
    faults = () if text.upper() in words else (f"交易类型“{text}”不明",)
    return {"kind": kind, "status": status, "faults": faults}


_PAID = (LineKind.PAYMENT, LineStatus.SUCCESS)
_BACK = (LineKind.REVERSAL, LineStatus.SUCCESS)


def bank_layout(file: CheckFile) -> Layout:
    """A bank's check file, as the bank prints it."""
    words = {**dict.fromkeys(file.payments, _PAID), **dict.fromkeys(file.reversals, _BACK)}
    amount = read_fen if file.unit == "fen" else yuan_to_fen

    def parse(cells: Cells, institution: str) -> Parsed:
        day = read_instant(_required(cells, "交易日期"))
        serial = _required(cells, "交易流水号")
        return _word(words, cells["交易类型"]) | {
            "reference": f"{institution}/{day:%Y%m%d}/{serial}",
            "order_no": cells["客户编号"] or None,
            "amount_fen": amount(cells["缴费金额"]),
            "paid_at": day,
        }

    return Layout(
        BANK_CHECK_FILE, file.delimiter, file.columns, parse, headed=False, net=True, whole_lines=True, amount=amount
    )


def _tax(cells: Cells, _institution: str) -> Parsed:
    return {
        "reference": _required(cells, "事件号"),
        "order_no": cells["应缴单号"] or None,
        "amount_fen": yuan_to_fen(cells["金额(元)"]),
        "paid_at": read_instant(cells["缴费时间"]),
        "payer_name": cells["缴费人"] or None,
    }


def pos_layout(file: PosFile) -> Layout:
    """The acquirer's day file: a row of it is the sale of its terminal, batch and trace, or names that as its original.

    An acquirer that prints no original column has its voids and refunds under the sale's own numbers.
    """
    told = {ours: file.headings.get(ours, ours) for ours in POS_COLUMNS}
    words = {
        **dict.fromkeys(file.sales, _PAID),
        **dict.fromkeys(file.voids, _BACK),
        **dict.fromkeys(file.refunds, (LineKind.REFUND, LineStatus.SUCCESS)),
    }

    def parse(cells: Cells, _institution: str) -> Parsed:
        batch_no = cells.get(told["原批次号"]) or _required(cells, told["批次号"])
        trace_no = cells.get(told["原凭证号"]) or _required(cells, told["凭证号"])
        return _word(words, cells[told["交易类型"]]) | {
            "reference": pos_reference(_required(cells, told["终端号"]), batch_no, trace_no),
            "amount_fen": yuan_to_fen(cells[told["金额(元)"]]),
            "paid_at": read_instant(cells[told["交易时间"]]),
        }

    columns = tuple(told[ours] for ours in POS_COLUMNS if not ours.startswith("原"))
    return Layout(POS_SETTLEMENT, file.delimiter, columns, parse, net=True)


def _shift(cells: Cells, _institution: str) -> Parsed:
    return {
        "reference": f"shift/{_required(cells, '班次号').lower()}",
        "order_no": _required(cells, "窗口"),
        "amount_fen": yuan_to_fen(cells["现金收入(元)"]),
        "paid_at": read_instant(cells["结班时间"]),
    }


def _receipts(cells: Cells, _institution: str) -> Parsed:
    return {
        "reference": _required(cells, "流水号"),
        "amount_fen": yuan_to_fen(cells["金额(元)"]),
        "paid_at": read_instant(cells["交易时间"]),
        "payer_name": cells["付款人"] or None,
    }


LAYOUTS: Mapping[Channel, tuple[Layout, ...]] = {
    Channel.BANK: (bank_layout(CheckFile()),),
    Channel.ETAX: (
        Layout("tax_day_list", ",", ("缴费时间", "应缴单号", "金额(元)", "缴费人", "事件号"), _tax, whole_lines=True),
    ),
    Channel.COUNTER: (
        pos_layout(PosFile()),
        Layout("shift_report", ",", ("班次号", "窗口", "结班时间", "现金收入(元)"), _shift),
    ),
    Channel.AGENT: (Layout("receipt_list", ",", ("流水号", "交易时间", "付款人", "金额(元)"), _receipts),),
}
"""The layouts of each channel but WeChat, whose bill has a reader of its own."""
