"""Who is asked first takes no bill that somebody else can still pay, and none of another scheme."""

import asyncio
import contextvars
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.simulators import bank as simulator
from deploy.local.simulators.unionpay_wire import Keys as UnionPayKeys
from deploy.local.simulators.wechat_wire import Keys as WechatKeys
from services.payments.rules import Bill, BillStatus, Paid, Window, judge_all
from services.payments.schemas import CounterPayment
from services.payments.usecases.counter import Sale, take_sales
from shared.clock import SHANGHAI
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.tokens import Caller
from tests.bank_town import DAY, Town, code, payment
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills, slip
from tests.unionpay_town import UnionPayTown
from tests.waiting import wait_for
from tests.withholding_town import Desk

SCHEME, OTHER = "yangcheng-2022", "example-2031"


@pytest.fixture(scope="module")
def channel_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("channel-keys")
    WechatKeys(folder)
    UnionPayKeys(folder)
    return folder


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, channel_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[UnionPayTown]:
    settings = simulator.settings_of(tmp_path / "keys", "http://banks")
    changes = '"amount_must_equal": true, "payments_per_minute": 1000, "companies"'
    monkeypatch.setenv("PAYMENTS_BANKS", settings.replace('"companies"', changes))
    opened = UnionPayTown.build(databases, tmp_path / "keys", channel_keys, monkeypatch)
    yield opened
    assert await opened.suite.invariants_broken() == {}
    await opened.suite.close()


@pytest.fixture
async def bill(town: UnionPayTown) -> IssuedBill:
    [issued] = await issue_bills(town.suite, [32000])
    return issued


def bank_of(town: UnionPayTown, tmp_path: Path) -> Town:
    """The banks of the same payments."""
    keys = tmp_path / "keys"
    banks = simulator.create_app(biller="http://payments", keys=keys, clock=town.suite.clock)
    return Town(town.suite, keys, banks, simulator.PARTIES)


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_cash_is_taken_when_wechat_has_closed_the_order(town: UnionPayTown, bill: IssuedBill) -> None:
    order = await town.wechat.ordered(bill)
    taken = await (await Counter.open(town.suite)).take([bill])
    assert taken.json()["items"][0]["outcome"] == "settled"
    assert town.wechat.line.calls == ["create", "close"]
    assert (await town.read(order))["reason"] == "superseded"
    assert [each.state for each in town.wechat.hall.books.orders.values()] == ["CLOSED"]


async def test_cash_is_refused_where_the_order_was_paid_at_that_moment(town: UnionPayTown, bill: IssuedBill) -> None:
    order = await town.wechat.ordered(bill)
    await town.wechat.pay(order, faults=["lost"])
    answer = await (await Counter.open(town.suite)).take([bill])
    assert (told(answer), answer.json()["errors"][0]["code"]) == ((409, "payment_not_taken"), "already_paid")
    assert await town.outcomes() == [("settled", None)]


@pytest.mark.parametrize("heard", [False, True], ids=["before WeChat heard of it", "after WeChat closed it"])
@pytest.mark.parametrize("who", ["the same clerk", "another window", "nobody"])
async def test_killed_while_an_order_is_being_closed_for_cash_the_bill_is_free_again(
    who: str, heard: bool, town: UnionPayTown, bill: IssuedBill
) -> None:
    """That the order is to be closed is committed; the process dies with the call to its channel."""
    order = await town.wechat.ordered(bill)
    counter = await Counter.open(town.suite)
    hall_2 = await Counter.open(town.suite, code="HALL02", clerk="clerk-zhao")
    town.wechat.line.kill("close")
    if not heard:
        town.wechat.line.before, town.wechat.line.after = town.wechat.line.after, town.wechat.line.before
    assert (await counter.take([bill], key="k1")).status_code == 500
    assert ((await town.read(order))["status"], await town.outcomes()) == ("closing", [])
    town.wechat.line.mend()
    if who == "nobody":
        await town.tick()
        assert (await town.wechat.order(bill)).status_code == 201  # the payer may order anew
    else:
        again = await (counter.take([bill], key="k1") if who == "the same clerk" else hall_2.take([bill]))
        assert again.json()["items"][0]["outcome"] == "settled"
        assert await town.outcomes() == [("settled", None)]
    assert ((await town.read(order))["status"], town.wechat.line.calls.count("close")) == ("closed", 2)


