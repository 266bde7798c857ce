"""What is large of a scheme-year that is over goes into archives: nothing is lost, nothing twice, all comes back."""

import asyncio
import base64
import json
import os
import zipfile
from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from deploy.archive import keeping, years
from deploy.archive.archives import Archive, ArchiveBroken, Label, read, write
from deploy.archive.contents import SchemeYear
from deploy.citus.tables import in_order, metadata_of
from shared import chain, evidence
from shared.database import Database, Reader, Row, Writer
from shared.problem import ARCHIVED, Problem
from tests.archive_town import (
    LATER,
    SEALER,
    YEAR,
    archive,
    bytes_of,
    check,
    check_fails,
    days,
    leave_messages,
    leave_statement,
    state,
)
from tests.payments_town import POOL
from tests.registration_town import SCHEME
from tests.routing import uses
from tests.suite import InProcessSuite


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 12:30")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


@pytest.fixture
async def database(databases: dict[str, str]) -> AsyncIterator[Database]:
    opened = Database(databases["payments"])
    yield opened
    await opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "archive"
    made.mkdir()
    return made


async def test_what_is_over_goes_into_archives_and_comes_back_byte_for_byte(
    payments: InProcessSuite, database: Database, folder: Path
) -> None:
    statements = await days(payments)
    before = await state(database)
    assert (len(before["evidence_part"]), len(before["channel_message"])) == (2, 5)
    async with database.reading() as tx:
        await years.require_over(tx, "payments", YEAR, LATER)
        assert await years.count_due(tx, "payments", YEAR) == 7
    files, messages = await archive(database, folder)
    assert (files.name, messages.name) == (
        f"payments-{POOL}-000001-{SCHEME}-files",
        f"payments-{POOL}-000002-{SCHEME}-messages",
    )
    left = await state(database)
    assert (left["evidence_part"], left["channel_message"]) == ([], [])
    assert {row["archived_in"] for row in left["evidence"]} == {files.name}
    assert await check(database, folder) == (2, 7)
    assert await payments.invariants_broken() == {}
    async with database.engine.connect() as connection:
        assert await chain.verify(connection) == []
    # One statement by its id, then everything.
    [(name, found)] = keeping.find(folder, "payments", POOL, str(statements[1]["statement_id"]))
    assert (name, found["about"]) == (files.name, f"statement 2021-12-05 bank {statements[1]['statement_id']}")
    assert await keeping.restore(database, "payments", POOL, folder, str(statements[1]["statement_id"])) == 1
    assert len((await state(database))["evidence_part"]) == 1
    assert await check(database, folder) == (2, 7)
    assert await keeping.restore(database, "payments", POOL, folder, "") == 6
    assert await state(database) == before
    assert await keeping.restore(database, "payments", POOL, folder, "") == 0
    # It may go a second time, into archives of its own.
    assert [made.label.number for made in await archive(database, folder)] == [3, 4]
    assert await check(database, folder) == (4, 14)
    assert await keeping.restore(database, "payments", POOL, folder, "") == 7
    assert await state(database) == before


async def test_an_archive_is_read_without_this_program(
    payments: InProcessSuite, database: Database, folder: Path
) -> None:
    await days(payments)
    before = await state(database)
    files, messages = await archive(database, folder)
    with zipfile.ZipFile(files.path) as held:
        about = json.loads(held.read("manifest.json"))
        records = [json.loads(line) for line in held.read("records.jsonl").splitlines()]
        parts = [json.loads(line) for line in held.read("rows.jsonl").splitlines()]
    assert {name: about[name] for name in ("service", "pool", "scheme", "number", "kind", "format")} == {
        "service": "payments", "pool": POOL, "scheme": SCHEME, "number": 1, "kind": "files", "format": 1,
    }  # fmt: skip
    assert about["schema"].startswith("00")
    assert [member["rows"] for member in about["members"]] == [2, 2]
    assert about["members"][0]["sums"] == {"size_bytes": sum(row["size_bytes"] for row in before["evidence"])}
    assert {record["sha256"] for record in records} == {row["sha256"] for row in before["evidence"]}
    assert [base64.b64decode(part["sealed"]) for part in parts] == [row["sealed"] for row in before["evidence_part"]]
    assert about["previous"] == "00" * 32
    assert messages.label.previous == files.sha256
    assert not any("张三".encode() in base64.b64decode(part["sealed"]) for part in parts), "names stay sealed"


