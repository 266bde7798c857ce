"""People who come without a good number: matched where only one can be meant, else a clerk decides, once for all."""

from collections.abc import AsyncIterator
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.eligibility import rules
from shared.identity import ResidentNumber, read_resident_number
from tests.eligibility_desk import ALL, POOL, VETERANS, eligibility_alone, number, person, rows, sheet, statuses, take
from tests.suite import InProcessSuite

TODAY = date(2021, 8, 16)
OLD = number(1)[:6] + number(1)[8:17]
HELP = [*VETERANS, "出生日期", "户籍地代码"]
WITHIN, BESIDE = "140522108200", "140522109201"


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
        assert set(found) <= {candidate for _, candidate in doubt.candidates}
        assert all(is_good(candidate) for _, candidate in doubt.candidates)


@given(order=st.integers(0, 999), at=st.integers(0, 16), birth=st.dates(date(1930, 1, 1), date(2020, 12, 31)))
def test_a_transposition_may_always_mean_the_number_it_came_from(order: int, at: int, birth: date) -> None:
    good = number(order, f"{birth:%Y%m%d}")
    given = exchanged(good, at)
    doubt = rules.doubt("张三", given, TODAY)
    if not is_good(given):
        assert doubt is not None
        assert good in {candidate for _, candidate in doubt.candidates}
        assert {"".join(sorted(candidate)) for _, candidate in doubt.candidates} == {"".join(sorted(good))}


people = st.lists(st.tuples(st.uuids(), st.none() | st.sampled_from((WITHIN, BESIDE, "140522108201"))), max_size=4)


@given(region=st.none() | st.sampled_from(("140522", "140522108", WITHIN)), found=people)
def test_a_name_means_the_only_one_whose_hukou_lies_there(
    region: str | None, found: list[tuple[UUID, str | None]]
) -> None:
    there = {who for who, hukou in found if region and hukou and hukou.startswith(region)}
    assert rules.meant_by_name(region, found) == (there.pop() if len(there) == 1 else None)


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


def known_by(name: str, document: str, region: str) -> list[list[str]]:
    """A list of residents that says where the hukou of somebody lies."""
    return [["姓名", "身份证号", "户籍地代码", "变动类型", "变动日期"], [name, document, region, "在册", ""]]


@pytest.mark.parametrize(
    ("name", "given", "birth", "home", "outcome"),
    [
        ("张三", number(1), "", "", "accepted"),
        ("张三", OLD, "", "", "accepted"),
        ("张三", exchanged(number(123), 14), "", "", "rejected"),
        ("李四", exchanged(number(123), 14), "", "", "accepted"),
        ("张三", "", "1980-02-03", "140522108", "accepted"),
        ("张三", "不详", "1980-02-03", WITHIN, "accepted"),
        ("张三", "", "1980-02-03", BESIDE, "case"),
        ("张三", "", "1980-02-03", "", "case"),
        ("张三", "", "1980-02-04", WITHIN, "rejected"),
        ("赵六", "", "1980-02-03", WITHIN, "rejected"),
        ("王五", "", "1985-05-06", WITHIN, "case"),
        ("张三", "", "", WITHIN, "rejected"),
    ],
)
async def test_a_row_without_a_good_number(
    suite: InProcessSuite, client: httpx.AsyncClient, name: str, given: str, birth: str, home: str, outcome: str
) -> None:
    twins = [number(5, "19850506"), number(7, "19850506")]
    for who, document in (("张三", number(1)), ("李四", number(123)), ("王五", twins[0]), ("王五", twins[1])):
        heading, row = known_by(who, document, WITHIN)
        await take(suite, "public_security", sheet([*heading, document], row))
    people = await rows(suite, "select * from person order by person_id")
    feed = await take(suite, "veterans", sheet(HELP, [*veteran(name, given), birth, home]))
    assert (feed["rows_accepted"], len(await rows(suite, "select case_id from match_case"))) == {
        "accepted": (1, 0),
        "case": (0, 1),
        "rejected": (0, 0),
    }[outcome]
    if outcome == "case":
        assert await returned(suite, feed) == {2: ["several_candidates"]}
    assert await rows(suite, "select * from person order by person_id") == people, "nobody is recorded or changed"


async def decided(client: httpx.AsyncClient, case: dict[str, Any], person_id: str | None) -> httpx.Response:
    headers = {"Idempotency-Key": f"{case['case_id']}", "If-Match": f'"{case["version"]}"'}
    path = f"/v1/matches/{case['case_id']}/decide"
    return await client.post(path, params={"pool": POOL}, json={"person_id": person_id}, headers=headers)


