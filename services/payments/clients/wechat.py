"""WeChat Pay APIv3, as far as payments calls it: order, query, close, refund, bills.

Each call signs the bytes that it sends, believes only what WeChat has signed, and ends as an Outcome. What is not
signed, does not come in time or is WeChat's own failure is Unknown: an order or a refund may stand there all the same,
so it is asked about before it is sent again. Calls that only ask, and closing, are repeated by themselves.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, Self

import httpx

from ..formats import wechat as wire
from ..formats.wechat_bill import hash_agrees, unpacked
from ..rules.orders import Product
from ..schemas.wechat import BillTicket, WechatRefund, WechatTransaction
from ..settings import WechatSettings
from .outcomes import Done, Outcome, Unknown
from .pacing import Pace
from .wechat_line import ATTEMPTS, Answer, Call, WechatLine, json_call

NOTIFICATIONS = "/v1/channels/wechat/notifications"
"""Where WeChat is told to send notifications, below the base of the settings."""


class WechatClient:
    """One merchant at WeChat Pay."""

    def __init__(
        self,
        settings: WechatSettings,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Reads the keys. Raises SecretMissing, ValueError where one is not what it should be."""
        self.settings = settings
        self.mchid = settings.mchid
        self.appids = settings.other_appids | {settings.appid}
        self.notify_url = settings.notify_base_url.rstrip("/") + NOTIFICATIONS
        self.patience = timedelta(seconds=settings.ask_seconds)
        """How long an order is left alone before WeChat is asked about it."""
        self._line = WechatLine(settings, transport, wall)
        self._orders = Pace(settings.limits.orders)
        self._refunds = Pace(settings.limits.refunds, settings.limits.refunds_erring)

    @classmethod
    def of(cls, settings: WechatSettings | None, transport: httpx.AsyncBaseTransport | None) -> Self | None:
        """The client, where the settings know a merchant."""
        return cls(settings, transport) if settings else None

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()

    async def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Whether WeChat has just signed a notification. Raises NotGenuine."""
        await self._line.verify(headers, body)

    async def fetch_certificates(self) -> bool:
        """Fetch the platform certificates where it is time to; whether any came."""
        return await self._line.fetch_certificates(older_than=self.settings.certificate_hours * 3600)

    def open_resource(self, resource: Any) -> dict[str, Any]:
        """Decrypt the resource of a notification. Raises Unreadable."""
        return wire.open_resource(self._line.apiv3_key, resource)

    def invocation(self, appid: str, prepay_id: str) -> dict[str, str]:
        """What the payer's page hands to WeChat to open the cashier."""
        now = str(int(self._line.wall()))
        return wire.invocation(self._line.sign, appid, prepay_id, now, secrets.token_hex(16).upper())

    async def create_order(self, product: Product, body: Mapping[str, Any]) -> Outcome[str]:
        """Place an order, once; what the payer gets to the cashier with: a prepay_id, an address, the text of a code.

        The same body under the same number gives the same order.
        """
        call = json_call("create", f"/v3/pay/transactions/{product}", body)
        return await self._line.ask(call, partial(_handed_out, _HANDED_OUT[product]), pace=self._orders)

    async def query_order(self, order_no: str) -> Outcome[WechatTransaction]:
        """What WeChat knows of an order; Refused ORDERNOTEXIST where it knows none."""
        path = f"/v3/pay/transactions/out-trade-no/{wire.path_part(order_no)}"
        call = Call("query", "GET", path, params={"mchid": self.mchid})
        return await self._line.ask(call, _transaction, attempts=ATTEMPTS)

    async def close_order(self, order_no: str) -> Outcome[None]:
        """Close an order; once more does no harm. Refused USERPAYING, ORDERPAID, ORDERNOTEXIST, ORDERCLOSED."""
        path = f"/v3/pay/transactions/out-trade-no/{wire.path_part(order_no)}/close"
        return await self._line.ask(json_call("close", path, {"mchid": self.mchid}), _nothing, attempts=ATTEMPTS)

    async def refund(
        self, out_refund_no: str, transaction_id: str, refund_fen: int, total_fen: int, reason: str
    ) -> Outcome[WechatRefund]:
        """Ask for a refund, once. Done means accepted, not paid back: its status says more. Ask again, same number."""
        body = {
            "transaction_id": transaction_id,
            "out_refund_no": out_refund_no,
            "reason": reason[:80],
            "notify_url": self.notify_url,
            "amount": {"refund": refund_fen, "total": total_fen, "currency": "CNY"},
        }
        call = json_call("refund", "/v3/refund/domestic/refunds", body)
        return await self._line.ask(call, _refund, pace=self._refunds)

    async def query_refund(self, out_refund_no: str) -> Outcome[WechatRefund]:
        """What WeChat knows of a refund; Refused RESOURCENOTEXISTS where it knows none."""
        path = f"/v3/refund/domestic/refunds/{wire.path_part(out_refund_no)}"
        return await self._line.ask(Call("query_refund", "GET", path), _refund, attempts=ATTEMPTS)

    async def trade_bill(self, day: date) -> Outcome[bytes]:
        """The bytes of a day's trade bill, payments and refunds; see `_bill`."""
        return await self._bill("/v3/bill/tradebill", {"bill_date": day.isoformat(), "bill_type": "ALL"})

    async def fund_flow(self, day: date, account: str) -> Outcome[bytes]:
        """The bytes of a day's fund flow of one of the merchant's accounts (BASIC, OPERATION, FEES); see `_bill`."""
        return await self._bill("/v3/bill/fundflowbill", {"bill_date": day.isoformat(), "account_type": account})

    async def _bill(self, path: str, params: Mapping[str, str]) -> Outcome[bytes]:
        """The bytes of a bill, unpacked; there from 10:00 of the day after.

        Refused STATEMENTCREATING (ask again later), NOSTATEMENTEXIST (nothing happened that day). Unknown also where
        the bytes are not those that were announced.
        """
        found: Outcome[bytes] = Unknown("not asked")
        for _ in range(ATTEMPTS):
            announced = Call("bill", "GET", path, params={**params, "tar_type": "GZIP"})
            ticket = await self._line.ask(announced, _ticket, attempts=ATTEMPTS)
            if not isinstance(ticket, Done):
                return ticket
            # An address holds for some minutes, then there is a new one. The file itself carries no signature: what
            # counts is the hash in its signed announcement.
            download = Call("download", "GET", ticket.value.download_url, signed=False)
            found = await self._line.ask(download, partial(_file, ticket.value))
            if isinstance(found, Done):
                break
        return found


_HANDED_OUT: Mapping[Product, str] = {Product.JSAPI: "prepay_id", Product.H5: "h5_url", Product.NATIVE: "code_url"}


def _handed_out(name: str, answer: Answer) -> str:
    found = answer.data.get(name)
    if not isinstance(found, str) or not found:
        raise ValueError(f"no {name}")
    return found


def _transaction(answer: Answer) -> WechatTransaction:
    return wire.read_transaction(answer.data)


def _refund(answer: Answer) -> WechatRefund:
    return wire.read_refund(answer.data)


def _ticket(answer: Answer) -> BillTicket:
    return BillTicket.model_validate(answer.data)


def _file(ticket: BillTicket, answer: Answer) -> bytes:
    data = unpacked(answer.body)
    if not hash_agrees(data, ticket.hash_type, ticket.hash_value):
        raise ValueError("the bill's bytes do not have the hash that was announced")
    return data


def _nothing(_: Answer) -> None:
    return None
