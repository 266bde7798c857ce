"""Two records of one human being: merged as dated evidence, every id answered for good, undone where it was wrong."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from services.eligibility import usecases
from services.eligibility.rules import MergeAct, Record, merges_by_itself
from services.eligibility.store import merges as store
from services.eligibility.store import suppliers
from services.eligibility.usecases import uniting
from tests.eligibility_desk import ALL, POLICE, POOL, VILLAGE, decide, eligibility_alone, number, rows, sheet, take
from tests.suite import InProcessSuite

MOTHER = number(2, "19900101")
CHILD = number(11, "20210701")
FIRST, SECOND = f"{MOTHER}01", f"{MOTHER}02"
HELP = ["姓名", "身份证号", "残疾等级", "评定日期", "终止日期", "证件类型", "出生日期", "性别"]
BIRTHS = [*POLICE, "母亲证件号码", "出生顺序"]


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


@pytest.fixture
def client(suite: InProcessSuite) -> httpx.AsyncClient:
    return suite.client("eligibility", ALL)


def helped(document: str, grade: str, since: str = "2021-08-01", name: str = "张小宝") -> list[str]:
    kind = ["新生儿", "2021-07-01", "男"] if len(document) == 20 else ["", "", ""]
    return [name, document, grade, since, "", *kind]


def born(document: str = CHILD, mother: str = MOTHER, order: str = "1", name: str = "张小宝") -> list[str]:
    return [name, document, "男", "1", VILLAGE, "出生", "2021-07-01", mother, order]


async def known(client: httpx.AsyncClient, document: str) -> str:
    kind = "newborn" if len(document) == 20 else "resident_id"
    body = {"pool": POOL, "document": {"type": kind, "number": document}}
    answer = await client.post("/v1/persons/lookup", json=body)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["person_id"])


async def resolved(client: httpx.AsyncClient, document: str, newborn: str | None = None, name: str = "张小宝") -> str:
    shown = {"number": document}
    if len(document) == 20:
        shown = {"type": "newborn", "number": document, "birth_date": "2021-07-01", "sex": "male"}
    item = {"row": 1, "name": name, "document": shown, "residence": POOL, "newborn_number": newborn}
    headers = {"Idempotency-Key": str(Random().random())}
    answer = await client.post("/v1/persons/resolve", json={"pool": POOL, "items": [item]}, headers=headers)
    (found,) = answer.json()["items"]
    assert found["person_id"], found
    return str(found["person_id"])


async def grades(client: httpx.AsyncClient, person_id: str, known_at: str | None = None) -> list[int]:
    """The grades held on 1 September, as known at an instant."""
    params = {"pool": POOL, "as_of": "2021-09-01"} | ({"known_at": known_at} if known_at else {})
    answer = await client.get(f"/v1/persons/{person_id}/statuses", params=params)
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    assert item["person_id"] == person_id, "answered by the id asked for"
    return sorted(one["grade"] for one in item["statuses"])


async def read(client: httpx.AsyncClient, person_id: str, known_at: str | None = None) -> dict[str, Any]:
    params = {"pool": POOL} | ({"known_at": known_at} if known_at else {})
    answer = await client.get(f"/v1/persons/{person_id}", params=params)
    found: dict[str, Any] = answer.json()
    return found


async def merges(client: httpx.AsyncClient, **params: str) -> list[dict[str, Any]]:
    answer = await client.get("/v1/merges", params={"pool": POOL, **params})
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def propose(suite: InProcessSuite, merged: str, surviving: str, user: str = "经办人") -> httpx.Response:
    client = suite.client("eligibility", ALL, user=user)
    body = {"pool": POOL, "merged_id": merged, "surviving_id": surviving, "reason": "核对一致"}
    return await client.post("/v1/merges", json=body, headers={"Idempotency-Key": str(Random().random())})


async def act(suite: InProcessSuite, merge: dict[str, Any], act: str, user: str = "复核人") -> httpx.Response:
    scopes = "eligibility:write" if act == "dispute" else "eligibility:approve"
    client = suite.client("eligibility", scopes, user=user)
    return await client.post(
        f"/v1/merges/{merge['merge_id']}/{act}",
        params={"pool": POOL},
        json={"reason": "并非同一人"} if act == "dispute" else None,
        headers={"Idempotency-Key": str(Random().random()), "If-Match": f'"{merge["version"]}"'},
    )


async def news(suite: InProcessSuite, kind: str) -> list[dict[str, Any]]:
    return [row["data"] for row in await rows(suite, f"select data from event where type = '{kind}' order by seq")]


DAY, OTHER_DAY = date(2021, 7, 1), date(2021, 7, 2)
NEWBORN_ONLY = Record(DAY, "male", united=False, newborn=True, numbered=False)
NUMBERED = Record(DAY, "male", united=False, newborn=False, numbered=True)


@pytest.mark.parametrize(
    ("merged", "surviving", "by_itself"),
    [
        (NEWBORN_ONLY, NUMBERED, True),
        (NUMBERED, NEWBORN_ONLY, False),
        (NEWBORN_ONLY, NEWBORN_ONLY, False),
        (NUMBERED, NUMBERED, False),
        (Record(OTHER_DAY, "male", False, True, False), NUMBERED, False),
        (Record(DAY, "female", False, True, False), NUMBERED, False),
        (Record(DAY, "male", True, True, False), NUMBERED, False),
        (Record(DAY, "male", False, True, True), NUMBERED, False),
        (NEWBORN_ONLY, Record(DAY, "male", True, True, True), False),
        (NEWBORN_ONLY, Record(DAY, "male", True, False, True), True),
    ],
)
def test_when_a_list_is_taken_at_its_word(merged: Record, surviving: Record, by_itself: bool) -> None:
    assert merges_by_itself(merged, surviving) is by_itself


async def test_a_newborn_comes_to_a_number_and_nothing_is_lost(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    before = await resolved(client, FIRST)
    await take(suite, "disabled_federation", sheet(HELP, helped(FIRST, "一级")))
    suite.set_clock("2021-08-17 09:00")
    after = await resolved(client, CHILD)
    await take(suite, "disabled_federation", sheet(HELP, helped(CHILD, "二级", "2021-08-02")))
    assert (await grades(client, before), await grades(client, after)) == ([1], [2])
    suite.set_clock("2021-08-18 09:00")
    births = sheet(BIRTHS, born())
    await take(suite, "public_security", births)
    (merge,) = await merges(client)
    assert (merge["state"], merge["source"], merge["merged_id"], merge["surviving_id"]) == (
        *("merged", "list"), before, after,
    )  # fmt: skip
    for person_id in (before, after):
        assert await grades(client, person_id) == [1, 2]
        found = await read(client, person_id)
        assert (found["person_id"], found["merged_ids"], found["hukou"]) == (after, [before], VILLAGE)
        assert [one["type"] for one in found["documents"]] == ["newborn", "resident_id"]
        assert found["document"]["type"] == "resident_id"
    assert await known(client, FIRST) == await known(client, CHILD) == after
    assert await resolved(client, FIRST) == after
    then = "2021-08-17T18:00:00+08:00"
    assert (await grades(client, before, then), await grades(client, after, then)) == ([1], [2])
    assert (await read(client, before, then))["person_id"] == before
    (told,) = await news(suite, "person.merged")
    assert (told["person_id"], told["surviving_id"], told["person_ids"]) == (before, after, [before])
    withdrawn = await news(suite, "status.withdrawn")
    assert [one["person_id"] for one in withdrawn] == [before]
    await take(suite, "public_security", sheet([*BIRTHS, "备注"], born()))
    assert len(await merges(client)) == 1, "told again"
    assert len(await news(suite, "person.merged")) == 1


@pytest.mark.parametrize("first", ["list", "roster"])
async def test_the_number_may_come_before_the_record_by_the_mother(
    suite: InProcessSuite, client: httpx.AsyncClient, first: str
) -> None:
    if first == "list":
        await take(suite, "public_security", sheet(BIRTHS, born()))
    else:
        await resolved(client, CHILD, FIRST)
        await suite.settle_down()
    await take(suite, "disabled_federation", sheet(HELP, helped(FIRST, "一级")))
    assert await resolved(client, FIRST) == await known(client, CHILD)
    assert await grades(client, await known(client, CHILD)) == [1]


async def test_what_does_not_fit_waits_for_people(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    twin = number(13, "20210701")
    one, other = await resolved(client, FIRST), await resolved(client, SECOND)
    rows_of = [born(), born(twin, order="1", name="张小贝")]
    await take(suite, "public_security", sheet(BIRTHS, *rows_of))
    states = {merge["surviving_id"]: merge for merge in await merges(client)}
    assert sorted(merge["state"] for merge in states.values()) == ["merged", "proposed"]
    assert (await read(client, one))["person_id"] != (await read(client, other))["person_id"]
    (waiting,) = await merges(client, state="proposed")
    assert (await act(suite, waiting, "reject")).json()["state"] == "declined"
    await take(suite, "public_security", sheet([*BIRTHS, "再报"], *rows_of))
    assert await merges(client, state="proposed") == [], "people have decided"


async def test_a_withdrawn_list_of_births_parts_what_rested_on_it_alone(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    before = await resolved(client, FIRST)
    await take(suite, "disabled_federation", sheet(HELP, helped(FIRST, "一级")))
    wrong = await take(suite, "public_security", sheet(BIRTHS, born()))
    again = await take(suite, "public_security", sheet([*BIRTHS, "再报"], born()))
    after = await known(client, CHILD)
    await decide(suite, wrong, "withdraw", reason="报错")
    assert [merge["state"] for merge in await merges(client)] == ["merged"], "another list says so as well"
    assert await grades(client, after) == [1]
    await decide(suite, again, "withdraw", reason="报错")
    assert [merge["state"] for merge in await merges(client)] == ["withdrawn"]
    assert (await grades(client, before), await grades(client, after)) == ([1], [])
    assert (await read(client, before))["person_id"] == before
    assert len(await news(suite, "person.parted")) == 1
    await take(suite, "public_security", sheet([*BIRTHS, "又报"], born()))
    assert await grades(client, before) == await grades(client, after) == [1]


async def test_people_merge_with_four_eyes_and_undo_it(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    one, other = await resolved(client, number(1)), await resolved(client, number(3))
    await take(suite, "disabled_federation", sheet(HELP, helped(number(1), "一级"), helped(number(3), "二级")))
    proposed = await propose(suite, one, other)
    assert (proposed.status_code, proposed.json()["state"]) == (201, "proposed")
    assert (await propose(suite, other, one)).json()["code"] == "merge_moot"
    assert (await propose(suite, one, one)).json()["code"] == "merge_moot"
    merge = proposed.json()
    assert (await act(suite, merge, "approve", user="经办人")).json()["code"] == "merge_four_eyes"
    assert (await act(suite, merge, "undo")).json()["code"] == "merge_not_in_state"
    suite.set_clock("2021-08-17 09:00")
    merged = (await act(suite, merge, "approve")).json()
    assert await grades(client, one) == await grades(client, other) == [1], "in one list the first row counts"
    assert (await act(suite, merge, "approve")).status_code == 412
    suite.set_clock("2021-08-18 09:00")
    disputed = (await act(suite, merged, "dispute", user="经办人")).json()
    upheld = (await act(suite, disputed, "uphold")).json()
    disputed = (await act(suite, upheld, "dispute", user="复核人")).json()
    assert (await act(suite, disputed, "undo", user="复核人")).json()["code"] == "merge_four_eyes"
    undone = (await act(suite, disputed, "undo", user="经办人")).json()
    assert (undone["state"], undone["undone_at"][:10]) == ("undone", "2021-08-18")
    assert (await grades(client, one), await grades(client, other)) == ([1], [2])
    between = "2021-08-17T18:00:00+08:00"
    assert await grades(client, one, between) == await grades(client, other, between) == [1]
    assert (await propose(suite, one, other)).status_code == 201, "people may come back to it"


async def test_merges_stand_on_each_other_and_are_undone_in_that_order(
    suite: InProcessSuite, client: httpx.AsyncClient
) -> None:
    people = [await resolved(client, number(order), name=f"人{order}") for order in (1, 3, 5, 7)]
    listed = [helped(number(order), grade, f"2021-08-0{order}", f"人{order}") for order, grade in
              ((1, "一级"), (3, "二级"), (5, "三级"), (7, "四级"))]  # fmt: skip
    await take(suite, "disabled_federation", sheet(HELP, *listed))
    made = []
    for gone, surviving in ((0, 1), (1, 2), (2, 3)):
        proposed = (await propose(suite, people[gone], people[surviving])).json()
        made.append((await act(suite, proposed, "approve")).json())
    assert [await grades(client, person_id) for person_id in people] == [[1, 2, 3, 4]] * 4
    assert (await read(client, people[0]))["merged_ids"] == people[:3]
    disputed = (await act(suite, made[0], "dispute")).json()
    late = await act(suite, disputed, "undo", user="另一人")
    assert (late.status_code, late.json()["code"]) == (409, "merge_overtaken")
    for merge in reversed(made[1:]):
        apart = (await act(suite, merge, "dispute")).json()
        assert (await act(suite, apart, "undo", user="另一人")).json()["state"] == "undone"
    assert [await grades(client, person_id) for person_id in people] == [[1, 2], [1, 2], [3], [4]]
    assert (await act(suite, disputed, "undo", user="另一人")).json()["state"] == "undone"
    assert [await grades(client, person_id) for person_id in people] == [[1], [2], [3], [4]]


async def test_two_merges_that_cross(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    one, two, three = [await resolved(client, number(order)) for order in (1, 3, 5)]
    ring = [(await propose(suite, *pair)).json() for pair in ((one, two), (two, three), (three, one))]
    answers = await asyncio.gather(*(act(suite, merge, "approve") for merge in ring))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 409]
    assert len({(await read(client, person_id))["person_id"] for person_id in (one, two, three)}) == 1


async def test_a_merge_while_lists_are_taken(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    one, other = await resolved(client, number(1)), await resolved(client, number(3))
    proposed = (await propose(suite, one, other)).json()
    lists = [("disabled_federation", helped(number(1), "一级")[:5], HELP[:5]),
             ("disabled_federation", helped(number(3), "二级", "2021-08-02")[:5], HELP[:5])]  # fmt: skip
    for supplier, row, heading in lists:
        answer = await client.post(
            "/v1/feeds",
            params={"pool": POOL, "supplier": supplier, "file_name": "名单.csv"},
            content=sheet(heading, row),
            headers={"Idempotency-Key": str(Random().random()), "Content-Type": "application/octet-stream"},
        )
        assert answer.status_code == 201, answer.text
    second = suite.make_app("eligibility")
    workers = [app.state.service for app in (suite.apps["eligibility"], second)]
    approving = asyncio.create_task(act(suite, proposed, "approve"))
    await asyncio.gather(*(usecases.take_feeds(worker) for worker in workers))
    approved = await approving
    assert approved.status_code == 200, approved.text
    await suite.settle_down()
    assert await grades(client, one) == await grades(client, other) == [1, 2]
    await second.state.service.database.close()


async def test_two_workers_and_one_that_dies_merge_once(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    await resolved(client, FIRST)
    await resolved(client, CHILD, FIRST)
    service = suite.apps["eligibility"].state.service

    async def dies() -> None:
        async with service.database.writing() as tx:
            await suppliers.take_every_turn(tx, POOL, service.suppliers)
            (waiting,) = await store.merges_to_settle(tx)
            merge = await store.lock_merge(tx, POOL, waiting["merge_id"])
            assert merge is not None
            await uniting.move(tx, merge, MergeAct.MERGE, service.clock.now())
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await dies()
    assert [merge["state"] for merge in await merges(client)] == ["told"]
    await asyncio.gather(*(usecases.settle_merges(service) for _ in range(4)))
    assert [merge["state"] for merge in await merges(client)] == ["merged"]
    assert len(await news(suite, "person.merged")) == 1


async def test_one_newborn_resolved_by_many_at_once(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    found = await asyncio.gather(*(resolved(client, CHILD, FIRST) for _ in range(6)))
    await suite.settle_down()
    assert len(set(found)) == 1
    assert [merge["state"] for merge in await merges(client)] == ["merged"]


async def test_merges_are_for_who_may_see_the_whole_pool(suite: InProcessSuite, client: httpx.AsyncClient) -> None:
    one, other = await resolved(client, number(1)), await resolved(client, number(3))
    village = suite.client("eligibility", ALL, area=VILLAGE)
    body = {"pool": POOL, "merged_id": one, "surviving_id": other, "reason": "核对一致"}
    refused = await village.post("/v1/merges", json=body, headers={"Idempotency-Key": "v"})
    assert refused.status_code == 403
    elsewhere = suite.client("eligibility", ALL)
    body["pool"] = "140581"
    assert (await elsewhere.post("/v1/merges", json=body, headers={"Idempotency-Key": "w"})).status_code == 404
