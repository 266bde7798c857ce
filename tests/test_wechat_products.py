"""Orders that are paid from a browser (H5) or by scanning a code (native), several applications of one merchant, and
where notifications may come from."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.simulators.wechat_wire import APPIDS, PUBLIC_KEY_ID, Keys, settings_of
from services.payments.clients.wechat import NOTIFICATIONS
from tests.payments_town import POOL, IssuedBill, issue_bills
from tests.suite import close_app
from tests.wechat_town import WechatTown

H5: dict[str, Any] = {"product": "h5", "openid": None, "client_ip": "203.0.113.7", "device": "Wap"}
NATIVE: dict[str, Any] = {"product": "native", "openid": None}


@pytest.fixture(scope="module")
def wechat_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wechat-keys")
    Keys(folder)
    return folder


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, wechat_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WechatTown]:
    running = WechatTown.build(databases, tmp_path / "keys", wechat_keys, monkeypatch)
    yield running
    assert await running.suite.invariants_broken() == {}
    await running.suite.close()


@pytest.fixture
async def bill(town: WechatTown) -> IssuedBill:
    """A bill of 320 yuan."""
    [issued] = await issue_bills(town.suite, [32000])
    return issued


async def test_a_payer_in_a_browser_is_sent_to_wechat_for_five_minutes(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill, **H5)
    assert order["h5_url"].startswith("https://wx.tenpay.com/")
    assert (order["product"], order["invocation"], order["code_url"]) == ("h5", None, None)
    assert order["expires_at"] == "2021-12-05T02:05:00Z"  # half an hour for the others
    known = town.hall.books.orders[order["order_no"]].body
    assert known["scene_info"] == {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}
    assert "payer" not in known
    number = await town.pay(order)
    paid = await town.read(order)
    assert (paid["status"], paid["transaction_id"], paid["h5_url"]) == ("paid", number, None)
    path = f"/v1/collections/{paid['collection_id']}"
    assert (await town.client().get(path, params={"pool": POOL})).json()["method"] == "mweb"


async def test_a_payer_scans_a_code(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill, **NATIVE)
    assert order["code_url"].startswith("weixin://wxpay/")
    assert (order["invocation"], order["h5_url"], order["expires_at"]) == (None, None, "2021-12-05T02:30:00Z")
    await town.pay(order)
    paid = await town.read(order)
    assert (paid["status"], paid["code_url"]) == ("paid", None)
    assert await town.outcomes() == [("settled", None)]


async def test_an_h5_order_that_nobody_pays_is_over_after_five_minutes(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill, **H5)
    town.suite.set_clock("2021-12-05 10:05:20")
    await town.tick()
    assert (await town.read(order))["status"] == "open"  # a payment begun in time may end a little later
    town.suite.set_clock("2021-12-05 10:05:31")
    await town.tick()
    assert (await town.read(order))["status"] == "expired"
    assert town.hall.books.orders[order["order_no"]].state == "CLOSED"


async def test_another_product_for_the_same_bill_closes_the_order_before(town: WechatTown, bill: IssuedBill) -> None:
    first = await town.ordered(bill)
    second = await town.ordered(bill, **NATIVE)
    assert (await town.read(first))["status"] == "closed"
    assert (await town.read(second))["status"] == "open"


async def test_a_time_out_of_a_code_is_asked_about_and_the_same_code_comes_again(
    town: WechatTown, bill: IssuedBill
) -> None:
    town.line.cut("create")
    first = await town.order(bill, key="k1", **NATIVE)
    assert first.status_code == 503
    town.line.mend()
    again = await town.order(bill, key="k1", **NATIVE)
    assert again.status_code == 201
    assert len(town.hall.books.orders) == 1
    assert again.json()["code_url"] == next(iter(town.hall.books.orders.values())).handed_out()["code_url"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"product": "jsapi", "openid": None},
        {"product": "native"},
        {"product": "h5"},
        {**H5, "device": None},
        {**H5, "client_ip": None},
        {**H5, "client_ip": "here"},
        {**H5, "device": "Windows"},
        {**NATIVE, "client_ip": "203.0.113.7", "device": "Wap"},
        {"product": "app"},
    ],
)
async def test_an_order_names_what_its_product_needs_and_nothing_else(
    town: WechatTown, bill: IssuedBill, wrong: dict[str, Any]
) -> None:
    answer = await town.order(bill, **wrong)
    assert answer.status_code == 422, answer.text
    assert await town.rows("select 1 from channel_order") == []


async def test_a_payer_of_another_application_orders_under_its_appid(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill, appid=APPIDS[1])
    assert order["invocation"]["appId"] == APPIDS[1]
    assert town.hall.books.orders[order["order_no"]].body["appid"] == APPIDS[1]
    await town.pay(order)
    assert await town.outcomes() == [("settled", None)]


async def test_an_application_that_is_not_ours_is_refused_by_name(town: WechatTown, bill: IssuedBill) -> None:
    answer = await town.order(bill, appid="wx0000000000000000")
    assert (answer.status_code, answer.json()["code"]) == (409, "appid_not_ours")
    assert await town.rows("select 1 from channel_order") == []


# --- where notifications may come from --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caller", "forwarded", "status"),
    [
        ("101.226.103.7", None, 204),
        ("198.51.100.1", None, 403),
        ("198.51.100.1", "101.226.103.7", 403),  # nobody of ours has written that down
        ("10.0.0.1", "101.226.103.7", 204),
        ("10.0.0.1", "198.51.100.1, 101.226.103.7", 204),
        ("10.0.0.1", "101.226.103.7, 198.51.100.1", 403),  # the caller itself has put the first one there
        ("10.0.0.1", "101.226.103.7, 10.0.0.2", 204),  # two gateways
        ("10.0.0.1", "somewhere", 403),
        ("10.0.0.1", None, 403),
    ],
)
async def test_notifications_come_from_the_addresses_of_the_setting(
    town: WechatTown,
    wechat_keys: Path,
    monkeypatch: pytest.MonkeyPatch,
    caller: str,
    forwarded: str | None,
    status: int,
) -> None:
    more: dict[str, Any] = {"notify_sources": ["101.226.103.0/25"], "trusted_proxies": ["10.0.0.0/24"]}
    monkeypatch.setenv("PAYMENTS_WECHAT", settings_of(wechat_keys, address="http://wechat", **more))
    app = town.suite.make_app("payments")
    body = town.hall.post.write("", "NOTHING.NEW", {}, at=town.suite.clock.now())
    headers = town.hall.keys.headers(body, PUBLIC_KEY_ID)
    headers |= {"X-Forwarded-For": forwarded} if forwarded else {}
    transport = httpx.ASGITransport(app, client=(caller, 40000))
    async with httpx.AsyncClient(transport=transport, base_url="http://payments") as client:
        answer = await client.post(NOTIFICATIONS, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert await town.rows("select kind, verdict from channel_message") == (
        [{"kind": "NOTHING.NEW", "verdict": "kind_unknown"}] if status == 204 else []
    )
    await close_app(app)
