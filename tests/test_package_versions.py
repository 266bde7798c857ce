"""Versions of a package over the API: who may move them where, corrections, and two officers at the same moment."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.database import Database
from tests.registration_town import OFFICER, PACKAGE, SCHEME, keyed, publish_package
from tests.suite import InProcessSuite

CHANGED = PACKAGE.replace("阳城县2022年度".encode(), "阳城县二〇二二年度".encode())
OTHER = PACKAGE.replace("阳城县2022年度".encode(), "阳城2022年度".encode())
CORRECTION = {"reason": "名称有误", "counts_from": "2021-08-02"}


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    running = InProcessSuite(databases, tmp_path / "keys", only=("registration",))
    yield running
    assert await running.invariants_broken() == {}
    await running.close()


class Officer:
    """One officer, and what becomes of the version that he works on."""

    def __init__(self, suite: InProcessSuite, user: str) -> None:
        self._client = suite.client("registration", OFFICER, user=user)

    async def draft(self, source: bytes = PACKAGE) -> str:
        answer = await self._client.post("/v1/packages", content=source, headers=keyed(file=True))
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == "draft"
        version: str = answer.json()["version"]
        return version

    async def step(self, version: str, step: str, body: Any = None) -> httpx.Response:
        return await self._client.post(f"/v1/packages/{SCHEME}/{version}/{step}", json=body or {})

    async def became(self, version: str, step: str, body: Any = None) -> str:
        """The state after a step, or the code of what was refused."""
        answer = (await self.step(version, step, body)).json()
        return str(answer["code"] if "code" in answer else answer["state"])


async def test_what_may_follow_what(suite: InProcessSuite) -> None:
    first, second, third = (Officer(suite, f"officer-{name}") for name in "abc")
    version = await first.draft()
    assert await second.became(version, "publish") == "package_not_validated"
    assert await second.became(version, "validate") == "validated"
    assert await first.became(version, "publish") == "four_eyes"  # drafted it
    assert await second.became(version, "publish") == "four_eyes"  # gave his word for it
    assert await first.became(version, "validate") == "validated"  # anew, by somebody else
    assert await second.became(version, "publish") == "published"
    for step, body in (("validate", {}), ("withdraw", {"reason": "误"})):
        assert await third.became(version, step, body) == "package_state"
    assert await third.became("sha256:" + "0" * 64, "withdraw", {"reason": "误"}) == "package_unknown"


async def test_a_withdrawn_draft_blocks_nothing_and_may_come_again(suite: InProcessSuite) -> None:
    first, second = Officer(suite, "officer-a"), Officer(suite, "officer-b")
    wrong = PACKAGE.replace(b"scheme: yangcheng-2022", b"scheme: yangchen-2022")
    client = suite.client("registration", OFFICER, user="officer-a")
    mistyped = (await client.post("/v1/packages", content=wrong, headers=keyed(file=True))).json()
    blocked = await client.post("/v1/packages", content=PACKAGE, headers=keyed(file=True))
    assert blocked.json()["code"] == "scheme_conflict"
    gone = await client.post(
        f"/v1/packages/yangchen-2022/{mistyped['version']}/withdraw", json={"reason": "方案代码有误"}
    )
    assert (gone.json()["state"], gone.json()["withdrawn_reason"]) == ("withdrawn", "方案代码有误")
    version = await first.draft()
    assert await first.became(version, "validate") == "validated"
    assert await second.became(version, "withdraw", {"reason": "暂缓"}) == "withdrawn"
    assert await second.became(version, "publish") == "package_state"
    assert await second.became(version, "withdraw", {"reason": "再次"}) == "withdrawn"
    assert await second.draft() == version  # the same content, and a draft again, of whoever hands it in now
    [found] = (await client.get(f"/v1/schemes/{SCHEME}/versions")).json()["items"]
    assert (found["drafted_by"], found["validated_by"], found["withdrawn_reason"]) == ("officer-b", None, None)


async def test_a_correction_says_why_and_from_when(suite: InProcessSuite) -> None:
    first, second = Officer(suite, "officer-a"), Officer(suite, "officer-b")
    one = await first.draft()
    assert await first.became(one, "validate", {"correction": CORRECTION}) == "nothing_to_correct"
    assert await first.became(one, "validate") == "validated"
    two = await first.draft(CHANGED)
    assert await first.became(two, "validate") == "validated"  # nothing is in force yet
    assert await second.became(one, "publish") == "published"
    assert await second.became(two, "publish") == "package_overtaken"  # it was validated as the first of its scheme
    assert await first.became(two, "validate") == "correction_unexplained"
    later = {"correction": {"reason": "名称有误", "counts_from": "2021-08-05"}}
    assert await first.became(two, "validate", later) == "validated"
    assert await second.became(two, "publish") == "correction_not_yet"
    suite.set_clock("2021-08-05 00:00")
    assert await second.became(two, "publish") == "published"
    found = await second.step(one, "publish")
    assert (found.json()["state"], found.json()["replaced_by"]) == ("replaced", two)  # and nothing is moved back
    client = suite.client("registration", "registration:read")
    standing = (await client.get(f"/v1/packages/{SCHEME}/{two}")).json()
    assert (standing["reassessment"]["state"], standing["reassessment"]["persons_total"]) == ("running", 0)
    assert (await client.get(f"/v1/packages/{SCHEME}/{one}")).json()["reassessment"] is None


async def test_two_corrections_published_at_once_leave_one_in_force(suite: InProcessSuite) -> None:
    first, second = Officer(suite, "officer-a"), Officer(suite, "officer-b")
    in_force = await publish_package(suite)
    versions = [await first.draft(source) for source in (CHANGED, OTHER)]
    for version in versions:
        assert await first.became(version, "validate", {"correction": CORRECTION}) == "validated"
    told = await asyncio.gather(*(second.became(version, "publish") for version in versions for _ in range(3)))
    assert sorted(told) == ["package_overtaken"] * 3 + ["published"] * 3
    client = suite.client("registration", "registration:read")
    listed = (await client.get(f"/v1/schemes/{SCHEME}/versions", params={"limit": 2})).json()
    rest = await client.get(f"/v1/schemes/{SCHEME}/versions", params={"after": listed["next"]})
    found = {one["version"]: one["state"] for one in [*listed["items"], *rest.json()["items"]]}
    assert (found[in_force], sorted(found.values())) == ("replaced", ["published", "replaced", "validated"])
    database: Database = suite.apps["registration"].state.database
    async with database.reading() as tx:
        assert await tx.value("select count(*) from package_run where purpose = 'correction'") == 1


async def test_the_file_comes_back_byte_by_byte(suite: InProcessSuite) -> None:
    source = "﻿".encode() + b"# \xe5\xa4\x87\xe6\xb3\xa8\r\n" + PACKAGE
    version = await Officer(suite, "officer-a").draft(source)
    client = suite.client("registration", "registration:read", area="140522108")
    answer = await client.get(f"/v1/packages/{SCHEME}/{version}/source")
    assert answer.content == source
    stranger = suite.client("registration", "registration:read", area="3713")
    assert (await stranger.get(f"/v1/packages/{SCHEME}/{version}/source")).json()["code"] == "area_forbidden"
    assert (await client.get("/v1/schemes/atlantis-2022/versions")).json()["code"] == "scheme_unknown"


async def test_what_does_not_fit_together_is_answered_before_it_is_published(suite: InProcessSuite) -> None:
    first = Officer(suite, "officer-a")
    nobodys = PACKAGE.replace(b"- statuses: [key_entitled]", b"- statuses: [clergy]")
    version = await first.draft(nobodys.replace(b"- statuses: [fallen_into_poverty]", b"- statuses: [student]"))
    refused = (await first.step(version, "validate")).json()
    assert refused["code"] == "warnings_unanswered"
    answers = [{"pointer": one["pointer"], "code": one["code"], "answer": "原文如此"} for one in refused["errors"]]
    assert await first.became(version, "validate", {"answers": answers[1:]}) == "warnings_unanswered"
    kept = (await first.step(version, "validate", {"answers": answers})).json()
    assert (kept["state"], kept["answers"]) == ("validated", answers)


async def test_the_database_refuses_a_second_version_in_force_and_a_publisher_who_validated(
    suite: InProcessSuite,
) -> None:
    await publish_package(suite)
    second = await Officer(suite, "officer-a").draft(CHANGED)
    database: Database = suite.apps["registration"].state.database
    word = "validated_at = now(), answers = '[]', published_at = now()"
    for by in ("validated_by = 'x', published_by = 'y'", "validated_by = 'y', published_by = 'y'"):
        change = f"update package_version set state = 'published', {word}, {by} where version = '{second}'"
        with pytest.raises(IntegrityError):
            async with database.engine.begin() as connection:
                await connection.execute(text(change))
