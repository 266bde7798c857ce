"""Name and numbers of a person are erased by two people, when nobody needs them any more, and leave no trace."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.eligibility import rules
from services.eligibility.rules import KeptFor, Known
from shared import chain
from shared.jobs import drain
from tests.eligibility_desk import ALL, POOL, VETERANS, eligibility_alone, number, person, rows, sheet, statuses, take
from tests.suite import SEALING_KEYS, InProcessSuite
from tests.test_key_rotation import setting

CHILD, NEWBORN = number(7, "20210101"), f"{number(2, '19900101')}01"
FREE = Known(holds_status=False, merge_waits=False, match_waits=False, last_recorded_on=date(2021, 8, 16))


@pytest.mark.parametrize(
    ("known", "today", "reasons"),
    [
        (FREE, date(2051, 8, 17), []),
        (FREE, date(2051, 8, 16), [KeptFor.LAW]),
        (replace(FREE, holds_status=True), date(2060, 1, 1), [KeptFor.STATUS]),
        (replace(FREE, merge_waits=True, match_waits=True), date(2060, 1, 1), [KeptFor.MERGE, KeptFor.MATCH]),
        (replace(FREE, pool_held=True), date(2060, 1, 1), [KeptFor.HOLD]),
    ],
)
def test_reasons_to_keep(known: Known, today: date, reasons: list[KeptFor]) -> None:
    kept_days = (date(2051, 8, 17) - date(2021, 8, 16)).days
    assert list(rules.reasons_to_keep(known, today, kept_days)) == reasons


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


def veteran(name: str, document: str, until: str = "2021-12-31") -> list[str]:
    return [name, document, "在乡重点优抚", "2019-01-01", until]


async def request(suite: InProcessSuite, person_id: str, *, key: str = "q", user: str = "经办人") -> httpx.Response:
    return await suite.client("eligibility", ALL, user=user).post(
        "/v1/erasures",
        json={"pool": POOL, "person_id": person_id, "reason": "本人申请"},
        headers={"Idempotency-Key": key},
    )


async def decide(
    suite: InProcessSuite, erasure: dict[str, Any], act: str, *, user: str = "复核人", version: int = 1
) -> httpx.Response:
    return await suite.client("eligibility", "eligibility:approve", user=user).post(
        f"/v1/erasures/{erasure['erasure_id']}/{act}",
        params={"pool": POOL},
        headers={"Idempotency-Key": f"{act}-{user.encode().hex()}-{version}", "If-Match": f'"{version}"'},
    )


async def lookup(suite: InProcessSuite, document: str) -> httpx.Response:
    body = {"pool": POOL, "document": {"type": "resident_id", "number": document}}
    return await suite.client("eligibility", f"{ALL} persons:full").post("/v1/persons/lookup", json=body)


async def test_a_person_is_erased_and_history_stands(suite: InProcessSuite) -> None:
    await take(suite, "veterans", sheet(VETERANS, veteran("张三", number(1)), veteran("李四", number(3))))
    client = suite.client("eligibility", f"{ALL} persons:full")
    known = (await person(client, number(1)))["person_id"]
    suite.set_clock("2051-09-01 09:00")
    asked = await request(suite, known)
    assert asked.status_code == 201, asked.text
    assert (await request(suite, known)).json() == asked.json(), "sent twice"
    assert (await request(suite, known, key="other")).json()["code"] == "erasure_waits"
    own = await decide(suite, asked.json(), "approve", user="经办人")
    assert (own.status_code, own.json()["code"]) == (403, "erasure_four_eyes")
    done = await decide(suite, asked.json(), "approve")
    assert (done.status_code, done.json()["state"]) == (200, "erased"), done.text
    assert (await decide(suite, done.json(), "reject", version=2)).json()["code"] == "erasure_not_in_state"
    assert (await lookup(suite, number(1))).status_code == 404
    shown = await client.get(f"/v1/persons/{known}", params={"pool": POOL})
    assert shown.status_code == 200, shown.text
    assert (shown.json()["name"], shown.json()["document"]["number"]) == ("", "")
    assert (await lookup(suite, number(3))).json()["name"] == "李四"
    past = await client.get(f"/v1/persons/{known}/statuses", params={"pool": POOL, "as_of": "2021-08-16"})
    assert len(past.json()["items"][0]["statuses"]) == 1, "what was known and paid upon stays"
    async with suite.apps["eligibility"].state.database.engine.connect() as connection:
        assert await chain.verify(connection) == []
        for table in ("audit_line", "event"):
            found = await connection.execute(text(f"select count(*) from {table} t where cast(t as text) ~ :named"),
                                             {"named": f"张三|{number(1)}"})  # fmt: skip
            assert found.scalar_one() == 0, table
    [line] = await rows(suite, "select persons, detail from audit_line where action = 'person.erased'")
    assert (line["persons"], line["detail"]) == ([known], {})
    # Whoever brings the number again is somebody new.
    await take(suite, "veterans", sheet(VETERANS, veteran("张三", number(1), "2052-12-31")))
    assert (await lookup(suite, number(1))).json()["person_id"] != known


async def test_nothing_is_tied_to_an_erased_person(suite: InProcessSuite) -> None:
    await take(suite, "veterans", sheet(VETERANS, veteran("张三", number(1)), veteran("李四", number(3))))
    client = suite.client("eligibility", f"{ALL} persons:full")
    gone, other = [(await person(client, number(one)))["person_id"] for one in (1, 3)]
    suite.set_clock("2051-09-01 09:00")
    assert (await decide(suite, (await request(suite, gone)).json(), "approve")).status_code == 200
    for merged, surviving in ((gone, other), (other, gone)):
        told = {"pool": POOL, "merged_id": merged, "surviving_id": surviving, "reason": "同一人"}
        answer = await client.post("/v1/merges", json=told, headers={"Idempotency-Key": merged})
        assert (answer.status_code, answer.json()["code"]) == (409, "person_erased")
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"person_id:{gone}"]
    shown = await client.get(f"/v1/persons/{gone}", params={"pool": POOL})
    answer = await client.post(
        f"/v1/persons/{gone}/documents",
        params={"pool": POOL},
        json={"document": {"type": "chinese_passport", "number": "E12345678"}},
        headers={"Idempotency-Key": "passport", "If-Match": shown.headers["ETag"]},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "person_erased")


async def test_both_records_of_one_person_go_and_keys_can_still_be_changed(suite: InProcessSuite) -> None:
    births = ["姓名", "身份证号", "户籍地代码", "变动类型", "变动日期", "母亲证件号码", "出生顺序"]
    await take(suite, "public_security", sheet(births[:5], ["母", number(2, "19900101"), "140522108200", "在册", ""]))
    client = suite.client("eligibility", ALL)
    answer = await client.post(
        "/v1/persons/resolve",
        json={"pool": POOL, "items": [{
            "row": 1, "name": "小宝", "hukou": "140522108200", "newborn_number": NEWBORN,
            "document": {"type": "resident_id", "number": CHILD},
        }]},
        headers={"Idempotency-Key": "r"},
    )  # fmt: skip
    assert answer.json()["items"][0]["outcome"] == "created", answer.text
    await suite.settle_down()
    known = (await person(client, CHILD))["person_id"]
    suite.set_clock("2051-09-01 09:00")
    asked = (await request(suite, known)).json()
    assert (await decide(suite, asked, "approve")).status_code == 200
    assert len(await rows(suite, "select person_id from person where octet_length(name_sealed) = 33")) == 2
    before, after = json.loads(SEALING_KEYS), json.loads(setting("k2", "k2", "n2", "n2"))
    keys = after | {"keys": before["keys"] | after["keys"], "lookup": before["lookup"]}
    changed = suite.make_app("eligibility", sealing_keys=json.dumps(keys))
    await drain(changed.state.jobs)
    await suite.apps["eligibility"].state.database.close()
    suite.apps["eligibility"] = changed
    assert await suite.invariants_broken() == {}
    shown = await suite.client("eligibility", ALL).get(f"/v1/persons/{known}", params={"pool": POOL})
    assert shown.json()["name"] == ""


async def test_what_is_needed_is_refused_by_name_also_when_it_came_between(suite: InProcessSuite) -> None:
    await take(suite, "veterans", sheet(VETERANS, veteran("张三", number(1))))
    client = suite.client("eligibility", ALL)
    known = (await person(client, number(1)))["person_id"]
    now = await request(suite, known)
    assert (now.status_code, now.json()["code"]) == (409, "person_needed")
    assert [error["code"] for error in now.json()["errors"]] == ["status_held", "kept_by_law"]
    assert "2051-08-" in now.text
    suite.set_clock("2051-09-01 09:00")
    asked = await request(suite, known, key="later")
    assert asked.status_code == 201, asked.text
    await take(suite, "veterans", sheet(VETERANS, veteran("张三", number(1), "2055-12-31")))
    refused = await decide(suite, asked.json(), "approve")
    assert [error["code"] for error in refused.json()["errors"]] == ["status_held", "kept_by_law"]
    assert (await person(client, number(1)))["person_id"] == known
    assert len(await statuses(client, known, "2051-09-01")) == 1
    suite.clock.set(suite.clock.now() + timedelta(days=15))
    waiting = (await client.get("/v1/alarms")).json()["items"]
    assert next(item["found"] for item in waiting if item["name"] == "erasure_is_decided") == 1
    declined = await decide(suite, asked.json(), "reject")
    assert (declined.status_code, declined.json()["state"]) == (200, "declined")
    listed = await client.get("/v1/erasures", params={"pool": POOL, "state": "declined"})
    assert [item["erasure_id"] for item in listed.json()["items"]] == [asked.json()["erasure_id"]]


@pytest.mark.parametrize(("area", "code"), [("140522108", "area_forbidden"), ("371302", "area_forbidden")])
async def test_only_for_the_whole_pool(suite: InProcessSuite, area: str, code: str) -> None:
    await take(suite, "veterans", sheet(VETERANS, veteran("张三", number(1))))
    known = (await person(suite.client("eligibility", ALL), number(1)))["person_id"]
    answer = await suite.client("eligibility", ALL, area=area).post(
        "/v1/erasures", json={"pool": POOL, "person_id": known, "reason": "本人申请"}, headers={"Idempotency-Key": "a"}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, code)
