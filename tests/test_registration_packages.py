"""Packages and units over the API: two officers, one content one version, nothing published ever changes."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.database import Database
from tests.registration_town import OFFICER, PACKAGE, POOL, SCHEME, VILLAGE, keyed, publish_package
from tests.suite import InProcessSuite


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    running = InProcessSuite(databases, tmp_path / "keys", only=("registration",))
    yield running
    assert await running.invariants_broken() == {}
    await running.close()


async def draft(client: httpx.AsyncClient, source: bytes = PACKAGE, headers: Any = None) -> httpx.Response:
    return await client.post("/v1/packages", content=source, headers=headers or keyed(file=True))


async def test_drafted_by_one_published_by_another(suite: InProcessSuite):
    first, second = (suite.client("registration", OFFICER, user=user) for user in ("officer-a", "officer-b"))
    made = await draft(first)
    assert (made.status_code, made.json()["state"], made.json()["drafted_by"]) == (201, "draft", "officer-a")
    publish = f"/v1/packages/{SCHEME}/{made.json()['version']}/publish"
    assert (await first.get(f"/v1/schemes/{SCHEME}")).json()["code"] == "scheme_unknown"
    early = await second.post(publish)
    assert (early.status_code, early.json()["code"]) == (409, "package_not_validated")
    validated = (await first.post(publish.replace("publish", "validate"), json={})).json()
    assert (validated["state"], validated["validated_by"], validated["answers"]) == ("validated", "officer-a", [])
    refused = await first.post(publish)
    assert (refused.status_code, refused.json()["code"]) == (409, "four_eyes")
    published = await second.post(publish)
    assert (published.status_code, published.json()["state"]) == (200, "published")
    assert published.json()["published_by"] == "officer-b"
    again = await first.post(publish)  # nothing to do any more, and nobody is named anew
    assert again.json() == published.json()
    unknown = await second.post(f"/v1/packages/{SCHEME}/sha256:{'0' * 64}/publish")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "package_unknown")


async def test_a_scheme_in_the_words_of_other_services(suite: InProcessSuite):
    version = await publish_package(suite)
    client = suite.client("registration", "registration:read", area="140522108200")
    scheme = (await client.get(f"/v1/schemes/{SCHEME}")).json()
    published_at = scheme.pop("published_at")
    assert published_at
    assert scheme == {
        "scheme": SCHEME,
        "pool": POOL,
        "benefit_year": 2022,
        "version": version,
        "title": "阳城县2022年度城乡居民基本医疗保险",
        "window": {
            "from": "2021-09-01",
            "to": "2021-12-25",
            "first_day": 1,
            "last_day": 25,
            "rules": ["S004-03", "S004-06", "S004-08"],
            "day_rules": ["S004-07"],
        },
        "cover": {"from": "2022-01-01", "to": "2022-12-31"},
        "refund": {
            "window_from": "2021-09-01",
            "window_to": "2021-12-25",
            "grounds": ["paid_twice", "status_recognised", "joined_employee", "deceased", "wrong_payment"],
            "rules": {
                "outside_window": ["S004-30", "S004-32"],
                "paid_twice": ["S004-29", "S004-31", "S004-33"],
                "status_recognised": ["S004-17", "S004-29", "S004-31", "S004-33"],
                "joined_employee": ["S004-04", "S004-29", "S004-31", "S004-33"],
                "deceased": ["S004-29", "S004-31", "S004-33"],
                "wrong_payment": ["S004-20", "S004-29", "S004-31", "S004-33"],
            },
            "person_decides": ["deceased", "joined_employee", "status_recognised"],
        },
    }
    page = (await client.get("/v1/schemes")).json()
    assert page == {"items": [{**scheme, "published_at": published_at}], "next": None}


async def test_the_same_content_is_the_same_version(suite: InProcessSuite):
    client = suite.client("registration", OFFICER, user="officer-a")
    key = keyed(file=True)
    first = await draft(client, headers=key)
    replayed = await draft(client, headers=key)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert replayed.json() == first.json()
    commented = await draft(suite.client("registration", OFFICER, user="officer-c"), b"# remark\n" + PACKAGE)
    assert commented.json() == first.json()  # and drafted by whom it was drafted first
    other = await draft(client, PACKAGE.replace(b"32000", b"32100"), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert (await client.post("/v1/packages", content=PACKAGE)).json()["code"] == "idempotency_key_missing"


@pytest.mark.rule("S003-13", "A-X3")
async def test_a_correction_is_a_new_version(suite: InProcessSuite):
    first = await publish_package(suite)
    suite.set_clock("2021-08-20 09:00")
    correction = {"reason": "条文编号有误", "counts_from": "2021-08-02"}
    second = await publish_package(suite, PACKAGE.replace(b"[S004-09]", b"[S004-08, S004-09]"), correction)
    assert first != second
    client = suite.client("registration", "registration:read")
    assert (await client.get(f"/v1/schemes/{SCHEME}")).json()["version"] == second
    versions = (await client.get(f"/v1/schemes/{SCHEME}/versions")).json()["items"]
    assert [(one["version"], one["state"], one["corrects"], one["replaced_by"]) for one in versions] == [
        (first, "replaced", None, second),
        (second, "published", first, None),
    ]
    assert (versions[1]["correction_reason"], versions[1]["counts_from"]) == ("条文编号有误", "2021-08-02")
    assert [one["published_at"][:10] for one in versions] == ["2021-08-02", "2021-08-20"]


async def test_a_faulty_package_is_refused_with_every_fault(suite: InProcessSuite):
    client = suite.client("registration", OFFICER)
    broken = PACKAGE.replace(b"percent: 90", b"percent: 0.9").replace(b'"140522"', b"140522")
    answer = await draft(client, broken)
    assert (answer.status_code, answer.json()["code"]) == (422, "package_faulty")
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/pool", "/subsidies/given/3/help/percent"}


async def test_a_pool_has_one_scheme_a_year_and_a_scheme_one_pool(suite: InProcessSuite):
    await publish_package(suite)
    client = suite.client("registration", OFFICER)
    renamed = await draft(client, PACKAGE.replace(b"scheme: yangcheng-2022", b"scheme: other-2022"))
    moved = await draft(client, PACKAGE.replace(b'pool: "140522"', b'pool: "140523"'))
    for answer in (renamed, moved):
        assert (answer.status_code, answer.json()["code"]) == (409, "scheme_conflict")


async def test_only_the_pools_officers_publish(suite: InProcessSuite):
    village = suite.client("registration", OFFICER, area="140522108200")
    assert (await draft(village)).json()["code"] == "area_forbidden"
    reader = suite.client("registration", "registration:read registration:write")
    version = (await draft(reader)).json()["version"]
    assert (await reader.post(f"/v1/packages/{SCHEME}/{version}/publish")).json()["code"] == "scope_missing"


async def test_the_database_refuses_a_changed_package(suite: InProcessSuite):
    version = await publish_package(suite)
    database: Database = suite.apps["registration"].state.database
    for change in ("content = content || 'x'::bytea", "published_by = drafted_by", "state = 'draft'"):
        with pytest.raises(IntegrityError):
            async with database.engine.begin() as connection:
                await connection.execute(text(f"update package_version set {change} where version = '{version}'"))


async def test_units(suite: InProcessSuite):
    officer = suite.client("registration", OFFICER, area="140522108")
    unit = {"pool": POOL, "unit_code": VILLAGE, "name": "甲村", "kind": "village", "region": VILLAGE}
    made = await officer.post("/v1/units", json=unit, headers=keyed())
    assert made.status_code == 201
    again = await officer.post("/v1/units", json=unit, headers=keyed())
    assert (again.status_code, again.json()["name"]) == (200, "甲村")
    cases = [
        ({"name": "乙村"}, 409, "unit_exists"),
        ({"unit_code": "X", "region": "140522109"}, 403, "area_forbidden"),
        ({"unit_code": "X", "kind": "town"}, 422, "validation_failed"),
        ({"unit_code": "X", "region": "1405221"}, 422, "validation_failed"),
    ]
    for change, status, code in cases:
        answer = await officer.post("/v1/units", json={**unit, **change}, headers=keyed())
        assert (answer.status_code, answer.json()["code"]) == (status, code), change
    everywhere = suite.client("registration", OFFICER)
    outside = await everywhere.post("/v1/units", json={**unit, "region": "140523100"}, headers=keyed())
    assert (outside.status_code, outside.json()["code"]) == (422, "region_outside_pool")
    listed = (await everywhere.get("/v1/units", params={"pool": POOL})).json()
    assert [item["unit_code"] for item in listed["items"]] == [VILLAGE]
    neighbour = suite.client("registration", OFFICER, area="140522109")
    assert (await neighbour.get("/v1/units", params={"pool": POOL})).json()["items"] == []
    stranger = suite.client("registration", OFFICER, area="371302")
    assert (await stranger.get("/v1/units", params={"pool": POOL})).json()["code"] == "area_forbidden"
