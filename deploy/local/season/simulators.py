"""What happens outside our houses: the season driver tells the simulated channels what payers and partners do.

Every simulator has its control routes beside its own protocol; what passes between it and payments is its affair.
"""

import asyncio
import time
from typing import Any, Self

import httpx

from deploy.local import places

from .wire import Unexpected

_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.2


class Simulators:
    """The control routes of the channels, by name. `async with` closes the connections."""

    def __init__(self) -> None:
        # A simulator closes a connection after 5 idle seconds: what is never sent twice does not go out on such a one.
        limits = httpx.Limits(keepalive_expiry=2)
        self._clients = {
            name: httpx.AsyncClient(base_url=places.address(port), timeout=60, trust_env=False, limits=limits)
            for name, port in places.SIMULATOR_PORTS.items()
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def tell(self, channel: str, path: str, body: dict[str, Any]) -> Any:
        """POST /control/…; the JSON answer. Raises Unexpected for a refusal. Never sent twice."""
        answer = await self._clients[channel].post(f"/control/{path}", json=body)
        if answer.status_code >= 300:
            raise Unexpected(f"{channel} /control/{path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else {}

    async def statement(self, channel: str, **params: str) -> bytes | None:
        """The channel's own file of a day; None where it prints none. Asked again while the simulator is away."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                answer = await self._clients[channel].get("/control/statement", params=params)
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise Unexpected(f"{channel} /control/statement: {error!r}") from error
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if answer.status_code in (204, 404):
                return None
            if answer.status_code >= 300:
                raise Unexpected(f"{channel} /control/statement: {answer.status_code} {answer.text[:500]}")
            return answer.content
