"""Notifications of channels, WeChat's and UnionPay's alike: stored is answered, whatever becomes of acting on them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.simulators.unionpay_wire import Keys as UnionPayKeys
from deploy.local.simulators.wechat_wire import Keys as WechatKeys
from tests.payments_town import issue_bills
from tests.unionpay_town import UnionPayTown


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[UnionPayTown]:
    WechatKeys(tmp_path)
    UnionPayKeys(tmp_path)
    running = UnionPayTown.build(databases, tmp_path / "keys", tmp_path, monkeypatch)
    yield running
    assert await running.suite.invariants_broken() == {}
    await running.suite.close()


@pytest.mark.parametrize("channel", ["wechat", "unionpay"])
async def test_a_message_that_cannot_be_acted_upon_now_is_answered_and_waits_for_the_job(
    channel: str, town: UnionPayTown
) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    side = town.wechat if channel == "wechat" else town
    order = await side.ordered(bill)
    await _execute(town, *_FAILS)
    await side.pay(order, deliver=False)
    [answered] = await side.deliver()
    assert 200 <= answered < 300
    assert [row["status"] for row in await town.rows("select status from channel_message")] == ["received"]
    assert await town.outcomes() == []
    await _execute(town, "drop trigger fails on collection")
    await _execute(town, "drop function fail")
    await town.tick()
    assert [row["status"] for row in await town.rows("select status from channel_message")] == ["applied"]
    assert await town.outcomes() == [("settled", None)]


_FAILS = (
    "create function fail() returns trigger language plpgsql as $$ begin raise 'no money today'; end $$",
    "create trigger fails before insert on collection for each row execute function fail()",
)


async def _execute(town: UnionPayTown, *statements: str) -> None:
    async with town.service.database.writing() as tx:
        for sql in statements:
            await tx.execute(sql)
