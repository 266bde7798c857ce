"""Receipt numbers handed out beforehand: consecutive, nobody else's, each accounted for, given back and written off by
two persons; and what settling numbers meanwhile never meets them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.rules import blocks as rules
from services.payments.rules import receipt_number
from services.payments.rules.blocks import Block, BlockState
from services.payments.rules.settling import Reason
from tests.payments_agents import Agent, checker, close, open_connections, post
from tests.payments_town import POOL, REGION, issue_bills
from tests.suite import InProcessSuite


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 10:00")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


async def issue(
    suite: InProcessSuite, *, count: int = 5, agent: str = "agent-zhang", by: str = "officer-li", **other: Any
) -> httpx.Response:
    """The officer hands out the next numbers of V1's book."""
    body = {"pool": POOL, "book_code": "V1", "region": REGION, "agent": agent, "count": count, **other}
    return await post(checker(suite, by), "/v1/receipt-blocks", body)


async def move(client: httpx.AsyncClient, block: dict[str, Any], act: str, **body: Any) -> httpx.Response:
    """Give a block back, or check it."""
    version = body.pop("version", block["version"])
    path = f"/v1/receipt-blocks/{block['block_id']}/{act}"
    return await post(client, path, {"pool": POOL, **body}, version=version)


async def read(suite: InProcessSuite, block: dict[str, Any]) -> dict[str, Any]:
    client = suite.client("payments", "payments:read", area=POOL)
    return dict((await client.get(f"/v1/receipt-blocks/{block['block_id']}", params={"pool": POOL})).json())


def counts(block: dict[str, Any]) -> tuple[int, ...]:
    names = ("used", "withheld", "spoiled", "returned", "unused")
    return tuple(block[f"{name}_count"] for name in names)


# ---------------------------------------------------------------- rules, without a database


@given(st.from_regex(r"\A[0-9A-Za-z_-]{1,32}\Z"), st.integers(1, 10**12))
def test_a_printed_number_is_read_as_it_was_printed(book_code: str, number: int) -> None:
    assert rules.read_number(receipt_number(book_code, number)) == (book_code, number)


@given(st.text(max_size=30))
def test_whatever_is_not_a_printed_number_is_none(text: str) -> None:
    read = rules.read_number(text)
    assert read is None or receipt_number(*read) == text


@pytest.mark.parametrize(
    ("block", "used", "fault"),
    [
        (Block("zhang", BlockState.ISSUED), False, None),
        (Block("zhang", BlockState.ISSUED), True, Reason.RECEIPT_USED),
        (Block("li", BlockState.ISSUED), False, Reason.RECEIPT_FOREIGN),
        (Block("zhang", BlockState.RETURNED), False, Reason.RECEIPT_FOREIGN),
        (Block("zhang", BlockState.WRITTEN_OFF), True, Reason.RECEIPT_FOREIGN),
        (None, False, Reason.RECEIPT_FOREIGN),
    ],
)
def test_a_number_is_good_while_it_is_the_agents_and_unused(
    block: Block | None, used: bool, fault: Reason | None
) -> None:
    assert rules.number_fault(block, "zhang", used=used) == fault


# ---------------------------------------------------------------- handing out and using


@pytest.mark.rule("S002-29")
async def test_blocks_and_settling_share_a_book_without_overlap_or_gap(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 4)
    agent = await Agent.open(payments)
    first = (await issue(payments, count=3)).json()
    [online] = await agent.send([agent.pay(1, bills[0])])
    second = (await issue(payments, count=2)).json()
    offline = await agent.send([
        agent.pay(2, bills[1], receipt_no="V1-00000002"),
        agent.pay(3, bills[2], receipt_no="V1-00000006"),
        agent.pay(4, bills[3]),
    ])  # fmt: skip
    assert (first["first_receipt_no"], first["last_receipt_no"]) == ("V1-00000001", "V1-00000003")
    assert online["receipt_no"] == "V1-00000004"
    assert (second["first_receipt_no"], second["count"]) == ("V1-00000005", 2)
    assert [item["receipt_no"] for item in offline] == ["V1-00000002", "V1-00000006", "V1-00000007"]
    assert counts(await read(payments, first)) == (1, 0, 0, 0, 2)


