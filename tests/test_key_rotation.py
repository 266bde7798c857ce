"""Keys of personal data are changed while the service runs: nothing is lost, nobody is recorded twice."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from services.eligibility.usecases import SEALED
from shared import evidence
from shared.jobs import drain
from shared.rotation import store
from shared.rotation.walking import Rotation
from shared.sealing import Sealer
from tests.eligibility_desk import ALL, POOL, VETERANS, number, person, rows, sheet, statuses, take
from tests.suite import InProcessSuite, close_app


def setting(current: str, keys: str, lookup_current: str, lookups: str) -> str:
    """Sealing keys by their names; of the look-up keys "lookup" has none."""

    def key(name: str) -> str:
        return base64.b64encode(name.encode().ljust(32, b".")).decode()

    named = {name: key(f"look-up {name}") for name in lookups.split()}
    unnamed = {"lookup": named.pop("lookup")} if "lookup" in named else {}
    by_name = {"lookup_keys": named} if named else {}
    choice = {"lookup_current": lookup_current} if lookup_current != "lookup" else {}
    return json.dumps({"current": current, "keys": {name: key(name) for name in keys.split()}}
                      | unnamed | by_name | choice)  # fmt: skip


BEFORE = setting("k1", "k1", "lookup", "lookup")
ANNOUNCED = setting("k1", "k1 k2", "lookup", "lookup n2")
CHANGED = setting("k2", "k1 k2", "n2", "lookup n2")
AFTER = setting("k2", "k2", "n2", "n2")
HELP = [*VETERANS, "出生日期", "户籍地代码"]
RESIDENTS = ["姓名", "身份证号", "户籍地代码", "变动类型", "变动日期"]
VILLAGE, BESIDE = "140522108200", "140522109201"
OLD_FORM = number(1)[:6] + number(1)[8:17]


class Fleet:
    """Two workers of eligibility on one database, each with the settings it was started with."""

    def __init__(self, suite: InProcessSuite) -> None:
        self.suite = suite
        self.workers: list[FastAPI] = [self.worker(BEFORE), self.worker(BEFORE)]
        suite.apps["eligibility"] = self.workers[0]

    def worker(self, keys: str) -> FastAPI:
        return self.suite.make_app("eligibility", sealing_keys=keys)

    async def restart(self, at: int, keys: str) -> None:
        """Stop a worker and start it with other settings."""
        await self.workers[at].state.database.close()
        self.workers[at] = self.worker(keys)
        self.suite.apps["eligibility"] = self.workers[0]

    def client(self, at: int, scopes: str = ALL) -> httpx.AsyncClient:
        return self.suite.client("eligibility", f"{scopes} persons:full", app=self.workers[at])

    async def settle(self) -> None:
        for worker in self.workers:
            await drain(worker.state.jobs)

    async def keys(self) -> dict[str, Any]:
        answer = await self.client(1).get("/v1/sealing-keys")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def rotation(self, keys: Sealer, chunk: int = 500) -> Rotation:
        """The job with chunks of another size."""
        columns = [replace(column, chunk=chunk) for column in SEALED]
        database = self.workers[0].state.database
        return Rotation("eligibility", database, self.suite.clock, keys, columns, timedelta(days=7))


@pytest.fixture
async def fleet(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[Fleet]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=())
    suite.set_clock("2021-08-16 09:00")
    running = Fleet(suite)
    yield running
    assert await suite.invariants_broken() == {}
    await running.workers[1].state.database.close()
    await suite.close()


async def resolve(client: httpx.AsyncClient, orders: Sequence[int], name: str = "村民") -> list[str]:
    """The persons of these numbers, recorded where nobody has them."""
    items = [
        {"row": row, "name": name, "document": {"type": "resident_id", "number": number(order)}, "hukou": VILLAGE}
        for row, order in enumerate(orders)
    ]
    answer = await client.post(
        "/v1/persons/resolve", json={"pool": POOL, "items": items}, headers={"Idempotency-Key": str(uuid4())}
    )
    assert answer.status_code == 200, answer.text
    assert {item["outcome"] for item in answer.json()["items"]} <= {"created", "matched"}, answer.text
    return [item["person_id"] for item in answer.json()["items"]]


async def both(fleet: Fleet, orders: Sequence[int]) -> list[str]:
    """Ask both workers at once for numbers that nobody has; they must agree."""
    one, other = await asyncio.gather(
        resolve(fleet.client(0), orders), resolve(fleet.client(1), list(reversed(orders)))
    )
    assert one == list(reversed(other))
    return one


async def test_keys_change_under_two_workers_that_go_on_registering(fleet: Fleet) -> None:
    suite, client = fleet.suite, fleet.client(0)
    await take(suite, "public_security", sheet(RESIDENTS, ["张三", number(1), VILLAGE, "在册", ""],
                                               ["坏行", "不详", VILLAGE, "在册", ""]))  # fmt: skip
    await take(suite, "veterans", sheet(HELP, ["张三", "", "在乡重点优抚", "2019-01-01", "", "1980-02-03", BESIDE]))
    (case,) = (await client.get("/v1/matches", params={"pool": POOL})).json()["items"]
    known = (await person(client, number(1)))["person_id"]
    decided = await client.post(
        f"/v1/matches/{case['case_id']}/decide", params={"pool": POOL}, json={"person_id": known},
        headers={"Idempotency-Key": "d", "If-Match": f'"{case["version"]}"'},
    )  # fmt: skip
    assert decided.status_code == 200, decided.text
    people = dict(zip(range(2, 12), await both(fleet, range(2, 12)), strict=True))
    orders = iter(range(12, 900))

    async def more() -> None:
        """New ones at both workers at once, and those of before at each."""
        new = [next(orders) for _ in range(8)]
        people.update(zip(new, await both(fleet, new), strict=True))
        for at in (0, 1):
            assert await resolve(fleet.client(at), list(people)) == list(people.values())
            assert (await person(fleet.client(at), number(1)))["person_id"] == known

    for keys in (ANNOUNCED, CHANGED):
        for at in (0, 1):
            await fleet.restart(at, keys)
            await asyncio.gather(more(), fleet.settle())
        announced = keys == ANNOUNCED
        assert (await fleet.keys())["announced"] is announced
        assert bool((await fleet.keys())["walks"]) is not announced, "what is only announced is not written with"
    suite.clock.set(suite.clock.now() + timedelta(minutes=6))
    await fleet.settle()
    found = await fleet.keys()
    assert (found["unused"], found["lookup_unused"]) == (["k1"], ["lookup"])
    assert all(item["current"] and item["known"] for item in found["items"])
    for at in (0, 1):
        await fleet.restart(at, AFTER)
        await more()
    assert len(await rows(suite, "select person_id from person")) == len(people) + 1
    # Whoever has no good number is matched as before, and what a clerk decided once is not asked again.
    taken = await take(suite, "veterans", sheet([*HELP, "再报"],
        ["张三", OLD_FORM, "在乡重点优抚", "2020-01-01", "", "", ""],
        ["张三", "", "在乡重点优抚", "2021-01-01", "", "1980-02-03", BESIDE]))  # fmt: skip
    assert taken["rows_accepted"] == 2
    held = await statuses(fleet.client(0), known, "2021-08-16")
    assert [status["identified_on"] for status in held] == ["2020-01-01", "2021-01-01"]
    (feed,) = (await rows(suite, "select * from feed where supplier = 'public_security'"))[:1]
    returned = await fleet.client(0).get(f"/v1/feeds/{feed['feed_id']}/rejected", params={"pool": POOL})
    assert returned.status_code == 200, returned.text
    assert "坏行" in returned.content.decode("utf-8-sig")


async def test_the_same_new_number_under_different_keys_is_one_person(fleet: Fleet) -> None:
    """A rolling restart: one worker writes under the key of before, the other under the new one."""
    await fleet.restart(0, ANNOUNCED)
    await fleet.restart(1, CHANGED)
    for at in range(10):
        await both(fleet, range(at * 5, at * 5 + 7))
    assert len(await rows(fleet.suite, "select person_id from person")) == 52
    heads = await rows(fleet.suite, "select count(*) from identity_document group by octet_length(number_hash)")
    assert len(heads) == 2, "both keys were written with, else this shows nothing"


class Failing(Sealer):
    """Keys of a process that dies after it has opened some values."""

    left = 7

    def open(self, sealed: bytes, context: str) -> bytes:
        self.left -= 1
        if self.left < 0:
            raise ConnectionError
        return super().open(sealed, context)


async def test_a_walk_that_was_killed_goes_on_where_it_stopped(fleet: Fleet) -> None:
    await resolve(fleet.client(0), range(11))
    with pytest.raises(ConnectionError):
        await fleet.rotation(Failing.from_setting(CHANGED), chunk=3).walk()
    stood = {row["subject"]: row for row in await rows(fleet.suite, "select * from key_walk")}
    assert stood["person.name_sealed"]["seen"] == 6
    assert stood["person.name_sealed"]["finished_at"] is None
    await fleet.rotation(Sealer.from_setting(CHANGED), chunk=3).walk()
    stood = {row["subject"]: row for row in await rows(fleet.suite, "select * from key_walk")}
    for subject in ("person.name_sealed", "identity_document.number_sealed"):
        walk = stood[subject]
        assert (walk["seen"], walk["changed"], walk["passed_over"]) == (11, 11, 0), subject
        assert walk["finished_at"] is not None
    for at in (0, 1):
        await fleet.restart(at, AFTER)
    assert len(set(await resolve(fleet.client(0), range(11)))) == 11
    assert len(await rows(fleet.suite, "select person_id from person")) == 11


async def test_a_value_that_has_changed_since_it_was_read_is_left_alone(fleet: Fleet) -> None:
    await resolve(fleet.client(0), range(2))
    for at in (0, 1):
        await fleet.restart(at, ANNOUNCED)
    sealer, (names,) = Sealer.from_setting(CHANGED), [one for one in SEALED if one.subject == "person.name_sealed"]
    async with fleet.workers[0].state.database.writing() as tx:
        found = await store.read_rows(tx, POOL, names, sealer, [])
        anew = [sealer.seal(sealer.open(row["name_sealed"], names.context(row)), names.context(row)) for row in found]
        read = [
            {**row, "old_sealed": row["name_sealed"], "new_sealed": sealed, "new_hash": row["name_hash"]}
            for row, sealed in zip(found, anew, strict=True)
        ]
        read[0]["old_sealed"] = anew[1]  # as if somebody had written another name meanwhile
        changed = await store.replace(tx, POOL, names, read)
    assert changed == [(found[1]["person_id"],)]


@pytest.mark.parametrize("held", [1, 3])
async def test_a_row_that_somebody_is_at_is_left_to_the_next_walk(fleet: Fleet, held: int) -> None:
    await resolve(fleet.client(0), range(3))
    rotation, database = fleet.rotation(Sealer.from_setting(CHANGED)), fleet.workers[0].state.database
    async with database.writing() as tx:
        lock = "select 1 from person where pool = :pool order by person_id limit :held for update"
        await tx.rows(lock, pool=POOL, held=held)
        await rotation.walk()
    (walk,) = await rows(fleet.suite, "select * from key_walk where subject = 'person.name_sealed'")
    assert (walk["changed"], walk["passed_over"]) == (3 - held, held)
    fleet.suite.clock.set(fleet.suite.clock.now() + timedelta(minutes=6))
    await rotation.walk()
    (walk,) = await rows(fleet.suite, "select * from key_walk where subject = 'person.name_sealed'")
    assert (walk["seen"], walk["changed"], walk["passed_over"]) == (3, held, 0)
    for at in (0, 1):
        await fleet.restart(at, AFTER)


async def test_two_workers_share_one_walk(fleet: Fleet) -> None:
    await resolve(fleet.client(0), range(40))
    keys = Sealer.from_setting(CHANGED)
    await asyncio.gather(*(fleet.rotation(keys, chunk=2).walk() for _ in range(3)))
    await fleet.rotation(keys, chunk=2).walk()
    for walk in await rows(fleet.suite, "select * from key_walk where seen > 0"):
        assert (walk["seen"], walk["changed"]) == (40, 40), walk
    for at in (0, 1):
        await fleet.restart(at, AFTER)


@pytest.mark.parametrize("lost", [setting("k1", "k1", "n2", "n2"), setting("k2", "k2", "n3", "n2 n3")])
async def test_a_worker_without_the_key_by_which_people_are_found_does_not_start(fleet: Fleet, lost: str) -> None:
    await resolve(fleet.client(0), range(2))
    app = fleet.worker(lost)
    with pytest.raises(RuntimeError, match="ELIGIBILITY_SEALING_KEYS does not hold"):
        await close_app(app)
    await app.state.database.close()


async def test_what_stays_under_a_key_of_before_is_an_alarm_and_a_lost_key_breaks_an_invariant(fleet: Fleet) -> None:
    suite = fleet.suite
    await resolve(fleet.client(0), range(3))
    await fleet.restart(0, CHANGED)
    await fleet.settle()
    await resolve(fleet.client(1), [5])  # a worker that nobody restarted
    suite.clock.set(suite.clock.now() + timedelta(days=8))

    async def alarms() -> dict[str, list[str]]:
        answer = await fleet.client(0).get("/v1/alarms")
        return {item["name"]: item["sample"] for item in answer.json()["items"] if item["found"]}

    late = [f"{POOL}/identity_document.number_sealed", f"{POOL}/person.name_sealed"]
    assert sorted((await alarms())["sealed_with_the_current_key"]) == late
    await fleet.settle()
    assert await alarms() == {}
    lost = fleet.worker(setting("k1", "k1", "lookup", "lookup n2"))
    report = (await suite.client("eligibility", "eligibility:read", app=lost).get("/v1/invariants")).json()["items"]
    assert {item["name"]: item["found"] for item in report if item["found"]} == {"sealed_with_a_known_key": 8}
    await lost.state.database.close()
    await fleet.restart(1, CHANGED)


async def test_of_a_file_only_its_key_is_sealed_anew(fleet: Fleet) -> None:
    feed = await take(fleet.suite, "veterans", sheet(VETERANS, ["张三", number(1), "在乡重点优抚", "2019-01-01", ""]))
    before = await rows(fleet.suite, "select * from evidence_part")
    (file,) = await rows(fleet.suite, "select * from evidence")
    await fleet.restart(0, CHANGED)
    await fleet.settle()
    assert await rows(fleet.suite, "select * from evidence_part") == before
    (changed,) = await rows(fleet.suite, "select * from evidence")
    assert (changed["key_sealed"][1:3], file["key_sealed"][1:3]) == (b"k2", b"k1")
    async with fleet.workers[0].state.database.reading() as tx:
        data = await evidence.load(tx, Sealer.from_setting(AFTER), POOL, changed["evidence_id"])
    assert "张三" in data.decode()
    assert feed["state"] == "taken"
    await fleet.restart(1, CHANGED)
