"""The line to WeChat Pay (APIv3): what is sent is signed, what comes is believed only where WeChat has signed it.

Keys of both kinds are held at once: those of the settings, and the platform certificates that WeChat hands out, fetched
anew by schedule and where a message names one that is not known yet. A call that could not be connected goes to the
backup address; one that was sent and not answered is Unknown, whatever the address.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import orjson
import structlog

from shared.database import assert_no_transaction
from shared.metrics import CHANNEL_CALLS
from shared.references import load_secret

from ..formats import wechat as wire
from ..formats.genuine import NotGenuine
from ..settings import WechatSettings
from .hosts import Hosts
from .outcomes import Done, Outcome, Refused, Unknown
from .pacing import Pace

CERTIFICATES = "/v3/certificates"
ATTEMPTS = 3
_NOT_NOW = frozenset({"SYSTEMERROR", "FREQUENCYLIMITED", "RATELIMITED", "BANKERROR"})
_REFUSED_AS_FAILURE = frozenset({"OPENIDMISMATCH"})
"""Refusals that WeChat answers with 500, as if it had failed itself."""
_AGAIN_SECONDS = 60.0
_PUBLIC_KEY = "PUB_KEY_ID_"
_log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What WeChat has signed, or, of a download, what came."""

    status: int
    body: bytes

    @property
    def data(self) -> Mapping[str, Any]:
        """The JSON of the body. Raises Unreadable."""
        return wire.read_json(self.body)


@dataclass(frozen=True)
class Call:
    """What is asked. `signed`: the answer is believed only if WeChat has signed it; a download has no signature."""

    name: str
    method: str
    url: str
    content: bytes = b""
    params: Mapping[str, str] | None = None
    signed: bool = True


