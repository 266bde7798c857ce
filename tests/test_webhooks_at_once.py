"""Webhooks when workers die, receivers hang, everything comes at once; and replay from the feed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.clock import wall_now
from shared.webhooks import store
from shared.webhooks.rules import DeliveryState
from tests.suite import ORDER, InProcessSuite, close_app
from tests.webhook_town import OTHER_POOL, POOL, Partner, edit, happen, hasten, job, push, receiver


@pytest.fixture
async def payments(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[InProcessSuite]:
    for service in ORDER:
        monkeypatch.setenv(f"{service.upper()}_WEBHOOK_PRIVATE_ADDRESSES", "true")
    running = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    yield running
    await running.close()


@pytest.fixture
def partner(payments: InProcessSuite) -> Partner:
    return Partner(payments)


# Whatever dies, hangs, or comes at once


async def test_two_workers_send_nothing_twice(payments: InProcessSuite, partner: Partner) -> None:
    second = payments.make_app("payments")
    other = next(one for one in second.state.jobs if one.name == "push_webhooks")
    async with receiver() as there:
        await partner.subscribe(there.url)
        await happen(payments, 40)

        async def work(one: Any) -> None:
            while await one.work():
                pass

        await asyncio.gather(work(job(payments, "push_webhooks")), work(other))
        await push(payments)
    await close_app(second)
    assert sorted(there.seqs) == list(range(1, 41))


async def test_who_dies_while_sending_leaves_it_to_be_sent_again_under_the_same_id(
    payments: InProcessSuite, partner: Partner
) -> None:
    async with receiver(hangs=True) as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments)
        doomed = payments.make_app("payments")
        dying = asyncio.create_task(next(one for one in doomed.state.jobs if one.name == "push_webhooks").work())
        await asyncio.wait_for(there.arrived.wait(), 10)
        await close_app(doomed)  # its lane is cut off: what came of the call is written nowhere
        await asyncio.gather(dying, return_exceptions=True)
        there.hangs = False
        await push(payments)
        assert len(there.messages) == 1, "the lease stands"
        assert (await partner.deliveries(webhook))[0]["state"] == "sending"
        await edit(payments, "update webhook_delivery set leased_until = now() - interval '1 s'")
        await push(payments)
        [delivery] = await partner.deliveries(webhook)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    assert there.ids == [delivery["event_id"]] * 2


async def test_one_who_comes_late_with_his_answer_changes_nothing(payments: InProcessSuite, partner: Partner) -> None:
    """The lease ran out while the receiver thought; another worker has sent it and been refused meanwhile."""
    async with receiver() as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments)
        database = payments.apps["payments"].state.database
        now = wall_now()
        async with database.writing() as tx:
            taken = await store.take_webhook(tx, POOL, webhook["webhook_id"])
            assert taken is not None
            await store.spread(tx, taken, now)
            [late] = await store.lease(tx, taken, now, now - timedelta(seconds=1))
        there.answer = (500, {})
        await push(payments)
        async with database.writing() as tx:
            answer = {"at": wall_now(), "status": 200, "trouble": None}
            concluded = await store.conclude(
                tx, POOL, webhook["webhook_id"], late, DeliveryState.DELIVERED, None, answer
            )
        assert concluded is False
        assert (await partner.deliveries(webhook))[0]["state"] == "waiting"


async def test_a_dead_subscribers_backlog_harms_no_other(payments: InProcessSuite, partner: Partner) -> None:
    async with receiver(hangs=True) as dead, receiver() as well:
        for _ in range(3):
            await partner.subscribe(dead.url)
        await happen(payments, 60)
        await partner.subscribe(well.url, after=0)
        pushing = asyncio.create_task(push(payments))
        async with asyncio.timeout(30):
            while len(well.messages) < 60:  # noqa: ASYNC110 -- until it is so
                await asyncio.sleep(0.02)
        # All of the healthy one's are there while not one call to the dead one has come back.
        assert sorted(well.seqs) == list(range(1, 61))
        assert 0 < len(dead.messages) <= 3 * store.LANE
        pushing.cancel()
        await asyncio.gather(pushing, return_exceptions=True)


async def test_who_answers_nothing_leaves_a_cursor_behind_and_few_rows(
    payments: InProcessSuite, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "OPEN", 10)
    async with receiver(answer=(500, {})) as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments, 40)
        await push(payments)
        assert len(await partner.deliveries(webhook)) == 10
        assert (await partner.read(webhook))["seq"] == 10
        there.answer = (200, {})
        await hasten(payments)
        await push(payments)
    assert sorted(set(there.seqs)) == list(range(1, 41))


async def test_a_feed_that_another_pool_fills_is_not_pushed(payments: InProcessSuite, partner: Partner) -> None:
    async with receiver() as there:
        await partner.subscribe(there.url)
        async with payments.apps["payments"].state.database.writing() as tx:
            tx.publish(OTHER_POOL, "bill.paid", "x", 1, payments.clock.now(), {})
        await push(payments)
    assert there.messages == []


# Again, from the feed


async def test_replay_from_a_cursor_sends_everything_after_it_under_its_own_id(
    payments: InProcessSuite, partner: Partner
) -> None:
    async with receiver() as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments, 6)
        await push(payments)
        assert (await partner.command(webhook, "replay", after=7)).json()["code"] == "webhook_cursor_ahead"
        for _ in range(2):
            assert (await partner.command(webhook, "replay", after=4)).json()["seq"] == 4
        await push(payments)
    assert sorted(there.seqs) == [1, 2, 3, 4, 5, 5, 6, 6]
    assert len(set(there.ids)) == 6


async def test_replay_of_what_is_removed_already_and_of_what_waits(payments: InProcessSuite, partner: Partner) -> None:
    async with receiver() as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments, 3)
        await push(payments)
        await edit(payments, "update webhook_delivery set concluded_at = now() - interval '31 days' where seq < 3")
        while await job(payments, "forget_webhook_deliveries").work():
            pass
        assert [item["seq"] for item in await partner.deliveries(webhook)] == [3]
        unknown = await partner.command(webhook, "deliveries/1/replay")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "webhook_delivery_unknown")
        await partner.command(webhook, "replay", after=0)
        there.answer = (500, {})
        await push(payments)
        await partner.command(webhook, "replay", after=0)
        await push(payments)
        attempts = [item["attempts"] for item in await partner.deliveries(webhook)]
    assert attempts == [1, 1, 1], "what waits keeps its schedule"


async def test_deliveries_are_listed_in_pages_and_by_state(payments: InProcessSuite, partner: Partner) -> None:
    async with receiver() as there:
        webhook = await partner.subscribe(there.url, kinds=["bill.paid"])
        await happen(payments, 5)
        await push(payments)
        there.answer = (500, {})
        await happen(payments, 1)
        await push(payments)
    assert [item["seq"] for item in await partner.deliveries(webhook, state="waiting")] == [6]
    seqs: list[int] = []
    after: str | None = None
    while True:
        path = f"/v1/webhooks/{webhook['webhook_id']}/deliveries"
        query: dict[str, Any] = {"pool": POOL, "limit": 4} | ({"after": after} if after else {})
        page = (await partner.client.get(path, params=query)).json()
        seqs += [item["seq"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seqs == [6, 5, 4, 3, 2, 1]


async def test_an_ended_webhook_is_called_no_more_and_goes(payments: InProcessSuite, partner: Partner) -> None:
    async with receiver(answer=(500, {})) as there:
        webhook = await partner.subscribe(there.url)
        await happen(payments, 2)
        await push(payments)
        called = len(there.messages)
        assert (await partner.command(webhook, "end")).status_code == 200
        await hasten(payments)
        await push(payments)
        assert len(there.messages) == called
    while await job(payments, "forget_webhook_deliveries").work():
        pass
    async with payments.apps["payments"].state.database.reading() as tx:
        left = await tx.value("select (select count(*) from webhook) + (select count(*) from webhook_delivery)")
    assert left == 0
    assert (await partner.command(webhook, "end")).json()["code"] == "webhook_unknown"