async def test_a_slip_is_locked_before_bills_whether_it_is_voided_or_told_again(town: UnionPayTown) -> None:
    """Cash and a card in one group, while a void of that sale is under way: it has the slip, and wants the bill."""
    charged, paid = await issue_bills(town.suite, [32000] * 2)
    counter = await Counter.open(town.suite)
    assert (await counter.take([charged], pos="s1", key="card")).status_code == 201
    sales = [
        sale_of(counter, [paid], method="cash"),
        sale_of(counter, [charged], method="pos", pos=slip("s1", at="2021-12-05T10:00:00+08:00")),
    ]
    async with town.service.database.writing() as tx:
        await tx.rows("select 1 from pos_sale where pool = :pool for update", pool=POOL)
        group = asyncio.create_task(take_sales(town.service, sales), context=contextvars.Context())
        await wait_for(town.service.database, 1)
        await tx.rows("select 1 from bill where pool = :pool for update nowait", pool=POOL)
    assert [answer.status for answer in await group if isinstance(answer, Answer)] == [201, 201]


def sale_of(counter: Counter, bills: list[IssuedBill], **more: Any) -> Sale:
    """A sale as the gatherer has it."""
    body = {
        "pool": POOL,
        "shift_id": counter.shift["shift_id"],
        "payer_name": "王小明",
        "items": [{"bill_no": bill.bill_no, "amount_fen": bill.amount_fen} for bill in bills],
        **more,
    }
    caller = Caller("hall", "clerk-wang", frozenset({"payments:write"}), "140522", 0)
    at = datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)
    return Sale(caller, Once("hall", str(new_id()), b"hash"), CounterPayment.model_validate(body), at)


async def test_while_the_payer_is_paying_cash_waits_under_its_key(town: UnionPayTown, bill: IssuedBill) -> None:
    await town.wechat.ordered(bill)
    await town.wechat.control("faults", user_paying=2)
    counter = await Counter.open(town.suite)
    assert told(await counter.take([bill], key="k1")) == (409, "bill_being_paid")
    assert await town.outcomes() == []
    town.wechat.hall.faults.user_paying = 0
    assert (await counter.take([bill], key="k1")).status_code == 201
    assert await town.outcomes() == [("settled", None)]


async def test_cash_waits_for_the_end_of_an_order_that_nobody_can_close(town: UnionPayTown, bill: IssuedBill) -> None:
    await town.ordered(bill)
    counter = await Counter.open(town.suite)
    answer = await counter.take([bill])
    assert told(answer) == (409, "order_stands")
    assert "2021-12-05T10:15:30+08:00" in answer.json()["detail"]
    assert (await counter.take([bill], pos="s1")).status_code == 201  # a card has been charged


async def test_one_contested_bill_holds_up_no_other_sale(town: UnionPayTown) -> None:
    bills = await issue_bills(town.suite, [32000] * 6)
    for bill in bills[:2]:
        await town.wechat.ordered(bill)
    await town.ordered(bills[2])
    counter = await Counter.open(town.suite)
    answers = await asyncio.gather(*(counter.take([bill]) for bill in bills))
    assert [answer.status_code for answer in answers] == [201, 201, 409, 201, 201, 201]


async def test_two_at_once_have_one_winner(town: UnionPayTown, bill: IssuedBill) -> None:
    await town.wechat.ordered(bill)
    counter = await Counter.open(town.suite)
    answers = await asyncio.gather(counter.take([bill]), counter.take([bill]), town.wechat.order(bill, openid="x"))
    assert sum(answer.status_code == 201 for answer in answers[:2]) <= 1
    await town.tick()
    payable = [each for each in town.wechat.hall.books.orders.values() if each.state == "NOTPAY"]
    paid = await town.outcomes()
    assert paid in ([], [("settled", None)])
    assert len(payable) + len(paid) <= 1


async def test_a_bill_that_a_bank_withholds_is_taken_by_nobody(
    town: UnionPayTown, bill: IssuedBill, tmp_path: Path
) -> None:
    banks = bank_of(town, tmp_path)
    batch = await Desk(banks).send([bill])
    answer = await (await Counter.open(town.suite)).take([bill])
    assert told(answer) == (409, "bill_being_withheld")
    assert batch["batch_no"] in answer.json()["detail"]
    asked = {"company_id": f"YB{POOL}", "bill_key": bill.bill_no, "region": POOL}
    assert code(await banks.line().tell("query", DAY, "1", asked)) == "being_withheld"
    assert code(await banks.line().tell("pay", DAY, "2", payment(bill.bill_no))) == "being_withheld"
    assert await town.outcomes() == []


