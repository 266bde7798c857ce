"""Whoever asks for what is archived is told where it is; the command that does it all."""

import asyncio
import base64
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from deploy.archive import auditing, keeping, years
from deploy.archive.archives import ArchiveBroken
from deploy.local.simulators.wechat_wire import PUBLIC_KEY_ID, Keys
from shared.database import Database
from shared.jobs import drain
from shared.sealing import Sealer
from tests.archive_town import LATER, SEALER, YEAR, archive, bytes_of, days, leave_messages, modes_of, state
from tests.bank_town import open_town
from tests.eligibility_desk import VETERANS, eligibility_alone, number, sheet, take
from tests.payments_town import POOL, issue_bills
from tests.registration_town import OFFICER, SCHEME, Villager, hand_in, publish_package, roster_file, town_alone
from tests.suite import ROOT, SEALING_KEYS, InProcessSuite, close_app
from tests.wechat_town import WechatTown
from tests.withholding_town import CHECKER, Desk

ROW = ["张三", number(1), "在乡重点优抚", "2019-01-01", ""]


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


# --- who reads what is archived ---------------------------------------------------------------------------------------


async def test_a_list_whose_file_is_archived_says_where(databases: dict[str, str], tmp_path: Path) -> None:
    async with eligibility_alone(databases, tmp_path) as suite:
        feed = await take(suite, "veterans", sheet(VETERANS, ROW, ["坏行", "不详", "在乡重点优抚", "2019-01-01", ""]))
        database: Database = suite.apps["eligibility"].state.database
        path, client = f"/v1/feeds/{feed['feed_id']}/rejected", suite.client("eligibility", "eligibility:read")
        before = (await client.get(path, params={"pool": POOL})).content
        async with database.reading() as tx:
            await years.require_over(tx, "eligibility", YEAR, LATER)
        [made] = [one async for one in years.archive(database, "eligibility", YEAR, tmp_path)]
        await suite.settle_down()
        answer = await client.get(path, params={"pool": POOL})
        assert (answer.status_code, answer.json()["code"]) == (410, "archived")
        assert made.name in answer.json()["detail"]
        assert (await client.get(f"/v1/feeds/{feed['feed_id']}", params={"pool": POOL})).json() == feed
        assert await keeping.restore(database, "eligibility", POOL, tmp_path, feed["feed_id"]) == 1
        assert (await client.get(path, params={"pool": POOL})).content == before


async def test_who_erases_a_file_has_erased_it_in_its_archive(databases: dict[str, str], tmp_path: Path) -> None:
    """Its key lies in the database alone."""
    async with eligibility_alone(databases, tmp_path) as suite:
        feed = await take(suite, "veterans", sheet(VETERANS, ROW))
        database: Database = suite.apps["eligibility"].state.database
        [made] = [one async for one in years.archive(database, "eligibility", YEAR, tmp_path)]
        suite.set_clock("2023-08-20 09:00")
        app = suite.make_app("eligibility", retention_days={"files": 365})
        await drain(app.state.jobs)
        await app.state.database.close()
        async with database.reading() as tx:
            [file] = await tx.rows("select key_sealed, erased_at, archived_in from evidence")
        assert (file["key_sealed"], file["erased_at"] is None, file["archived_in"]) == (None, False, made.name)
        assert await keeping.restore(database, "eligibility", POOL, tmp_path, "") == 0
        assert await keeping.check(database, "eligibility", POOL, tmp_path, SEALER) == (1, 1)
        answer = await suite.client("eligibility", "eligibility:read").get(
            f"/v1/feeds/{feed['feed_id']}/rejected", params={"pool": POOL}
        )
        assert (answer.status_code, answer.json()["code"]) == (410, "evidence_erased")