async def test_run_again_it_does_nothing(payments: InProcessSuite, database: Database, folder: Path) -> None:
    await days(payments)
    await archive(database, folder)
    before = bytes_of(folder)
    assert await archive(database, folder) == []
    async with database.reading() as tx:
        assert await years.count_due(tx, "payments", YEAR) == 0
    assert bytes_of(folder) == before


@pytest.mark.parametrize("dies_in", ["set_anchor", "append"])
async def test_who_dies_before_the_commit_has_removed_nothing_and_makes_the_same_archive_again(
    payments: InProcessSuite, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch, dies_in: str
) -> None:
    await days(payments)
    before = await state(database)

    async def die(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as dying:
        dying.setattr(chain, dies_in, die)
        with pytest.raises(ConnectionError):
            await archive(database, folder)
    assert await state(database) == before
    assert await check_fails(database, folder)  # a file that the database knows nothing of
    [left] = bytes_of(folder).values()
    made, _ = await archive(database, folder)
    assert made.path.read_bytes() == left
    assert await check(database, folder) == (2, 7)


async def test_killed_between_two_archives_it_goes_on_where_it_was(
    payments: InProcessSuite, database: Database, folder: Path
) -> None:
    await days(payments, messages=7)
    before = await state(database)
    async for _ in years.archive(database, "payments", YEAR, folder, most=2):
        break
    assert await check(database, folder) == (1, 2)
    (folder / f"payments-{POOL}-000002-{SCHEME}-messages.unfinished").write_bytes(b"cut")
    assert [made.rows for made in await archive(database, folder, most=3)] == [3, 3, 1]
    assert await check(database, folder) == (4, 9)
    assert await keeping.restore(database, "payments", POOL, folder, "") == 9
    assert await state(database) == before


async def test_the_folder_of_another_database_is_refused_and_stays_as_it_is(
    payments: InProcessSuite, database: Database, folder: Path, tmp_path: Path
) -> None:
    await days(payments)
    before, theirs = await state(database), folder / f"payments-{POOL}-000001-{SCHEME}-files.zip"
    theirs.write_bytes(b"of the database that is really meant")
    with pytest.raises(ArchiveBroken, match="holds something else"):
        await archive(database, folder)
    assert theirs.read_bytes() == b"of the database that is really meant"
    assert await state(database) == before
    theirs.unlink()
    await archive(database, folder)
    await leave_messages(database, POOL, "2021-12-06 12:00", 1)
    with pytest.raises(ArchiveBroken, match="does not have archive 2"):  # not mounted
        await archive(database, tmp_path)
    assert len((await state(database))["channel_message"]) == 1
    assert [made.label.number for made in await archive(database, folder)] == [3]
    assert await check(database, folder) == (3, 8)


async def test_whoever_reads_a_file_while_it_is_archived_is_told_so(
    payments: InProcessSuite, database: Database, folder: Path
) -> None:
    """Its parts go between two pieces; nobody altered them."""
    data = os.urandom(2 * 1024 * 1024)
    brought = await leave_statement(payments, "etax", data)
    pieces = evidence.pieces(database, SEALER, POOL, brought["evidence_id"])
    assert await anext(pieces) == data[: len(data) // 2]
    await archive(database, folder)
    with pytest.raises(Problem) as told:
        await anext(pieces)
    assert told.value.kind is ARCHIVED


async def test_two_at_once_move_everything_once(payments: InProcessSuite, database: Database, folder: Path) -> None:
    await days(payments, messages=9)
    made = await asyncio.gather(*(archive(database, folder, most=2) for _ in range(3)))
    assert sum(each.rows for several in made for each in several) == 11
    count_, rows = await check(database, folder)
    assert (count_, rows) == (len(bytes_of(folder)), 11)


async def test_other_pools_other_years_and_what_waits_stay(
    payments: InProcessSuite, database: Database, folder: Path
) -> None:
    await days(payments)
    await leave_messages(database, "140524", "2021-12-05 12:00", 1)
    await leave_messages(database, POOL, "2022-12-31 16:00", 1)  # 1 January 2023 in Shanghai
    await leave_messages(database, POOL, "2022-12-31 15:59", 1)
    other, mine = await state(database, "140524"), await state(database)
    assert sum(made.rows for made in await archive(database, folder)) == 8
    assert await state(database, "140524") == other
    assert (await state(database))["channel_message"] == mine["channel_message"][-2:-1]
    early = SchemeYear(POOL, SCHEME, 2022, YEAR.last_day, date(2021, 12, 4))
    assert await keeping.restore(database, "payments", POOL, folder, "") == 8
    assert await archive(database, folder, early) == []


NOT_AT_ITS_END: Mapping[str, str] = {
    "open bills": """
        update bill set "window" = jsonb_set("window", '{to}', '"2023-01-01"'), status = 'open', paid_on = null
        where bill_no = (select min(bill_no) from bill)""",
    "statements that": "update statement set look_on = '2023-01-05' where channel = 'etax'",
    "statements": "update statement set state = 'received' where channel = 'etax'",
    "refunds": """
        insert into refund (pool, refund_id, application_id, collection_id, scheme, method, state, amount_fen, paid_to,
            paid_by, submitted_at, waiting_since, asked_at, tries, version)
        select pool, gen_random_uuid(), gen_random_uuid(), collection_id, scheme, 'etax', 'processing', 1, 'x', 'y',
            now(), now(), now(), 0, 1 from collection limit 1""",
    "breaks": """
        insert into statement_break (pool, break_id, kind, channel, institution, day, owner, state, opened_on, due_on,
            overdue, version)
        values ('140522', gen_random_uuid(), 'statement_missing', 'bank', 'B', '2021-12-07', 'x', 'open', '2021-12-08',
            '2021-12-10', false, 1)""",
    "messages": """
        update channel_message set status = 'received', verdict = null
        where message_id = (select min(message_id) from channel_message)""",
}


@pytest.mark.parametrize("what", NOT_AT_ITS_END)
async def test_a_year_that_is_not_over_is_refused_with_what_is_open(
    payments: InProcessSuite, database: Database, what: str
) -> None:
    await days(payments)
    async with database.engine.connect() as connection:
        transaction = await connection.begin()
        await connection.exec_driver_sql("set local session_replication_role = replica")
        await connection.exec_driver_sql(NOT_AT_ITS_END[what])
        with pytest.raises(years.NotOver, match=f"- 1 {what}"):
            await years.require_over(Reader(connection), "payments", YEAR, LATER)
        await transaction.rollback()


async def test_before_its_last_day_is_over_nothing_is_archived(payments: InProcessSuite, database: Database) -> None:
    await days(payments)
    async with database.reading() as tx:
        with pytest.raises(years.NotOver, match="last day is 2022-12-31"):
            await years.require_over(tx, "payments", YEAR, YEAR.last_day)
        await years.require_over(tx, "payments", YEAR, LATER)


@pytest.mark.parametrize("wrong", ["altered", "another", "cut", "gone", "renamed", "not a zip"])
async def test_an_archive_that_is_not_what_it_was_is_found(
    payments: InProcessSuite, database: Database, folder: Path, tmp_path: Path, wrong: str
) -> None:
    await days(payments)
    files, messages = await archive(database, folder)
    held = bytearray(files.path.read_bytes())
    if wrong == "altered":
        held[len(held) // 2] ^= 1
    if wrong in ("altered", "cut"):
        files.path.write_bytes(held[:-100] if wrong == "cut" else held)
    elif wrong == "another":  # made anew with other rows, sound in itself
        shorter = await write(tmp_path, messages.label, list(messages.read_records())[1:], _rows_but_one(messages))
        shorter.path.replace(messages.path)
    elif wrong == "not a zip":
        messages.path.write_bytes(b"")
    elif wrong == "gone":
        messages.path.unlink()
    else:
        files.path.rename(folder / f"payments-{POOL}-000003-{SCHEME}-files.zip")
    assert await check_fails(database, folder)
    with pytest.raises(ArchiveBroken):
        await keeping.restore(database, "payments", POOL, folder, "")
    assert (await state(database))["channel_message"] == []


async def test_whatever_bit_turns_it_is_an_archive_that_does_not_hold(tmp_path: Path) -> None:
    """Never a traceback. Where the zip reads the same all the same, its hash in the chain is another."""
    label = Label("payments", POOL, 1, SCHEME, "messages", "0040", b"\0" * 32)
    made = await write(tmp_path, label, [{"message_id": "m1"}], _no_rows())
    found = [read_turned(made, at, bit) for at in range(made.path.stat().st_size) for bit in (1, 64)]
    assert "broken" in found
    assert made.sha256 not in found


async def _no_rows() -> AsyncIterator[Row]:
    none: list[Row] = []
    for row in none:
        yield row


def read_turned(made: Archive, at: int, bit: int) -> str | bytes:
    """The hash of an archive in which a bit has turned, where it can be read; it is mended after."""
    held = made.path.read_bytes()
    made.path.write_bytes(held[:at] + bytes([held[at] ^ bit]) + held[at + 1 :])
    try:
        return read(made.path).sha256
    except ArchiveBroken:
        return "broken"
    finally:
        made.path.write_bytes(held)


async def _rows_but_one(archived: Archive) -> AsyncIterator[Row]:
    first, *others = archived.read_rows(metadata_of("payments").tables["channel_message"])
    assert first
    for row in others:
        yield row


@pytest.mark.parametrize(
    ("column", "wrong"),
    [("sha256", "x"), ("archived_in", f"payments-{POOL}-000009-x-files"), ("key_sealed", b"\x04test" + b"0" * 60)],
)
async def test_a_file_of_which_the_database_knows_something_else_is_found(
    payments: InProcessSuite, database: Database, folder: Path, column: str, wrong: str | bytes
) -> None:
    await days(payments)
    await archive(database, folder)
    (file, *_) = (await state(database))["evidence"]
    setting = f"update evidence set {column} = :value where pool = :pool and evidence_id = :id"
    for value, holds in ((wrong, False), (file[column], True)):
        async with database.writing() as tx:
            await tx.execute(setting, value=value, pool=POOL, id=file["evidence_id"])
        if holds:
            assert await check(database, folder) == (2, 7)
        else:
            assert await check_fails(database, folder)


# --- what is asked of the database ------------------------------------------------------------------------------------


async def test_every_question_is_of_one_pool(
    payments: InProcessSuite, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await days(payments)
    asked: set[str] = set()
    for name, kind in (("rows", Reader), ("value", Reader), ("execute", Writer)):
        real = getattr(kind, name)

        async def heard(tx: Reader, sql: str, *, _real: Any = real, **values: Any) -> Any:
            asked.add(sql)
            return await _real(tx, sql, **values)

        monkeypatch.setattr(kind, name, heard)
    async with database.reading() as tx:
        await years.require_over(tx, "payments", YEAR, LATER)
        assert await years.count_due(tx, "payments", YEAR) == 7
    await archive(database, folder)
    await check(database, folder)
    await keeping.restore(database, "payments", POOL, folder, "")
    assert len(asked) > 15
    for sql in asked:
        held = [use.pool.fixed() for use in uses(sql, in_order("payments"))]
        assert all(each == {":pool"} for each in held), (sql, held)
