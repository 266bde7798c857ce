"""Corrections of a published package: who is assessed anew, who keeps what was assessed, and where the money goes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.registration.usecases import correct_enrolled, take_waiting_roster
from services.registration.usecases.running import CHUNK_PEOPLE
from tests.registration_town import (
    OFFICER,
    PACKAGE,
    POOL,
    SCHEME,
    Disturbed,
    KilledError,
    Villager,
    hand_in,
    keyed,
    killed,
    let_runs_go,
    number,
    progress,
    publish_package,
    roster_file,
    town_alone,
    worker,
)
from tests.revisions_town import Json, Town
from tests.suite import InProcessSuite, close_app


def at_rate(fen: int) -> bytes:
    return PACKAGE.replace(b"individual_fen: 32000", b"individual_fen: %d" % fen)


def since(day: str) -> dict[str, str]:
    return {"reason": "缴费标准录入有误", "counts_from": day}


async def standing(suite: InProcessSuite, version: str) -> Json:
    """How far a correction has come."""
    client = suite.client("registration", "registration:read")
    found: Json = (await client.get(f"/v1/packages/{SCHEME}/{version}")).json()["reassessment"]
    return {name: found[name] for name in found if name.startswith("persons") or name == "state"}


async def assessed(town: Town, order: int) -> list[tuple[int, str, str]]:
    """Payable, state and version of a person's assessments."""
    found = await town.items("registration", "assessments", order)
    return [(one["payable_fen"], one["state"], one["package"]) for one in found]


async def test_a_correction_revises_and_never_edits(databases: dict[str, str], tmp_path: Path) -> None:
    suite = InProcessSuite(databases, tmp_path / "keys")
    town = await Town.enrolled(suite, 4)
    client = suite.client("registration", "registration:read")
    first = (await client.get(f"/v1/schemes/{SCHEME}")).json()["version"]
    await town.paid(1)
    suite.set_clock("2021-09-06 09:00")
    await town.paid(2)
    await town.aid(4)  # helped: 80 % of 320 yuan, 280 at least

    suite.set_clock("2021-09-10 09:00")
    second = await publish_package(suite, at_rate(30000), since("2021-09-06"))
    await suite.settle_down()
    counts = {"persons_total": 4, "persons_done": 4, "persons_changed": 3, "persons_refused": 0, "persons_left": 0}
    assert await standing(suite, second) == {"state": "done", **counts}
    assert await assessed(town, 1) == [(32000, "in_force", first)]  # had paid before the correction counts
    assert await assessed(town, 2) == [(32000, "superseded", first), (30000, "in_force", second)]
    assert await assessed(town, 3) == [(32000, "superseded", first), (30000, "in_force", second)]
    assert (await assessed(town, 4))[1:] == [(4000, "superseded", first), (2000, "in_force", second)]
    revised = [one for one in await town.events("registration", "assessment.revised") if one["version"] == second]
    assert sorted((one["reason"], one["difference_fen"]) for one in revised) == [("package_corrected", -2000)] * 3
    assert [(await town.bill(order))["amount_fen"] for order in (1, 2, 3)] == [32000, 30000, 30000]
    assert (await town.application())["amount_fen"] == 2000
    await town.in_order()

    # Lists that come later are judged by the version that governs each person.
    await town.aid(1)
    await town.aid(3)
    assert (await assessed(town, 1))[1:] == [(4000, "in_force", first)]
    assert (await assessed(town, 3))[2:] == [(2000, "in_force", second)]
    await town.in_order()

    # More is due: the unpaid are billed it, of the paid it is only noted.
    third = await publish_package(suite, at_rate(36000), since("2021-09-06"))
    await suite.settle_down()
    assert (await assessed(town, 2))[1:] == [(30000, "in_force", second)]
    assert (await assessed(town, 3))[3:] == [(7200, "in_force", third)]
    [case] = await town.items("registration", "status-cases")
    assert (case["kind"], case["state"], case["would_be_fen"]) == ("corrected_after_payment", "noted", 36000)
    assert (await standing(suite, third))["persons_changed"] == 3
    await town.in_order()
    await suite.close()


# Crashes and crowds


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with town_alone(databases, tmp_path) as running:
        yield running


async def test_a_killed_correction_resumes_and_revises_everybody_once(suite: InProcessSuite) -> None:
    client = suite.client("registration", OFFICER)
    heads = CHUNK_PEOPLE + 20
    await hand_in(client, roster_file([Villager(number(n)) for n in range(heads)]))
    await suite.settle_down()
    version = await publish_package(suite, at_rate(30000), since("2021-09-01"))
    dying = worker(suite, Disturbed(suite, 2, killed))
    with pytest.raises(KilledError):
        await correct_enrolled(dying.state.service)
    await close_app(dying)
    half = await standing(suite, version)
    assert (half["state"], half["persons_changed"]) == ("running", CHUNK_PEOPLE)
    service = suite.apps["registration"].state.service
    assert not await correct_enrolled(service)  # its lease still runs
    await let_runs_go(suite)
    assert await correct_enrolled(service)
    done = await standing(suite, version)
    assert (done["state"], done["persons_done"], done["persons_changed"]) == ("done", heads, heads)
    found = (await progress(client))["assessed"]
    assert (found["count"], found["standard_fen"]) == (heads, heads * 30000)
    async with service.database.reading() as tx:
        assert await tx.value("select count(*) from assessment") == 2 * heads


async def test_who_enrols_while_a_correction_is_published_is_not_passed_over(suite: InProcessSuite) -> None:
    client = suite.client("registration", OFFICER)
    await hand_in(client, roster_file([Villager(number(1))]))
    versions = []

    async def correction() -> None:
        versions.append(await publish_package(suite, at_rate(30000), since("2021-09-01")))
        assert await correct_enrolled(suite.apps["registration"].state.service)  # and finds nobody yet

    second = worker(suite, Disturbed(suite, 1, correction))
    assert await take_waiting_roster(second.state.service)
    await close_app(second)
    [issued] = (await client.get("/v1/assessments", params={"pool": POOL})).json()["items"]
    assert (issued["package"], issued["payable_fen"]) == (versions[0], 30000)
    person = {"name": "张三", "document": {"type": "resident_id", "number": number(2)}}
    person |= {"hukou": "140522108200", "residence": "140522108200"}
    asked = {"pool": POOL, "scheme": SCHEME, "unit_code": "14052201", "enrolment": "new", "person": person}

    async def another() -> None:
        versions.append(await publish_package(suite, at_rate(31000), since("2021-09-01")))

    third = worker(suite, Disturbed(suite, 1, another))
    alone = suite.client("registration", OFFICER, app=third)
    answer = await alone.post("/v1/enrolments", json=asked, headers=keyed())
    assert answer.json()["assessment"]["package"] == versions[1]
    await close_app(third)
    assert await correct_enrolled(suite.apps["registration"].state.service)
    assert (await progress(client))["assessed"]["standard_fen"] == 2 * 31000
