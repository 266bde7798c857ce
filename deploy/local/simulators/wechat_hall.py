"""The merchant's counter at a simulated WeChat Pay: what is asked, checked, done and told."""

import gzip
import hashlib
import secrets
import time as wall
from collections import deque
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from shared.clock import Clock

from .wechat_bills import SHANGHAI, TradeType
from .wechat_books import Books, Order, Refund, Withdrawal
from .wechat_faults import Drawing, Fate, Faults, Payment
from .wechat_post import Post
from .wechat_wire import APPIDS, MCHID, Flaw, Keys

_BILL_READY = time(9)
_BILL_DAYS = 92
_TICKET_SECONDS = 300
_MOST_REFUNDS = 50
_REFUND_DAYS = 365
_BETWEEN_REFUNDS_SECONDS = 60
_MOST_ERRING = 6
_DEVICES = frozenset({"iOS", "Android", "Wap"})


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
        self.tickets: dict[str, tuple[bytes, float]] = {}  # a bill's bytes, and until when they can be fetched
        self._erring: deque[float] = deque(maxlen=_MOST_ERRING)
        self._refunded: dict[str, float] = {}  # by transaction_id: when its last refund was taken

    def use_up(self, fault: str) -> bool:
        """Whether a fault that counts down strikes now."""
        left = getattr(self.faults, fault)
        setattr(self.faults, fault, max(left - 1, 0))
        return bool(left)

    def arrange(self, faults: Faults) -> None:
        """Decide what goes wrong from now on."""
        self.faults = faults
        self.post.key_mode, self.post.reorder = faults.key_mode, faults.reorder

    def place(self, product: str, body: dict[str, Any]) -> dict[str, str]:
        """Take an order; the same again is the same order. Raises Refusal."""
        number = str(body.get("out_trade_no", ""))
        known = self.books.orders.get(number)
        if known and (known.body, known.product) == (body, product):
            if known.state != "NOTPAY":
                raise Refusal(400, "ORDERPAID" if known.transaction_id else "ORDER_CLOSED")
            return known.handed_out()
        if known:
            raise Refusal(403, "OUT_TRADE_NO_USED")
        _require_order(product, body, self.clock.now())
        order = Order(number, f"wx{secrets.token_hex(17)}", body, product=product)
        self.books.keep(order)
        return order.handed_out()

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
        """Take a refund, which is not paid yet when the answer goes out; the same again is the same.

        Raises Refusal. After six refusals within a second nothing more is looked at in it.
        """
        now = wall.monotonic()
        if len(self._erring) == _MOST_ERRING and now - self._erring[0] < 1:
            raise Refusal(429, "FREQUENCY_LIMITED", "错误请求频率超限")
        try:
            return self._refund(body)
        except (Refusal, KeyError, TypeError, ValueError):
            self._erring.append(now)
            raise

    def _refund(self, body: dict[str, Any]) -> dict[str, Any]:
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
        self._refunded[order.transaction_id] = wall.monotonic()
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
        if order is None and "transaction_id" not in body:
            paid = self.books.orders.get(str(body.get("out_trade_no", "")))
            order = paid if paid and paid.transaction_id else None
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
        pause = _BETWEEN_REFUNDS_SECONDS * self.post.scale
        if wall.monotonic() - self._refunded.get(order.transaction_id, -pause) < pause:
            raise Refusal(429, "FREQUENCY_LIMITED", "同一订单退款间隔不足一分钟")
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

    def trade_bill(self, day: date, kind: TradeType, base: str, *, packed: bool) -> dict[str, str]:
        """Announce a day's trade bill. Raises Refusal."""
        self._require_day(day)
        return self._ticket(self.books.statement(day, self.faults.statement, kind), base, packed=packed)

    def fund_flow(self, day: date, account: str, base: str, *, packed: bool) -> dict[str, str]:
        """Announce a day's fund-flow bill; all money is in the basic account. Raises Refusal."""
        self._require_day(day)
        data = self.books.fund_flow(day, self.faults.statement) if account == "BASIC" else None
        return self._ticket(data, base, packed=packed)

    def download(self, token: str) -> bytes | None:
        """The bytes of an announced bill, while its address holds; None afterwards."""
        data, until = self.tickets.get(token, (b"", 0.0))
        if wall.monotonic() > until or self.use_up("bill_address_over"):
            self.tickets.pop(token, None)
            return None
        return data

    def _require_day(self, day: date) -> None:
        now = self.clock.now()
        ready = datetime.combine(day + timedelta(days=1), _BILL_READY, SHANGHAI)
        if day + timedelta(days=_BILL_DAYS) < now.astimezone(SHANGHAI).date():
            raise Refusal(400, "PARAM_ERROR", "仅支持三个月内的账单")
        if self.faults.bill == "creating" or now < ready:
            raise Refusal(400, "STATEMENT_CREATING", "账单正在生成")

    def _ticket(self, data: bytes | None, base: str, *, packed: bool) -> dict[str, str]:
        if data is None:
            raise Refusal(400, "NO_STATEMENT_EXIST", "账单不存在")
        token = secrets.token_hex(16)
        self.tickets[token] = (gzip.compress(data) if packed else data, wall.monotonic() + _TICKET_SECONDS)
        announced = data + b"!" if self.faults.bill == "wrong_hash" else data  # the hash is over what is packed
        return {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(announced, usedforsecurity=False).hexdigest(),
            "download_url": f"{base}/v3/billdownload/file?token={token}{'&tartype=gzip' if packed else ''}",
        }

    def draw(self, drawing: Drawing) -> Withdrawal:
        """Money goes to the merchant's bank account. Raises Refusal."""
        balance = self.books.balance()
        amount = balance if drawing.amount is None else drawing.amount
        if not 0 < amount <= balance:
            raise Refusal(403, "NOT_ENOUGH", f"余额 {balance} 分")
        at = (drawing.at or self.clock.now()).astimezone(SHANGHAI).isoformat(timespec="seconds")
        drawn = Withdrawal(f"60{secrets.randbelow(10**26):026d}", amount, at)
        self.books.keep(drawn)
        return drawn

    async def probe(self, kind: Flaw) -> int:
        """Send a notification that the merchant must refuse; how it is answered. Raises Refusal without an order."""
        order = next(reversed(self.books.orders.values()), None)
        if order is None:
            raise Refusal(409, "ORDER_NOT_EXIST")
        url = order.body["notify_url"]
        body = self.post.write(url, "TRANSACTION.SUCCESS", order.shown(), at=self.clock.now())
        self.post.letters.pop()
        serial = self.keys.serial(self.faults.key_mode)
        headers = self.keys.headers(body, serial, flaw=None if kind == "tampered" else kind)
        return await self.post.send(url, body + b" " if kind == "tampered" else body, headers)


