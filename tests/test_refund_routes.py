"""Money goes back on the way it came, once, whatever becomes of the line, the process or the card."""

import asyncio
import json
from collections import Counter as Tally
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from deploy.local.simulators import bank as bank_simulator
from deploy.local.simulators.wechat_wire import Keys
from services.payments import rules, usecases
from services.payments.rules import RefundState, ways
from services.refunds import usecases as refunds
from shared.codes import Channel
from shared.ids import new_id
from tests.payments_town import POOL, IssuedBill, issue_bills, slip
from tests.routes_town import FEN, Json, RoutesTown
from tests.suite import close_app
from tests.waiting import end_waiting

CHANNELS = ["wechat", "bank", "etax"]


@pytest.fixture(scope="module")
def wechat_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wechat-keys")
    Keys(folder)
    return folder


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, wechat_keys: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RoutesTown]:
    running = RoutesTown(databases, tmp_path, wechat_keys, monkeypatch)
    await running.open()
    yield running
    await running.suite.close()


async def in_order(town: RoutesTown, *, refunded_fen: int = FEN) -> None:
    """Every invariant holds, the books balance, and so much has been paid back."""
    broken = await town.suite.invariants_broken()
    assert broken == {}, broken
    found = await town.summary()
    assert (found["refunds"]["amount_fen"], found["funds"]["ledger_sum_fen"]) == (refunded_fen, 0)
    assert found["receipts"]["gaps"] == 0


def refund_id_of(application: Json) -> UUID:
    return UUID(application["refund_id"])


async def arrange(town: RoutesTown, channel: str, outcome: str) -> None:
    """What becomes of the next refund at a channel, in the words that the three have in common."""
    if channel == "wechat":
        words = {"accepted": "PROCESSING", "refused": "CLOSED", "settled": "SUCCESS"}
        await town.wechat.control("faults", refund=words[outcome])
    elif channel == "bank":
        words = {"accepted": "accepted", "refused": "failed", "settled": "done"}
        await town.banks.post("/control/payouts", json={"outcome": words[outcome]})
    else:
        await town.tax.post("/control/refunds", json={"outcome": outcome})


# The main line


@pytest.mark.lesson("late success")
@pytest.mark.rule("S004-31")
@pytest.mark.parametrize("channel", CHANNELS)
async def test_money_goes_back_through_its_channel(town: RoutesTown, channel: str) -> None:
    await arrange(town, channel, "settled")
    application = await town.paying(channel)
    assert (await town.refund(application))["state"] == "submitted"
    await in_order(town, refunded_fen=0)
    assert await town.tick()
    standing = await town.read(application)
    assert (standing["state"], standing["payout_state"], standing["method"]) == ("paid", None, channel)
    refund = await town.refund(application)
    assert (refund["state"], refund["shift_id"], refund["waiting_since"]) == ("settled", None, None)
    assert await town.account("special_account") == -FEN  # until the channel's statement brings the money in
    assert (await town.summary())["receipts"]["voided"] == 1
    assert not await usecases.ask_refunds(town.service)
    await in_order(town)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_accepted_is_not_paid(town: RoutesTown, channel: str) -> None:
    await arrange(town, channel, "accepted")
    application = await town.paying(channel)
    await town.tick()
    assert (await town.refund(application))["state"] == "processing"
    assert (await town.read(application))["state"] == "paying"
    assert (await town.summary())["refunds"]["count"] == 0
    if channel == "wechat":
        number = rules.refund_number(POOL, refund_id_of(application))
        await town.wechat.control("refunds", out_refund_no=number, status="SUCCESS")
        await town.wechat.deliver()  # the notification settles it, nobody asks
        await town.follow()
    else:
        await town.tick()
    assert (await town.read(application))["state"] == "paid"
    await in_order(town)


