"""People who come without a good number: matched where only one can be meant, else a clerk decides, once for all."""

from collections.abc import AsyncIterator
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.eligibility import rules
from shared.identity import ResidentNumber, read_resident_number
from tests.eligibility_desk import ALL, POOL, VETERANS, eligibility_alone, number, person, rows, sheet, statuses, take
from tests.suite import InProcessSuite

TODAY = date(2021, 8, 16)
OLD = number(1)[:6] + number(1)[8:17]


def exchanged(text: str, at: int) -> str:
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def is_good(text: str) -> bool:
    return isinstance(read_resident_number(text, today=TODAY), ResidentNumber)


def between_two() -> tuple[str, str, str]:
    """A number that is not good, and two good ones of which each is it with neighbours exchanged."""
    for order, digit in product(range(1000), "0123456789X"):
        given = f"14052219800203{order:03d}{digit}"
        if not is_good(given):
            near = {exchanged(given, at) for at in range(17)} - {given}
            good = sorted(one for one in near if is_good(one))
            if len(good) == 2:
                return given, good[0], good[1]
    raise AssertionError


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("eligibility", ALL)


def veteran(name: str, document: str, since: str = "2019-01-01") -> list[str]:
    return [name, document, "在乡重点优抚", since, ""]


async def returned(suite: InProcessSuite, feed: dict[str, Any]) -> dict[int, list[str]]:
    """Row numbers that went back, with the codes of their faults."""
    kept = await rows(suite, f"select row_no, faults from feed_rejection where feed_id = '{feed['feed_id']}'")
    return {row["row_no"]: [fault["code"] for fault in row["faults"]] for row in kept}


@pytest.mark.parametrize(
    ("given", "born_by", "found"),
    [
        (OLD, None, [number(1)]),
        (f" {OLD} ", date(1980, 2, 3), [number(1)]),
        (OLD, date(1980, 2, 2), None),
        (OLD[:14], None, None),
        (OLD[:6] + "800230" + OLD[12:], None, None),
        (exchanged(number(123), 14), None, [number(123)]),
        (number(1)[:17], None, None),
        ("", None, None),
    ],
)
def test_what_a_number_that_is_not_good_may_mean(given: str, born_by: date | None, found: list[str] | None) -> None:
    doubt = rules.doubt("张三", given, TODAY, born_by=born_by)
    if found is None:
        assert doubt is None
    else:
        assert doubt is not None
        assert set(found) <= {candidate.number for candidate in doubt.candidates}
        assert all(is_good(candidate.number) for candidate in doubt.candidates)


async def test_a_doubtful_number_finds_whoever_is_known_under_the_name(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await take(suite, "veterans", sheet(VETERANS, veteran("张三", number(1)), veteran("李四", number(123))))
    feed = await take(
        suite,
        "veterans",
        sheet(
            VETERANS,
            veteran("张 三", OLD, "2020-01-01"),
            veteran("李四", exchanged(number(123), 14), "2020-01-01"),
            veteran("王五", OLD, "2020-01-01"),
            veteran("王五", number(2)[:6] + number(2)[8:17], "2020-01-01"),
            veteran("张三", OLD, "2020-01-01"),
        ),
    )
    assert await returned(suite, feed) == {
        4: ["identity_number_invalid", "duplicate_row"],
        5: ["identity_number_invalid"],
        6: ["identity_number_invalid", "duplicate_row"],
    }
    assert len(await rows(suite, "select person_id from person")) == 2, "nobody is recorded by such a number"
    for order in (1, 123):
        held = await statuses(client, (await person(client, number(order)))["person_id"], "2021-08-16")
        assert [status["identified_on"] for status in held] == ["2019-01-01", "2020-01-01"]
    body = {"pool": POOL, "items": [
        {"row": row, "name": name, "document": {"type": "resident_id", "number": OLD}}
        for row, name in enumerate(("张三", "王五"))
    ]}  # fmt: skip
    answer = await client.post("/v1/persons/resolve", json=body, headers={"Idempotency-Key": "r"})
    found = answer.json()["items"]
    assert [item["outcome"] for item in found] == ["matched", "refused"]
    assert found[0]["person_id"] == (await person(client, number(1)))["person_id"]


@pytest.mark.lesson("several matches in an import")
async def test_several_candidates_wait_for_a_clerk_whose_decision_is_remembered(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    given, one, other = between_two()
    await take(suite, "veterans", sheet(VETERANS, veteran("张三", one), veteran("张三", other)))
    before = await rows(suite, "select * from person order by person_id")
    feed = await take(suite, "veterans", sheet(VETERANS, veteran("张三", given, "2020-01-01")))
    assert await returned(suite, feed) == {2: ["several_candidates"]}
    assert await rows(suite, "select * from person order by person_id") == before
    again = await take(suite, "veterans", sheet([*VETERANS, "备注"], veteran("张三", given, "2020-01-01")))
    assert await returned(suite, again) == {2: ["several_candidates"]}
    (case,) = (await client.get("/v1/matches", params={"pool": POOL})).json()["items"]
    assert (case["name"], case["number"]) == ("张三", f"{given[:4]}{'*' * 12}{given[-2:]}")
    people = {document: (await person(client, document))["person_id"] for document in (one, other)}
    assert {candidate["person_id"] for candidate in case["candidates"]} == set(people.values())
    path, params = f"/v1/matches/{case['case_id']}/decide", {"pool": POOL}

    async def decide(person_id: str, key: str, version: int = 1) -> httpx.Response:
        headers = {"Idempotency-Key": key, "If-Match": f'"{version}"'}
        return await client.post(path, params=params, json={"person_id": person_id}, headers=headers)

    stranger = await decide("0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01", "a")
    assert (stranger.status_code, stranger.json()["code"]) == (422, "not_a_candidate")
    decided = await decide(people[other], "b")
    assert (decided.status_code, decided.json()["person_id"]) == (200, people[other])
    assert (await decide(people[one], "c")).status_code == 412
    assert (await client.get("/v1/matches", params=params)).json()["items"] == []
    taken = await take(suite, "veterans", sheet([*VETERANS, "再报"], veteran("张三", given, "2020-01-01")))
    assert taken["rows_accepted"] == 1
    assert len(await statuses(client, people[other], "2021-08-16")) == 2
    assert len(await statuses(client, people[one], "2021-08-16")) == 1
    stored = str(await rows(suite, "select * from match_case"))
    assert given not in stored
    assert "张三" not in stored
