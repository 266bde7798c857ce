"""The merchant's counter at a simulated WeChat Pay: what is asked, checked, done and told."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field

from shared.clock import Clock

from .wechat_books import SHANGHAI, Books, Order, Refund
from .wechat_post import Post
from .wechat_wire import APPID, MCHID, KeyMode, Keys

_BILL_READY = time(9)
_MOST_REFUNDS = 50
_REFUND_DAYS = 365
PAYMENT_FAULTS = frozenset(
    {
        *("duplicate", "delay", "reorder", "lost", "late", "empty_about"),
        *("wrong_amount", "wrong_mchid", "wrong_appid", "unknown_order"),
    }
)


class Faults(BaseModel):
    """What goes wrong. Numbers count down: so many of the next calls."""

    system_error: int = 0  # 500 SYSTEM_ERROR, nothing was done
    timeout_after_accept: int = 0  # an order or a refund is taken, the answer never comes
    user_paying: int = 0  # closing is answered 202 USER_PAYING
    late_success_after_close: int = 0  # closing is answered 204, and the payer pays all the same
    key_mode: KeyMode = "mixed"
    reorder: bool = False
    duplicate: int = 0  # every notification comes so many times more
    delay_seconds: float = 0
    refund: Literal["SUCCESS", "PROCESSING", "ABNORMAL", "CLOSED", "NOT_ENOUGH"] = "SUCCESS"
    bill: Literal["", "creating", "wrong_hash"] = ""
    statement: list[str] = Field(default=[])


class Payment(BaseModel):
    """A payer pays an order."""

    out_trade_no: str
    at: datetime | None = None
    faults: list[str] = []


class Fate(BaseModel):
    """What is to become of the next refund of an order."""

    out_trade_no: str
    refund: Literal["SUCCESS", "PROCESSING", "ABNORMAL", "CLOSED"]


class RefundEnd(BaseModel):
    """What becomes of a refund."""

    out_refund_no: str
    status: Literal["SUCCESS", "ABNORMAL", "CLOSED"]


@dataclass
class Refusal(Exception):
    """An error as WeChat answers it."""

    status: int
    code: str
    message: str = ""


class Hall:
    """The merchant's counter at WeChat: what is asked, checked and done."""

    def __init__(self, books: Books, post: Post, keys: Keys, clock: Clock, answer_seconds: float) -> None:
        self.books, self.post, self.keys, self.clock = books, post, keys, clock
        self.faults = Faults()
        self.fates: dict[str, Fate] = {}  # by out_trade_no
        self.answer_seconds = answer_seconds
        self.tickets: dict[str, bytes] = {}

    def use_up(self, fault: str) -> bool:
        """Whether a fault that counts down strikes now."""
        left = getattr(self.faults, fault)
        setattr(self.faults, fault, max(left - 1, 0))
        return bool(left)

    def arrange(self, faults: Faults) -> None:
        """Decide what goes wrong from now on."""
        self.faults = faults
        self.post.key_mode, self.post.reorder = faults.key_mode, faults.reorder

    def place(self, body: dict[str, Any]) -> dict[str, str]:
        """Take an order; the same again is the same order. Raises Refusal."""
        number = str(body.get("out_trade_no", ""))
        known = self.books.orders.get(number)
        if known and known.body == body:
            if known.state != "NOTPAY":
                raise Refusal(400, "ORDERPAID" if known.transaction_id else "ORDER_CLOSED")
            return {"prepay_id": known.prepay_id}
        if known:
            raise Refusal(403, "OUT_TRADE_NO_USED")
        _require_order(body, self.clock.now())
        order = Order(number, f"wx{secrets.token_hex(17)}", body)
        self.books.keep(order)
        return {"prepay_id": order.prepay_id}

    def order(self, number: str) -> Order:
        """An order. Raises Refusal."""
        found = self.books.orders.get(number)
        if found is None:
            raise Refusal(404, "ORDER_NOT_EXIST")
        return found

    def close(self, number: str) -> None:
        """Close an order; once more does no harm. Raises Refusal."""
        order = self.order(number)
        if order.state in ("SUCCESS", "REFUND"):
            raise Refusal(400, "ORDERPAID")
        if self.use_up("user_paying"):
            raise Refusal(202, "USER_PAYING")
        order.state = "CLOSED"
        self.books.keep(order)
        if self.use_up("late_success_after_close"):
            self.pay(Payment(out_trade_no=number, faults=["late"]))

    def pay(self, payment: Payment) -> Order:
        """A payer pays; the merchant is notified. Raises Refusal."""
        order, now, faults = self.order(payment.out_trade_no), payment.at or self.clock.now(), set(payment.faults)
        if order.state != "NOTPAY" and not (order.state == "CLOSED" and "late" in faults):
            raise Refusal(409, order.state)
        if order.over(now) and "late" not in faults:
            raise Refusal(409, "EXPIRED")
        order.state = "SUCCESS"
        order.transaction_id = f"42{secrets.randbelow(10**8):08d}{now:%Y%m%d}{secrets.randbelow(10**10):010d}"
        order.success_time = now.astimezone(SHANGHAI).isoformat(timespec="seconds")
        self.books.keep(order)
        if "lost" not in faults:
            self.notify(order.body["notify_url"], "TRANSACTION.SUCCESS", _spoilt(order.shown(), faults), faults)
        return order

    def notify(self, url: str, event: str, resource: dict[str, Any], faults: set[str]) -> bytes:
        """Put a notification on its way."""
        copies = 1 + self.faults.duplicate + (2 if "duplicate" in faults else 0)
        delay = self.faults.delay_seconds + (15 if "delay" in faults else 0)
        delay += 30 if "reorder" in faults else 0  # so that those after it come before it
        about = "" if "empty_about" in faults else None
        return self.post.write(url, event, resource, at=self.clock.now(), copies=copies, delay=delay, about=about)

    def refund(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take a refund, which is not paid yet when the answer goes out; the same again is the same. Raises Refusal."""
        known = self.books.refunds.get(str(body.get("out_refund_no", "")))
        if known:
            if known.body != body:
                raise Refusal(400, "INVALID_REQUEST", "订单退款参数不一致")
            return known.shown()
        order, now = self._refundable(body), self.clock.now()
        refund = Refund(
            out_refund_no=body["out_refund_no"],
            refund_id=f"50{secrets.randbelow(10**26):026d}",
            out_trade_no=order.out_trade_no,
            transaction_id=order.transaction_id,
            body=body,
            create_time=now.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        )
        order.state = "REFUND"
        self.books.keep(order)
        self.books.keep(refund)
        shown = refund.shown()
        fate = self.fates.pop(order.out_trade_no, self.faults).refund
        if fate != "PROCESSING":
            self.end_refund(refund, fate)
        return shown

    def _refundable(self, body: dict[str, Any]) -> Order:
        """The order that a refund is of. Raises Refusal."""
        order = self.books.by_transaction(str(body.get("transaction_id", "")))
        if order is None:
            raise Refusal(404, "RESOURCE_NOT_EXISTS")
        if self.faults.refund == "NOT_ENOUGH":
            raise Refusal(403, "NOT_ENOUGH", "基本账户余额不足")
        earlier = self.books.refunds_of(order.transaction_id)
        amount = int(body["amount"]["refund"])
        if amount < 1 or int(body["amount"]["total"]) != order.total:
            raise Refusal(400, "PARAM_ERROR", "金额")
        if sum(each.amount for each in earlier) + amount > order.total or len(earlier) >= _MOST_REFUNDS:
            raise Refusal(400, "INVALID_REQUEST", "退款总额或次数超限")
        if datetime.fromisoformat(order.success_time) + timedelta(days=_REFUND_DAYS) < self.clock.now():
            raise Refusal(400, "INVALID_REQUEST", "订单已超过可退款的最大期限")
        return order

    def end_refund(self, refund: Refund, status: str) -> None:
        """A refund comes to its end, or stumbles; the merchant is notified."""
        refund.state = status
        if status == "SUCCESS":
            refund.success_time = self.clock.now().astimezone(SHANGHAI).isoformat(timespec="seconds")
        self.books.keep(refund)
        url = refund.body.get("notify_url")
        if url:
            self.notify(url, f"REFUND.{status}", {"mchid": MCHID, **refund.shown(told=True)}, set())

    def ticket(self, day: date, base: str) -> dict[str, str]:
        """Announce a day's bill. Raises Refusal."""
        if self.faults.bill == "creating" or self.clock.now() < datetime.combine(
            day + timedelta(days=1), _BILL_READY, SHANGHAI
        ):
            raise Refusal(400, "STATEMENT_CREATING", "账单正在生成")
        data = self.books.statement(day, self.faults.statement)
        if data is None:
            raise Refusal(400, "NO_STATEMENT_EXIST", "账单不存在")
        token = secrets.token_hex(16)
        self.tickets[token] = data
        announced = data + b"!" if self.faults.bill == "wrong_hash" else data
        return {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(announced, usedforsecurity=False).hexdigest(),
            "download_url": f"{base}/v3/billdownload/file?token={token}",
        }

    async def probe(self, kind: str) -> int:
        """Send a notification that the merchant must refuse; how it is answered. Raises Refusal without an order."""
        order = next(reversed(self.books.orders.values()), None)
        if order is None:
            raise Refusal(409, "ORDER_NOT_EXIST")
        url = order.body["notify_url"]
        body = self.post.write(url, "TRANSACTION.SUCCESS", order.shown(), at=self.clock.now())
        self.post.letters.pop()
        serial = self.keys.serial(self.faults.key_mode)
        old = datetime.now().timestamp() - 600 if kind == "old" else None  # noqa: DTZ005 -- wall time
        named = f"PUB_KEY_ID_{'9' * 30}" if kind == "serial" else ""
        headers = self.keys.headers(body, serial, at=old, probe=kind == "signtest", named=named)
        return await self.post.send(url, body + b" " if kind == "tampered" else body, headers)


def _require_order(body: dict[str, Any], now: datetime) -> None:
    """What WeChat looks at before it takes an order. Raises Refusal."""
    missing = [name for name in ("description", "out_trade_no", "notify_url", "amount", "payer") if not body.get(name)]
    if missing:
        raise Refusal(400, "PARAM_ERROR", f"缺少 {missing[0]}")
    if body.get("mchid") != MCHID or body.get("appid") != APPID:
        raise Refusal(400, "APPID_MCHID_NOT_MATCH")
    number, url = body["out_trade_no"], body["notify_url"]
    total = body["amount"].get("total")
    if not 6 <= len(number) <= 32 or len(body["description"]) > 127 or len(body.get("attach", "")) > 128:
        raise Refusal(400, "PARAM_ERROR", "长度")
    if not isinstance(total, int) or total < 1 or body["amount"].get("currency") != "CNY" or "?" in url:
        raise Refusal(400, "PARAM_ERROR", "amount 或 notify_url")
    if not body["payer"].get("openid"):
        raise Refusal(400, "PARAM_ERROR", "openid")
    if "time_expire" not in body or datetime.fromisoformat(body["time_expire"]) < now:
        raise Refusal(400, "PARAM_ERROR", "time_expire")


def _spoilt(resource: dict[str, Any], faults: set[str]) -> dict[str, Any]:
    """A transaction as a notification has it, wrong where that was asked for."""
    changes: dict[str, dict[str, Any]] = {
        "wrong_amount": {"amount": {**resource["amount"], "total": resource["amount"]["total"] - 100}},
        "wrong_mchid": {"mchid": "1900000000"},
        "wrong_appid": {"appid": "wx0000000000000000"},
        "unknown_order": {"out_trade_no": f"{resource['out_trade_no'][:6]}{secrets.token_hex(10)}"},
    }
    for fault in faults & set(changes):
        resource = resource | changes[fault]
    return resource
