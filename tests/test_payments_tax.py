"""Confirmations of the tax bureau: booked once, answered the same for ever, whatever they say."""

from collections import Counter as Tally
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from services.payments.usecases import Payments
from tests.payments_town import POOL, Counter, issue_bills
from tests.tax_bureau import BATCH, SINGLE, event
from tests.tax_town import Town, open_town

KEYS = ["event_id", "outcome", "collection_id", "receipt_no", "reason"]
OTHER_POOL = "140500"


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    async with open_town(databases, tmp_path / "keys", monkeypatch) as opened:
        yield opened


@pytest.mark.rule("S004-01", "S004-22")
async def test_a_confirmation_settles_its_bill_and_has_a_receipt(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    answer = await town.channel.confirm(event(bill.bill_no))
    assert answer.status_code == 200
    assert "Idempotency-Replayed" not in answer.headers
    body = answer.json()
    assert list(body) == KEYS
    assert (body["event_id"], body["outcome"], body["receipt_no"], body["reason"]) == (
        "TAX-1", "settled", "SW140522-00000001", None,
    )  # fmt: skip
    [collection] = await town.collections(bill.bill_no)
    assert collection["collection_id"] == body["collection_id"]
    assert (collection["channel"], collection["payer_name"]) == ("etax", "王小明")
    assert collection["paid_at"] == "2021-12-05T02:00:00Z"
    assert collection["booked_at"] == "2021-12-05T10:00:00Z"  # arrived later than paid: the two are kept apart
    found = await town.summary()
    assert found["collected"]["by_channel"]["etax"] == {"count": 1, "amount_fen": 32000}
    assert found["funds"]["held_fen"] == 32000
    service: Payments = town.app.state.service
    async with service.database.reading() as tx:
        message = await tx.value("select message from submission where channel = 'etax'")
        held = await tx.value("select debit_account from transfer where kind = 'collect'")
    assert (message["voucher_no"], message["batch_no"], message["key_id"]) == (
        "314052211000000001", None, town.bureau.key_id,
    )  # fmt: skip
    assert held == "held/etax"


@pytest.mark.parametrize(
    ("change", "status", "outcome", "reason"),
    [
        ({}, "paid", "surplus", "already_paid"),
        ({"amount_fen": 31999}, "paid", "surplus", "already_paid"),
        ({}, "voided", "suspense", "bill_voided"),
        ({"bill_no": "140522ZZZZZZZZZZZZZZZZ"}, "open", "suspense", "bill_unknown"),
        ({"amount_fen": 31999}, "open", "suspense", "amount_differs"),
        ({"paid_at": "2021-11-30T23:59:59+08:00"}, "open", "suspense", "closed_day"),
        ({"paid_at": "2021-08-31T23:59:59+08:00"}, "open", "suspense", "outside_window"),
        ({"paid_at": "2021-12-26T00:00:00+08:00"}, "open", "suspense", "outside_window"),
        ({"paid_at": "2021-12-25T16:00:00Z"}, "open", "suspense", "outside_window"),
        ({"paid_at": "2021-12-25T15:59:59.999Z"}, "open", "settled", None),
        ({"paid_at": "2021-12-25T23:59:59+08:00"}, "open", "settled", None),
        ({"payer_name": None}, "open", "settled", None),
        ({"payer_name": ""}, "open", "settled", None),
    ],
)
async def test_money_that_has_come_is_never_refused(
    town: Town, change: dict[str, Any], status: str, outcome: str, reason: str | None
) -> None:
    """Judged by `paid_at`, whenever the confirmation arrives."""
    [bill] = await issue_bills(town.suite, [32000])
    if status == "paid":
        await town.channel.confirm(event(bill.bill_no, "first"))
    if status == "voided":
        service: Payments = town.app.state.service
        async with service.database.writing() as tx:
            await tx.execute(
                "update bill set status = 'voided', voided_at = issued_at, void_reason = 'paid_before' "
                "where bill_no = :no",
                no=bill.bill_no,
            )
    town.suite.set_clock("2022-03-01 09:00")
    body = (await town.channel.confirm(event(bill.bill_no) | change)).json()
    assert (body["outcome"], body["reason"]) == (outcome, reason)
    assert (body["receipt_no"] is None) == (outcome == "suspense")
    expected = change.get("payer_name", "王小明") or "未提供"
    assert {item["payer_name"] for item in await town.collections(change.get("bill_no", bill.bill_no))} == {expected}


@pytest.mark.parametrize("bill_no", ["B0001", "9999997QK3M9Z5T2WB8XCD", "账单", "x" * 64])
async def test_money_whose_pool_nobody_can_tell_stands_in_pool_000000(town: Town, bill_no: str) -> None:
    await issue_bills(town.suite, [32000])
    body = (await town.channel.confirm(event(bill_no))).json()
    assert (body["outcome"], body["reason"], body["receipt_no"]) == ("suspense", "bill_unknown", None)
    assert [item["collection_id"] for item in await town.collections(bill_no, "000000")] == [body["collection_id"]]
    assert (await town.summary("000000"))["funds"]["suspense_fen"] == 32000
    again = await town.channel.confirm(event(bill_no))
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (body, "true")


@pytest.mark.parametrize("change", [{}, {"amount_fen": 1}, {"paid_at": "2021-12-26T00:00:00+08:00"}])
async def test_the_same_event_again_has_the_first_answer(town: Town, change: dict[str, Any]) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    first = await town.channel.confirm(event(bill.bill_no) | change)
    later = event(bill.bill_no) | change
    later["paid_at"] = later["paid_at"].replace("+08:00", ".000+08:00")
    later = dict(reversed(later.items()))
    batch = await town.channel.confirm_batch([later])
    again = await town.channel.confirm(later)
    assert first.headers.get("Idempotency-Replayed") is None
    for answer in (again, batch):
        assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json() == batch.json()["items"][0]
    assert await town.count("collection") == 1


async def test_the_first_answer_stays_when_its_bill_and_money_move_on(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    early = await town.channel.confirm(event(bill.bill_no, amount_fen=31000))
    counter = await Counter.open(town.suite)
    await counter.take([bill])
    assert (await town.channel.confirm(event(bill.bill_no, amount_fen=31000))).json() == early.json()


async def test_the_same_event_id_with_another_body_is_refused(town: Town) -> None:
    """Over all pools: the bureau's ids are its own."""
    [bill] = await issue_bills(town.suite, [32000])
    first = await town.channel.confirm(event(bill.bill_no))
    changes: list[dict[str, Any]] = [
        {"amount_fen": 31999},
        {"bill_no": "B0001"},
        {"bill_no": "140522ZZZZZZZZZZZZZZZZ"},
        {"paid_at": "2021-12-05T10:00:00Z"},
        {"voucher_no": "314052211000000002"},
        {"payer_name": "李"},
        {"payer_name": None},
    ]
    for change in changes:
        other = await town.channel.confirm(event(bill.bill_no) | change)
        assert (other.status_code, other.json()["code"]) == (422, "event_id_reused"), change
        assert other.headers["content-type"] == "application/problem+json"
    batch = await town.channel.confirm_batch([event(bill.bill_no) | change for change in changes])
    assert (batch.status_code, "Idempotency-Replayed" in batch.headers) == (200, False)
    refused = {"event_id": "TAX-1", "outcome": "refused", "reason": "event_id_reused"}
    assert batch.json()["items"] == [refused] * len(changes)
    assert await town.count("collection") == 1
    assert (await town.channel.confirm(event(bill.bill_no))).json() == first.json()


async def test_a_batch_is_answered_item_by_item_in_order(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * 4)
    await town.channel.confirm(event(bills[3].bill_no, "old"))
    items = [
        event(bills[2].bill_no, 5),
        {**event(bills[0].bill_no, 4), "amount_fen": "32000"},
        event(bills[0].bill_no, 3),
        event(bills[0].bill_no, 2),
        event(bills[1].bill_no, "old"),
        event(bills[0].bill_no, 3),
        event(bills[0].bill_no, 3, amount_fen=1),
        event("B0001", 1),
        event(bills[3].bill_no, "old"),
        None,
    ]
    answer = await town.channel.confirm_batch(items, "B7")
    assert answer.status_code == 200
    assert "Idempotency-Replayed" not in answer.headers
    body = answer.json()
    assert body["batch_no"] == "B7"
    assert [(item["event_id"], item["outcome"], item["reason"]) for item in body["items"]] == [
        ("TAX-5", "settled", None),
        ("TAX-4", "refused", "malformed"),
        ("TAX-3", "settled", None),
        ("TAX-2", "surplus", "already_paid"),
        ("TAX-old", "refused", "event_id_reused"),
        ("TAX-3", "settled", None),
        ("TAX-3", "refused", "event_id_reused"),
        ("TAX-1", "suspense", "bill_unknown"),
        ("TAX-old", "settled", None),
        (None, "refused", "malformed"),
    ]
    assert [list(item) for item in body["items"]] == [
        ["event_id", "outcome", "reason"] if item["outcome"] == "refused" else KEYS for item in body["items"]
    ]
    assert body["items"][2] == body["items"][5]
    assert [item.get("receipt_no") for item in body["items"][:4]] == [
        "SW140522-00000002", None, "SW140522-00000003", "SW140522-00000004",
    ]  # fmt: skip
    again = await town.channel.confirm_batch(items, "B7")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (body, "true")
    assert await town.count("collection") == 5


async def test_the_events_of_a_batch_decide_not_its_number(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * 3)
    first = await town.channel.confirm_batch([event(bills[0].bill_no, 0), event(bills[1].bill_no, 1)], "B1")
    more = await town.channel.confirm_batch([event(bills[2].bill_no, 2), event(bills[0].bill_no, 0)], "B1")
    assert "Idempotency-Replayed" not in more.headers
    assert more.json()["items"][1] == first.json()["items"][0]
    other = await town.channel.confirm_batch([event(bill.bill_no, n) for n, bill in enumerate(bills)], "B2")
    assert (other.json()["batch_no"], other.headers["Idempotency-Replayed"]) == ("B2", "true")
    assert await town.count("collection") == 3


async def test_money_of_two_pools_in_one_batch_stands_each_in_its_own(town: Town) -> None:
    [here] = await issue_bills(town.suite, [32000])
    [there] = await issue_bills(town.suite, [32000], pool=OTHER_POOL)
    items = [event(there.bill_no, 1), event(here.bill_no, 2), event("B1", 3), event(there.bill_no, 4)]
    body = (await town.channel.confirm_batch(items)).json()
    assert [(item["outcome"], item["receipt_no"]) for item in body["items"]] == [
        ("settled", "SW140500-00000001"),
        ("settled", "SW140522-00000001"),
        ("suspense", None),
        ("surplus", "SW140500-00000002"),
    ]
    sums = {pool: (await town.summary(pool))["collected"]["amount_fen"] for pool in (OTHER_POOL, POOL, "000000")}
    assert sums == {OTHER_POOL: 64000, POOL: 32000, "000000": 32000}


MALFORMED: list[Any] = [
    None, [], "x", 1, {},
    {"amount_fen": 0}, {"amount_fen": -1}, {"amount_fen": 320.0}, {"amount_fen": "32000"}, {"amount_fen": True},
    {"amount_fen": None}, {"amount_fen": 10**13}, {"amount_fen": 10**400},
    {"paid_at": "2021-12-05"}, {"paid_at": "2021-12-05T10:00:00"}, {"paid_at": 1638669600}, {"paid_at": "1638669600"},
    {"paid_at": "2021-02-30T10:00:00+08:00"}, {"paid_at": "0001-01-01T00:00:00+08:00"},
    {"paid_at": "9999-12-31T23:59:59-08:00"}, {"paid_at": None},
    {"event_id": ""}, {"event_id": " "}, {"event_id": 5}, {"event_id": "x" * 65}, {"event_id": "a\u0000b"},
    {"event_id": "\ud800"}, {"event_id": None},
    {"bill_no": ""}, {"bill_no": "x" * 65}, {"bill_no": "14\u00000522"}, {"voucher_no": ""}, {"voucher_no": "a\nb"},
    {"payer_name": "x" * 101}, {"payer_name": "\u0000"}, {"payer_name": "\udfff"}, {"payer_name": 7},
    {"unknown": 1},
]  # fmt: skip


async def test_what_cannot_be_read_is_refused_alone_and_in_its_place(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * len(MALFORMED))
    items: list[Any] = []
    expected: list[Any] = []
    for change, bill in zip(MALFORMED, bills, strict=True):
        bad = event(bill.bill_no, "bad") | change if isinstance(change, dict) and change else change
        single = await town.channel.confirm(bad)
        assert (single.status_code, single.json()["code"]) == (422, "validation_failed"), change
        items += [bad, event(bill.bill_no, f"good-{len(items)}")]
        named = None if not isinstance(bad, dict) or "event_id" not in bad or "event_id" in change else "TAX-bad"
        expected.append({"event_id": named, "outcome": "refused", "reason": "malformed"})
    answered = (await town.channel.confirm_batch(items)).json()["items"]
    assert answered[::2] == expected
    assert {item["outcome"] for item in answered[1::2]} == {"settled"}


async def test_every_field_but_the_payers_name_is_needed(town: Town) -> None:
    for missing in ("event_id", "bill_no", "amount_fen", "paid_at", "voucher_no"):
        answer = await town.channel.confirm({k: v for k, v in event("B1").items() if k != missing})
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{missing}"]
    assert (await town.channel.confirm({k: v for k, v in event("B1").items() if k != "payer_name"})).status_code == 200


async def test_a_malformed_message_is_a_problem(town: Town) -> None:
    for path, body, status in (
        (SINGLE, b"", 422),
        (SINGLE, b"{", 422),
        (SINGLE, b'"\xff"', 400),
        (SINGLE, b"[" * 100_000, 400),
        (SINGLE, b'{"amount_fen":' + b"9" * 5000 + b"}", 400),
        (BATCH, b"[]", 422),
        (BATCH, b'{"batch_no":"B1"}', 422),
        (BATCH, b'{"batch_no":"","items":[]}', 422),
        (BATCH, b'{"batch_no":"B1","items":{}}', 422),
        (BATCH, b'{"batch_no":"B1","items":[],"more":1}', 422),
        (BATCH, b'{"batch_no":"B1","items":[' + b",".join([b"1"] * 1001) + b"]}", 400),
        (BATCH, b'{"batch_no":"B1","items":[]}' + b" " * (4 * 1024 * 1024), 413),
    ):
        answer = await town.channel.send(path, body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), body[:50]
    assert await town.count("tax_event") == 0


async def test_a_thousand_items_are_taken_and_one_more_is_not(town: Town) -> None:
    """A handful of statements, however long the batch."""
    bills = await issue_bills(town.suite, [32000] * 1000)
    items = [event(bill.bill_no, n) for n, bill in enumerate(bills)]
    more = await town.channel.confirm_batch([*items, event("B1", "x")])
    assert (more.status_code, more.json()["code"]) == (400, "too_many_items")
    assert await town.count("collection") == 0
    statements: list[str] = []
    service: Payments = town.app.state.service
    engine = service.database.engine.sync_engine

    def note(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    sqlalchemy_event.listen(engine, "before_cursor_execute", note)
    body = (await town.channel.confirm_batch(items)).json()
    sqlalchemy_event.remove(engine, "before_cursor_execute", note)
    assert Tally(item["outcome"] for item in body["items"]) == {"settled": 1000}
    assert [item["event_id"] for item in body["items"]] == [item["event_id"] for item in items]
    assert len(statements) <= 20, statements
    found = await town.summary()
    assert found["receipts"] == {"issued": 1000, "voided": 0, "gaps": 0, "duplicates": 0}


async def test_an_empty_batch_is_an_answer(town: Town) -> None:
    answer = await town.channel.confirm_batch([])
    assert (answer.status_code, answer.json()) == (200, {"batch_no": "B1", "items": []})
    assert "Idempotency-Replayed" not in answer.headers


async def test_surplus_is_told_with_its_channel(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    await town.channel.confirm_batch([event(bill.bill_no, n, payer_name=None) for n in (1, 2)])
    client = town.suite.client("payments", "payments:read")
    feed = (await client.get("/v1/events", params={"pool": POOL, "after": 0})).json()["items"]
    assert [item["type"] for item in feed] == ["bill.paid", "collection.surplus"]
    assert feed[1]["data"]["channel"] == "etax"
    assert feed[1]["data"]["payer_name"]  # somebody has to be named where it is paid back
