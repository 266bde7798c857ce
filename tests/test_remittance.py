"""Remittance (S000-42…49, S002-28…32): a receipt stands in one slip, the slip's total is its receipts, a second person
confirms, and everything ends in the special account; claims are received up to what is due."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.payments.rules import remittances as rules
from services.payments.rules.remittances import Holder
from services.payments.schemas.remittances import OtherPayer
from shared.codes import Payer
from shared.ids import new_id
from tests.payments_agents import Agent, balances, check, checker, close, open_connections, post, summary
from tests.payments_town import POOL, REGION, Counter, IssuedBill, issue_bills
from tests.registration_town import (
    SCHEME,
    SCHOOL,
    SCHOOL_COLUMNS,
    VILLAGE,
    Villager,
    found_town,
    hand_in,
    number,
    roster_file,
)
from tests.suite import InProcessSuite, close_app

TOWN = "140522108"
TOWN_ACCOUNT = f"held/town/{TOWN}"


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 10:00")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


async def collect(suite: InProcessSuite, agent: Agent, count: int, *, first: int = 1) -> list[dict[str, Any]]:
    """An agent takes money for new bills; the results of its lines."""
    bills = await issue_bills(suite, [32000] * count)
    return await agent.send([agent.pay(first + at, bill) for at, bill in enumerate(bills)])


async def hand_on(suite: InProcessSuite, slips: list[dict[str, Any]], **other: Any) -> httpx.Response:
    """The town's finance officer hands confirmed slips on to the special account."""
    body = {
        "pool": POOL,
        "from_account": TOWN_ACCOUNT,
        "to": "special_account",
        "slips": [slip["remittance_id"] for slip in slips],
        "total_fen": sum(slip["total_fen"] for slip in slips),
        "paid_on": "2021-12-05",
        "bank_reference": f"bank-{new_id()}",
        **other,
    }
    return await post(checker(suite, "town-wu", area=TOWN), "/v1/remittances", body)


# ---------------------------------------------------------------- rules, without a database


@pytest.mark.parametrize(
    ("account", "ledger_id", "town"),
    [
        (f"held/agent/{UUID(int=7)}", UUID(int=7), None),
        ("held/town/140522108", None, "140522108"),
    ],
)
def test_a_holder_is_named_by_the_account(account: str, ledger_id: UUID | None, town: str | None) -> None:
    assert Holder.of(account) == Holder(ledger_id, town)
    assert Holder.of(account).account == account


@pytest.mark.parametrize("account", ["held/shift/1", "special_account", "held/agent/1", "other/town/140522108"])
def test_other_accounts_hand_nothing_over(account: str) -> None:
    with pytest.raises(ValueError, match=r"no agent's account|hexadecimal"):
        Holder.of(account)


@pytest.mark.parametrize(
    ("region", "town"), [("140522108200", "140522108"), ("140522108", "140522108"), ("140522", None)]
)
def test_the_town_of_a_region(region: str, town: str | None) -> None:
    assert rules.town_of(region) == town


@pytest.mark.parametrize(
    ("taken", "as_of", "days", "overdue"),
    [
        ("2021-12-01T23:59:59+08:00", "2021-12-08T23:59:59+08:00", 7, False),
        ("2021-12-01T23:59:59+08:00", "2021-12-09T00:00:00+08:00", 7, True),
        ("2021-12-05T00:00:00+08:00", "2021-12-05T23:59:59+08:00", 0, False),
        ("2021-12-05T15:59:59+00:00", "2021-12-05T16:00:00+00:00", 0, True),
    ],
)
def test_money_is_overdue_when_held_for_more_days(taken: str, as_of: str, days: int, overdue: bool) -> None:
    before = rules.overdue_before(datetime.fromisoformat(as_of), days)
    assert (datetime.fromisoformat(taken) < before) is overdue


def test_every_payer_but_the_person_may_owe_something() -> None:
    assert {payer.value for payer in OtherPayer} == set(Payer) - {Payer.PERSON}


# ---------------------------------------------------------------- slips