async def test_blocks_handed_out_at_once_do_not_overlap(payments: InProcessSuite) -> None:
    await open_connections(payments)
    answers = await asyncio.gather(*[issue(payments, count=7) for _ in range(6)])
    blocks = sorted(int(answer.json()["first_receipt_no"][3:]) for answer in answers)
    assert blocks == [1, 8, 15, 22, 29, 36]


async def test_a_number_that_the_paper_cannot_have_never_loses_the_money(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 5)
    agent, other = await Agent.open(payments), await Agent.open(payments, "agent-qian")
    await issue(payments, agent="agent-zhang", count=2)
    await issue(payments, agent="agent-qian", count=1)
    items = await agent.send([
        agent.pay(1, bills[0], receipt_no="V1-00000001"),
        agent.pay(2, bills[1], receipt_no="V1-00000001"),  # the same paper twice
        agent.pay(3, bills[2], receipt_no="V1-00000003"),  # another's paper
        agent.pay(4, bills[3], receipt_no="V1-1"),  # no number
    ])  # fmt: skip
    assert [(item["outcome"], item["reason"]) for item in items] == [
        ("settled", None),
        ("suspense", "receipt_used"),
        ("suspense", "receipt_foreign"),
        ("suspense", "receipt_foreign"),
    ]
    # Put right by a contrary line and another paper; the bill was open all the while.
    mended = await agent.send([agent.contrary(5, 2), agent.pay(6, bills[1], receipt_no="V1-00000002")])
    assert [item["outcome"] for item in mended] == ["reversed", "settled"]
    [taken] = await other.send([other.pay(1, bills[4], receipt_no="V1-00000003")])
    assert taken["receipt_no"] == "V1-00000003"


async def test_paper_given_for_money_without_a_home_is_withheld_and_not_used_again(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000, 32000])
    agent = await Agent.open(payments)
    block = (await issue(payments, count=3)).json()
    first = await agent.send([
        agent.pay(1, bills[0], amount_fen=30000, receipt_no="V1-00000001"),
        agent.pay(2, bills[0], receipt_no="V1-00000002"),
        agent.pay(3, bills[0], receipt_no="V1-00000003"),  # paid meanwhile: surplus, with its own receipt
    ])  # fmt: skip
    assert [(item["outcome"], item["receipt_no"]) for item in first] == [
        ("suspense", None),
        ("settled", "V1-00000002"),
        ("surplus", "V1-00000003"),
    ]
    assert counts(await read(payments, block)) == (2, 1, 0, 0, 0)
    [again] = await agent.send([agent.pay(4, bills[1], receipt_no="V1-00000001")])
    assert (again["outcome"], again["reason"]) == ("suspense", "receipt_used")


