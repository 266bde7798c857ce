"""The head row: events are numbered gap-free in commit order, whatever commits late, rolls back or comes at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from shared import chain
from shared.database import Database
from shared.events import read_events

POOL = "999001"
AT = datetime(2021, 9, 1, tzinfo=UTC)
COPY_LAST = """
    insert into event select pool, 6, event_id, type, subject, version, occurred_at, data, hash from event where seq = 5
    """


@pytest.fixture
async def database(databases: dict[str, str]) -> AsyncIterator[Database]:
    opened = Database(databases["payments"], pool_size=20)
    yield opened
    await opened.close()


async def tell(
    database: Database, name: str, *, pools: tuple[str, ...] = (POOL,), fail: bool = False, hold: float = 0
) -> None:
    async with database.writing() as tx:
        for pool in pools:
            tx.publish(pool, "thing.happened", name, 1, AT, {"name": name})
        await asyncio.sleep(hold)
        if fail:
            raise RuntimeError("rolled back")


async def names(database: Database, pool: str = POOL) -> list[tuple[int, str]]:
    async with database.reading() as tx:
        return [(row["seq"], row["subject"]) for row in await read_events(tx, pool, 0, 10_000)]


async def breaks(database: Database) -> list[chain.Break]:
    async with database.engine.connect() as connection:
        return await chain.verify(connection)


async def test_a_transaction_that_began_first_but_commits_late_comes_later(database: Database) -> None:
    slow = asyncio.create_task(tell(database, "slow", hold=0.3))
    await asyncio.sleep(0.1)
    await tell(database, "quick")
    await slow
    assert await names(database) == [(1, "quick"), (2, "slow")]


async def test_a_rolled_back_transaction_leaves_no_gap(database: Database) -> None:
    await tell(database, "first")
    with suppress(RuntimeError):
        await tell(database, "never", fail=True)
    await tell(database, "second")
    assert await names(database) == [(1, "first"), (2, "second")]
    assert await breaks(database) == []


async def test_two_workers_with_rollbacks_make_one_gap_free_chain(databases: dict[str, str]) -> None:
    workers = [Database(databases["payments"], pool_size=10) for _ in range(2)]
    jobs = [
        tell(
            workers[n % 2],
            f"event-{n}",
            fail=n % 10 == 0,
            pools=("999001", "999002") if n % 3 else ("999002", "999001"),
        )
        for n in range(200)
    ]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert sum(isinstance(result, RuntimeError) for result in results) == 20
    assert sum(isinstance(result, BaseException) for result in results) == 20
    for pool in ("999001", "999002"):
        told = await names(workers[0], pool)
        assert [seq for seq, _ in told] == list(range(1, 181))
        assert {name for _, name in told} == {f"event-{n}" for n in range(200) if n % 10}
    assert await breaks(workers[0]) == []
    for worker in workers:
        await worker.close()


async def test_a_reader_never_sees_a_later_number_before_an_earlier_one(database: Database) -> None:
    """The follower's cursor is safe: what it has not seen always has a higher number."""
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 60:
            async with database.reading() as tx:
                rows = await read_events(tx, POOL, seen[-1] if seen else 0, 7)
            seen.extend(row["seq"] for row in rows)
            await asyncio.sleep(0)

    follower = asyncio.create_task(follow())
    await asyncio.gather(*[tell(database, str(n), hold=(n % 5) / 50) for n in range(60)])
    await asyncio.wait_for(follower, 20)
    assert seen == list(range(1, 61))


@pytest.mark.rule("S000-59", "S003-25")
@pytest.mark.parametrize(
    ("damage", "seq", "reason"),
    [
        ('update event set data = \'{"name": "forged"}\' where seq = 3', 3, "altered"),
        ("delete from event where seq = 4", 4, "missing"),
        ("delete from event where seq = 5", 5, "missing"),
        ("update chain_head set hash = decode('00', 'hex') where chain = 'event'", 5, "head row altered"),
        ("update event set occurred_at = '2021-09-01 00:00:01+00' where seq = 1", 1, "altered"),
        (COPY_LAST, 6, "altered"),
    ],
)
async def test_verify_names_the_first_break(database: Database, damage: str, seq: int, reason: str) -> None:
    for n in range(5):
        await tell(database, str(n))
    assert await breaks(database) == []
    async with database.engine.begin() as connection:
        await connection.execute(text(damage.replace(":", r"\:")))
    assert await breaks(database) == [chain.Break("event", POOL, seq, reason)]


@pytest.mark.rule("S000-59", "S003-25")
async def test_audit_lines_form_a_chain_too(database: Database) -> None:
    async with database.writing() as tx:
        tx.audit(POOL, "person.read", "partner", "clerk", AT, [uuid4(), uuid4()], {"why": "test"})
    async with database.engine.begin() as connection:
        await connection.execute(text("update audit_line set actor = 'somebody else'"))
    assert await breaks(database) == [chain.Break("audit_line", POOL, 1, "altered")]
