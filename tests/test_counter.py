"""The counter: card slips are booked once and voided in time, cash waits for its deposit slip, and what a drawer holds
more or less than it should is booked by two persons (S004-23, protocols 2.5)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.formats.statement_files import DayFiles, open_file
from services.payments.formats.statements import StatementLine, StatementReader
from services.payments.rules.settlements import Source
from services.payments.rules.shifts import Takings, counted, deposit_after, deposit_due_on
from services.payments.settings import PosFile, UnionPayFiles
from shared.ids import new_id
from tests.payments_agents import balances, check, checker, open_connections, post, summary
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills, slip, trace_of
from tests.suite import InProcessSuite

FLOAT_FEN = 50000
_FEN = st.integers(0, 10**9)


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-03 10:00")  # a Friday
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


AT = "2021-12-03T10:00:00+08:00"


async def charge(counter: Counter, bills: list[IssuedBill], name: str, *, key: str | None = None) -> httpx.Response:
    """Charge a card for bills; the slip is called `name`."""
    body = {
        "pool": POOL,
        "shift_id": counter.shift["shift_id"],
        "method": "pos",
        "payer_name": "王小明",
        "pos": slip(name, at=AT),
        "items": [{"bill_no": bill.bill_no, "amount_fen": bill.amount_fen} for bill in bills],
    }
    return await post(counter.client, "/v1/counter/payments", body, key=key)


async def void(counter: Counter, name: str, by: str = "v1", **other: Any) -> httpx.Response:
    """The terminal has taken a sale back; the void's own slip is called `by`."""
    body = {
        "pool": POOL,
        "shift_id": counter.shift["shift_id"],
        "terminal_no": "T1",
        "batch_no": "000001",
        "trace_no": trace_of(name),
        "void_trace_no": trace_of(by),
        "voided_at": AT,
        **other,
    }
    return await post(counter.client, "/v1/counter/voids", body)


async def deposit(counter: Counter, shifts: list[dict[str, Any]], **other: Any) -> httpx.Response:
    """Write the deposit slip of closed shifts."""
    body = {
        "pool": POOL,
        "from_account": "held/counter/HALL01",
        "to": "special_account",
        "shifts": [shift["shift_id"] for shift in shifts],
        "total_fen": sum(shift["deposit_fen"] for shift in shifts),
        "paid_on": "2021-12-03",
        "bank_reference": f"XJ-{new_id()}",
        **other,
    }
    return await post(counter.client, "/v1/remittances", body)


def refund_order(item: dict[str, Any], counter: Counter, method: str) -> dict[str, Any]:
    """Pay a whole surplus back at a counter."""
    return {
        "pool": POOL,
        "refund_id": str(new_id()),
        "application_id": str(new_id()),
        "method": method,
        "collection_id": item["collection_id"],
        "amount_fen": 32000,
        "paid_to": "王小明",
        "paid_by": "clerk-wang",
        "shift_id": counter.shift["shift_id"],
    }


async def book_difference(suite: InProcessSuite, shift: dict[str, Any], by: str = "chief-sun") -> httpx.Response:
    path = f"/v1/shifts/{shift['shift_id']}/difference"
    body = {"pool": POOL, "note": "找零少找，无法联系缴费人"}
    return await post(checker(suite, by), path, body, version=shift["version"])


async def alarms(suite: InProcessSuite) -> set[str]:
    answer = await suite.client("payments", "payments:read").get("/v1/alarms")
    return {item["name"] for item in answer.json()["items"] if item["found"]}


async def bill_status(suite: InProcessSuite, bill: IssuedBill) -> str:
    client = suite.client("payments", "payments:read")
    return str((await client.get(f"/v1/bills/{bill.bill_no}", params={"pool": POOL})).json()["status"])


# ---------------------------------------------------------------- rules, without a database