async def test_a_spoiled_receipt_is_accounted_for_once(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    agent = await Agent.open(payments)
    block = (await issue(payments, count=3)).json()
    items = await agent.send([
        agent.spoil(1, receipt_no="V1-00000001"),
        agent.spoil(2, receipt_no="V1-00000001"),
        agent.spoil(3, receipt_no="V1-00000009"),
        agent.spoil(4, receipt_no="V1-00000002"),  # the payment of the same batch has it
        agent.pay(5, bill, receipt_no="V1-00000002"),
    ])  # fmt: skip
    assert [(item["outcome"], item["reason"]) for item in items] == [
        ("spoiled", None),
        ("refused", "receipt_used"),
        ("refused", "receipt_foreign"),
        ("refused", "receipt_used"),
        ("settled", None),
    ]
    assert counts(await read(payments, block)) == (1, 0, 1, 0, 1)


# ---------------------------------------------------------------- giving back and writing off


@pytest.mark.rule("S002-29")
async def test_what_is_left_comes_back_counted_by_two_persons(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000, 32000])
    agent = await Agent.open(payments)
    block = (await issue(payments, count=4)).json()
    await agent.send([agent.pay(1, bills[0], receipt_no="V1-00000002"), agent.spoil(2, receipt_no="V1-00000003")])
    wrong = await move(agent.client, block, "return", unused_count=3)
    assert (wrong.status_code, wrong.json()["code"]) == (409, "unused_count_differs")
    given = (await move(agent.client, block, "return", unused_count=2)).json()
    assert given["state"] == "returned"
    [late] = await agent.send([agent.pay(3, bills[1], receipt_no="V1-00000004")])
    assert (late["outcome"], late["reason"]) == ("suspense", "receipt_foreign")

    officer, alone = checker(payments, "officer-li"), checker(payments, "agent-zhang", area=REGION)
    refused = await move(alone, given, "check", result="written_off")
    assert refused.json()["code"] == "four_eyes"
    sent_back = (await move(officer, given, "check", result="rejected", note="少一张")).json()
    assert (sent_back["state"], sent_back["stated_unused_count"]) == ("issued", None)
    given = (await move(agent.client, sent_back, "return", unused_count=2)).json()
    done = (await move(officer, given, "check", result="written_off")).json()
    assert (done["state"], counts(done)) == ("written_off", (1, 0, 1, 2, 0))
    assert (await move(officer, done, "check", result="written_off")).json()["code"] == "receipt_block_moved_on"


async def test_who_may_not(payments: InProcessSuite) -> None:
    block = (await issue(payments)).json()
    assert (await issue(payments, by="agent-zhang")).json()["code"] == "four_eyes"
    stranger = checker(payments, "officer-sun", area="140581")
    body = {"pool": POOL, "book_code": "V1", "region": REGION, "agent": "x", "count": 1}
    assert (await post(stranger, "/v1/receipt-blocks", body)).status_code == 403
    assert (await move(stranger, block, "check", result="written_off")).status_code == 403
    another = payments.client("payments", "payments:read payments:write", user="agent-qian", area=REGION)
    assert (await move(another, block, "return", unused_count=5)).json()["code"] == "receipt_block_of_another"
    assert (await move(another, block | {"version": 9}, "return", unused_count=5)).status_code == 403
    late = checker(payments, "agent-zhang", area=REGION)
    assert (await move(late, block, "return", unused_count=5, version=9)).status_code == 412


async def test_two_lines_at_once_cannot_both_have_a_number(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 2)
    agent = await Agent.open(payments)
    other = await Agent.open(payments, unit_code="V2")  # another ledger of the same person, with its own lock
    await issue(payments, count=1)
    await open_connections(payments)
    ways = await asyncio.gather(
        agent.send([agent.pay(1, bills[0], receipt_no="V1-00000001")]),
        other.send([other.pay(1, bills[1], receipt_no="V1-00000001")]),
    )
    assert sorted((item["outcome"], item["reason"] or "") for [item] in ways) == [
        ("settled", ""),
        ("suspense", "receipt_used"),
    ]


async def test_a_block_that_does_not_come_back_is_an_alarm(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    agent = await Agent.open(payments)
    block = (await issue(payments, count=2)).json()
    await agent.send([agent.pay(1, bill, receipt_no="V1-00000001")])
    payments.set_clock("2021-12-27 10:00")
    assert (await close(payments, agent)).status_code == 200

    async def alarms() -> set[str]:
        answer = await payments.client("payments", "payments:read").get("/v1/alarms")
        return {item["name"] for item in answer.json()["items"] if item["found"]}

    payments.set_clock("2022-01-02 10:00")
    assert "receipt_block_comes_back" not in await alarms()
    payments.set_clock("2022-01-04 10:00")
    assert "receipt_block_comes_back" in await alarms()
    await move(agent.client, block, "return", unused_count=1)
    assert "receipt_block_comes_back" not in await alarms()
    payments.set_clock("2022-01-08 10:00")
    assert "receipt_block_is_counted" in await alarms()
