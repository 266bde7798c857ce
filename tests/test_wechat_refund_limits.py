"""What WeChat would not take of a refund is not sent: a year, fifty parts, a minute between two.

The money goes back all the same, another way or a little later.
"""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.simulators.wechat_wire import Keys, settings_of
from services.payments import usecases
from services.payments.rules.refunding import Limit, wechat_limit
from shared.clock import SHANGHAI
from shared.ids import new_id
from tests.payments_town import POOL
from tests.routes_town import RoutesTown
from tests.suite import close_app

PAID = datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def wechat_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wechat-keys")
    Keys(folder)
    return folder


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, wechat_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RoutesTown]:
    running = RoutesTown(databases, tmp_path, wechat_keys, monkeypatch)
    await running.open()
    yield running
    assert "payments" not in await running.suite.invariants_broken()
    await running.suite.close()


@pytest.mark.parametrize(
    ("age", "parts", "since", "limit"),
    [
        (timedelta(0), 0, None, None),
        (timedelta(days=365), 49, 60, None),
        (timedelta(days=365, seconds=1), 0, None, Limit.TOO_OLD),
        (timedelta(days=1), 50, None, Limit.TOO_MANY),
        (timedelta(days=1), 1, 59.9, Limit.TOO_SOON),
        (timedelta(days=366), 50, 0, Limit.TOO_OLD),
    ],
)
def test_the_limits_of_a_refund(age: timedelta, parts: int, since: float | None, limit: Limit | None) -> None:
    assert wechat_limit(PAID, parts, since, PAID + age, 60) is limit


@pytest.mark.channel("wechat: refund limits")
async def test_a_payment_of_more_than_a_year_ago_goes_back_at_a_counter(town: RoutesTown) -> None:
    application = await town.paying("wechat")
    town.suite.set_clock("2022-12-05 10:00:01")
    await town.tick()
    refund = await town.refund(application)
    assert (refund["state"], refund["detail"]) == ("failed", "payment_older_than_a_year")
    assert "refund" not in town.lines["wechat"].calls
    back = await town.read(application)
    assert back["state"] == "approved"
    paid = await town.pay(back, "cash")
    assert (paid.status_code, paid.json()["state"]) == (200, "paid"), paid.text
    await town.follow()


@pytest.mark.channel("wechat: refund limits")
async def test_a_second_part_waits_a_minute(
    town: RoutesTown, wechat_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = {"refund_parts_seconds": 3600}
    monkeypatch.setenv("PAYMENTS_WECHAT", settings_of(wechat_keys, address="http://wechat", limits=limits))
    app = town.suite.make_app("payments")
    patient: usecases.Payments = app.state.service
    found = await town.paid_twice("wechat")

    async def order() -> int:
        body: dict[str, Any] = {
            "pool": POOL, "refund_id": str(new_id()), "application_id": str(new_id()), "shift_id": None,
            "collection_id": found["collection_id"], "method": "wechat", "amount_fen": 1000, "paid_to": "王小明",
            "paid_by": "clerk-wang",
        }  # fmt: skip
        client = town.suite.client("payments", "payments:pay")
        answer = await client.post("/v1/refunds", json=body, headers={"Idempotency-Key": str(new_id())})
        return answer.status_code

    assert Tally(await asyncio.gather(*(order() for _ in range(3)))) == {201: 3}
    while await usecases.ask_refunds(patient):
        pass
    refunds = await town.wechat.rows("select detail, tries from refund order by state, refund_id")
    assert Tally(row["detail"] for row in refunds)["less_than_a_minute_after_another_part"] == 2
    assert town.lines["wechat"].calls.count("refund") == 1
    while await town.tick():  # in the town a minute is short
        pass
    states = await town.wechat.rows("select distinct state from refund")
    assert states == [{"state": "settled"}]
    await close_app(app)
