"""Confirmations of the tax bureau at once, in any order, or dying on the way: booked once, or not at all."""

import asyncio
import json
from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from services.payments.usecases import Payments
from tests.payments_town import Counter, issue_bills
from tests.suite import close_app
from tests.tax_bureau import Channel, event
from tests.tax_town import Town, open_town


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    async with open_town(databases, tmp_path / "keys", monkeypatch) as opened:
        yield opened


@pytest.fixture
async def second(town: Town) -> AsyncIterator[Channel]:
    """The bureau's line to a second worker."""
    app = town.suite.make_app("payments")
    yield Channel(town.suite.client("payments", app=app), town.bureau)
    await close_app(app)


@pytest.mark.lesson("same callback 100 times")
@pytest.mark.parametrize("parameters", [{}, {"nonce": "the same"}])
async def test_the_same_event_a_hundred_times_at_once_is_booked_once(
    town: Town, second: Channel, parameters: dict[str, str]
) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    lines = [town.channel, second]
    answers = await asyncio.gather(
        *[lines[n % 2].confirm(event(bill.bill_no), parameters=parameters) for n in range(100)]
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert Tally(answer.headers.get("Idempotency-Replayed") for answer in answers) == {None: 1, "true": 99}
    assert await town.count("collection") == 1


async def test_one_event_id_for_two_pools_at_once_has_one_winner(town: Town, second: Channel) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    lines = [town.channel, second]
    answers = await asyncio.gather(
        *[lines[n % 2].confirm(event(bill.bill_no if n < 20 else "B0001")) for n in range(40)]
    )
    assert Tally(answer.status_code for answer in answers) == {200: 20, 422: 20}
    assert await town.count("collection") == 1


async def test_a_hundred_payments_of_one_bill_at_once_have_one_winner(town: Town, second: Channel) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    lines = [town.channel, second]
    answers = await asyncio.gather(*[lines[n % 2].confirm(event(bill.bill_no, n)) for n in range(100)])
    assert Tally(answer.json()["outcome"] for answer in answers) == {"settled": 1, "surplus": 99}
    assert (await town.summary())["receipts"] == {"issued": 100, "voided": 0, "gaps": 0, "duplicates": 0}


async def test_overlapping_batches_in_opposite_order_do_not_block_each_other(town: Town, second: Channel) -> None:
    bills = await issue_bills(town.suite, [32000] * 60)
    items = [event(bill.bill_no, n) for n, bill in enumerate(bills)]
    poolless = [event(f"B{n}", f"p{n}") for n in range(10)]
    answers = await asyncio.gather(
        *[
            line.confirm_batch(order, f"B{n}")
            for n in range(5)
            for line, order in ((town.channel, [*items[:45], *poolless]), (second, [*poolless[::-1], *items[:14:-1]]))
        ]
    )
    assert {answer.status_code for answer in answers} == {200}
    said: dict[str, set[str]] = {}
    for answer in answers:
        for item in answer.json()["items"]:
            said.setdefault(item["event_id"], set()).add(json.dumps(item))
    assert {len(variants) for variants in said.values()} == {1}
    assert await town.count("collection") == 70
    assert (await town.summary())["receipts"] == {"issued": 60, "voided": 0, "gaps": 0, "duplicates": 0}


async def test_counter_and_tax_bureau_at_once_take_a_bill_once(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * 30)
    counter = await Counter.open(town.suite)
    batch, *slips = await asyncio.gather(
        town.channel.confirm_batch([event(bill.bill_no, n) for n, bill in enumerate(bills)]),
        *[counter.take([bill], pos=f"r{n}") for n, bill in enumerate(bills[::-1])],
    )
    outcomes = Tally(item["outcome"] for answer in (batch, *slips) for item in answer.json()["items"])
    assert outcomes == {"settled": 30, "surplus": 30}


STEPS: list[tuple[str, Callable[[Any], bool]]] = [
    (name, lambda statement, name=name: name in statement)  # type: ignore[misc]
    for name in ("into tax_nonce", "into tax_event", "into submission", "into collection", "into receipt ",
                 "into transfer", "update bill", "update tax_event", "update chain_head")
]  # fmt: skip
BOOKED = ("tax_event", "submission", "collection", "receipt", "bill where status = 'paid'", "event")


@pytest.mark.lesson("killed after its 2xx")
@pytest.mark.parametrize(("step", "here"), STEPS)
async def test_killed_between_nothing_is_half(town: Town, step: str, here: Callable[[str], bool]) -> None:
    """The process dies right after any statement of a batch; the bureau sends it again."""
    bills = await issue_bills(town.suite, [32000] * 3)
    items = [event(bill.bill_no, n) for n, bill in enumerate(bills)]
    service: Payments = town.app.state.service
    engine = service.database.engine.sync_engine
    died = asyncio.Event()

    def die(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if here(statement) and not died.is_set():
            died.set()
            running.cancel()

    sqlalchemy_event.listen(engine, "after_cursor_execute", die)
    running = asyncio.create_task(town.channel.confirm_batch(items, parameters={"nonce": "n-1"}))
    with pytest.raises(asyncio.CancelledError):
        await running
    sqlalchemy_event.remove(engine, "after_cursor_execute", die)
    assert died.is_set(), step
    left = {await town.count(table) for table in BOOKED}
    # Told to stop after the last statement, it may just as well have committed: then everything is there.
    assert left in ({0}, {3} if step == "update chain_head" else {0}), step
    body = (await town.channel.confirm_batch(items, parameters={"nonce": "n-1"})).json()
    assert [item["outcome"] for item in body["items"]] == ["settled"] * 3
    assert body["items"][0]["receipt_no"] == "SW140522-00000001"
