"""The public API as a party calls it: tokens, keys, request ids – and patience, because services may be killed.

A request that got no answer is sent again with the same Idempotency-Key until there is one. That is all a client needs
to do: the same key has the same effect once.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import httpx

from .parties import Parties

Headers = Mapping[str, str]
_PATIENCE_SECONDS = 90.0
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
_AGAIN = frozenset({502, 503, 504})


@dataclass(frozen=True)
class Reply:
    """An answer: status, JSON body, and the record's version tag where it has one."""

    status: int
    body: dict[str, Any]
    etag: str | None

    @property
    def code(self) -> str:
        """The code of a problem; empty for an answer that is none."""
        return str(self.body.get("code", "")) if self.status >= 400 else ""


class Unexpected(RuntimeError):
    """An answer with which the season cannot go on."""


class Wire:
    """HTTP to the four services. `async with` closes the connections."""

    def __init__(self, addresses: Mapping[str, str], parties: Parties) -> None:
        limits = httpx.Limits(max_connections=16, max_keepalive_connections=16)
        self._clients = {
            name: httpx.AsyncClient(base_url=address, timeout=30, trust_env=False, limits=limits)
            for name, address in addresses.items()
        }
        self._parties = parties
        self.pool = parties.pool
        self.requests = 0
        self.repeats = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def get(self, service: str, by: str, path: str, **params: Any) -> Reply:
        """Read something. Raises Unexpected for anything but an answer."""
        reply = await self._send(service, "GET", path, by, params=params)
        return _wanted(reply, service, "GET", path)

    async def post(
        self,
        service: str,
        by: str,
        path: str,
        *,
        key: str,
        body: Mapping[str, Any] | None = None,
        content: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        if_match: str | None = None,
        may_refuse: bool = False,
    ) -> Reply:
        """Do something once. Raises Unexpected for a refusal, unless `may_refuse`."""
        headers = {"Idempotency-Key": f'"{key}"', "X-Request-ID": key}
        if if_match is not None:
            headers["If-Match"] = if_match
        if content is not None:
            headers["Content-Type"] = "application/octet-stream"
        reply = await self._send(service, "POST", path, by, headers, params=params, json=body, content=content)
        if may_refuse and 400 <= reply.status < 500:
            return reply
        return _wanted(reply, service, "POST", path)

    async def hand_over(
        self,
        service: str,
        path: str,
        *,
        content: bytes,
        params: Mapping[str, Any],
        sign: Callable[[str, bytes], Headers],
    ) -> Reply:
        """Send bytes without a token, signed for the address that is called. Raises Unexpected for a refusal."""
        address = str(self._clients[service].build_request("POST", path, params=params).url)
        reply = await self._send(
            service, "POST", path, "", lambda: sign(address, content), params=params, content=content
        )
        return _wanted(reply, service, "POST", path)

    async def items(
        self, service: str, by: str, path: str, *, pages: int = 1000, **params: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = (await self.get(service, by, path, **params, **cursor, limit=pages)).body
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            cursor = {"after": page["next"]}

    async def _send(
        self,
        service: str,
        method: str,
        path: str,
        by: str,
        headers: Headers | Callable[[], Headers] | None = None,
        **request: Any,
    ) -> Reply:
        """Send until there is an answer. `by` nobody: without a token; `headers` that are called are made each time."""
        token = {"Authorization": f"Bearer {self._parties.token(by)}"} if by else {}
        deadline = time.monotonic() + _PATIENCE_SECONDS
        attempt = 0
        while True:
            self.requests += 1
            sent = headers() if callable(headers) else headers or {}
            try:
                answer = await self._clients[service].request(method, path, headers={**token, **sent}, **request)
                if not _comes_again(answer):
                    return Reply(answer.status_code, _json(answer), answer.headers.get("ETag"))
                trouble = f"{answer.status_code} {answer.text[:300]}"
            except httpx.TransportError as error:
                trouble = repr(error)
            if time.monotonic() > deadline:
                raise Unexpected(f"{service} {method} {path}: no answer in {_PATIENCE_SECONDS:.0f} s ({trouble})")
            self.repeats += 1
            await asyncio.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
            attempt += 1


def _comes_again(answer: httpx.Response) -> bool:
    """Whether the same request should be sent again: the service is away, or still busy with the first one."""
    if answer.status_code in _AGAIN:
        return True
    return answer.status_code == httpx.codes.CONFLICT and _json(answer).get("code") == "idempotency_key_in_use"


def _json(answer: httpx.Response) -> dict[str, Any]:
    if answer.headers.get("Content-Type", "") == "application/octet-stream":
        return {"size_bytes": len(answer.content)}
    try:
        body = answer.json()
    except ValueError:
        return {"text": answer.text[:500]}
    return body if isinstance(body, dict) else {"value": body}


def _wanted(reply: Reply, service: str, method: str, path: str) -> Reply:
    if reply.status >= 300:
        raise Unexpected(f"{service} {method} {path}: {reply.status} {reply.body}")
    return reply
