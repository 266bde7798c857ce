"""The files of a simulated WeChat Pay: the trade bill and the fund-flow bill of a day, and what can be wrong with them.

UTF-8 with BOM and CRLF, values with back-ticks, amounts in yuan. Defects on demand, each in `BILL_FAULTS`:

    unknown_line   a payment that nobody made          wrong_amount   a line one yuan too high; both also in the totals
    odd_names      commas and quotes in the goods      duplicate_line the first line stands there twice
    bad_line       the first line has lost its end     wrong_totals   the sum is one yuan too high
    cut_end        ends in the middle of the last line no_bom, lf     without BOM; lines ended by LF alone
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
TradeType = Literal["ALL", "SUCCESS", "REFUND"]

BILL_FAULTS = frozenset(
    {
        *("unknown_line", "wrong_amount", "odd_names", "duplicate_line", "bad_line"),
        *("wrong_totals", "cut_end", "no_bom", "lf"),
    }
)
_BOM = b"\xef\xbb\xbf"
_ODD_NAME = '医保费,"2022",居民`'


@dataclass(frozen=True)
class Flow:
    """One movement of money in the merchant's account; `fen` is below zero where it goes out."""

    at: str
    business_no: str
    flow_no: str
    name: str
    fen: int
    voucher: str


def trade_bill(rows: Sequence[dict[str, str]], day: date, kind: TradeType, faults: Collection[str]) -> bytes | None:
    """The trade bill over rows by column, in the order of their instants; None where there are none."""
    rows = [dict(row) for row in rows if kind in ("ALL", row["交易状态"])]
    if not rows:
        return None
    if "unknown_line" in faults:
        row = dict(rows[0]) | paid_columns(32000)
        row |= {"微信订单号": f"42999{day:%Y%m%d}9999999999999", "商户订单号": f"{row['商户订单号'][:6]}{'0' * 20}"}
        rows.append(row)
    first_paid = next((row for row in rows if row["交易状态"] == "SUCCESS"), None)
    if "wrong_amount" in faults and first_paid:
        first_paid |= paid_columns(fen(first_paid["订单金额"]) + 100)
    if "duplicate_line" in faults:
        rows.insert(1, dict(rows[0]))
    if "odd_names" in faults:
        for row in rows:
            row["商品名称"] = _ODD_NAME
    totals = {
        "总交易单数": str(len(rows)),
        "应结订单总金额": _sum(rows, "应结订单金额", faults),
        "退款总金额": _sum(rows, "退款金额", ()),
        "充值券退款总金额": "0.00",
        "手续费总金额": "0.00000",
        "订单总金额": _sum(rows, "订单金额", faults),
        "申请退款总金额": _sum(rows, "申请退款金额", ()),
    }
    return _printed(_TRADE_COLUMNS[kind], rows, _TRADE_TOTALS[kind], totals, faults)


def fund_flow_bill(before: Sequence[Flow], flows: Sequence[Flow], faults: Collection[str]) -> bytes | None:
    """The fund-flow bill over a day's movements, after what happened before them; None where nothing moved."""
    if not flows:
        return None
    balance, rows = sum(flow.fen for flow in before), []
    for flow in flows:
        balance += flow.fen
        local = datetime.fromisoformat(flow.at).astimezone(SHANGHAI)
        values = [f"{local:%Y-%m-%d %H:%M:%S}", flow.business_no, flow.flow_no, flow.name, flow.name]
        values += ["收入" if flow.fen > 0 else "支出", yuan(abs(flow.fen)), yuan(balance), "system", "", flow.voucher]
        rows.append(dict(zip(_FLOW_COLUMNS, values, strict=True)))
    come, gone = [flow.fen for flow in flows if flow.fen > 0], [-flow.fen for flow in flows if flow.fen < 0]
    wrong = 100 if "wrong_totals" in faults else 0
    values = [f"{len(flows)}.0", f"{len(come)}.0", yuan(sum(come) + wrong), f"{len(gone)}.0", yuan(sum(gone))]
    return _printed(_FLOW_COLUMNS, rows, _FLOW_TOTALS, dict(zip(_FLOW_TOTALS, values, strict=True)), faults)


def paid_columns(amount_fen: int) -> dict[str, str]:
    """The columns that hold an order's amount."""
    return {"应结订单金额": yuan(amount_fen), "订单金额": yuan(amount_fen)}


def empty_row() -> dict[str, str]:
    """A trade row with nothing in it."""
    return dict.fromkeys(_TRADE_COLUMNS["REFUND"], "")


def local_day(instant: str) -> date:
    """The day of an instant there."""
    return datetime.fromisoformat(instant).astimezone(SHANGHAI).date()


def yuan(amount_fen: int) -> str:
    """`32000` → `320.00`; a balance may be below zero."""
    return f"{'-' if amount_fen < 0 else ''}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def fen(amount: str) -> int:
    """`320.00` → `32000`."""
    return int(amount.replace(".", ""))


def _sum(rows: Sequence[dict[str, str]], name: str, faults: Collection[str]) -> str:
    return yuan(sum(fen(row[name]) for row in rows) + (100 if "wrong_totals" in faults else 0))


def _printed(
    columns: Sequence[str],
    rows: Sequence[dict[str, str]],
    sums: Sequence[str],
    totals: dict[str, str],
    faults: Collection[str],
) -> bytes:
    lines = [",".join(columns), *(_marked([row[name] for name in columns]) for row in rows)]
    if "bad_line" in faults:
        lines[1] = lines[1][: len(lines[1]) // 2]
    end = "\n" if "lf" in faults else "\r\n"
    if "cut_end" in faults:
        text = end.join(lines)[: -len(lines[-1]) // 2]
    else:
        text = "".join(f"{line}{end}" for line in _whole(lines, sums, totals))
    return (b"" if "no_bom" in faults else _BOM) + text.encode()


def _whole(lines: Sequence[str], sums: Sequence[str], totals: dict[str, str]) -> Iterator[str]:
    yield from lines
    yield ",".join(sums)
    yield _marked([totals[name] for name in sums])


def _marked(values: Sequence[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def _names(text: str) -> list[str]:
    return text.replace("\n", "").split(",")


_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,"
)
_REFUND = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,"
_GOODS = "商品名称,商户数据包,手续费,费率,订单金额,"
_TRADE_COLUMNS: dict[TradeType, list[str]] = {
    "ALL": _names(f"{_HEAD}{_REFUND}{_GOODS}申请退款金额,费率备注"),
    "SUCCESS": _names(f"{_HEAD}{_GOODS}费率备注"),
    "REFUND": _names(f"{_HEAD}退款申请时间,退款成功时间,{_REFUND}{_GOODS}申请退款金额,费率备注"),
}
_ALL_TOTALS = _names("总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额")
_TRADE_TOTALS: dict[TradeType, list[str]] = {
    "ALL": _ALL_TOTALS,
    "SUCCESS": _names("总交易单数,应结订单总金额,手续费总金额,订单总金额"),
    "REFUND": _ALL_TOTALS,
}
_FLOW_COLUMNS = _names(
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
_FLOW_TOTALS = _names("资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额")