@pytest.mark.rule("S000-42", "S000-44", "S000-46", "S000-47", "S002-30", "S002-31")
async def test_everything_ends_in_the_special_account(payments: InProcessSuite) -> None:
    """Settled, surplus (one of it paid back meanwhile), suspense and taken back: the held accounts end at zero, and the
    special account is what was collected, less refunds, plus claims received (S000-42…46, S002-31)."""
    bills = await issue_bills(payments, [32000, 4000, 32000, 32000, 32000])
    counter = await Counter.open(payments)
    await counter.take([bills[2], bills[3]])
    agent = await Agent.open(payments)
    lines = [agent.pay(at, bill) for at, bill in enumerate(bills, start=1)]
    lines += [agent.pay(6, IssuedBill("140522ZZZZZZZZZZZZZZZZ", bills[0].person_id, 32000)), agent.contrary(7, 5)]
    items = await agent.send(lines)
    assert [item["outcome"] for item in items] == [
        "settled", "settled", "surplus", "surplus", "settled", "suspense", "reversed",
    ]  # fmt: skip
    refund = {
        "pool": POOL, "refund_id": str(new_id()), "application_id": str(new_id()), "method": "cash",
        "collection_id": items[2]["collection_id"], "shift_id": counter.shift["shift_id"], "amount_fen": 32000,
        "paid_to": "王小明", "paid_by": counter.shift["clerk"],
    }  # fmt: skip
    assert (await post(payments.client("payments", "payments:pay"), "/v1/refunds", refund)).status_code == 201
    # The receipt of the surplus that was paid back is void, but the agent still has the money: it goes up as well.
    first, second = [items[0], items[1], items[2]], [items[3], items[5]]
    slips = [
        (await agent.slip(first, total_fen=68000)).json(),
        (await agent.slip(second, total_fen=64000)).json(),
    ]
    assert (await balances(payments))[agent.account] == 132000  # nothing moves before a second person has looked
    town = checker(payments, "town-wu", area=TOWN)
    confirmed = [(await check(town, slip)).json() for slip in slips]
    assert [slip["status"] for slip in confirmed] == ["confirmed"] * 2
    found = await balances(payments)
    assert agent.account not in found
    assert found[TOWN_ACCOUNT] == 132000
    upper = await hand_on(payments, confirmed)
    assert upper.status_code == 201, upper.text
    assert (await check(checker(payments, "county-sun"), upper.json())).status_code == 200
    shift = (await counter.close(50000 + 64000 - 32000)).json()
    cash = {"pool": POOL, "from_account": "held/counter/HALL01", "to": "special_account", "total_fen": 32000,
            "shifts": [shift["shift_id"]], "paid_on": "2021-12-05", "bank_reference": "XJ-1"}  # fmt: skip
    brought = await post(counter.client, "/v1/remittances", cash)
    assert (await check(checker(payments, "county-sun"), brought.json())).status_code == 200
    claim = {"pool": POOL, "payer": "medical_assistance_fund", "amount_fen": 28000, "received_on": "2021-12-05",
             "bank_reference": "fund-1"}  # fmt: skip
    received = (await post(checker(payments, "finance-qian"), "/v1/claims/receipts", claim)).json()
    body = {"pool": POOL, "result": "confirmed"}
    path = f"/v1/claims/receipts/{received['claim_receipt_id']}/check"
    assert (await post(checker(payments, "finance-sun"), path, body, version=1)).status_code == 200
    found = await balances(payments)
    assert not [account for account in found if account.startswith("held/")]
    figures = await summary(payments)
    assert figures["collected"]["amount_fen"] == 132000 + 64000
    assert (
        found["special_account"]
        == figures["funds"]["special_account_fen"]
        == figures["collected"]["amount_fen"]
        - figures["refunds"]["amount_fen"]
        + figures["funds"]["claims_received_fen"]
        == 196000 - 32000 + 28000
    )
    assert figures["funds"]["ledger_sum_fen"] == 0
    payments.set_clock("2021-12-27 09:00")
    assert (await close(payments, agent)).json()["status"] == "remitted"


