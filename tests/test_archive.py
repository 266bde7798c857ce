"""Audit lines that are old go into files: none is lost, none twice, and the chain holds over files and database."""

import gzip
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from deploy.archive.archives import ArchiveBroken
from deploy.archive.auditing import check, cut
from shared import chain
from shared.database import Database

POOL, OTHER = "999001", "999002"
PERSON = UUID(int=7)


@pytest.fixture
async def database(databases: dict[str, str]) -> AsyncIterator[Database]:
    opened = Database(databases["payments"])
    yield opened
    await opened.close()


async def leave(database: Database, pool: str, year: int, count: int) -> None:
    """Audit lines of a year, and an event, which is not archived."""
    async with database.writing() as tx:
        at = datetime(year, 6, 1, 8, tzinfo=UTC)
        for number in range(count):
            tx.audit(pool, "person.read", "tests", "clerk", at, [PERSON], {"n": number, "name": "张三"})
        tx.publish(pool, "thing.happened", "x", 1, at, {})


async def lines(database: Database, pool: str) -> list[int]:
    async with database.reading() as tx:
        rows = await tx.rows("select seq from audit_line where pool = :pool order by seq", pool=pool)
    return [row["seq"] for row in rows]


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def breaks(database: Database) -> list[chain.Break]:
    async with database.engine.connect() as connection:
        return await chain.verify(connection)


async def test_old_lines_move_into_files_and_the_chain_goes_on(database: Database, tmp_path: Path) -> None:
    for year in (2018, 2019, 2020):
        await leave(database, POOL, year, 5)
    await leave(database, OTHER, 2018, 2)
    made = await cut(database, POOL, date(2020, 1, 1), tmp_path, most=4)
    assert made is not None
    assert (made.first, made.last) == (1, 4)
    while made := await cut(database, POOL, date(2020, 1, 1), tmp_path, most=4):
        pass
    assert await lines(database, POOL) == [11, 12, 13, 14, 15]
    assert await lines(database, OTHER) == [1, 2]
    assert await check(database, POOL, tmp_path) == 10
    await leave(database, POOL, 2021, 1)
    assert await breaks(database) == []
    assert await check(database, POOL, tmp_path) == 10
    async with database.reading() as tx:
        assert await tx.value("select count(*) from event where pool = :pool", pool=POOL) == 4


async def test_the_last_line_may_go_too_and_the_next_one_continues(database: Database, tmp_path: Path) -> None:
    await leave(database, POOL, 2018, 3)
    assert await cut(database, POOL, date(2030, 1, 1), tmp_path)
    assert await breaks(database) == []
    await leave(database, POOL, 2019, 1)
    assert await lines(database, POOL) == [4]
    assert await breaks(database) == []


async def test_a_line_of_the_day_itself_stays(database: Database, tmp_path: Path) -> None:
    async with database.writing() as tx:  # 00:00 on 1 January 2020 in Shanghai, and a second before
        for at in (datetime(2019, 12, 31, 15, 59, 59, tzinfo=UTC), datetime(2019, 12, 31, 16, tzinfo=UTC)):
            tx.audit(POOL, "person.read", "tests", "clerk", at, [], {})
    await cut(database, POOL, date(2020, 1, 1), tmp_path)
    assert await lines(database, POOL) == [2]


async def test_who_dies_between_file_and_removal_makes_the_same_file_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await leave(database, POOL, 2018, 3)

    async def die(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(chain, "remove_to", die)
        with pytest.raises(ConnectionError):
            await cut(database, POOL, date(2019, 1, 1), tmp_path)
    [path] = files(tmp_path)
    first = path.read_bytes()
    assert await lines(database, POOL) == [1, 2, 3]
    assert await cut(database, POOL, date(2019, 1, 1), tmp_path)
    assert [each.read_bytes() for each in files(tmp_path)] == [first]
    assert await check(database, POOL, tmp_path) == 3


async def test_an_altered_line_is_not_put_away(database: Database, tmp_path: Path) -> None:
    await leave(database, POOL, 2018, 3)
    async with database.writing() as tx:
        await tx.execute("update audit_line set actor = 'nobody' where pool = :pool and seq = 2", pool=POOL)
    with pytest.raises(ArchiveBroken, match="audit line 2"):
        await cut(database, POOL, date(2019, 1, 1), tmp_path)
    assert await lines(database, POOL) == [1, 2, 3]
    assert files(tmp_path) == []


async def test_lines_that_somebody_removes_are_missing_all_the_same(database: Database, tmp_path: Path) -> None:
    await leave(database, POOL, 2018, 3)
    await leave(database, POOL, 2020, 3)
    await cut(database, POOL, date(2019, 1, 1), tmp_path)
    async with database.writing() as tx:
        await tx.execute("delete from audit_line where pool = :pool and seq = 4", pool=POOL)
    assert [(broken.seq, broken.reason) for broken in await breaks(database)] == [(4, "missing")]


def told_anew(held: list[bytes]) -> list[bytes]:
    """A file whose lines say something else, with hashes that fit again."""
    first, *records = [orjson.loads(line) for line in held]
    hash_, told = bytes.fromhex(first["hash"]), [first]
    for record in records:
        said = {name: value for name, value in record.items() if name != "hash"} | {"actor": "nurse"}
        hash_ = chain.digest(hash_, said)
        told.append({**said, "hash": hash_.hex()})
    return [orjson.dumps(line) + b"\n" for line in told]


@pytest.mark.parametrize("wrong", ["altered", "a line gone", "a file gone", "the last file told anew"])
async def test_a_file_that_is_not_what_it_was_is_found(database: Database, tmp_path: Path, wrong: str) -> None:
    await leave(database, POOL, 2018, 4)
    while await cut(database, POOL, date(2019, 1, 1), tmp_path, most=2):
        pass
    path = files(tmp_path)[-1]
    held = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    if wrong == "a file gone":
        path.unlink()
    elif wrong == "the last file told anew":
        path.write_bytes(gzip.compress(b"".join(told_anew(held))))
    else:
        held = held[:-1] if wrong == "a line gone" else [held[0], held[1].replace(b"clerk", b"nurse"), *held[2:]]
        path.write_bytes(gzip.compress(b"".join(held)))
    with pytest.raises(ArchiveBroken):
        await check(database, POOL, tmp_path)
