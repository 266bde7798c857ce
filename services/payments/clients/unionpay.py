"""UnionPay's gateway (ACP 5.1.0), as far as payments calls it: purchase, query, void, refund, the day's file.

Each call signs the form that it sends, believes only what UnionPay has signed about just this transaction, and ends as
an Outcome. Response codes 03, 04 and 05, no answer in time, and an answer that is not UnionPay's are Unknown: the
transaction may stand there all the same, so it is asked about, and sent again under the same number and time only.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self, TypeVar

import httpx
import structlog

from shared.clock import SHANGHAI
from shared.database import assert_no_transaction
from shared.metrics import CHANNEL_CALLS
from shared.references import load_secret

from ..formats import unionpay as wire
from ..formats.genuine import NotGenuine, Unreadable
from ..rules.bank import accounting_day
from ..rules.orders import Product
from ..schemas.unionpay import UnionPayAnswer, UnionPayFile, UnionPayResult
from ..settings import UnionPaySettings
from .outcomes import Done, Outcome, Refused, Unknown

NOTIFICATIONS = "/v1/channels/unionpay/notifications"
"""Where UnionPay is told to send notifications, below the base of the settings."""

NO_FILE = "98"
"""The refusal of a day's file that is not there, or not yet."""

_PURCHASE, _QUERY, _REFUND, _VOID, _FILE = "01", "00", "04", "31", "76"
_KINDS: Mapping[Product, Mapping[str, str]] = {
    Product.NATIVE: {"txnSubType": "07", "bizType": "000000"},
    Product.H5: {"txnSubType": "01", "bizType": "000201"},
}
"""A purchase by a code that the payer scans, and one by a form in the payer's browser."""
_log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True)
class DayFile:
    """The file of a day as it was fetched: a zip."""

    name: str
    data: bytes


