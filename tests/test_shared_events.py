"""Following a feed: each event has its effect exactly once, whoever follows at the same time, fails or comes late."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import IntegrityError

from shared.clock import SHANGHAI
from shared.database import Database, Writer
from shared.events import BATCH, Event, Follower
from shared.http import Upstream
from shared.tokens import ClientCredentials
from tests.payments_town import POOL
from tests.suite import InProcessSuite

OTHER = "140300"
AT = datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)


@pytest.fixture
async def source(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """Payments, whose feed is followed."""
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    yield suite
    await suite.close()


class Worker:
    """A process that follows payments and notes each event in its database, once more each time it sees it."""

    def __init__(self, source: InProcessSuite, address: str) -> None:
        self.database = Database(address)
        issuer = source._transports["issuer"]
        auth = ClientCredentials("http://issuer/token", "registration", source.issuer.secret("registration"), issuer)
        transport = httpx.ASGITransport(source.apps["payments"])
        self.upstream = Upstream("payments", "http://payments", auth, transport)
        self.follower = Follower(self.database, self.upstream, self.apply)
        self.batches: list[int] = []
        self.poison: str | None = None

    async def apply(self, tx: Writer, pool: str, events: Sequence[Event]) -> None:
        """Note the events; on the way, break off at the poisoned one."""
        self.batches.append(len(events))
        for event in events:
            if event.subject == self.poison:
                raise RuntimeError(f"cannot take {event.subject}")
        await tx.execute(
            "insert into seen (pool, seq, subject) select :pool, * "
            "from unnest(cast(:seqs as bigint[]), cast(:subjects as text[]))",
            pool=pool,
            seqs=[event.seq for event in events],
            subjects=[event.subject for event in events],
        )
        await asyncio.sleep(0)

    async def seen(self, pool: str = POOL) -> list[tuple[int, str]]:
        """What was noted, in the order of the feed."""
        async with self.database.reading() as tx:
            rows = await tx.rows("select seq, subject from seen where pool = :pool order by seq", pool=pool)
        return [(row["seq"], row["subject"]) for row in rows]

    async def cursors(self) -> dict[str, int]:
        """How far it says it has followed, by pool."""
        async with self.database.reading() as tx:
            rows = await tx.rows("select pool, seq from follow_cursor where source = 'payments'")
        return {row["pool"]: row["seq"] for row in rows}

    async def follow_to_the_end(self) -> None:
        """Work until nothing is left."""
        while await self.follower.work():
            pass


@pytest.fixture
async def workers(source: InProcessSuite, databases: dict[str, str]) -> AsyncIterator[list[Worker]]:
    """Two workers of eligibility, and one of registration that has its own database."""
    made = [Worker(source, databases[service]) for service in ("eligibility", "eligibility", "registration")]
    for worker in made[1:]:
        async with worker.database.writing() as tx:
            await tx.execute("create table seen (pool text not null, seq bigint not null, subject text not null)")
    yield made
    for worker in made:
        await worker.upstream.close()
        await worker.database.close()


async def tell(source: InProcessSuite, names: Sequence[str], pool: str = POOL) -> None:
    """Publish one event for each name, in one transaction."""
    async with source.apps["payments"].state.database.writing() as tx:
        for name in names:
            tx.publish(pool, "thing.happened", name, 1, AT, {"name": name})


def numbered(count: int, prefix: str = "event") -> list[tuple[int, str]]:
    return [(n, f"{prefix}-{n}") for n in range(1, count + 1)]


async def test_two_workers_at_once_have_each_event_once_while_more_are_told(
    source: InProcessSuite, workers: list[Worker]
) -> None:
    told, done = 400, asyncio.Event()

    async def keep_telling() -> None:
        for first in range(1, told + 1, 8):
            await asyncio.gather(
                tell(source, [f"event-{n}" for n in range(first, first + 8)]),
                tell(source, [f"other-{n}" for n in range(first, first + 8)], OTHER),
            )
        done.set()

    async def keep_following(worker: Worker) -> None:
        while await worker.follower.work() or not done.is_set():
            pass

    await asyncio.wait_for(asyncio.gather(keep_telling(), *[keep_following(worker) for worker in workers[:2]]), 60)
    assert await workers[0].seen() == numbered(told)
    assert await workers[0].seen(OTHER) == numbered(told, "other")
    assert await workers[0].cursors() == {POOL: told, OTHER: told}
    assert all(worker.batches for worker in workers[:2]), "both had work"


async def test_who_comes_second_with_the_same_batch_does_nothing(source: InProcessSuite, workers: list[Worker]) -> None:
    await tell(source, ["event-1", "event-2"])
    await asyncio.gather(*[worker.follower.follow(POOL, 0) for worker in workers[:2] for _ in range(5)])
    assert sum(len(worker.batches) for worker in workers[:2]) == 1
    assert await workers[0].seen() == numbered(2)


async def test_a_batch_that_fails_half_way_leaves_nothing_and_is_done_afterwards(
    source: InProcessSuite, workers: list[Worker]
) -> None:
    """And it does not hold up the other pools, though their codes come later in the order."""
    worker, pools = workers[0], ("000001", POOL)
    await tell(source, ["event-1"], "000001")
    await worker.follow_to_the_end()
    await tell(source, ["event-2", "event-3"], "000001")
    await tell(source, ["event-1", "event-2"], POOL)
    worker.poison = "event-3"
    for _ in range(3):
        with pytest.raises(RuntimeError, match="cannot take event-3"):
            await worker.follower.work()
    assert [await worker.seen(pool) for pool in pools] == [numbered(1), numbered(2)]
    assert await worker.cursors() == {"000001": 1, POOL: 2}
    lags = {state["pool"]: state["lag"] for state in await worker.follower.states()}
    assert lags == {"000001": 2, POOL: 0}
    worker.poison = None
    await worker.follow_to_the_end()
    assert [await worker.seen(pool) for pool in pools] == [numbered(3), numbered(2)]


async def test_an_effect_that_the_database_refuses_does_not_move_the_cursor(
    source: InProcessSuite, workers: list[Worker]
) -> None:
    worker = workers[0]
    await tell(source, [f"event-{n}" for n in range(1, 6)])
    async with worker.database.writing() as tx:
        await tx.execute("alter table seen add constraint not_the_fifth check (subject <> 'event-5')")
    with pytest.raises(IntegrityError):
        await worker.follower.work()
    assert (await worker.seen(), await worker.cursors()) == ([], {})
    async with worker.database.writing() as tx:
        await tx.execute("alter table seen drop constraint not_the_fifth")
    await worker.follow_to_the_end()
    assert await worker.seen() == numbered(5)


async def test_who_starts_from_nothing_sees_the_same_as_who_was_always_there(
    source: InProcessSuite, workers: list[Worker]
) -> None:
    always, late = workers[0], workers[2]
    for n in range(1, 31):
        await tell(source, [f"event-{n}"])
        await always.follow_to_the_end()
    assert await late.cursors() == {}
    await late.follow_to_the_end()
    assert always.batches == [1] * 30
    assert late.batches == [30]
    assert await late.seen() == await always.seen() == numbered(30)


async def test_more_than_a_batch_is_taken_batch_by_batch(source: InProcessSuite, workers: list[Worker]) -> None:
    await tell(source, [f"event-{n}" for n in range(1, 2 * BATCH + 2)])
    await workers[0].follow_to_the_end()
    assert workers[0].batches == [BATCH, BATCH, 1]
    assert await workers[0].seen() == numbered(2 * BATCH + 1)
    assert not await workers[0].follower.work()


async def test_a_follower_sees_what_was_told(source: InProcessSuite, workers: list[Worker]) -> None:
    data: dict[str, Any] = {
        "姓名": "王小明",
        "amount_fen": 10**12,
        "none": None,
        "list": [1, {"a": [True, 0.5]}],
        "": "",
    }
    taken: list[Event] = []

    async def keep(_tx: Writer, _pool: str, events: Sequence[Event]) -> None:
        taken.extend(events)

    async with source.apps["payments"].state.database.writing() as tx:
        tx.publish(POOL, "bill.paid", "B1", 7, AT, data)
    await Follower(workers[0].database, workers[0].upstream, keep).work()
    assert taken == [Event(POOL, 1, "bill.paid", "B1", 7, AT, data)]


async def test_heads_and_events_are_only_those_of_the_callers_area(source: InProcessSuite) -> None:
    for pool in (POOL, OTHER):
        await tell(source, ["event-1"], pool)
    for area, pools in (("", [OTHER, POOL]), (POOL, [POOL]), ("140522108", [])):
        client = source.client("payments", "payments:read", area=area)
        heads = (await client.get("/v1/events/heads")).json()["items"]
        assert [head["pool"] for head in heads] == pools
        events = await client.get("/v1/events", params={"pool": OTHER})
        assert events.status_code == (200 if OTHER in pools else 403)