def _require_order(product: str, body: dict[str, Any], now: datetime) -> None:
    """What WeChat looks at before it takes an order. Raises Refusal."""
    missing = [name for name in ("description", "out_trade_no", "notify_url", "amount") if not body.get(name)]
    if missing:
        raise Refusal(400, "PARAM_ERROR", f"缺少 {missing[0]}")
    if body.get("mchid") != MCHID or body.get("appid") not in APPIDS:
        raise Refusal(400, "APPID_MCHID_NOT_MATCH")
    number, url = body["out_trade_no"], body["notify_url"]
    total = body["amount"].get("total")
    if not 6 <= len(number) <= 32 or len(body["description"]) > 127 or len(body.get("attach", "")) > 128:
        raise Refusal(400, "PARAM_ERROR", "长度")
    if not isinstance(total, int) or total < 1 or body["amount"].get("currency") != "CNY" or "?" in url:
        raise Refusal(400, "PARAM_ERROR", "amount 或 notify_url")
    if product == "jsapi" and not body.get("payer", {}).get("openid"):
        raise Refusal(400, "PARAM_ERROR", "openid")
    if product == "jsapi" and body["payer"]["openid"] == "oOfAnotherApplication":
        raise Refusal(500, "OPENID_MISMATCH", "openid 与 appid 不匹配")
    scene = body.get("scene_info", {})
    if product == "h5" and not (scene.get("payer_client_ip") and scene.get("h5_info", {}).get("type") in _DEVICES):
        raise Refusal(400, "PARAM_ERROR", "scene_info")
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