async def test_a_bank_that_asks_first_has_orders_closed_first(
    town: UnionPayTown, bill: IssuedBill, tmp_path: Path
) -> None:
    line = bank_of(town, tmp_path).line()
    order = await town.wechat.ordered(bill)
    await town.wechat.control("faults", user_paying=2)
    assert code(await line.tell("pay", DAY, "1", payment(bill.bill_no))) == "being_paid"
    town.wechat.hall.faults.user_paying = 0
    assert (await line.tell("pay", DAY, "1", payment(bill.bill_no)))["body"]["outcome"] == "settled"
    assert (await town.read(order))["status"] == "closed"
    [other] = await issue_bills(town.suite, [32000])
    await town.ordered(other)
    refused = await line.tell("pay", DAY, "2", payment(other.bill_no))
    assert (code(refused), "10:15:30" in refused["body"]["detail"]) == ("being_paid", True)


# Wrong scheme (S004-19)


@pytest.mark.parametrize(
    ("status", "schemes", "outcome", "reason"),
    [
        (BillStatus.OPEN, None, "settled", None),
        (BillStatus.OPEN, {SCHEME}, "settled", None),
        (BillStatus.OPEN, {OTHER, SCHEME}, "settled", None),
        (BillStatus.OPEN, {OTHER}, "suspense", "wrong_scheme"),
        (BillStatus.OPEN, set(), "suspense", "wrong_scheme"),
        (BillStatus.PAID, {OTHER}, "suspense", "wrong_scheme"),
        (BillStatus.PAID, {SCHEME}, "surplus", "already_paid"),
        (BillStatus.VOIDED, {OTHER}, "suspense", "bill_voided"),
    ],
)
def test_money_meant_for_another_scheme_waits(
    status: BillStatus, schemes: set[str] | None, outcome: str, reason: str | None
) -> None:
    window = {"from": "2021-09-01", "to": "2021-12-25", "first_day": 1, "last_day": 25, "rules": [], "day_rules": []}
    bill = Bill("B", status, 32000, Window.of(window), SCHEME)
    paid = Paid("B", 32000, bill.window.first, None if schemes is None else frozenset(schemes))
    [verdict] = judge_all({"B": bill}, [paid])
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


@pytest.mark.rule("S004-19")
async def test_another_scheme_is_refused_where_we_are_asked_and_waits_where_money_came(
    town: UnionPayTown, tmp_path: Path
) -> None:
    bill, card, right = await issue_bills(town.suite, [32000] * 3)
    counter = await Counter.open(town.suite)

    async def take(bill: IssuedBill, scheme: str, **more: Any) -> httpx.Response:
        item = {"bill_no": bill.bill_no, "amount_fen": 32000, "scheme": scheme}
        body = {"pool": POOL, "shift_id": counter.shift["shift_id"], "payer_name": "王小明", "items": [item], **more}
        return await counter.client.post("/v1/counter/payments", json=body, headers={"Idempotency-Key": str(new_id())})

    for answer in (await take(bill, OTHER, method="cash"), await town.wechat.order(bill, scheme=OTHER)):
        assert told(answer) == (409, "payment_not_taken")
        assert ([each["code"] for each in answer.json()["errors"]], answer.json()["rules"]) == (
            ["wrong_scheme"],
            ["S004-19"],
        )
    line = bank_of(town, tmp_path).line()
    asked = {"company_id": f"YB{POOL}", "bill_key": bill.bill_no, "region": POOL, "scheme": OTHER}
    for number, (operation, body) in enumerate((("query", asked), ("pay", payment(bill.bill_no, scheme=OTHER)))):
        said = await line.tell(operation, DAY, str(number), body)
        assert (code(said), said["body"]["rules"]) == ("wrong_scheme", ["S004-19"])
    assert await town.outcomes() == []
    charged = await take(card, OTHER, method="pos", pos=slip("s1", at="2021-12-05T10:00:00+08:00"))
    assert charged.json()["items"][0]["reason"] == "wrong_scheme"
    assert (await take(right, SCHEME, method="cash")).status_code == 201
    assert code(await line.tell("pay", DAY, "9", payment(bill.bill_no, scheme=SCHEME))) == "accepted"
    assert await town.outcomes() == [("suspense", "wrong_scheme"), ("settled", None), ("settled", None)]
