"""Events between services: a feed to pull, one head per pool, and followers that keep their cursor beside the effect.

The cursor moves in the transaction of the effect, so each event has its effect exactly once, whatever dies between, and
a follower that starts from nothing sees the same as one that was always there.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from .database import Database, Reader, Writer
from .http import Upstream
from .jobs import in_turn
from .metrics import FOLLOWER_LAG

BATCH = 500
LAST_SEQ = 2**63 - 1


class EventOut(BaseModel):
    """One event of a pool's feed."""

    model_config = ConfigDict(from_attributes=True)

    pool: str = Field(description="Pooling area", examples=["990101"])
    seq: int = Field(description="Number in the pool's feed, gap-free, in commit order", examples=[1])
    event_id: UUID = Field(description="Identifier of the event", examples=["0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"])
    type: str = Field(description="`noun.participle`", examples=["bill.paid"])
    subject: str = Field(description="Identifier of the record the event is about", examples=["9901010000000000000000"])
    version: int = Field(description="The record's version after the event", examples=[2])
    occurred_at: datetime = Field(description="Business instant", examples=["2021-12-05T10:00:00+08:00"])
    data: dict[str, Any] = Field(
        description="What happened; its shape is given by `type`", examples=[{"amount_fen": 30000}]
    )
    hash: str = Field(description="SHA-256 over the hash before and this event, hex", examples=["9f86d081884c7d65"])


class EventPage(BaseModel):
    """A page of a pool's feed."""

    items: list[EventOut] = Field(description="Events after the cursor, in order", examples=[[]])
    next: str | None = Field(description="Cursor of the next page; null where nothing is left", examples=["500"])


class Head(BaseModel):
    """Where a pool's feed ends."""

    pool: str = Field(description="Pooling area", examples=["990101"])
    seq: int = Field(description="Number of the last event", examples=[500])


class Heads(BaseModel):
    """Where every pool's feed ends."""

    items: list[Head] = Field(description="One entry per pool", examples=[[{"pool": "990101", "seq": 500}]])


class FollowerState(BaseModel):
    """How far this service has followed another."""

    source: str = Field(description="The service followed", examples=["registration"])
    pool: str = Field(description="Pooling area", examples=["990101"])
    cursor: int = Field(description="Last event whose effect is stored", examples=[500])
    head: int = Field(description="Last event the source has", examples=[500])
    lag: int = Field(description="Events still to follow", examples=[0])


class FollowerStates(BaseModel):
    """All feeds this service follows."""

    items: list[FollowerState] = Field(description="One entry per source and pool", examples=[[]])


@dataclass(frozen=True)
class Event:
    """An event as a follower sees it."""

    pool: str
    seq: int
    type: str
    subject: str
    version: int
    occurred_at: datetime
    data: Mapping[str, Any]


