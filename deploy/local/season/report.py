"""The report at the end of a season: tables in Chinese and English, and a bar chart of the months in text."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

_CODES = {
    "employee_insured": "已参加职工医保 insured as employee",
    "insured_elsewhere": "已在外地参保 insured elsewhere",
    "no_local_tie": "户籍居住均不在本地 no local tie",
    "already_enrolled": "重复登记 already enrolled",
    "not_eligible": "不符合参保条件 not eligible",
    "documents_missing": "材料不全 documents missing",
    "outside_window": "不在征缴期 outside window",
    "closed_day": "非缴费日 closed day",
}
_PAYERS = {
    "person": "个人 person",
    "medical_assistance_fund": "医疗救助基金 medical assistance fund",
    "original_channel": "原政策渠道 original channel",
    "county_finance": "县级财政 county finance",
    "district_finance": "区级财政 district finance",
    "city_finance": "市级财政 city finance",
}
_CHANNELS = {
    "wechat": "微信 wechat",
    "bank": "银行 bank",
    "etax": "电子税务局 etax",
    "counter": "办税厅 counter",
    "agent": "集中代收 agent",
}
_SHORT = {"wechat": "微信", "bank": "银行", "etax": "网上", "counter": "税厅", "agent": "代收"}
_FOUR_WAY = {"money": "钱 money", "heads": "人数 heads", "roster": "花名 roster", "receipts": "票据 receipts"}
_BAR = 11


def print_report(
    console: Console, figures: Mapping[str, Any], taken: Mapping[tuple[str, str], Counter[str]], notes: Iterable[str]
) -> None:
    """Print what came of the season. `taken`: month and channel → count and fen, as the parties were answered."""
    console.print()
    console.rule(f"{figures['scheme']} · {figures['residents']} 居民 residents · seed {figures['seed']}")
    _print_people(console, figures)
    _print_money(console, figures, taken)
    _print_books(console, figures)
    for note in notes:
        console.print(f"  · {note}", highlight=False)


def print_verdict(console: Console, reasons: list[str]) -> None:
    """Whether the books close."""
    if reasons:
        text = "\n".join(f"· {reason}" for reason in reasons)
        console.print(Panel(text, title="账目未平 the books do not close", border_style="red"), highlight=False)
    else:
        console.print(Panel("账目相平 the books close", border_style="green"))


def _print_people(console: Console, figures: Mapping[str, Any]) -> None:
    enrolment, assessed = figures["enrolment"], figures["assessed"]
    table = _table("参保登记 enrolment", "人数 persons")
    table.add_row("应登记 expected (on rosters)", _count(enrolment["expected"]))
    for code, count in sorted(enrolment["refused"].items()):
        table.add_row(f"  不予登记 refused: {_CODES.get(code, code)}", _count(count))
    table.add_row("  其中新生儿 newborns among the enrolled", _count(enrolment["newborns"]))
    table.add_row("已登记 enrolled (with newborns and latecomers)", _count(enrolment["enrolled"]), style="bold")
    console.print(table)
    table = _table("核定 assessed", "元 yuan", "占比 share")
    for payer, fen in sorted(assessed["by_payer_fen"].items(), key=lambda line: -line[1]):
        table.add_row(_PAYERS.get(payer, payer), _yuan(fen), f"{fen / max(1, assessed['standard_fen']):.1%}")
    table.add_row(f"合计 total of {_count(assessed['count'])}", _yuan(assessed["standard_fen"]), "", style="bold")
    console.print(table)


def _print_money(console: Console, figures: Mapping[str, Any], taken: Mapping[tuple[str, str], Counter[str]]) -> None:
    collected = figures["collected"]
    table = _table("到账 collected", "笔 count", "元 yuan")
    for channel, sums in collected["by_channel"].items():
        style = "" if sums["count"] else "dim"
        table.add_row(_CHANNELS[channel], _count(sums["count"]), _yuan(sums["amount_fen"]), style=style)
    table.add_row("合计 total", _count(collected["count"]), _yuan(collected["amount_fen"]), style="bold")
    console.print(table)
    months = sorted({month for month, _ in taken})
    sums = {month: sum(taken[key]["amount_fen"] for key in taken if key[0] == month) for month in months}
    table = _table("按月 by month", *_SHORT.values(), "元 yuan", "")  # within 80 columns
    for month in months:
        counts = [_count(taken[month, channel]["count"]) if (month, channel) in taken else "0" for channel in _SHORT]
        bar = "█" * max(1, round(_BAR * sums[month] / max(sums.values())))
        table.add_row(month, *counts, _yuan(sums[month]), bar)
    console.print(table)


def _print_books(console: Console, figures: Mapping[str, Any]) -> None:
    receipts, refunds, funds = figures["receipts"], figures["refunds"], figures["funds"]
    table = _table("票据与退费 receipts and refunds", "")
    for label, value in (
        ("票据开具 receipts issued, voided included", receipts["issued"]),
        ("  作废 voided", receipts["voided"]),
        ("  断号 gaps", receipts["gaps"]),
        ("  重号 duplicates", receipts["duplicates"]),
        ("退费申请 refunds requested", refunds["requested"]),
        ("  已退 paid back", refunds["paid"]),
        ("  不予退费 refused", refunds["refused"]),
    ):
        table.add_row(label, _count(value))
    table.add_row("  退费金额 paid back, yuan", _yuan(refunds["amount_fen"]))
    console.print(table)
    table = _table("基金 funds", "元 yuan")
    table.add_row("财政专户 special account", _yuan(funds["special_account_fen"]))
    table.add_row("应收资助 claims due from other payers", _yuan(funds["claims_due_fen"]))
    table.add_row("已收资助 claims received", _yuan(funds["claims_received_fen"]))
    table.add_row("分录合计 sum of the ledger", _yuan(funds["ledger_sum_fen"]))
    console.print(table)
    reconciled = figures["reconciliation"]
    table = _table("对账 reconciliation", "")
    for label, name in (
        ("对账单 statements", "statements"),
        ("  明细 lines", "lines"),
        ("  一致 matched", "matched"),
        ("差错 exceptions opened", "exceptions_opened"),
        ("  未结 open", "exceptions_open"),
    ):
        table.add_row(label, _count(reconciled[name]))
    console.print(table)
    agree = [f"{'✓' if funds['four_way'][name] else '✗'} {label}" for name, label in _FOUR_WAY.items()]
    console.print(f"四一致 four-way: {' · '.join(agree)}", highlight=False)
    invariants = figures["invariants"]
    text = f"不变式 invariants: {invariants['checked']} checked, {invariants['broken']} broken"
    console.print(f"{text} · 事件滞后 event lag: {figures['events']['lag']}", highlight=False)


def _table(title: str, *columns: str) -> Table:
    """A table whose first column is headed by its title; an unnamed column at the end is for bars."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(title, min_width=12 if len(columns) > 1 and not columns[-1] else 46)
    for column in columns:
        table.add_column(column, justify="right" if column or len(columns) == 1 else "left")
    return table


def _count(number: int) -> str:
    return f"{number:,}"


def _yuan(fen: int) -> str:
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02d}"
