"""UnionPay as a cashier: purchases by a code or a form, asked about by their number and time, ended by their time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from shared.database import Row

from ..clients import Done, Outcome, Refused, UnionPayClient
from ..formats import unionpay as format_
from ..rules import orders as rules
from ..rules import unionpay
from ..schemas import order_problems as problems
from ..schemas import orders as wire
from .cashier import Came, Said
from .unionpay import CHANNEL, came_by, payment_of

_log = structlog.get_logger()


class UnionPayCashier:
    """The port `Cashier` to one merchant at UnionPay, which closes no order."""

    channel = CHANNEL
    closes = False

    def __init__(self, client: UnionPayClient) -> None:
        self._client = client
        self.patience = client.patience

    def require(self, order: wire.OrderPlacement) -> None:
        """Whether the order can be taken here. Raises Problem CHANNEL_NOT_OFFERED."""
        if order.product is rules.Product.H5 and not self._client.settings.return_url:
            raise problems.CHANNEL_NOT_OFFERED(channel=f"{self.channel} {order.product}")

    def minutes(self, product: rules.Product) -> int:  # noqa: ARG002 -- the same for each
        """How long an order can be paid."""
        return self._client.settings.order_minutes

    def request(
        self, order: wire.OrderPlacement, order_no: str, bill: Row, now: datetime, expires_at: datetime
    ) -> dict[str, Any]:
        """The fields of the purchase."""
        return self._client.purchase(order.product, order_no, bill["amount_fen"], now, expires_at)

    async def place(self, row: Row) -> Outcome[str]:
        """Place the purchase, once. A form is placed by the payer's browser; what is handed out is where it goes."""
        if row["product"] == rules.Product.H5:
            return Done(self._client.settings.front_url)
        return await self._client.place(row["request"])

    def stands_there(self, code: str) -> bool:
        """Whether a refusal says that a purchase of this number stands there already."""
        return code == format_.DUPLICATE

    def shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """How an open order shows the payer the way to the cashier."""
        if row["product"] == rules.Product.H5:
            return {"form": {"action": row["ticket"], "fields": self._client.form(row["request"])}}
        return {"code_url": row["ticket"]}

    async def query(self, row: Row) -> Said | None:
        """What UnionPay knows of a purchase; None where that cannot be told just now.

        It knows of none until the payer has scanned the code. What a card has refused can be paid with another one.
        """
        outcome = await self._client.query(row["order_no"], row["request"]["txnTime"])
        if isinstance(outcome, Refused):
            if outcome.code == format_.ABSENT:
                return Said(rules.Word.ABSENT)
            _log.error("channel_refused_query", channel=self.channel, order_no=row["order_no"], code=outcome.code)
            return None
        if not isinstance(outcome, Done):
            return None
        said = outcome.value
        if format_.is_refusal(said.orig_resp_code):
            return Said(rules.Word.UNPAID)
        if said.orig_resp_code != format_.ACCEPTED:
            return Said(rules.Word.PAYING)
        came = came_by(row["pool"], row, said)
        if came is None:
            _log.error("channel_answer_incomplete", channel=self.channel, order_no=row["order_no"])
            return None
        return Said(rules.Word.PAID, came)

    async def end(self, row: Row, *, over: bool) -> Said | None:
        """UnionPay closes nothing: until its time is over an order can be paid, whether it was scanned or not."""
        said = await self.query(row)
        if said and said.word in (rules.Word.ABSENT, rules.Word.UNPAID):
            return Said(rules.Word.ENDED if over else rules.Word.UNPAID)
        return said

    def told_by_statement(self, order: Row, reference: str, amount_fen: int, paid_at: datetime) -> Came:
        """The row as UnionPay would have told it."""
        message = {"orderId": order["order_no"], "queryId": unionpay.query_id_of(reference), "txnAmt": str(amount_fen)}
        return Came(message["queryId"], payment_of(order, reference, amount_fen, paid_at, message))
