"""Who read whom: audit lines, answered to an inspector by person, actor and time."""

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from python_calamine import CalamineWorkbook

from tests.eligibility_desk import ALL, POOL, VETERANS, eligibility_alone, number, person, sheet, statuses, take
from tests.suite import ORDER, InProcessSuite


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


def inspector(suite: InProcessSuite, *, scopes: str = "eligibility:check", area: str = "") -> httpx.AsyncClient:
    return suite.client("eligibility", scopes, user="稽核员", area=area)


async def lines(client: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/audit-lines", params={"pool": POOL, **asked})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def people(suite: InProcessSuite, count: int) -> list[str]:
    """So many veterans, taken from a list; their ids, each looked up once by 办事员."""
    listed = [["张三", number(order), "在乡重点优抚", "2019-01-01", ""] for order in range(count)]
    await take(suite, "veterans", sheet(VETERANS, *listed))
    desk = suite.client("eligibility", ALL, user="办事员")
    return [(await person(desk, number(order)))["person_id"] for order in range(count)]


async def test_an_inspector_learns_who_read_a_person_and_leaves_a_line_too(suite: InProcessSuite) -> None:
    one, other = await people(suite, 2)
    suite.set_clock("2021-08-17 09:00")
    await statuses(suite.client("eligibility", ALL, user="李四"), one, "2021-08-16")
    client = inspector(suite)
    found = await lines(client, person_id=one)
    assert [(line["action"], line["actor"]) for line in found] == [
        ("person.recorded", "tester"),
        ("person.looked_up", "办事员"),
        ("status.read", "李四"),
    ]
    assert all(one in line["persons"] for line in found)
    assert found[2]["persons_count"] == 1
    assert found[2]["detail"]["as_of"] == "2021-08-16"
    assert [line["action"] for line in await lines(client, person_id=one, actor="李四")] == ["status.read"]
    later = await lines(client, person_id=one, since="2021-08-17T00:00:00+08:00")
    assert [line["action"] for line in later] == ["status.read", "audit.read", "audit.read"]
    assert [line["action"] for line in await lines(client, person_id=one, until="2021-08-17T00:00:00+08:00")] == [
        "person.recorded",
        "person.looked_up",
    ]
    asked = await lines(client, actor="稽核员")
    assert {line["action"] for line in asked} == {"audit.read"}
    assert asked[0]["detail"] == {"asked": {"person_id": one}, "lines": 3}
    assert asked[0]["persons"] == [one], "whom the inspector looked into is on record"
    assert await lines(client, person_id=other, action="status.read") == []
    assert await lines(client, client_id="nobody") == []


async def test_pages_join_to_the_whole_and_a_long_line_is_shown_in_part(suite: InProcessSuite) -> None:
    known = await people(suite, 30)
    client = inspector(suite)
    every = [line["seq"] for line in await lines(client, until="2021-08-17T00:00:00+08:00")]
    paged, after = [], "0"
    while after:
        answer = await client.get("/v1/audit-lines", params={"pool": POOL, "limit": 7, "after": after})
        paged += [line["seq"] for line in answer.json()["items"]]
        after = answer.json()["next"] if len(paged) < len(every) else ""
    assert paged[: len(every)] == every == list(range(1, len(every) + 1))
    [line] = await lines(client, person_id=known[29], action="person.recorded")
    assert (line["persons_count"], len(line["persons"])) == (30, 21), "the first twenty, and whom was asked for"
    assert known[29] in line["persons"]
    assert "written" not in line["detail"]
    whole = await client.get(f"/v1/audit-lines/{line['seq']}", params={"pool": POOL})
    assert sorted(whole.json()["persons"]) == sorted(known)
    missing = await client.get("/v1/audit-lines/999999", params={"pool": POOL})
    assert (missing.status_code, missing.json()["code"]) == (404, "audit_line_unknown")


async def test_as_a_table_for_people(suite: InProcessSuite) -> None:
    [one] = await people(suite, 1)
    answer = await inspector(suite).get("/v1/audit-lines.xlsx", params={"pool": POOL, "person_id": one})
    assert answer.status_code == 200, answer.text
    table = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert table[0] == ["序号", "时间", "操作", "操作说明", "操作人", "应用", "涉及人数", "涉及人员编号", "内容"]
    assert table[2][1:8] == ["2021-08-16 09:00:00", "person.looked_up", "按证件查询", "办事员", "tests", "1", one]
    assert len(table) == 3


@pytest.mark.parametrize(
    ("scopes", "area", "code"),
    [
        ("eligibility:read eligibility:write", "", "scope_missing"),
        ("eligibility:check", "140522108", "area_forbidden"),
        ("eligibility:check", "371302", "area_forbidden"),
    ],
)
async def test_only_who_checks_the_whole_pool_may_ask(suite: InProcessSuite, scopes: str, area: str, code: str) -> None:
    client = inspector(suite, scopes=scopes, area=area)
    for path in ("/v1/audit-lines", "/v1/audit-lines.xlsx", "/v1/audit-lines/1"):
        answer = await client.get(path, params={"pool": POOL})
        assert (answer.status_code, answer.json()["code"]) == (403, code), path


async def test_a_question_without_a_sense_is_refused(suite: InProcessSuite) -> None:
    for wrong in ({"person_id": "张三"}, {"since": "2021-08-16"}, {"after": "-1"}, {"limit": "1001"}):
        answer = await inspector(suite).get("/v1/audit-lines", params={"pool": POOL, **wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), wrong


async def test_every_service_answers_for_its_own_lines(databases: dict[str, str], tmp_path: Path) -> None:
    running = InProcessSuite(databases, tmp_path / "keys")
    for service in ORDER:
        client = running.client(service, f"{service}:check", user="稽核员")
        for _ in range(2):
            answer = await client.get("/v1/audit-lines", params={"pool": POOL})
            assert answer.status_code == 200, (service, answer.text)
        assert [line["actor"] for line in answer.json()["items"]] == ["稽核员"], service
    await running.close()
