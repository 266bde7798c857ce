"""Receipts (票据): misprints that two people cancel, red receipts, money that goes back, who may read."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.payments import usecases
from tests.payments_town import POOL, issue_bills
from tests.receipts_town import BOOK, CHECK, READ, WRITE, Desk, key
from tests.suite import InProcessSuite


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    """Payments alone."""
    running = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    yield running
    await running.close()


# Misprints


@pytest.mark.rule("S002-29")
async def test_a_misprinted_form_is_void_and_the_same_money_gets_the_next_number(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=0)
    await desk.hand_out()
    desk.bills = await issue_bills(suite, [32000])
    await desk.counter.take(desk.bills)
    checked = await desk.check(await desk.ask(payer_name="王晓明"))
    assert checked.json()["new_receipt_no"] == f"{BOOK}-00000002"
    old, new = await desk.receipt(), await desk.receipt(f"{BOOK}-00000002")
    assert (old["state"], old["void_reason"], old["payer_name"]) == ("voided", "缴费人姓名印错", "王小明")
    assert (old["replaced_by"], old["red"]) == (new["receipt_no"], None)
    assert (new["state"], new["payer_name"], new["replaces"]) == ("issued", "王晓明", old["receipt_no"])
    assert new["collection_id"] == old["collection_id"]
    money = await desk.clerk.get(f"/v1/collections/{new['collection_id']}", params={"pool": POOL})
    assert money.json()["receipt_no"] == new["receipt_no"]
    assert await desk.summary() == {"issued": 2, "voided": 1, "gaps": 0, "duplicates": 0}
    assert await suite.invariants_broken() == {}


async def test_an_electronic_one_is_offset_by_a_red_receipt_over_the_full_amount(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    await desk.check(await desk.ask())
    old = await desk.receipt()
    assert (old["state"], old["red"]["receipt_no"], old["red"]["amount_fen"]) == ("offset", f"{BOOK}-R00000001", 32000)
    numbers = {old["fiscal_number"], old["red"]["fiscal_number"]}
    renewed = await desk.receipt(f"{BOOK}-00000002")
    assert len(numbers | {renewed["fiscal_number"]}) == 3
    assert await desk.receipt(f"{BOOK}-R00000001") == old
    assert await suite.invariants_broken() == {}


async def test_who_asked_does_not_check_and_what_was_checked_stays(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    both = suite.client("payments", f"{WRITE} payments:check", user="clerk-wang", area="140522")
    asked = await desk.ask()
    assert (await desk.check(asked, by=both)).json()["code"] == "four_eyes"
    rejected = await desk.check(asked, result="rejected", note="原件无误")
    assert (rejected.json()["state"], rejected.json()["new_receipt_no"]) == ("rejected", None)
    assert (await desk.check(asked)).status_code == 412
    assert (await desk.receipt())["state"] == "issued"


async def test_two_requests_and_two_checks_at_once_cancel_once(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    asked = await asyncio.gather(desk.ask(), desk.ask())
    assert sorted(one.status_code for one in asked) == [201, 409]
    [request] = [one for one in asked if one.status_code == 201]
    other = suite.client("payments", CHECK, user="chief-zhao", area="140522")
    checked = await asyncio.gather(desk.check(request), desk.check(request, by=other))
    assert sorted(one.status_code for one in checked) == [200, 412]
    assert (await desk.summary())["issued"] == 2
    assert await suite.invariants_broken() == {}


async def test_a_receipt_that_does_not_count_is_not_cancelled_again(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    await desk.check(await desk.ask())
    refused = await desk.ask()
    assert (refused.status_code, refused.json()["code"]) == (409, "receipt_not_valid")


async def test_the_clerk_of_another_area_neither_reads_nor_asks(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    desk.clerk = suite.client("payments", WRITE, user="clerk-far", area="140581")
    assert (await desk.ask()).json()["code"] == "area_forbidden"
    for path in ("", "/pdf"):
        answer = await desk.clerk.get(f"/v1/receipts/{BOOK}-00000001{path}", params={"pool": POOL})
        assert answer.json()["code"] == "area_forbidden"
    everywhere = suite.client("payments", READ, user="auditor")
    other_pool = await everywhere.get(f"/v1/receipts/{BOOK}-00000001", params={"pool": "140581"})
    assert other_pool.json()["code"] == "receipt_unknown"
    desk.chief = suite.client("payments", CHECK, user="chief-far", area="140581")
    for refused in (
        await desk.hand_out(),
        await desk.chief.get("/v1/receipt-segments.xlsx", params={"pool": POOL}),
        await desk.chief.get(f"/v1/receipt-books/{BOOK}/receipts.jsonl", params={"pool": POOL}),
        await desk.chief.get("/v1/receipt-proofs", params={"pool": POOL}),
    ):
        assert refused.json()["code"] == "area_forbidden"


async def test_money_that_goes_back_offsets_its_receipt_once(suite: InProcessSuite) -> None:
    """Reversed twice, by two at once: one red receipt, and no new one."""
    desk = await Desk.open(suite, bills=2)
    collection_id = (await desk.receipt())["collection_id"]

    async def reverse() -> None:
        async with desk.database.writing() as tx:
            await usecases.reverse(tx, POOL, [collection_id], "test", desk.service.clock.now())

    await asyncio.gather(reverse(), reverse())
    old = await desk.receipt()
    assert (old["state"], old["red"]["reason"], old["replaced_by"]) == ("offset", "reversed", None)
    assert await desk.summary() == {"issued": 2, "voided": 1, "gaps": 0, "duplicates": 0}
    assert await suite.invariants_broken() == {}


async def test_what_dies_in_between_leaves_no_trace_and_no_gap(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=2)
    collection_id = (await desk.receipt())["collection_id"]

    async def die() -> None:
        async with desk.database.writing() as tx:
            await usecases.reverse(tx, POOL, [collection_id], "test", desk.service.clock.now())
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await die()
    assert (await desk.receipt())["state"] == "issued"
    await desk.check(await desk.ask(f"{BOOK}-00000002"))
    assert (await desk.receipt(f"{BOOK}-00000002"))["red"]["receipt_no"] == f"{BOOK}-R00000001"
    assert await suite.invariants_broken() == {}


async def test_a_check_sent_twice_under_one_key_is_done_once(suite: InProcessSuite) -> None:
    """The answer was lost: the same request again is the same cancellation, and no further number."""
    desk = await Desk.open(suite, bills=1)
    asked = (await desk.ask()).json()
    url = f"/v1/receipt-cancellations/{asked['cancellation_id']}/check"
    headers = key(**{"If-Match": '"1"'})
    answers = [
        await desk.chief.post(url, json={"pool": POOL, "result": "confirmed"}, headers=headers) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert (await desk.summary())["issued"] == 2


async def test_a_cancellation_waits_in_vain_when_the_money_goes_back_first(suite: InProcessSuite) -> None:
    desk = await Desk.open(suite, bills=1)
    asked = await desk.ask()
    async with desk.database.writing() as tx:
        collection_id = (await desk.receipt())["collection_id"]
        await usecases.reverse(tx, POOL, [collection_id], "test", desk.service.clock.now())
    assert (await desk.check(asked)).json()["code"] == "receipt_not_valid"
    assert (await desk.check(asked, result="rejected", note="款项已退")).status_code == 200
    assert await suite.invariants_broken() == {}