async def test_keys_change_and_archives_stay_as_they_are(databases: dict[str, str], tmp_path: Path) -> None:
    new = json.loads(SEALING_KEYS)
    new["keys"]["new"] = base64.b64encode(b"n" * 32).decode()
    both, after = json.dumps(new | {"current": "new"}), json.loads(json.dumps(new | {"current": "new"}))
    del after["keys"]["test"]
    async with eligibility_alone(databases, tmp_path) as suite:
        feed = await take(suite, "veterans", sheet(VETERANS, ROW))
        database: Database = suite.apps["eligibility"].state.database
        [made] = [one async for one in years.archive(database, "eligibility", YEAR, tmp_path)]
        app = suite.make_app("eligibility", sealing_keys=both)
        await drain(app.state.jobs)
        sealer = Sealer.from_setting(json.dumps(after))
        assert await keeping.check(database, "eligibility", POOL, tmp_path, sealer) == (1, 1)
        with pytest.raises(ArchiveBroken, match="does not open"):
            await keeping.check(database, "eligibility", POOL, tmp_path, SEALER)
        assert await keeping.restore(database, "eligibility", POOL, tmp_path, "") == 1
        path = f"/v1/feeds/{feed['feed_id']}/rejected"
        answer = await suite.client("eligibility", "eligibility:read", app=app).get(path, params={"pool": POOL})
        assert answer.status_code == 200, answer.text
        assert made.path.exists()
        await close_app(suite.apps["eligibility"])
        suite.apps["eligibility"] = app


async def test_persons_hold_whose_audit_lines_are_archived(databases: dict[str, str], tmp_path: Path) -> None:
    """`person_is_as_recorded` and its like ask for the line of each row; the suite's end runs every invariant."""
    async with eligibility_alone(databases, tmp_path) as suite:
        await take(suite, "veterans", sheet(VETERANS, ROW))
        database: Database = suite.apps["eligibility"].state.database
        assert await auditing.cut(database, POOL, date(2030, 1, 1), tmp_path)
        assert await suite.invariants_broken() == {}
        await take(suite, "veterans", sheet(VETERANS, ["李四", number(2), "在乡重点优抚", "2019-01-01", ""]))
        for later, broken in ((1, {"eligibility"}), (-1, set())):
            async with database.writing() as tx:
                await tx.execute(_BORN_LATER, days=later)
            assert set(await suite.invariants_broken()) == broken
        # A row put in behind the service's back, of a time whose lines are all here.
        for later, broken in ((2, {"eligibility"}), (-2, set())):
            async with database.writing() as tx:
                await tx.execute(_RECORDED_LATER, days=later)
            assert set(await suite.invariants_broken()) == broken


_RECORDED_LATER = (
    "update person set recorded_at = recorded_at + make_interval(days => :days) "
    "where person_id = (select person_id from person order by person_id limit 1)"
)
_BORN_LATER = (
    "update person set birth_date = birth_date + cast(:days as integer) "
    "where person_id = (select person_id from person order by person_id desc limit 1)"
)


async def test_a_roster_whose_file_is_archived_says_where(databases: dict[str, str], tmp_path: Path) -> None:
    async with town_alone(databases, tmp_path) as suite:
        officer = suite.client("registration", OFFICER)
        data = roster_file([Villager(number(1))])
        roster = await hand_in(officer, data)
        database: Database = suite.apps["registration"].state.database
        year = await years.read_year(database, POOL, SCHEME)
        assert year == YEAR
        with pytest.raises(LookupError, match=f"no scheme x; it has {SCHEME}"):
            await years.read_year(database, POOL, "x")
        async with database.reading() as tx:
            with pytest.raises(years.NotOver, match="1 rosters that are not taken"):
                await years.require_over(tx, "registration", year, LATER)
        assert [one async for one in years.archive(database, "registration", year, tmp_path)] == []
        await suite.settle_down()
        [made] = [one async for one in years.archive(database, "registration", year, tmp_path)]
        await suite.settle_down()
        path = f"/v1/rosters/{roster['roster_id']}"
        answer = await officer.get(f"{path}/rejected", params={"pool": POOL})
        assert (answer.status_code, answer.json()["code"]) == (410, "archived")
        assert made.name in answer.json()["detail"]
        rows = await officer.get(f"{path}/rows", params={"pool": POOL})
        assert [row["outcome"] for row in rows.json()["items"]] == ["enrolled"]
        # The same roster handed in again is known by its hash.
        assert (await hand_in(officer, data))["state"] == "taken"