@given(_FEN, _FEN, _FEN, _FEN)
def test_what_a_shift_took_is_handed_over_or_deposited(card_in: int, card_out: int, in_: int, out: int) -> None:
    takings = Takings(card_in - card_out, in_ - out)
    assert takings.handed_over_fen + takings.deposit_fen == takings.total_fen == card_in + in_ - card_out - out
    assert takings.deposit_fen >= 0


@given(_FEN, st.integers(-(10**9), 10**9))
def test_a_deposit_is_what_was_counted_over_the_float_and_never_below_zero(cash_fen: int, difference_fen: int) -> None:
    deposit_fen = deposit_after(cash_fen, difference_fen)
    assert deposit_fen >= 0
    assert deposit_fen == cash_fen + difference_fen or (deposit_fen == 0 and -difference_fen > cash_fen)


@pytest.mark.parametrize(
    ("closed", "due"),
    [
        ("2021-12-02", "2021-12-03"),
        ("2021-12-03", "2021-12-06"),  # over a weekend
        ("2021-09-17", "2021-09-18"),  # a Saturday that is worked
        ("2021-09-18", "2021-09-22"),  # Mid-Autumn, 19 to 21 September
        ("2021-09-30", "2021-10-08"),  # the National Day week
    ],
)
def test_cash_is_at_the_bank_by_the_next_working_day(closed: str, due: str) -> None:
    holidays = {date(2021, 9, day) for day in (19, 20, 21)} | {date(2021, 10, day) for day in range(1, 8)}
    worked = {date(2021, 9, 18), date(2021, 9, 26), date(2021, 10, 9)}
    assert deposit_due_on(date.fromisoformat(closed), holidays, worked) == date.fromisoformat(due)


def test_notes_and_coins_come_to_their_sum() -> None:
    assert counted({10000: 3, 500: 1, 10: 4}) == 30540


# ---------------------------------------------------------------- cards


async def test_a_slip_is_booked_once_whatever_its_key(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000, 4000, 32000])
    counter = await Counter.open(payments)
    first = await charge(counter, bills[:2], "s1")
    again = await charge(counter, bills[:2], "s1")
    assert first.json() == again.json()
    other = await charge(counter, bills[2:], "s1")
    assert (other.status_code, other.json()["code"]) == (409, "pos_slip_used")
    assert await bill_status(payments, bills[2]) == "open"
    assert (await summary(payments))["collected"]["amount_fen"] == 36000


async def test_one_slip_told_at_once_is_booked_once(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000, 32000])
    counter = await Counter.open(payments)
    await open_connections(payments)
    answers = await asyncio.gather(*[charge(counter, bills[at % 2 : at % 2 + 1], "s1") for at in range(6)])
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 409, 409, 409]
    assert (await summary(payments))["collected"]["amount_fen"] == 32000


async def test_a_void_in_time_opens_the_bills_and_voids_the_receipts(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000, 4000])
    counter = await Counter.open(payments)
    await charge(counter, bills, "s1")
    done = await void(counter, "s1")
    assert (done.status_code, done.json()["state"]) == (200, "voided")
    assert (await void(counter, "s1")).json() == done.json()  # told twice
    assert [await bill_status(payments, bill) for bill in bills] == ["open", "open"]
    assert (await void(counter, "s1", "v2")).json()["code"] == "pos_sale_voided"
    await charge(counter, bills, "s2")
    assert (await void(counter, "s2", "v1")).json()["code"] == "void_trace_used"
    figures = await summary(payments)
    assert figures["receipts"]["issued"] - figures["receipts"]["voided"] == 2
    assert (await counter.close(FLOAT_FEN)).json()["takings_fen"] == 36000
    assert (await balances(payments))["special_account"] == 36000


