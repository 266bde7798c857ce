"""Lists that count against one another: full ones, withdrawn ones, in any order; who held what, and what was known."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.eligibility.store import feeds as store
from services.eligibility.usecases import sweeping
from shared.jobs import drain
from tests.eligibility_desk import (
    ALL,
    DISABLED,
    EMPLOYED,
    POLICE,
    POOL,
    VETERANS,
    VILLAGE,
    decide,
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


def veterans(*orders: int, since: str = "2019-01-01", until: str = "") -> bytes:
    return sheet(VETERANS, *([f"人{order}", number(order), "在乡重点优抚", since, until] for order in orders))


async def told(client: httpx.AsyncClient) -> list[tuple[str, str, str | None]]:
    """What the feed of events says: kind, day of recognition, last day."""
    answer = await client.get("/v1/events", params={"pool": POOL, "limit": 1000})
    items = answer.json()["items"]
    return [(event["type"], event["data"]["identified_on"], event["data"]["valid_to"]) for event in items]


async def ask(client: httpx.AsyncClient, person_id: str, **moment: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/persons/{person_id}/statuses", params={"pool": POOL, **moment})
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    found: dict[str, Any] = item
    return found


# Full lists


async def test_a_full_list_ends_what_it_does_not_name(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await take(suite, "veterans", veterans(*range(1, 12)))
    full = await take(suite, "veterans", veterans(*range(1, 11)), kind="full", list_day="2021-08-10")
    assert (full["statuses_held"], full["statuses_ending"]) == (11, 0), "it speaks of a day before the list that counts"
    full = await take(suite, "veterans", veterans(*range(2, 12)), kind="full", serial="1")
    assert (full["statuses_held"], full["statuses_ending"]) == (11, 1)
    gone = (await person(client, number(1)))["person_id"]
    assert await statuses(client, gone, "2021-08-16") == []
    (held,) = await statuses(client, gone, "2021-08-15")
    assert (held["valid_to"], held["evidence"]["ended_by"]) == ("2021-08-15", full["feed_id"])
    assert (await told(client))[11:] == [
        ("status.withdrawn", "2019-01-01", None),
        ("status.granted", "2019-01-01", "2021-08-15"),
    ]
    back = await take(suite, "veterans", veterans(1), serial="2")
    (held,) = await statuses(client, gone, "2021-08-16")
    assert (held["valid_to"], held["evidence"]["feed_id"]) == (None, back["feed_id"])


async def test_a_full_list_that_shrinks_much_waits_for_a_second_person(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await take(suite, "veterans", veterans(1, 2, 3))
    held = await take(suite, "veterans", veterans(2, 4), kind="full", becomes="held")
    assert (held["statuses_held"], held["statuses_ending"]) == (4, 2)
    first, fourth = [(await person(client, number(order)))["person_id"] for order in (1, 4)]
    assert len(await statuses(client, first, "2021-08-16")) == 1, "nobody loses anything before"
    assert len(await statuses(client, fourth, "2021-08-16")) == 1, "what it grants counts at once"
    listed = await client.get("/v1/feeds", params={"pool": POOL, "state": "held", "supplier": "veterans"})
    assert [feed["feed_id"] for feed in listed.json()["items"]] == [held["feed_id"]]
    own = await decide(suite, held, "approve", user="tester")
    assert (own.status_code, own.json()["code"]) == (403, "four_eyes")
    stale = await decide(suite, {**held, "version": 1}, "approve", user="另一人")
    assert (stale.status_code, stale.json()["code"]) == (412, "version_differs")
    approved = await decide(suite, held, "approve")
    assert (approved.status_code, approved.json()["decided_by"]) == (200, "复核人")
    assert await statuses(client, first, "2021-08-16") == []
    again = await decide(suite, {**approved.json(), "version": 4}, "approve", user="第三人")
    assert (again.status_code, again.json()["code"]) == (409, "feed_not_in_state")


async def test_a_full_list_that_is_rejected_ends_nothing(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await take(suite, "veterans", veterans(1, 2))
    held = await take(suite, "veterans", veterans(2), kind="full", becomes="held")
    assert (await decide(suite, held, "reject")).json()["state"] == "declined"
    await take(suite, "veterans", veterans(1, 2, 3), serial="1")
    assert len(await statuses(client, (await person(client, number(1)))["person_id"], "2021-08-16")) == 1


@pytest.mark.parametrize(
    ("manifest", "pointers"),
    [
        ({"rows": "2"}, ["?rows"]),
        ({"sha256": "0" * 64, "list_day": "2021-08-17"}, ["?sha256", "?list_day"]),
        ({"rows": "1", "list_day": "2021-08-16"}, []),
    ],
)
async def test_a_list_must_be_what_its_manifest_says(
    suite: InProcessSuite, client: httpx.AsyncClient, manifest: dict[str, str], pointers: list[str]
) -> None:
    answer = await send(client, "veterans", veterans(1), **manifest)
    assert answer.status_code == (422 if pointers else 201)
    if pointers:
        assert answer.json()["code"] == "manifest_differs"
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers
    await suite.settle_down()


async def test_who_hands_over_changes_only_hands_over_no_full_list(client: httpx.AsyncClient) -> None:
    answer = await send(client, "public_security", sheet(POLICE), kind="full")
    assert (answer.status_code, answer.json()["code"]) == (422, "full_list_refused")


async def test_json_lines_are_a_list_and_come_back_as_json_lines(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    good = dict(zip(VETERANS, ["人1", number(1), "在乡重点优抚", "2019-01-01", None], strict=True))
    bad = {**good, "姓名": "", "备注": 7}
    data = "\n".join(json.dumps(line, ensure_ascii=False) for line in (good, bad)).encode()
    feed = await take(suite, "veterans", data, file_name="名单.jsonl")
    assert (feed["rows_accepted"], feed["rows_rejected"]) == (1, 1)
    back = await client.get(f"/v1/feeds/{feed['feed_id']}/rejected", params={"pool": POOL})
    assert [json.loads(line) for line in back.content.splitlines()] == [
        {**bad, "终止日期": "", "备注": "7", "退回原因": "缺少姓名；与第2行重复"}
    ]


# Withdrawal


@pytest.mark.rule("S004-17")
async def test_what_rested_on_a_withdrawn_list_is_withdrawn_or_rests_on_another(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    wrong = await take(suite, "veterans", veterans(1, 2))
    right = await take(suite, "veterans", veterans(2, 3))
    resting = await client.get(f"/v1/feeds/{wrong['feed_id']}/statuses", params={"pool": POOL, "limit": 1})
    rest = {"pool": POOL, "after": resting.json()["next"]}
    assert [status["row"] for status in resting.json()["items"]] == [2]
    more = (await client.get(f"/v1/feeds/{wrong['feed_id']}/statuses", params=rest)).json()
    assert ([status["row"] for status in more["items"]], more["next"]) == ([3], None)
    before = "2021-08-16T09:30:00+08:00"
    suite.set_clock("2021-08-17 09:00")
    withdrawn = await decide(suite, wrong, "withdraw", reason="报错了县")
    assert (withdrawn.status_code, withdrawn.json()["withdrawal_reason"]) == (200, "报错了县")
    first, second = [(await person(client, number(order)))["person_id"] for order in (1, 2)]
    nothing = await ask(client, first, as_of="2021-08-16")
    assert (nothing["statuses"], [near["reason"] for near in nothing["near"]]) == ([], ["withdrawn"])
    assert len((await ask(client, first, as_of="2021-08-16", known_at=before))["statuses"]) == 1
    (kept,) = (await ask(client, second, as_of="2021-08-16"))["statuses"]
    assert (kept["evidence"]["feed_id"], kept["evidence"]["row"]) == (right["feed_id"], 2)
    kinds = [kind for kind, *_ in await told(client)]
    assert kinds == ["status.granted"] * 3 + ["status.withdrawn"] * 2 + ["status.granted"]
    again = await take(suite, "veterans", veterans(1, 2))
    assert again["feed_id"] != wrong["feed_id"], "the same bytes may come again once they were withdrawn"


async def test_what_a_withdrawn_full_list_ended_comes_back(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await take(suite, "veterans", veterans(1, 2))
    held = await take(suite, "veterans", veterans(2), kind="full", becomes="held")
    ended = (await decide(suite, held, "approve")).json()
    person_id = (await person(client, number(1)))["person_id"]
    assert await statuses(client, person_id, "2021-08-16") == []
    await decide(suite, {**ended, "version": ended["version"] + 1}, "withdraw", reason="不全")
    assert len(await statuses(client, person_id, "2021-08-16")) == 1


async def test_the_hukou_of_a_withdrawn_list_no_longer_counts(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    listed = ["张三", number(1), "男", "0001", VILLAGE, "在册", ""]
    await take(suite, "public_security", sheet(POLICE, listed))
    moved = await take(
        suite,
        "public_security",
        sheet(POLICE, listed, ["张三", number(1), "男", "0001", "140522109200", "迁入", "2021-08-01"]),
    )
    before = await person(client, number(1))
    suite.set_clock("2021-08-17 09:00")
    await decide(suite, moved, "withdraw", reason="错报")
    after = await person(client, number(1))
    assert (before["hukou"], after["hukou"]) == ("140522109200", VILLAGE)
    assert after["version"] == before["version"] + 1
    asked = {"pool": POOL, "as_of": "2021-08-16", "known_at": "2021-08-16T12:00:00+08:00"}
    then = await client.get(f"/v1/persons/{after['person_id']}", params=asked)
    assert then.json()["hukou"] == "140522109200"
    earlier = await client.get(f"/v1/persons/{after['person_id']}", params={**asked, "as_of": "2021-07-31"})
    assert earlier.json()["hukou"] == VILLAGE


async def test_a_worker_killed_while_it_takes_back_leaves_the_rest_to_another(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    people = [[f"人{at}", number(at % 900, f"19{60 + at // 900}0203"), "厂", "2021-01-01", ""] for at in range(2300)]
    feed = await take(suite, "employee_insurance", sheet(EMPLOYED, *people))
    service = suite.apps["eligibility"].state.service
    closed = suite.client("eligibility", "eligibility:approve")
    headers = {"Idempotency-Key": "w", "If-Match": f'"{feed["version"]}"'}
    params = {"pool": POOL}
    answer = await closed.post(
        f"/v1/feeds/{feed['feed_id']}/withdraw", params=params, headers=headers, json={"reason": "错报"}
    )
    assert answer.json()["state"] == "withdrawing"
    async with service.database.reading() as tx:
        (working,) = await store.working_feeds(tx)
    assert await sweeping.sweep_chunk(service, working)
    assert (await rows(suite, "select count(*) as left from status where withdrawn_at is null"))[0]["left"] == 1300
    second = suite.make_app("eligibility")
    await drain(second.state.jobs)
    await close_app(second)
    assert (await rows(suite, "select count(*) as left from status where withdrawn_at is null"))[0]["left"] == 0
    kinds = await rows(suite, "select type, count(*) as told from event group by type order by type")
    assert [(row["type"], row["told"]) for row in kinds] == [("status.granted", 2300), ("status.withdrawn", 2300)]


# What was known when


@pytest.mark.rule("S002-09", "S004-17")
async def test_a_day_and_an_instant_have_an_exact_answer(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    disabled = ["张三", number(1), "二级", "2019-01-01", ""]
    await take(suite, "disabled_federation", sheet(DISABLED, disabled))
    person_id = (await person(client, number(1)))["person_id"]
    suite.set_clock("2021-09-01 09:00")
    await take(suite, "disabled_federation", sheet(DISABLED, [*disabled[:4], "2021-08-20"]))
    cases = [
        ("2018-12-31", "2021-08-31T00:00:00+08:00", [], {"not_yet_begun", "not_yet_recorded"}),
        ("2021-08-20", "2021-08-31T00:00:00+08:00", [None], {"not_yet_recorded"}),
        ("2021-08-21", "2021-08-31T00:00:00+08:00", [None], {"not_yet_recorded"}),
        ("2021-08-20", "2021-09-01T09:00:00+08:00", ["2021-08-20"], {"withdrawn"}),
        ("2021-08-21", "2021-09-01T09:00:00+08:00", [], {"ended", "withdrawn"}),
        ("2021-08-20", "2021-08-16T08:59:59+08:00", [], {"not_yet_recorded"}),
    ]
    for as_of, known_at, held, near in cases:
        found = await ask(client, person_id, as_of=as_of, known_at=known_at)
        assert [status["valid_to"] for status in found["statuses"]] == held, (as_of, known_at)
        assert {status["reason"] for status in found["near"]} == near, (as_of, known_at)
    wanted = {"pool": POOL, "as_of": "2021-08-21", "known_at": cases[1][1], "person_ids": [person_id]}
    batch = (await client.post("/v1/statuses/query", json=wanted)).json()
    assert (len(batch["items"][0]["statuses"]), batch["items"][0]["near"]) == (1, None)
    ahead = await client.post("/v1/statuses/query", json={**wanted, "known_at": "2021-09-01T09:00:01+08:00"})
    assert (ahead.status_code, ahead.json()["code"]) == (422, "known_at_in_future")


# Who holds what


@pytest.mark.rule("S000-02")
async def test_who_holds_a_status_is_listed_by_region_and_as_a_stream(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    homes = {1: VILLAGE, 2: VILLAGE, 3: "140522109200"}
    police = [[f"人{order}", number(order), "男", "", home, "在册", ""] for order, home in homes.items()]
    await take(suite, "public_security", sheet(POLICE, *police))
    await take(suite, "veterans", veterans(1, 2, 3, 4))
    people = {order: (await person(client, number(order)))["person_id"] for order in (1, 2, 3, 4)}
    asked = {"pool": POOL, "status": "key_entitled"}

    async def listed(caller: httpx.AsyncClient, **more: str) -> set[int]:
        answer = await caller.get("/v1/statuses/holders/export", params={**asked, **more})
        assert answer.status_code == 200, answer.text
        found = {json.loads(line)["person_id"] for line in answer.content.splitlines()}
        return {order for order, person_id in people.items() if person_id in found}

    assert await listed(client) == {1, 2, 3, 4}
    assert await listed(client, region=POOL) == {1, 2, 3}
    assert await listed(client, region="140522108") == {1, 2}
    assert await listed(client, as_of="2018-12-31") == set()
    assert await listed(suite.client("eligibility", "eligibility:read", area="140522109")) == {3}
    agent = suite.client("eligibility", "eligibility:read", area="140522109")
    refused = await agent.get("/v1/statuses/holders", params={**asked, "region": VILLAGE})
    assert (refused.status_code, refused.json()["code"]) == (403, "area_forbidden")
    first = (await client.get("/v1/statuses/holders", params={**asked, "limit": 3})).json()
    rest = (await client.get("/v1/statuses/holders", params={**asked, "after": first["next"]})).json()
    assert {holder["person_id"] for holder in first["items"] + rest["items"]} == set(people.values())
    assert (len(first["items"]), rest["next"]) == (3, None)
    assert {holder["hukou"] for holder in first["items"] + rest["items"]} == {VILLAGE, "140522109200", None}
    lines = await rows(suite, "select persons from audit_line where action = 'status.listed' order by seq")
    assert sorted(lines[0]["persons"]) == sorted(people.values())


# Suppliers


async def test_a_supplier_that_is_late_or_silent_for_long_is_seen(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    async def stands(code: str) -> dict[str, Any]:
        found: dict[str, Any] = (await client.get(f"/v1/suppliers/{code}", params={"pool": POOL})).json()
        return found

    agreed = {"contact": "优抚股", "first_due_on": "2021-08-20", "every_months": 1, "stale_after_days": 40}
    put = await client.put("/v1/suppliers/veterans", params={"pool": POOL}, json=agreed, headers={"If-Match": '"1"'})
    assert (put.status_code, put.headers["ETag"], put.json()["next_due_on"]) == (200, '"2"', "2021-08-20")
    twice = await client.put("/v1/suppliers/veterans", params={"pool": POOL}, json=agreed, headers={"If-Match": '"1"'})
    assert twice.status_code == 412
    suite.set_clock("2021-08-21 09:00")
    assert (await stands("veterans"))["overdue"] is True
    await take(suite, "veterans", veterans(1), list_day="2021-08-19")
    now = await stands("veterans")
    assert (now["last_list_day"], now["next_due_on"], now["overdue"], now["stale"]) == (
        "2021-08-19", "2021-09-20", False, False,
    )  # fmt: skip
    suite.set_clock("2021-09-29 09:00")
    now = await stands("veterans")
    assert (now["overdue"], now["stale"]) == (True, True)
    listed = (await client.get("/v1/suppliers", params={"pool": POOL})).json()["items"]
    late = [supplier["supplier"] for supplier in listed if supplier["overdue"]]
    assert (len(listed), late) == (15, ["veterans"])
    assert next(one for one in listed if one["supplier"] == "veterans")["asserts"] == ["key_entitled"]
    unknown = await client.get("/v1/suppliers/fire_brigade", params={"pool": POOL})
    assert unknown.json()["code"] == "supplier_unknown"
    wrong = await client.put(
        "/v1/suppliers/veterans", params={"pool": POOL}, json={"every_months": 1}, headers={"If-Match": '"2"'}
    )
    assert wrong.status_code == 422


async def test_a_full_list_with_bad_rows_ends_nothing_by_itself(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    """Whom it would end may stand in a row that went back."""
    await take(suite, "veterans", veterans(*range(1, 12)))
    bad = ["", number(1), "在乡重点优抚", "2019-01-01", ""]
    data = sheet(VETERANS, bad, *([f"人{at}", number(at), "在乡重点优抚", "2019-01-01", ""] for at in range(2, 12)))
    held = await take(suite, "veterans", data, kind="full", becomes="held")
    assert (held["statuses_held"], held["statuses_ending"]) == (11, 1)
    assert len(await statuses(client, (await person(client, number(1)))["person_id"], "2021-08-16")) == 1
