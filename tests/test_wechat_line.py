"""The line to WeChat Pay: which address, whose keys, at what pace, and which bytes of a bill are believed."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic, time
from typing import Any

import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from deploy.local.simulators import wechat as simulator
from deploy.local.simulators.wechat_faults import Payment
from deploy.local.simulators.wechat_hall import Hall
from deploy.local.simulators.wechat_wire import APPID, MCHID, PUBLIC_KEY_ID, Keys, settings_of
from services.payments.clients import Done, Outcome, Refused, Unknown, WechatClient
from services.payments.clients.hosts import AWAY_SECONDS, Hosts
from services.payments.clients.pacing import Pace
from services.payments.formats import wechat as wire
from services.payments.formats import wechat_bill as bills
from services.payments.formats.fund_flow import FundFlowReader
from services.payments.formats.genuine import NotGenuine, Unreadable
from services.payments.formats.statements import LineSplitter
from services.payments.rules.orders import Product
from services.payments.rules.reconciling import totals_agree
from services.payments.settings import WechatSettings
from shared.clock import SHANGHAI, SetClock
from tests.wechat_town import Line

NOW = datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)
DAY = NOW.date()
NOTICES = "http://payments/v1/channels/wechat/notifications"
BODY = {
    "appid": APPID,
    "mchid": MCHID,
    "description": "城乡居民基本医疗保险费",
    "time_expire": "2021-12-05T10:30:00+08:00",
    "notify_url": NOTICES,
    "amount": {"total": 32000, "currency": "CNY"},
}


@dataclass
class Desk:
    """A merchant's client and WeChat Pay behind a line."""

    keys: Path
    line: Line
    hall: Hall
    clock: SetClock
    simulator: Any
    ahead: float = 0
    clients: list[WechatClient] = field(default_factory=list)

    def client(self, **changes: Any) -> WechatClient:
        """A client with some other settings."""
        settings = orjson.loads(
            settings_of(self.keys, address="http://main", notify="http://payments", pause_seconds=0)
        )
        made = WechatClient(WechatSettings(**settings | changes), self.line, wall=lambda: time() + self.ahead)
        self.clients.append(made)
        return made

    async def paid(self, client: WechatClient, number: str, at: datetime = NOW) -> str:
        """An order that a payer has paid; WeChat's number of the payment."""
        body = BODY | {"out_trade_no": number, "payer": {"openid": "o1"}}
        assert isinstance(await client.create_order(Product.JSAPI, body), Done)
        told = await self.control("pay", out_trade_no=number, at=at.isoformat(), faults=["late", "lost"])
        transaction_id: str = told["transaction_id"]
        return transaction_id

    async def control(self, path: str, **body: Any) -> dict[str, Any]:
        """Tell WeChat what should happen."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.simulator), base_url="http://main") as client:
            answer = await client.post(f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="module")
def wechat_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wechat-keys")
    Keys(folder)
    return folder


@pytest.fixture
async def desk(wechat_keys: Path) -> AsyncIterator[Desk]:
    clock = SetClock(NOW)
    app = simulator.create_app(keys=wechat_keys, clock=clock, scale=0, answer_seconds=0)
    desk = Desk(wechat_keys, Line(httpx.ASGITransport(app)), app.state.hall, clock, app)
    yield desk
    for client in desk.clients:
        await client.close()


def refuse(*hosts: str) -> Any:
    """A hook: these hosts cannot be reached."""

    def before(request: httpx.Request) -> None:
        if request.url.host in hosts:
            raise httpx.ConnectError("no route", request=request)

    return before


# --- which address ----------------------------------------------------------------------------------------------------


async def test_while_the_main_address_cannot_be_reached_the_backup_takes_the_same_order(desk: Desk) -> None:
    client = desk.client(backup_url="http://backup")
    desk.line.before = refuse("main")
    body = BODY | {"out_trade_no": "140522ORDER1", "payer": {"openid": "o1"}}
    assert isinstance(await client.create_order(Product.JSAPI, body), Done)
    assert list(desk.hall.books.orders) == ["140522ORDER1"]
    assert desk.hall.books.orders["140522ORDER1"].body == body
    assert desk.line.calls == ["create", "create"]
    found = await client.query_order("140522ORDER1")  # the backup comes first now
    assert isinstance(found, Done)
    assert desk.line.calls == ["create", "create", "query"]


@pytest.mark.channel("wechat: paid, then time-out")
async def test_a_call_that_was_sent_is_not_sent_to_the_other_address(desk: Desk) -> None:
    client = desk.client(backup_url="http://backup")
    desk.line.cut("create")
    body = BODY | {"out_trade_no": "140522ORDER1", "payer": {"openid": "o1"}}
    assert isinstance(await client.create_order(Product.JSAPI, body), Unknown)
    assert desk.line.calls == ["create"]
    desk.line.mend()
    assert isinstance(await client.query_order("140522ORDER1"), Done)


async def test_where_neither_address_can_be_reached_nothing_is_known(desk: Desk) -> None:
    client = desk.client(backup_url="http://backup")
    desk.line.before = refuse("main", "backup")
    assert isinstance(await client.query_order("140522ORDER1"), Unknown)
    desk.line.mend()
    assert await client.query_order("140522ORDER1") == Refused("ORDERNOTEXIST", "")


async def test_a_bill_is_fetched_from_the_backup_too(desk: Desk) -> None:
    client = desk.client(backup_url="http://backup")
    await desk.paid(client, "140522ORDER1")
    desk.clock.instant += timedelta(days=1)
    announced: list[str] = []

    def lose_the_main(request: httpx.Request) -> None:
        announced.append(request.url.path)
        if request.url.path == "/v3/billdownload/file":
            refuse("main")(request)

    desk.line.before = lose_the_main
    assert isinstance(await client.trade_bill(DAY), Done)
    assert announced == ["/v3/bill/tradebill", "/v3/billdownload/file", "/v3/billdownload/file"]


def test_an_address_that_failed_is_asked_last_for_a_while() -> None:
    now = 1000.0
    hosts = Hosts("https://one/", "https://two", wall=lambda: now)
    assert list(hosts.in_turn()) == ["https://one", "https://two"]
    hosts.failed("https://one")
    assert list(hosts.in_turn()) == ["https://two", "https://one"]
    hosts.failed("https://two")
    assert list(hosts.in_turn()) == ["https://one", "https://two"]
    now += AWAY_SECONDS
    assert list(hosts.in_turn()) == ["https://one", "https://two"]
    assert list(Hosts("https://one").in_turn()) == ["https://one"]


@pytest.mark.channel("wechat: exact bytes")
async def test_what_was_changed_on_the_way_is_not_taken(desk: Desk) -> None:
    client = desk.client()

    def change(request: httpx.Request) -> None:
        request.stream = httpx.ByteStream(request.content.replace(b"32000", b"00001"))

    desk.line.before = change
    body = BODY | {"out_trade_no": "140522ORDER1", "payer": {"openid": "o1"}}
    assert isinstance(await client.create_order(Product.JSAPI, body), Unknown)
    assert desk.hall.books.orders == {}


async def test_the_log_names_the_channels_request_and_its_error_number(desk: Desk) -> None:
    client = desk.client()
    with capture_logs() as logs:
        await client.query_order("140522ORDER1")
    [call] = [line for line in logs if line["event"] == "channel_call"]
    assert call["channel_error_no"] == "268512771"  # the order does not exist
    assert call["channel_request_id"].endswith("-268512771")
    assert (call["code"], call["status"], call["host"]) == ("ORDERNOTEXIST", 404, "http://main")


# --- whose keys -------------------------------------------------------------------------------------------------------


@pytest.mark.channel("wechat: key modes")
@pytest.mark.parametrize("mode", ["certificate", "public_key", "mixed"])
async def test_answers_in_every_key_mode_are_believed(desk: Desk, mode: str) -> None:
    client = desk.client()
    await desk.control("faults", key_mode=mode)
    for _ in range(3):
        assert await client.query_order("140522ORDER1") == Refused("ORDERNOTEXIST", "")


@pytest.mark.channel("wechat: key modes")
async def test_certificates_are_fetched_where_none_is_known(desk: Desk) -> None:
    client = desk.client(platform_keys={})
    await desk.control("faults", key_mode="certificate")
    assert await client.query_order("140522ORDER1") == Refused("ORDERNOTEXIST", "")
    assert not await client.fetch_certificates()  # they are fresh
    desk.ahead += 60
    serial = (await desk.control("certificates"))["serial_no"]
    body = b'{"id":"EV-1"}'
    await client.verify(desk.hall.keys.headers(body, serial), body)  # a new one is asked for
    with pytest.raises(NotGenuine, match="serial"):
        await client.verify(desk.hall.keys.headers(body, serial, flaw="serial"), body)


async def test_certificates_are_fetched_by_schedule_and_the_keys_of_the_settings_stay(desk: Desk) -> None:
    client = desk.client(certificate_hours=0.02)  # 72 s: within the five minutes of a signature
    assert await client.fetch_certificates()
    desk.ahead += 71
    assert not await client.fetch_certificates()
    desk.ahead += 1
    assert await client.fetch_certificates()
    body = b"{}"
    for serial in (PUBLIC_KEY_ID, desk.hall.keys.certificate_serial):
        await client.verify(desk.hall.keys.headers(body, serial), body)


async def test_who_fetches_no_certificates_asks_for_none(desk: Desk) -> None:
    client = desk.client(certificate_hours=0)
    serial = desk.hall.keys.certificate_serial
    await desk.control("certificates")
    await client.verify(desk.hall.keys.headers(b"", serial), b"")
    with pytest.raises(NotGenuine, match="serial"):
        await client.verify(desk.hall.keys.headers(b"", desk.hall.keys.certificate_serial), b"")
    assert desk.line.calls == []
    with pytest.raises(ValueError, match="platform_keys"):
        desk.client(certificate_hours=0, platform_keys={})


async def test_many_messages_under_a_new_certificate_ask_for_it_once(desk: Desk) -> None:
    client = desk.client(platform_keys={})
    await desk.control("faults", key_mode="certificate")
    serial = desk.hall.keys.certificate_serial
    answers = [client.verify(desk.hall.keys.headers(b"", serial), b"") for _ in range(5)]
    assert await asyncio.gather(*answers) == [None] * 5
    assert len(desk.line.calls) == 1


def test_a_certificate_that_nobody_with_our_key_has_sealed_is_not_taken(wechat_keys: Path) -> None:
    keys = Keys(wechat_keys)
    secret = keys.apiv3_file.read_bytes()
    handed_out = keys.certificates()
    now = datetime.now(SHANGHAI)
    found = wire.open_certificates(secret, orjson.dumps(handed_out), now)
    assert list(found) == [keys.certificate_serial]
    assert wire.open_certificates(secret, orjson.dumps(handed_out), now + timedelta(days=6 * 365)) == {}  # over
    with pytest.raises(Unreadable, match="cannot be opened"):
        wire.open_certificates(b"0" * 32, orjson.dumps(handed_out), now)
    handed_out["data"][0]["serial_no"] = "7" * 40
    with pytest.raises(Unreadable, match="another serial"):
        wire.open_certificates(secret, orjson.dumps(handed_out), now)


@pytest.mark.channel("wechat: signed answers", "wechat: probes", "wechat: old timestamp", "wechat: wrong serial")
@pytest.mark.parametrize("flaw", ["unsigned", "old", "serial", "signtest", "tampered"])
async def test_an_answer_that_wechat_has_not_just_signed_means_nothing(desk: Desk, flaw: str) -> None:
    client = desk.client()
    await desk.control("faults", answers=flaw)
    body = BODY | {"out_trade_no": "140522ORDER1", "payer": {"openid": "o1"}}
    assert isinstance(await client.create_order(Product.JSAPI, body), Unknown)
    await desk.control("faults")
    assert isinstance(await client.query_order("140522ORDER1"), Done)  # it stands there all the same


# --- at what pace -----------------------------------------------------------------------------------------------------


def test_calls_are_let_through_evenly_and_slower_after_one_that_erred() -> None:
    now = 100.0
    pace = Pace(100, 5, wall=lambda: now)
    assert [round(pace.wait(), 6) for _ in range(3)] == [0, 0.01, 0.02]
    pace.heard(erred=True)
    now = 101
    assert [round(pace.wait(), 6) for _ in range(3)] == [0, 0.2, 0.4]
    pace.heard(erred=False)
    now = 102
    assert [round(pace.wait(), 6) for _ in range(3)] == [0, 0.01, 0.02]


@pytest.mark.channel("wechat: rate")
async def test_six_erring_refunds_a_second_and_the_seventh_is_not_looked_at(desk: Desk) -> None:
    client = desk.client(limits={"refunds_erring": 1000})
    paid = await desk.paid(client, "140522ORDER1")
    said: list[Outcome[Any]] = [await client.refund(f"140522R{n}", "4200nosuch", 1, 1, "退费") for n in range(6)]
    assert said == [Refused("RESOURCENOTEXISTS", "")] * 6
    assert await client.refund("140522R7", paid, 1, 32000, "退费") == Unknown("429 FREQUENCYLIMITED")
    slow = desk.client()  # six a second by its own
    for n in range(6):
        assert isinstance(await slow.refund(f"140522S{n}", "4200nosuch", 1, 1, "退费"), (Refused, Unknown))


@pytest.mark.channel("wechat: failure, then success")
async def test_a_failure_of_wechats_own_is_asked_again_and_then_known(desk: Desk) -> None:
    client = desk.client()
    await desk.control("faults", system_error=1, frequency_limited=1)
    assert await client.query_order("140522ORDER1") == Refused("ORDERNOTEXIST", "")
    assert desk.line.calls == ["query"] * 3


async def test_a_payer_of_another_application_is_refused_though_it_looks_like_a_failure(desk: Desk) -> None:
    body = BODY | {"out_trade_no": "140522ORDER1", "payer": {"openid": "oOfAnotherApplication"}}
    said = await desk.client().create_order(Product.JSAPI, body)
    assert isinstance(said, Refused)
    assert said.code == "OPENIDMISMATCH"
    assert desk.hall.books.orders == {}


@pytest.mark.channel("wechat: refund limits")
async def test_fifty_parts_one_year_and_not_more_than_was_paid(desk: Desk) -> None:
    client = desk.client()
    paid = await desk.paid(client, "140522ORDER1")
    for n in range(50):
        assert isinstance(await client.refund(f"140522R{n}", paid, 100, 32000, "退费"), Done)
    assert isinstance(await client.refund("140522R50", paid, 100, 32000, "退费"), Refused)
    old = await desk.paid(client, "140522ORDER2", NOW - timedelta(days=366))
    assert await client.refund("140522OLD", old, 100, 32000, "退费") == Refused(
        "INVALIDREQUEST", "订单已超过可退款的最大期限"
    )


@pytest.mark.channel("wechat: refund limits")
async def test_parts_of_an_order_are_a_minute_apart(desk: Desk) -> None:
    client = desk.client()
    paid = await desk.paid(client, "140522ORDER1")
    desk.hall.post.scale = 1
    assert isinstance(await client.refund("140522R1", paid, 100, 32000, "退费"), Done)
    assert await client.refund("140522R2", paid, 100, 32000, "退费") == Unknown("429 FREQUENCYLIMITED")
    assert isinstance(await client.refund("140522R1", paid, 100, 32000, "退费"), Done)  # the same again is the same


# --- notifications ----------------------------------------------------------------------------------------------------


@pytest.mark.channel("wechat: schedule")
async def test_what_nobody_takes_is_repeated_fifteen_times_in_a_day_and_four_minutes(desk: Desk) -> None:
    post = desk.hall.post
    post.scale = 1
    body = post.write("http://127.0.0.1:9/nobody", "TRANSACTION.SUCCESS", {}, at=NOW)
    pauses = []
    while post.letters:
        before = monotonic()
        await post.deliver(everything=True)
        pauses += [round(letter.due - before) for letter in post.letters]
        assert all(letter.body == body for letter in post.letters)
    assert pauses == [15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600]
    assert timedelta(seconds=sum(pauses)) == timedelta(hours=24, minutes=4)
    assert post.answers == [0] * 16


# --- orders from a browser and by a code ------------------------------------------------------------------------------


async def test_each_product_hands_out_what_its_payer_needs(desk: Desk) -> None:
    client = desk.client()
    scene = {"scene_info": {"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}}}
    h5 = await client.create_order(Product.H5, BODY | scene | {"out_trade_no": "140522ORDER1"})
    assert isinstance(h5, Done)
    assert h5.value.startswith("https://wx.tenpay.com/")
    native = await client.create_order(Product.NATIVE, BODY | {"out_trade_no": "140522ORDER2"})
    assert isinstance(native, Done)
    assert native.value.startswith("weixin://wxpay/")
    assert isinstance(await client.create_order(Product.H5, BODY | {"out_trade_no": "140522ORDER3"}), Refused)
    assert isinstance(await client.create_order(Product.JSAPI, BODY | {"out_trade_no": "140522ORDER3"}), Refused)


# --- which bytes of a bill --------------------------------------------------------------------------------------------


@pytest.mark.channel("wechat: bill bytes")
async def test_a_bill_has_its_announced_hash_packed_and_plain(desk: Desk) -> None:
    client = desk.client()
    await desk.paid(client, "140522ORDER1")
    desk.clock.instant += timedelta(days=1)
    printed = desk.hall.books.statement(DAY, [])
    assert printed is not None
    assert printed.startswith(b"\xef\xbb\xbf")
    assert printed.endswith(b"\r\n")
    assert printed.count(b"\n") == printed.count(b"\r\n") == 4
    assert await client.trade_bill(DAY) == Done(printed)
    ticket = desk.hall.trade_bill(DAY, "ALL", "http://main", packed=True)
    assert ticket["hash_value"] == hashlib.sha1(printed, usedforsecurity=False).hexdigest()
    packed = desk.hall.download(ticket["download_url"].partition("token=")[2].partition("&")[0])
    assert packed != printed
    assert bills.unpacked(packed or b"") == bills.unpacked(printed) == printed


@pytest.mark.parametrize("spoilt", [lambda packed: packed[:-9], lambda packed: packed[:30] + b"!" + packed[31:]])
def test_a_spoilt_gzip_is_no_bill(spoilt: Any) -> None:
    packed = gzip.compress(b"`1,`0.01\r\n" * 100)
    with pytest.raises(ValueError, match="gzip"):
        bills.unpacked(spoilt(packed))


@pytest.mark.channel("wechat: bill hash")
async def test_bytes_with_another_hash_are_not_taken(desk: Desk) -> None:
    client = desk.client()
    await desk.paid(client, "140522ORDER1")
    desk.clock.instant += timedelta(days=1)
    await desk.control("faults", bill="wrong_hash")
    said = await client.trade_bill(DAY)
    assert isinstance(said, Unknown)
    assert "hash" in said.why


@pytest.mark.channel("wechat: bill address")
async def test_an_address_that_is_over_is_asked_for_anew(desk: Desk) -> None:
    client = desk.client()
    await desk.paid(client, "140522ORDER1")
    desk.clock.instant += timedelta(days=1)
    await desk.control("faults", bill_address_over=2)
    assert isinstance(await client.trade_bill(DAY), Done)
    assert desk.line.calls == ["create"] + ["bill"] * 6


@pytest.mark.channel("wechat: bill creating", "wechat: no bill")
async def test_a_bill_that_is_being_made_and_a_day_without_any(desk: Desk) -> None:
    client = desk.client()
    await desk.paid(client, "140522ORDER1")
    assert await client.trade_bill(DAY) == Refused("STATEMENTCREATING", "账单正在生成")
    desk.clock.instant += timedelta(days=1)
    await desk.control("faults", bill="creating")
    assert await client.fund_flow(DAY, "BASIC") == Refused("STATEMENTCREATING", "账单正在生成")
    await desk.control("faults")
    assert isinstance(await client.fund_flow(DAY, "BASIC"), Done)
    assert await client.fund_flow(DAY, "FEES") == Refused("NOSTATEMENTEXIST", "账单不存在")
    assert await client.trade_bill(DAY - timedelta(days=1)) == Refused("NOSTATEMENTEXIST", "账单不存在")


@pytest.mark.channel("wechat: bill names")
@pytest.mark.parametrize("kind", ["ALL", "SUCCESS", "REFUND"])
async def test_names_with_commas_quotes_and_back_ticks_in_every_kind_of_bill(desk: Desk, kind: Any) -> None:
    client = desk.client()
    paid = await desk.paid(client, "140522ORDER1")
    await client.refund("140522R1", paid, 100, 32000, "退费")
    bill = bills.read_trade_bill(desk.hall.books.statement(DAY, ["odd_names"], kind) or b"")
    assert bill.agrees
    kinds = {"ALL": ["payment", "refund"], "SUCCESS": ["payment"], "REFUND": ["refund"]}[kind]
    assert [line.kind for line in bill.lines] == kinds


@pytest.mark.parametrize(
    ("fault", "agrees", "bad"),
    [("", True, 0), ("lf", True, 0), ("no_bom", True, 0), ("wrong_totals", False, 0), ("bad_line", False, 1)],
)
async def test_a_fund_flow_tells_what_came_and_what_went(desk: Desk, fault: str, agrees: bool, bad: int) -> None:
    client = desk.client()
    paid = await desk.paid(client, "140522ORDER1")
    await client.refund("140522R1", paid, 2000, 32000, "退费")
    desk.clock.instant += timedelta(hours=1)
    drawn = (await desk.control("withdrawals"))["withdraw_no"]
    splitter, reader = LineSplitter(), FundFlowReader()
    data = desk.hall.books.fund_flow(DAY, [fault] if fault else []) or b""
    lines = [line for raw in splitter.feed(data) if (line := reader.take(raw))]
    assert totals_agree(reader.told, reader.found) is agrees
    assert [bool(line.faults) for line in lines].count(True) == bad
    told = [(line.payer_name, line.reference, line.amount_fen) for line in lines]
    assert told[bad:] == [("交易", paid, 32000), ("退款", "140522R1", 2000), ("提现", drawn, 30000)][bad:]


def test_a_bill_of_several_pools_is_parted_line_by_line(wechat_keys: Path) -> None:
    hall: Hall = simulator.create_app(keys=wechat_keys, clock=SetClock(NOW)).state.hall
    for number in ("140522ORDER1", "990101ORDER2", "140522ORDER3"):
        hall.place("native", BODY | {"out_trade_no": number})
        hall.pay(Payment(out_trade_no=number, faults=["lost"]))
    data = hall.books.statement(DAY, []) or b""
    whole = bills.read_trade_bill(data)
    assert bills.parted(data, whole, lambda _: "140522") == {"140522": data}
    parts = bills.parted(data, whole, lambda number: number[:6])
    read = {pool: bills.read_trade_bill(part) for pool, part in parts.items()}
    assert all(part.agrees for part in read.values())
    assert sorted(line.raw for part in read.values() for line in part.lines) == sorted(line.raw for line in whole.lines)
    assert {pool: part.totals and part.totals.order_fen for pool, part in read.items()} == {
        "140522": 64000,
        "990101": 32000,
    }
    wrong = hall.books.statement(DAY, ["wrong_totals"]) or b""
    with pytest.raises(ValueError, match="several pools"):
        bills.parted(wrong, bills.read_trade_bill(wrong), lambda number: number[:6])
