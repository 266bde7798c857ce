"""The front end of the treasury, as far as payments calls it: takes our packages of refunds, and has their answers.

    POST /packages                                   2xx: it has it · 4xx {"code", "message"}: it refuses the whole
    GET  /packages/{office}/{YYYYMMDD}/{pack_no}     200: the answer (9110) · 204: none yet · 404: it knows of none

The same numbers are the same package, so it may be sent again. What is behind it is authenticated by its trailer.
"""

from datetime import date
from typing import Self

import httpx

from shared.database import assert_no_transaction
from shared.logs import current_request_id
from shared.metrics import CHANNEL_CALLS

from ..settings import TreasurySettings
from .outcomes import Done, Outcome, Refused, Unknown

ABSENT = "PACKAGEUNKNOWN"
"""The code of a refusal that says: there is no such package."""


class TreasuryFront:
    """The line to the treasury."""

    def __init__(self, front_url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(base_url=front_url, transport=transport, timeout=httpx.Timeout(30, connect=5))

    @classmethod
    def of(cls, settings: TreasurySettings | None, transport: httpx.AsyncBaseTransport | None) -> Self | None:
        """The line, where the settings know one; else packages are carried by people."""
        return cls(settings.front_url, transport) if settings and settings.front_url else None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def send(self, package: bytes) -> Outcome[bytes]:
        """Hand a package over. Done: the treasury has it."""
        return await self._call("send", "POST", "/packages", package)

    async def answer(self, office: str, day: date, pack_no: str) -> Outcome[bytes]:
        """The answer to a package, empty where there is none yet; Refused ABSENT where the treasury knows of none."""
        return await self._call("answer", "GET", f"/packages/{office}/{day:%Y%m%d}/{pack_no}", b"")

    async def _call(self, name: str, method: str, path: str, content: bytes) -> Outcome[bytes]:
        assert_no_transaction()
        headers = {"X-Request-ID": current_request_id(), "Content-Type": "application/xml"}
        outcome: Outcome[bytes]
        try:
            outcome = _read(await self._client.request(method, path, content=content, headers=headers))
        except httpx.HTTPError as error:
            outcome = Unknown(type(error).__name__)
        CHANNEL_CALLS.labels("treasury", name, type(outcome).__name__.lower()).inc()
        return outcome


def _read(answer: httpx.Response) -> Outcome[bytes]:
    if answer.is_success:
        return Done(answer.content)
    try:
        data = answer.json()
        code = str(data.get("code", "")).replace("_", "").upper()
    except (ValueError, AttributeError):
        return Unknown(f"{answer.status_code} unreadable")
    if code and answer.is_client_error and answer.status_code not in (401, 403, 408, 429):
        return Refused(code, str(data.get("message", "")))
    return Unknown(f"{answer.status_code} {code}")
