"""Eligibility on a real Postgres: lists taken in spite of crashes and crowds, persons, statuses as of a day."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.exceptions import InvalidTag
from fastapi import FastAPI

from services.eligibility.store import feeds as store
from services.eligibility.usecases import Eligibility, taking
from shared import chain, evidence
from shared.jobs import drain
from tests.eligibility_desk import (
    ALL,
    DISABLED,
    EMPLOYED,
    POLICE,
    POOL,
    VETERANS,
    VILLAGE,
    eligibility_alone,
    number,
    person,
    rows,
    send,
    sheet,
    statuses,
    take,
)
from tests.suite import InProcessSuite, close_app


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("eligibility", ALL)


@pytest.fixture
async def second(suite: InProcessSuite) -> AsyncIterator[FastAPI]:
    """A second worker on the same database."""
    app = suite.make_app("eligibility")
    yield app
    await close_app(app)


async def audit_lines(suite: InProcessSuite) -> list[dict[str, Any]]:
    return await rows(suite, "select action, client_id, actor, persons from audit_line order by seq")


async def events(client: httpx.AsyncClient) -> list[tuple[str, dict[str, Any]]]:
    answer = await client.get("/v1/events", params={"pool": POOL, "limit": 1000})
    return [(event["type"], event["data"]) for event in answer.json()["items"]]


# Lists


@pytest.mark.rule("S000-56")
async def test_bad_rows_come_back_as_they_were_sent(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    good = ["张三", number(1), "二级", "2019-01-01", ""]
    bad = [
        ["", number(2), "二级", "2019/1/1", ""],
        ["李四", number(3)[:-1], "五级", "2031-01-01", "备用"],
        ["张三", number(1), "二级", "2019-01-01", ""],
    ]
    feed = await take(suite, "disabled_federation", sheet(DISABLED, good, *bad, encoding="gb18030"))
    assert (feed["rows_total"], feed["rows_accepted"], feed["rows_rejected"]) == (4, 1, 3)
    answer = await client.get(f"/v1/feeds/{feed['feed_id']}/rejected", params={"pool": POOL})
    assert answer.headers["content-type"] == "application/octet-stream"
    back = list(csv.reader(io.StringIO(answer.content.decode("gb18030"))))
    assert back[0] == [*DISABLED, "退回原因"]
    assert [row[:-1] for row in back[1:]] == bad
    assert [row[-1] for row in back[1:]] == [
        "缺少姓名",
        (
            "身份证号应为18位（前17位数字，末位数字或X）；残疾等级“五级”应为一级、二级、三级、四级之一；"
            "评定日期“2031-01-01”晚于报送日期；终止日期“备用”不是有效日期，应为YYYY-MM-DD"
        ),
        "与第2行重复",
    ]


async def test_a_row_under_another_name_goes_back_and_changes_nobody(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await take(suite, "disabled_federation", sheet(DISABLED, ["买买提·江", number(1), "二级", "2019-01-01", ""]))
    feed = await take(
        suite,
        "veterans",
        sheet(
            VETERANS,
            ["买买提 • 江", number(1), "在乡重点优抚", "2019-01-01", ""],
            ["王五", number(2), "在乡重点优抚", "2019-01-01", ""],
            ["王武", number(2), "在乡重点优抚", "2020-01-01", ""],
            ["李四", number(1), "在乡重点优抚", "2020-01-01", ""],
        ),
    )
    assert feed["rows_accepted"] == 2
    kept = await rows(suite, "select row_no, faults from feed_rejection order by row_no")
    assert [(row["row_no"], [fault["code"] for fault in row["faults"]]) for row in kept] == [
        (4, ["name_differs"]),
        (5, ["name_differs"]),
    ]
    assert (await person(client, number(1)))["name"] == "买买提·江"
    assert (await person(client, number(2)))["name"] == "王五"


@pytest.mark.lesson("several matches in an import")
async def test_a_row_that_fits_two_persons_goes_back_and_updates_neither(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    """The number is one's, the name another's; the rows around it count."""
    known = [["张三", number(1), "二级", "2019-01-01", ""], ["王五", number(2), "二级", "2019-01-01", ""]]
    await take(suite, "disabled_federation", sheet(DISABLED, *known))
    persons = await rows(suite, "select * from person order by person_id")
    statuses_before = await rows(suite, "select * from status order by status_id")
    told = await events(client)
    feed = await take(
        suite,
        "disabled_federation",
        sheet(
            DISABLED,
            ["王五", number(1), "一级", "2019-01-01", ""],
            ["张三", number(2), "一级", "2019-01-01", ""],
            ["李四", number(3), "一级", "2019-01-01", ""],
        ),
    )
    assert (feed["rows_accepted"], feed["rows_rejected"]) == (1, 2)
    found = await rows(suite, "select * from person order by person_id")
    assert [row for row in found if row in persons] == persons
    assert len(found) == 3
    kept = await rows(suite, "select * from status order by status_id")
    assert [row for row in kept if row in statuses_before] == statuses_before
    assert [kind for kind, _ in (await events(client))[len(told) :]] == ["status.granted"]


async def test_the_same_bytes_are_the_same_feed(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    data = sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", ""])
    first = await send(client, "disabled_federation", data, key="one")
    replayed = await send(client, "disabled_federation", data, key='"one"')
    again = await send(client, "disabled_federation", data, key="two", file_name="再报.csv")
    assert (first.status_code, replayed.status_code, again.status_code) == (201, 201, 200)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert first.json() == replayed.json() == again.json()
    both = await asyncio.gather(*(send(client, "disabled_federation", data + b"\r\n", key=f"{i}") for i in range(4)))
    assert sorted(answer.status_code for answer in both) == [200, 200, 200, 201]
    assert len(await rows(suite, "select evidence_id from evidence")) == 2
    await suite.settle_down()


async def test_the_same_facts_in_another_file_change_nothing(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    row = ["张三", number(1), "二级", "2019-01-01", ""]
    await take(suite, "disabled_federation", sheet(DISABLED, row))
    before = await rows(suite, "select * from status")
    feed = await take(suite, "disabled_federation", sheet(DISABLED, row, ["李四", number(2), "一级", "2020-01-01", ""]))
    assert feed["rows_accepted"] == 2
    after = await rows(suite, "select * from status order by recorded_at, row_no")
    assert after[: len(before)] == before
    assert len(after) == 2
    assert [kind for kind, _ in await events(client)] == ["status.granted", "status.granted"]


async def test_a_status_stated_otherwise_is_withdrawn_and_kept(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await take(suite, "disabled_federation", sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", ""]))
    feed = await take(
        suite, "disabled_federation", sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", "2021-07-31"])
    )
    person_id = (await person(client, number(1)))["person_id"]
    assert await statuses(client, person_id, "2021-08-01") == []
    (held,) = await statuses(client, person_id, "2021-07-31")
    assert held["valid_to"] == "2021-07-31"
    assert held["evidence"] == {
        "supplier": "disabled_federation", "feed_id": feed["feed_id"], "row": 2, "sha256": feed["sha256"],
        "ended_by": None,
    }  # fmt: skip
    told = await events(client)
    assert [kind for kind, _ in told] == ["status.granted", "status.withdrawn", "status.granted"]
    assert told[1][1] == told[0][1]
    assert told[2][1]["valid_to"] == "2021-07-31"


async def test_a_granted_status_is_told_with_all_it_says(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    feed = await take(suite, "disabled_federation", sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", ""]))
    ((kind, data),) = await events(client)
    assert kind == "status.granted"
    assert data.pop("status_id")
    assert data == {
        "person_id": (await person(client, number(1)))["person_id"],
        "code": "disabled",
        "grade": 2,
        "school_region": None,
        "identified_on": "2019-01-01",
        "valid_to": None,
        "supplier": "disabled_federation",
        "feed_id": feed["feed_id"],
        "row": 2,
    }


@pytest.mark.parametrize(
    ("supplier", "file_name", "data", "status", "code"),
    [
        ("fire_brigade", "a.csv", sheet(DISABLED), 422, "supplier_unknown"),
        ("disabled_federation", "a.csv", sheet(POLICE), 422, "feed_unreadable"),
        ("disabled_federation", "a.txt", sheet(DISABLED), 422, "feed_unreadable"),
        ("disabled_federation", "a.xlsx", b"no workbook", 422, "feed_unreadable"),
        ("disabled_federation", "a.csv", b"", 422, "empty_upload"),
        ("disabled_federation", "../a.csv", sheet(DISABLED), 422, "validation_failed"),
    ],
    ids=["supplier", "heading", "kind", "broken", "empty", "name"],
)
async def test_a_file_that_cannot_be_taken_is_refused_at_once(
    client: httpx.AsyncClient, supplier: str, file_name: str, data: bytes, status: int, code: str
) -> None:
    answer = await send(client, supplier, data, file_name=file_name)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_empty_list_is_taken(suite: InProcessSuite) -> None:
    feed = await take(suite, "disabled_federation", sheet(DISABLED))
    assert (feed["rows_total"], feed["taken_at"] is not None) == (0, True)


async def test_rejected_rows_are_given_back_when_all_are_judged(client: httpx.AsyncClient) -> None:
    sent = (
        await send(client, "disabled_federation", sheet(DISABLED, ["", "", "", "", ""], ["x", "", "", "", ""]))
    ).json()
    answer = await client.get(f"/v1/feeds/{sent['feed_id']}/rejected", params={"pool": POOL})
    assert (answer.status_code, answer.json()["code"]) == (409, "feed_not_taken")
    answer = await client.get(f"/v1/feeds/{sent['feed_id']}", params={"pool": "140300"})
    assert (answer.status_code, answer.json()["code"]) == (404, "feed_unknown")


async def test_feeds_are_listed_page_by_page(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    names = [f"{at}.csv" for at in range(3)]
    for at, name in enumerate(names):
        await send(client, "veterans", sheet(VETERANS, *[[]] * at), file_name=name)
    first = (await client.get("/v1/feeds", params={"pool": POOL, "limit": 2})).json()
    rest = (await client.get("/v1/feeds", params={"pool": POOL, "limit": 2, "after": first["next"]})).json()
    assert [feed["file_name"] for feed in first["items"] + rest["items"]] == names
    assert rest["next"] is None
    await suite.settle_down()


# Crashes and crowds


def many_rows(count: int, step: int = 1) -> list[list[str]]:
    """Rows over `count` persons, every fiftieth without a name."""
    found = [["" if at % 50 == 49 else f"人{at}", number(at % 900, f"19{60 + at // 900}0203")] for at in range(count)]
    return found[::step]


async def waiting(app: FastAPI) -> tuple[Eligibility, Any, Callable[[], taking.Judged]]:
    """The waiting feed as a worker sees it, and how it is judged from its beginning."""
    service: Eligibility = app.state.service
    async with service.database.reading() as tx:
        (feed,) = await store.working_feeds(tx)
        data = await evidence.load(tx, service.sealer, feed["pool"], feed["evidence_id"])
    supplier = service.suppliers[feed["supplier"]]
    return service, feed, lambda: taking.Judged(taking.judge(supplier, feed, io.BytesIO(data)))


async def whole_and_once(suite: InProcessSuite, count: int) -> None:
    """Every row of `many_rows(count)` was judged once and every good one stands."""
    (feed,) = await rows(suite, "select state, rows_done, rows_accepted, rows_rejected from feed")
    bad = count // 50
    assert feed == {"state": "taken", "rows_done": count, "rows_accepted": count - bad, "rows_rejected": bad}
    (counts,) = await rows(
        suite,
        "select (select count(*) from person) as persons, (select count(*) from status) as statuses, "
        "(select count(distinct row_no) from status) as status_rows, (select count(*) from feed_rejection) as back, "
        "(select count(*) from event where type = 'status.granted') as told",
    )
    good = count - bad
    assert counts == {"persons": good, "statuses": good, "status_rows": good, "back": bad, "told": good}


async def test_a_worker_killed_between_chunks_leaves_the_rest_to_another(
    suite: InProcessSuite, client: httpx.AsyncClient, second: FastAPI
) -> None:
    await send(
        client, "employee_insurance", sheet(EMPLOYED, *([*row, "厂", "2021-01-01", ""] for row in many_rows(2300)))
    )
    service, feed, judged = await waiting(suite.apps["eligibility"])
    assert await taking.take_chunk(service, feed, judged())
    assert (await rows(suite, "select state, rows_done from feed")) == [{"state": "received", "rows_done": 1000}]
    assert await drain(second.state.jobs)
    await whole_and_once(suite, 2300)


async def test_a_worker_killed_inside_a_chunk_leaves_nothing_half_done(
    suite: InProcessSuite, client: httpx.AsyncClient, second: FastAPI
) -> None:
    await send(
        client, "employee_insurance", sheet(EMPLOYED, *([*row, "厂", "2021-01-01", ""] for row in many_rows(2300)))
    )
    service, feed, judged = await waiting(suite.apps["eligibility"])
    for wait in (0.01, 0.03, 0.06, 0.1):
        chunk = asyncio.create_task(taking.take_chunk(service, feed, judged()))
        await asyncio.sleep(wait)
        chunk.cancel()
        await asyncio.gather(chunk, return_exceptions=True)
        (cursor,) = await rows(suite, "select rows_done from feed")
        assert cursor["rows_done"] % taking.CHUNK_ROWS == 0
    await drain(second.state.jobs)
    await whole_and_once(suite, 2300)


@pytest.mark.lesson("N workers")
async def test_two_workers_take_each_row_once(
    suite: InProcessSuite, client: httpx.AsyncClient, second: FastAPI
) -> None:
    await send(
        client, "employee_insurance", sheet(EMPLOYED, *([*row, "厂", "2021-01-01", ""] for row in many_rows(3300)))
    )
    await asyncio.gather(*(drain(app.state.jobs) for app in (suite.apps["eligibility"], second)))
    await suite.settle_down()
    await whole_and_once(suite, 3300)


async def test_lists_that_name_the_same_new_persons_at_once_record_them_once(
    suite: InProcessSuite, client: httpx.AsyncClient, second: FastAPI
) -> None:
    people = [row for row in many_rows(1500) if row[0]]
    await send(client, "employee_insurance", sheet(EMPLOYED, *([*row, "厂", "2021-01-01", ""] for row in people)))
    await send(client, "veterans", sheet(VETERANS, *([*row, "在乡重点优抚", "2021-01-01", ""] for row in people[::-1])))
    service, other = suite.apps["eligibility"].state.service, second.state.service
    async with service.database.reading() as tx:
        first_feed, second_feed = await store.working_feeds(tx)
    await asyncio.gather(taking.take_feed(service, first_feed), taking.take_feed(other, second_feed))
    (counts,) = await rows(
        suite, "select (select count(*) from person) as persons, (select count(*) from status) as statuses"
    )
    assert counts == {"persons": len(people), "statuses": 2 * len(people)}


async def test_a_later_list_of_a_supplier_waits_for_the_earlier_one(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    open_end = sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", ""])
    ended = sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", "2021-07-31"])
    await send(client, "disabled_federation", open_end)
    await send(client, "disabled_federation", ended)
    await suite.settle_down()
    person_id = (await person(client, number(1)))["person_id"]
    assert await statuses(client, person_id, "2021-08-16") == []


async def test_a_list_that_cannot_be_taken_holds_up_nobody_else(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await send(client, "disabled_federation", sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", ""]))
    async with suite.apps["eligibility"].state.database.writing() as tx:
        await tx.execute("update evidence_part set sealed = substr(sealed, 1, 40)")
    await send(client, "veterans", sheet(VETERANS, ["李四", number(2), "在乡重点优抚", "2019-01-01", ""]))
    with pytest.raises(InvalidTag):
        await suite.settle_down()
    feeds = await rows(suite, "select supplier, state from feed order by supplier")
    assert [feed["state"] for feed in feeds] == ["received", "taken"]


# Persons


async def test_a_status_holds_on_its_first_and_its_last_day(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await take(suite, "employee_insurance", sheet(EMPLOYED, ["张三", number(1), "厂", "2021-03-01", "2021-07-31"]))
    person_id = (await person(client, number(1)))["person_id"]
    days = ["2021-02-28", "2021-03-01", "2021-07-31", "2021-08-01"]
    assert [len(await statuses(client, person_id, day)) for day in days] == [0, 1, 1, 0]
    answer = await client.post(
        "/v1/statuses/query", json={"pool": POOL, "as_of": "2021-07-31", "person_ids": [person_id, person_id]}
    )
    assert [item["person_id"] for item in answer.json()["items"]] == [person_id]
    today = await client.post("/v1/statuses/query", json={"pool": POOL, "person_ids": [person_id]})
    assert today.json() == {
        "as_of": "2021-08-16",
        "known_at": "2021-08-16T09:00:00+08:00",
        "items": [{"person_id": person_id, "statuses": [], "near": None}],
    }
    asked = {"pool": POOL, "every_day": True, "person_ids": [person_id]}
    ever = (await client.post("/v1/statuses/query", json=asked)).json()
    assert ever["as_of"] is None
    assert [(held["identified_on"], held["valid_to"]) for held in ever["items"][0]["statuses"]] == [
        ("2021-03-01", "2021-07-31")
    ]
    both = await client.post("/v1/statuses/query", json={**asked, "as_of": "2021-07-31"})
    assert both.status_code == 422


@pytest.mark.rule("S000-55", "S001-30", "S003-21")
async def test_the_hukou_is_the_latest_that_public_security_told(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    moved_in = ["张三", number(1), "男", "0001", VILLAGE, "迁入", "2020-05-01"]
    listed = ["张三", number(1), "男", "0002", "140522109200", "在册", ""]
    await take(suite, "public_security", sheet(POLICE, moved_in))
    first = await person(client, number(1))
    await take(suite, "public_security", sheet(POLICE, listed, moved_in))
    assert (first["hukou"], first["hukou_since"], first["version"]) == (VILLAGE, "2020-05-01", 2)
    now = await person(client, number(1))
    assert (now["hukou"], now["version"]) == (VILLAGE, 3)
    await take(
        suite, "public_security", sheet(POLICE, ["张三", number(1), "男", "", "110101001001", "迁出", "2021-08-01"])
    )
    gone = await person(client, number(1))
    assert (gone["hukou"], gone["hukou_since"], gone["deceased_on"]) == ("110101001001", "2021-08-01", None)


async def test_a_death_is_a_status_and_shows_on_the_person(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await take(suite, "public_security", sheet(POLICE, ["张三", number(1), "男", "", "", "死亡", "2021-08-01"]))
    dead = await person(client, number(1))
    assert (dead["deceased_on"], dead["hukou"]) == ("2021-08-01", None)
    assert [held["code"] for held in await statuses(client, dead["person_id"], "2021-08-01")] == ["deceased"]


async def test_numbers_are_masked_without_the_scope(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await take(suite, "disabled_federation", sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", ""]))
    masked = await person(client, number(1).lower())
    assert masked["document"]["number"] == f"1405{'*' * 12}{number(1)[-2:]}"
    assert (masked["name"], masked["birth_date"], masked["sex"]) == ("张三", "1980-02-03", "male")
    full = suite.client("eligibility", "eligibility:read persons:full")
    answer = await full.get(f"/v1/persons/{masked['person_id']}", params={"pool": POOL})
    assert answer.json()["document"]["number"] == number(1)
    assert answer.headers["ETag"] == '"1"'


async def test_nothing_at_rest_shows_a_name_or_a_number(suite: InProcessSuite) -> None:
    await take(suite, "disabled_federation", sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", ""]))
    for table in ("person", "identity_document", "evidence_part", "audit_line", "event", "idempotency_key", "status"):
        stored = str(await rows(suite, f"select * from {table}"))
        assert number(1) not in stored
        assert "张三" not in stored
        assert number(1).encode().hex() not in stored


async def test_every_reading_of_a_person_leaves_an_audit_line(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    feed = await take(suite, "disabled_federation", sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", ""]))
    auditor = suite.client("eligibility", "eligibility:read", user="王检查")
    person_id = (await person(auditor, number(1)))["person_id"]
    await auditor.get(f"/v1/persons/{person_id}", params={"pool": POOL})
    await statuses(auditor, person_id, "2021-08-01")
    await auditor.post("/v1/statuses/query", json={"pool": POOL, "person_ids": [person_id]})
    await auditor.get(f"/v1/feeds/{feed['feed_id']}/rejected", params={"pool": POOL})
    lines = await audit_lines(suite)
    assert [(line["action"], line["persons"]) for line in lines] == [
        ("feed.received", []),
        ("person.recorded", [person_id]),
        ("person.looked_up", [person_id]),
        ("person.read", [person_id]),
        ("status.read", [person_id]),
        ("status.read", [person_id]),
        ("feed.returned", []),
    ]
    assert {line["actor"] for line in lines[2:]} == {"王检查"}


async def test_persons_nobody_knows_are_said_to_be_unknown(client: httpx.AsyncClient) -> None:
    nobody = "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01"
    body = {"pool": POOL, "document": {"type": "resident_id", "number": number(1)}}
    answers = [
        await client.post("/v1/persons/lookup", json=body),
        await client.get(f"/v1/persons/{nobody}", params={"pool": POOL}),
        await client.get(f"/v1/persons/{nobody}/statuses", params={"pool": POOL}),
        await client.post("/v1/statuses/query", json={"pool": POOL, "person_ids": [nobody]}),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "person_unknown")] * 4


async def test_an_area_sees_only_its_own_people(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    here = ["张三", number(1), "男", "1", VILLAGE, "在册", ""]
    there = ["李四", number(2), "女", "2", "140522109200", "在册", ""]
    await take(suite, "public_security", sheet(POLICE, here, there))
    await take(suite, "veterans", sheet(VETERANS, ["王五", number(3), "在乡重点优抚", "2019-01-01", ""]))
    ids = [(await person(client, number(order)))["person_id"] for order in (1, 2, 3)]
    for area, seen in (("140522108", [200, 403, 403]), ("140522", [200, 200, 200]), ("371302", [403, 403, 403])):
        agent = suite.client("eligibility", "eligibility:read", area=area)
        answers = [await agent.get(f"/v1/persons/{person_id}", params={"pool": POOL}) for person_id in ids]
        assert [answer.status_code for answer in answers] == seen
    agent = suite.client("eligibility", ALL, area="140522108")
    refused = await agent.post("/v1/statuses/query", json={"pool": POOL, "person_ids": ids})
    assert (refused.status_code, refused.json()["code"]) == (403, "area_forbidden")
    assert {error["pointer"] for error in refused.json()["errors"]} == {f"person_id:{each}" for each in ids[1:]}
    assert (await send(agent, "veterans", sheet(VETERANS))).status_code == 403
    assert (await agent.get("/v1/feeds", params={"pool": POOL})).status_code == 403


# Rosters


def item(row: int, name: str, document: str, **more: str) -> dict[str, Any]:
    return {"row": row, "name": name, "document": {"type": "resident_id", "number": document}, **more}


async def resolve(client: httpx.AsyncClient, *items: dict[str, Any], key: str = "roster") -> httpx.Response:
    return await client.post(
        "/v1/persons/resolve", json={"pool": POOL, "items": items}, headers={"Idempotency-Key": key}
    )


@pytest.mark.rule("S003-19", "S003-21", "A003-6")
async def test_a_roster_is_resolved_person_by_person(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await take(suite, "public_security", sheet(POLICE, ["张三", number(1), "男", "1", VILLAGE, "在册", ""]))
    answer = await resolve(
        client,
        item(2, " 张 三", number(1)),
        item(3, "新人", number(2), hukou="140522108", residence=VILLAGE),
        item(4, "张山", number(1)),
        item(5, "", "12345"),
        item(6, "新人", number(2).lower()),
    )
    assert answer.status_code == 200, answer.text
    found = answer.json()["items"]
    assert [(each["row"], each["outcome"], [reason["code"] for reason in each["reasons"]]) for each in found] == [
        (2, "matched", []),
        (3, "created", []),
        (4, "refused", ["name_differs"]),
        (5, "refused", ["name_missing", "identity_number_invalid"]),
        (6, "created", []),
    ]
    assert found[1]["person_id"] == found[4]["person_id"]
    assert (found[0]["hukou"], found[1]["hukou"], found[1]["birth_date"]) == (VILLAGE, None, "1980-02-03")
    again = await resolve(client, item(2, "新人", number(2)), key="other")
    assert again.json()["items"][0]["outcome"] == "matched"


async def test_a_resolution_is_answered_once(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    first = await resolve(client, item(2, "张三", number(1)))
    second = await resolve(client, item(2, "张三", number(1)))
    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.json() == second.json()
    reused = await resolve(client, item(2, "李四", number(2)))
    assert reused.json()["code"] == "idempotency_key_reused"
    missing = await client.post("/v1/persons/resolve", json={"pool": POOL, "items": [item(2, "张三", number(1))]})
    assert missing.json()["code"] == "idempotency_key_missing"
    assert [line["action"] for line in await audit_lines(suite)] == ["person.resolved"]


async def test_rosters_that_name_the_same_persons_at_once_agree(client: httpx.AsyncClient) -> None:
    items = [item(at, name, document) for at, (name, document) in enumerate(many_rows(300)) if name]
    answers = await asyncio.gather(*(resolve(client, *items[:: (-1) ** at], key=f"{at}") for at in range(6)))
    by_row = [{each["row"]: each["person_id"] for each in answer.json()["items"]} for answer in answers]
    assert all(found == by_row[0] for found in by_row)
    outcomes = [each["outcome"] for answer in answers for each in answer.json()["items"]]
    assert outcomes.count("created") == len(items)


async def test_an_agent_resolves_whoever_is_declared_in_the_area(suite: InProcessSuite) -> None:
    agent = suite.client("eligibility", ALL, area="140522108")
    answer = await resolve(
        agent,
        item(2, "张三", number(1), hukou=VILLAGE),
        item(3, "李四", number(2), hukou="110101", residence=VILLAGE),
        item(4, "王五", number(3), hukou="110101", residence="140522109"),
        item(5, "赵六", number(4)),
    )
    assert [each["outcome"] for each in answer.json()["items"]] == ["created", "created", "refused", "refused"]
    assert answer.json()["items"][2]["reasons"][0]["code"] == "area_forbidden"
    assert len(await rows(suite, "select person_id from person")) == 2


# What verify finds


@pytest.mark.parametrize(
    ("edit", "broken"),
    [
        ("update status set valid_to = '2099-01-01'", "status_was_told"),
        ("update status set grade = 1", "status_was_told"),
        ("delete from status", "told_status_is_there"),
        ("update status set withdrawn_at = recorded_at, version = 2", "told_status_is_there"),
        ("update status set row_no = 3", "status_rests_on_accepted_row"),
        ("update hukou set region = '140522109200'", "hukou_is_as_recorded"),
        ("update person set birth_date = '1950-02-03'", "person_is_as_recorded"),
        ("delete from feed_rejection", "feed_rows_are_counted"),
        ("update feed set sha256 = 'x'", "feed_has_its_bytes"),
    ],
)
async def test_an_edit_behind_the_service_is_found(
    databases: dict[str, str], tmp_path: Path, edit: str, broken: str
) -> None:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("eligibility",))
    suite.set_clock("2021-08-16 09:00")
    row = ["张三", number(1), "二级", "2019-01-01", ""]
    await take(suite, "public_security", sheet(POLICE, ["张三", number(1), "男", "1", VILLAGE, "在册", ""]))
    await take(suite, "disabled_federation", sheet(DISABLED, row, row))
    assert await suite.invariants_broken() == {}
    async with suite.apps["eligibility"].state.database.writing() as tx:
        await tx.execute(edit)
    found = (await suite.invariants_broken())["eligibility"]
    assert broken in [finding["name"] for finding in found]
    await suite.close()


async def test_both_chains_hold(suite: InProcessSuite) -> None:
    await take(suite, "disabled_federation", sheet(DISABLED, ["张三", number(1), "二级", "2019-01-01", ""]))
    async with suite.apps["eligibility"].state.database.reading() as tx:
        assert await chain.verify(tx.connection) == []