class WechatLine:
    """Calls in the name of one merchant, and what is verified of what comes back or in."""

    def __init__(
        self, settings: WechatSettings, transport: httpx.AsyncBaseTransport | None, wall: Callable[[], float]
    ) -> None:
        """Reads the keys. Raises SecretMissing, ValueError where one is not what it should be."""
        self._settings = settings
        self.sign = wire.signer(load_secret(settings.private_key))
        self.apiv3_key = load_secret(settings.apiv3_key)
        if len(self.apiv3_key) != 32:
            raise ValueError("the APIv3 key has 32 bytes")
        self._configured = wire.Keyring(
            {serial: wire.public_key(_pem(given)) for serial, given in settings.platform_keys.items()}
        )
        self._keyring = self._configured
        self._fetching = asyncio.Lock()
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        # Answers are signed with the key that the request names; without one WeChat uses its newest certificate.
        self._answer_serial = next((serial for serial in settings.platform_keys if serial.startswith(_PUBLIC_KEY)), "")
        self.wall = wall
        self._hosts = Hosts(settings.base_url, settings.backup_url)
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(settings.timeout_seconds, connect=min(5.0, settings.timeout_seconds)),
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Whether WeChat has just signed these bytes. Raises NotGenuine.

        Where they name a certificate that we do not know, WeChat may have a new one: it is asked, once a minute.
        """
        known = self._keyring
        try:
            known.verify(headers, body, self.wall())
        except NotGenuine as error:
            if error.why != "serial" or error.detail.startswith(_PUBLIC_KEY):
                raise
            await self.fetch_certificates(older_than=_AGAIN_SECONDS)
            if self._keyring is known:
                raise
            self._keyring.verify(headers, body, self.wall())

    async def fetch_certificates(self, *, older_than: float) -> bool:
        """Fetch the platform certificates, where the last came longer ago (seconds); whether any came.

        What failed is tried again after a minute.
        """
        if not self._settings.certificate_hours:
            return False
        async with self._fetching:
            now = self.wall()
            fresh = self._fetched_at is not None and now - self._fetched_at < older_than
            if fresh or (self._tried_at is not None and now - self._tried_at < _AGAIN_SECONDS):
                return False
            self._tried_at = now
            outcome = await self._once(Call("certificates", "GET", CERTIFICATES, params={"algorithm_type": "RSA"}))
            if not isinstance(outcome, Done):
                _log.warning("channel_certificates_not_fetched", channel="wechat", outcome=str(outcome))
                return False
            self._fetched_at = now
            return True

    async def ask(
        self, call: Call, read: Callable[[Answer], T], *, attempts: int = 1, pace: Pace | None = None
    ) -> Outcome[T]:
        """Call and read the answer; again, with pauses, where `attempts` allow it and the outcome is Unknown."""
        assert_no_transaction()
        outcome: Outcome[T] = Unknown("not asked")
        for attempt in range(attempts):
            await asyncio.sleep(self._settings.pause_seconds * attempt)
            if pace is not None:
                await pace.turn()
            answered = await self._once(call)
            outcome = _read(answered.value, read) if isinstance(answered, Done) else answered
            if pace is not None:
                pace.heard(erred=not isinstance(outcome, Done))
            if not isinstance(outcome, Unknown):
                break
        CHANNEL_CALLS.labels("wechat", call.name, type(outcome).__name__.lower()).inc()
        return outcome

    async def _once(self, call: Call) -> Outcome[Answer]:
        began, status, their_id, host = time.perf_counter(), 0, "", ""
        outcome: Outcome[Answer] = Unknown("not asked")
        for host in self._hosts.in_turn():
            try:
                response = await self._client.send(self._signed_request(host, call))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:  # nothing was sent: the other may take it
                self._hosts.failed(host)
                outcome = Unknown(type(error).__name__)
                continue
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                self._hosts.failed(host)
                outcome = Unknown(type(error).__name__)
                break
            status, their_id = response.status_code, response.headers.get("Request-ID", "")
            outcome = await self._judged(call, response)
            break
        said = {"code": outcome.code} if isinstance(outcome, Refused) else {}
        said |= {"why": outcome.why} if isinstance(outcome, Unknown) else {}
        _log.info(
            "channel_call",
            channel="wechat",
            call=call.name,
            host=host,
            path=call.url.partition("?")[0],
            status=status,
            outcome=type(outcome).__name__.lower(),
            channel_request_id=their_id,
            channel_error_no=their_id.rpartition("-")[2],
            ms=round((time.perf_counter() - began) * 1000, 1),
            **said,
        )
        return outcome

    def _signed_request(self, host: str, call: Call) -> httpx.Request:
        headers = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "canbao/1"}
        if self._answer_serial:
            headers["Wechatpay-Serial"] = self._answer_serial
        # A download names the main address; the backup has the same file.
        url = host + call.url.removeprefix(self._hosts.main)
        if call.url.startswith("http") and not call.url.startswith(self._hosts.main):
            url = call.url
        request = self._client.build_request(
            call.method, url, content=call.content, params=call.params, headers=headers
        )
        target = request.url.raw_path.decode()  # as it goes over the wire
        timestamp, nonce = str(int(self.wall())), secrets.token_hex(16).upper()
        request.headers["Authorization"] = wire.authorization(
            self.sign,
            self._settings.mchid,
            self._settings.merchant_serial,
            call.method,
            target,
            timestamp,
            nonce,
            call.content,
        )
        return request

    async def _judged(self, call: Call, response: httpx.Response) -> Outcome[Answer]:
        answer = Answer(response.status_code, response.content)
        if not call.signed:
            return Done(answer) if answer.status == httpx.codes.OK else Unknown(f"{answer.status}")
        try:
            if call.url != CERTIFICATES:
                await self.verify(response.headers, answer.body)
            elif response.is_success:
                self._take_certificates(response)
            else:
                self._keyring.verify(response.headers, answer.body, self.wall())
            data = answer.data if answer.body else {}
        except NotGenuine as error:
            # Also our own fault: WeChat signs no answer to a request whose signature it does not accept.
            return Unknown(f"{answer.status} not signed by the channel ({error})")
        except ValueError as error:
            return Unknown(f"{answer.status} unreadable: {error}")
        code = wire.plain_code(str(data.get("code", "")))
        if response.is_success and answer.status != httpx.codes.ACCEPTED:
            return Done(answer)
        failed = answer.status >= 500 and code not in _REFUSED_AS_FAILURE
        if failed or answer.status == httpx.codes.TOO_MANY_REQUESTS or code in _NOT_NOW or not code:
            return Unknown(f"{answer.status} {code}")
        return Refused(code, str(data.get("message", "")))

    def _take_certificates(self, response: httpx.Response) -> None:
        """Believe the certificates of an answer that one of them, or a key known before, has signed.

        They are sealed under the APIv3 key, so that nobody else can have made them. Raises NotGenuine, Unreadable.
        """
        found = wire.open_certificates(self.apiv3_key, response.content, datetime.fromtimestamp(self.wall(), UTC))
        ring = wire.Keyring({**found, **self._configured.keys})
        ring.verify(response.headers, response.content, self.wall())
        self._keyring = ring
        _log.info("channel_certificates", channel="wechat", serials=sorted(found))


def _pem(given: str) -> bytes:
    """A public key as the settings give it: itself, or where it lies."""
    return given.encode() if given.lstrip().startswith("-----BEGIN") else load_secret(given)


def _read(answer: Answer, read: Callable[[Answer], T]) -> Outcome[T]:
    try:
        return Done(read(answer))
    except ValueError as error:
        return Unknown(f"{answer.status} unreadable: {error}")


def json_call(name: str, url: str, body: Mapping[str, Any]) -> Call:
    """A POST of JSON, serialised once: the bytes that are signed are the bytes that are sent."""
    return Call(name, "POST", url, orjson.dumps(body))