async def test_a_batch_of_withholding_whose_files_are_archived_says_where(
    databases: dict[str, str], tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_town(databases, tmp_path / "keys", monkeypatch.setenv) as town:
        desk, database = Desk(town), town.service.database
        batch = await desk.send(await issue_bills(town.suite, [32000, 4000]))
        assert await archive(database, folder) == [], "the bank has not answered"
        file, sent = await desk.file(batch), await desk.printed(batch)
        await desk.answer(batch)
        before = await desk.batch(batch)
        [made] = await archive(database, folder)
        assert [record["about"].split()[:2] for record in made.read_records()] == [
            ["withholding", "2021-12-05"],
            ["withholding", "return"],
        ]
        path = f"/v1/withholdings/{batch['withholding_id']}/file"
        answer = await desk.client(CHECKER).get(path, params={"pool": POOL})
        assert (answer.status_code, answer.json()["code"]) == (410, "archived")
        assert made.name in answer.json()["detail"]
        assert (await desk.bring(batch, *sent)).status_code == 200, "known by its hash"
        await desk.take()
        assert await desk.batch(batch) == before
        assert await keeping.restore(database, "payments", POOL, folder, batch["withholding_id"]) == 2
        assert await desk.file(batch) == file


async def test_a_message_that_comes_again_after_years_books_nothing(
    databases: dict[str, str], tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Keys(tmp_path / "wechat")
    town = WechatTown.build(databases, tmp_path / "keys", tmp_path / "wechat", monkeypatch)
    [bill] = await issue_bills(town.suite, [32000])
    await town.pay(await town.ordered(bill), deliver=False)
    [letter] = town.hall.post.letters
    assert await town.deliver() == [204]
    before = await state(town.service.database)
    [made] = await archive(town.service.database, folder)
    assert (made.label.kind, made.rows) == ("messages", 1)
    assert (await state(town.service.database))["channel_message"] == []
    answer = await town.notify(letter.body, town.hall.keys.headers(letter.body, PUBLIC_KEY_ID))
    assert answer.status_code == 204, answer.text
    assert (await town.summary())["collected"]["count"] == 1
    # The one that is there stays as it is.
    assert await keeping.restore(town.service.database, "payments", POOL, folder, "") == 0
    [message] = (await state(town.service.database))["channel_message"]
    assert message["message_id"] == before["channel_message"][0]["message_id"]
    assert await town.suite.invariants_broken() == {}
    await town.suite.close()


# --- the command ------------------------------------------------------------------------------------------------------


async def run(*words: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.archive", *words, stdout=PIPE, stderr=PIPE, cwd=ROOT,
        env=os.environ | {"ARCHIVE_KEYS": SEALING_KEYS},
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_refuses_moves_checks_finds_and_restores(
    payments: InProcessSuite, databases: dict[str, str], database: Database, folder: Path
) -> None:
    statements = await days(payments)
    registration = InProcessSuite(databases, folder.parent / "keys", only=("registration",))
    await publish_package(registration)
    await registration.close()
    usual = ("--database", databases["payments"], "--pool", POOL, "--folder", str(folder))
    year = ("year", *usual, "--registration", databases["registration"], "--scheme", SCHEME)
    await leave_messages(database, POOL, "2021-12-05 12:00", 2, "received")
    code, _, err = await run(*year)
    assert (code, "2 messages of channels that were not acted upon" in err) == (1, True), err
    assert bytes_of(folder) == {}
    async with database.writing() as tx:
        await tx.execute("update channel_message set status = 'applied', verdict = 'settled' where status = 'received'")
    code, out, err = await run(*year)
    assert (code, out) == (0, f"9 records of {SCHEME} were due\n"), err
    assert modes_of(folder) == {0o600}
    code, out, err = await run("check", *usual, "--keys", "env:ARCHIVE_KEYS")
    assert (code, out) == (0, "0 audit lines hold\n2 archives with 9 rows hold, their files open\n"), err
    code, out, err = await run("find", *usual, "--what", str(statements[0]["statement_id"]))
    assert (code, out.startswith(f"payments-{POOL}-000001-{SCHEME}-files: ")) == (0, True), err
    code, out, err = await run("restore", *usual, "--what", str(statements[0]["statement_id"]))
    assert (code, out) == (0, "1 records are back in the database\n"), err