@pytest.mark.channel("wechat: refund ends")
@pytest.mark.parametrize("channel", CHANNELS)
async def test_what_a_channel_refuses_can_go_another_way(town: RoutesTown, channel: str) -> None:
    await arrange(town, channel, "refused")
    application = await town.paying(channel)
    await town.tick()
    back = await town.read(application)
    assert (back["state"], back["refund_id"], back["payout_state"]) == ("approved", None, None)
    assert [said["code"] for said in back["payout_refusals"]] == ["refund_failed"]
    assert (await town.refund(application))["state"] == "failed"
    await in_order(town, refunded_fen=0)
    paid = await town.pay(back, "cash")
    assert (paid.status_code, paid.json()["state"]) == (200, "paid"), paid.text
    await in_order(town)


@pytest.mark.channel("wechat: refund ends")
async def test_money_without_enough_in_the_merchants_account_waits(town: RoutesTown) -> None:
    await town.wechat.control("faults", refund="NOT_ENOUGH")
    application = await town.paying("wechat")
    await town.tick()
    refund = await town.refund(application)
    assert (refund["state"], refund["detail"]) == ("submitted", "NOTENOUGH")
    await town.wechat.control("faults", refund="SUCCESS")
    await town.tick()
    assert (await town.read(application))["state"] == "paid"
    await in_order(town)


# Abnormal


async def abnormal(town: RoutesTown) -> Json:
    """A payout that WeChat could not bring home."""
    await town.wechat.control("faults", refund="ABNORMAL")
    application = await town.paying("wechat")
    await town.tick()
    found = await town.read(application)
    assert (found["state"], found["payout_state"]) == ("paying", "abnormal")
    return found


@pytest.mark.channel("wechat: refund ends")
@pytest.mark.lesson("late success")
async def test_a_closed_card_needs_two_people_and_a_counter(town: RoutesTown) -> None:
    found = await abnormal(town)
    body = {"note": "银行卡已注销"}
    assert (await town.pay(found, "cash")).json()["code"] == "wrong_state"
    assert (await town.step(found, "reroute", "clerk-wang", body, "approve")).json()["code"] == "four_eyes"
    rerouted = await town.step(found, "reroute", "head-chen", body, "approve")
    assert (rerouted.status_code, rerouted.json()["state"]) == (200, "approved"), rerouted.text
    assert rerouted.json()["payout_refusals"][0]["code"] == "refund_given_up"
    assert (await town.pay(rerouted.json(), "cash", by="head-chen")).json()["code"] == "four_eyes"
    paid = await town.pay(rerouted.json(), "cash")
    assert (paid.json()["state"], paid.json()["method"], paid.json()["rerouted_by"]) == ("paid", "cash", "head-chen")
    await town.follow()
    await in_order(town)
    # Lesson: late success after cancelled, failed or paid elsewhere: one winner, the loser paid back (Kill Bill #1015).
    number = rules.refund_number(POOL, refund_id_of(found))
    await town.wechat.control("refunds", out_refund_no=number, status="SUCCESS")
    await town.wechat.deliver()
    assert (await town.summary())["refunds"] == {"count": 1, "amount_fen": FEN}
    broken = await town.suite.invariants_broken()
    assert [item["name"] for item in broken["payments"]] == ["refund_has_one_end"]  # a person has to look


async def test_what_was_mended_at_the_channel_is_paid(town: RoutesTown) -> None:
    found = await abnormal(town)
    number = rules.refund_number(POOL, refund_id_of(found))
    await town.wechat.control("refunds", out_refund_no=number, status="SUCCESS")
    await town.wechat.deliver()
    late = await town.step(found, "reroute", "head-chen", {"note": "改道"}, "approve")
    assert (late.status_code, late.json()["code"]) == (409, "payout_not_abnormal")
    await town.follow()
    assert (await town.read(found))["state"] == "paid"
    await in_order(town)