@pytest.mark.lesson("receipt in one remittance")
@pytest.mark.rule("A000-12")
async def test_the_same_receipt_in_two_slips_at_once_stands_in_one(payments: InProcessSuite) -> None:
    """The lesson «a receipt cannot stand in two remittances»: DIGIT paid for it."""
    worker = payments.make_app("payments")
    agent = await Agent.open(payments)
    items = await collect(payments, agent, 11)
    elsewhere = Agent(checker(payments, agent.name, area=REGION, app=worker), agent.name, agent.ledger)
    for app in (None, worker):
        await open_connections(payments, app=app)
    answers = await asyncio.gather(*[(agent, elsewhere)[at % 2].slip([items[0], items[at + 1]]) for at in range(10)])
    assert Tally(answer.status_code for answer in answers) == {201: 1, 409: 9}
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {body["code"] for body in refused} == {"not_remittable"}
    assert {error["code"] for body in refused for error in body["errors"]} == {"in_another_slip"}
    assert {error["pointer"] for body in refused for error in body["errors"]} == {"/receipts/0"}
    await close_app(worker)


@pytest.mark.lesson("receipt in one remittance")
async def test_the_total_of_a_slip_is_what_stands_in_it(payments: InProcessSuite) -> None:
    """The lesson «the slip's total is its receipts»: DIGIT paid for it."""
    agent = await Agent.open(payments)
    items = await collect(payments, agent, 2)
    for stated_fen in (32000, 63999, 64001):
        answer = await agent.slip(items, total_fen=stated_fen)
        assert (answer.status_code, answer.json()["code"]) == (409, "total_differs")
        assert "64000" in answer.json()["detail"]
    slip = (await agent.slip(items)).json()
    assert (slip["total_fen"], slip["items_count"]) == (64000, 2)
    page = await agent.client.get(f"/v1/remittances/{slip['remittance_id']}/items", params={"pool": POOL, "limit": 1})
    rest = await agent.client.get(
        f"/v1/remittances/{slip['remittance_id']}/items", params={"pool": POOL, "after": page.json()["next"]}
    )
    shown = page.json()["items"] + rest.json()["items"]
    assert {item["receipt_no"]: item["amount_fen"] for item in shown} == {item["receipt_no"]: 32000 for item in items}


async def test_what_cannot_stand_in_a_slip_is_named(payments: InProcessSuite) -> None:
    agent, other = await Agent.open(payments), await Agent.open(payments, "agent-li", unit_code="V2")
    items = await collect(payments, agent, 3)
    [foreign] = await collect(payments, other, 1)
    [hall] = await issue_bills(payments, [32000])
    [at_hall] = (await (await Counter.open(payments)).take([hall])).json()["items"]
    await agent.send([agent.contrary(4, 1)])
    assert (await agent.slip([items[1]])).status_code == 201
    answer = await agent.slip(
        [items[0], items[1], foreign, at_hall, {"receipt_no": "V1-99999999"}, items[2]], collections=[str(new_id())]
    )
    assert answer.json()["code"] == "not_remittable"
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("/receipts/0", "reversed"), ("/receipts/1", "in_another_slip"), ("/receipts/2", "of_another"),
        ("/receipts/3", "unknown"), ("/receipts/4", "unknown"), ("/collections/0", "unknown"),
    ]  # fmt: skip
    ahead = await agent.slip([items[2]], paid_on="2021-12-06")
    assert (ahead.status_code, ahead.json()["code"]) == (422, "day_in_future")
    missing = await agent.slip([items[2]], from_account=f"held/agent/{new_id()}")
    assert missing.json()["code"] == "ledger_unknown"
    faulty: dict[str, Any]
    for faulty in (
        {"slips": [str(new_id())]},
        {"receipts": []},
        {"receipts": [items[2]["receipt_no"]] * 2},
        {"from_account": "held/wechat"},
        {"from_account": TOWN_ACCOUNT},
        {"interest_fen": 5},
    ):
        assert (await agent.slip([items[2]], **faulty)).status_code == 422


@pytest.mark.rule("S000-42", "A000-12")
async def test_an_agent_outside_any_town_hands_over_directly(payments: InProcessSuite) -> None:
    """S000-42: to the town's account, or directly to the agency's."""
    agent = await Agent.open(payments, region=POOL)
    [item] = await collect(payments, agent, 1)
    answer = await agent.slip([item])
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [("/to", "no_town")]
    slip = (await agent.slip([item], to="special_account")).json()
    assert slip["to_account"] == "special_account"
    assert (await check(checker(payments, "county-sun"), slip)).status_code == 200
    assert (await balances(payments))["special_account"] == 32000


