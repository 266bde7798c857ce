"""UnionPay's money goes back once, on the way that its day says, and its day files settle what it holds."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.simulators.unionpay_books import CARD, STATEMENT_FAULTS
from deploy.local.simulators.unionpay_wire import MERCHANT, Keys
from deploy.local.simulators.wechat_wire import Keys as WechatKeys
from services.payments import usecases
from services.payments.clients import Done, Refused, Unknown
from services.payments.store import refunds as store
from services.payments.usecases import taking_statements, unionpay_refunds
from shared.clock import wall_now
from shared.codes import Channel
from shared.identity import mask_card
from shared.ids import new_id
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills
from tests.statements_town import Desk, work
from tests.unionpay_town import UnionPayTown

Json = dict[str, Any]
DAY = date(2021, 12, 5)


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


async def surplus(town: UnionPayTown, bill: IssuedBill) -> str:
    """A bill is paid in cash and by UnionPay: the second payment, which is owed back."""
    order = await town.ordered(bill)
    await (await Counter.open(town.suite)).take([bill], pos="s1")
    await town.pay(order)
    collection_id: str = (await town.read(order))["collection_id"]
    return collection_id


async def give_back(town: UnionPayTown, collection_id: str, *, amount_fen: int = 32000, method: str = "bank") -> Any:
    refund = {
        "pool": POOL,
        "refund_id": str(new_id()),
        "application_id": str(new_id()),
        "collection_id": collection_id,
        "method": method,
        "amount_fen": amount_fen,
        "paid_to": "王小明",
        "paid_by": "clerk-zhao",
    }
    client = town.suite.client("payments", "payments:pay")
    return await client.post("/v1/refunds", json=refund, headers={"Idempotency-Key": str(new_id())})


async def states(town: UnionPayTown) -> list[tuple[str, str | None]]:
    rows = await town.rows("select state, detail from refund order by refund_id")
    return [(row["state"], row["detail"]) for row in rows]


# --- the way back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "amount_fen", "way"),
    [
        ("2021-12-05 22:59:59", 32000, "31"),
        ("2021-12-05 23:00:00", 32000, "04"),  # UnionPay's next accounting day
        ("2021-12-06 09:00:00", 32000, "04"),
        ("2021-12-05 11:00:00", 12000, "04"),  # a part cannot be undone
    ],
)
async def test_what_is_of_today_is_undone_and_what_is_older_refunded(
    town: UnionPayTown, bill: IssuedBill, now: str, amount_fen: int, way: str
) -> None:
    collection_id = await surplus(town, bill)
    town.suite.set_clock(now)
    assert (await give_back(town, collection_id, amount_fen=amount_fen)).status_code == 201
    assert await usecases.ask_refunds(town.service)
    assert await states(town) == [("processing", "accepted")]  # accepted is not paid back
    [back] = [*town.trades("31"), *town.trades("04")]
    assert (back.txn_type, back.amount, len(back.order_no)) == (way, amount_fen, 32)
    assert back.txn_time == now.replace("-", "").replace(" ", "").replace(":", "")
    await town.deliver()
    assert (await states(town))[0][0] == "settled"
    await town.tick()
    assert town.gateway.books.given_back(back.original) == amount_fen


async def test_a_refund_is_found_done_by_asking(town: UnionPayTown, bill: IssuedBill) -> None:
    await give_back(town, await surplus(town, bill))
    await usecases.ask_refunds(town.service)
    town.gateway.letters.clear()
    await town.tick()
    assert (await states(town))[0][0] == "settled"
    assert town.line.calls[-2:] == ["query", "query"]  # the refund, which there is none of, then what was undone


@pytest.mark.channel("bank: unknown outcome")
@pytest.mark.parametrize("now", ["2021-12-05 11:00", "2021-12-07 11:00"])
@pytest.mark.parametrize("trouble", ["lost", "killed", "03", "refused first", "two at once"])
async def test_money_goes_back_once_whatever_the_line_does(
    town: UnionPayTown, bill: IssuedBill, now: str, trouble: str
) -> None:
    collection_id = await surplus(town, bill)
    town.suite.set_clock(now)
    await give_back(town, collection_id)
    call = "void" if now < "2021-12-06" else "refund"
    if trouble == "lost":
        town.line.lost = {call}
    elif trouble == "killed":
        town.line.deadly = {call}
    elif trouble == "03":
        await town.control("faults", unknown=["03"])
    elif trouble == "refused first":
        await town.control("faults", undone=["05"])
    if trouble == "two at once":
        await asyncio.gather(*(usecases.ask_refunds(town.service) for _ in range(4)))
    else:
        await asyncio.gather(usecases.ask_refunds(town.service), return_exceptions=True)
    town.line.lost = town.line.deadly = set()
    town.gateway.letters.clear()
    for _ in range(3):
        await town.tick()
    assert (await states(town))[0][0] == "settled"
    assert sum(each.amount for each in [*town.trades("31"), *town.trades("04")]) == 32000


async def test_a_void_that_is_refused_becomes_a_refund(town: UnionPayTown, bill: IssuedBill) -> None:
    collection_id = await surplus(town, bill)
    town.suite.set_clock("2021-12-05 22:59:50")
    await give_back(town, collection_id)
    town.suite.set_clock("2021-12-05 23:00:10")  # the order was given before UnionPay's day ended
    await usecases.ask_refunds(town.service)
    assert town.line.calls[-2:] == ["void", "refund"]
    await town.tick()
    assert (await states(town))[0][0] == "settled"
    assert (len(town.trades("31")), len(town.trades("04"))) == (0, 1)


@pytest.mark.channel("bank: unknown outcome")
@pytest.mark.parametrize("trouble", ["lost", "killed", "told in between", "not carried out"])
async def test_what_could_not_be_undone_is_never_undone_again(
    town: UnionPayTown, bill: IssuedBill, trouble: str
) -> None:
    await give_back(town, await surplus(town, bill))
    await town.control("faults", undone=["39", "10"] if trouble == "not carried out" else ["39"])
    town.line.lost = {"refund"}
    town.line.deadly = {"refund"} if trouble == "killed" else set()
    await asyncio.gather(usecases.ask_refunds(town.service), return_exceptions=True)
    assert town.line.calls[-2:] == ["void", "refund"]
    town.line.lost = town.line.deadly = set()
    for _ in range(2):  # for a while UnionPay knows of neither, though the refund may stand there
        await town.control("faults", undone=["34", "34"])
        await town.tick()
    if trouble == "told in between":
        await town.deliver()
    town.gateway.letters.clear()
    await town.control("faults")
    for _ in range(2):
        await town.tick()
    assert (await states(town))[0][0] == "settled"
    assert town.line.calls.count("void") == 1
    assert [each.amount for each in town.trades("04")] == [32000]


async def lease(town: UnionPayTown, later: timedelta = timedelta()) -> Any:
    """What a worker does before it asks UnionPay."""
    async with town.service.database.writing() as tx:
        row = await store.lease_refund(tx, POOL, wall_now() + later, 60, 3600)
    assert row is not None
    return row


async def test_who_was_overtaken_while_undoing_was_refused_refunds_nothing(
    town: UnionPayTown, bill: IssuedBill
) -> None:
    await give_back(town, await surplus(town, bill))
    first = await lease(town)
    town.line.meanwhile["void"] = lambda: lease(town, timedelta(hours=2))
    await town.control("faults", undone=["39"])
    assert (await unionpay_refunds.submit(town.service, first)).detail == "overtaken"
    assert town.line.calls[-1] == "void"
    town.line.meanwhile.clear()
    assert town.trades("04") == []
    await town.tick()
    await town.tick()
    assert (await states(town))[0][0] == "settled"
    assert len(town.trades("31")) + len(town.trades("04")) == 1


@pytest.mark.parametrize("undone", [["39"], []], ids=["undoing was refused", "it was undone"])
async def test_who_stood_still_until_its_lease_was_over_undoes_nothing(
    undone: list[str], town: UnionPayTown, bill: IssuedBill
) -> None:
    """A worker is stopped before its call; another one brings the refund to its end. Then the first goes on."""
    await give_back(town, await surplus(town, bill))
    stopped = await lease(town)
    await town.control("faults", undone=undone)
    for _ in range(3):
        await town.tick()
    assert (await states(town))[0][0] == "settled"
    calls = list(town.line.calls)
    assert (await unionpay_refunds.submit(town.service, stopped)).detail == "overtaken"
    assert town.line.calls == calls
    assert len(town.trades("31")) + len(town.trades("04")) == 1


async def test_a_void_that_fails_later_becomes_a_refund(town: UnionPayTown, bill: IssuedBill) -> None:
    collection_id = await surplus(town, bill)
    await give_back(town, collection_id)
    await town.control("faults", back="05")
    await usecases.ask_refunds(town.service)
    await town.tick()
    assert await states(town) == [("processing", "05")]  # neither done nor failed
    [undone] = town.trades("31")
    undone.code = "61"
    await town.control("faults")
    await town.tick()
    await town.tick()
    assert (await states(town))[0][0] == "settled"
    assert len(town.trades("04")) == 1


async def test_a_number_that_stands_there_already_is_no_refusal(town: UnionPayTown, bill: IssuedBill) -> None:
    collection_id = await surplus(town, bill)
    await give_back(town, collection_id)
    await town.control("faults", undone=["12"])  # what was undone before, and has not been told yet
    await usecases.ask_refunds(town.service)
    assert await states(town) == [("submitted", "12")]
    assert town.line.calls[-1] == "void"  # and not a refund beside it
    await town.tick()
    await town.tick()
    assert (await states(town))[0][0] == "settled"
    assert (len(town.trades("31")), len(town.trades("04"))) == (1, 0)


async def test_a_card_that_takes_nothing_back_returns_the_money_to_people(town: UnionPayTown, bill: IssuedBill) -> None:
    collection_id = await surplus(town, bill)
    town.suite.set_clock("2021-12-07 11:00")
    await give_back(town, collection_id)
    await town.control("faults", back="62")
    await usecases.ask_refunds(town.service)
    await town.tick()
    assert await states(town) == [("failed", "62")]
    assert len(await town.rows("select 1 from event where type = 'refund.returned'")) == 1


async def test_a_merchant_without_balance_is_asked_again_and_not_given_up(town: UnionPayTown, bill: IssuedBill) -> None:
    collection_id = await surplus(town, bill)
    town.suite.set_clock("2021-12-07 11:00")
    await give_back(town, collection_id)
    await town.control("faults", undone=["36"])
    await usecases.ask_refunds(town.service)
    assert await states(town) == [("submitted", "36")]
    await town.tick()
    await town.tick()
    assert (await states(town))[0][0] == "settled"


async def test_more_than_was_paid_does_not_go_back_nor_another_way(town: UnionPayTown, bill: IssuedBill) -> None:
    collection_id = await surplus(town, bill)
    assert (await give_back(town, collection_id, amount_fen=32001)).json()["code"] == "refund_exceeds_paid"
    assert (await give_back(town, collection_id, method="wechat")).json()["code"] == "not_the_way_back"
    assert town.line.calls.count("void") == 0


# --- day files --------------------------------------------------------------------------------------------------------


async def printed(town: UnionPayTown, *faults: str, day: date = DAY) -> bytes:
    assert set(faults) <= STATEMENT_FAULTS
    data = town.gateway.books.day_file(day, MERCHANT, faults)
    assert data is not None
    return data


async def bring(town: UnionPayTown, data: bytes) -> tuple[Desk, Json]:
    desk = Desk(town.suite)
    return desk, await desk.bring(Channel.BANK, data, institution="UNIONPAY")


async def paid_day(town: UnionPayTown, count: int = 3) -> list[str]:
    """Bills of 320 yuan that are paid through UnionPay; its numbers of the payments."""
    bills = await issue_bills(town.suite, [32000] * count)
    return [await town.pay(await town.ordered(issued)) for issued in bills]


async def test_a_days_file_settles_what_unionpay_holds(town: UnionPayTown, bill: IssuedBill) -> None:
    await paid_day(town, 2)
    await give_back(town, await surplus(town, bill))
    await usecases.ask_refunds(town.service)
    await town.deliver()
    desk, statement = await bring(town, await printed(town))
    assert (statement["state"], statement["layout"]) == ("accepted", "unionpay_day_file")
    assert await desk.results(statement["statement_id"]) == ["matched"] * 4
    path = f"/v1/statements/{statement['statement_id']}/rows"
    shown = (await town.suite.client("payments", "payments:read").get(path, params={"pool": POOL})).json()["items"]
    assert all(mask_card(CARD) in row["text"] and CARD not in row["text"] for row in shown)
    balances = await desk.balances()
    assert balances["special_account"] == 2 * 32000  # three came, one went back
    assert "held/bank/UNIONPAY" not in balances
    again = await desk.upload(Channel.BANK, await printed(town), institution="UNIONPAY")
    assert again.json()["statement_id"] == statement["statement_id"]
    await work(town.suite)
    assert await desk.balances() == balances


@pytest.mark.parametrize("chunk_rows", [1, 2, 3, 4])
async def test_a_zip_is_taken_chunk_by_chunk(
    town: UnionPayTown, monkeypatch: pytest.MonkeyPatch, chunk_rows: int
) -> None:
    await paid_day(town, 3)
    monkeypatch.setattr(taking_statements, "CHUNK_ROWS", chunk_rows)
    desk, statement = await bring(town, await printed(town))
    assert statement["state"] == "accepted"
    assert await desk.results(statement["statement_id"]) == ["matched"] * 3


async def test_a_payment_of_the_late_evening_stands_in_the_next_days_file(town: UnionPayTown, bill: IssuedBill) -> None:
    town.suite.set_clock("2021-12-05 23:10")
    await town.pay(await town.ordered(bill))
    town.suite.set_clock("2021-12-07 10:00")
    desk = Desk(town.suite)
    answer = await desk.bring(
        Channel.BANK, await printed(town, day=date(2021, 12, 6)), institution="UNIONPAY", day="2021-12-06"
    )
    assert await desk.results(answer["statement_id"]) == ["matched"]


async def test_money_of_which_only_the_file_tells_is_booked_to_its_order(town: UnionPayTown, bill: IssuedBill) -> None:
    order = await town.ordered(bill)
    number = await town.pay(order, faults=["lost"])
    town.line.lost = {"query"}
    town.suite.set_clock("2021-12-09 10:00")
    desk, _ = await bring(town, await printed(town))
    [found] = await desk.open_exceptions()
    assert found["kind"] == "ours_missing"
    await desk.resolve(found, "book")
    town.line.lost = set()
    await town.tick()  # asked afterwards, UnionPay tells of the same money
    paid = await town.read(order)
    assert (paid["status"], paid["transaction_id"]) == ("paid", number)
    assert await town.outcomes() == [("settled", None)]
    assert (await desk.balances())["special_account"] == 32000
    assert await desk.open_exceptions() == []


@pytest.mark.channel("bank: wrong totals")
async def test_a_file_that_does_not_agree_with_itself_waits_for_a_second_person(town: UnionPayTown) -> None:
    await paid_day(town)
    desk, statement = await bring(town, await printed(town, "wrong_totals"))
    assert statement["state"] == "differs"
    assert "special_account" not in await desk.balances()
    assert (await desk.check(statement)).status_code == 200
    await work(town.suite)
    assert await desk.results(statement["statement_id"]) == ["matched"] * 3
    [told] = await desk.open_exceptions()
    assert told["kind"] == "totals_differ"
    await desk.resolve(told, "ignore")


async def test_one_bad_line_and_an_adjustment_harm_no_other(town: UnionPayTown) -> None:
    await paid_day(town)
    desk, statement = await bring(town, await printed(town, "cut_line", "adjustment"))
    assert statement["state"] == "differs"
    assert (await desk.check(statement)).status_code == 200
    await work(town.suite)
    assert await desk.results(statement["statement_id"]) == ["matched", "matched", "data_differs", "unknown"]


async def test_a_line_that_nobody_paid_is_a_break(town: UnionPayTown) -> None:
    await paid_day(town)
    town.suite.set_clock("2021-12-09 10:00")
    desk, statement = await bring(town, await printed(town, "unknown_line"))
    assert await desk.results(statement["statement_id"]) == ["matched"] * 3 + ["ours_missing"]


@pytest.mark.parametrize("fault", ["cut_end", "no_trades"])
async def test_a_zip_that_is_not_whole_is_refused_at_the_door(town: UnionPayTown, fault: str) -> None:
    await paid_day(town, 1)
    desk = Desk(town.suite)
    for data in (await printed(town, fault), b"1|320.00\n"):
        answer = await desk.upload(Channel.BANK, data, institution="UNIONPAY")
        assert (answer.status_code, answer.json()["code"]) == (422, "statement_unreadable")


async def test_files_are_fetched_when_they_are_there(town: UnionPayTown) -> None:
    await paid_day(town)
    client = town.service.unionpay
    assert client is not None
    client.settings.file_time = time(10)
    now = town.service.clock.now()
    assert isinstance(await client.day_file(DAY, now), Refused)  # the day is not over
    town.suite.set_clock("2021-12-06 09:59")

    async def fetch() -> None:
        async with town.service.database.writing() as tx:
            await tx.execute("update channel_file set ask_at = now() - interval '1 second' where state = 'wanted'")
        while await usecases.fetch_unionpay_files(town.service):
            pass

    await fetch()
    wanted = await town.rows("select day, state from channel_file where channel = 'unionpay'")
    assert all(row["day"] < DAY for row in wanted)
    town.suite.set_clock("2021-12-06 10:00")
    town.line.lost = {"bill"}
    await fetch()
    assert await town.rows("select 1 from statement") == []
    town.line.lost = set()
    await fetch()
    await fetch()
    await work(town.suite)
    [statement] = await town.rows("select channel, institution, day, state from statement")
    assert statement == {"channel": "bank", "institution": "UNIONPAY", "day": DAY, "state": "accepted"}
    assert (await Desk(town.suite).balances())["special_account"] == 3 * 32000
    found = await client.day_file(DAY, town.service.clock.now())
    assert isinstance(found, Done)
    town.line.lost = {"bill"}
    assert isinstance(await client.day_file(DAY, now), Unknown)
    town.suite.set_clock("2021-12-08 10:00")
    town.line.lost = set()
    await fetch()  # on the 6th nothing was paid, of the 7th the file may still come
    rows = await town.rows("select day, state from channel_file where channel = 'unionpay' order by day desc limit 3")
    assert [(row["day"].day, row["state"]) for row in rows] == [(7, "wanted"), (6, "empty"), (5, "taken")]
