"""Followers that prepare a batch before its transaction, and the cursor that others can hold."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextvars import copy_context
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import SHANGHAI
from shared.database import Database, Writer, assert_no_transaction
from shared.events import Apply, Event, Follower, hold_cursor, read_cursor, waves
from shared.http import Upstream
from shared.tokens import ClientCredentials
from tests.payments_town import POOL
from tests.suite import InProcessSuite

AT = datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)


class Asker:
    """Follows payments; asks somebody before each batch, and notes what was prepared and what was applied."""

    def __init__(self, source: InProcessSuite, address: str) -> None:
        self.database = Database(address)
        issuer = source._transports["issuer"]
        auth = ClientCredentials("http://issuer/token", "registration", source.issuer.secret("registration"), issuer)
        transport = httpx.ASGITransport(source.apps["payments"])
        self.upstream = Upstream("payments", "http://payments", auth, transport)
        self.follower = Follower(self.database, self.upstream, prepare=self.prepare)
        self.asked = asyncio.Event()
        self.prepared: list[int] = []
        self.applied: list[str] = []

    async def prepare(self, _pool: str, events: Sequence[Event]) -> Apply:
        """Law 8 holds: this is the place to ask."""
        assert_no_transaction()
        await self.upstream.get("/v1/events/heads")
        self.prepared.append(len(events))
        self.asked.set()
        answer = f"asked about {len(events)}"

        async def apply(tx: Writer, _pool: str, batch: Sequence[Event]) -> None:
            assert batch == events
            with pytest.raises(RuntimeError, match="inside a database transaction"):
                assert_no_transaction()
            self.applied.append(answer)

        return apply


@pytest.fixture
async def asker(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[Asker]:
    source = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    async with source.apps["payments"].state.database.writing() as tx:
        for name in ("one", "two"):
            tx.publish(POOL, "thing.happened", name, 1, AT, {})
    made = Asker(source, databases["registration"])
    yield made
    await made.upstream.close()
    await made.database.close()
    await source.close()


async def test_a_batch_is_prepared_outside_and_applied_inside_its_transaction(asker: Asker) -> None:
    assert await asker.follower.work()
    assert not await asker.follower.work()
    assert (asker.prepared, asker.applied) == ([2], ["asked about 2"])


async def test_what_another_worker_has_applied_meanwhile_is_prepared_in_vain(asker: Asker) -> None:
    await asyncio.gather(*[asker.follower.follow(POOL, 0) for _ in range(5)])
    assert (len(asker.prepared), len(asker.applied)) == (5, 1)


async def test_a_held_cursor_does_not_move(asker: Asker) -> None:
    async with asker.database.reading() as reader:
        assert await read_cursor(reader, POOL, "payments") == 0
    outside = copy_context()  # a follower works in no transaction of ours
    async with asker.database.writing() as tx:
        assert await hold_cursor(tx, POOL, "payments") == 0
        following = asyncio.create_task(asker.follower.work(), context=outside)
        await asyncio.wait_for(asker.asked.wait(), 10)
        await asyncio.sleep(0.1)  # time enough to apply, were the cursor not held
        assert (asker.prepared, asker.applied) == ([2], [])
    await following
    async with asker.database.reading() as reader:
        assert await read_cursor(reader, POOL, "payments") == 2


def test_a_follower_applies_or_prepares() -> None:
    async def apply(tx: Writer, pool: str, events: Sequence[Event]) -> None:
        raise AssertionError

    async def prepare(pool: str, events: Sequence[Event]) -> Apply:
        raise AssertionError

    nobody: Any = type("Nobody", (), {"name": "nobody"})()
    with pytest.raises(ValueError, match="either applies"):
        Follower(nobody, nobody)
    with pytest.raises(ValueError, match="either applies"):
        Follower(nobody, nobody, apply, prepare=prepare)


@given(st.lists(st.sampled_from("abcd")))
def test_waves_keep_the_order_and_name_nobody_twice(keys: list[str]) -> None:
    events = [Event(POOL, n, "thing.happened", key, 1, AT, {}) for n, key in enumerate(keys)]
    parts = list(waves(events, lambda event: event.subject))
    assert [event for part in parts for event in part] == events
    assert all(len({event.subject for event in part}) == len(part) > 0 for part in parts)
