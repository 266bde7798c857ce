"""Agents' ledgers (S004-24…26): what is rightly signed is booked once, whatever comes twice, in halves or out of order;
corrections are contrary lines; the head closes, and nothing is added after."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from deploy.local.season import signing
from services.payments.formats import ledgers as formats
from services.payments.rules import ledgers as rules
from services.payments.rules.ledgers import BookLine, LedgerStatus, LineFault, LineKind, OfferedLine
from services.payments.store import refunds as refund_store
from shared.sheets import read_sheet
from tests.payments_agents import AT, Agent, balances, check, checker, close, open_connections, post, summary
from tests.payments_town import POOL, REGION, Counter, IssuedBill, issue_bills
from tests.suite import InProcessSuite, close_app
from tests.waiting import waiting

LEDGER_ID = UUID("0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a08")


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 10:00")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


def outcomes(items: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(item["outcome"], item["reason"]) for item in items]


async def status_of(suite: InProcessSuite, bill: IssuedBill) -> str:
    client = suite.client("payments", "payments:read")
    return str((await client.get(f"/v1/bills/{bill.bill_no}", params={"pool": POOL})).json()["status"])


# ---------------------------------------------------------------- rules and bytes, without a database


def offered(line_no: int, hash_: str = "h", **other: Any) -> OfferedLine:
    given = {"kind": LineKind.PAYMENT, "payer_name": "王", "contrary_of": None, "fault": None, **other}
    return OfferedLine(line_no, line_hash=hash_, **given)


def contrary(line_no: int, of: int, payer: str = "王") -> OfferedLine:
    return offered(line_no, kind=LineKind.CONTRARY, contrary_of=of, payer_name=payer)


@pytest.mark.parametrize(
    ("status", "line", "known", "fault"),
    [
        ("open", offered(9), False, None),
        ("open", offered(9, fault=LineFault.SIGNATURE_INVALID), False, LineFault.SIGNATURE_INVALID),
        ("open", offered(1), True, None),
        ("open", offered(1, fault=LineFault.SIGNATURE_INVALID), True, None),  # what stands already is not asked again
        ("open", offered(1, "other"), False, LineFault.LINE_NO_REUSED),
        ("closed", offered(1), True, None),
        ("remitted", offered(1, "other"), False, LineFault.LINE_NO_REUSED),
        ("closed", offered(9), False, LineFault.LEDGER_CLOSED),
        ("remitted", contrary(9, 1), False, LineFault.LEDGER_CLOSED),
        ("open", contrary(9, 1), False, None),
        ("open", contrary(9, 8), False, LineFault.LINE_UNKNOWN),
        ("open", contrary(9, 9), False, LineFault.LINE_UNKNOWN),
        ("open", contrary(9, 2), False, LineFault.NOT_A_PAYMENT),
        ("open", contrary(9, 1, "李"), False, LineFault.SIGNER_DIFFERS),
        ("open", contrary(9, 3), False, LineFault.ALREADY_CONTRARY),
        ("open", contrary(9, 4), False, LineFault.HANDED_OVER),
        ("open", contrary(9, 5), False, LineFault.PAID_BACK),
    ],
)
def test_a_line_is_known_written_or_refused(
    status: str, line: OfferedLine, known: bool, fault: LineFault | None
) -> None:
    book = {
        1: BookLine(LineKind.PAYMENT, "h", "王"),
        2: BookLine(LineKind.SPOILED, "h", None),
        3: BookLine(LineKind.PAYMENT, "h", "王", contrary=True),
        4: BookLine(LineKind.PAYMENT, "h", "王", handed_over=True),
        5: BookLine(LineKind.PAYMENT, "h", "王", paid_back=True),
    }
    [verdict] = rules.judge_lines(LedgerStatus(status), book, [line])
    assert (verdict.known, verdict.fault) == (known, fault)


def test_a_batch_is_judged_line_after_line() -> None:
    lines = [offered(1), offered(1), offered(1, "other"), contrary(2, 1), contrary(3, 1)]
    verdicts = rules.judge_lines(LedgerStatus.OPEN, {}, lines)
    assert [(verdict.known, verdict.fault) for verdict in verdicts] == [
        (False, None), (True, None), (False, LineFault.LINE_NO_REUSED), (False, None),
        (False, LineFault.ALREADY_CONTRARY),
    ]  # fmt: skip


@pytest.mark.rule("S004-26")
@pytest.mark.parametrize(
    ("today", "last_day", "may"),
    [
        (date(2021, 12, 25), date(2021, 12, 25), False),
        (date(2021, 12, 26), date(2021, 12, 25), True),
        (date(2021, 9, 1), None, True),
    ],
)
def test_a_ledger_is_verified_after_the_period(today: date, last_day: date | None, may: bool) -> None:
    assert rules.may_close(today, last_day) is may


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (5, "伍分"),
        (50, "伍角整"),
        (32000, "叁佰贰拾元整"),
        (32050, "叁佰贰拾元伍角整"),
        (32005, "叁佰贰拾元零伍分"),
        (1000_51, "壹仟元伍角壹分"),
        (1_0050_00, "壹万零伍拾元整"),
        (10_0000_00, "壹拾万元整"),
        (38_0800_00, "叁拾捌万零捌佰元整"),
        (1_0000_0005_00, "壹亿零伍元整"),
        (20_0304_0506_07, "贰拾亿零叁佰零肆万零伍佰零陆元零柒分"),
        (-32000, "负叁佰贰拾元整"),
    ],
)
def test_amounts_in_capital_numerals(fen: int, words: str) -> None:
    assert rules.in_words(fen) == words


def test_the_devices_bytes_are_the_services_bytes() -> None:
    """Worked out twice, without a line of code in common; the hash is frozen here."""
    line = {
        "kind": "payment", "line_no": 1, "bill_no": "1405227QK3M9Z5T2WB8XCD", "amount_fen": 32000,
        "payer_name": "王小明", "payer_id": None, "paid_at": AT, "method": "wechat",
    }  # fmt: skip
    here = formats.line_hash(POOL, LEDGER_ID, {**line, "paid_at": datetime(2021, 12, 5, 2, 0, 0, 999, tzinfo=UTC)})
    assert here == signing.line_hash(POOL, str(LEDGER_ID), line)
    assert here == "c1ede583a6a5369dccbdb6813314c8b5af2ed8d6600058a559424a384a941dd3"
    assert formats.ledger_hash([(1, "a"), (2, "b")]) == signing.ledger_hash({2: "b", 1: "a"})
    device = signing.Device("one")
    made = device.sign("agent", "agent-zhang", AT, here)["ed25519"]
    at = datetime.fromisoformat(AT)
    assert formats.is_signed_by(["A" * 43 + "=", device.public_key], made, "agent", "agent-zhang", at, here)
    for role, signer, hash_, keys in (
        ("payer", "agent-zhang", here, [device.public_key]),
        ("agent", "agent-li", here, [device.public_key]),
        ("agent", "agent-zhang", here[::-1], [device.public_key]),
        ("agent", "agent-zhang", here, [signing.Device("two").public_key]),
        ("agent", "agent-zhang", here, []),
    ):
        assert not formats.is_signed_by(keys, made, role, signer, at, hash_)
    assert not formats.is_signed_by([device.public_key], "不是", "agent", "agent-zhang", at, here)


# ---------------------------------------------------------------- use cases


@pytest.mark.rule("S004-24", "S004-25", "S004-37", "S002-25", "S002-28")
async def test_lines_are_booked_and_receipted_from_the_units_book(payments: InProcessSuite) -> None:
    one, two = await issue_bills(payments, [32000, 4000])
    agent = await Agent.open(payments)
    items = await agent.send([agent.pay(1, one), agent.pay(2, two, method="cash")])
    assert outcomes(items) == [("settled", None)] * 2
    assert [item["receipt_no"] for item in items] == ["V1-00000001", "V1-00000002"]
    found = await summary(payments)
    assert found["collected"]["by_channel"]["agent"] == {"count": 2, "amount_fen": 36000}
    assert (await balances(payments))[agent.account] == 36000
    shown = (await agent.client.get(f"/v1/ledgers/{agent.ledger_id}/lines", params={"pool": POOL})).json()["items"]
    assert [line["content"]["method"] for line in shown] == ["wechat", "cash"]
    assert {line["content"]["payer_signature"]["image_ref"] for line in shown} == {"oss://payer.jpg"}
    assert all(line["content"]["agent_signature"]["ed25519"] for line in shown)


async def test_money_that_an_agent_has_taken_is_booked_whatever_it_is(payments: InProcessSuite) -> None:
    """Like a charged card: the payer has paid, so nothing is refused for its bill; who asks first reads the bill."""
    paid, wrong, late, masked = await issue_bills(payments, [32000] * 4)
    await (await Counter.open(payments)).take([paid])
    agent = await Agent.open(payments)
    payments.set_clock("2021-12-27 10:00")
    unknown = IssuedBill("140522ZZZZZZZZZZZZZZZZ", paid.person_id, 32000)
    items = await agent.send(
        [
            agent.pay(1, paid),
            agent.pay(2, wrong, amount_fen=31000),
            agent.pay(3, late, paid_at="2021-12-26T00:00:00+08:00"),
            agent.pay(4, masked, paid_at="2021-11-26T08:00:00+08:00"),
            agent.pay(5, unknown),
        ]
    )
    assert outcomes(items) == [
        ("surplus", "already_paid"), ("suspense", "amount_differs"), ("suspense", "outside_window"),
        ("suspense", "closed_day"), ("suspense", "bill_unknown"),
    ]  # fmt: skip
    assert (await balances(payments))[agent.account] == 31000 + 4 * 32000


@pytest.mark.rule("S004-25", "S002-40")
async def test_what_is_wrongly_signed_comes_back_and_the_rest_is_kept(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 8)
    agent = await Agent.open(payments)
    good = agent.pay(1, bills[0])
    altered = {**agent.pay(2, bills[1]), "amount_fen": 3200}
    foreign = agent.pay(3, bills[2])
    agent.device = signing.Device("a device that nobody registered")
    forged = agent.pay(4, bills[3])
    agent.device = signing.Device(agent.name)
    foreign["agent_signature"] = {**foreign["agent_signature"], "signer": "agent-li"}
    by_other_payer = agent.pay(5, bills[4])
    by_other_payer["payer_signature"] = {**by_other_payer["payer_signature"], "signer": "李四"}
    tomorrow = agent.pay(6, bills[5], paid_at="2021-12-05T10:00:01+08:00")
    not_yet = agent.pay(7, bills[6])
    not_yet["payer_signature"] = {**not_yet["payer_signature"], "signed_at": "2021-12-06T10:00:00+08:00"}
    # A signature is for one line: another line's does not fit.
    moved = {**agent.pay(8, bills[7]), "agent_signature": good["agent_signature"]}
    items = await agent.send([altered, foreign, good, forged, by_other_payer, tomorrow, not_yet, moved])
    assert outcomes(items) == [
        ("refused", "hash_differs"), ("refused", "signer_differs"), ("settled", None), ("refused", "signature_invalid"),
        ("refused", "signer_differs"), ("refused", "paid_in_future"), ("refused", "signed_in_future"),
        ("refused", "hash_differs"),
    ]  # fmt: skip
    assert all(item["detail"] for item in items if item["outcome"] == "refused")
    assert (await balances(payments))[agent.account] == 32000
    # Mended, a refused line comes again under its number; the good one has no second effect.
    again = await agent.send([agent.pay(2, bills[1]), good])
    assert [(item["outcome"], item["known"]) for item in again] == [("settled", False), ("settled", True)]


async def test_a_withdrawn_device_signs_nothing_new(payments: InProcessSuite) -> None:
    one, two = await issue_bills(payments, [32000] * 2)
    agent = await Agent.open(payments)
    old = agent.pay(1, one)
    await agent.send([old])
    twice = {"pool": POOL, "public_key": agent.device.public_key, "label": "又一台"}
    assert (await post(agent.client, "/v1/agents/devices", twice)).json()["code"] == "device_key_taken"
    faulty = {"pool": POOL, "public_key": "*" * 44, "label": "x"}
    assert (await post(agent.client, "/v1/agents/devices", faulty)).json()["code"] == "device_key_faulty"
    second = signing.Device("second")
    device = (await post(agent.client, "/v1/agents/devices", {**twice, "public_key": second.public_key})).json()
    other = payments.client("payments", "payments:write", user="agent-li", area=REGION)
    path = f"/v1/agents/devices/{device['device_id']}/withdraw"
    assert (await post(other, path, {"pool": POOL})).json()["code"] == "device_unknown"
    assert (await post(agent.client, path, {"pool": POOL})).json()["withdrawn_at"] is not None
    agent.device = second
    assert outcomes(await agent.send([old, agent.pay(2, two)])) == [("settled", None), ("refused", "signature_invalid")]


@pytest.mark.lesson("offline batch twice")
async def test_fifty_lines_sent_twice_in_halves_and_out_of_order_have_one_effect(payments: InProcessSuite) -> None:
    """The lesson «an offline batch sent twice, in halves and out of order»: openIMIS paid for it."""
    bills = await issue_bills(payments, [32000] * 50)
    agent = await Agent.open(payments)
    lines = [agent.pay(number, bill) for number, bill in enumerate(bills, start=1)]
    worker = payments.make_app("payments")
    elsewhere = checker(payments, agent.name, area=REGION, app=worker)
    for app in (None, worker):
        await open_connections(payments, app=app)
    batches = [lines, lines[25:], lines[:25], lines[::-1], lines[10:40], lines]
    answers = await asyncio.gather(
        *[
            post(client, f"/v1/ledgers/{agent.ledger_id}/lines", {"pool": POOL, "lines": batch})
            for batch, client in zip(batches, [agent.client, elsewhere] * 3, strict=True)
        ]
    )
    seen = Tally(
        (item["line_no"], item["collection_id"], item["receipt_no"]) for a in answers for item in a.json()["items"]
    )
    assert len(seen) == 50
    assert [[item["line_no"] for item in a.json()["items"]] for a in answers] == [
        [line["line_no"] for line in batch] for batch in batches
    ]
    assert Tally(item["known"] for a in answers for item in a.json()["items"]) == {
        False: 50, True: sum(map(len, batches)) - 50,
    }  # fmt: skip
    found = await summary(payments)
    assert found["collected"]["count"] == 50
    assert found["receipts"] == {"issued": 50, "voided": 0, "gaps": 0, "duplicates": 0}
    [changed] = await agent.send([agent.pay(7, bills[7])])
    assert (changed["outcome"], changed["reason"]) == ("refused", "line_no_reused")
    await close_app(worker)


async def test_two_agents_of_one_unit_share_its_receipts_and_one_wins_a_bill(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 20)
    worker = payments.make_app("payments")
    agents = [await Agent.open(payments), await Agent.open(payments, "agent-li", app=worker)]
    orders = (bills, bills[::-1])
    for app in (None, worker):
        await open_connections(payments, app=app)
    answers = await asyncio.gather(
        *[
            agent.send([agent.pay(number, bill) for number, bill in enumerate(order, start=1)])
            for agent, order in zip(agents, orders, strict=True)
        ]
    )
    assert Tally(item["outcome"] for items in answers for item in items) == {"settled": 20, "surplus": 20}
    found = await summary(payments)
    assert found["receipts"] == {"issued": 40, "voided": 0, "gaps": 0, "duplicates": 0}
    assert found["funds"]["surplus_fen"] == 640000
    other = await agents[0].client.post(
        f"/v1/ledgers/{agents[1].ledger_id}/lines",
        json={"pool": POOL, "lines": [agents[1].pay(30, bills[0])]},
        headers={"Idempotency-Key": "not-mine"},
    )
    assert (other.status_code, other.json()["code"]) == (403, "ledger_of_another")
    await close_app(worker)


async def test_a_contrary_line_takes_the_money_back_and_opens_the_bill(payments: InProcessSuite) -> None:
    wrong, right = await issue_bills(payments, [4000, 4000])
    agent = await Agent.open(payments)
    early = agent.contrary(2, 1)
    assert outcomes(await agent.send([early])) == [("refused", "line_unknown")]  # its payment line is still on the way
    # In one batch, in the order of the book: paid, taken back, paid for the other, and the first again.
    items = await agent.send([agent.pay(4, wrong), agent.pay(3, right), early, agent.pay(1, wrong)])
    assert outcomes(items) == [("settled", None), ("settled", None), ("reversed", None), ("settled", None)]
    found = await summary(payments)
    assert found["collected"]["by_channel"]["agent"] == {"count": 2, "amount_fen": 8000}
    assert found["receipts"] == {"issued": 3, "voided": 1, "gaps": 0, "duplicates": 0}
    assert found["funds"]["claims_due_fen"] == 56000
    assert (await balances(payments))[agent.account] == 8000
    again = await agent.send([early, agent.contrary(5, 1), agent.contrary(6, 2), agent.contrary(7, 3, payer="李四")])
    assert [(item["outcome"], item["reason"], item["known"]) for item in again] == [
        ("reversed", None, True), ("refused", "already_contrary", False), ("refused", "not_a_payment", False),
        ("refused", "signer_differs", False),
    ]  # fmt: skip
    assert outcomes(await agent.send([agent.contrary(5, 3)])) == [("reversed", None)]
    assert await status_of(payments, right) == "open"
    totals = await agent.totals()
    assert totals["payments"] == {"count": 3, "amount_fen": 12000}
    assert totals["contrary"] == {"count": 2, "amount_fen": 8000}
    assert (totals["collected_fen"], totals["collected_in_words"]) == (4000, "肆拾元整")
    assert totals["by_method"] == {"wechat": {"count": 1, "amount_fen": 4000}}


async def test_surplus_of_an_agent_is_taken_back_until_it_is_paid_back_or_handed_over(payments: InProcessSuite) -> None:
    """Whether it goes back by refund or by contrary line: never both."""
    bills = await issue_bills(payments, [32000] * 3)
    counter = await Counter.open(payments)
    await counter.take(bills)
    agent = await Agent.open(payments)
    one, two, three = await agent.send([agent.pay(number, bill) for number, bill in enumerate(bills, start=1)])
    refund = {
        "pool": POOL, "refund_id": "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a06", "collection_id": two["collection_id"],
        "application_id": "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a07", "shift_id": counter.shift["shift_id"],
        "method": "cash", "amount_fen": 32000, "paid_to": "王小明", "paid_by": counter.shift["clerk"],
    }  # fmt: skip
    answer = await post(payments.client("payments", "payments:pay"), "/v1/refunds", refund)
    assert answer.status_code == 201, answer.text
    assert (await agent.slip([three])).status_code == 201
    items = await agent.send([agent.contrary(4, 1), agent.contrary(5, 2), agent.contrary(6, 3)])
    assert outcomes(items) == [("reversed", None), ("refused", "paid_back"), ("refused", "handed_over")]
    assert one["outcome"] == "surplus"
    assert (await balances(payments))[agent.account] == 64000


@pytest.mark.rule("S004-26")
async def test_a_batch_takes_its_collections_before_the_receipt_books_as_a_refund_does(
    payments: InProcessSuite,
) -> None:
    first, second = await issue_bills(payments, [32000, 32000])
    agent = await Agent.open(payments)
    _, surplus = await agent.send([agent.pay(1, first), agent.pay(2, first)])
    await open_connections(payments)
    database = payments.apps["payments"].state.service.database
    async with database.writing() as refund:
        assert await refund_store.lock_collection(refund, POOL, UUID(surplus["collection_id"]))
        sent = asyncio.create_task(agent.send([agent.pay(3, second), agent.contrary(4, 2)]))
        while not await waiting(database):
            assert not sent.done()
            await asyncio.sleep(0.01)
        # The batch waits for the collection and holds no book yet: nobody waits in a circle.
        book = "select last_number from receipt_book where pool = :pool and book_code = 'V1' for update nowait"
        assert await refund.value(book, pool=POOL) == 2
    assert outcomes(await sent) == [("settled", None), ("reversed", None)]


async def test_the_head_closes_after_the_window_with_the_same_figures(payments: InProcessSuite) -> None:
    one, two, three = await issue_bills(payments, [32000] * 3)
    agent = await Agent.open(payments)
    await agent.send([agent.pay(1, one), agent.pay(2, two), agent.contrary(4, 2)])
    payments.set_clock("2021-12-25 23:59")
    early = await close(payments, agent)
    assert (early.status_code, early.json()["code"], early.json()["rules"]) == (409, "window_still_open", ["S004-26"])
    payments.set_clock("2021-12-26 00:00")
    gap = await close(payments, agent)
    assert gap.json()["code"] == "ledger_has_gaps"
    assert "第 3 行" in gap.json()["detail"]
    await agent.send([agent.spoil(3)])
    wrong = await close(payments, agent, collected_fen=64000, signature={"ledger_hash": "0" * 64})
    assert wrong.json()["code"] == "figures_differ"
    assert [e["pointer"] for e in wrong.json()["errors"]] == ["/collected_fen", "/signature/ledger_hash"]
    assert (await close(payments, agent, version=1)).status_code == 412
    assert (await close(payments, agent, user=agent.name)).json()["code"] == "four_eyes"
    for faulty in (
        {"signer": "someone"},
        {"signed_at": "2022-01-01T00:00:00+08:00"},
        {"image_ref": None, "ed25519": "AAAA"},
    ):
        assert (await close(payments, agent, signature=faulty)).json()["code"] == "signature_refused"
    writer = payments.client("payments", "payments:write", user="head-li", area=REGION)
    assert (await post(writer, f"/v1/ledgers/{agent.ledger_id}/close", {}, version=1)).status_code == 403
    closed = await close(payments, agent)
    assert closed.status_code == 200, closed.text
    body = closed.json()
    assert (body["status"], body["closed_by"], body["collected_fen"]) == ("closed", "head-li", 32000)
    assert body["ledger_hash"] == signing.ledger_hash(agent.hashes)
    assert (await close(payments, agent)).json()["code"] == "ledger_closed"
    # Nothing is added, nothing taken back; what stands is answered as before.
    late = await agent.send([agent.pay(5, three), agent.contrary(6, 1), agent.pay(1, one)])
    assert outcomes(late) == [("refused", "ledger_closed"), ("refused", "ledger_closed"), ("settled", None)]


async def test_the_head_may_sign_on_a_device(payments: InProcessSuite) -> None:
    agent = await Agent.open(payments)
    payments.set_clock("2021-12-26 00:00")
    device = signing.Device("head")
    head = checker(payments, "head-li", area=REGION)
    await post(head, "/v1/agents/devices", {"pool": POOL, "public_key": device.public_key, "label": "主任"})
    totals = await agent.totals()
    signed = device.sign("head", "head-li", AT, totals["ledger_hash"])
    answer = await close(payments, agent, signature={**signed, "image_ref": None})
    assert (answer.status_code, answer.json()["status"]) == (200, "remitted")  # an empty book holds nothing


async def test_closing_while_lines_come_leaves_each_line_in_or_out(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 30)
    agent = await Agent.open(payments)
    await agent.send([agent.pay(1, bills[0])])
    payments.set_clock("2021-12-26 10:00")
    lines = [agent.pay(number, bill) for number, bill in enumerate(bills[1:], start=2)]
    await open_connections(payments)
    results = await asyncio.gather(
        *[agent.send([line]) for line in lines[:15]],
        close(payments, agent),
        *[agent.send([line]) for line in lines[15:]],
    )
    answers: list[Any] = list(results)
    closing = answers.pop(15)
    taken = Tally(items[0]["reason"] or items[0]["outcome"] for items in answers)
    assert closing.status_code in (200, 409, 412), closing.text
    assert set(taken) <= {"settled", "ledger_closed"}
    totals = await agent.totals()
    assert totals["payments"]["count"] == 1 + taken["settled"]
    if closing.status_code == 200:
        assert closing.json()["payments_count"] == totals["payments"]["count"]
    else:
        assert (await close(payments, agent)).status_code == 200


@pytest.mark.rule("S000-51")
async def test_an_agent_has_one_open_ledger_a_unit_and_sees_the_own_village(payments: InProcessSuite) -> None:
    agent = await Agent.open(payments)
    body = {"pool": POOL, "scheme": "yangcheng-2022", "unit_code": "V1", "region": REGION, "agency_name": "村委会"}
    assert (await post(agent.client, "/v1/ledgers", body)).json()["code"] == "ledger_already_open"
    outside = await post(agent.client, "/v1/ledgers", {**body, "region": "140522108201"})
    assert outside.json()["code"] == "area_forbidden"
    neighbour = payments.client("payments", "payments:read", area="140522108201")
    assert (await neighbour.get("/v1/ledgers", params={"pool": POOL})).json()["items"] == []
    for path in ("", "/lines", "/totals"):
        answer = await neighbour.get(f"/v1/ledgers/{agent.ledger_id}{path}", params={"pool": POOL})
        assert answer.json()["code"] == "area_forbidden"
    missing = await agent.client.get(f"/v1/ledgers/{LEDGER_ID}", params={"pool": POOL})
    assert (missing.status_code, missing.json()["code"]) == (404, "ledger_unknown")
    found = await agent.client.get("/v1/ledgers", params={"pool": POOL, "status": "open", "agent": agent.name})
    assert [row["ledger_id"] for row in found.json()["items"]] == [agent.ledger_id]
    one = await agent.client.get(f"/v1/ledgers/{agent.ledger_id}", params={"pool": POOL})
    assert one.headers["etag"] == '"1"'


async def test_a_ledger_whose_money_is_handed_over_is_remitted_when_closed(payments: InProcessSuite) -> None:
    [bill] = await issue_bills(payments, [32000])
    agent = await Agent.open(payments)
    items = await agent.send([agent.pay(1, bill)])
    slip = (await agent.slip(items)).json()
    assert (await check(checker(payments, "town-wu", area="140522108"), slip)).status_code == 200
    payments.set_clock("2021-12-26 10:00")
    assert (await close(payments, agent)).json()["status"] == "remitted"
    totals = await agent.totals()
    assert (totals["handed_over_fen"], totals["held_fen"]) == (32000, 0)


# ---------------------------------------------------------------- the cash-book


@pytest.mark.rule("S002-32")
async def test_the_cash_book_says_day_by_day_what_an_agent_took_handed_over_and_holds(
    payments: InProcessSuite,
) -> None:
    bills = await issue_bills(payments, [32000] * 4)
    agent = await Agent.open(payments)
    items = await agent.send([
        agent.pay(1, bills[0], method="cash", paid_at="2021-12-03T23:59:59+08:00"),
        agent.pay(2, bills[1], paid_at="2021-12-04T00:00:00+08:00"),
        agent.pay(3, bills[2]),
        agent.contrary(4, 3),
    ])  # fmt: skip
    slip = (await agent.slip(items[:1])).json()
    waiting = await agent.slip(items[1:2])
    assert waiting.status_code == 201
    assert (await check(checker(payments, "town-wu", area=REGION[:9]), slip)).status_code == 200
    client = payments.client("payments", "payments:read", area=REGION)
    about = {"pool": POOL, "agent": "agent-zhang"}
    book = (await client.get("/v1/agents/cash-book", params=about)).json()
    names = ("day", "cash_fen", "electronic_fen", "taken_back_fen", "handed_over_fen", "balance_fen")
    assert [tuple(row[name] for name in names) for row in book["items"]] == [
        ("2021-12-03", 32000, 0, 0, 0, 32000),
        ("2021-12-04", 0, 32000, 0, 0, 64000),
        ("2021-12-05", 0, 32000, 32000, 32000, 32000),
    ]
    assert book["closing_fen"] == (await balances(payments))[agent.account] == 32000
    later = (await client.get("/v1/agents/cash-book", params=about | {"from": "2021-12-04", "to": "2021-12-04"})).json()
    assert (later["opening_fen"], len(later["items"]), later["closing_fen"]) == (32000, 1, 64000)
    sheet = read_sheet("book.xlsx", (await client.get("/v1/agents/cash-book.xlsx", params=about)).content,
                       required=["日期", "收现金(元)", "上缴(元)", "结存(元)"])  # fmt: skip
    assert [(row.cells["日期"], row.cells["结存(元)"]) for row in sheet.rows] == [
        ("期初", "0.00"),
        ("2021-12-03", "320.00"),
        ("2021-12-04", "640.00"),
        ("2021-12-05", "320.00"),
    ]
    elsewhere = payments.client("payments", "payments:read", area="140522109")
    assert (await elsewhere.get("/v1/agents/cash-book", params=about)).json()["items"] == []


@pytest.mark.channel("agent: remittance short")
async def test_a_remittance_that_is_short_by_one_person_is_not_written(payments: InProcessSuite) -> None:
    bills = await issue_bills(payments, [32000] * 3)
    agent = await Agent.open(payments)
    items = await agent.send([agent.pay(at, bill) for at, bill in enumerate(bills, start=1)])
    short = await agent.slip(items, total_fen=64000)
    assert (short.status_code, short.json()["code"]) == (409, "total_differs")
    # What was brought goes up; who is left out is named as held, and nobody's cover waits for it.
    slip = (await agent.slip(items[:2])).json()
    assert (await check(checker(payments, "town-wu", area=REGION[:9]), slip)).status_code == 200
    held = await agent.client.get(f"/v1/ledgers/{agent.ledger_id}/lines", params={"pool": POOL, "held": True})
    assert [line["line_no"] for line in held.json()["items"]] == [3]
    assert [await status_of(payments, bill) for bill in bills] == ["paid"] * 3