async def test_a_bank_that_pays_nothing_out_is_not_set_up(
    town: RoutesTown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bank with an empty `payouts_url` is joined for its write-off interface alone."""
    application = await town.paying("bank")
    banks = json.loads(bank_simulator.settings_of(tmp_path / "keys"))
    monkeypatch.setenv("PAYMENTS_BANKS", json.dumps({name: bank | {"payouts_url": ""} for name, bank in banks.items()}))
    without = town.suite.make_app("payments")
    assert await usecases.ask_refunds(without.state.service)
    async with town.service.database.reading() as tx:
        [row] = await tx.rows("select state, detail from refund")
    assert (row["state"], row["detail"]) == ("submitted", "channel_not_set_up")
    await close_app(without)
    await town.tick()
    assert (await town.read(application))["state"] == "paid"


async def test_a_payout_of_which_another_sum_was_paid_goes_no_other_way(town: RoutesTown) -> None:
    application = await town.paying("bank")
    refund_id, now = refund_id_of(application), town.suite.clock.now()
    async with town.service.database.writing() as tx:
        await usecases.settle_refund(tx, POOL, refund_id, RefundState.ABNORMAL, now, told_fen=FEN - 100)
    await town.follow()
    refused = await town.step(await town.read(application), "reroute", "head-chen", {"note": "改道"}, "approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_paid_otherwise")
    assert str(FEN - 100) in refused.json()["detail"]
    assert (await town.read(application))["state"] == "paying"


async def test_only_an_abnormal_payout_is_sent_another_way(town: RoutesTown) -> None:
    application = await town.paying("bank")
    early = await town.step(application, "reroute", "head-chen", {"note": "改道"}, "approve")
    assert (early.status_code, early.json()["code"]) == (409, "payout_not_abnormal")


# Unknown is not failed


@pytest.mark.lesson("database dies before the commit")
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("dies", [True, False])
async def test_an_answer_that_is_lost_is_asked_for_before_anything_is_sent_again(
    town: RoutesTown, channel: str, dies: bool
) -> None:
    """Lesson: database dies between the channel's call and the commit: no second call without asking for the outcome
    (OpenG2P bridge, odoo #150102)."""
    await arrange(town, channel, "settled")
    application = await town.paying(channel)
    line = town.lines["tax" if channel == "etax" else channel]
    line.calls.clear()
    name = "refund" if channel == "wechat" else "query"  # the lines call by this name what is not WeChat's
    if dies:
        line.kill(name)
    else:
        line.cut(name)
    if dies:
        with pytest.raises(RuntimeError, match="killed"):
            await usecases.ask_refunds(town.service)
    else:
        await usecases.ask_refunds(town.service)
    assert (await town.refund(application))["state"] == "submitted"
    await in_order(town, refunded_fen=0)
    line.mend()
    await town.tick()
    assert (await town.read(application))["state"] == "paid"
    assert len(line.calls) == 2
    await in_order(town)


@pytest.mark.lesson("database dies before the commit")
async def test_a_database_that_dies_before_the_commit_makes_nobody_pay_twice(town: RoutesTown) -> None:
    """WeChat has the refund, and the transaction that was to record its answer is killed while it waits for a lock."""
    await arrange(town, "wechat", "settled")
    application = await town.paying("wechat")
    line = town.lines["wechat"]
    line.calls.clear()
    async with town.service.database.engine.connect() as other:
        await other.execute(text(f"select 1 from collection where pool = '{POOL}' for update"))
        asking = asyncio.create_task(usecases.ask_refunds(town.service))
        while not asking.done():
            await end_waiting(town.service.database)
            await asyncio.sleep(0.02)
        with pytest.raises(Exception, match=r"terminat|closed|connection"):
            await asking
        await other.rollback()
    assert (line.calls, (await town.refund(application))["state"]) == (["refund"], "submitted")
    await town.tick()
    assert line.calls.count("refund") == 1
    assert len(line.calls) == 2  # it was asked
    assert (await town.read(application))["state"] == "paid"
    await in_order(town)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_call_that_never_arrived_is_sent_again_under_the_same_number(town: RoutesTown, channel: str) -> None:
    await arrange(town, channel, "settled")
    application = await town.paying(channel)
    line = town.lines["tax" if channel == "etax" else channel]

    def lose(request: httpx.Request) -> None:
        raise httpx.ConnectError("the line is dead", request=request)

    line.before = lose
    await usecases.ask_refunds(town.service)
    line.mend()
    await town.tick()
    assert (await town.read(application))["state"] == "paid"
    await in_order(town)


@pytest.mark.lesson("N workers")
async def test_two_workers_ask_about_each_refund_once(town: RoutesTown) -> None:
    """Lesson: N workers: no record handled twice (MOSIP #1540)."""
    await town.tax.post("/control/refunds", json={"outcome": "settled", "count": 4})
    applications = [await town.paying("etax") for _ in range(4)]
    town.lines["tax"].calls.clear()
    second = town.suite.make_app("payments")
    workers = [town.service, second.state.service]
    for _ in range(4):  # a worker that finds the lease taken comes again later
        await asyncio.gather(*[usecases.ask_refunds(worker) for worker in workers for _ in range(3)])
    await close_app(second)
    assert len(town.lines["tax"].calls) == 4
    await town.follow()
    assert {(await town.read(one))["state"] for one in applications} == {"paid"}
    await in_order(town, refunded_fen=4 * FEN)


@pytest.mark.lesson("same callback 100 times")
async def test_the_same_word_a_hundred_times_in_any_order_pays_once(town: RoutesTown) -> None:
    """Lesson: the same callback 100 times, reordered, two for no order: one credit (openIMIS, formance/stack #1464)."""
    application = await town.paying("etax")
    refund_id, now = refund_id_of(application), town.suite.clock.now()

    async def say(word: RefundState) -> None:
        async with town.service.database.writing() as tx:
            await usecases.settle_refund(tx, POOL, refund_id, word, now)

    await say(RefundState.SETTLED)
    await asyncio.gather(*[say(word) for word in (RefundState.PROCESSING, RefundState.SETTLED) for _ in range(25)])
    async with town.service.database.writing() as tx:
        with pytest.raises(Exception, match="refund_unknown"):
            await usecases.settle_refund(tx, POOL, new_id(), RefundState.SETTLED, now)
    await town.follow()
    await in_order(town)


async def test_refunds_that_died_before_it_heard_of_the_payout_is_helped_by_the_news(town: RoutesTown) -> None:
    await arrange(town, "bank", "settled")
    approved = await town.approved(await town.paid_twice("bank"))
    paying = (await town.pay(approved, "bank")).json()
    async with town.suite.apps["refunds"].state.database.writing() as tx:
        await tx.execute("update application set payout_state = null, asked_at = now() - interval '1 hour'")
    service: refunds.Refunds = town.suite.apps["refunds"].state.service
    assert await refunds.ask_again(service)
    assert not await refunds.ask_again(service)  # payments has it; its news tell the end
    await town.tick()
    assert (await town.read(paying))["state"] == "paid"
    await in_order(town)


# Which way


@pytest.mark.parametrize(
    ("channel", "method"),
    [("wechat", "cash"), ("wechat", "bank"), ("bank", "cash"), ("etax", "wechat"), ("counter", "wechat"),
     ("agent", "bank"), ("agent", "pos_return")],
)  # fmt: skip
async def test_money_goes_back_no_other_way_than_it_came(town: RoutesTown, channel: str, method: str) -> None:
    approved = await town.approved(await town.paid_twice(channel))
    refused = await town.pay(approved, method)
    assert (refused.status_code, refused.json()["code"]) == (409, "payout_refused")
    assert "not_the_way_back" in refused.json()["detail"]
    assert (await town.read(approved))["state"] == "approved"
    await in_order(town, refunded_fen=0)


async def test_what_an_agent_collected_goes_to_the_person_at_a_counter(town: RoutesTown) -> None:
    found = await town.paid_twice("agent")
    assert found["applicant_name"] == "王小明"
    paid = await town.pay(await town.approved(found), "cash")
    assert paid.json()["state"] == "paid"
    assert (await town.refund(paid.json()))["paid_to"] == "王小明"
    await in_order(town)


async def refund_order(town: RoutesTown, collection_id: str, **changes: Any) -> Any:
    counter = await town.counter()
    body = {
        "pool": POOL,
        "refund_id": str(new_id()),
        "application_id": str(new_id()),
        "collection_id": collection_id,
        "shift_id": counter.shift["shift_id"],
        "method": "cash",
        "amount_fen": 10000,
        "paid_to": "王小明",
        "paid_by": "clerk-wang",
    }
    body = {name: value for name, value in (body | changes).items() if value is not None}
    client = town.suite.client("payments", "payments:pay")
    return await client.post("/v1/refunds", json=body, headers={"Idempotency-Key": str(new_id())})


async def test_an_application_is_paid_back_once(town: RoutesTown) -> None:
    found = await town.paid_twice("counter")
    application_id = str(new_id())
    answers = await asyncio.gather(
        *[refund_order(town, found["collection_id"], application_id=application_id) for _ in range(5)]
    )
    assert Tally(answer.status_code for answer in answers) == {201: 1, 409: 4}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"application_has_refund"}
    again = await refund_order(town, found["collection_id"], application_id=application_id)
    assert "一个申请只退一次" in again.json()["detail"]


@pytest.mark.lesson("50 refunds at once")
async def test_fifty_refunds_at_once_never_exceed_what_was_paid(town: RoutesTown) -> None:
    """Lesson: 50 refunds at once on one payment never exceed it (Hyperswitch #13182, Kill Bill #1007)."""
    found = await town.paid_twice("bank")
    by_bank = {"method": "bank", "shift_id": None}
    answers = await asyncio.gather(*[refund_order(town, found["collection_id"], **by_bank) for _ in range(50)])
    assert Tally(answer.status_code for answer in answers) == {201: 3, 409: 47}
    client = town.suite.client("payments", "payments:read")
    path = f"/v1/collections/{found['collection_id']}"
    collection = (await client.get(path, params={"pool": POOL})).json()
    assert (collection["refunding_fen"], collection["refunded_fen"]) == (30000, 0)
    await town.banks.post("/control/payouts", json={"outcome": "failed"})
    await town.tick()
    collection = (await client.get(path, params={"pool": POOL})).json()
    assert (collection["refunding_fen"], collection["refunded_fen"]) == (0, 20000)
    states = (await client.get("/v1/refunds", params={"pool": POOL, "collection_id": found["collection_id"]})).json()
    assert Tally(refund["state"] for refund in states["items"]) == {"settled": 2, "failed": 1}


# Money in suspense


@pytest.mark.parametrize("why", ["amount_differs", "bill_unknown", "closed_day"])
async def test_money_that_found_no_bill_goes_back_when_somebody_asks(town: RoutesTown, why: str) -> None:
    [bill] = await issue_bills(town.suite, [FEN])
    counter = await town.counter()
    if why == "bill_unknown":
        bill = IssuedBill("140522ZZZZZZZZZZZZZZZZ", bill.person_id, FEN)
    amount_fen = 31000 if why == "amount_differs" else FEN
    paper = slip("r1", at=f"2021-{'11-28' if why == 'closed_day' else '12-05'}T10:00:00+08:00")
    body = {"pool": POOL, "shift_id": counter.shift["shift_id"], "method": "pos", "payer_name": "王小明", "pos": paper}
    items = [{"bill_no": bill.bill_no, "amount_fen": amount_fen}]
    taken = await counter.client.post(
        "/v1/counter/payments", json=body | {"items": items}, headers={"Idempotency-Key": "wrong"}
    )
    collection = taken.json()["items"][0]
    assert (collection["outcome"], collection["reason"]) == ("suspense", why)
    await town.follow()
    assert await town.applications() == []  # nothing opens by itself: the money may yet find its bill
    asked_for = {
        "pool": POOL,
        "scheme": "yangcheng-2022",
        "collection_id": collection["collection_id"],
        "ground": "wrong_payment",
        "applicant": {"name": "王小明"},
    }
    client = town.suite.client("refunds", "refunds:write", user="asker")
    application = await client.post("/v1/applications", json=asked_for, headers={"Idempotency-Key": "ask"})
    assert (application.status_code, application.json()["state"]) == (201, "requested"), application.text
    twice = await client.post("/v1/applications", json=asked_for, headers={"Idempotency-Key": "ask-again"})
    assert twice.json()["code"] == "already_applied"
    paid = await town.pay(await town.approved(application.json()), "pos_return")
    assert paid.json()["state"] == "paid", paid.text
    found = await town.summary()
    assert found["collected"]["by_outcome"]["suspense"] == {"count": 1, "amount_fen": amount_fen}
    assert (found["funds"]["suspense_fen"], found["funds"]["surplus_fen"]) == (0, 0)
    await in_order(town, refunded_fen=amount_fen)


@pytest.mark.rule("S004-17", "S004-32")
async def test_who_asks_without_a_list_is_told_on_the_spot_why_not(town: RoutesTown) -> None:
    [bill] = await issue_bills(town.suite, [FEN])
    taken = (await (await town.counter()).take([bill])).json()["items"][0]
    client = town.suite.client("refunds", "refunds:write", user="asker")
    for ground, behind in (("status_recognised", "S004-17"), ("joined_employee", "S004-04")):
        body = {"pool": POOL, "scheme": "yangcheng-2022", "collection_id": taken["collection_id"], "ground": ground}
        answer = await client.post(
            "/v1/applications", json={**body, "applicant": {"name": "王小明"}}, headers={"Idempotency-Key": ground}
        )
        assert answer.json()["state"] == "refused"
        [reason] = answer.json()["reasons"]
        assert reason["code"] == "not_released"
        assert behind in reason["rules"]


# The table


def test_every_state_that_is_no_end_has_its_age_limit() -> None:
    assert set(RefundState) - rules.REFUND_TRANSITIONS.ends == set(rules.REFUND_AGE_LIMITS)


@pytest.mark.parametrize("state", RefundState)
@pytest.mark.parametrize("word", [state for state in RefundState if state is not RefundState.SUBMITTED])
def test_what_a_channel_says_never_undoes_an_end(state: RefundState, word: RefundState) -> None:
    heard = rules.hear(state, word)
    if state is word:
        assert heard is rules.Heard.KNOWN
    elif state in (RefundState.SETTLED, RefundState.FAILED):
        ends = word in (RefundState.SETTLED, RefundState.FAILED)
        assert heard is (rules.Heard.CONTRADICTION if ends else rules.Heard.KNOWN)
    else:
        late = (state, word) == (RefundState.ABNORMAL, RefundState.PROCESSING)
        assert heard is (rules.Heard.KNOWN if late else rules.Heard.NEWS)


@pytest.mark.parametrize("state", RefundState)
def test_another_sum_than_was_asked_for_contradicts_an_end(state: RefundState) -> None:
    heard = rules.hear(state, RefundState.ABNORMAL, told_fen=FEN - 100)
    ended = state in (RefundState.SETTLED, RefundState.FAILED)
    known = rules.Heard.KNOWN if state is RefundState.ABNORMAL else rules.Heard.NEWS
    assert heard is (rules.Heard.CONTRADICTION if ended else known)


def test_no_channel_submits_for_us() -> None:
    with pytest.raises(ValueError, match="no channel says"):
        rules.hear(RefundState.PROCESSING, RefundState.SUBMITTED)


def test_every_channel_has_its_way_and_a_counter_helps_where_it_fails() -> None:
    for channel in Channel:
        assert ways(channel, tried=False) == rules.ORIGINAL[channel]
        assert rules.Method.CASH in ways(channel, tried=True)
    assert rules.refund_of_number(rules.refund_number(POOL, refund_id := new_id())) == (POOL, refund_id)
    for foreign in ("", "140522", "14052x" + "0" * 32, "140522" + "z" * 32, "140522" + "0" * 31):
        assert rules.refund_of_number(foreign) is None