@pytest.mark.lesson("maker, checker, payer")
async def test_who_hands_over_does_not_confirm(payments: InProcessSuite) -> None:
    agent = await Agent.open(payments)
    one, two, three = await collect(payments, agent, 3)
    slip = (await agent.slip([one])).json()
    for user, area, code in (
        (agent.name, TOWN, "four_eyes"),  # who wrote it, and who keeps the ledger
        ("head-li", REGION, "area_forbidden"),  # the town receives it, not the village
        ("town-zhao", "140522109", "area_forbidden"),
    ):
        assert (await check(checker(payments, user, area=area), slip)).json()["code"] == code
    # Written by somebody of the town for the agent: neither of the two confirms it.
    clerk = checker(payments, "town-clerk", area=TOWN)
    body = {"pool": POOL, "from_account": agent.account, "to": "special_account", "receipts": [two["receipt_no"]],
            "total_fen": 32000, "paid_on": "2021-12-05", "bank_reference": "b-2"}  # fmt: skip
    direct = (await post(clerk, "/v1/remittances", body)).json()
    for user, area, code in (
        (agent.name, POOL, "four_eyes"),
        ("town-clerk", POOL, "four_eyes"),
        ("town-wu", TOWN, "area_forbidden"),  # the special account is the county's
    ):
        assert (await check(checker(payments, user, area=area), direct)).json()["code"] == code
    writer = payments.client("payments", "payments:write", user="x", area=POOL)
    assert (await check(writer, direct)).json()["code"] == "scope_missing"
    county = checker(payments, "county-sun")
    assert (await check(county, direct, version=2)).status_code == 412
    assert (await check(county, direct)).status_code == 200
    assert (await check(county, direct, version=2)).json()["code"] == "already_checked"
    reused = await agent.slip([three], bank_reference="b-2")
    assert reused.json()["code"] == "bank_reference_used"
    unknown = await check(county, {"remittance_id": str(new_id())})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "slip_unknown")


async def test_a_rejected_slip_sets_its_receipts_free(payments: InProcessSuite) -> None:
    agent = await Agent.open(payments)
    items = await collect(payments, agent, 2)
    slip = (await agent.slip(items, bank_reference="nh-1")).json()
    town = checker(payments, "town-wu", area=TOWN)
    silent = {"pool": POOL, "result": "rejected"}
    path = f"/v1/remittances/{slip['remittance_id']}/check"
    assert (await post(town, path, silent, version=1)).status_code == 422  # a rejection says why
    assert (await check(town, slip, result="rejected")).json()["status"] == "rejected"
    assert (await balances(payments))[agent.account] == 64000
    # Free for a contrary line, and for another slip under the same number of the bank.
    assert (await agent.send([agent.contrary(3, 1)]))[0]["outcome"] == "reversed"
    assert (await agent.slip([items[1]], bank_reference="nh-1")).status_code == 201
    listed = await town.get("/v1/remittances", params={"pool": POOL, "from_account": agent.account})
    assert [row["status"] for row in listed.json()["items"]] == ["rejected", "submitted"]


async def test_ten_confirmations_at_once_move_the_money_once(payments: InProcessSuite) -> None:
    agent = await Agent.open(payments)
    slip = (await agent.slip(await collect(payments, agent, 1))).json()
    people = [checker(payments, f"town-{at}", area=TOWN) for at in range(10)]
    await open_connections(payments)
    answers = await asyncio.gather(*[check(person, slip) for person in people])
    assert Tally(answer.status_code for answer in answers) == {200: 1, 409: 9}
    assert (await balances(payments))[TOWN_ACCOUNT] == 32000


async def test_the_last_two_slips_confirmed_at_once_leave_the_ledger_remitted(payments: InProcessSuite) -> None:
    agent = await Agent.open(payments)
    items = await collect(payments, agent, 6)
    payments.set_clock("2021-12-27 09:00")
    assert (await close(payments, agent)).json()["status"] == "closed"
    slips = [(await agent.slip([item])).json() for item in items]
    await open_connections(payments)
    town = checker(payments, "town-wu", area=TOWN)
    answers = await asyncio.gather(*[check(town, slip) for slip in slips])
    assert {answer.status_code for answer in answers} == {200}
    ledger = await agent.client.get(f"/v1/ledgers/{agent.ledger_id}", params={"pool": POOL})
    assert ledger.json()["status"] == "remitted"


