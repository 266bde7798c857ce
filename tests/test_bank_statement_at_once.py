"""The bank takes money back while two people take the same money back by its statement."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from shared.codes import Channel
from tests.bank_town import DAY, code, open_town, payment, reversal
from tests.payments_agents import open_connections
from tests.payments_town import issue_bills
from tests.statements_town import Desk, Paid, check_file


@pytest.mark.lesson("N workers")
async def test_a_reversal_and_an_approval_at_once_take_the_money_back_once(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_town(databases, tmp_path / "keys", monkeypatch.setenv) as town:
        bills, line, desk = await issue_bills(town.suite, [32000] * 8), town.line(), Desk(town.suite)
        sold = [Paid(Channel.BANK, f"A{n}", bill.bill_no) for n, bill in enumerate(bills)]
        for each in sold:
            assert code(await line.tell("pay", DAY, each.number, payment(each.bill_no))) == "accepted"
        town.suite.set_clock("2021-12-05 18:00")
        await desk.bring(Channel.BANK, check_file(sold, [replace(each, number=f"R{each.number}") for each in sold]))
        found = await desk.open_exceptions()
        assert [each["kind"] for each in found] == ["channel_failed"] * 8
        proposals = [(await desk.propose(each, "reverse")).json() for each in found]
        await open_connections(town.suite)
        approvals, answers = await asyncio.gather(
            asyncio.gather(*[desk.approve(each) for each in proposals]),
            asyncio.gather(*[line.tell("reverse", DAY, f"R{each.number}", reversal(each.number)) for each in sold]),
        )
        assert {approval.status_code for approval in approvals} <= {200, 409}
        # Who is second is told so: nothing is left to take back.
        assert {code(answer) for answer in answers} <= {"accepted", "day_over"}
        approved = [approval.status_code for approval in approvals].count(200)
        taken = approved + [code(answer) for answer in answers].count("accepted")
        assert taken == 8
        assert await town.rows("select 1 from collection where reversed_at is null") == []
        assert await desk.balances() == {}
        assert {(await town.bill(bill))["status"] for bill in bills} == {"open"}
        standing = {await town.states(each.number) for each in sold}
        assert standing <= {("reversed", "reversed", "reversed"), ("reversed", "reversed", "done")}
