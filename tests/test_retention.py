"""What is kept how long: by setting, in chunks, with counts on record, and never what somebody still works with."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from shared.jobs import drain
from tests.eligibility_desk import ALL, POOL, VETERANS, decide, eligibility_alone, number, person, rows, sheet, take
from tests.suite import ORDER, InProcessSuite

ROW = ["张三", number(1), "在乡重点优抚", "2019-01-01", ""]


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


async def ruled(suite: InProcessSuite, **given: Any) -> FastAPI:
    """A worker with rules of retention; its jobs are run once."""
    app = suite.make_app("eligibility", **given)
    await drain(app.state.jobs)
    return app


async def test_without_a_rule_nothing_is_erased(suite: InProcessSuite) -> None:
    await take(suite, "veterans", sheet(VETERANS, ROW))
    suite.set_clock("2080-01-01 09:00")
    await suite.settle_down()
    assert len(await rows(suite, "select evidence_id from evidence_part")) == 1
    assert await rows(suite, "select seq from audit_line where action = 'retention.erased'") == []


async def test_a_list_that_was_kept_long_enough_goes_and_what_it_said_stays(suite: InProcessSuite) -> None:
    first = await take(suite, "veterans", sheet(VETERANS, ROW, ["坏行", "不详", "在乡重点优抚", "2019-01-01", ""]))
    client = suite.client("eligibility", ALL)
    known = await person(client, number(1))
    suite.set_clock("2022-08-01 09:00")
    late = await take(suite, "veterans", sheet([*VETERANS, "次年"], ROW))
    suite.set_clock("2022-08-20 09:00")
    app = await ruled(suite, retention_days={"files": 365})
    files = {str(row["evidence_id"]): row for row in await rows(suite, "select * from evidence")}
    feeds = {str(row["feed_id"]): str(row["evidence_id"]) for row in await rows(suite, "select * from feed")}
    gone, kept = files[feeds[first["feed_id"]]], files[feeds[late["feed_id"]]]
    assert (gone["key_sealed"], gone["erased_at"] is None, gone["size_bytes"] > 0) == (None, False, True)
    assert (kept["key_sealed"] is None, kept["erased_at"]) == (False, None)
    assert [str(row["evidence_id"]) for row in await rows(suite, "select evidence_id from evidence_part")] == [
        feeds[late["feed_id"]]
    ]
    answer = await client.get(f"/v1/feeds/{first['feed_id']}/rejected", params={"pool": POOL})
    assert (answer.status_code, answer.json()["code"]) == (410, "evidence_erased")
    assert (await person(client, number(1)))["person_id"] == known["person_id"]
    [line] = await rows(suite, "select persons, detail from audit_line where action = 'retention.erased'")
    assert line["persons"] == []
    assert line["detail"] == {"kind": "files", "erased": 1, "before": "2021-08-20T09:00:00+08:00"}
    # It can still be taken back, and comes a second time as what it is: known.
    withdrawn = await decide(suite, first, "withdraw", reason="整批有误")
    assert withdrawn.status_code == 200, withdrawn.text
    await app.state.database.close()


async def test_nothing_goes_where_somebody_inspects_or_while_it_is_worked_with(suite: InProcessSuite) -> None:
    await take(suite, "veterans", sheet(VETERANS, ROW))
    async with suite.apps["eligibility"].state.database.writing() as tx:
        await tx.execute("update idempotency_key set status = null, claimed_at = now() - interval '900 days'")
    suite.set_clock("2023-08-20 09:00")
    held = await ruled(suite, retention_days={"files": 365, "idempotency_keys": 30}, retention_held_pools=[POOL])
    assert len(await rows(suite, "select evidence_id from evidence_part")) == 1
    free = await ruled(suite, retention_days={"files": 365, "idempotency_keys": 30})
    assert await rows(suite, "select evidence_id from evidence_part") == []
    assert len(await rows(suite, "select key from idempotency_key")) == 1, "a request that is running keeps its key"
    for app in (held, free):
        await app.state.database.close()


async def test_keys_of_requests_go_with_their_answers_in_chunks(suite: InProcessSuite) -> None:
    async with suite.apps["eligibility"].state.database.writing() as tx:
        await tx.execute(
            "insert into idempotency_key (pool, client_id, key, request_hash, status, body, claimed_at) "
            "select :pool, 'c', n, 'x', 200, '{}', cast(:at as timestamptz) - n * interval '1 day' "
            "from generate_series(1, 450) as n",
            pool=POOL,
            at=suite.clock.now(),
        )
        tx.audit(POOL, "test.began", "c", "c", suite.clock.now(), [], {})
    app = await ruled(suite, retention_days={"idempotency_keys": 30})
    [left] = await rows(suite, "select count(*) as n, max(cast(key as integer)) as oldest from idempotency_key")
    assert (left["n"], left["oldest"]) == (30, 30)
    erased = await rows(suite, "select detail from audit_line where action = 'retention.erased' order by seq")
    assert [line["detail"]["erased"] for line in erased] == [200, 200, 20]
    await app.state.database.close()


async def test_decisions_that_have_not_come_again_are_forgotten(suite: InProcessSuite) -> None:
    await take(suite, "veterans", sheet(VETERANS, ROW))
    listed = [*VETERANS, "出生日期", "户籍地代码"]
    row = ["张三", "", "在乡重点优抚", "2020-01-01", "", "1980-02-03", "140522109201"]
    await take(suite, "veterans", sheet(listed, row))
    suite.set_clock("2024-08-16 09:00")
    await (await ruled(suite, retention_days={"matches": 365})).state.database.close()
    [case] = await rows(suite, "select * from match_case")
    assert case["decided_at"] is None, "what waits for a clerk stays"
    answer = await suite.client("eligibility", ALL).post(
        f"/v1/matches/{case['case_id']}/decide",
        params={"pool": POOL},
        json={"person_id": None},
        headers={"Idempotency-Key": "d", "If-Match": '"1"'},
    )
    assert answer.status_code == 200, answer.text
    for days, left in ((360, 1), (366, 0)):
        suite.set_clock("2024-08-16 09:00")
        suite.clock.set(suite.clock.now() + timedelta(days=days))
        await (await ruled(suite, retention_days={"matches": 365})).state.database.close()
        assert len(await rows(suite, "select case_id from match_case")) == left, days


@pytest.mark.parametrize("days", [{"persons": 1000}, {"files": 89}, {"idempotency_keys": 1}])
async def test_a_rule_that_does_not_fit_is_refused_at_the_start(suite: InProcessSuite, days: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="retention_days"):
        suite.make_app("eligibility", retention_days=days)


@pytest.mark.parametrize("service", ORDER)
async def test_every_service_erases_what_it_rules(databases: dict[str, str], tmp_path: Path, service: str) -> None:
    running = InProcessSuite(databases, tmp_path / "keys", only=(service,))
    shown = (await running.client(service, f"{service}:read").get("/v1/retention")).json()["items"]
    app = running.make_app(service, retention_days={item["kind"]: item["least_days"] for item in shown})
    async with app.state.database.writing() as tx:
        await tx.execute(
            "insert into idempotency_key (pool, client_id, key, request_hash, status, body, claimed_at) "
            "values (:pool, 'c', 'k', 'x', 200, '{}', cast(:at as timestamptz))",
            pool=POOL,
            at=running.clock.now() - timedelta(days=31),
        )
        tx.audit(POOL, "test.began", "c", "c", running.clock.now(), [], {})
    await drain([job for job in app.state.jobs if job.name == "erase_what_is_old"])
    async with app.state.database.reading() as tx:
        assert await tx.value("select count(*) from idempotency_key") == 0
    await app.state.database.close()
    await running.close()


async def test_the_rules_are_shown(suite: InProcessSuite) -> None:
    app = suite.make_app("eligibility", retention_days={"files": 1826}, retention_held_pools=["999001"])
    answer = await suite.client("eligibility", "eligibility:read", app=app).get("/v1/retention")
    shown = {item["kind"]: item["days"] for item in answer.json()["items"]}
    assert shown == {"files": 1826, "idempotency_keys": None, "matches": None}
    assert answer.json()["held_pools"] == ["999001"]
    await app.state.database.close()
