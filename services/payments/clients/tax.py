"""The tax bureau, as far as payments calls it: applications to pay a confirmed payment back (退费申请).

The bureau holds the money that it has confirmed, so paying it back is its affair: it takes an application, and later
says what became of it. The same number is one application. Each message is signed by RFC 9421 with our own key.
"""

import json
import time
from collections.abc import Mapping
from typing import Any, Self

import httpx

from shared.database import assert_no_transaction
from shared.logs import current_request_id
from shared.metrics import CHANNEL_CALLS
from shared.references import load_secret

from ..formats.tax_signing import RequestSigner
from ..schemas.tax_refunds import TaxRefund
from ..settings import TaxOfficeSettings
from .outcomes import Done, Outcome, Refused, Unknown


class TaxOffice:
    """The bureau's side that takes applications."""

    def __init__(self, settings: TaxOfficeSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Reads the key. Raises SecretMissing, ValueError where it is no Ed25519 key."""
        self._signer = RequestSigner(settings.key_id, load_secret(settings.signing_key))
        self._client = httpx.AsyncClient(
            base_url=settings.base_url, transport=transport, timeout=httpx.Timeout(20, connect=5)
        )

    @classmethod
    def of(cls, settings: TaxOfficeSettings | None, transport: httpx.AsyncBaseTransport | None) -> Self | None:
        """The bureau, where the settings know it."""
        return cls(settings, transport) if settings else None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def apply(self, refund_no: str, event_id: str, amount_fen: int) -> Outcome[TaxRefund]:
        """Apply for a refund of a payment that the bureau has confirmed as `event_id`. Done: the bureau has it."""
        body = {"refund_no": refund_no, "event_id": event_id, "amount_fen": amount_fen}
        return await self._call("apply", "POST", "/tax/refunds", body)

    async def query(self, refund_no: str) -> Outcome[TaxRefund]:
        """What became of an application; Refused REFUNDUNKNOWN where the bureau knows none."""
        return await self._call("query", "GET", f"/tax/refunds/{refund_no}", None)

    async def _call(self, name: str, method: str, path: str, body: Mapping[str, Any] | None) -> Outcome[TaxRefund]:
        assert_no_transaction()
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        request = self._client.build_request(
            method, path, content=content, headers={"X-Request-ID": current_request_id()}
        )
        request.headers.update(self._signer.sign(method, str(request.url), content, int(time.time())))
        try:
            outcome = _read(await self._client.send(request))
        except httpx.HTTPError as error:
            outcome = Unknown(type(error).__name__)
        CHANNEL_CALLS.labels("etax", name, type(outcome).__name__.lower()).inc()
        return outcome


def _read(answer: httpx.Response) -> Outcome[TaxRefund]:
    try:
        data = answer.json()
        if answer.is_success:
            return Done(TaxRefund.model_validate(data))
        code = str(data.get("code", "")).replace("_", "").upper()
    except (ValueError, AttributeError):
        return Unknown(f"{answer.status_code} unreadable")
    # Who does not know us has not looked at the application.
    if code and answer.is_client_error and answer.status_code not in (401, 403, 408, 429):
        return Refused(code, str(data.get("message", "")))
    return Unknown(f"{answer.status_code} {code}")