async def withdrawn(suite: InProcessSuite, case: dict[str, Any], key: str = "w") -> httpx.Response:
    return await suite.client("eligibility", "eligibility:approve").post(
        f"/v1/matches/{case['case_id']}/withdraw",
        params={"pool": POOL},
        json={"reason": "认错了人"},
        headers={"Idempotency-Key": key, "If-Match": f'"{case["version"]}"'},
    )


async def matches(client: httpx.AsyncClient, *, decided: bool = False) -> list[dict[str, Any]]:
    answer = await client.get("/v1/matches", params={"pool": POOL, "decided": decided})
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_decision_is_reused_counted_and_withdrawn(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await take(suite, "public_security", sheet(*known_by("张三", number(1), WITHIN)))
    known = (await person(client, number(1)))["person_id"]
    row = [*veteran("张三", ""), "1980-02-03", BESIDE]
    await take(suite, "veterans", sheet(HELP, row))
    (case,) = await matches(client)
    assert [one["person_id"] for one in case["candidates"]] == [known]
    assert (await withdrawn(suite, case, "early")).json()["code"] == "match_not_decided"
    assert (await decided(client, case, known)).status_code == 200
    suite.set_clock("2022-08-16 09:00")
    await take(suite, "veterans", sheet([*HELP, "次年"], [*veteran("张三", "", "2022-01-01"), "1980-02-03", BESIDE]))
    body = {"pool": POOL, "items": [{"row": 1, "name": "张三", "hukou": BESIDE,
                                     "document": {"number": "", "birth_date": "1980-02-03"}}]}  # fmt: skip
    (item,) = (await client.post("/v1/persons/resolve", json=body, headers={"Idempotency-Key": "r"})).json()["items"]
    assert (item["outcome"], item["matched_by"], item["person_id"]) == ("matched", "decision", known)
    assert [one["identified_on"] for one in await statuses(client, known, "2022-08-16")] == ["2022-01-01"]
    (reused,) = await matches(client, decided=True)
    assert (reused["person_id"], reused["times_used"]) == (known, 2)
    taken_at = suite.clock.now().isoformat()
    suite.set_clock("2022-08-17 09:00")
    back = await withdrawn(suite, reused)
    assert back.status_code == 200, back.text
    assert (await withdrawn(suite, reused)).json() == back.json(), "sent twice"
    assert (await withdrawn(suite, back.json(), "again")).json()["code"] == "match_not_decided"
    assert await statuses(client, known, "2022-08-16") == [], "what rested on the decision went with it"
    then = await client.get(
        f"/v1/persons/{known}/statuses", params={"pool": POOL, "as_of": "2022-08-16", "known_at": taken_at}
    )
    assert len(then.json()["items"][0]["statuses"]) == 1
    await take(suite, "veterans", sheet([*HELP, "再报"], [*veteran("张三", "", "2022-01-01"), "1980-02-03", BESIDE]))
    (again,) = await matches(client)
    assert again["case_id"] != case["case_id"], "the same row opens a new case"


async def test_what_another_row_says_as_well_stays_when_a_decision_is_withdrawn(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    await take(suite, "public_security", sheet(*known_by("张三", number(1), WITHIN)))
    known = (await person(client, number(1)))["person_id"]
    row = [*veteran("张三", ""), "1980-02-03", BESIDE]
    await take(suite, "veterans", sheet(HELP, row))
    (case,) = await matches(client)
    await decided(client, case, known)
    await take(suite, "veterans", sheet([*HELP, "再报"], row))
    await take(suite, "veterans", sheet([*HELP, "身份证号齐全"], [*veteran("张三", number(1)), "", ""]))
    (held,) = await statuses(client, known, "2021-08-16")
    (reused,) = await matches(client, decided=True)
    await withdrawn(suite, reused)
    (still,) = await statuses(client, known, "2021-08-16")
    assert still["evidence"]["feed_id"] != held["evidence"]["feed_id"]


async def test_names_from_before_are_made_findable(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await take(suite, "public_security", sheet(*known_by("张三", number(1), WITHIN)))
    async with suite.apps["eligibility"].state.database.writing() as tx:
        await tx.execute("update person set name_hash = null")
    await suite.settle_down()
    feed = await take(suite, "veterans", sheet(HELP, [*veteran("张 三", ""), "1980-02-03", WITHIN]))
    assert feed["rows_accepted"] == 1