@pytest.mark.rule("S000-44", "S002-31")
async def test_a_town_hands_on_each_confirmed_slip_once(payments: InProcessSuite) -> None:
    agents = [await Agent.open(payments), await Agent.open(payments, "agent-li", unit_code="V2")]
    slips = [(await agent.slip(await collect(payments, agent, 2))).json() for agent in agents]
    early = await hand_on(payments, slips)
    assert [error["code"] for error in early.json()["errors"]] == ["not_confirmed"] * 2
    town = checker(payments, "town-wu", area=TOWN)
    for slip in slips:
        assert (await check(town, slip)).status_code == 200
    assert (await hand_on(payments, slips, total_fen=100)).json()["code"] == "total_differs"
    await open_connections(payments)
    answers = await asyncio.gather(*[hand_on(payments, slips) for _ in range(8)])
    assert Tally(answer.status_code for answer in answers) == {201: 1, 409: 7}
    [upper] = [answer.json() for answer in answers if answer.status_code == 201]
    unknown = await hand_on(payments, [{"remittance_id": str(new_id()), "total_fen": 5}, upper])
    assert [error["code"] for error in unknown.json()["errors"]] == ["unknown", "of_another"]
    assert (await check(town, upper)).json()["code"] == "area_forbidden"
    assert (await check(checker(payments, "town-wu"), upper)).json()["code"] == "four_eyes"
    assert (await check(checker(payments, "county-sun"), upper, result="rejected")).status_code == 200
    again = (await hand_on(payments, slips[:1], interest_fen=35)).json()
    assert (await check(checker(payments, "county-sun"), again)).status_code == 200
    found = await balances(payments)
    assert (found["special_account"], found[TOWN_ACCOUNT]) == (64000, 64000)
    # Interest arrives apart, so that premiums still equal heads (S000-44, S000-46).
    assert (found["special_account/interest"], found["interest"]) == (35, -35)
    seen = await town.get(f"/v1/remittances/{again['remittance_id']}", params={"pool": POOL})
    assert (seen.json()["interest_fen"], seen.headers["etag"]) == (35, '"2"')


@pytest.mark.rule("S003-07")
async def test_balances_are_known_as_of_any_instant(payments: InProcessSuite) -> None:
    agent = await Agent.open(payments)
    slip = (await agent.slip(await collect(payments, agent, 1))).json()
    payments.set_clock("2021-12-06 10:00")
    await check(checker(payments, "town-wu", area=TOWN), slip)
    before = await balances(payments, as_of="2021-12-06T09:59:59+08:00")
    after = await balances(payments, as_of="2021-12-06T10:00:00+08:00")
    assert (before[agent.account], before.get(TOWN_ACCOUNT)) == (32000, None)
    assert (after.get(agent.account), after[TOWN_ACCOUNT]) == (None, 32000)


