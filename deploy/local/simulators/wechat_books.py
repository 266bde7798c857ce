"""What a simulated WeChat Pay knows: orders, refunds, and the trade bill of a day.

The bill is UTF-8 with BOM and CRLF, values with back-ticks, amounts in yuan. Faults on demand: `unknown_line` (a
payment that nobody made), `wrong_amount` (a line one yuan too high; both are also in the totals), `cut_end` (the file
ends in the middle of its last line).
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

STATEMENT_FAULTS = frozenset({"unknown_line", "wrong_amount", "cut_end"})
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass
class Order:
    """An order. `state`: NOTPAY · SUCCESS · CLOSED · REFUND."""

    out_trade_no: str
    prepay_id: str
    body: dict[str, Any]
    state: str = "NOTPAY"
    transaction_id: str = ""
    success_time: str = ""

    @property
    def total(self) -> int:
        """Its amount in fen."""
        return int(self.body["amount"]["total"])

    def over(self, now: datetime) -> bool:
        """Whether its time has run out."""
        return datetime.fromisoformat(self.body["time_expire"]) < now

    def shown(self) -> dict[str, Any]:
        """As a query or a notification shows it."""
        shown: dict[str, Any] = {
            "appid": self.body["appid"],
            "mchid": self.body["mchid"],
            "out_trade_no": self.out_trade_no,
            "trade_state": self.state,
            "trade_state_desc": _STATES[self.state],
        }
        if self.transaction_id:
            shown |= {
                "transaction_id": self.transaction_id,
                "trade_type": "JSAPI",
                "bank_type": "OTHERS",
                "attach": self.body.get("attach", ""),
                "success_time": self.success_time,
                "payer": self.body["payer"],
                "amount": {"total": self.total, "payer_total": self.total, "currency": "CNY", "payer_currency": "CNY"},
            }
        return shown


@dataclass
class Refund:
    """A refund. `state`: PROCESSING · SUCCESS · ABNORMAL · CLOSED."""

    out_refund_no: str
    refund_id: str
    out_trade_no: str
    transaction_id: str
    body: dict[str, Any]
    create_time: str
    state: str = "PROCESSING"
    success_time: str = ""

    @property
    def amount(self) -> int:
        """Its amount in fen."""
        return int(self.body["amount"]["refund"])

    def shown(self, *, told: bool = False) -> dict[str, Any]:
        """As an answer shows it; a notification (`told`) names the state otherwise."""
        shown: dict[str, Any] = {
            "refund_id": self.refund_id,
            "out_refund_no": self.out_refund_no,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.out_trade_no,
            "refund_status" if told else "status": self.state,
            "user_received_account": "支付用户零钱",
            "amount": {
                "total": self.body["amount"]["total"],
                "refund": self.amount,
                "payer_total": self.body["amount"]["total"],
                "payer_refund": self.amount,
            },
        }
        if self.success_time:
            shown["success_time"] = self.success_time
        return shown


@dataclass
class Books:
    """Orders and refunds; kept in a file of one JSON object per line where a path is given, the last line counts."""

    path: Path | None = None
    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path and self.path.exists() else ():
            said = json.loads(line)
            self._place(Refund(**said) if "out_refund_no" in said else Order(**said))

    def keep(self, record: Order | Refund) -> None:
        """Put a record in, or write its change down."""
        self._place(record)
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")

    def refunds_of(self, transaction_id: str) -> list[Refund]:
        """The refunds of an order that are not closed."""
        return [
            each for each in self.refunds.values() if each.transaction_id == transaction_id and each.state != "CLOSED"
        ]

    def by_transaction(self, transaction_id: str) -> Order | None:
        """The order that was paid under a number."""
        return next((order for order in self.orders.values() if order.transaction_id == transaction_id), None)

    def statement(self, day: date, faults: Collection[str]) -> bytes | None:
        """The trade bill of a day (`ALL`); None where nothing happened."""
        rows = [row for _, row in sorted(self._rows(day), key=lambda each: each[0])]
        if not rows:
            return None
        if "unknown_line" in faults:
            row = dict(rows[0]) | _paid_columns(32000)
            row |= {"微信订单号": f"42999{day:%Y%m%d}9999999999999", "商户订单号": f"{row['商户订单号'][:6]}{'0' * 20}"}
            rows.append(row)
        first_paid = next((row for row in rows if row["交易状态"] == "SUCCESS"), None)
        if "wrong_amount" in faults and first_paid:
            first_paid |= _paid_columns(_fen(first_paid["订单金额"]) + 100)
        totals = [str(len(rows))]
        totals += [_yuan(sum(_fen(row[name]) for row in rows)) for name in ("应结订单金额", "退款金额")]
        totals += ["0.00", "0.00000"]
        totals += [_yuan(sum(_fen(row[name]) for row in rows)) for name in ("订单金额", "申请退款金额")]
        lines = [",".join(_COLUMNS), *(_marked([row[name] for name in _COLUMNS]) for row in rows)]
        last = len(lines[-1])
        lines += [",".join(_TOTALS), _marked(totals)]
        whole = "".join(f"{line}\r\n" for line in lines)
        cut = "\r\n".join(lines[:-2])[: -last // 2]
        return b"\xef\xbb\xbf" + (cut if "cut_end" in faults else whole).encode()

    def _place(self, record: Order | Refund) -> None:
        if isinstance(record, Order):
            self.orders[record.out_trade_no] = record
        else:
            self.refunds[record.out_refund_no] = record

    def _rows(self, day: date) -> Iterator[tuple[str, dict[str, str]]]:
        for order in self.orders.values():
            if order.success_time and _day(order.success_time) == day:
                yield order.success_time, _row(order, order.success_time, "SUCCESS") | _paid_columns(order.total)
        for refund in self.refunds.values():
            if _day(refund.create_time) == day:
                order = self.orders[refund.out_trade_no]
                row = _row(order, refund.create_time, "REFUND") | _paid_columns(0)
                row |= {"微信退款单号": refund.refund_id, "商户退款单号": refund.out_refund_no, "退款类型": "ORIGINAL"}
                row |= {
                    "退款状态": refund.state,
                    "退款金额": _yuan(refund.amount),
                    "申请退款金额": _yuan(refund.amount),
                }
                yield refund.create_time, row


_STATES = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "CLOSED": "订单已关闭", "REFUND": "转入退款"}
_COLUMNS = """
交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,
应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,
手续费,费率,订单金额,申请退款金额,费率备注
""".replace("\n", "").split(",")
_TOTALS = """
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额
""".strip().split(",")


def _row(order: Order, at: str, state: str) -> dict[str, str]:
    local = datetime.fromisoformat(at).astimezone(SHANGHAI)
    return dict.fromkeys(_COLUMNS, "") | {
        "交易时间": f"{local:%Y-%m-%d %H:%M:%S}",
        "公众账号ID": order.body["appid"],
        "商户号": order.body["mchid"],
        "特约商户号": "0",
        "微信订单号": order.transaction_id,
        "商户订单号": order.out_trade_no,
        "用户标识": order.body["payer"]["openid"],
        "交易类型": "JSAPI",
        "交易状态": state,
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "代金券金额": "0.00",
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款金额": "0.00",
        "充值券退款金额": "0.00",
        "商品名称": order.body["description"],
        "商户数据包": order.body.get("attach", ""),
        "手续费": "0.00000",
        "费率": "0.00%",
        "申请退款金额": "0.00",
    }


def _paid_columns(amount_fen: int) -> dict[str, str]:
    return {"应结订单金额": _yuan(amount_fen), "订单金额": _yuan(amount_fen)}


def _marked(values: list[str]) -> str:
    return ",".join(f"`{value}" for value in values)


def _day(instant: str) -> date:
    return datetime.fromisoformat(instant).astimezone(SHANGHAI).date()


def _yuan(amount_fen: int) -> str:
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def _fen(yuan: str) -> int:
    return int(yuan.replace(".", ""))