class UnionPayClient:
    """One merchant at UnionPay."""

    def __init__(
        self,
        settings: UnionPaySettings,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Reads certificates and key. Raises SecretMissing, ValueError where one is not what it should be."""
        self.settings = settings
        self.merchant_id = settings.merchant_id
        self.notify_url = settings.notify_base_url.rstrip("/") + NOTIFICATIONS
        self.patience = timedelta(seconds=settings.ask_seconds)
        """How long an order is left alone before UnionPay is asked about it."""
        self._merchant = wire.merchant(
            load_secret(settings.certificate, binary=True), load_secret(settings.certificate_password)
        )
        self._trust = wire.Trust.of(
            _pem(settings.root_certificate), _pem(settings.middle_certificate), settings.certificate_name
        )
        self._wall = wall
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(settings.timeout_seconds, connect=min(5.0, settings.timeout_seconds)),
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
        )

    @classmethod
    def of(cls, settings: UnionPaySettings | None, transport: httpx.AsyncBaseTransport | None) -> Self | None:
        """The client, where the settings know a merchant."""
        return cls(settings, transport) if settings else None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def verify(self, fields: Mapping[str, str]) -> None:
        """Whether UnionPay has signed a notification. Raises NotGenuine."""
        self._trust.verify(fields, self._wall())

    def accounting_day(self, at: datetime) -> date:
        """UnionPay's accounting day at an instant."""
        return accounting_day(at.astimezone(SHANGHAI), self.settings.cut_over)

    def purchase(
        self, product: Product, order_no: str, amount_fen: int, now: datetime, expires_at: datetime
    ) -> dict[str, str]:
        """The fields of a purchase. They are kept: sent again it must be the same in every field."""
        about = {
            **self._common(_PURCHASE, order_no, wire.write_time(now)),
            **_KINDS[product],
            "txnAmt": str(amount_fen),
            "currencyCode": "156",
            "backUrl": self.notify_url,
            "payTimeout": wire.write_time(expires_at),
        }
        return about | ({"frontUrl": self.settings.return_url} if product is Product.H5 else {})

    def form(self, fields: Mapping[str, str]) -> dict[str, str]:
        """A purchase, signed, for the payer's browser to send to `front_url`."""
        return wire.signed(self._merchant, fields)

    async def place(self, fields: Mapping[str, str]) -> Outcome[str]:
        """Place a purchase, once; the text of the code that the payer scans."""
        return await self._call("create", self.settings.back_url, fields, _code)

    async def query(self, order_no: str, txn_time: str) -> Outcome[UnionPayResult]:
        """What UnionPay knows of a transaction; Refused `wire.ABSENT` where it knows none of this number and time."""
        fields = self._common(_QUERY, order_no, txn_time)
        return await self._call("query", self.settings.query_url, fields, _result)

    async def void(self, number: str, txn_time: str, query_id: str, amount_fen: int) -> Outcome[None]:
        """Undo a payment of the same accounting day, all of it. Done means accepted; asked about, it says more."""
        return await self._give_back("void", _VOID, number, txn_time, query_id, amount_fen)

    async def refund(self, number: str, txn_time: str, query_id: str, amount_fen: int) -> Outcome[None]:
        """Refund a payment, wholly or in part. Done means accepted, not paid back; asked about, it says more."""
        return await self._give_back("refund", _REFUND, number, txn_time, query_id, amount_fen)

    async def day_file(self, day: date, now: datetime) -> Outcome[DayFile]:
        """The file of an accounting day; there on the day after. Refused `NO_FILE` where there is none."""
        fields = self._common(_FILE, "", wire.write_time(now)) | {
            "txnSubType": "01",
            "fileType": "00",
            "settleDate": f"{day:%m%d}",
        }
        return await self._call("bill", self.settings.file_url, fields, _file)

    async def _give_back(
        self, name: str, txn_type: str, number: str, txn_time: str, query_id: str, amount_fen: int
    ) -> Outcome[None]:
        fields = self._common(txn_type, number, txn_time) | {
            "origQryId": query_id,
            "txnAmt": str(amount_fen),
            "currencyCode": "156",
            "backUrl": self.notify_url,
        }
        return await self._call(name, self.settings.back_url, fields, lambda _: None)

    def _common(self, txn_type: str, order_no: str, txn_time: str) -> dict[str, str]:
        return {
            "version": self.settings.version,
            "encoding": "UTF-8",
            "signMethod": wire.BY_CERTIFICATE,
            "txnType": txn_type,
            "txnSubType": "00",
            "bizType": "000000",
            "channelType": self.settings.channel_type,
            "accessType": "0",
            "merId": self.merchant_id,
            "orderId": order_no,
            "txnTime": txn_time,
        }

    async def _call(
        self, name: str, url: str, fields: Mapping[str, str], read: Callable[[Mapping[str, str]], T]
    ) -> Outcome[T]:
        assert_no_transaction()
        began, status = time.perf_counter(), 0
        outcome: Outcome[T]
        try:
            answer = await self._client.post(url, data=wire.signed(self._merchant, fields))
            status = answer.status_code
            outcome = self._judged(answer, fields, read)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            outcome = Unknown(type(error).__name__)
        said = {"code": outcome.code} if isinstance(outcome, Refused) else {}
        said |= {"why": outcome.why} if isinstance(outcome, Unknown) else {}
        _log.info(
            "channel_call",
            channel="unionpay",
            call=name,
            order_no=fields["orderId"],
            status=status,
            outcome=type(outcome).__name__.lower(),
            ms=round((time.perf_counter() - began) * 1000, 1),
            **said,
        )
        CHANNEL_CALLS.labels("unionpay", name, type(outcome).__name__.lower()).inc()
        return outcome

    def _judged(
        self, answer: httpx.Response, asked: Mapping[str, str], read: Callable[[Mapping[str, str]], T]
    ) -> Outcome[T]:
        if answer.status_code != httpx.codes.OK:
            return Unknown(str(answer.status_code))
        try:
            fields = wire.read_answer(answer.content)
            self._trust.verify(fields, self._wall())
            said = wire.read(UnionPayAnswer, fields)
            # A signature says nothing of what was asked: an answer about something else is no answer.
            if strange := [name for name in _ECHOED if fields.get(name, "") != asked[name]]:
                return Unknown(f"an answer with another {strange[0]}")
            if said.resp_code == wire.ACCEPTED:
                return Done(read(fields))
        except NotGenuine as error:
            return Unknown(f"not signed by the channel ({error})")
        except Unreadable as error:
            return Unknown(f"unreadable: {error}")
        if said.resp_code != NO_FILE and not wire.is_refusal(said.resp_code):
            return Unknown(said.resp_code)
        return Refused(said.resp_code, said.resp_msg)


_ECHOED = ("txnType", "merId", "orderId", "txnTime")


def _pem(given: str) -> bytes:
    """A certificate as the settings give it: itself, or where it lies."""
    return given.encode() if given.lstrip().startswith("-----BEGIN") else load_secret(given)


def _code(fields: Mapping[str, str]) -> str:
    if not fields.get("qrCode"):
        raise Unreadable("no qrCode")
    return fields["qrCode"]


def _result(fields: Mapping[str, str]) -> UnionPayResult:
    return wire.read(UnionPayResult, fields)


def _file(fields: Mapping[str, str]) -> DayFile:
    said = wire.read(UnionPayFile, fields)
    return DayFile(said.file_name, wire.unpack_file(said.file_content))