@pytest.mark.lesson("open states have limits")
@pytest.mark.rule("S000-43", "S000-47", "S002-32")
async def test_who_holds_money_too_long_is_named(payments: InProcessSuite) -> None:
    """S002-32: the unit, the amount and how many persons are affected; S000-43, S000-47."""
    agent = await Agent.open(payments)
    old, new = await issue_bills(payments, [32000] * 2)
    items = await agent.send(
        [agent.pay(1, old, paid_at="2021-11-20T10:00:00+08:00"), agent.pay(2, new, paid_at="2021-12-04T10:00:00+08:00")]
    )
    slip = (await agent.slip(items)).json()

    async def overdue(as_of: str, area: str = POOL) -> list[dict[str, Any]]:
        client = payments.client("payments", "payments:read", area=area)
        answer = await client.get("/v1/remittances/overdue", params={"pool": POOL, "as_of": as_of, "limit": 5})
        assert answer.status_code == 200, answer.text
        assert answer.json()["allowed_days"] == 7
        return list(answer.json()["items"])

    [row] = await overdue("2021-12-05T12:00:00+08:00")
    assert row == {
        "account": agent.account, "holder": "agent", "held_by": "agent-zhang", "agency_name": "沟底村委会",
        "unit_code": "V1", "region": REGION, "held_since": row["held_since"], "days": 15, "overdue_fen": 32000,
        "held_fen": 64000, "submitted_fen": 64000, "persons": 1,
    }  # fmt: skip
    assert await overdue("2021-12-05T12:00:00+08:00", area="140522108201") == []
    assert await overdue("2021-12-05T09:00:00+08:00") == []  # not yet known
    payments.set_clock("2021-12-06 10:00")
    await check(checker(payments, "town-wu", area=TOWN), slip)
    counter = await Counter.open(payments)
    [bill] = await issue_bills(payments, [32000])
    await counter.take([bill])
    assert await overdue("2021-12-13T12:00:00+08:00") == []
    late = await overdue("2021-12-14T12:00:00+08:00")
    assert [(row["account"], row["overdue_fen"], row["persons"], row["days"]) for row in late] == [
        (f"held/shift/{counter.shift['shift_id']}", 32000, 0, 8), (TOWN_ACCOUNT, 64000, 2, 8),
    ]  # fmt: skip
    [then] = await overdue("2021-12-06T09:00:00+08:00")
    assert (then["account"], then["days"]) == (agent.account, 16)  # what was so, stays known


# ---------------------------------------------------------------- claims


@pytest.mark.rule("S000-52", "S001-27", "S004-15", "S004-16")
async def test_claims_are_received_up_to_what_is_due(payments: InProcessSuite) -> None:
    """S004-15, S004-16, S000-52: one writes down what came, a second confirms, never more than is due."""
    bills = await issue_bills(payments, [4000] * 4)
    await (await Counter.open(payments)).take(bills)
    writer, confirmer = checker(payments, "finance-qian"), checker(payments, "finance-sun")

    async def claims() -> dict[str, tuple[int, int, int]]:
        items = (await writer.get("/v1/claims", params={"pool": POOL})).json()["items"]
        return {row["payer"]: (row["claimed_fen"], row["received_fen"], row["due_fen"]) for row in items}

    def receipt(amount_fen: int, reference: str, **other: Any) -> dict[str, Any]:
        return {"pool": POOL, "payer": "medical_assistance_fund", "amount_fen": amount_fen,
                "received_on": "2021-12-05", "bank_reference": reference, **other}  # fmt: skip

    async def record(body: dict[str, Any]) -> httpx.Response:
        return await post(writer, "/v1/claims/receipts", body)

    async def confirm(client: httpx.AsyncClient, written: dict[str, Any], result: str = "confirmed") -> httpx.Response:
        path = f"/v1/claims/receipts/{written['claim_receipt_id']}/check"
        return await post(client, path, {"pool": POOL, "result": result, "note": "见回单"}, version=1)

    assert await claims() == {"medical_assistance_fund": (112000, 0, 112000)}
    too_much = await record(receipt(112001, "f-0"))
    assert (too_much.status_code, too_much.json()["code"]) == (409, "claim_exceeds_due")
    assert (await record(receipt(1, "f-0", payer="county_finance"))).json()["code"] == "claim_exceeds_due"
    assert (await record(receipt(1, "f-0", payer="person"))).status_code == 422
    assert (await record(receipt(1, "f-0", received_on="2021-12-06"))).json()["code"] == "day_in_future"
    # Written down, they may come to more than is due; confirmed, they never do, however many people confirm at once.
    written = [(await record(receipt(30000, f"f-{at}"))).json() for at in range(5)]
    assert (await record(receipt(30000, "f-1"))).json()["code"] == "bank_reference_used"
    assert (await confirm(writer, written[0])).json()["code"] == "four_eyes"
    village = checker(payments, "head-li", area=REGION)
    assert (await confirm(village, written[0])).json()["code"] == "area_forbidden"
    await open_connections(payments)
    answers = await asyncio.gather(*[confirm(confirmer, one) for one in written])
    assert Tally(answer.status_code for answer in answers) == {200: 3, 409: 2}
    assert await claims() == {"medical_assistance_fund": (112000, 90000, 22000)}
    figures = (await summary(payments))["funds"]
    assert (figures["claims_due_fen"], figures["claims_received_fen"]) == (112000, 90000)
    [left, _] = [one for one, answer in zip(written, answers, strict=True) if answer.status_code == 409]
    assert (await confirm(confirmer, left, "rejected")).json()["status"] == "rejected"
    rest = (await record(receipt(22000, left["bank_reference"]))).json()
    confirmed = (await confirm(confirmer, rest)).json()
    assert (confirmed["status"], confirmed["due_fen"]) == ("confirmed", 22000)
    assert (await balances(payments))["special_account"] == 112000
    listed = await writer.get("/v1/claims/receipts", params={"pool": POOL, "status": "confirmed"})
    assert sum(row["amount_fen"] for row in listed.json()["items"]) == 112000
    one = await writer.get(f"/v1/claims/receipts/{rest['claim_receipt_id']}", params={"pool": POOL})
    assert (one.json()["checked_by"], one.headers["etag"]) == ("finance-sun", '"2"')
    missing = await writer.get(f"/v1/claims/receipts/{new_id()}", params={"pool": POOL})
    assert missing.json()["code"] == "claim_receipt_unknown"


