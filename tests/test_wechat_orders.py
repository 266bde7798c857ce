"""Orders with WeChat Pay: one credit per payment and one winner per bill, whatever comes twice, late or not at all."""

import asyncio
import json
from collections import Counter as Tally
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from deploy.local.simulators.wechat_wire import APPID, MCHID, PUBLIC_KEY_ID, Keys, settings_of
from services.payments import usecases
from services.payments.clients import Done, Refused, Unknown, WechatClient
from services.payments.formats.wechat_bill import read_trade_bill
from services.payments.rules.orders import Word
from services.payments.schemas.wechat import WechatAmount, WechatTransaction
from services.payments.settings import WechatSettings
from services.payments.usecases import concluding
from services.payments.usecases.cashier import Said
from services.payments.usecases.wechat import came_by
from shared.clock import SHANGHAI
from shared.database import assert_no_transaction
from shared.ids import new_id
from shared.metrics import CHANNEL_MESSAGES
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills
from tests.suite import InProcessSuite, close_app
from tests.wechat_town import WechatTown


@pytest.fixture(scope="module")
def wechat_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys of both sides, made once: RSA keys take their time."""
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


# --- the main line ----------------------------------------------------------------------------------------------------


@pytest.mark.rule("S004-19")
async def test_a_payer_orders_pays_and_gets_a_receipt(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill, place="140522108", payer_id=str(new_id()))
    assert order["order_no"].startswith(POOL)
    assert len(order["order_no"]) == 32
    assert order["expires_at"] == "2021-12-05T02:30:00Z"
    known = town.hall.books.orders[order["order_no"]]
    assert order["invocation"]["package"] == f"prepay_id={known.prepay_id}"
    assert (order["invocation"]["appId"], order["invocation"]["signType"]) == (APPID, "RSA")
    assert known.body["notify_url"] == "http://payments/v1/channels/wechat/notifications"
    assert known.body["attach"] == f"bill={bill.bill_no}"
    number = await town.pay(order)
    paid = await town.read(order)
    assert (paid["status"], paid["transaction_id"], paid["invocation"]) == ("paid", number, None)
    path = f"/v1/collections/{paid['collection_id']}"
    money = (await town.client().get(path, params={"pool": POOL})).json()
    [submission] = await town.rows("select message from submission")
    assert submission["message"]["bank_type"] == "OTHERS"  # all that WeChat said, not only what we read
    assert (money["outcome"], money["channel"], money["method"]) == ("settled", "wechat", "jsapi")
    assert money["receipt_no"] == f"WX{POOL}-00000001"
    assert money["paid_at"] == "2021-12-05T02:00:00Z"
    accounts = (await town.client().get("/v1/accounts", params={"pool": POOL})).json()["items"]
    assert {item["account"]: item["balance_fen"] for item in accounts}["held/wechat"] == 32000


@pytest.mark.rule("S004-27", "S004-28")
async def test_a_payer_sees_what_they_paid_and_a_person_what_came_by_any_channel(town: WechatTown) -> None:
    one, two = await issue_bills(town.suite, [32000, 32000])
    payer = str(new_id())
    await town.pay(await town.ordered(one, place="140522108", payer_id=payer))
    await (await Counter.open(town.suite)).take([two])

    async def shown(**by: str) -> list[tuple[str, str]]:
        answer = await town.client().get("/v1/collections", params={"pool": POOL, **by})
        return [(item["bill_no"], item["channel"]) for item in answer.json()["items"]]

    assert await shown(payer_id=payer) == [(one.bill_no, "wechat")]
    assert await shown(payer_id=str(new_id())) == []
    assert await shown(person_id=str(one.person_id)) == [(one.bill_no, "wechat")]
    assert await shown(person_id=str(two.person_id)) == [(two.bill_no, "counter")]


async def test_both_key_modes_are_believed_at_once(town: WechatTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 6)
    await town.control("faults", key_mode="mixed")
    for issued in bills:
        await town.pay(await town.ordered(issued))
    serials = await town.rows("select distinct headers->>'wechatpay-serial' as serial from channel_message")
    assert {row["serial"] for row in serials} == {PUBLIC_KEY_ID, town.hall.keys.certificate_serial}
    assert (await town.summary())["collected"]["by_channel"]["wechat"] == {"count": 6, "amount_fen": 192000}


async def test_answers_signed_with_a_certificate_are_believed_too(wechat_keys: Path, town: WechatTown) -> None:
    settings = json.loads(settings_of(wechat_keys, address="http://wechat"))
    del settings["platform_keys"][PUBLIC_KEY_ID]
    client = WechatClient(WechatSettings(**settings), town.line)
    await town.control("faults", key_mode="certificate")
    assert await client.query_order("140522NOSUCHORDER") == Refused("ORDERNOTEXIST", "")
    await town.control("faults", key_mode="public_key")  # a key that this client does not know
    assert isinstance(await client.query_order("140522NOSUCHORDER"), Unknown)
    await client.close()


async def test_the_same_key_gets_the_same_order(town: WechatTown, bill: IssuedBill) -> None:
    first = await town.order(bill, key="k1")
    again = await town.order(bill, key="k1")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert town.line.calls == ["create"]
    other = await town.order(bill, key="k1", openid="another")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


# --- what is refused while the payer still holds the money ------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "place", "state", "codes", "rules"),
    [
        ("2021-08-31 23:59:59", None, "open", ["outside_window"], ["S004-06", "S004-08"]),
        ("2021-09-26 00:00:00", None, "open", ["closed_day"], ["S004-07"]),
        ("2021-12-26 00:00:00", None, "open", ["outside_window"], ["S004-06", "S004-08"]),
        ("2021-12-05 10:00", None, "paid", ["already_paid"], []),
        ("2021-12-05 10:00", None, "unknown", ["bill_unknown"], []),
        pytest.param(
            "2021-12-05 10:00", "140521", "open", ["wrong_place"], ["S004-20"], marks=pytest.mark.rule("S004-20")
        ),
        pytest.param(
            "2021-12-05 10:00", "140522109", "open", ["wrong_place"], ["S004-20"], marks=pytest.mark.rule("S004-20")
        ),
        pytest.param(
            "2021-12-05 10:00", "140522108201", "open", ["wrong_place"], ["S004-20"], marks=pytest.mark.rule("S004-20")
        ),
        pytest.param(
            "2021-09-26 00:00:00",
            "140521",
            "open",
            ["closed_day", "wrong_place"],
            ["S004-07", "S004-20"],
            marks=pytest.mark.rule("S004-20"),
        ),
    ],
)
async def test_what_would_not_settle_is_not_ordered(
    town: WechatTown, bill: IssuedBill, now: str, place: str | None, state: str, codes: list[str], rules: list[str]
) -> None:
    if state == "paid":
        await (await Counter.open(town.suite)).take([bill], pos="earlier")
    if state == "unknown":
        bill = IssuedBill("1405220000000000000000", bill.person_id, 32000)
    town.suite.set_clock(now)
    answer = await town.order(bill, place=place)
    assert (answer.status_code, answer.json()["code"], answer.json()["rules"]) == (409, "payment_not_taken", rules)
    assert [error["code"] for error in answer.json()["errors"]] == codes
    assert town.line.calls == []


@pytest.mark.rule("S004-20")
@pytest.mark.parametrize("place", ["140522", "140522108", "140522108200"])
async def test_the_right_place_of_insurance_may_be_named_at_any_level(
    town: WechatTown, bill: IssuedBill, place: str
) -> None:
    await town.ordered(bill, place=place)


@pytest.mark.parametrize(
    ("now", "expires"),
    [
        ("2021-12-05 10:00:00", "2021-12-05 10:30:00"),
        ("2021-12-25 23:50:00", "2021-12-25 23:59:59"),  # not into a day on which nothing is taken
        ("2021-09-25 23:31:00", "2021-09-25 23:59:59"),
        ("2021-12-25 23:59:40", "2021-12-26 00:00:40"),  # a channel wants a minute
        ("2021-09-24 23:50:00", "2021-09-25 00:20:00"),
    ],
)
async def test_an_order_ends_with_the_open_days(town: WechatTown, bill: IssuedBill, now: str, expires: str) -> None:
    town.suite.set_clock(now)
    order = await town.ordered(bill)
    at = datetime.fromisoformat(order["expires_at"]).astimezone(SHANGHAI)
    assert f"{at:%Y-%m-%d %H:%M:%S}" == expires


async def test_a_token_of_another_area_orders_nothing(town: WechatTown, bill: IssuedBill) -> None:
    body = {"pool": POOL, "bill_no": bill.bill_no, "channel": "wechat", "openid": "o", "payer_name": "王"}
    client = town.client(area="140522109")
    assert (await client.post("/v1/orders", json=body, headers={"Idempotency-Key": "a"})).status_code == 403
    order = await town.ordered(bill)
    path = f"/v1/orders/{order['order_no']}"
    assert (await client.get(path, params={"pool": POOL})).status_code == 403
    assert (await client.get(f"{path[:-1]}_", params={"pool": POOL})).json()["code"] == "order_unknown"


async def test_without_a_merchant_number_wechat_is_not_offered(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAYMENTS_WECHAT", raising=False)
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    body = {"pool": POOL, "bill_no": f"{POOL}A", "channel": "wechat", "openid": "o", "payer_name": "王"}
    client = suite.client("payments", "payments:write")
    answer = await client.post("/v1/orders", json=body, headers={"Idempotency-Key": "a"})
    assert (answer.status_code, answer.json()["code"]) == (409, "channel_not_offered")
    assert (await client.post("/v1/channels/wechat/notifications", content=b"{}")).status_code == 401
    await suite.close()


# --- notifications ----------------------------------------------------------------------------------------------------


@pytest.mark.channel("wechat: duplicates")
@pytest.mark.lesson("same callback 100 times")
async def test_the_same_notice_a_hundred_times_reordered_and_two_for_no_order_are_one_credit(
    town: WechatTown, bill: IssuedBill
) -> None:
    order = await town.ordered(bill)
    [stranger] = await issue_bills(town.suite, [32000])
    other = await town.ordered(stranger)
    await town.control("faults", duplicate=99, reorder=True)
    number = await town.pay(order, deliver=False)
    await town.control("faults")
    await town.pay(other, deliver=False, faults=["unknown_order", "duplicate"])
    assert set(await town.deliver(200)) == {204}
    messages = await town.rows("select status, verdict, reference from channel_message order by verdict")
    assert [(row["status"], row["verdict"]) for row in messages] == [
        ("applied", "booked"),
        ("applied", "order_unknown"),
    ]
    assert await town.rows("select reference from submission where bill_no = :no", no=bill.bill_no) == [
        {"reference": number}
    ]
    assert Tally(await town.outcomes()) == {("settled", None): 1, ("suspense", "bill_unknown"): 1}
    # The money that came for no order of ours is the other payer's: asked about, the order shows it.
    await town.tick()
    assert (await town.read(other))["status"] == "paid"
    assert (await town.summary())["collected"]["count"] == 2


async def test_a_notice_at_once_from_many_workers_is_booked_once(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    second = town.suite.make_app("payments")
    await town.pay(order, deliver=False)
    [letter] = town.hall.post.letters
    apps = [town.suite.apps["payments"], second] * 10
    answers = await asyncio.gather(
        *(
            town.suite.client("payments", app=app).post(
                letter.url, content=letter.body, headers=town.hall.keys.headers(letter.body, PUBLIC_KEY_ID)
            )
            for app in apps
        )
    )
    assert {answer.status_code for answer in answers} == {204}
    assert await town.outcomes() == [("settled", None)]
    await close_app(second)


@pytest.mark.channel("wechat: schedule")
async def test_a_notice_that_is_not_accepted_is_repeated(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    payments, away = town.suite.apps["payments"], FastAPI()
    town.suite.apps["payments"] = away  # answers 404 to everything
    await town.pay(order, deliver=False)
    assert await town.deliver(rounds=3) == [404, 404, 404]
    town.suite.apps["payments"] = payments
    assert await town.deliver() == [204]
    assert (await town.read(order))["status"] == "paid"


@pytest.mark.channel("wechat: probes", "wechat: old timestamp", "wechat: wrong serial")
@pytest.mark.parametrize(
    ("kind", "why"), [("signtest", "probe"), ("old", "stale"), ("serial", "serial"), ("tampered", "signature")]
)
async def test_what_wechat_has_not_just_signed_is_refused_and_books_nothing(
    town: WechatTown, bill: IssuedBill, kind: str, why: str
) -> None:
    await town.ordered(bill)
    assert (await town.control("probe", kind=kind))["status"] == 401
    assert await town.rows("select 1 from channel_message") == []
    assert await town.outcomes() == []
    answer = await town.notify(b"{}", town.hall.keys.headers(b"{}", PUBLIC_KEY_ID, flaw="signtest"))
    assert (answer.status_code, answer.json()["code"]) == (401, "FAIL")
    counted = CHANNEL_MESSAGES.labels("wechat", f"not_genuine_{why}")._value.get()
    assert counted > 0


async def test_a_genuine_notice_that_cannot_be_read_is_kept_and_asked_for_again(town: WechatTown) -> None:
    body = b'{"id":"EV-1","event_type":"TRANSACTION.SUCCESS","resource":{}}'
    answer = await town.notify(body, town.hall.keys.headers(body, PUBLIC_KEY_ID))
    assert (answer.status_code, answer.json()["code"]) == (500, "FAIL")
    [kept] = await town.rows("select pool, status, body from channel_message")
    assert (kept["pool"], kept["status"], bytes(kept["body"])) == ("000000", "unreadable", body)
    broken = await town.suite.invariants_broken()
    assert [item["name"] for item in broken["payments"]] == ["channel_message_is_judged"]
    async with town.service.database.writing() as tx:
        await tx.execute("delete from channel_message")


async def test_a_body_that_is_too_large_is_not_read(town: WechatTown) -> None:
    assert (await town.notify(b"x" * 70_000, {})).status_code == 413


@pytest.mark.parametrize(
    ("fault", "verdict", "booked"),
    [
        ("empty_about", "booked", ("settled", None)),
        ("wrong_amount", "amount_differs", ("suspense", "amount_differs")),
        ("wrong_appid", "appid_differs", ("suspense", "bill_unknown")),
        ("unknown_order", "order_unknown", ("suspense", "bill_unknown")),
        ("wrong_mchid", "mchid_differs", None),
    ],
)
async def test_money_that_has_come_is_booked_whatever_else_is_wrong(
    town: WechatTown, bill: IssuedBill, fault: str, verdict: str, booked: tuple[str, str | None] | None
) -> None:
    await town.pay(await town.ordered(bill), faults=[fault])
    [message] = await town.rows("select status, verdict from channel_message")
    assert message == {"status": "applied" if booked else "kept", "verdict": verdict}
    assert await town.outcomes() == ([booked] if booked else [])


@pytest.mark.lesson("killed after its 2xx")
async def test_a_process_that_dies_after_storing_a_notice_leaves_it_to_the_job(
    town: WechatTown, bill: IssuedBill, monkeypatch: pytest.MonkeyPatch
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
    await town.tick()
    assert (await town.read(order))["status"] == "paid"
    assert await town.outcomes() == [("settled", None)]


# --- unknown is not failed --------------------------------------------------------------------------------------------


@pytest.mark.channel("wechat: paid, then time-out")
async def test_a_time_out_is_asked_about_and_found_to_be_paid(town: WechatTown, bill: IssuedBill) -> None:
    town.line.cut("create", "query")
    answer = await town.order(bill, key="k1")
    assert (answer.status_code, answer.json()["code"]) == (503, "upstream_unavailable")
    assert town.line.calls == ["create", "query", "query", "query"]
    [row] = await town.rows("select order_no, status from channel_order")
    assert row["status"] == "created"
    town.line.mend()
    await town.pay(row, faults=["lost"])
    await town.tick()
    assert (await town.read(row))["status"] == "paid"
    assert await town.outcomes() == [("settled", None)]
    again = await town.order(bill, key="k1")
    assert (again.status_code, again.json()["status"]) == (201, "paid")
    assert town.line.calls.count("create") == 1


@pytest.mark.lesson("database dies before the commit")
async def test_a_process_that_dies_after_the_call_does_not_order_again_without_asking(
    town: WechatTown, bill: IssuedBill
) -> None:
    town.line.kill("create")
    assert (await town.order(bill, key="k1")).status_code == 500
    assert len(town.hall.books.orders) == 1
    town.line.mend()
    answer = await town.order(bill, key="k1")
    assert (answer.status_code, answer.json()["status"]) == (201, "open")
    assert town.line.calls == ["create", "query", "create"]
    [known] = town.hall.books.orders.values()
    assert answer.json()["invocation"]["package"] == f"prepay_id={known.prepay_id}"


async def test_a_process_that_dies_before_the_call_leaves_an_order_that_fails(
    town: WechatTown, bill: IssuedBill
) -> None:
    def die(_: httpx.Request) -> None:
        raise RuntimeError("the process was killed")

    town.line.before = die
    assert (await town.order(bill, key="k1")).status_code == 500
    town.line.mend()
    await town.tick()
    [row] = await town.rows("select status, reason from channel_order")
    assert row == {"status": "failed", "reason": "unknown_to_channel"}
    answer = await town.order(bill, key="k1")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_opened")
    await town.ordered(bill)


@pytest.mark.channel("wechat: failure, then success")
async def test_wechats_own_failure_is_asked_about_at_once(town: WechatTown, bill: IssuedBill) -> None:
    await town.control("faults", system_error=1)
    await town.ordered(bill)
    assert town.line.calls == ["create", "query", "create"]


async def test_an_order_that_was_taken_without_an_answer_is_opened_by_asking(
    town: WechatTown, bill: IssuedBill
) -> None:
    await town.control("faults", timeout_after_accept=1)
    await town.ordered(bill)
    assert town.line.calls == ["create", "query", "create"]
    assert len(town.hall.books.orders) == 1


async def test_a_refused_order_fails_with_the_channels_reason(town: WechatTown, bill: IssuedBill) -> None:
    town.hall.clock = _Ahead()  # for WeChat the order's time has run out
    answer = await town.order(bill, key="k1")
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_opened")
    assert "PARAMERROR" in answer.json()["detail"]
    assert (await town.order(bill, key="k1")).json() == answer.json()


class _Ahead:
    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=SHANGHAI)


async def test_an_answer_that_nobody_signed_means_nothing(
    town: WechatTown, bill: IssuedBill, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await town.ordered(bill)
    assert town.service.wechat is not None
    monkeypatch.setattr(town.hall.keys, "headers", lambda *_, **__: {})
    assert isinstance(await town.service.wechat.query_order(order["order_no"]), Unknown)
    assert isinstance(await town.service.wechat.close_order(order["order_no"]), Unknown)


async def test_an_old_answer_means_nothing(town: WechatTown, bill: IssuedBill, wechat_keys: Path) -> None:
    order = await town.ordered(bill)
    settings = WechatSettings(**json.loads(settings_of(wechat_keys, address="http://wechat")))
    late = WechatClient(settings, town.line, wall=lambda: datetime.now(SHANGHAI).timestamp() + 290)
    assert isinstance(await late.query_order(order["order_no"]), Done)
    later = WechatClient(settings, town.line, wall=lambda: datetime.now(SHANGHAI).timestamp() + 320)
    assert isinstance(await later.query_order(order["order_no"]), Unknown)
    await late.close()
    await later.close()


# --- closing, expiring, and who is late ------------------------------------------------------------------------------


async def test_a_payer_closes_an_order_and_it_cannot_be_paid(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    stale = await town.close({**order, "version": 1})
    assert stale.status_code == 412
    answer = await town.close(order, key="c1")
    assert (answer.status_code, answer.json()["status"]) == (200, "closed")
    again = await town.close(order, key="c1")
    assert (again.headers["Idempotency-Replayed"], again.json()) == ("true", answer.json())
    ended = await town.close(answer.json())
    assert (ended.status_code, ended.json()["code"]) == (409, "order_ended")
    assert town.hall.books.orders[order["order_no"]].state == "CLOSED"


@pytest.mark.channel("wechat: paid after close")
@pytest.mark.lesson("late success")
async def test_a_success_after_closing_is_booked(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    await town.control("faults", late_success_after_close=1)
    assert (await town.close(order)).json()["status"] == "closed"
    assert await town.deliver() == [204]
    assert (await town.read(order))["status"] == "paid"
    assert await town.outcomes() == [("settled", None)]


@pytest.mark.lesson("late success")
@pytest.mark.parametrize(
    ("opened", "word", "over", "after"),
    [
        (False, Word.ENDED, False, "closed"),
        (False, Word.ENDED, True, "expired"),
        (False, Word.ABSENT, False, "failed"),
        (True, Word.ENDED, False, "closed"),
        (True, Word.ABSENT, True, "expired"),
    ],
)
async def test_money_comes_after_whatever_end_the_channel_told(
    town: WechatTown, bill: IssuedBill, opened: bool, word: Word, over: bool, after: str
) -> None:
    if not opened:
        town.line.cut("create", "query")
    await town.order(bill)
    town.line.mend()
    [row] = await town.rows("select * from channel_order")
    assert row["status"] == ("open" if opened else "created")
    ended = await concluding.record(town.service, row, Said(word), over=over)
    assert ended["status"] == after
    paid = WechatTransaction(
        mchid=MCHID,
        appid=APPID,
        out_trade_no=row["order_no"],
        trade_state="SUCCESS",
        transaction_id="4200001234",
        success_time=town.suite.clock.now(),
        amount=WechatAmount(total=32000),
    )
    said = Said(Word.PAID, came_by(POOL, row, paid))
    assert {(await concluding.record(town.service, ended, said))["status"] for _ in range(2)} == {"paid"}
    assert await town.outcomes() == [("settled", None)]


@pytest.mark.lesson("late success")
async def test_a_late_success_of_a_bill_that_was_paid_elsewhere_is_surplus(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    await (await Counter.open(town.suite)).take([bill], pos="s1")
    await town.control("faults", late_success_after_close=1)
    await town.tick()
    closed = await town.read(order)
    assert (closed["status"], closed["reason"]) == ("closed", "already_paid")
    await town.deliver()
    assert (await town.read(order))["status"] == "paid"
    assert await town.outcomes() == [("settled", None), ("surplus", "already_paid")]
    events = await town.rows("select type from event where type = 'collection.surplus'")
    assert len(events) == 1


async def test_a_payer_who_was_quicker_than_closing_has_paid(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    await town.pay(order, faults=["lost"])
    answer = await town.close(order)
    assert (answer.status_code, answer.json()["status"]) == (200, "paid")
    assert town.line.calls[-2:] == ["close", "query"]
    assert await town.outcomes() == [("settled", None)]


async def test_an_order_that_is_being_paid_is_closed_later(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    await town.control("faults", user_paying=1)
    assert (await town.close(order)).json()["status"] == "closing"
    await town.tick()
    assert (await town.read(order))["status"] == "closed"


async def test_an_order_that_nobody_pays_expires(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    await town.tick()
    assert (await town.read(order))["status"] == "open"
    town.suite.set_clock("2021-12-05 10:30:20")
    await town.tick()
    assert (await town.read(order))["status"] == "open"  # a payment begun in time may end a little later
    town.suite.set_clock("2021-12-05 10:30:31")
    await town.tick()
    expired = await town.read(order)
    assert (expired["status"], expired["invocation"]) == ("expired", None)
    assert town.hall.books.orders[order["order_no"]].state == "CLOSED"
    await town.pay(order, faults=["late"])
    assert (await town.read(order))["status"] == "paid"


async def test_where_business_time_stands_still_an_order_ends_by_wall_time(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    async with town.service.database.writing() as tx:
        await tx.execute("update channel_order set entered_at = now() - interval '31 minutes'")
    await town.tick()
    assert (await town.read(order))["status"] == "expired"


async def test_questions_become_rarer(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    pauses = []
    for _ in range(9):
        await town.tick()
        [row] = await town.rows("select extract(epoch from ask_at - now()) as pause from channel_order")
        pauses.append(round(float(row["pause"])))
    assert pauses == [4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert not await usecases.ask_orders(town.service)
    assert order["status"] == "open"


@pytest.mark.lesson("open states have limits")
async def test_an_order_that_stands_too_long_raises_an_alarm(town: WechatTown, bill: IssuedBill) -> None:
    await town.ordered(bill)
    async with town.service.database.writing() as tx:
        await tx.execute("update channel_order set entered_at = now() - interval '4 hours'")
    broken = await town.suite.invariants_broken()
    assert [item["name"] for item in broken["payments"]] == ["order_comes_to_its_end"]
    await town.tick()


# --- one bill, many channels, one winner ------------------------------------------------------------------------------


async def test_another_payers_order_is_closed_before_a_new_one_is_placed(town: WechatTown, bill: IssuedBill) -> None:
    first = await town.ordered(bill)
    second = await town.ordered(bill, openid="another")
    assert town.line.calls == ["create", "close", "create"]
    closed = await town.read(first)
    assert (closed["status"], closed["reason"]) == ("closed", "superseded")
    await town.pay(second)
    assert await town.outcomes() == [("settled", None)]


async def test_where_the_other_order_turns_out_to_be_paid_no_new_one_is_placed(
    town: WechatTown, bill: IssuedBill
) -> None:
    first = await town.ordered(bill)
    await town.pay(first, faults=["lost"])
    answer = await town.order(bill, openid="another", key="k2")
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_not_taken")
    assert [error["code"] for error in answer.json()["errors"]] == ["already_paid"]
    assert (await town.order(bill, openid="another", key="k2")).json() == answer.json()
    assert (await town.read(first))["status"] == "paid"
    assert town.line.calls.count("create") == 1


async def test_while_the_other_order_is_being_paid_the_new_one_waits(town: WechatTown, bill: IssuedBill) -> None:
    await town.ordered(bill)
    await town.control("faults", user_paying=1)
    waiting = await town.order(bill, openid="another", key="k2")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "bill_being_paid")
    assert town.line.calls.count("create") == 1
    answer = await town.order(bill, openid="another", key="k2")
    assert (answer.status_code, answer.json()["status"]) == (201, "open")


async def test_many_orders_for_a_bill_at_once_leave_one_that_can_be_paid(town: WechatTown, bill: IssuedBill) -> None:
    second = town.suite.make_app("payments")
    apps = [town.suite.apps["payments"], second]
    answers = await asyncio.gather(
        *(town.order(bill, openid=f"payer{number}", app=apps[number % 2]) for number in range(6))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    await town.tick()
    payable = [order for order in town.hall.books.orders.values() if order.state == "NOTPAY"]
    live = await town.rows("select order_no from channel_order where status = 'open'")
    assert [order.out_trade_no for order in payable] == [row["order_no"] for row in live]
    assert len(live) == 1
    await close_app(second)


async def test_two_channels_at_once_have_one_winner(town: WechatTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 10)
    orders = [await town.ordered(bill) for bill in bills]
    counter = await Counter.open(town.suite)
    for order in orders:
        await town.pay(order, deliver=False)
    await asyncio.gather(*(counter.take([bill], pos=f"r{at}") for at, bill in enumerate(bills)), town.deliver())
    rows = await town.rows("select bill_no, outcome, count(*) as count from collection group by 1, 2")
    assert {(row["bill_no"], row["outcome"], row["count"]) for row in rows} == {
        (bill.bill_no, outcome, 1) for bill in bills for outcome in ("settled", "surplus")
    }
    assert (await town.summary())["receipts"] == {"issued": 20, "voided": 0, "gaps": 0, "duplicates": 0}


async def test_an_order_of_a_bill_that_a_card_has_paid_is_closed_by_a_job(town: WechatTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    await (await Counter.open(town.suite)).take([bill], pos="s1")
    assert await usecases.close_superseded_orders(town.service)
    assert (await town.read(order))["status"] == "closing"
    assert await usecases.ask_orders(town.service)
    assert (await town.read(order))["status"] == "closed"
    assert not await usecases.close_superseded_orders(town.service)


# --- the rest of the client -------------------------------------------------------------------------------------------


async def test_an_order_whose_bill_is_paid_while_the_channel_takes_it_is_not_handed_out(
    town: WechatTown, bill: IssuedBill
) -> None:
    counter = await Counter.open(town.suite)

    async def pay_by_card(request: httpx.Request) -> None:
        if request.url.path.endswith("/jsapi"):
            assert (await counter.take([bill], pos="s1")).status_code == 201
            await town.tick()

    town.line.after = pay_by_card
    answer = await town.order(bill, key="k1")
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_not_taken")
    assert [error["code"] for error in answer.json()["errors"]] == ["already_paid"]
    assert [order.state for order in town.hall.books.orders.values()] == ["CLOSED"]
    assert (await town.order(bill, key="k1")).json() == answer.json()


async def test_no_call_is_made_inside_a_transaction(town: WechatTown) -> None:
    assert town.service.wechat is not None
    async with town.service.database.reading():
        with pytest.raises(RuntimeError, match="inside a database transaction"):
            await town.service.wechat.query_order("140522A")
    assert_no_transaction()


async def test_a_refund_is_accepted_then_told(town: WechatTown, bill: IssuedBill) -> None:
    assert town.service.wechat is not None
    number = await town.pay(await town.ordered(bill))
    out_refund_no = f"{POOL}{new_id().hex}"
    first = await town.service.wechat.refund(out_refund_no, number, 4000, 32000, "重复缴费")
    again = await town.service.wechat.refund(out_refund_no, number, 4000, 32000, "重复缴费")
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert (first.value.status, again.value.status) == ("PROCESSING", "SUCCESS")
    assert len(town.hall.books.refunds) == 1
    other = await town.service.wechat.refund(out_refund_no, number, 5000, 32000, "重复缴费")
    assert isinstance(other, Refused)
    assert other.code == "INVALIDREQUEST"
    asked = await town.service.wechat.query_refund(out_refund_no)
    assert isinstance(asked, Done)
    assert (asked.value.status, asked.value.out_refund_no) == ("SUCCESS", out_refund_no)
    assert await town.service.wechat.query_refund("140522NONE") == Refused("RESOURCENOTEXISTS", "")
    # Nobody here has ordered it, so the message is kept and nothing else happens.
    assert await town.deliver() == [204]
    [message] = await town.rows("select status, verdict from channel_message where kind like 'REFUND.%'")
    assert message == {"status": "kept", "verdict": "refund_unknown"}


@pytest.mark.parametrize("told", ["by notification", "by asking"])
async def test_a_surplus_goes_back_through_wechat_and_is_settled_once(
    town: WechatTown, bill: IssuedBill, told: str
) -> None:
    order = await town.ordered(bill)
    await (await Counter.open(town.suite)).take([bill], pos="s1")
    await town.pay(order)
    collection_id = (await town.read(order))["collection_id"]
    await town.control("faults", refund="ABNORMAL")
    refund = {
        "pool": POOL,
        "refund_id": str(new_id()),
        "application_id": str(new_id()),
        "collection_id": collection_id,
        "method": "wechat",
        "amount_fen": 32000,
        "paid_to": "王小明",
        "paid_by": "clerk-zhao",
    }
    asked = await town.client("payments:pay").post("/v1/refunds", json=refund, headers={"Idempotency-Key": "r1"})
    assert asked.status_code == 201, asked.text

    async def state() -> str:
        [row] = await town.rows("select state from refund")
        found: str = row["state"]
        return found

    assert await usecases.ask_refunds(town.service)
    assert await state() == "processing"  # accepted is not paid
    await town.deliver()
    assert await state() == "abnormal"
    [known] = town.hall.books.refunds.values()
    await town.control("refunds", out_refund_no=known.out_refund_no, status="SUCCESS")
    if told == "by asking":
        town.hall.post.letters.clear()
        assert town.service.wechat is not None
        said = await town.service.wechat.query_refund(known.out_refund_no)
        assert isinstance(said, Done)
        async with town.service.database.writing() as tx:
            await usecases.wechat_refund_news(tx, said.value, town.service.clock.now())
    assert set(await town.deliver()) <= {204}
    assert await state() == "settled"
    assert (await town.summary())["refunds"] == {"count": 1, "amount_fen": 32000}
    assert len(town.hall.books.refunds) == 1


async def test_the_bill_of_a_day_is_there_from_the_next_morning(town: WechatTown, bill: IssuedBill) -> None:
    client = town.service.wechat
    assert client is not None
    number = await town.pay(await town.ordered(bill))
    day = date(2021, 12, 5)
    assert await client.trade_bill(day) == Refused("STATEMENTCREATING", "账单正在生成")
    town.suite.set_clock("2021-12-06 10:00")
    found = await client.trade_bill(day)
    assert isinstance(found, Done)
    read = read_trade_bill(found.value)
    assert read.agrees
    assert [(line.transaction_id, line.order_fen) for line in read.lines] == [(number, 32000)]
    assert await client.trade_bill(date(2021, 12, 4)) == Refused("NOSTATEMENTEXIST", "账单不存在")
    await town.control("faults", bill="wrong_hash")
    assert isinstance(await client.trade_bill(day), Unknown)
