"""Questions: one person's open bills, the statuses of one person and of ten thousand."""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator
from functools import cache
from uuid import UUID

import asyncpg
import httpx

from deploy.local import places
from deploy.local.postgres import EmbeddedPostgres

from . import limits, load, stage
from .empty import SCOPE
from .measures import Measured, against
from .rounds import Used, send

CONNECTIONS = 64
ROUNDS = 3
BATCH = 10_000
BATCHES = 5
_EMPTY_ROUTE = "the framework's empty authenticated route, 64 connections"


def bill_query(size: float) -> Iterator[Measured]:
    """One person's open bills, by token and area."""
    persons, each = round(100_000 * size), round(30_000 * size)
    with stage.database() as postgres:
        url = billed(postgres, "payments", 3 * persons)
        with stage.served("payments", url) as service:
            asked = [bills_of(n * 7 % persons) for n in range(each)]
            yield _against_the_framework("bill_query", postgres, service, asked)


def eligibility_lookup(size: float) -> Iterator[Measured]:
    """The statuses of one person, with their evidence and what was near."""
    persons, each = round(100_000 * size), round(30_000 * size)
    with stage.database() as postgres:
        url = registered(postgres, persons)
        with stage.served("eligibility", url) as service:
            asked = [statuses_of(n * 7 % persons) for n in range(each)]
            yield _against_the_framework("eligibility_lookup", postgres, service, asked)


def eligibility_batch(size: float) -> Iterator[Measured]:
    """The statuses of 10,000 persons a request; and of everybody, as a stream, in memory that does not grow."""
    persons = max(round(700_000 * size), 2 * BATCH)
    with stage.database() as postgres:
        url = registered(postgres, persons)
        with stage.served("eligibility", url) as service:
            streamed = _streams(service, persons)
        with stage.served("eligibility", url) as service:
            yield _batches(postgres, service, url, persons, streamed)


def _batches(
    postgres: EmbeddedPostgres, service: stage.Served, url: str, persons: int, streamed: dict[str, float]
) -> Measured:
    sets = [[person((at * BATCH + n) * 7 % persons) for n in range(BATCH)] for at in range(BATCHES)]
    asked = [batch_of(each) for each in sets]
    send(service, asked, 1)
    possible, reached = [], []
    used = Used(service, postgres)
    for _ in range(ROUNDS):
        possible.append(BATCH * BATCHES / asyncio.run(_timed_statement(url, sets)))
        with used:
            reached.append(send(service, asked, 1))
    rates = [BATCH * BATCHES / one.seconds for one in reached]
    beside = used.beside(reached, BATCH * BATCHES) | streamed
    limit_is = "one set-based SQL statement for the same look-up, prepared, its rows read"
    return against("eligibility_batch", "persons/s", BATCH, rates, possible, limit_is, 0.3, beside)


async def _timed_statement(url: str, sets: list[list[UUID]]) -> float:
    """Seconds in which Postgres alone answers the batches."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    statement = await connection.prepare(limits.filled("batch.sql"))
    began = time.perf_counter()
    for each in sets:
        await statement.fetch(stage.POOL, each)
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds


def _streams(service: stage.Served, persons: int) -> dict[str, float]:
    """The peak of the service's memory after a hundredth, a tenth and the whole of everybody was read as a stream."""
    beside: dict[str, float] = {}
    for share in (100, 10, 1):
        began = time.perf_counter()
        lines = _read_stream(service.port, persons // share)
        seconds = time.perf_counter() - began
        beside |= {
            f"stream_peak_mib_at_{lines}": round(service.peak_mib(), 1),
            f"stream_persons_per_second_at_{lines}": round(lines / seconds),
        }
    return beside


def _read_stream(port: int, persons: int) -> int:
    """Read the statuses of everybody as a stream, or of so many of them; the lines read."""
    address = f"http://{places.HOST}:{port}/v1/statuses/export?pool={stage.POOL}"
    lines = 0
    with httpx.stream("GET", address, headers=_bearer("eligibility:read"), timeout=600) as answer:
        answer.raise_for_status()
        for piece in answer.iter_raw():
            lines += piece.count(b"\n")
            if lines >= persons:
                break
    return lines


def _against_the_framework(
    name: str, postgres: EmbeddedPostgres, service: stage.Served, asked: list[bytes]
) -> Measured:
    """Rounds of questions and of empty requests in turn, after a warm-up of both."""
    headers = {"Authorization": f"Bearer {stage.token(SCOPE)}"}
    nothing = [load.request("GET", "/v1/empty", headers)] * len(asked)
    with stage.served("empty", "", app="deploy.local.bench.empty:create_app") as empty:
        possible, reached = [], []
        used = Used(service, postgres)
        for at in range(ROUNDS + 1):
            bare = send(empty, nothing, CONNECTIONS)
            with used if at else Used(service, postgres):
                ours = send(service, asked, CONNECTIONS)
            if at:
                possible.append(bare.per_second)
                reached.append(ours)
        beside = used.beside(reached, len(asked))
    rates = [one.per_second for one in reached]
    return against(name, "questions/s", len(asked), rates, possible, _EMPTY_ROUTE, 0.5, beside)


def billed(postgres: EmbeddedPostgres, name: str, count: int) -> str:
    """A database of payments with so many bills; its URL."""
    url = stage.migrated(postgres, "payments", name)
    postgres.execute(limits.filled("bills.sql", count=count), name)
    return url


def registered(postgres: EmbeddedPostgres, count: int) -> str:
    """A database of eligibility with so many persons; its URL."""
    url = stage.migrated(postgres, "eligibility", "eligibility")
    postgres.execute(limits.filled("people.sql", count=count), "eligibility")
    return url


def batch_of(persons: list[UUID]) -> bytes:
    """The question after the statuses of many."""
    headers = {**_bearer("eligibility:read"), "Content-Type": "application/json"}
    body = {"pool": stage.POOL, "person_ids": [str(each) for each in persons]}
    return load.request("POST", "/v1/statuses/query", headers, json.dumps(body).encode())


def person(n: int) -> UUID:
    """The person whom the scripts of this folder give this number."""
    return UUID(hashlib.md5(f"person {n}".encode(), usedforsecurity=False).hexdigest())


def bills_of(n: int) -> bytes:
    """The question after a person's open bills."""
    path = f"/v1/bills?pool={stage.POOL}&person_id={person(n)}&status=open"
    return load.request("GET", path, _bearer("payments:read", area=f"{stage.POOL}001"))


def statuses_of(n: int) -> bytes:
    """The question after a person's statuses."""
    path = f"/v1/persons/{person(n)}/statuses?pool={stage.POOL}"
    return load.request("GET", path, _bearer("eligibility:read", area=f"{stage.POOL}001"))


@cache
def _bearer(scope: str, area: str = "") -> dict[str, str]:
    return {"Authorization": f"Bearer {stage.token(scope, area=area)}"}
