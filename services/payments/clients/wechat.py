"""WeChat Pay APIv3, as far as payments calls it: order, query, close, refund, bill.

Each call signs the bytes that it sends, believes only what WeChat has signed, and ends as an Outcome. What is not
signed, does not come in time or is WeChat's own failure is Unknown: an order or a refund may stand there all the same,
so it is asked about before it is sent again. Calls that only ask, and closing, are repeated by themselves.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self, TypeVar

import httpx
import orjson
import structlog

from shared.database import assert_no_transaction
from shared.metrics import CHANNEL_CALLS
from shared.references import load_secret

from ..formats import wechat as wire
from ..formats.wechat_bill import hash_agrees
from ..schemas.wechat import TradeBillTicket, WechatRefund, WechatTransaction
from ..settings import WechatSettings
from .outcomes import Done, Outcome, Refused, Unknown

NOTIFICATIONS = "/v1/channels/wechat/notifications"
"""Where WeChat is told to send notifications, below the base of the settings."""

_ATTEMPTS = 3
_NOT_NOW = frozenset({"SYSTEMERROR", "FREQUENCYLIMITED", "RATELIMITED", "BANKERROR"})
_log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True)
class _Answer:
    """What WeChat has signed, or, of a download, what came."""

    status: int
    body: bytes

    @property
    def data(self) -> Mapping[str, Any]:
        """The JSON of the body. Raises Unreadable."""
        return wire.read_json(self.body)


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
        self.mchid, self.appid = settings.mchid, settings.appid
        self.notify_url = settings.notify_base_url.rstrip("/") + NOTIFICATIONS
        self._sign = wire.signer(load_secret(settings.private_key))
        self._apiv3_key = load_secret(settings.apiv3_key)
        if len(self._apiv3_key) != 32:
            raise ValueError("the APIv3 key has 32 bytes")
        self._keyring = wire.Keyring(
            {serial: wire.public_key(_pem(given)) for serial, given in settings.platform_keys.items()}
        )
        # Answers are signed with the key that the request names; without one WeChat uses its newest certificate.
        self._answer_serial = next(
            (serial for serial in settings.platform_keys if serial.startswith("PUB_KEY_ID_")), ""
        )
        self.patience = timedelta(seconds=settings.ask_seconds)
        """How long an order is left alone before WeChat is asked about it."""
        self._wall = wall
        self._client = httpx.AsyncClient(
            base_url=settings.base_url,
            transport=transport,
            timeout=httpx.Timeout(settings.timeout_seconds, connect=min(5.0, settings.timeout_seconds)),
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
        )

    @classmethod
    def of(cls, settings: WechatSettings | None, transport: httpx.AsyncBaseTransport | None) -> Self | None:
        """The client, where the settings know a merchant."""
        return cls(settings, transport) if settings else None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Whether WeChat has just signed a notification. Raises NotGenuine."""
        self._keyring.verify(headers, body, self._wall())

    def open_resource(self, resource: Any) -> dict[str, Any]:
        """Decrypt the resource of a notification. Raises Unreadable."""
        return wire.open_resource(self._apiv3_key, resource)

    def invocation(self, prepay_id: str) -> dict[str, str]:
        """What the payer's page hands to WeChat to open the cashier."""
        return wire.invocation(self._sign, self.appid, prepay_id, str(int(self._wall())), secrets.token_hex(16).upper())

    async def create_order(self, body: Mapping[str, Any]) -> Outcome[str]:
        """Place a JSAPI order, once; its prepay_id. The same body under the same number gives the same order."""
        return await self._call("create", "POST", "/v3/pay/transactions/jsapi", _prepay_id, body=body)

    async def query_order(self, order_no: str) -> Outcome[WechatTransaction]:
        """What WeChat knows of an order; Refused ORDERNOTEXIST where it knows none."""
        path = f"/v3/pay/transactions/out-trade-no/{wire.path_part(order_no)}"
        return await self._call("query", "GET", path, _transaction, params={"mchid": self.mchid}, attempts=_ATTEMPTS)

    async def close_order(self, order_no: str) -> Outcome[None]:
        """Close an order; once more does no harm. Refused USERPAYING, ORDERPAID, ORDERNOTEXIST, ORDERCLOSED."""
        path = f"/v3/pay/transactions/out-trade-no/{wire.path_part(order_no)}/close"
        return await self._call("close", "POST", path, _nothing, body={"mchid": self.mchid}, attempts=_ATTEMPTS)

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
        return await self._call("refund", "POST", "/v3/refund/domestic/refunds", _refund, body=body)

    async def query_refund(self, out_refund_no: str) -> Outcome[WechatRefund]:
        """What WeChat knows of a refund; Refused RESOURCENOTEXISTS where it knows none."""
        path = f"/v3/refund/domestic/refunds/{wire.path_part(out_refund_no)}"
        return await self._call("query_refund", "GET", path, _refund, attempts=_ATTEMPTS)

    async def trade_bill(self, day: date) -> Outcome[bytes]:
        """The bytes of a day's trade bill; there from 10:00 of the day after.

        Refused STATEMENTCREATING (ask again later), NOSTATEMENTEXIST (no payment that day). Unknown also where the
        bytes are not those that were announced.
        """
        params = {"bill_date": day.isoformat(), "bill_type": "ALL"}
        ticket = await self._call("bill", "GET", "/v3/bill/tradebill", _ticket, params=params, attempts=_ATTEMPTS)
        if not isinstance(ticket, Done):
            return ticket
        where = ticket.value
        # The file itself carries no signature, so what counts is the hash in its signed announcement.
        found = await self._call(
            "download", "GET", where.download_url, lambda answer: answer.body, signed=False, attempts=_ATTEMPTS
        )
        if isinstance(found, Done) and not hash_agrees(found.value, where.hash_type, where.hash_value):
            return Unknown("the bill's bytes do not have the hash that was announced")
        return found

    async def _call(
        self,
        name: str,
        method: str,
        url: str,
        read: Callable[[_Answer], T],
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        attempts: int = 1,
        signed: bool = True,
    ) -> Outcome[T]:
        assert_no_transaction()
        content = b"" if body is None else orjson.dumps(body)
        outcome: Outcome[T] = Unknown("not asked")
        for attempt in range(attempts):
            await asyncio.sleep(self.settings.pause_seconds * attempt)
            outcome = await self._once(name, method, url, content, params, read, signed=signed)
            if not isinstance(outcome, Unknown):
                break
        CHANNEL_CALLS.labels("wechat", name, type(outcome).__name__.lower()).inc()
        return outcome

    async def _once(
        self,
        name: str,
        method: str,
        url: str,
        content: bytes,
        params: Mapping[str, str] | None,
        read: Callable[[_Answer], T],
        *,
        signed: bool,
    ) -> Outcome[T]:
        began, status, their_id = time.perf_counter(), 0, ""
        outcome: Outcome[T]
        try:
            response = await self._client.send(self._signed_request(method, url, content, params))
            status, their_id = response.status_code, response.headers.get("Request-ID", "")
            outcome = self._judged(response, read, signed=signed)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            outcome = Unknown(type(error).__name__)
        said = {"code": outcome.code} if isinstance(outcome, Refused) else {}
        said |= {"why": outcome.why} if isinstance(outcome, Unknown) else {}
        _log.info(
            "channel_call",
            channel="wechat",
            call=name,
            path=url.partition("?")[0],
            status=status,
            outcome=type(outcome).__name__.lower(),
            channel_request_id=their_id,
            ms=round((time.perf_counter() - began) * 1000, 1),
            **said,
        )
        return outcome

    def _signed_request(self, method: str, url: str, content: bytes, params: Mapping[str, str] | None) -> httpx.Request:
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "canbao/1"}
        if self._answer_serial:
            headers["Wechatpay-Serial"] = self._answer_serial
        request = self._client.build_request(method, url, content=content, params=params, headers=headers)
        target = request.url.raw_path.decode()  # as it goes over the wire
        timestamp, nonce = str(int(self._wall())), secrets.token_hex(16).upper()
        request.headers["Authorization"] = wire.authorization(
            self._sign, self.mchid, self.settings.merchant_serial, method, target, timestamp, nonce, content
        )
        return request

    def _judged(self, response: httpx.Response, read: Callable[[_Answer], T], *, signed: bool) -> Outcome[T]:
        answer = _Answer(response.status_code, response.content)
        if not signed:
            return Done(read(answer)) if response.status_code == httpx.codes.OK else Unknown(f"{answer.status}")
        try:
            self._keyring.verify(response.headers, answer.body, self._wall())
        except wire.NotGenuine as error:
            # Also our own fault: WeChat signs no answer to a request whose signature it does not accept.
            return Unknown(f"{answer.status} not signed by the channel ({error})")
        try:
            data = answer.data if answer.body else {}
            code = wire.plain_code(str(data.get("code", "")))
            if response.is_success and answer.status != httpx.codes.ACCEPTED:
                return Done(read(answer))
        except ValueError as error:
            return Unknown(f"{answer.status} unreadable: {error}")
        if answer.status >= 500 or answer.status == httpx.codes.TOO_MANY_REQUESTS or code in _NOT_NOW or not code:
            return Unknown(f"{answer.status} {code}")
        return Refused(code, str(data.get("message", "")))


def _pem(given: str) -> bytes:
    """A public key as the settings give it: itself, or where it lies."""
    return given.encode() if given.lstrip().startswith("-----BEGIN") else load_secret(given)


def _prepay_id(answer: _Answer) -> str:
    found = answer.data.get("prepay_id")
    if not isinstance(found, str) or not found:
        raise ValueError("no prepay_id")
    return found


def _transaction(answer: _Answer) -> WechatTransaction:
    return wire.read_transaction(answer.data)


def _refund(answer: _Answer) -> WechatRefund:
    return wire.read_refund(answer.data)


def _ticket(answer: _Answer) -> TradeBillTicket:
    return TradeBillTicket.model_validate(answer.data)


def _nothing(_: _Answer) -> None:
    return None
