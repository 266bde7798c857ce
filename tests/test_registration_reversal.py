"""Money that is taken back the same day takes the cover with it, in registration too; paid again, it covers again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.bank_town import Town, build_town
from tests.payments_town import IssuedBill
from tests.registration_town import POOL, SCHEME, Villager, found_town, hand_in, number, progress, roster_file
from tests.suite import ORDER

READ = "registration:read registration:write payments:read"


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    town = build_town(databases, tmp_path / "keys", monkeypatch.setenv, only=ORDER)
    town.suite.set_clock("2021-08-16 09:00")
    await found_town(town.suite)
    town.suite.set_clock("2021-09-01 09:00")
    people = [Villager(number(order), name=name) for order, name in enumerate(["王小明", "李四", "张三"], start=1)]
    await hand_in(town.suite.client("registration", READ), roster_file(people))
    await town.suite.settle_down()
    town.suite.set_clock("2021-09-05 10:00")
    yield town
    assert await town.suite.invariants_broken() == {}
    await town.suite.close()


async def bills(town: Town) -> list[IssuedBill]:
    """The open bills, in the order of their persons' enrolment."""
    client = town.suite.client("payments", "payments:read")
    found = (await client.get("/v1/bills", params={"pool": POOL, "status": "open"})).json()["items"]
    return [IssuedBill(bill["bill_no"], bill["person_id"], bill["amount_fen"]) for bill in found]


async def standing(town: Town, bill: IssuedBill) -> tuple[str, int | None, str | None]:
    """How registration knows the person of a bill: state, what was paid, by which bill."""
    params = {"pool": POOL, "person_id": str(bill.person_id)}
    [found] = (await town.suite.client("registration", READ).get("/v1/enrolments", params=params)).json()["items"]
    return found["state"], found["paid_fen"], found["bill_no"]


async def running_covers(town: Town, bill: IssuedBill) -> list[tuple[int, str, str]]:
    """The covered days of a person by year."""
    params = {"pool": POOL, "person_id": str(bill.person_id)}
    found = (await town.suite.client("registration", READ).get("/v1/covers", params=params)).json()["items"]
    return [(c["year"], c["covered_from"], c["covered_to"]) for c in found if c["ended_at"] is None]


async def four_way(town: Town) -> dict[str, Any]:
    """Money, heads, roster and receipts."""
    client = town.suite.client("payments", "payments:read")
    found: dict[str, Any] = (await client.get("/v1/four-way", params={"pool": POOL, "scheme": SCHEME})).json()
    return found


async def told(town: Town, bill: IssuedBill) -> list[str]:
    """What registration told of the person's cover, in order."""
    client = town.suite.client("registration", READ)
    events = (await client.get("/v1/events", params={"pool": POOL, "limit": 1000})).json()["items"]
    return [
        e["type"] for e in events if e["type"].startswith("cover") and e["data"]["person_id"] == str(bill.person_id)
    ]


async def test_a_payer_sees_for_whom_they_pay(town: Town) -> None:
    names = {row["name_masked"] for row in await town.rows("select name_masked from bill")}
    assert names == {"王*明", "李*", "张*"}


async def test_a_reversal_leaves_the_person_unpaid_and_uncovered(town: Town) -> None:
    one, two, _ = await bills(town)
    await town.pay(one)
    await town.pay(two)
    await town.suite.settle_down()
    assert await standing(town, one) == ("paid", 32000, one.bill_no)
    assert await running_covers(town, one) == [(2022, "2022-01-01", "2022-12-31")]
    await town.control("reversals", {"bill_no": one.bill_no})
    await town.suite.settle_down()
    assert await standing(town, one) == ("enrolled", None, None)
    assert await running_covers(town, one) == []
    assert await running_covers(town, two) == [(2022, "2022-01-01", "2022-12-31")]
    assert await told(town, one) == ["cover.started", "cover.ended"]
    found = await progress(town.suite.client("registration", READ))
    assert (found["enrolled"], found["covered"], found["roster_paid"]["heads"]) == (3, 1, 1)
    checked = await four_way(town)
    assert [checked[side] for side in ("money", "heads", "roster", "receipts")] == [True] * 4
    assert checked["paid_roster"]["amount_fen"] == 32000


@pytest.mark.parametrize("step_by_step", [True, False])
async def test_paid_again_is_covered_again_once_a_year(town: Town, step_by_step: bool) -> None:
    one, *_ = await bills(town)
    for times in range(3):
        await town.pay(one)
        if step_by_step:
            await town.suite.settle_down()
        if times < 2:
            await town.control("reversals", {"bill_no": one.bill_no})
            if step_by_step:
                await town.suite.settle_down()
    await town.suite.settle_down()  # where it did not follow before: one batch of five news of one bill
    assert await standing(town, one) == ("paid", 32000, one.bill_no)
    assert await running_covers(town, one) == [(2022, "2022-01-01", "2022-12-31")]
    assert await told(town, one) == ["cover.started", "cover.ended"] * 2 + ["cover.started"]
    checked = await four_way(town)
    assert [checked[side] for side in ("money", "heads", "roster", "receipts")] == [True] * 4
    assert (await progress(town.suite.client("registration", READ)))["covered"] == 1


async def test_a_payment_reversed_before_it_came_changes_nothing_for_the_person(town: Town) -> None:
    one, *_ = await bills(town)
    await town.pay(one, fault="reverse_first")
    await town.suite.settle_down()
    assert await standing(town, one) == ("enrolled", None, None)
    assert await told(town, one) == []


async def test_a_reversed_surplus_leaves_the_person_covered(town: Town) -> None:
    one, *_ = await bills(town)
    await town.pay(one)
    await town.pay(one, fault="unasked")
    await town.control("reversals", {"bill_no": one.bill_no})
    await town.suite.settle_down()
    assert await standing(town, one) == ("paid", 32000, one.bill_no)
    assert await running_covers(town, one) == [(2022, "2022-01-01", "2022-12-31")]
