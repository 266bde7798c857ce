"""Persons who turn out to be one after they have enrolled: found by every id; twice in a scheme-year, people decide."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.registration_town import AGENCY, OFFICER, PLACE, POOL, SCHEME, hand_in_feed, keyed, number, town_alone
from tests.suite import InProcessSuite

MOTHER = number(2, "19900101")
CHILD = number(11, "20210701")
BIRTHS = ["姓名", "身份证号", "性别", "户号", "户籍地代码", "变动类型", "变动日期", "母亲证件号码", "出生顺序"]
HELP = ["姓名", "身份证号", "救助类别", "认定日期"]


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with town_alone(databases, tmp_path) as running:
        yield running


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("registration", OFFICER)


async def enrol(client: httpx.AsyncClient, document: dict[str, Any], **told: Any) -> httpx.Response:
    person = {"name": "张小宝", "document": document, "hukou": PLACE, "residence": PLACE, **told}
    asked = {"pool": POOL, "scheme": SCHEME, "unit_code": AGENCY, "enrolment": "new", "person": person}
    return await client.post("/v1/enrolments", json=asked, headers=keyed())


async def joined(client: httpx.AsyncClient, document: dict[str, Any], **told: Any) -> dict[str, Any]:
    answer = await enrol(client, document, **told)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["enrolment"]
    return found


def by_mother() -> dict[str, Any]:
    return {"type": "newborn", "number": f"{MOTHER}01", "birth_date": "2021-07-01", "sex": "male"}


async def follow(suite: InProcessSuite) -> None:
    """Let eligibility work and registration follow it; payments is not here."""
    from services.registration.jobs import followers  # noqa: PLC0415

    await suite.settle_down()
    service = suite.apps["registration"].state.service
    following = followers(service, service.eligibility.upstream)[1]
    while await following.work():
        pass


async def births(suite: InProcessSuite) -> None:
    row = ["张小宝", CHILD, "男", "1", PLACE, "出生", "2021-07-01", MOTHER, "1"]
    await hand_in_feed(suite, "public_security", BIRTHS, row)
    await follow(suite)


async def items(client: httpx.AsyncClient, path: str, **params: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/v1/{path}", params={"pool": POOL, **params})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def test_a_newborn_enrolled_by_the_mothers_number_is_found_by_its_own(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    enrolled = await joined(client, by_mother())
    before = enrolled["person_id"]
    await births(suite)
    again = await enrol(client, {"type": "resident_id", "number": CHILD})
    assert again.json()["reasons"][0]["code"] == "already_enrolled", again.text
    eligibility = suite.client("eligibility", "eligibility:read")
    survivor = (await eligibility.get(f"/v1/persons/{before}", params={"pool": POOL})).json()["person_id"]
    assert survivor != before
    for person_id in (before, survivor):
        (found,) = await items(client, "enrolments", person_id=person_id)
        assert found["enrolment_id"] == enrolled["enrolment_id"]
    await hand_in_feed(suite, "civil_affairs", HELP, ["张小宝", CHILD, "低保", "2021-08-01"])
    await follow(suite)
    _, revised = await items(client, "assessments", person_id=survivor)
    assert (revised["reason"], revised["person_id"]) == ("status_recognised", before)


async def test_the_same_person_twice_in_a_scheme_year_is_a_case_for_people(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    first = await joined(client, by_mother())
    suite.set_clock("2021-09-04 09:00")
    second = await joined(client, {"number": CHILD})
    await births(suite)
    enrolments = await items(client, "enrolments", person_id=first["person_id"])
    assert [one["state"] for one in enrolments] == ["enrolled", "enrolled"], "nothing is overwritten"
    (case,) = await items(client, "status-cases")
    assert (case["kind"], case["state"], case["enrolment_id"]) == ("enrolled_twice", "open", second["enrolment_id"])
    await follow(suite)
    assert len(await items(client, "status-cases")) == 1

    async def decide(result: str, version: int) -> httpx.Response:
        headers = {**keyed(), "If-Match": f'"{version}"'}
        body = {"pool": POOL, "result": result, "note": "同一人"}
        return await client.post(f"/v1/status-cases/{case['case_id']}/decide", json=body, headers=headers)

    decided = await decide("approved", case["version"])
    assert decided.status_code == 200, decided.text
    states = {one["enrolment_id"]: one for one in await items(client, "enrolments", person_id=second["person_id"])}
    assert states[first["enrolment_id"]]["state"] == "enrolled"
    withdrawn = states[second["enrolment_id"]]
    assert (withdrawn["state"], withdrawn["withdrawn_reason"]) == ("withdrawn", "enrolled_twice")


async def test_a_merge_that_is_undone_leaves_each_with_its_own(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    first = await joined(client, by_mother())
    second = await joined(client, {"number": CHILD})
    await births(suite)
    (case,) = await items(client, "status-cases")
    clerk = suite.client("eligibility", "eligibility:read eligibility:write", user="经办人")
    head = suite.client("eligibility", "eligibility:approve", user="复核人")
    (merge,) = (await clerk.get("/v1/merges", params={"pool": POOL})).json()["items"]
    for caller, act, body in ((clerk, "dispute", {"reason": "双胞胎"}), (head, "undo", None)):
        headers = {**keyed(), "If-Match": f'"{merge["version"]}"'}
        answer = await caller.post(f"/v1/merges/{merge['merge_id']}/{act}", params={"pool": POOL}, json=body,
                                   headers=headers)  # fmt: skip
        assert answer.status_code == 200, answer.text
        merge = answer.json()
    await follow(suite)
    for one in (first, second):
        (found,) = await items(client, "enrolments", person_id=one["person_id"])
        assert found["enrolment_id"] == one["enrolment_id"]
    headers = {**keyed(), "If-Match": f'"{case["version"]}"'}
    body = {"pool": POOL, "result": "approved", "note": "同一人"}
    moot = await client.post(f"/v1/status-cases/{case['case_id']}/decide", json=body, headers=headers)
    assert (moot.status_code, moot.json()["code"]) == (409, "case_moot")