# ---------------------------------------------------------------- four-way check


@pytest.mark.rule("S000-43", "S000-46", "S000-49")
async def test_four_ways_agree_per_unit_and_town(suite: InProcessSuite) -> None:
    """S000-46, S000-49: funds, persons, roster and receipts agree, for a unit, a town and the whole pool."""
    suite.set_clock("2021-09-05 09:00")
    await found_town(suite)
    office = suite.client("registration", "registration:read registration:write")
    villagers = [Villager(number(order)) for order in (1, 2, 3)]
    await hand_in(office, roster_file(villagers))
    pupil = Villager(number(4, "20120304"))
    await hand_in(office, roster_file([pupil], SCHOOL_COLUMNS), unit_code=SCHOOL)
    await suite.settle_down()
    reader = suite.client("payments", "payments:read")
    open_bills = (await reader.get("/v1/bills", params={"pool": POOL, "status": "open"})).json()["items"]
    bills = {unit: [IssuedBill(row["bill_no"], row["person_id"], row["amount_fen"]) for row in open_bills
                    if row["unit_code"] == unit] for unit in (VILLAGE, SCHOOL)}  # fmt: skip
    agent = await Agent.open(suite, unit_code=VILLAGE)
    paid = [*bills[VILLAGE][:2], bills[SCHOOL][0]]
    suite.set_clock("2021-12-05 10:00")
    items = await agent.send([agent.pay(line_no, bill) for line_no, bill in enumerate(paid, start=1)])
    assert [item["outcome"] for item in items] == ["settled"] * 3
    await suite.settle_down()

    async def heads(client: httpx.AsyncClient = reader, **narrowed: str) -> int:
        answer = await client.get("/v1/four-way", params={"pool": POOL, "scheme": SCHEME, **narrowed})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert all(found[name] for name in ("money", "heads", "roster", "receipts")), found
        figures = (found[name]["heads"] for name in ("bills", "collections", "valid_receipts", "paid_roster"))
        [count] = set(figures)
        assert found["ledger_fen"] == 32000 * count
        return int(count)

    assert await heads() == 3
    assert await heads(unit_code=VILLAGE) == 2
    assert await heads(unit_code=SCHOOL) == 1
    assert await heads(region=TOWN) == 3
    assert await heads(region="140522108200") == 2
    assert await heads(region="140522109") == 0
    town = suite.client("payments", "payments:read", area=TOWN)
    assert await heads(town, region=TOWN, unit_code=SCHOOL) == 1
    whole = await town.get("/v1/four-way", params={"pool": POOL, "scheme": SCHEME})
    assert whole.json()["code"] == "area_forbidden"
    progress = {"pool": POOL, "scheme": SCHEME, "unit_code": SCHOOL}
    assert (await office.get("/v1/progress", params=progress)).json()["expected"] == 1
    other = suite.client("registration", "registration:read", area="140522109")
    refused = await other.get("/v1/progress", params={**progress, "region": TOWN})
    assert refused.json()["code"] == "area_forbidden"
    assert await suite.invariants_broken() == {}
