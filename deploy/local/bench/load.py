"""A load: prepared HTTP requests sent over a number of connections, each the next one as soon as it is answered.

It runs in a process of its own and spends as little as it can, because client, service and database share the machine.
"""

import asyncio
import multiprocessing
import resource
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import cast

import uvloop

from deploy.local import places


@dataclass
class Outcome:
    """How a load went."""

    seconds: float
    statuses: Counter[int]
    waits: list[float] = field(repr=False)
    """Seconds between sending and answer, in ascending order."""
    cpu_seconds: float
    sample: bytes = b""
    """The body of one answer that is no 2xx, if there was one."""

    @property
    def count(self) -> int:
        """Requests answered."""
        return len(self.waits)

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.count / self.seconds

    def wait_ms(self, share: float) -> float:
        """The wait within which `share` of the requests were answered, in ms: 0.99 for the 99th percentile."""
        return round(1000 * self.waits[min(self.count - 1, int(self.count * share))], 2)


def send(port: int, requests: Sequence[bytes], connections: int) -> Outcome:
    """Send whole requests (head and body) to a port of this machine, in order, and return when all are answered."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(theirs, port, connections))
    process.start()
    theirs.close()  # so that the end of the process is the end of the pipe
    ours.send_bytes(b"".join(len(one).to_bytes(4, "big") + one for one in requests))
    outcome: Outcome = ours.recv()
    ours.close()
    process.join()
    process.close()
    return outcome


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    given = {"Host": places.HOST, "Content-Length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in given.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Connection(asyncio.Protocol):
    """One connection: sends the next request of the queue when the last one is answered."""

    def __init__(self, queue: deque[bytes], done: asyncio.Future[None], outcome: Outcome) -> None:
        self._queue = queue
        self._done = done
        self._outcome = outcome
        self._buffer = b""
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def start(self) -> None:
        """Send the next request, or end where there is none."""
        if not self._queue:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._began = time.perf_counter()
        self._transport.write(self._queue.popleft())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        lower = head.lower()
        at = lower.index(b"content-length:") + 15
        end = lower.find(b"\r\n", at)
        if len(body) < int(lower[at : end if end > 0 else None]):
            return
        status = int(head[9:12])
        self._outcome.statuses[status] += 1
        if status >= 300:
            self._outcome.sample = body
        self._outcome.waits.append(time.perf_counter() - self._began)
        self._buffer = b""
        self.start()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._done.done():
            self._done.set_exception(error or ConnectionError("the service closed a connection"))


def _run(pipe: "multiprocessing.connection.Connection", port: int, connections: int) -> None:
    packed, at = pipe.recv_bytes(), 0
    queue: deque[bytes] = deque()
    while at < len(packed):
        size = int.from_bytes(packed[at : at + 4], "big")
        queue.append(packed[at + 4 : at + 4 + size])
        at += 4 + size
    pipe.send(uvloop.run(_send(port, queue, connections)))


async def _send(port: int, queue: deque[bytes], connections: int) -> Outcome:
    outcome = Outcome(0.0, Counter(), [], 0.0)
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(connections)]
    lines = []
    for end in ends:
        _, line = await loop.create_connection(partial(_Connection, queue, end, outcome), places.HOST, port)
        lines.append(line)
    began = time.perf_counter()
    for line in lines:
        line.start()
    await asyncio.gather(*ends)
    outcome.seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    outcome.cpu_seconds = used.ru_utime + used.ru_stime
    outcome.waits.sort()
    return outcome
