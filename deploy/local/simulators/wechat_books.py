"""What a simulated WeChat Pay knows: orders, refunds, withdrawals, and so the bills of a day (see wechat_bills)."""

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from .wechat_bills import (
    BILL_FAULTS,
    SHANGHAI,
    Flow,
    TradeType,
    empty_row,
    fund_flow_bill,
    local_day,
    paid_columns,
    trade_bill,
    yuan,
)

__all__ = ["BILL_FAULTS", "SHANGHAI", "Books", "Order", "Refund", "Withdrawal"]


@dataclass
class Order:
    """An order. `state`: NOTPAY · SUCCESS · CLOSED · REFUND. `product`: jsapi · h5 · native."""

    out_trade_no: str
    prepay_id: str
    body: dict[str, Any]
    state: str = "NOTPAY"
    transaction_id: str = ""
    success_time: str = ""
    product: str = "jsapi"

    @property
    def total(self) -> int:
        """Its amount in fen."""
        return int(self.body["amount"]["total"])

    @property
    def trade_type(self) -> str:
        """JSAPI · MWEB · NATIVE."""
        return _TRADE_TYPES[self.product]

    @property
    def payer(self) -> dict[str, str]:
        """Who pays; whom WeChat does not know beforehand pays as somebody."""
        known = self.body.get("payer")
        return dict(known) if known else {"openid": f"o{hashlib.sha256(self.out_trade_no.encode()).hexdigest()[:27]}"}

    def handed_out(self) -> dict[str, str]:
        """What the merchant gets for it."""
        return {
            "jsapi": {"prepay_id": self.prepay_id},
            "h5": {"h5_url": f"https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id={self.prepay_id}"},
            "native": {"code_url": f"weixin://wxpay/bizpayurl?pr={self.prepay_id[-9:]}"},
        }[self.product]

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
                "trade_type": self.trade_type,
                "bank_type": "OTHERS",
                "attach": self.body.get("attach", ""),
                "success_time": self.success_time,
                "payer": self.payer,
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
class Withdrawal:
    """Money that went from the merchant's balance to its bank account (提现)."""

    withdraw_no: str
    amount: int
    at: str


@dataclass
class Books:
    """All of it; kept in a file of one JSON object per line where a path is given, the last line counts."""

    path: Path | None = None
    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    withdrawals: dict[str, Withdrawal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path and self.path.exists() else ():
            said = json.loads(line)
            kind = Refund if "out_refund_no" in said else Withdrawal if "withdraw_no" in said else Order
            self._place(kind(**said))

    def keep(self, record: Order | Refund | Withdrawal) -> None:
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

    def statement(self, day: date, faults: Collection[str], kind: TradeType = "ALL") -> bytes | None:
        """The trade bill of a day; None where nothing happened."""
        rows = [row for _, row in sorted(self._rows(day), key=lambda each: each[0])]
        return trade_bill(rows, day, kind, faults)

    def fund_flow(self, day: date, faults: Collection[str]) -> bytes | None:
        """The fund-flow bill of a day; None where no money moved."""
        flows = sorted(self._flows(), key=lambda flow: (datetime.fromisoformat(flow.at), flow.flow_no))
        before = [flow for flow in flows if local_day(flow.at) < day]
        return fund_flow_bill(before, [flow for flow in flows if local_day(flow.at) == day], faults)

    def balance(self) -> int:
        """What the merchant has there, in fen."""
        return sum(flow.fen for flow in self._flows())

    def _place(self, record: Order | Refund | Withdrawal) -> None:
        if isinstance(record, Order):
            self.orders[record.out_trade_no] = record
        elif isinstance(record, Refund):
            self.refunds[record.out_refund_no] = record
        else:
            self.withdrawals[record.withdraw_no] = record

    def _flows(self) -> Iterator[Flow]:
        for order in self.orders.values():
            if order.success_time:
                number = order.transaction_id
                yield Flow(order.success_time, number, f"10{number}", "交易", order.total, order.out_trade_no)
        for refund in self.refunds.values():
            if refund.state != "CLOSED":
                number = refund.refund_id
                yield Flow(refund.create_time, number, f"11{number}", "退款", -refund.amount, refund.out_refund_no)
        for drawn in self.withdrawals.values():
            number = drawn.withdraw_no
            yield Flow(drawn.at, number, f"12{number}", "提现", -drawn.amount, number)

    def _rows(self, day: date) -> Iterator[tuple[str, dict[str, str]]]:
        for order in self.orders.values():
            if order.success_time and local_day(order.success_time) == day:
                yield order.success_time, _row(order, order.success_time, "SUCCESS") | paid_columns(order.total)
        for refund in self.refunds.values():
            if local_day(refund.create_time) == day:
                order = self.orders[refund.out_trade_no]
                row = _row(order, refund.create_time, "REFUND") | paid_columns(0)
                row |= {"微信退款单号": refund.refund_id, "商户退款单号": refund.out_refund_no, "退款类型": "ORIGINAL"}
                row |= {"退款申请时间": _local(refund.create_time), "退款状态": refund.state}
                row |= {"退款成功时间": _local(refund.success_time) if refund.success_time else ""}
                row |= {"退款金额": yuan(refund.amount), "申请退款金额": yuan(refund.amount)}
                yield refund.create_time, row


_STATES = {"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "CLOSED": "订单已关闭", "REFUND": "转入退款"}
_TRADE_TYPES = {"jsapi": "JSAPI", "h5": "MWEB", "native": "NATIVE"}


def _row(order: Order, at: str, state: str) -> dict[str, str]:
    return empty_row() | {
        "交易时间": _local(at),
        "公众账号ID": order.body["appid"],
        "商户号": order.body["mchid"],
        "特约商户号": "0",
        "微信订单号": order.transaction_id,
        "商户订单号": order.out_trade_no,
        "用户标识": order.payer["openid"],
        "交易类型": order.trade_type,
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


def _local(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
