"""Orders with UnionPay: one credit per payment, one winner per bill, although nothing can be closed there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from deploy.local.simulators.unionpay_books import CARD
from deploy.local.simulators.unionpay_wire import Keys
from deploy.local.simulators.wechat_wire import Keys as WechatKeys
from services.payments import usecases
from services.payments.usecases.unionpay import message_context
from shared.identity import mask_card
from shared.metrics import CHANNEL_MESSAGES
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills
from tests.suite import InProcessSuite, close_app
from tests.unionpay_town import UnionPayTown


@pytest.fixture(scope="module")
def channel_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of all sides, made once: RSA keys take their time."""
    folder = tmp_path_factory.mktemp("channel-keys")
    Keys(folder)
    WechatKeys(folder)
    return folder


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, channel_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[UnionPayTown]:
    running = UnionPayTown.build(databases, tmp_path / "keys", channel_keys, monkeypatch)
    yield running
    assert await running.suite.invariants_broken() == {}
    await running.suite.close()


@pytest.fixture
async def bill(town: UnionPayTown) -> IssuedBill:
    """A bill of 320 yuan."""
    [issued] = await issue_bills(town.suite, [32000])
    return issued


# --- the main line ----------------------------------------------------------------------------------------------------


@pytest.mark.rule("S004-21")
async def test_a_payer_scans_a_code_pays_and_gets_a_receipt(town: UnionPayTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    assert order["expires_at"] == "2021-12-05T02:15:00Z"
    assert order["code_url"] == f"https://qr.95516.com/00010000/{order['order_no']}"
    [known] = town.trades("01")
    assert known.fields["backUrl"] == "http://payments/v1/channels/unionpay/notifications"
    assert (known.fields["txnSubType"], known.fields["bizType"]) == ("07", "000000")
    assert known.fields["payTimeout"] == "20211205101500"
    number = await town.pay(order)
    paid = await town.read(order)
    assert (paid["status"], paid["transaction_id"], paid["code_url"]) == ("paid", number, None)
    [money] = await town.rows("select * from collection")
    assert (money["outcome"], money["channel"], money["method"]) == ("settled", "bank", "unionpay_native")
    [submission] = await town.rows("select reference, message from submission")
    assert submission["reference"] == f"UNIONPAY/20211205/{number}"
    assert submission["message"]["accNo"] == mask_card(CARD) == "629999*********0034"  # all that UnionPay said
    [message] = await town.rows("select message_id, body, content from channel_message")
    assert message["content"]["accNo"] == mask_card(CARD)
    assert CARD.encode() not in message["body"]
    assert f"accNo={CARD}".encode() in town.service.sealer.open(message["body"], message_context(message["message_id"]))
    client = town.suite.client("payments", "payments:read")
    accounts = (await client.get("/v1/accounts", params={"pool": POOL})).json()["items"]
    assert {item["account"]: item["balance_fen"] for item in accounts}["held/bank/UNIONPAY"] == 32000


async def test_a_payer_at_a_browser_is_sent_there_with_a_signed_form(town: UnionPayTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill, product="h5")
    assert town.line.calls == []
    form = order["form"]
    assert form["action"] == "http://unionpay/gateway/api/frontTransReq.do"
    # The page is shown again, and what the browser sends comes as it is.
    assert (await town.read(order))["form"] == form
    transport = httpx.ASGITransport(town.simulator)
    async with httpx.AsyncClient(transport=transport, base_url="http://unionpay") as browser:
        answer = await browser.post(form["action"], data=form["fields"])
        assert (answer.status_code, answer.headers["location"]) == (303, f"/qr/{order['order_no']}")
        assert "320.00" in (await browser.get(answer.headers["location"])).text
        await browser.post(answer.headers["location"])
    await town.deliver()
    assert (await town.read(order))["status"] == "paid"


@pytest.mark.parametrize(
    "changes",
    [
        {"product": "jsapi"},
        {"openid": "o"},
        {"product": "h5", "client_ip": "203.0.113.7", "device": "Wap"},
        {"product": None},
    ],
)
async def test_what_unionpay_does_not_know_is_refused(
    town: UnionPayTown, bill: IssuedBill, changes: dict[str, Any]
) -> None:
    assert (await town.order(bill, **changes)).status_code == 422


async def test_without_a_merchant_number_unionpay_is_not_offered(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAYMENTS_UNIONPAY", raising=False)
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    body = {"pool": POOL, "bill_no": f"{POOL}A", "channel": "unionpay", "product": "native", "payer_name": "王"}
    client = suite.client("payments", "payments:write")
    answer = await client.post("/v1/orders", json=body, headers={"Idempotency-Key": "a"})
    assert (answer.status_code, answer.json()["code"]) == (409, "channel_not_offered")
    assert (await client.post("/v1/channels/unionpay/notifications", content=b"a=b")).status_code == 401
    await suite.close()


async def test_a_token_of_another_area_orders_nothing(town: UnionPayTown, bill: IssuedBill) -> None:
    body = {"pool": POOL, "bill_no": bill.bill_no, "channel": "unionpay", "product": "native", "payer_name": "王"}
    client = town.suite.client("payments", "payments:write", area="140522109")
    assert (await client.post("/v1/orders", json=body, headers={"Idempotency-Key": "a"})).status_code == 403


@pytest.mark.parametrize(
    ("now", "expires"),
    [("2021-12-25 23:50:00", "20211225235959"), ("2021-12-25 23:59:59", "20211226000059")],
)
async def test_an_order_ends_with_the_open_days(town: UnionPayTown, bill: IssuedBill, now: str, expires: str) -> None:
    town.suite.set_clock(now)
    await town.ordered(bill)
    assert town.trades("01")[0].fields["payTimeout"] == expires


async def test_what_is_paid_in_the_last_second_and_told_the_day_after_settles(
    town: UnionPayTown, bill: IssuedBill
) -> None:
    town.suite.set_clock("2021-12-25 23:55:00")
    order = await town.ordered(bill)
    town.suite.set_clock("2021-12-25 23:59:59")
    await town.pay(order, deliver=False)
    town.suite.set_clock("2021-12-26 00:30:00")
    await town.deliver()
    assert await town.outcomes() == [("settled", None)]
    [submission] = await town.rows("select reference from submission")
    assert submission["reference"].startswith("UNIONPAY/20211226/")  # UnionPay's day ends at 23:00


# --- unknown is not failed --------------------------------------------------------------------------------------------


@pytest.mark.channel("bank: unknown outcome")
@pytest.mark.parametrize("code", ["03", "04", "05"])
async def test_an_unknown_outcome_is_asked_about_and_placed_again_under_the_same_number(
    town: UnionPayTown, bill: IssuedBill, code: str
) -> None:
    await town.control("faults", unknown=[code])
    await town.ordered(bill)
    assert town.line.calls == ["create", "query", "create"]
    assert len(town.trades("01")) == 1


@pytest.mark.channel("bank: unknown outcome")
async def test_a_payment_whose_end_nobody_knows_is_asked_about_until_it_is_known(
    town: UnionPayTown, bill: IssuedBill
) -> None:
    order = await town.ordered(bill)
    await town.pay(order, faults=["unknown"])
    for _ in range(3):
        await town.tick()
        assert (await town.read(order))["status"] == "open"
    await town.pay(order, faults=["lost"])
    await town.control("faults", unknown=["03"])
    await town.tick()  # the question itself has no answer
    assert (await town.read(order))["status"] == "open"
    await town.tick()
    assert (await town.read(order))["status"] == "paid"
    assert await town.outcomes() == [("settled", None)]


@pytest.mark.channel("bank: time-out, then success")
async def test_a_time_out_is_asked_about_and_found_to_be_paid(town: UnionPayTown, bill: IssuedBill) -> None:
    town.line.lost = {"create", "query"}
    answer = await town.order(bill, key="k1")
    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")
    town.line.lost = set()
    [row] = await town.rows("select order_no, status from channel_order")
    await town.pay(row, faults=["lost"])
    await town.tick()
    assert await town.outcomes() == [("settled", None)]
    again = await town.order(bill, key="k1")
    assert (again.status_code, again.json()["status"]) == (201, "paid")
    assert town.line.calls.count("create") == 1


@pytest.mark.channel("bank: order twice")
async def test_a_process_that_dies_after_the_call_orders_once(town: UnionPayTown, bill: IssuedBill) -> None:
    town.line.deadly = {"create"}
    assert (await town.order(bill, key="k1")).status_code == 500
    town.line.deadly = set()
    answer = await town.order(bill, key="k1")
    assert (answer.status_code, answer.json()["status"]) == (201, "open")
    assert len(town.trades("01")) == 1
    assert town.line.calls == ["create", "query", "create"]


async def test_a_refusal_is_told_and_the_bill_is_free(town: UnionPayTown, bill: IssuedBill) -> None:
    await town.control("faults", undone=["31"])
    answer = await town.order(bill)
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_opened")
    await town.ordered(bill)


@pytest.mark.channel("bank: wrong certificate")
@pytest.mark.parametrize("mode", ["name", "issuer", "expired"])
async def test_an_answer_of_somebody_else_is_no_answer(town: UnionPayTown, bill: IssuedBill, mode: str) -> None:
    await town.control("faults", certificate=mode)
    assert (await town.order(bill, key="k1")).status_code == 503
    await town.control("faults")
    assert (await town.order(bill, key="k1")).status_code == 201


async def test_a_genuine_answer_about_another_order_is_no_answer(town: UnionPayTown, bill: IssuedBill) -> None:
    await town.control("faults", another_answer=2)
    assert (await town.order(bill)).status_code == 503


# --- notifications ----------------------------------------------------------------------------------------------------


async def test_the_same_notice_many_times_at_once_is_one_credit(town: UnionPayTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    second = town.suite.make_app("payments")
    await town.pay(order, deliver=False)
    [letter] = town.gateway.letters
    answers = await asyncio.gather(
        *(town.notify(letter.body, app) for app in [town.suite.apps["payments"], second] * 8)
    )
    assert {answer.status_code for answer in answers} == {200}
    await town.tick()
    assert await town.outcomes() == [("settled", None)]
    messages = await town.rows("select channel, status, verdict, reference from channel_message")
    assert messages == [
        {"channel": "unionpay", "status": "applied", "verdict": "booked", "reference": order["order_no"]}
    ]
    await close_app(second)


@pytest.mark.lesson("killed after its 2xx")
async def test_a_process_that_dies_after_storing_a_notice_leaves_it_to_the_job(
    town: UnionPayTown, bill: IssuedBill
) -> None:
    order = await town.ordered(bill)
    async with town.service.database.writing() as tx:
        # Whoever wants to settle waits here until the request is given up.
        await tx.execute("select 1 from bill where pool = :pool for update", pool=POOL)
        notice = asyncio.create_task(town.pay(order))
        while not await town.rows("select 1 from channel_message"):  # noqa: ASYNC110 -- it is the database that knows
            await asyncio.sleep(0.01)
        notice.cancel()
        await asyncio.gather(notice, return_exceptions=True)
    assert await town.outcomes() == []
    async with town.service.database.writing() as tx:
        await tx.execute("update channel_message set entered_at = now() - interval '1 minute'")
    await usecases.apply_messages(town.service)
    assert (await town.read(order))["status"] == "paid"
    assert await town.outcomes() == [("settled", None)]


@pytest.mark.channel("bank: late notice")
async def test_a_notice_that_comes_after_the_answer_changes_nothing(town: UnionPayTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    await town.pay(order, deliver=False, faults=["delay", "duplicate"])
    await town.tick()
    assert (await town.read(order))["status"] == "paid"
    assert await town.deliver() == [200, 200, 200]
    assert await town.outcomes() == [("settled", None)]


@pytest.mark.channel("bank: wrong certificate")
@pytest.mark.parametrize(
    ("mode", "faults", "why"),
    [
        ("name", [], "certificate"),
        ("issuer", [], "certificate"),
        ("expired", [], "certificate"),
        ("", ["tampered"], "signature"),
    ],
)
async def test_a_notice_that_is_not_unionpays_is_refused_and_books_nothing(
    town: UnionPayTown, bill: IssuedBill, mode: str, faults: list[str], why: str
) -> None:
    order = await town.ordered(bill)
    await town.control("faults", certificate=mode)
    await town.pay(order, deliver=False, faults=faults)
    [letter] = town.gateway.letters
    assert (await town.notify(letter.body)).status_code == 401
    assert await town.rows("select 1 from channel_message") == []
    assert await town.outcomes() == []
    assert CHANNEL_MESSAGES.labels("unionpay", f"not_genuine_{why}")._value.get() > 0


@pytest.mark.parametrize("body", [b"", b"{}", b"version=5.1.0&version=5.1.0", b"a=%FF\xff", b"x" * 70_000])
async def test_bytes_that_are_no_notice_are_refused(town: UnionPayTown, body: bytes) -> None:
    assert (await town.notify(body)).status_code in (401, 413)


async def test_a_genuine_notice_that_cannot_be_read_is_kept_and_asked_for_again(town: UnionPayTown) -> None:
    said = {"version": "5.1.0", "signMethod": "01", "txnType": "01", "respCode": "00", "merId": "777290058110097"}
    body = urlencode(town.gateway.keys.signed(said)).encode()
    assert (await town.notify(body)).status_code == 500
    [kept] = await town.rows("select pool, status, message_id, body from channel_message")
    sealed_for = message_context(kept["message_id"])
    assert (kept["pool"], kept["status"]) == ("000000", "unreadable")
    assert town.service.sealer.open(kept["body"], sealed_for) == body
    broken = await town.suite.invariants_broken()
    assert [item["name"] for item in broken["payments"]] == ["channel_message_is_judged"]
    async with town.service.database.writing() as tx:
        await tx.execute("delete from channel_message")


@pytest.mark.parametrize(
    ("fault", "verdict", "booked"),
    [
        ("wrong_amount", "amount_differs", ("suspense", "amount_differs")),
        ("wrong_order", "order_unknown", ("suspense", "bill_unknown")),
        ("wrong_merchant", "mchid_differs", None),
    ],
)
async def test_money_that_has_come_is_booked_whatever_else_is_wrong(
    town: UnionPayTown, bill: IssuedBill, fault: str, verdict: str, booked: tuple[str, str | None] | None
) -> None:
    await town.pay(await town.ordered(bill), faults=[fault])
    [message] = await town.rows("select status, verdict from channel_message")
    assert message == {"status": "applied" if booked else "kept", "verdict": verdict}
    assert await town.outcomes() == ([booked] if booked else [])


# --- one winner -------------------------------------------------------------------------------------------------------


async def test_while_an_order_can_be_paid_there_nobody_else_is_let_to_the_bill(
    town: UnionPayTown, bill: IssuedBill
) -> None:
    first = await town.ordered(bill)
    for answer in (await town.wechat.order(bill), await town.order(bill)):
        assert (answer.status_code, answer.json()["code"]) == (409, "order_stands")
        assert first["order_no"] in answer.json()["detail"]
        assert "2021-12-05T10:15:30+08:00" in answer.json()["detail"]
    # Nor where the payer does not want it any more: the code is still in their hands.
    closed = await town.wechat.close(first)
    assert (closed.status_code, closed.json()["status"]) == (200, "closing")
    assert (await town.wechat.order(bill)).json()["code"] == "order_stands"
    town.suite.set_clock("2021-12-05 10:15:31")
    await town.wechat.ordered(bill)
    assert (await town.read(first))["status"] == "closed"
    assert town.line.calls[-1] == "query"  # it was asked before


async def test_when_its_time_is_over_it_is_asked_about_before_another_is_taken(
    town: UnionPayTown, bill: IssuedBill
) -> None:
    first = await town.ordered(bill)
    await town.pay(first, faults=["lost"])
    town.suite.set_clock("2021-12-05 10:16")
    answer = await town.wechat.order(bill)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "already_paid")
    assert (await town.read(first))["status"] == "paid"
    assert town.wechat.line.calls == []


async def test_an_answer_that_does_not_come_lets_nobody_else_to_the_bill(town: UnionPayTown, bill: IssuedBill) -> None:
    await town.ordered(bill)
    town.suite.set_clock("2021-12-05 10:16")
    town.line.lost = {"query"}
    answer = await town.wechat.order(bill, key="k1")
    assert (answer.status_code, answer.json()["code"]) == (409, "bill_being_paid")
    town.line.lost = set()
    assert (await town.wechat.order(bill, key="k1")).status_code == 201


async def test_an_open_order_with_wechat_is_closed_first(town: UnionPayTown, bill: IssuedBill) -> None:
    first = await town.wechat.ordered(bill)
    second = await town.ordered(bill)
    assert town.wechat.line.calls == ["create", "close"]
    assert (await town.read(first))["status"] == "closed"
    await town.pay(second)
    assert await town.outcomes() == [("settled", None)]


@pytest.mark.lesson("late success")
async def test_who_pays_on_both_channels_has_the_second_payment_back(town: UnionPayTown, bill: IssuedBill) -> None:
    await town.wechat.control("faults", late_success_after_close=1)
    await town.wechat.ordered(bill)
    order = await town.ordered(bill)  # closed at WeChat, and paid there at that very moment
    await town.pay(order)
    await town.wechat.deliver()
    assert await town.outcomes() == [("settled", None), ("surplus", "already_paid")]
    events = await town.rows("select type from event where type = 'collection.surplus'")
    assert len(events) == 1


@pytest.mark.lesson("late success")
async def test_a_code_that_is_scanned_after_a_card_was_charged_is_surplus_and_goes_back(
    town: UnionPayTown, bill: IssuedBill
) -> None:
    order = await town.ordered(bill)
    await (await Counter.open(town.suite)).take([bill], pos="s1")
    await town.tick()
    assert (await town.read(order))["status"] == "closing"  # nobody can close it there
    await town.pay(order)
    assert (await town.read(order))["status"] == "paid"
    assert await town.outcomes() == [("settled", None), ("surplus", "already_paid")]


async def test_an_order_that_nobody_scans_comes_to_its_end(town: UnionPayTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    await town.tick()
    assert (await town.read(order))["status"] == "open"
    town.suite.set_clock("2021-12-05 10:16")
    await town.tick()
    assert (await town.read(order))["status"] == "expired"
    town.suite.set_clock("2021-12-05 10:30")
    await town.pay(order, faults=["late"])
    assert (await town.read(order))["status"] == "paid"


async def test_a_card_that_is_refused_leaves_the_order_to_another_card(town: UnionPayTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    await town.pay(order, faults=["refused"])
    await town.tick()
    assert (await town.read(order))["status"] == "open"
    await town.pay(order)
    assert (await town.read(order))["status"] == "paid"
