"""WeChat Pay as a cashier: orders are placed, asked about and closed there."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from shared.codes import Channel
from shared.database import Row

from ..clients import Done, Outcome, Refused, WechatClient
from ..formats.wechat import MONEY_CAME, order_request
from ..rules import orders as rules
from ..schemas import order_problems as problems
from ..schemas import orders as wire
from ..schemas.wechat import WechatAmount, WechatTransaction
from .cashier import Came, Said
from .wechat import came_by

_log = structlog.get_logger()


class WechatCashier:
    """The port `Cashier` to one merchant at WeChat Pay."""

    channel: str = Channel.WECHAT
    closes = True

    def __init__(self, client: WechatClient) -> None:
        self._client = client
        self.patience = client.patience

    def require(self, order: wire.OrderPlacement) -> None:
        """Whether the order can be taken here. Raises Problem APPID_NOT_OURS."""
        if order.appid and order.appid not in self._client.appids:
            raise problems.APPID_NOT_OURS(appid=order.appid)

    def minutes(self, product: rules.Product) -> int:
        """How long an order can be paid."""
        return rules.payable_minutes(product, self._client.settings.order_minutes)

    def request(
        self,
        order: wire.OrderPlacement,
        order_no: str,
        bill: Row,
        now: datetime,  # noqa: ARG002 -- WeChat has its own clock
        expires_at: datetime,
    ) -> dict[str, Any]:
        """The body of the order."""
        return order_request(
            appid=order.appid or self._client.settings.appid,
            mchid=self._client.mchid,
            description=self._client.settings.description,
            out_trade_no=order_no,
            time_expire=expires_at.isoformat(timespec="seconds"),
            attach=f"bill={order.bill_no}",
            notify_url=self._client.notify_url,
            amount_fen=bill["amount_fen"],
            openid=order.openid,
            client_ip=str(order.client_ip) if order.client_ip else None,
            device=order.device,
        )

    async def place(self, row: Row) -> Outcome[str]:
        """Place the order, once."""
        return await self._client.create_order(rules.Product(row["product"]), row["request"])

    def stands_there(self, code: str) -> bool:
        """Whether a refusal says that an order of this number stands there already."""
        return code in ("ORDERPAID", "OUTTRADENOUSED")

    def shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """How an open order shows the payer the way to the cashier."""
        name, make = _SHOWN[rules.Product(row["product"])]
        return {name: make(self._client, row)}

    async def query(self, row: Row) -> Said | None:
        """What WeChat knows of an order; None where that cannot be told just now."""
        outcome = await self._client.query_order(row["order_no"])
        if isinstance(outcome, Done):
            found = outcome.value
            if found.trade_state in MONEY_CAME:
                return Said(rules.Word.PAID, came_by(row["pool"], row, found))
            word = _STATES.get(found.trade_state)
            return Said(word) if word else None
        if isinstance(outcome, Refused):
            if outcome.code == _ABSENT:
                return Said(rules.Word.ABSENT)
            _log.error("channel_refused_query", channel=self.channel, order_no=row["order_no"], code=outcome.code)
        return None

    async def end(self, row: Row, *, over: bool) -> Said | None:  # noqa: ARG002 -- WeChat closes at any time
        """Close an order; once more does no harm."""
        outcome = await self._client.close_order(row["order_no"])
        if isinstance(outcome, Done):
            return Said(rules.Word.ENDED)
        if isinstance(outcome, Refused):
            word = _CLOSE_REFUSALS.get(outcome.code)
            if word:
                return Said(word)
            _log.error("channel_refused_close", channel=self.channel, order_no=row["order_no"], code=outcome.code)
        return None

    def told_by_statement(self, order: Row, reference: str, amount_fen: int, paid_at: datetime) -> Came:
        """The row as WeChat would have told it."""
        told = WechatTransaction(
            mchid=self._client.mchid,
            appid=order["request"]["appid"],
            out_trade_no=order["order_no"],
            trade_state="SUCCESS",
            transaction_id=reference,
            success_time=paid_at,
            amount=WechatAmount(total=amount_fen),
        )
        return came_by(order["pool"], order, told)


_SHOWN: Mapping[rules.Product, tuple[str, Callable[[WechatClient, Mapping[str, Any]], Any]]] = {
    rules.Product.JSAPI: ("invocation", lambda client, row: client.invocation(row["request"]["appid"], row["ticket"])),
    rules.Product.H5: ("h5_url", lambda _, row: row["ticket"]),
    rules.Product.NATIVE: ("code_url", lambda _, row: row["ticket"]),
}
_ABSENT = "ORDERNOTEXIST"
_STATES = {
    "NOTPAY": rules.Word.UNPAID,
    "PAYERROR": rules.Word.UNPAID,
    "USERPAYING": rules.Word.PAYING,
    "ACCEPT": rules.Word.PAYING,
    "CLOSED": rules.Word.ENDED,
    "REVOKED": rules.Word.ENDED,
}
_CLOSE_REFUSALS = {
    "USERPAYING": rules.Word.PAYING,
    "ORDERPAID": rules.Word.PAID,
    "ORDERCLOSED": rules.Word.ENDED,
    _ABSENT: rules.Word.ABSENT,
}
