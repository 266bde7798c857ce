"""Notifications of a simulated WeChat Pay: signed anew each time they are sent, and repeated by the published schedule
until they are answered with 200 or 204."""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from .wechat_wire import KeyMode, Keys

SCHEDULE = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
"""Seconds between the attempts."""
_AT_ONCE = 20
_POLL_SECONDS = 0.05


@dataclass
class Letter:
    """A notification on its way: the same bytes under the same id in every attempt."""

    url: str
    body: bytes
    due: float
    attempts: int = 0


class Post:
    """The notifications that are on their way. `scale` shortens the schedule: 0.01 turns 15 seconds into 0.15."""

    def __init__(self, keys: Keys, client: httpx.AsyncClient, scale: float) -> None:
        self._keys, self._client, self.scale = keys, client, scale
        self.letters: list[Letter] = []
        self.key_mode: KeyMode = "mixed"
        self.reorder = False
        self.answers: list[int] = []
        """How the last notifications were answered."""

    def write(
        self,
        url: str,
        event: str,
        resource: Mapping[str, Any],
        *,
        at: datetime,
        copies: int = 1,
        delay: float = 0,
        about: str | None = None,
    ) -> bytes:
        """Put a notification on its way; the bytes of its body. `about`: its associated data, which may be empty."""
        kind = "refund" if event.startswith("REFUND") else "transaction"
        body = json.dumps(
            {
                "id": secrets.token_hex(16),
                "create_time": at.isoformat(timespec="seconds"),
                "resource_type": "encrypt-resource",
                "event_type": event,
                "summary": "支付成功" if kind == "transaction" else "退款通知",
                "resource": self._keys.seal(resource, kind, kind if about is None else about),
            },
            ensure_ascii=False,
        ).encode()
        self.letters += [Letter(url, body, time.monotonic() + delay * self.scale) for _ in range(copies)]
        return body

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send bytes once; the status of the answer, 0 where there is none."""
        try:
            sent = {"Content-Type": "application/json", **headers}
            answer = await self._client.post(url, content=body, headers=sent)
        except httpx.HTTPError:
            return 0
        return answer.status_code

    async def deliver(self, *, everything: bool = False) -> int:
        """Send what is due, or everything; how many were sent."""
        due = [letter for letter in self.letters if everything or letter.due <= time.monotonic()][:_AT_ONCE]
        if self.reorder:
            due.reverse()
        for letter in due:
            self.letters.remove(letter)
        await asyncio.gather(*(self._attempt(letter) for letter in due))
        return len(due)

    async def run(self) -> None:
        """Deliver what becomes due, for ever."""
        while True:
            if not await self.deliver():
                await asyncio.sleep(_POLL_SECONDS)

    async def _attempt(self, letter: Letter) -> None:
        serial = self._keys.serial(self.key_mode)
        status = await self.send(letter.url, letter.body, self._keys.headers(letter.body, serial))
        self.answers = [*self.answers[-999:], status]
        if status not in (200, 204) and letter.attempts < len(SCHEDULE):
            letter.due = time.monotonic() + SCHEDULE[letter.attempts] * self.scale
            letter.attempts += 1
            self.letters.append(letter)
