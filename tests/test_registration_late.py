"""Schemes that go on after their window or state no cover, assessed for real: who pays late, from when cover runs."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from stdnum.cn import ric

from services.registration.usecases import learn_payments
from shared.database import Database
from shared.events import Event
from shared.ids import new_id
from tests.registration_rules import PACKAGES
from tests.registration_town import OFFICER, keyed, publish_package
from tests.suite import InProcessSuite

DISTRICT, COUNTY = "371302", "999001"


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    running = InProcessSuite(databases, tmp_path / "keys", only=("eligibility", "registration"))
    running.apps["registration"].state.jobs[1:] = []  # payments is not here to be followed
    running.set_clock("2014-12-01 09:00")
    officer = running.client("registration", OFFICER)
    for pool, scheme in ((DISTRICT, "lanshan-2016"), (COUNTY, "county-2015")):
        await publish_package(running, (PACKAGES / f"{scheme}.yaml").read_bytes())
        unit = {"pool": pool, "unit_code": pool, "name": "经办机构", "kind": "institution", "region": pool}
        assert (await officer.post("/v1/units", json=unit, headers=keyed())).status_code == 201
    yield running
    assert await running.invariants_broken() == {}
    await running.close()


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("registration", OFFICER)


def number(birth: str, order: int = 1) -> str:
    stem = f"371302{birth}{order:03d}"
    return stem + ric.calc_check_digit(f"{stem}0")


async def enrol(
    client: httpx.AsyncClient, pool: str, scheme: str, birth: str = "19800203", order: int = 1, **told: Any
) -> dict[str, Any]:
    document = {"type": "resident_id", "number": number(birth, order)}
    kind = told.pop("enrolment", "new")
    person = {"name": "李四", "document": document, "hukou": pool, "residence": pool, **told}
    asked = {"pool": pool, "scheme": scheme, "unit_code": pool, "enrolment": kind, "person": person}
    answer = await client.post("/v1/enrolments", json=asked, headers=keyed())
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def reassess(client: httpx.AsyncClient, pool: str, made: dict[str, Any]) -> httpx.Response:
    address = f"/v1/enrolments/{made['enrolment']['enrolment_id']}/reassess"
    return await client.post(address, json={"pool": pool}, headers=keyed())


async def pay(suite: InProcessSuite, pool: str, assessment: dict[str, Any], day: str, seq: int = 1) -> None:
    data = {
        "bill_no": f"{pool}-{seq}",
        "assessment_id": assessment["assessment_id"],
        "person_id": assessment["person_id"],
        "scheme": assessment["scheme"],
        "amount_fen": assessment["payable_fen"],
        "paid_on": day,
    }
    database: Database = suite.apps["registration"].state.database
    async with database.writing() as tx:
        at = datetime.fromisoformat(f"{day}T10:00:00+08:00").astimezone(UTC)
        await learn_payments(tx, pool, [Event(pool, seq, "bill.paid", data["bill_no"], 2, at, data)])


async def covers(client: httpx.AsyncClient, pool: str) -> list[tuple[str, str]]:
    items = (await client.get("/v1/covers", params={"pool": pool})).json()["items"]
    return [(item["covered_from"], item["covered_to"]) for item in items]


async def told(client: httpx.AsyncClient, pool: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get("/v1/events", params={"pool": pool})).json()["items"]
    return [item for item in items if item["type"].startswith("assessment.")]


@pytest.mark.rule("S002-21", "S002-22", "A002-3", "A002-5")
async def test_who_does_not_pay_in_time_is_assessed_anew_for_each_late_stage(
    suite: InProcessSuite, client: httpx.AsyncClient
):
    suite.set_clock("2015-12-01 09:00")
    made = await enrol(client, DISTRICT, "lanshan-2016")
    assert made["assessment"]["payable_fen"] == 15000
    unchanged = (await reassess(client, DISTRICT, made)).json()
    assert unchanged["assessment"] == made["assessment"]

    suite.set_clock("2016-01-15 09:00")
    early = (await reassess(client, DISTRICT, made)).json()["assessment"]
    assert (early["payable_fen"], early["revision"], early["reason"]) == (15000, 2, "pays_late")
    assert early["cover"] == {"from": "2016-03-01", "to": "2016-12-31"}

    suite.set_clock("2016-03-10 09:00")
    late = (await reassess(client, DISTRICT, made)).json()["assessment"]
    assert (late["payable_fen"], late["standard_fen"], late["cover"]["from"]) == (56000, 56000, "2016-04-09")
    windows = [event["data"]["window"] for event in await told(client, DISTRICT)]
    assert [(window["from"], window["to"]) for window in windows] == [
        ("2015-11-13", "2015-12-31"),
        ("2016-01-01", "2016-02-29"),
        ("2016-03-01", "2016-12-01"),
    ]
    # recognised five days after the assessment: the thirty days run from then
    await pay(suite, DISTRICT, late, "2016-03-15")
    assert await covers(client, DISTRICT) == [("2016-04-14", "2016-12-31")]
    refused = await reassess(client, DISTRICT, made)
    assert (refused.status_code, refused.json()["code"]) == (409, "enrolment_state")


@pytest.mark.rule("A002-4")
async def test_when_no_cover_is_left_the_bill_stays_as_it_was(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2015-12-01 09:00")
    made = await enrol(client, DISTRICT, "lanshan-2016")
    suite.set_clock("2016-12-02 09:00")
    answer = (await reassess(client, DISTRICT, made)).json()
    assert (answer["outcome"], [reason["code"] for reason in answer["reasons"]]) == ("refused", ["no_cover_left"])
    assert len(await told(client, DISTRICT)) == 1
    unknown = {"enrolment": {"enrolment_id": str(new_id())}}
    assert (await reassess(client, DISTRICT, unknown)).json()["code"] == "enrolment_unknown"


@pytest.mark.rule("S002-04", "S002-23")
async def test_what_a_caller_tells_decides_who_joins(suite: InProcessSuite, client: httpx.AsyncClient):
    suite.set_clock("2015-12-01 09:00")
    away: dict[str, Any] = {"hukou": "440103", "residence": DISTRICT}
    refused = await enrol(client, DISTRICT, "lanshan-2016", **away)
    assert [reason["code"] for reason in refused["reasons"]] == ["no_local_tie"]
    joined = await enrol(client, DISTRICT, "lanshan-2016", order=2, **away, residence_permit=True)
    assert joined["outcome"] == "enrolled"
    suite.set_clock("2016-06-01 09:00")
    child = await enrol(client, DISTRICT, "lanshan-2016", birth="20160301", enrolment="newborn")
    assert (child["assessment"]["payable_fen"], child["assessment"]["cover"]["from"]) == (15000, "2016-03-01")
    await pay(suite, DISTRICT, child["assessment"], "2016-07-20")
    assert await covers(client, DISTRICT) == [("2016-03-01", "2016-12-31")]


@pytest.mark.rule("S001-03", "A001-10")
async def test_a_scheme_without_cover_or_first_day(suite: InProcessSuite, client: httpx.AsyncClient):
    made = await enrol(client, COUNTY, "county-2015")
    assert (made["assessment"]["payable_fen"], made["assessment"]["cover"]) == (14000, None)
    [event] = await told(client, COUNTY)
    assert (event["data"]["window"]["from"], event["data"]["window"]["to"]) == ("2014-12-01", "2015-01-30")
    assert event["data"]["cover"] is None
    await pay(suite, COUNTY, made["assessment"], "2014-12-05")
    assert await covers(client, COUNTY) == []
    enrolment = (await client.get("/v1/enrolments", params={"pool": COUNTY})).json()["items"][0]
    assert (enrolment["state"], enrolment["paid_fen"]) == ("paid", 14000)
    rural = await enrol(client, COUNTY, "county-2015", order=2, hukou_kind="rural")
    assert [reason["code"] for reason in rural["reasons"]] == ["no_local_tie"]
    scheme = (await client.get("/v1/schemes/county-2015")).json()
    assert (scheme["window"]["from"], scheme["window"]["to"], scheme["cover"]) == (None, "2015-01-30", None)
