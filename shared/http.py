"""Outgoing calls: one client per upstream, typed by the service's `clients.py`.

Every call carries the request id and a token, is never made inside a transaction (law 8), and is repeated where that
is safe: reads always, writes because they carry an Idempotency-Key. An upstream that cannot be reached becomes the
problem `upstream_unavailable`; what it refuses becomes `UpstreamRefusal`, for the use case to read.
"""

from collections.abc import Mapping
from typing import Any

import httpx
import orjson
import stamina

from .database import assert_no_transaction
from .logs import current_request_id
from .problem import ProblemType
from .tokens import ClientCredentials

UPSTREAM_UNAVAILABLE = ProblemType(
    "upstream_unavailable",
    503,
    ("上游服务暂不可用", "An upstream service is not available"),
    (
        "服务 {name} 暂不可用，请稍后用同一个 Idempotency-Key 重试",
        "Service {name} is not available; repeat later with the same Idempotency-Key",
    ),
)
UPSTREAM_REFUSED = ProblemType(
    "upstream_refused",
    502,
    ("上游服务拒绝", "An upstream service refused"),
    (
        "服务 {name} 拒绝了查询（{code}），请核对内容",
        "Service {name} refused what it was asked ({code}); check the request",
    ),
)

_PASSING = {429, 502, 503, 504}


class UpstreamRefusal(Exception):
    """The upstream answered 4xx: `status`, its problem `code` and the whole `body`.

    A use case that knows what it means says so with a problem of its own; otherwise it becomes UPSTREAM_REFUSED.
    """

    def __init__(self, name: str, status: int, body: Mapping[str, Any]) -> None:
        self.name, self.status, self.body = name, status, body
        self.code = str(body.get("code", ""))
        super().__init__(f"{name} answered {status} {self.code}")


class _Passing(Exception):
    """Worth trying again."""


class Upstream:
    """A REST service that this one asks."""

    def __init__(
        self,
        name: str,
        base_url: str,
        auth: ClientCredentials,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self._auth = auth
        self._client = httpx.AsyncClient(
            base_url=base_url,
            auth=auth,
            transport=transport,
            timeout=httpx.Timeout(60, connect=5),
            limits=httpx.Limits(max_connections=50, max_keepalive_connections=20),
        )

    async def get(self, path: str, **params: Any) -> Any:
        """GET JSON. Raises UpstreamRefusal, Problem UPSTREAM_UNAVAILABLE."""
        return await self._call(
            "GET", path, params={name: value for name, value in params.items() if value is not None}
        )

    async def post(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Any:
        """POST JSON, under an idempotency key where the route creates something. Raises like `get`."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        return await self._call("POST", path, content=orjson.dumps(body), headers=headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
        await self._auth.close()

    async def _call(self, method: str, path: str, **parts: Any) -> Any:
        assert_no_transaction()
        headers = {**parts.pop("headers", {}), "X-Request-ID": current_request_id()}
        try:
            async for attempt in stamina.retry_context(
                on=_Passing, attempts=5, timeout=20, wait_initial=0.05, wait_max=2
            ):
                with attempt:
                    return await self._once(method, path, headers=headers, **parts)
        except _Passing as error:
            raise UPSTREAM_UNAVAILABLE(name=self.name) from error
        raise AssertionError("unreachable")

    async def _once(self, method: str, path: str, **parts: Any) -> Any:
        try:
            answer = await self._client.request(method, path, **parts)
        except httpx.HTTPError as error:  # on the way, or from the issuer of our own token
            raise _Passing from error
        if answer.is_success:
            return orjson.loads(answer.content)
        body = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        if answer.status_code in _PASSING or body.get("code") == "idempotency_key_in_use":
            raise _Passing
        if answer.status_code >= 500:
            raise UPSTREAM_UNAVAILABLE(name=self.name)
        raise UpstreamRefusal(self.name, answer.status_code, body)