async def read_events(tx: Reader, pool: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Events of a pool after a cursor, in order; one more than `limit` where there are more."""
    rows = await tx.rows(
        "select pool, seq, event_id, type, subject, version, occurred_at, data, encode(hash, 'hex') as hash from event "
        "where pool = :pool and seq > :after order by seq limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
    )
    return [dict(row) for row in rows]


async def read_heads(tx: Reader) -> list[dict[str, Any]]:
    """The last number of every pool."""
    return [dict(row) for row in await tx.rows("select pool, seq from chain_head where chain = 'event' order by pool")]


Apply = Callable[[Writer, str, Sequence[Event]], Awaitable[None]]
"""Stores the effect of a pool's batch, in the transaction that moves the cursor. It asks nobody anything (law 8)."""

Prepare = Callable[[str, Sequence[Event]], Awaitable[Apply]]
"""Asks others what a batch needs, before the transaction, and answers with what applies it. A batch may be prepared
and not applied, where another worker was there first."""


def waves(events: Sequence[Event], key: Callable[[Event], object]) -> Iterator[Sequence[Event]]:
    """The events in parts that can be applied as sets: no key stands twice in one, and their order is kept."""
    wave: list[Event] = []
    seen: set[object] = set()
    for event in events:
        if key(event) in seen:
            yield wave
            wave, seen = [], set()
        wave.append(event)
        seen.add(key(event))
    if wave:
        yield wave


async def read_cursor(tx: Reader, pool: str, source: str) -> int:
    """The last event of a source whose effect is stored; 0 where none is."""
    seq: int | None = await tx.value(
        "select seq from follow_cursor where pool = :pool and source = :source", pool=pool, source=source
    )
    return seq or 0


async def hold_cursor(tx: Writer, pool: str, source: str) -> int:
    """The same, kept from moving until this transaction ends: what was asked of the source before is still in step."""
    await _ensure_cursor(tx, pool, source)
    seq: int = await tx.value(
        "select seq from follow_cursor where pool = :pool and source = :source for share", pool=pool, source=source
    )
    return seq


async def _ensure_cursor(tx: Writer, pool: str, source: str) -> None:
    await tx.execute(
        "insert into follow_cursor (pool, source, seq) values (:pool, :source, 0) "
        "on conflict (pool, source) do nothing",
        pool=pool,
        source=source,
    )


class Follower:
    """Follows one upstream's feed, pool by pool, and applies each batch in one transaction with its cursor.

    With `prepare` a batch is prepared before its transaction, and what that answers is applied.
    """

    def __init__(
        self, database: Database, upstream: Upstream, apply: Apply | None = None, *, prepare: Prepare | None = None
    ) -> None:
        if (apply is None) == (prepare is None):
            raise ValueError("a follower either applies its batches or prepares them")
        self.source = upstream.name
        self._database = database
        self._upstream = upstream
        self._apply = apply
        self._prepare = prepare

    async def work(self) -> bool:
        """Follow every pool that is behind by one batch; whether any was.

        A pool whose batch fails does not hold up the others; its failure is raised after them.
        """
        behind = [state for state in await self.states() if state["lag"]]
        return await in_turn(behind, self._catch_up)

    async def _catch_up(self, state: Mapping[str, Any]) -> bool:
        await self.follow(state["pool"], state["cursor"])
        return True

    async def states(self) -> list[dict[str, Any]]:
        """Cursor, head and lag of every pool."""
        heads = (await self._upstream.get("/v1/events/heads"))["items"]
        async with self._database.reading() as tx:
            rows = await tx.rows("select pool, seq from follow_cursor where source = :source", source=self.source)
        cursors = {row["pool"]: row["seq"] for row in rows}
        states = []
        for head in heads:
            cursor = cursors.get(head["pool"], 0)
            lag = head["seq"] - cursor
            FOLLOWER_LAG.labels(self.source, head["pool"]).set(lag)
            states.append(
                {
                    "source": self.source,
                    "pool": head["pool"],
                    "cursor": cursor,
                    "head": head["seq"],
                    "lag": lag,
                }
            )
        return states

    async def follow(self, pool: str, cursor: int) -> None:
        """Fetch one batch after `cursor` and apply it, unless another worker was there first."""
        batch = (await self._upstream.get("/v1/events", pool=pool, after=str(cursor), limit=BATCH))["items"]
        if not batch:
            return
        events = [
            Event(
                item["pool"],
                item["seq"],
                item["type"],
                item["subject"],
                item["version"],
                datetime.fromisoformat(item["occurred_at"]),
                item["data"],
            )
            for item in batch
        ]
        apply = await self._prepare(pool, events) if self._prepare else self._apply
        assert apply is not None
        async with self._database.writing() as tx:
            await _ensure_cursor(tx, pool, self.source)
            standing = await tx.value(
                "select seq from follow_cursor where pool = :pool and source = :source for update",
                pool=pool,
                source=self.source,
            )
            if standing != cursor:
                return
            await apply(tx, pool, events)
            await tx.execute(
                "update follow_cursor set seq = :seq where pool = :pool and source = :source",
                seq=events[-1].seq,
                pool=pool,
                source=self.source,
            )
