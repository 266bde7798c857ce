"""A partner that takes webhooks: a real HTTP server on this machine that answers what the test wants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from shared.jobs import Job
from tests.suite import InProcessSuite

POOL = "140522"
OTHER_POOL = "990101"
Answer = tuple[int, dict[str, str]]


@dataclass
class Message:
    """One call as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.body)["data"]
        return found


@dataclass
class Receiver:
    """Answers `answer` to every call; one that hangs takes calls and never answers."""

    url: str = ""
    answer: Answer = (204, {})
    hangs: bool = False
    messages: list[Message] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                headers = {}
                while (text := (await reader.readline()).decode().strip()) != "":
                    name, _, value = text.partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers["content-length"]))
                self.messages.append(Message(line.decode().split()[1], headers, body))
                self.arrived.set()
                if self.hangs:
                    await reader.read()  # until the caller gives up
                    return
                status, given = self.answer
                lines = [f"HTTP/1.1 {status} x", *(f"{k}: {v}" for k, v in given.items()), "Content-Length: 0", "", ""]
                writer.write("\r\n".join(lines).encode())
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.close()

    @property
    def ids(self) -> list[str]:
        return [message.event_id for message in self.messages]

    @property
    def seqs(self) -> list[int]:
        return [message.data["seq"] for message in self.messages]


@asynccontextmanager
async def receiver(**how: Any) -> AsyncIterator[Receiver]:
    """A partner's address for the time of a test."""
    made = Receiver(**how)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield made
    finally:
        server.close()


def job(suite: InProcessSuite, name: str, service: str = "payments") -> Job:
    """One of a service's jobs."""
    found: Job = next(one for one in suite.apps[service].state.jobs if one.name == name)
    return found


async def push(suite: InProcessSuite, service: str = "payments") -> None:
    """Push until nothing is due."""
    while await job(suite, "push_webhooks", service).work():
        pass


class Partner:
    """An application that has webhooks at one service."""

    def __init__(self, suite: InProcessSuite, service: str = "payments", *, area: str = "") -> None:
        self.suite, self.service = suite, service
        self.client = suite.client(service, f"{service}:read", area=area)
        self._keys = iter(range(1000))

    async def post(self, path: str, *, version: int | None = None, **body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": f"key-{next(self._keys)}"} | ({"If-Match": f'"{version}"'} if version else {})
        return await self.client.post(path, params={"pool": POOL}, json=body or None, headers=headers)

    async def subscribe(self, url: str, **more: Any) -> dict[str, Any]:
        answer = await self.post("/v1/webhooks", pool=POOL, url=url, **more)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def read(self, webhook: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/webhooks/{webhook['webhook_id']}", params={"pool": POOL})
        found: dict[str, Any] = answer.json()
        return found

    async def deliveries(self, webhook: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        path = f"/v1/webhooks/{webhook['webhook_id']}/deliveries"
        items: list[dict[str, Any]] = (await self.client.get(path, params={"pool": POOL, **query})).json()["items"]
        return items

    async def command(self, webhook: dict[str, Any], name: str, **body: Any) -> httpx.Response:
        return await self.post(f"/v1/webhooks/{webhook['webhook_id']}/{name}", **body)


async def happen(
    suite: InProcessSuite, count: int = 1, kind: str = "bill.paid", *, service: str = "payments", **data: Any
) -> None:
    """Events in the feed of the pool, one transaction each."""
    for n in range(count):
        async with suite.apps[service].state.database.writing() as tx:
            tx.publish(POOL, kind, f"{kind}-{n}", 1, suite.clock.now(), data or {"amount_fen": 32000})


async def edit(suite: InProcessSuite, sql: str, **values: Any) -> None:
    """Time passes: what was due later is due now."""
    async with suite.apps["payments"].state.database.writing() as tx:
        await tx.execute(sql, **values)


async def hasten(suite: InProcessSuite) -> None:
    await edit(suite, "update webhook_delivery set due_at = now() - interval '1 s' where state = 'waiting'")
    await edit(suite, "update webhook set rest_until = null")
