"""The chain order ↔ channel ↔ bank ↔ treasury: what a channel owes for a day arrives in the special account, in
whatever order files come; what does not fit is a break that two people end, and running again changes nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from services.payments.formats.fund_flow import INSTITUTION as WECHAT_ACCOUNT
from services.payments.rules.settlements import Source
from services.payments.store import settlements as settlement_store
from shared.codes import Channel
from tests.payments_town import POOL, issue_bills
from tests.settlements_town import (
    ACCOUNTS,
    D1,
    D2,
    D4,
    D9,
    RURAL,
    TENPAY,
    TREASURY,
    Line,
    account_file,
    bring_account,
    chain,
    flow_file,
    kinds,
    move_to,
    sell,
    states,
)
from tests.statements_town import DAY, PRINT, Desk, Paid, book, check_file, trade_bill, work
from tests.suite import InProcessSuite, close_app
from tests.treasury_town import open_treasury


@pytest.fixture
async def payments(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[InProcessSuite]:
    monkeypatch.setenv("PAYMENTS_MONEY_ACCOUNTS", json.dumps(ACCOUNTS))
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock(f"{DAY} 12:30")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


@pytest.fixture
async def desk(payments: InProcessSuite) -> Desk:
    return Desk(payments)


# --- a day that fits --------------------------------------------------------------------------------------------------


async def test_a_day_is_followed_to_the_special_account(payments: InProcessSuite, desk: Desk) -> None:
    sold = {channel: await sell(payments, channel) for channel in (Channel.WECHAT, Channel.BANK, Channel.ETAX)}
    payments.set_clock(f"{D1} 10:00")
    for channel, money in sold.items():
        await desk.bring(channel, PRINT[channel](money))
    found = await chain(desk)
    assert {name: states(item) for name, item in found.items()} == {
        "wechat": ["agreed", "waiting", "none"],
        "bank": ["agreed", "waiting", "none"],
        "etax": ["agreed", "none", "none"],  # the tax bureau pays the treasury, not us
    }
    before = await desk.balances()
    statement = await bring_account(desk, [("B1", 96000, TENPAY, "结算"), ("B2", 96000, RURAL, "代收保费")])
    assert (statement["state"], statement["agreed"]) == ("accepted", 2)
    found = await chain(desk)
    assert [states(found[name])[:2] for name in ("wechat", "bank")] == [["agreed", "agreed"]] * 2
    assert found["wechat"]["money"] == {
        "state": "agreed", "settlement_state": "arrived", "expected_fen": 96000, "arrived_fen": 96000, "fee_fen": 0,
        "lines": [{"account": "special", "day": D1, "statement_id": statement["statement_id"], "row_no": 1,
                   "reference": "B1", "part": "arrived", "amount_fen": 96000}],
    }  # fmt: skip
    assert {item["broken_at"] for item in found.values()} == {None}
    assert await desk.balances() == before, "the ledger's special account is what was collected, as before"
    await move_to(payments, D9)
    assert await kinds(desk) == []


async def test_one_line_brings_a_weekend_and_what_went_back_is_taken_off(payments: InProcessSuite, desk: Desk) -> None:
    bills = await issue_bills(payments, [32000] * 4)
    days = [DAY, D1, D2]
    sold: list[list[Paid]] = []
    for n, day in enumerate(days):
        payments.set_clock(f"{day} 12:30")
        part = [Paid(Channel.WECHAT, f"42000{n}{k}", bill.bill_no) for k, bill in enumerate(bills[n : n + 2][:2])]
        part = [Paid(one.channel, one.number, one.bill_no, at=payments.clock.now()) for one in part[: 2 - (n > 0)]]
        await book(payments, part)
        sold.append(part)
    payments.set_clock(f"{D4} 10:00")
    for day, part in zip(days, sold, strict=True):
        await desk.bring(Channel.WECHAT, trade_bill(part), day=day)
    total = sum(each.amount_fen for part in sold for each in part)
    await bring_account(desk, [("B1", total, TENPAY, "结算")], "2021-12-08")
    assert [states((await chain(desk, day))["wechat"])[1] for day in days] == ["agreed"] * 3


@pytest.mark.parametrize("first", ["money", "statement"])
async def test_the_order_in_which_files_come_does_not_matter(first: str, payments: InProcessSuite, desk: Desk) -> None:
    sold = await sell(payments, Channel.BANK)
    payments.set_clock(f"{D1} 10:00")
    for part in ("money", "statement") if first == "money" else ("statement", "money"):
        if part == "money":
            await bring_account(desk, [("B2", 96000, RURAL, "")])
        else:
            await desk.bring(Channel.BANK, check_file(sold))
    await move_to(payments, D2)
    assert states((await chain(desk))["bank"])[:2] == ["agreed", "agreed"]
    assert await kinds(desk) == []


async def test_files_twice_and_looked_over_again_change_nothing(payments: InProcessSuite, desk: Desk) -> None:
    sold = await sell(payments, Channel.WECHAT)
    payments.set_clock(f"{D1} 10:00")
    await desk.bring(Channel.WECHAT, trade_bill(sold))
    lines: list[Line] = [("B1", 96000, TENPAY, "结算"), ("B9", 500, "张三", "误汇")]
    statement = await bring_account(desk, lines)
    before = (await chain(desk), await desk.balances(), await desk.rows(statement["statement_id"]))
    again = await bring_account(desk, lines)
    assert again["statement_id"] == statement["statement_id"]
    path = f"/v1/statements/{statement['statement_id']}/reconcile"
    for _ in range(2):
        assert (await desk.wang.post(path, json={"pool": POOL})).status_code == 200
        await work(payments)
    assert (await chain(desk), await desk.balances(), await desk.rows(statement["statement_id"])) == before


async def test_two_workers_give_a_settlement_to_one_line(payments: InProcessSuite, desk: Desk) -> None:
    """Two lists of the account on two days, each with a line that would fit the one day that is owed."""
    sold = await sell(payments, Channel.WECHAT)
    payments.set_clock(f"{D2} 10:00")
    await desk.bring(Channel.WECHAT, trade_bill(sold))
    account: Any = Source.ACCOUNT
    for day in (D1, D2):
        file = account_file([(f"B{day}", 96000, TENPAY, "结算")], day)
        assert (await desk.upload(account, file, day=day, institution="special")).status_code == 201
    second = payments.make_app("payments")
    await asyncio.gather(work(payments), work(payments, second), return_exceptions=True)
    await work(payments)
    await close_app(second)
    [line] = (await chain(desk))["wechat"]["money"]["lines"]
    assert line["amount_fen"] == 96000
    await move_to(payments, D9)
    assert await kinds(desk) == [("ours_missing", "open")], "the other line is money that nobody owes"


async def test_workers_take_turns_where_no_settlement_is_known_yet(payments: InProcessSuite) -> None:
    """One that is written down while both look has no row that either could have locked."""
    database = payments.apps["payments"].state.service.database

    async def hold() -> None:
        async with database.writing() as tx:
            await settlement_store.hold(tx, POOL)

    async with database.writing() as first:
        await settlement_store.hold(first, POOL)
        second = asyncio.create_task(hold())
        await asyncio.wait({second}, timeout=0.2)
        assert not second.done()
    await second


async def test_a_worker_that_is_cut_off_leaves_nothing_half_done(payments: InProcessSuite, desk: Desk) -> None:
    sold = await sell(payments, Channel.WECHAT)
    payments.set_clock(f"{D1} 10:00")
    account: Any = Source.ACCOUNT
    await desk.upload(Channel.WECHAT, trade_bill(sold))
    await desk.upload(account, account_file([("B1", 96000, TENPAY, "结算")]), day=D1, institution="special")
    for n in range(1, 12):
        doomed = asyncio.create_task(work(payments))
        await asyncio.sleep(0.004 * n)
        doomed.cancel()
        await asyncio.gather(doomed, return_exceptions=True)
    await work(payments)
    await move_to(payments, D2)
    found = (await chain(desk))["wechat"]
    assert (states(found)[:2], len(found["money"]["lines"])) == (["agreed", "agreed"], 1)


_BY = "bank_reference, status, submitted_by, submitted_at, version"
_SUBMITTED = "'CZ-7', 'submitted', 'a', now(), 1"
_SLIP = (
    "(pool, remittance_id, from_account, to_account, region, scheme, items_count, total_fen, interest_fen, paid_on, "
    f"{_BY}) "
    "values (:pool, gen_random_uuid(), 'held/{holder}', 'special_account', :pool, '', 1, 49900, 100, "
    f"cast(:day as date), {_SUBMITTED})"
)
_CLAIM = (
    f"(pool, claim_receipt_id, payer, amount_fen, received_on, {_BY}) "
    f"values (:pool, gen_random_uuid(), 'county_finance', 50000, cast(:day as date), {_SUBMITTED})"
)
PAID_IN = {
    "claim": ("claim_receipt", _CLAIM, ", due_fen = amount_fen"),
    "agent": ("remittance", _SLIP.format(holder="town/140522108"), ""),
    "counter": ("remittance", _SLIP.format(holder="counter/H1"), ""),
}
"""What somebody has paid in: the table, a row of it, and what its confirmation sets besides."""


@pytest.mark.parametrize("channel", PAID_IN)
async def test_slips_and_claims_come_under_the_banks_number(channel: str, payments: InProcessSuite, desk: Desk) -> None:
    payments.set_clock(f"{D1} 10:00")
    table, row, besides = PAID_IN[channel]
    database = payments.apps["payments"].state.database
    day = payments.clock.now().date()
    async with database.writing() as tx:
        await tx.execute(f"insert into {table} {row}", pool=POOL, day=day)
        await tx.execute(f"update {table} set status = 'confirmed', checked_by = 'b', checked_at = now(){besides}")
    await bring_account(desk, [("B6", 50000, TENPAY, "CZ-77"), ("B7", 50000, "某单位", "CZ-7 缴存")])
    await work(payments)
    found = (await chain(desk, D1))[channel]
    assert states(found) == ["none", "agreed", "none"]
    assert [line["reference"] for line in found["money"]["lines"]] == ["B7"]
    async with database.writing() as tx:  # its postings are not what this test is about
        await tx.execute(f"delete from {table}")


async def test_a_slip_of_another_sum_is_confirmed_by_two(payments: InProcessSuite, desk: Desk) -> None:
    payments.set_clock(f"{D1} 10:00")
    database = payments.apps["payments"].state.database
    async with database.writing() as tx:
        await tx.execute(f"insert into remittance {PAID_IN['agent'][1]}", pool=POOL, day=payments.clock.now().date())
        await tx.execute("update remittance set status = 'confirmed', checked_by = 'b', checked_at = now()")
    await bring_account(desk, [("B7", 49000, "某单位", "CZ-7")])
    await move_to(payments, "2021-12-10")
    line = next(each for each in await desk.open_exceptions() if each["channel"] == "account")
    assert (line["kind"], line["channel_fen"], line["our_fen"]) == ("amount_differs", 49000, 50000)
    await desk.resolve(line, "confirm")
    [short] = await desk.open_exceptions()
    assert (short["kind"], short["channel"], short["our_fen"], short["channel_fen"]) == (
        "money_missing", "agent", 50000, 49000,
    )  # fmt: skip
    await desk.resolve(short, "ignore")
    async with database.writing() as tx:
        await tx.execute("delete from remittance")


# --- what does not fit ------------------------------------------------------------------------------------------------


async def test_money_that_does_not_come_is_a_break_until_it_comes(payments: InProcessSuite, desk: Desk) -> None:
    sold = await sell(payments, Channel.WECHAT)
    payments.set_clock(f"{D1} 10:00")
    await desk.bring(Channel.WECHAT, trade_bill(sold))
    await move_to(payments, "2021-12-08")
    assert await kinds(desk) == [], "T+3 is not over"
    await move_to(payments, D4)
    [found] = await desk.open_exceptions()
    assert (found["kind"], found["our_fen"], found["channel_fen"], found["owner"], found["due_on"]) == (
        "money_missing", 96000, 0, "agency", "2021-12-16",
    )  # fmt: skip
    assert found["possible"] == ["suspend", "ignore", "wait"]
    item = (await chain(desk))["wechat"]
    assert (item["broken_at"], [each["kind"] for each in item["exceptions"]]) == ("money", ["money_missing"])
    await bring_account(desk, [("B1", 96000, TENPAY, "")], D4)
    await work(payments)
    assert await kinds(desk) == [("money_missing", "superseded")]
    assert (await chain(desk))["wechat"]["broken_at"] is None


async def test_short_money_stands_in_suspense_and_goes_back_when_it_comes(payments: InProcessSuite, desk: Desk) -> None:
    sold = await sell(payments, Channel.WECHAT)
    payments.set_clock(f"{D1} 10:00")
    await desk.bring(Channel.WECHAT, trade_bill(sold))
    await bring_account(desk, [("B1", 90000, TENPAY, "结算")])
    await move_to(payments, "2021-12-10")
    line = next(each for each in await desk.open_exceptions() if each["channel"] == "account")
    assert (line["kind"], line["possible"]) == ("amount_differs", ["confirm", "suspend", "ignore", "wait"])
    assert (await desk.approve((await desk.propose(line, "confirm")).json(), client=desk.zhao)).status_code == 409
    line = next(each for each in await desk.open_exceptions() if each["channel"] == "account")
    assert (await desk.approve(line, client=desk.li)).status_code == 200
    await work(payments)
    short = next(each for each in await desk.open_exceptions() if each["kind"] == "money_missing")
    assert (short["our_fen"], short["channel_fen"]) == (96000, 90000)
    await desk.resolve(short, "suspend")
    balances = await desk.balances()
    assert (balances["special_account"], balances["short/wechat"]) == (90000, 6000)
    await bring_account(desk, [("B2", 6000, TENPAY, "补结算")], "2021-12-10")
    for _ in range(2):
        await work(payments)
    balances = await desk.balances()
    assert balances["special_account"] == 96000
    assert "short/wechat" not in balances
    assert (await chain(desk))["wechat"]["money"]["settlement_state"] == "arrived"
    assert await desk.open_exceptions() == []


async def test_money_that_nobody_owes_and_lines_that_are_not_known(payments: InProcessSuite, desk: Desk) -> None:
    payments.set_clock(f"{D1} 10:00")
    lines: list[Line] = [("B1", 700, "张三", "误汇"), ("B2", -500, TREASURY, "上缴"), ("B3", -300, "李四", "?")]
    statement = await bring_account(desk, lines)
    assert await desk.results(statement["statement_id"]) == ["pending", "matched", "unknown"]
    await move_to(payments, "2021-12-10")
    found = {each["kind"]: each for each in await desk.open_exceptions()}
    assert set(found) == {"ours_missing", "unknown"}
    await desk.resolve(found["ours_missing"], "suspend")
    await desk.resolve(found["unknown"], "ignore")
    balances = await desk.balances()
    assert balances["special_account"] == 700
    assert balances["over/account"] == -700
    assert await desk.open_exceptions() == []


async def test_another_version_of_a_statement_reopens_what_it_changes_alone(
    payments: InProcessSuite, desk: Desk
) -> None:
    sold = await sell(payments, Channel.WECHAT)
    other = await sell(payments, Channel.BANK)
    payments.set_clock(f"{D1} 10:00")
    await desk.bring(Channel.BANK, check_file(other))
    await desk.bring(Channel.WECHAT, trade_bill(sold[:2]))
    await bring_account(desk, [("B1", 64000, TENPAY, ""), ("B2", 96000, RURAL, "")])
    await work(payments)
    assert [states(item)[1] for item in (await chain(desk)).values()] == ["agreed", "agreed"]
    await desk.bring(Channel.WECHAT, trade_bill(sold))
    await work(payments)
    found = await chain(desk)
    assert (states(found["wechat"])[1], found["wechat"]["money"]["expected_fen"]) == ("waiting", 96000)
    assert states(found["bank"])[1] == "agreed"
    corrected: list[Line] = [("B1", 64000, TENPAY, ""), ("B2", 96000, RURAL, ""), ("B3", 32000, TENPAY, "补")]
    await bring_account(desk, corrected)
    await work(payments)
    found = await chain(desk)
    assert {name: states(item)[1] for name, item in found.items()} == {"wechat": "agreed", "bank": "agreed"}
    assert [line["reference"] for line in found["wechat"]["money"]["lines"]] == ["B1", "B3"]


async def test_a_file_whose_totals_differ_brings_nothing_until_a_second_person_takes_it(
    payments: InProcessSuite, desk: Desk
) -> None:
    sold = await sell(payments, Channel.WECHAT)
    payments.set_clock(f"{D1} 10:00")
    await desk.bring(Channel.WECHAT, trade_bill(sold))
    account: Any = Source.ACCOUNT
    file = account_file([("B1", 96000, TENPAY, "")]).replace(b",1,", b",2,", 1)
    statement = await desk.bring(account, file, day=D1, institution="special")
    assert statement["state"] == "differs"
    assert states((await chain(desk))["wechat"])[1] == "waiting"
    assert (await desk.check(statement, client=desk.wang)).json()["code"] == "four_eyes"
    assert (await desk.check(statement)).status_code == 200
    await work(payments)
    assert states((await chain(desk))["wechat"])[1] == "agreed"
    [totals] = await desk.open_exceptions()
    assert totals["kind"] == "totals_differ"
    await desk.resolve(totals, "ignore")


# --- fees, sheets, areas ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["flow", "bill"])
async def test_what_wechat_keeps_as_its_fee_is_told_apart(first: str, payments: InProcessSuite, desk: Desk) -> None:
    sold = await sell(payments, Channel.WECHAT, 2)
    payments.set_clock(f"{D1} 10:00")
    account: Any = Source.ACCOUNT
    trades = [("交易", each.number, 32000) for each in sold]
    flows = flow_file([*trades, ("扣除交易手续费", sold[0].number, -384), ("提现", "W1", -63616)])
    for part in ("flow", "bill") if first == "flow" else ("bill", "flow"):
        if part == "bill":
            await desk.bring(Channel.WECHAT, trade_bill(sold))
        else:
            statement = await desk.bring(account, flows, institution=WECHAT_ACCOUNT)
    await bring_account(desk, [("B1", 63616, TENPAY, "提现")])
    for day in (D2, "2021-12-08"):
        await move_to(payments, day)
    assert await desk.results(statement["statement_id"]) == ["matched"] * 4
    found = (await chain(desk))["wechat"]["money"]
    assert (found["state"], found["expected_fen"], found["arrived_fen"], found["fee_fen"]) == (
        "agreed", 64000, 63616, 384,
    )  # fmt: skip
    assert await kinds(desk) == []


async def test_the_accountants_table_is_in_chinese(payments: InProcessSuite, desk: Desk, tmp_path: Path) -> None:
    sold = await sell(payments, Channel.WECHAT)
    payments.set_clock(f"{D1} 10:00")
    await desk.bring(Channel.WECHAT, trade_bill(sold))
    await bring_account(desk, [("B1", 96000, TENPAY, "结算")])
    await work(payments)
    params = {"pool": POOL, "first": DAY, "last": D1}
    answer = await desk.wang.get("/v1/reconciliation/chain.xlsx", params=params)
    (tmp_path / "chain.xlsx").write_bytes(answer.content)
    table = CalamineWorkbook.from_path(tmp_path / "chain.xlsx").get_sheet_by_index(0).to_python()
    row = dict(zip(table[0], table[1], strict=True))
    assert (row["渠道"], row["渠道对账"], row["资金到账"], row["银行流水号"], row["国库入库"]) == (
        "微信", "相符", "相符", "B1", "无此环节",
    )  # fmt: skip
    assert float(str(row["应到(元)"])) == 960
    too_long = await desk.wang.get("/v1/reconciliation/chain.xlsx", params={**params, "last": "2022-01-05"})
    assert too_long.json()["code"] == "export_too_long"


async def test_only_accounts_and_pools_of_ones_own(payments: InProcessSuite, desk: Desk) -> None:
    payments.set_clock(f"{D1} 10:00")
    account: Any = Source.ACCOUNT
    file = account_file([("B1", 100, "x", "")])
    for institution, code in (
        ("elsewhere", "account_unknown"),
        ("nowhere", "account_unknown"),
        ("", "institution_needed"),
    ):
        answer = await desk.upload(account, file, day=D1, institution=institution)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    village = payments.client("payments", "payments:read payments:write", area=f"{POOL}108")
    answer = await village.get("/v1/reconciliation/chain", params={"pool": POOL, "day": DAY})
    assert (answer.status_code, answer.json()["code"]) == (403, "area_forbidden")
    refused = await desk.upload(account, file, day=D1, institution="special", client=village)
    assert refused.json()["code"] == "area_forbidden"


# --- the last link ----------------------------------------------------------------------------------------------------


async def test_the_treasury_is_the_last_link_and_a_voucher_that_differs_is_a_break(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYMENTS_MONEY_ACCOUNTS", json.dumps(ACCOUNTS))
    async with open_treasury(databases, tmp_path / "keys", monkeypatch) as town:
        desk = Desk(town.suite)
        bills = await issue_bills(town.suite, [32000] * 3)
        for bill, voucher in zip(bills, ("V1", "V1", "V2"), strict=True):
            await town.collect({"bill_no": bill.bill_no, "voucher_no": voucher})
        assert (await chain(desk))["etax"]["treasury"] == {"state": "waiting", "posted_count": 0, "posted_fen": 0}
        await town.handed_over("V1", -100)
        await town.post_day()
        await work(town.suite)
        [found] = await desk.open_exceptions()
        assert (found["kind"], found["channel"], found["institution"]) == ("treasury_differs", "treasury", "V1")
        assert (found["our_fen"], found["channel_fen"]) == (64000, 63900)
        assert found["possible"] == ["ignore", "wait"]
        assert (await chain(desk))["etax"]["treasury"] == {"state": "waiting", "posted_count": 1, "posted_fen": 32000}
        town.suite.set_clock("2021-12-20 10:00")
        assert (await chain(desk))["etax"]["broken_at"] == "statement", "none has come"
        await town.handed_over("V1", 100)
        await town.post_day()
        for _ in range(2):
            await work(town.suite)
        assert [each["state"] for each in await desk.exceptions() if each["kind"] == "treasury_differs"] == [
            "superseded"
        ]
        assert (await chain(desk))["etax"]["treasury"]["state"] == "agreed"
