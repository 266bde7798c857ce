"""Questions of one moment are answered together, each for itself; a region is read as a stream, each person once."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.eligibility.store import hukou as store
from tests.eligibility_desk import (
    ALL,
    POLICE,
    POOL,
    VETERANS,
    VILLAGE,
    eligibility_alone,
    number,
    person,
    rows,
    sheet,
    take,
)
from tests.suite import InProcessSuite

OTHER_TOWN = "140522109"
OTHER_VILLAGE = f"{OTHER_TOWN}200"


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


@pytest.fixture
async def people(suite: InProcessSuite) -> dict[int, str]:
    """1 and 2 live in the village, 3 in another town, 4 went there and came back, 5 nobody has placed; all are veterans
    but 2."""
    homes = {1: VILLAGE, 2: VILLAGE, 3: OTHER_VILLAGE, 4: VILLAGE}
    placed = [[f"人{order}", number(order), "男", "", home, "在册", ""] for order, home in homes.items()]
    await take(suite, "public_security", sheet(POLICE, *placed))
    for at, home in enumerate((OTHER_VILLAGE, VILLAGE), 1):
        moved = ["人4", number(4), "男", "", home, "迁入", f"2021-08-0{at}"]
        await take(suite, "public_security", sheet(POLICE, moved))
    entitled = [[f"人{order}", number(order), "在乡重点优抚", "2019-01-01", ""] for order in (1, 3, 4, 5)]
    await take(suite, "veterans", sheet(VETERANS, *entitled))
    client = suite.client("eligibility", ALL)
    return {order: (await person(client, number(order)))["person_id"] for order in range(1, 6)}


async def readings(suite: InProcessSuite, action: str) -> list[dict[str, Any]]:
    return await rows(suite, f"select actor, persons from audit_line where action = '{action}' order by seq")


async def test_questions_of_one_moment_are_answered_each_for_itself(
    suite: InProcessSuite, people: dict[int, str]
) -> None:
    agent = suite.client("eligibility", "eligibility:read", area=OTHER_TOWN, user="村干部")
    clerk = suite.client("eligibility", "eligibility:read", user="经办人")
    asked: list[tuple[httpx.AsyncClient, str]] = [
        *((clerk, people[order]) for order in people),
        *((agent, people[order]) for order in people),
        (clerk, str(uuid4())),
    ] * 3
    answers = await asyncio.gather(
        *(one.get(f"/v1/persons/{person_id}/statuses", params={"pool": POOL}) for one, person_id in asked)
    )
    for (one, person_id), answer in zip(asked, answers, strict=True):
        if person_id not in people.values():
            assert (answer.status_code, answer.json()["code"]) == (404, "person_unknown")
        elif one is agent and person_id != people[3]:
            assert (answer.status_code, answer.json()["code"]) == (403, "area_forbidden")
        else:
            (item,) = answer.json()["items"]
            held = [] if person_id == people[2] else ["key_entitled"]
            assert (item["person_id"], [status["code"] for status in item["statuses"]]) == (person_id, held)
    lines = await readings(suite, "status.read")
    assert sorted(line["actor"] for line in lines) == ["村干部"] * 3 + ["经办人"] * 15
    assert all(len(line["persons"]) == 1 for line in lines)


async def test_questions_of_one_moment_keep_their_own_day_instant_and_explanation(
    suite: InProcessSuite, people: dict[int, str]
) -> None:
    before = "2021-08-16T09:00:00+08:00"
    suite.set_clock("2021-08-20 09:00")
    await take(suite, "veterans", sheet(VETERANS, ["人2", number(2), "在乡重点优抚", "2020-01-01", ""]))
    client, person_id = suite.client("eligibility", "eligibility:read"), people[2]
    asked = [
        {"explain": "false", "known_at": before},
        {"explain": "true", "known_at": before},
        {"explain": "false"},
        {"explain": "false", "as_of": "2019-12-31"},
        {"explain": "true", "as_of": "2019-12-31"},
    ]
    address = f"/v1/persons/{person_id}/statuses"
    answers = await asyncio.gather(*(client.get(address, params={"pool": POOL, **one}) for one in asked * 2))
    held = [([status["code"] for status in item["statuses"]], item["near"]) for item in map(_item, answers)]
    near = [None if reasons is None else [one["reason"] for one in reasons] for _, reasons in held]
    assert [codes for codes, _ in held] == [[], [], ["key_entitled"], [], []] * 2
    assert near == [None, ["not_yet_recorded"], None, None, ["not_yet_begun"]] * 2
    lines = await rows(suite, "select detail from audit_line where action = 'status.read' order by seq")
    told = sorted((line["detail"]["as_of"], line["detail"]["known_at"]) for line in lines)
    now = "2021-08-20T09:00:00+08:00"
    wanted = [("2021-08-20", now), ("2021-08-20", before), ("2021-08-20", before), *[("2019-12-31", now)] * 2]
    assert told == sorted(wanted * 2)


def _item(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    [item] = answer.json()["items"]
    found: dict[str, Any] = item
    return found


async def test_a_question_about_many_is_refused_as_a_whole(suite: InProcessSuite, people: dict[int, str]) -> None:
    client = suite.client("eligibility", "eligibility:read")
    many = [str(uuid4()) for _ in range(60)]
    answer = await client.post("/v1/statuses/query", json={"pool": POOL, "person_ids": [people[1], *many]})
    assert (answer.status_code, answer.json()["code"]) == (404, "person_unknown")
    assert await readings(suite, "status.read") == []


async def test_everybody_of_a_region_is_read_once_as_a_stream(suite: InProcessSuite, people: dict[int, str]) -> None:
    client = suite.client("eligibility", "eligibility:read")
    agent = suite.client("eligibility", "eligibility:read", area=OTHER_TOWN)

    async def read(one: httpx.AsyncClient, **more: str) -> dict[int, list[str]]:
        answer = await one.get("/v1/statuses/export", params={"pool": POOL, **more})
        assert answer.status_code == 200, answer.text
        items = [json.loads(line) for line in answer.content.splitlines()]
        by_id = {item["person_id"]: [status["code"] for status in item["statuses"]] for item in items}
        assert len(by_id) == len(items)
        return {order: by_id[person_id] for order, person_id in sorted(people.items()) if person_id in by_id}

    held = ["key_entitled"]
    assert await read(client) == {1: held, 2: [], 3: held, 4: held, 5: held}
    assert await read(client, region=VILLAGE) == {1: held, 2: [], 4: held}
    assert await read(client, region=VILLAGE, as_of="2021-08-01") == {1: held, 2: []}
    assert await read(client, region=OTHER_TOWN, as_of="2021-08-01") == {3: held, 4: held}
    assert await read(client, region=POOL, as_of="2018-12-31") == {1: [], 2: [], 3: [], 4: []}
    assert await read(agent) == {3: held}
    refused = await agent.get("/v1/statuses/export", params={"pool": POOL, "region": VILLAGE})
    assert (refused.status_code, refused.json()["code"]) == (403, "area_forbidden")
    lines = await readings(suite, "status.exported")
    assert sorted(lines[-1]["persons"]) == [people[3]]


async def test_a_list_of_a_past_day_names_nobody_who_has_moved_out_of_the_callers_area(
    suite: InProcessSuite, people: dict[int, str]
) -> None:
    clerk = suite.client("eligibility", "eligibility:read")
    agent = suite.client("eligibility", "eligibility:read", area=OTHER_TOWN)
    stayed, back = people[3], people[4]
    day = {"pool": POOL, "region": OTHER_TOWN, "as_of": "2021-08-01", "explain": "true"}
    of_status = {"pool": POOL, "status": "key_entitled", "region": OTHER_TOWN, "as_of": "2021-08-01"}

    async def exported(client: httpx.AsyncClient) -> set[str]:
        answer = await client.get("/v1/statuses/export", params=day)
        return {json.loads(line)["person_id"] for line in answer.content.splitlines()}

    async def paged(client: httpx.AsyncClient) -> list[str]:
        found: list[str] = []
        after: dict[str, str] = {}
        while True:
            answer = (await client.get("/v1/statuses/holders", params={**of_status, "limit": 1, **after})).json()
            found += [item["person_id"] for item in answer["items"]]
            if not answer["next"]:
                return found
            after = {"after": answer["next"]}

    assert await exported(clerk) == {stayed, back}
    assert await paged(clerk) == sorted([stayed, back])
    assert await exported(agent) == {stayed}
    assert await paged(agent) == [stayed]
    for action in ("status.exported", "status.listed"):
        assert back not in (await readings(suite, action))[-1]["persons"]


@pytest.mark.parametrize("at_once", [1, 2, 3])
async def test_a_region_is_the_same_in_bits_of_any_size(
    suite: InProcessSuite, people: dict[int, str], at_once: int
) -> None:
    now, found, after = suite.clock.now(), [], None
    async with suite.apps["eligibility"].state.database.reading() as tx:
        while True:
            bit, after = await store.persons_in_region(tx, POOL, "1405", date(2021, 8, 16), now, after, at_once)
            found += bit
            if after is None:
                break
        everybody: list[UUID] = []
        last: UUID | None = None
        while True:
            bit, last = await store.persons_in_pool(tx, POOL, now, last, at_once)
            everybody += bit
            if last is None:
                break
    assert sorted(map(str, found)) == sorted(people[order] for order in (1, 2, 3, 4))
    assert list(map(str, everybody)) == sorted(people.values())