async def test_a_slip_that_was_voided_is_refused_when_it_comes_again(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000, 4000])
    counter = await Counter.open(payments)
    await charge(counter, bills[:1], "s1")
    assert (await void(counter, "s1")).status_code == 200
    again = await charge(counter, bills[:1], "s1")
    assert (again.status_code, again.json()["code"]) == (409, "pos_sale_voided")
    assert "重新刷卡" in again.json()["detail"]
    assert (await charge(counter, bills[1:], "s1")).json()["code"] == "pos_slip_used"
    assert [await bill_status(payments, bill) for bill in bills] == ["open", "open"]
    anew = await charge(counter, bills[:1], "s2")
    assert (anew.status_code, anew.json()["items"][0]["outcome"]) == (201, "settled")


async def test_a_slip_that_comes_again_while_it_is_voided_is_never_paid_without_its_bill(
    payments: InProcessSuite,
) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    await charge(counter, [bill], "s1")
    await open_connections(payments)
    answers = await asyncio.gather(void(counter, "s1"), *[charge(counter, [bill], "s1") for _ in range(4)])
    assert answers[0].status_code == 200
    assert {answer.status_code for answer in answers[1:]} <= {201, 409}  # before the void, or after it
    assert await bill_status(payments, bill) == "open"
    assert (await charge(counter, [bill], "s1")).json()["code"] == "pos_sale_voided"


