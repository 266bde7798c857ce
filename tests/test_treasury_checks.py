"""What the treasury says of a day's vouchers (3122) and posts under them (3126) is compared with our books, whether a
statement of an account ever comes or not; who looks sees what differs, and nobody else waits for the comparison."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.payments.usecases import watch_vouchers
from tests.payments_town import POOL, issue_bills
from tests.statements_town import Desk
from tests.treasury_town import PAID, POSTED, TreasuryTown, open_treasury

Json = dict[str, Any]
ALARM = "treasury_collections_agree"
EXTRA = "999999999999999999"
UNKNOWN = "8888887QK3M9Z5T2WB8XCD"


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TreasuryTown]:
    async with open_treasury(databases, tmp_path / "keys", monkeypatch) as opened:
        yield opened


async def paid_under(town: TreasuryTown, *vouchers: str, **more: Any) -> None:
    """Each a bill that was paid through the bureau, under this voucher."""
    bills = await issue_bills(town.suite, [32000] * len(vouchers))
    items = [{"bill_no": bill.bill_no, "voucher_no": voucher} for bill, voucher in zip(bills, vouchers, strict=True)]
    assert {one["outcome"] for one in await town.collect(*(item | more for item in items))} == {"settled"}


async def check(town: TreasuryTown, day: str = PAID, faults: str = "") -> None:
    """The treasury's check of a day's vouchers is handed in."""
    answer = await town.hand_in(await town.printed("3122", day=day, faults=faults))
    assert (answer.status_code, answer.json()["state"]) == (201, "accepted")


async def differences(town: TreasuryTown, **params: Any) -> list[tuple[str, str, int | None, int | None]]:
    answer = await town.clerk().get("/v1/treasury/collection-differences", params={"pool": POOL, **params})
    assert answer.status_code == 200, answer.text
    names = ("kind", "voucher_no", "treasury_fen", "our_fen")
    return [tuple(item[name] for name in names) for item in answer.json()["items"]]


# 3122


async def test_the_days_check_of_vouchers_is_kept_beside_the_posted_items(town: TreasuryTown) -> None:
    await town.handed_over("H1", 32000)
    check = await town.hand_in(await town.printed("3122"))
    assert (check.status_code, check.json()["state"], check.json()["told_fen"]) == (201, "accepted", 32000)
    assert await town.vouchers() == {}  # a check posts nothing


async def test_a_check_that_agrees_is_silent(town: TreasuryTown) -> None:
    await paid_under(town, "V1", "V1", "V2")
    assert await differences(town) == [], "nothing is missing before the treasury has begun to check"
    await check(town)
    await check(town, POSTED)
    assert (await differences(town), ALARM in await town.alarms()) == ([], False)


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        ("amount_differs", ("amount_differs", "V1", 64100, 64000)),
        ("failed", ("treasury_missing", "V1", None, 64000)),
        ("missing", ("treasury_missing", "V1", None, 64000)),
        ("extra", ("ours_missing", EXTRA, 32000, None)),
    ],
)
async def test_a_check_of_vouchers_that_disagrees_is_told(town: TreasuryTown, fault: str, found: Any) -> None:
    await paid_under(town, "V1", "V1", "V2")
    await check(town, faults=fault)
    # What a check does not name may stand in the next day's: it is missing when that has come.
    assert await differences(town) == ([] if fault == "missing" else [found])
    await check(town, POSTED)
    assert await differences(town) == [found]
    assert (await town.alarms())[ALARM] == 1
    await check(town)  # sent again: it replaces the day
    assert (await differences(town), ALARM in await town.alarms()) == ([], False)


async def test_the_last_second_of_a_day_may_stand_in_the_next_days_check(town: TreasuryTown) -> None:
    await paid_under(town, "V1", paid_at=f"{PAID}T23:59:59+08:00")
    await check(town, faults="missing")
    await town.handed_over("V1", 32000, POSTED)
    await check(town, POSTED)
    assert await differences(town) == []


async def test_differences_are_of_ones_own_pool_and_come_by_pages(town: TreasuryTown) -> None:
    await paid_under(town, "V1", "V2", "V3")
    await check(town, faults="amount_differs,extra")
    whole = await differences(town)
    assert [one[1] for one in whole] == [EXTRA, "V1"]
    assert await differences(town, limit=1) == whole[:1]
    assert await differences(town, limit=1, after=EXTRA) == whole[1:]
    other = town.clerk(area="140300")
    path = "/v1/treasury/collection-differences"
    assert (await other.get(path, params={"pool": "140300"})).json()["items"] == []
    assert (await other.get(path, params={"pool": POOL})).status_code == 403


@pytest.mark.channel("tax: refund check")
async def test_a_refund_that_nobody_asked_for_is_in_the_alarm(town: TreasuryTown) -> None:
    assert (await town.hand_in(await town.printed("3123", faults="extra"))).status_code == 201
    assert (await town.alarms())["treasury_refunds_agree"] == 1


# 3126: breaks, in a pool without a statement of any account


async def test_money_that_is_never_posted_is_a_break_until_it_is(town: TreasuryTown) -> None:
    desk = Desk(town.suite)
    await paid_under(town, "V1", "V2")
    town.suite.set_clock("2021-12-11 10:00")
    assert not await watch_vouchers(town.service), "the treasury has seven days"
    town.suite.set_clock("2021-12-12 10:00")
    assert await watch_vouchers(town.service)
    assert not await watch_vouchers(town.service)
    found = await desk.open_exceptions()
    assert {
        (each["kind"], each["institution"], each["day"], each["our_fen"], each["channel_fen"]) for each in found
    } == {("treasury_differs", voucher, PAID, 32000, None) for voucher in ("V1", "V2")}
    town.suite.set_clock("2021-12-13 10:00")
    assert not await watch_vouchers(town.service), "another day is no news"
    await town.post_day()
    assert await watch_vouchers(town.service)
    assert await desk.open_exceptions() == []
    assert {each["state"] for each in await desk.exceptions()} == {"superseded"}


async def test_another_sum_is_another_break_and_one_of_nothing_of_ours_too(town: TreasuryTown) -> None:
    desk = Desk(town.suite)
    await paid_under(town, "V1", "V2")
    await town.handed_over("V1", 100)
    await town.handed_over("V9", 500)
    await town.post_day()
    await watch_vouchers(town.service)
    assert {(each["institution"], each["our_fen"], each["channel_fen"]) for each in await desk.open_exceptions()} == {
        ("V1", 32000, 32100),
        ("V9", None, 500),
    }
    await town.handed_over("V1", 200)
    await town.post_day()
    assert await watch_vouchers(town.service)
    assert {(each["institution"], each["channel_fen"]) for each in await desk.open_exceptions()} == {
        ("V1", 32300),
        ("V9", 500),
    }
    assert not await watch_vouchers(town.service)


async def test_two_workers_tell_it_once(town: TreasuryTown) -> None:
    await paid_under(town, "V1", "V2")
    town.suite.set_clock("2021-12-20 10:00")
    await asyncio.gather(*[watch_vouchers(town.service) for _ in range(4)])
    assert len(await Desk(town.suite).exceptions()) == 2


async def test_money_of_no_known_pool_is_not_every_pools_break(town: TreasuryTown) -> None:
    [paid] = await town.collect({"bill_no": UNKNOWN, "voucher_no": "V7"})
    assert paid["outcome"] == "suspense"
    town.suite.set_clock("2021-12-20 10:00")
    assert await town.vouchers() == {"V7": "treasury_missing"}
    assert not await watch_vouchers(town.service)
    await town.handed_over("V7", 31900)
    await town.post_day()
    assert await watch_vouchers(town.service)
    [found] = await Desk(town.suite).open_exceptions()
    assert (found["our_fen"], found["channel_fen"]) == (32000, 31900)
