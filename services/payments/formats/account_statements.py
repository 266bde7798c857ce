"""Statements of our own accounts (资金对账单): the bank's list of the special account, WeChat's fund-flow bill.

`account_statement`: CSV, UTF-8 or GB18030, a line of totals first (count and net sum), then headings 交易时间, 流水号,
收入(元), 支出(元), 对方户名, 摘要 in any order. A bank's own headings are a setting (`money_accounts`).
"""

from collections.abc import Mapping
from dataclasses import replace

from ..rules.reconciling import LineKind
from . import fund_flow
from .statement_layouts import Cells, Parsed, fits
from .statements import (
    HEAD_BYTES,
    DelimitedReader,
    Layout,
    StatementReader,
    StatementUnreadable,
    read_instant,
    read_text,
    whole_lines,
    yuan_to_fen,
)

_FIRST_LINES = 20


def open_account(institution: str, head: bytes, headings: Mapping[str, str]) -> tuple[str, StatementReader]:
    """The layout of an account's statement and a reader for it; `headings` are the bank's own, by ours.

    Raises StatementUnreadable.
    """
    lines = [read_text(line.raw) for line in whole_lines(head[:HEAD_BYTES])[:_FIRST_LINES]]
    if institution == fund_flow.INSTITUTION:
        if not lines or not fund_flow.is_fund_flow(lines[0]):
            raise StatementUnreadable("不是微信资金账单")
        return fund_flow.LAYOUT, fund_flow.FundFlowReader()
    layout = _renamed(ACCOUNT, headings)
    if fits(layout, lines):
        return layout.name, DelimitedReader(layout, institution)
    raise StatementUnreadable(f"无法识别的资金对账单，首行应为合计，其后为表头（{','.join(layout.columns)}）")


def _parse(cells: Cells, _institution: str) -> Parsed:
    come, gone = (yuan_to_fen(cells[name]) if cells[name] else 0 for name in ("收入(元)", "支出(元)"))
    if bool(come) == bool(gone):
        raise ValueError("收入与支出应有且只有一项")
    if not cells["流水号"] or not cells["交易时间"]:
        raise ValueError("缺少流水号或交易时间")
    return {
        "kind": LineKind.PAYMENT if come else LineKind.REFUND,
        "reference": cells["流水号"][:100],
        "order_no": cells["摘要"][:200] or None,
        "amount_fen": come or gone,
        "paid_at": read_instant(cells["交易时间"]),
        "payer_name": cells["对方户名"][:100] or None,
    }


def _renamed(layout: Layout, headings: Mapping[str, str]) -> Layout:
    ours = {headings.get(name, name): name for name in layout.columns}

    def parse(cells: Cells, institution: str) -> Parsed:
        return layout.parse({ours.get(name, name): value for name, value in cells.items()}, institution)

    return replace(layout, columns=tuple(ours), parse=parse)


ACCOUNT = Layout(
    "account_statement",
    ",",
    ("交易时间", "流水号", "收入(元)", "支出(元)", "对方户名", "摘要"),
    _parse,
    net=True,
)