async def test_what_cannot_be_voided(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter, other = await Counter.open(payments), await Counter.open(payments, code="HALL02", clerk="clerk-li")
    await charge(counter, [bill], "s1")
    assert (await void(counter, "s9")).json()["code"] == "pos_sale_unknown"
    assert (await void(other, "s1")).json()["code"] == "void_too_late"  # another shift's
    assert (await void(counter, "s1", shift_id=other.shift["shift_id"])).json()["code"] == "shift_of_another"
    assert (await void(counter, "s1", voided_at="2021-12-04T00:00:00+08:00")).json()["code"] == "void_too_late"
    assert (await void(counter, "s1", voided_at="2021-12-03T09:59:59+08:00")).json()["code"] == "void_too_late"
    assert await bill_status(payments, bill) == "paid"


@pytest.mark.channel("counter: void after settlement")
@pytest.mark.rule("S004-23")
async def test_after_the_acquirer_settled_a_sale_goes_back_as_a_refund(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    await charge(counter, [bill], "s1")
    twice = (await charge(counter, [bill], "s2")).json()["items"][0]
    assert twice["outcome"] == "surplus"
    assert (await counter.close(FLOAT_FEN)).status_code == 200
    payments.set_clock("2021-12-06 10:00")
    later = await Counter.open(payments)
    refused = await void(later, "s2", voided_at="2021-12-06T10:00:00+08:00")
    assert (refused.status_code, refused.json()["code"]) == (409, "void_too_late")
    order = refund_order(twice, later, "pos_return")
    paid = await post(payments.client("payments", "payments:pay"), "/v1/refunds", order)
    assert (paid.status_code, paid.json()["state"]) == (201, "settled")
    assert (await later.close(FLOAT_FEN)).json()["takings_fen"] == -32000
    assert (await balances(payments))["special_account"] == 32000


async def test_a_card_charged_at_a_terminal_that_nobody_registered_is_booked_and_an_alarm(
    payments: InProcessSuite,
) -> None:
    bills = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    assert (await charge(counter, bills, "s1")).json()["items"][0]["outcome"] == "settled"
    payments.set_clock("2021-12-03 10:01")
    assert "card_terminal_is_registered" in await alarms(payments)
    officer = checker(payments, "officer-li")
    terminal = {"pool": POOL, "terminal_no": "T1", "shop_no": "898140522000101", "counter_code": "HALL01",
                "region": "140522108"}  # fmt: skip
    assert (await post(officer, "/v1/pos-terminals", terminal)).status_code == 201
    assert "card_terminal_is_registered" not in await alarms(payments)
    moved = terminal | {"counter_code": "HALL02"}
    assert (await post(officer, "/v1/pos-terminals", moved)).json()["code"] == "pos_terminal_registered"
    assert (await post(officer, "/v1/pos-terminals/T1/withdraw", {"pool": POOL})).status_code == 200
    assert (await post(officer, "/v1/pos-terminals", moved)).status_code == 201
    listed = await officer.get("/v1/pos-terminals", params={"pool": POOL, "counter_code": "HALL02"})
    assert [row["terminal_no"] for row in listed.json()["items"]] == ["T1"]
    stranger = checker(payments, "officer-sun", area="140581")
    assert (await post(stranger, "/v1/pos-terminals", terminal | {"terminal_no": "T2"})).status_code == 403


# ---------------------------------------------------------------- the acquirer's file


def read_pos(text: str, file: PosFile) -> tuple[list[StatementLine], StatementReader]:
    data = text.encode("gbk")
    files = DayFiles(UnionPayFiles(), file, {}, {})
    layout, splitter, reader = open_file(Source.COUNTER, "", date(2021, 12, 3), files, data)
    assert layout == "pos_settlement"
    lines = [reader.take(line) for part in (splitter.feed(data), splitter.end()) for line in part]
    return [line for line in lines if line], reader


def test_an_acquirers_own_headings_words_and_delimiter_are_settings() -> None:
    file = PosFile(
        delimiter="|",
        headings={"终端号": "终端编号", "凭证号": "流水", "原凭证号": "原流水", "交易类型": "类型", "金额(元)": "金额"},
        sales=frozenset({"SALE"}),
        voids=frozenset({"VOID"}),
    )
    text = (
        "笔数|2|净额|0.00\n终端编号|批次号|流水|原批次号|原流水|交易时间|金额|类型|卡号\n"
        "T1|000001|000011|||20211203100000|320.00|SALE|6222****0001\n"
        "T1|000001|000012|000001|000011|20211203101000|320.00|VOID|6222****0001\n"
    )
    lines, reader = read_pos(text, file)
    assert [(line.kind, line.reference, line.amount_fen, line.faults) for line in lines] == [
        ("payment", "pos/T1/000001/000011", 32000, ()),
        ("reversal", "pos/T1/000001/000011", 32000, ()),
    ]
    assert reader.told == reader.found


def test_an_unknown_column_of_the_settings_is_refused() -> None:
    with pytest.raises(ValueError, match="流水号"):
        PosFile(headings={"流水号": "x"})


# ---------------------------------------------------------------- cash


async def test_cash_is_collected_at_once_and_settled_when_its_deposit_slip_is_confirmed(
    payments: InProcessSuite,
) -> None:
    bills = await issue_bills(payments, [32000, 4000, 32000])
    counter = await Counter.open(payments)
    await counter.take(bills[:2])
    await charge(counter, bills[2:], "s1")
    count = [{"value_fen": 10000, "count": 8}, {"value_fen": 1000, "count": 6}]
    path = f"/v1/shifts/{counter.shift['shift_id']}/close"
    body = {"pool": POOL, "counted_cash_fen": FLOAT_FEN + 36000, "denominations": count}
    shift = (await post(counter.client, path, body, version=1)).json()
    assert (shift["status"], shift["deposit_fen"], shift["deposit_due_on"]) == ("closed", 36000, "2021-12-06")
    assert shift["denominations"] == count
    found = await balances(payments)
    assert (found["special_account"], found["held/counter/HALL01"]) == (32000, 36000)
    wrong = await deposit(counter, [shift], total_fen=35000)
    assert wrong.json()["code"] == "total_differs"
    written = (await deposit(counter, [shift])).json()
    assert (await deposit(counter, [shift])).json()["errors"][0]["code"] == "in_another_slip"
    assert (await check(checker(payments, "clerk-wang"), written)).json()["code"] == "four_eyes"
    items = await counter.client.get(f"/v1/remittances/{written['remittance_id']}/items", params={"pool": POOL})
    assert [item["amount_fen"] for item in items.json()["items"]] == [36000]
    assert (await check(checker(payments, "county-sun"), written)).status_code == 200
    found = await balances(payments)
    assert found["special_account"] == 68000
    assert not [account for account in found if account.startswith("held/")]


async def test_a_rejected_deposit_slip_sets_its_shifts_free_and_several_shifts_go_on_one(
    payments: InProcessSuite,
) -> None:
    bills = await issue_bills(payments, [32000, 4000])
    shifts = []
    for at in range(2):
        counter = await Counter.open(payments)
        await counter.take(bills[at : at + 1])
        shifts.append((await counter.close(FLOAT_FEN + bills[at].amount_fen)).json())
    first = (await deposit(counter, shifts[:1])).json()
    assert (await check(checker(payments, "county-sun"), first, result="rejected")).status_code == 200
    both = (await deposit(counter, shifts)).json()
    assert (both["items_count"], both["total_fen"]) == (2, 36000)
    assert (await check(checker(payments, "county-sun"), both)).status_code == 200
    assert (await balances(payments))["special_account"] == 36000


@pytest.mark.channel("counter: cash difference")
@pytest.mark.parametrize("difference_fen", [-500, 500])
async def test_a_difference_is_booked_by_a_second_person_before_the_cash_is_deposited(
    payments: InProcessSuite, difference_fen: int
) -> None:
    bills = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    await counter.take(bills)
    shift = (await counter.close(FLOAT_FEN + 32000 + difference_fen)).json()
    assert (shift["status"], shift["difference_fen"]) == ("differs", difference_fen)
    assert (await deposit(counter, [shift])).json()["errors"][0]["code"] == "not_closed"
    payments.set_clock("2021-12-06 10:01")
    assert "cash_difference_is_booked" in await alarms(payments)
    assert (await book_difference(payments, shift, by="clerk-wang")).json()["code"] == "four_eyes"
    booked = (await book_difference(payments, shift)).json()
    assert (booked["status"], booked["deposit_fen"]) == ("closed", 32000 + difference_fen)
    assert (await book_difference(payments, booked)).json()["code"] == "no_difference"
    found = await balances(payments)
    assert (found["held/counter/HALL01"], found["cash_difference"]) == (32000 + difference_fen, -difference_fen)
    written = (await deposit(counter, [booked])).json()
    assert (await check(checker(payments, "county-sun"), written)).status_code == 200
    assert (await balances(payments))["special_account"] == 32000 + difference_fen


@pytest.mark.channel("counter: cash difference")
@pytest.mark.parametrize(("taken", "counted_fen"), [(0, 45000), (1, 45000), (1, FLOAT_FEN)])
async def test_what_is_missing_from_the_float_is_taken_from_no_deposit(
    payments: InProcessSuite, taken: int, counted_fen: int
) -> None:
    bills = await issue_bills(payments, [4000, 32000])
    counter = await Counter.open(payments)
    for bill in bills[:taken]:
        await counter.take([bill])
    shift = (await counter.close(counted_fen)).json()
    booked = (await book_difference(payments, shift)).json()
    missing_fen = counted_fen - FLOAT_FEN - 4000 * taken
    assert (booked["status"], booked["deposit_fen"], booked["difference_fen"]) == ("closed", 0, missing_fen)
    # What was collected and is gone is on the difference account, the float on none.
    found = await balances(payments)
    assert (found.get("cash_difference", 0), found.get("held/counter/HALL01", 0)) == (4000 * taken, 0)
    assert (await deposit(counter, [booked], total_fen=1)).json()["errors"][0]["code"] == "no_cash"
    later = await Counter.open(payments)
    await later.take(bills[1:])
    next_shift = (await later.close(FLOAT_FEN + 32000)).json()
    written = await deposit(later, [next_shift])
    assert (written.status_code, written.json()["total_fen"]) == (201, 32000)
    assert (await check(checker(payments, "county-sun"), written.json())).status_code == 200
    payments.set_clock("2021-12-08 10:00")
    assert not await alarms(payments) & {"cash_is_deposited", "cash_difference_is_booked"}


async def test_a_drawer_that_paid_out_more_than_it_took_has_it_from_the_special_account(
    payments: InProcessSuite,
) -> None:
    [bill] = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    await charge(counter, [bill], "s1")
    twice = (await charge(counter, [bill], "s2")).json()["items"][0]
    order = refund_order(twice, counter, "cash")
    assert (await post(payments.client("payments", "payments:pay"), "/v1/refunds", order)).status_code == 201
    shift = (await counter.close(FLOAT_FEN - 32000)).json()
    assert (shift["status"], shift["deposit_fen"], shift["takings_fen"]) == ("closed", 0, 32000)
    assert (await deposit(counter, [shift], total_fen=1)).json()["errors"][0]["code"] == "no_cash"
    assert (await balances(payments))["special_account"] == 32000


async def test_the_cash_journal_runs_through_the_drawer(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000, 4000])
    counter = await Counter.open(payments)
    await counter.take(bills[:1])
    payments.set_clock("2021-12-03 11:00")
    await counter.take(bills[1:])
    await charge(counter, bills[:1], "s1")  # a card is not in the drawer
    path = f"/v1/shifts/{counter.shift['shift_id']}/cash-journal"
    journal = (await counter.client.get(path, params={"pool": POOL})).json()
    assert [(move["kind"], move["in_fen"], move["balance_fen"]) for move in journal["items"]] == [
        ("payment", 32000, FLOAT_FEN + 32000),
        ("payment", 4000, FLOAT_FEN + 36000),
    ]
    assert journal["balance_fen"] == FLOAT_FEN + 36000


async def test_cash_that_is_not_deposited_by_the_next_working_day_is_an_alarm(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    await counter.take(bills)
    shift = (await counter.close(FLOAT_FEN + 32000)).json()
    payments.set_clock("2021-12-06 23:59:59")  # Monday
    assert "cash_is_deposited" not in await alarms(payments)
    payments.set_clock("2021-12-07 00:00:01")
    assert "cash_is_deposited" in await alarms(payments)
    overdue = await counter.client.get(
        "/v1/remittances/overdue", params={"pool": POOL, "as_of": "2021-12-30T10:00:00+08:00"}
    )
    assert [(row["holder"], row["held_fen"]) for row in overdue.json()["items"]] == [("counter", 32000)]
    await deposit(counter, [shift])
    assert "cash_is_deposited" not in await alarms(payments)


async def test_a_deposit_of_two_at_once_takes_a_shift_once(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000])
    counter = await Counter.open(payments)
    await counter.take(bills)
    shift = (await counter.close(FLOAT_FEN + 32000)).json()
    await open_connections(payments)
    answers = await asyncio.gather(*[deposit(counter, [shift]) for _ in range(5)])
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    other = Counter(payments.client("payments", "payments:read payments:write", user="x", area="140581"), shift)
    assert (await deposit(other, [shift])).status_code == 403


@pytest.mark.parametrize(
    "denominations",
    [
        [{"value_fen": 10000, "count": 4}],
        [{"value_fen": 10000, "count": 2}, {"value_fen": 10000, "count": 3}],
        [{"value_fen": 700, "count": 1}],
    ],
)
async def test_notes_and_coins_that_are_not_the_count_are_a_fault(
    payments: InProcessSuite, denominations: list[dict[str, int]]
) -> None:
    counter = await Counter.open(payments)
    path = f"/v1/shifts/{counter.shift['shift_id']}/close"
    body = {"pool": POOL, "counted_cash_fen": FLOAT_FEN, "denominations": denominations}
    assert (await post(counter.client, path, body, version=1)).status_code == 422
