"""Batch withholding where two things meet: an order beside a release, files that overtake, a bank of two minds."""

import asyncio
import contextvars
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.payments import usecases
from services.payments.usecases import withholding_returns
from tests.bank_town import RCB, Town, open_town
from tests.payments_town import POOL, IssuedBill, issue_bills
from tests.waiting import wait_for
from tests.withholding_town import CHECKER, Desk, open_beside_wechat, terms


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    async with open_town(databases, tmp_path / "keys", monkeypatch.setenv) as town:
        yield town


@pytest.fixture
def desk(town: Town) -> Desk:
    return Desk(town)


# An order beside a release. The tasks have a context of their own: they do not count the transaction that a test holds.


async def test_a_bill_is_not_ordered_while_its_release_is_being_committed(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The release has numbered its lines and waits for its audit line; the order comes at that moment."""
    wechat, desk = open_beside_wechat(databases, tmp_path, monkeypatch)
    [bill] = await issue_bills(wechat.suite, [32000])
    await desk.post("/v1/agreements", terms(bill))
    built = (await desk.build()).json()
    async with wechat.service.database.writing() as tx:
        await tx.rows("select 1 from chain_head where chain = 'audit_line' and pool = :pool for update", pool=POOL)
        release = asyncio.create_task(desk.act(built, "release"), context=contextvars.Context())
        await wait_for(wechat.service.database, 1)
        order = asyncio.create_task(wechat.order(bill), context=contextvars.Context())
        await wait_for(wechat.service.database, 2)
    assert (await release).json()["line_count"] == 1
    assert ((await order).status_code, (await order).json()["code"]) == (409, "bill_being_withheld")
    assert await wechat.suite.invariants_broken() == {}
    await wechat.suite.close()


async def test_a_release_waits_for_an_order_that_is_being_stored_and_leaves_its_bill_out(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wechat, desk = open_beside_wechat(databases, tmp_path, monkeypatch)
    ordered, left = await issue_bills(wechat.suite, [32000, 32000])
    await desk.sign([ordered, left])
    built = (await desk.build()).json()
    async with wechat.service.database.writing() as tx:
        await tx.rows(
            "select 1 from bill where pool = :pool and bill_no = :bill_no for update",
            pool=POOL,
            bill_no=ordered.bill_no,
        )
        order = asyncio.create_task(wechat.order(ordered), context=contextvars.Context())
        await wait_for(wechat.service.database, 1)
        release = asyncio.create_task(desk.act(built, "release"), context=contextvars.Context())
        await wait_for(wechat.service.database, 2)
    assert (await order).status_code == 201
    assert ((await release).json()["line_count"], (await release).json()["dropped_count"]) == (1, 1)
    assert await wechat.suite.invariants_broken() == {}
    await wechat.suite.close()


async def test_the_invariant_finds_a_withheld_bill_that_is_ordered(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wechat, desk = open_beside_wechat(databases, tmp_path, monkeypatch)
    asked, other = await issue_bills(wechat.suite, [32000, 32000])
    await desk.send([asked])
    order = await wechat.ordered(other)
    async with wechat.service.database.writing() as tx:
        await tx.execute("set local guards.off = 'on'")
        await tx.execute(
            "update channel_order set bill_no = :bill_no where order_no = :order_no",
            bill_no=asked.bill_no,
            order_no=order["order_no"],
        )
    broken = (await wechat.suite.invariants_broken())["payments"]
    assert "withheld_bill_is_not_ordered" in [one["name"] for one in broken]
    await wechat.suite.close()


# The bank's files in their turn


async def test_a_final_file_with_the_bytes_of_the_interim_one_closes_the_batch(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    batch = await desk.send([bill])
    interim, final = [await desk.printed(batch, final=last) for last in (False, True)]
    assert interim[1] == final[1]
    await desk.bring(batch, *interim)
    await desk.take()
    assert (await desk.batch(batch))["state"] == "returned"
    brought = [await desk.bring(batch, *final) for _ in range(2)]
    assert [(one.status_code, one.json()["kind"], one.json()["return_no"]) for one in brought] == [
        (201, "final", 2),
        (200, "final", 2),
    ]
    assert (await desk.bring(batch, *interim)).json()["return_no"] == 1
    await desk.take()
    assert (await desk.batch(batch))["state"] == "closed"
    assert (await desk.town.summary())["collected"]["count"] == 1


async def test_a_file_that_fails_once_is_not_overtaken_by_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    batch = await desk.send([bill])
    await desk.arrange(batch, interim={bill.bill_no: "S"}, final={bill.bill_no: "F"})
    for final in (False, True):
        assert (await desk.bring(batch, *await desk.printed(batch, final=final))).status_code == 201
    take_lines = withholding_returns._take_lines
    failures = iter([True])

    async def fail_once(service: Any, tx: Any, *rest: Any) -> dict[str, str]:
        if next(failures, False):
            await tx.execute("do $$ begin raise exception using errcode = '40P01'; end $$")
        return await take_lines(service, tx, *rest)

    monkeypatch.setattr(withholding_returns, "_take_lines", fail_once)
    with pytest.raises(Exception, match="40P01"):
        await usecases.take_returns(desk.town.service)
    assert await desk.states(batch, [bill]) == [("asked", None)]
    await desk.take()
    assert await live(desk) == [("channel_failed", 0, 32000)]
    assert [(await desk.returned(batch, number))["state"] for number in (1, 2)] == ["taken", "taken"]
    assert (await desk.batch(batch))["state"] == "closed"


async def test_of_two_workers_none_takes_the_final_file_between_the_chunks_of_the_interim_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withholding_returns, "CHUNK_LINES", 1)
    bills = await issue_bills(desk.town.suite, [32000] * 4)
    batch = await desk.send(bills)
    await desk.arrange(
        batch, interim={bill.bill_no: "S" for bill in bills}, final={bill.bill_no: "F" for bill in bills}
    )
    for final in (False, True):
        await desk.bring(batch, *await desk.printed(batch, final=final))
    second = desk.town.suite.make_app("payments")
    await asyncio.gather(*[usecases.take_returns(each) for each in (desk.town.service, second.state.service)])
    await desk.take()
    assert await live(desk) == [("channel_failed", 0, 32000)] * 4
    await second.state.database.close()


# Debited, denied, taken back — and debited after all


async def taken_back(desk: Desk) -> tuple[dict[str, Any], list[IssuedBill]]:
    """A batch of two bills; the bank has denied the first, and two people have taken its money back."""
    bills = await issue_bills(desk.town.suite, [32000, 32000])
    gone, other = bills
    batch = await desk.send(bills)
    await desk.arrange(batch, interim={one.bill_no: "S" for one in bills}, final={gone.bill_no: "F"})
    await desk.answer(batch, final=False)
    await desk.answer(batch)
    [denied] = (await desk.get("/v1/exceptions"))["items"]
    path = f"/v1/exceptions/{denied['exception_id']}"
    await desk.post(f"{path}/propose", {"resolution": "reverse", "reason": "银行已退回"}, version=1)
    approved = await desk.post(f"{path}/approve", {"result": "approved"}, user=CHECKER, version=2)
    assert approved.status_code == 200, approved.text
    assert (await desk.town.bill(gone))["status"] == "open"
    return batch, [gone, other]


async def live(desk: Desk) -> list[tuple[str, int | None, int | None]]:
    """What waits for people, with the channel's amount and ours."""
    items = (await desk.get("/v1/exceptions"))["items"]
    return [(one["kind"], one["channel_fen"], one["our_fen"]) for one in items if one["state"] in ("open", "proposed")]


@pytest.mark.parametrize("word", ["S", "P12000"])
async def test_money_debited_after_it_was_taken_back_is_a_break(desk: Desk, word: str) -> None:
    batch, [gone, other] = await taken_back(desk)
    await desk.arrange(batch, final={gone.bill_no: word, other.bill_no: "S"}, at="2021-12-05T07:00:00+08:00")
    told = 32000 if word == "S" else 12000
    assert (await desk.answer(batch))["faults"] == {}
    assert await live(desk) == [("ours_missing", told, None)]
    assert (await desk.town.bill(gone))["status"] == "open"
    # The same word in other bytes is no second break.
    file_name, raw = await desk.printed(batch)
    assert (await desk.bring(batch, file_name, raw + b"\r\n")).status_code == 201
    await desk.take()
    assert await live(desk) == [("ours_missing", told, None)]


async def test_a_denial_of_what_was_taken_back_is_no_news(desk: Desk) -> None:
    batch, _ = await taken_back(desk)
    file_name, raw = await desk.printed(batch)
    assert (await desk.bring(batch, file_name, raw + b"\r\n")).status_code == 201
    await desk.take()
    assert await live(desk) == []


async def test_told_denied_and_told_again_leaves_nothing_to_people(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    batch = await desk.send([bill])
    for word, waits in {
        "S": [],
        "F": [("channel_failed", 0, 32000)],
        "P12000": [("amount_differs", 12000, 32000)],
        "S2": [],
    }.items():
        await desk.arrange(batch, final={bill.bill_no: word.removesuffix("2") if word == "S2" else word})
        file_name, raw = await desk.printed(batch)
        # The same word again comes in other bytes: the same file would be taken once.
        assert (await desk.bring(batch, file_name, raw + b"\r\n" * (word == "S2"))).status_code == 201
        await desk.take()
        assert await live(desk) == waits, word
    assert (await desk.town.summary())["collected"]["count"] == 1


async def test_denied_again_after_it_was_taken_back_and_told_is_nothing_to_book(desk: Desk) -> None:
    batch, [gone, other] = await taken_back(desk)
    await desk.arrange(batch, final={gone.bill_no: "S", other.bill_no: "S"}, at="2021-12-05T07:00:00+08:00")
    await desk.answer(batch)
    assert await live(desk) == [("ours_missing", 32000, None)]
    await desk.arrange(batch, final={gone.bill_no: "F", other.bill_no: "S"})
    file_name, raw = await desk.printed(batch)
    assert (await desk.bring(batch, file_name, raw + b"\r\n")).status_code == 201
    await desk.take()
    assert await live(desk) == []


async def book(desk: Desk, one: dict[str, Any]) -> tuple[int, str]:
    """Two people book what a break tells of."""
    path, proposal = f"/v1/exceptions/{one['exception_id']}", {"resolution": "book", "reason": "银行已扣款"}
    assert (await desk.post(f"{path}/propose", proposal, version=one["version"])).status_code == 200
    answer = await desk.post(f"{path}/approve", {"result": "approved"}, user=CHECKER, version=one["version"] + 1)
    return answer.status_code, answer.json()["code" if answer.status_code >= 400 else "state"]


async def debited_after_all(desk: Desk) -> tuple[dict[str, Any], IssuedBill]:
    batch, [gone, other] = await taken_back(desk)
    await desk.arrange(batch, final={gone.bill_no: "S", other.bill_no: "S"}, at="2021-12-05T07:00:00+08:00")
    await desk.answer(batch)
    return batch, gone


async def bring_statement(desk: Desk) -> None:
    """The bank's statement of the day, looked over when its window is closed."""
    params = {"day": "2021-12-05", "institution": RCB}
    file = (await desk.town.control_client().get("/control/statement", params=params)).text
    desk.town.suite.set_clock("2021-12-12 09:00")
    answer = await desk.client().post(
        "/v1/statements",
        params={"pool": POOL, "channel": "bank", "day": "2021-12-05", "institution": RCB, "file_name": "a.txt"},
        content=file.encode(),
        headers={"Idempotency-Key": "statement", "Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    await usecases.take_statements(desk.town.service)
    await usecases.look_over_statements(desk.town.service)


async def told(desk: Desk, *, with_row: bool) -> dict[str, Any]:
    """The break about the money that was debited after all: by the return file, or by the row of the statement."""
    [one] = [
        each
        for each in (await desk.get("/v1/exceptions"))["items"]
        if each["kind"] == "ours_missing" and (each["row_no"] is not None) is with_row
    ]
    found: dict[str, Any] = one
    return found


@pytest.mark.parametrize("by_row", [True, False], ids=["by the statement's line", "by the break"])
async def test_with_both_before_them_people_book_the_money_once(by_row: bool, desk: Desk) -> None:
    _, gone = await debited_after_all(desk)
    await bring_statement(desk)
    ways = [await told(desk, with_row=with_row) for with_row in (by_row, not by_row)]
    assert all("book" in one["possible"] for one in ways)
    assert await book(desk, ways[0]) == (200, "resolved")
    assert (await desk.town.bill(gone))["status"] == "paid"
    second = await desk.get(f"/v1/exceptions/{ways[1]['exception_id']}")
    if by_row:
        assert second["state"] == "superseded"
    else:
        assert await book(desk, second) == (409, "resolution_not_possible")
    desk.town.suite.set_clock("2021-12-13 09:00")
    await usecases.look_over_statements(desk.town.service)
    assert await live(desk) == []
    assert (await desk.town.summary())["collected"]["count"] == 2


async def test_money_booked_before_the_statement_came_stands_for_its_line(desk: Desk) -> None:
    batch, gone = await debited_after_all(desk)
    assert await book(desk, await told(desk, with_row=False)) == (200, "resolved")
    assert (await desk.town.bill(gone))["status"] == "paid"
    file_name, raw = await desk.printed(batch)  # the bank says so once more: that is what is booked by now
    assert (await desk.bring(batch, file_name, raw + b"\r\n")).status_code == 201
    await desk.take()
    assert await live(desk) == []
    await bring_statement(desk)
    assert await live(desk) == []
    # And takes it back once more: a break about the money as it was booked anew.
    await desk.arrange(batch, final={gone.bill_no: "F"})
    await desk.bring(batch, *await desk.printed(batch))
    await desk.take()
    assert await live(desk) == [("channel_failed", 0, 32000)]


async def test_a_bank_that_changes_its_mind_twice_is_believed_every_time(desk: Desk) -> None:
    batch, gone = await debited_after_all(desk)
    for turn in (1, 2):
        assert await book(desk, await told_live(desk, "ours_missing")) == (200, "resolved"), turn
        assert (await desk.town.bill(gone))["status"] == "paid"
        await desk.arrange(batch, final={gone.bill_no: "F"})
        file_name, raw = await desk.printed(batch)
        await desk.bring(batch, file_name, raw + b"\r\n" * turn)
        await desk.take()
        denied = await told_live(desk, "channel_failed")
        path = f"/v1/exceptions/{denied['exception_id']}"
        await desk.post(f"{path}/propose", {"resolution": "reverse", "reason": "银行已退回"}, version=1)
        approved = await desk.post(f"{path}/approve", {"result": "approved"}, user=CHECKER, version=2)
        assert approved.status_code == 200, approved.text
        assert (await desk.town.bill(gone))["status"] == "open"
        await desk.arrange(batch, final={gone.bill_no: "S"}, at="2021-12-05T07:00:00+08:00")
        file_name, raw = await desk.printed(batch)
        await desk.bring(batch, file_name, raw + b"\r\n" * turn)
        await desk.take()
    assert await book(desk, await told_live(desk, "ours_missing")) == (200, "resolved")
    await bring_statement(desk)
    assert await live(desk) == []
    assert (await desk.town.summary())["collected"]["count"] == 2
    assert await desk.town.suite.invariants_broken() == {}


async def told_live(desk: Desk, kind: str) -> dict[str, Any]:
    """The one break of a kind that waits for people."""
    items = (await desk.get("/v1/exceptions"))["items"]
    [one] = [each for each in items if each["kind"] == kind and each["state"] == "open"]
    found: dict[str, Any] = one
    return found
