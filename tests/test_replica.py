"""Reads that may be some seconds behind go to a replica that is near enough, and to the database itself otherwise.

Both are real: two servers of our own, the second following the first by streaming replication.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.postgres import EmbeddedPostgres
from shared.database import Database
from tests.suite import ROOT

_SETTINGS = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on", "max_connections": "50"}
_MOST_SECONDS = 0.5


@dataclass
class Pair:
    """A primary and the replica that follows it."""

    primary: EmbeddedPostgres
    replica: EmbeddedPostgres


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    primary = EmbeddedPostgres(folder / "primary", durable=False, settings=_SETTINGS)
    replica = EmbeddedPostgres(folder / "replica", durable=False, settings=_SETTINGS)
    try:
        primary.start()
        primary.create_database("noted")
        primary.execute("create table note (pool text not null, words text not null)", "noted")
        replica.follow(primary)
        replica.start()
        yield Pair(primary, replica)
    finally:
        replica.drop()
        primary.drop()


@pytest.fixture
async def database(pair: Pair) -> AsyncIterator[Database]:
    opened = Database(pair.primary.url("noted"), replica_url=pair.replica.url("noted"), replica_seconds=_MOST_SECONDS)
    yield opened
    await opened.close()


async def _is_on_replica(database: Database) -> bool:
    async with database.reading_behind() as tx:
        return bool(await tx.value("select pg_is_in_recovery()"))


async def _write(database: Database, words: str) -> None:
    async with database.writing() as tx:
        await tx.execute("insert into note (pool, words) values ('140522', :words)", words=words)


async def _is_seen(database: Database, words: str) -> bool:
    async with database.reading_behind() as tx:
        return bool(await tx.value("select exists (select 1 from note where words = :words)", words=words))


async def _until(what: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(400):
        if await what():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never came to be")


async def test_a_replica_that_is_near_is_read(database: Database) -> None:
    await _write(database, "near")
    await _until(lambda: _is_on_replica(database))
    await _until(lambda: _is_seen(database, "near"))


async def test_what_must_not_be_behind_is_never_read_there(database: Database) -> None:
    await _until(lambda: _is_on_replica(database))
    async with database.reading() as tx:
        assert not await tx.value("select pg_is_in_recovery()")
    async with database.writing() as tx:
        assert not await tx.value("select pg_is_in_recovery()")


async def test_a_replica_that_stands_still_is_not_read_until_it_has_caught_up(pair: Pair, database: Database) -> None:
    await _until(lambda: _is_on_replica(database))
    pair.replica.execute("select pg_wal_replay_pause()")
    try:
        await _write(database, "while it stood still")
        # Nothing is seen of what was written as long as the replica counts as near, and all of it afterwards.
        await _until(lambda: _is_seen(database, "while it stood still"))
        assert not await _is_on_replica(database)
    finally:
        pair.replica.execute("select pg_wal_replay_resume()")
    await _until(lambda: _is_on_replica(database))
    assert await _is_seen(database, "while it stood still")


async def test_a_replica_that_is_away_is_missed_by_nobody(pair: Pair, database: Database) -> None:
    await _until(lambda: _is_on_replica(database))
    pair.replica.stop()
    try:
        await asyncio.sleep(_MOST_SECONDS)
        assert not await _is_on_replica(database)
    finally:
        pair.replica.start()
    await _until(lambda: _is_on_replica(database))


async def test_a_replica_that_never_answers_keeps_nobody_waiting(pair: Pair) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    silent = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    address = f"postgresql+asyncpg://nobody@127.0.0.1:{port}/noted?ssl=disable"
    database = Database(pair.primary.url("noted"), replica_url=address, replica_seconds=_MOST_SECONDS)
    async with asyncio.timeout(20):  # the driver itself would wait for a minute, and then again
        for _ in range(3):
            assert not await _is_on_replica(database)
    await database.close()
    silent.close()
    await silent.wait_closed()


async def test_an_address_that_leads_to_a_primary_is_no_replica(pair: Pair) -> None:
    address = pair.primary.url("noted")
    wrong = Database(address, replica_url=address, replica_seconds=_MOST_SECONDS)
    for _ in range(3):
        assert not await _is_on_replica(wrong)
        await asyncio.sleep(_MOST_SECONDS)
    assert wrong._replica is not None
    assert not await wrong._replica.is_near()
    await wrong.close()


async def test_a_replica_that_was_promoted_goes_its_own_way_and_is_not_read(pair: Pair, tmp_path: Path) -> None:
    """Where the primary writes nothing meanwhile, all that it has written was replayed before the promotion."""
    promoted = EmbeddedPostgres(tmp_path / "promoted", durable=False, settings=_SETTINGS)
    try:
        promoted.follow(pair.primary)
        promoted.start()
        database = Database(pair.primary.url("noted"), replica_url=promoted.url("noted"), replica_seconds=_MOST_SECONDS)
        await _until(lambda: _is_on_replica(database))
        promoted.execute("select pg_promote()")
        promoted.execute("insert into note (pool, words) values ('140522', 'its own way')", "noted")
        await asyncio.sleep(_MOST_SECONDS)
        assert not await _is_seen(database, "its own way")
        await database.close()
    finally:
        promoted.drop()


def test_only_reports_and_feeds_may_be_behind() -> None:
    """Whoever adds a place says here that it decides about no money and follows no write of the same person."""
    places = {
        f"{path.relative_to(ROOT)}:{name}"
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for name, body in _functions(path)
        if ".reading_behind()" in body
    }
    assert places == {
        "services/payments/usecases/books.py:account_balances",
        "services/payments/usecases/books.py:summarise",
        "services/payments/usecases/cash_books.py:read_cash_book",
        "shared/own_routes.py:check_alarms",
        "shared/own_routes.py:check_invariants",
        "shared/own_routes.py:list_event_heads",
        "shared/own_routes.py:list_events",
    }


def _functions(path: Path) -> Iterator[tuple[str, str]]:
    """The functions of a file, each with what stands behind its name up to the next one."""
    parts = re.split(r"^ *async def (\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return zip(parts[1::2], parts[2::2], strict=True)
