"""Batch withholding: asked for with two people's consent, booked once as the bank debited it, never otherwise."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.payments import usecases
from services.payments.usecases import withholding_returns
from shared.ids import new_id
from tests.bank_town import RCB, Town, open_town
from tests.payments_town import POOL, Counter, issue_bills
from tests.withholding_town import CHECKER, SCOPES, Desk, name


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    async with open_town(databases, tmp_path / "keys", monkeypatch.setenv) as town:
        yield town


@pytest.fixture
def desk(town: Town) -> Desk:
    return Desk(town)


# What the bank answers


@pytest.mark.rule("S000-26")
async def test_a_batch_that_is_debited_settles_its_bills_with_receipts(desk: Desk) -> None:
    bills = await issue_bills(desk.town.suite, [32000, 4000])
    batch = await desk.send(bills)
    await desk.arrange(batch, at="2021-12-05T06:30:00+08:00")
    returned = await desk.answer(batch)
    assert (returned["kind"], returned["state"], returned["lines_taken"]) == ("final", "taken", 2)
    assert await desk.states(batch, bills) == [("debited", "settled")] * 2
    assert (await desk.batch(batch))["state"] == "closed"
    rows = await desk.town.rows("select channel, method, paid_at, receipt_no from collection order by receipt_no")
    assert [(row["channel"], row["method"], f"{row['paid_at']:%d %H:%M}") for row in rows] == [
        ("bank", "withholding", "04 22:30")
    ] * 2
    assert [row["receipt_no"] for row in rows] == [f"YH{RCB}-0000000{n}" for n in (1, 2)]
    assert (await desk.town.bill(bills[0]))["status"] == "paid"


async def test_another_pool_has_neither_the_batch_nor_its_files(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    batch = await desk.send([bill])
    path = f"/v1/withholdings/{batch['withholding_id']}/lines"
    assert [line["payer_name"] for line in (await desk.get(path))["items"]] == ["张*"]
    full = desk.town.suite.client("payments", f"{SCOPES} persons:full", area=POOL)
    shown = (await full.get(path, params={"pool": POOL})).json()["items"]
    assert [line["payer_name"] for line in shown] == ["张三"]
    file_name, raw = await desk.printed(batch)
    everywhere = desk.town.suite.client("payments", "payments:read payments:write payments:check", user=CHECKER)
    path = f"/v1/withholdings/{batch['withholding_id']}"
    there = {"pool": "140300"}
    brought = await everywhere.post(
        f"{path}/returns",
        params={**there, "file_name": file_name},
        content=raw,
        headers={"Idempotency-Key": "elsewhere", "Content-Type": "application/octet-stream"},
    )
    answers = [brought, *[await everywhere.get(one, params=there) for one in (path, f"{path}/file", f"{path}/lines")]]
    assert [answer.json()["code"] for answer in answers] == ["withholding_unknown"] * 4
    order = {"pool": "140300", "institution": RCB, "debit_on": "2021-12-05"}
    built = await everywhere.post("/v1/withholdings", json=order, headers={"Idempotency-Key": "other"})
    assert built.json()["code"] == "nothing_to_withhold"


@pytest.mark.channel("bank: whole file refused")
@pytest.mark.parametrize("word", ["VERIFY_FAILED", "GROUPNO_ERROR", "TOTAL_INSTRUCTION_NOT_MATCH"])
async def test_a_file_that_is_refused_whole_sets_its_bills_free(desk: Desk, word: str) -> None:
    bills = await issue_bills(desk.town.suite, [32000, 32000])
    batch = await desk.send(bills)
    await desk.arrange(batch, refuse=word)
    returned = await desk.answer(batch)
    assert (returned["kind"], returned["state"], returned["found"]) == ("refusal", "taken", None)
    found = await desk.batch(batch)
    assert (found["state"], found["refusal"], found["note"], found["dropped_count"]) == ("refused", word, "整批退回", 2)
    assert await desk.states(batch, bills) == [("dropped", None)] * 2
    again = await desk.send_again()
    assert again["batch_no"] != batch["batch_no"]
    assert (await desk.answer(again))["state"] == "taken"
    assert await desk.states(again, bills) == [("debited", "settled")] * 2


async def test_a_bank_that_refused_a_file_and_debits_all_the_same_is_booked(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    batch = await desk.send([bill])
    file_name, raw = await desk.printed(batch)
    await desk.arrange(batch, refuse="VERIFY_FAILED")
    await desk.answer(batch)
    assert (await desk.bring(batch, file_name, raw)).status_code == 201
    await desk.take()
    assert await desk.states(batch, [bill]) == [("debited", "settled")]
    assert (await desk.batch(batch))["state"] == "closed"
    # The word comes too late once lines were taken.
    await desk.arrange(batch, refuse="GROUPNO_ERROR")
    refused = await desk.bring(batch, *await desk.printed(batch))
    assert refused.json()["code"] == "withholding_not_in_state"


@pytest.mark.channel("bank: partial debit")
async def test_a_partial_debit_waits_in_suspense_and_never_settles(desk: Desk) -> None:
    short, whole = await issue_bills(desk.town.suite, [32000, 32000])
    batch = await desk.send([short, whole])
    await desk.arrange(batch, final={short.bill_no: "P12000"})
    await desk.answer(batch)
    assert await desk.states(batch, [short, whole]) == [("partial", "suspense"), ("debited", "settled")]
    assert (await desk.town.bill(short))["status"] == "open"
    assert (await desk.town.summary())["funds"]["suspense_fen"] == 12000
    # As long as that money is not back, nobody asks for the whole sum again.
    assert (await desk.build()).json()["code"] == "nothing_to_withhold"
    await pay_back(desk.town, short.bill_no)
    assert (await desk.town.summary())["funds"]["suspense_fen"] == 0
    again = await desk.send_again()
    await desk.answer(again)
    assert await desk.states(again, [short]) == [("debited", "settled")]


async def pay_back(town: Town, bill_no: str) -> None:
    """All of a collection goes back to the account that was debited."""
    [money] = await town.rows("select collection_id, amount_fen from collection where bill_no = :no", no=bill_no)
    ids = {name: str(new_id()) for name in ("refund_id", "application_id")}
    order = {
        "pool": POOL,
        **ids,
        "collection_id": str(money["collection_id"]),
        "amount_fen": money["amount_fen"],
        "method": "bank",
        "paid_to": "张三",
        "paid_by": "chief-li",
        "scheme": "yangcheng-2022",
        "shift_id": None,
    }
    client = town.suite.client("payments", "payments:pay payments:read")
    answer = await client.post("/v1/refunds", json=order, headers={"Idempotency-Key": ids["refund_id"]})
    assert answer.status_code == 201, answer.text
    await usecases.ask_refunds(town.service)
    found = await town.rows("select state, method from refund where refund_id = :id", id=answer.json()["refund_id"])
    assert found == [{"state": "settled", "method": "bank"}]


@pytest.mark.channel("bank: final file")
async def test_the_final_file_supersedes_the_interim_one(desk: Desk) -> None:
    same, unknown, failed = bills = await issue_bills(desk.town.suite, [32000] * 3)
    batch = await desk.send(bills)
    await desk.arrange(batch, interim={unknown.bill_no: "U", failed.bill_no: "F"})
    first = await desk.answer(batch, final=False)
    assert first["kind"] == "interim"
    assert await desk.states(batch, bills) == [("debited", "settled"), ("asked", None), ("failed", None)]
    assert (await desk.batch(batch))["state"] == "returned"
    await desk.answer(batch)
    assert await desk.states(batch, bills) == [("debited", "settled")] * 3
    assert (await desk.batch(batch))["state"] == "closed"
    assert (await desk.town.summary())["collected"]["count"] == 3
    # An interim file that comes late is older than what is known.
    await desk.arrange(batch, interim={same.bill_no: "F"})
    late = await desk.bring(batch, *await desk.printed(batch, final=False))
    assert late.json()["code"] == "return_superseded"


async def test_money_that_the_final_file_denies_is_a_break_and_stays_booked(desk: Desk) -> None:
    gone, other = bills = await issue_bills(desk.town.suite, [32000, 32000])
    batch = await desk.send(bills)
    await desk.arrange(
        batch, interim={gone.bill_no: "S", other.bill_no: "P100"}, final={gone.bill_no: "F", other.bill_no: "P200"}
    )
    await desk.answer(batch, final=False)
    await desk.answer(batch)
    assert await desk.states(batch, bills) == [("debited", "settled"), ("partial", "suspense")]
    found = (await desk.get("/v1/exceptions"))["items"]
    assert {(one["kind"], one["channel_fen"], one["our_fen"]) for one in found} == {
        ("channel_failed", 0, 32000),
        ("amount_differs", 200, 100),
    }
    assert (await desk.town.summary())["collected"]["count"] == 2
    # Two people take it back; the bill is open again and stands in the next batch.
    [denied] = [one for one in found if one["kind"] == "channel_failed"]
    path = f"/v1/exceptions/{denied['exception_id']}"
    proposed = await desk.post(f"{path}/propose", {"resolution": "reverse", "reason": "银行已退回"}, version=1)
    assert proposed.status_code == 200, proposed.text
    approved = await desk.post(f"{path}/approve", {"result": "approved"}, user=CHECKER, version=2)
    assert approved.status_code == 200, approved.text
    assert (await desk.town.bill(gone))["status"] == "open"
    assert (await desk.build()).json()["line_count"] == 1


@pytest.mark.channel("bank: wrong totals")
async def test_wrong_totals_move_nothing_until_a_second_person_accepts(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    batch = await desk.send([bill])
    returned = await desk.answer(batch, faults="wrong_total")
    assert (returned["state"], returned["told"]["total_fen"], returned["found"]["total_fen"]) == (
        "differs",
        32100,
        32000,
    )
    assert await desk.states(batch, [bill]) == [("asked", None)]
    path = f"/v1/withholdings/{batch['withholding_id']}/returns/1/check"
    word = {"result": "accepted", "note": "银行确认"}
    assert (await desk.post(path, word, version=1)).json()["code"] == "four_eyes"
    accepted = await desk.post(path, word, user=CHECKER, version=1)
    assert accepted.json()["state"] == "accepted"
    assert (await desk.post(path, word, user=CHECKER, version=2)).json()["code"] == "return_not_in_state"
    await desk.take()
    assert await desk.states(batch, [bill]) == [("debited", "settled")]


async def test_a_rejected_file_moves_nothing_and_the_right_one_is_taken(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    batch = await desk.send([bill])
    await desk.answer(batch, faults="wrong_total")
    path = f"/v1/withholdings/{batch['withholding_id']}/returns/1/check"
    rejected = await desk.post(path, {"result": "rejected", "note": "请银行重发"}, user=CHECKER, version=1)
    assert rejected.json()["state"] == "rejected"
    assert (await desk.answer(batch))["state"] == "taken"
    assert await desk.states(batch, [bill]) == [("debited", "settled")]


async def test_a_file_that_is_cut_altered_or_of_another_batch_is_not_taken(desk: Desk) -> None:
    bills = await issue_bills(desk.town.suite, [32000, 32000])
    batch = await desk.send(bills)
    file_name, raw = await desk.printed(batch)
    wrong = [
        (file_name, raw[:-1]),
        (file_name, raw[: len(raw) // 2]),
        (file_name, raw.replace(b"|S|32000|", b"|F|0|", 1)),
        (file_name, b"\xff\xfe" + raw),
        (file_name, b"<CA>" + b"0" * 64 + b"</CA>"),
        ("final_RCB140522_140522202112050009.ret", raw),
    ]
    codes = [(await desk.bring(batch, *one)).json()["code"] for one in wrong]
    assert codes == ["return_unreadable"] * 5 + ["return_of_another_batch"]
    for fault in ("cut_end", "wrong_code"):
        refused = await desk.bring(batch, *await desk.printed(batch, faults=fault))
        assert refused.json()["code"] == "return_unreadable"
    assert await desk.town.rows("select 1 from withholding_return") == []


async def test_lines_that_are_not_of_the_batch_harm_no_other(desk: Desk) -> None:
    one, two = bills = sorted(await issue_bills(desk.town.suite, [32000, 32000]), key=lambda bill: bill.bill_no)
    batch = await desk.send(bills)
    returned = await desk.answer(batch, faults="foreign_line,wrong_amount")
    assert returned["faults"] == {"2": "序号 1 的应扣金额与批次不符", "4": "批次中没有序号 999999"}
    assert await desk.states(batch, [one, two]) == [("asked", None), ("debited", "settled")]
    assert (await desk.batch(batch))["state"] == "returned"
    assert (await desk.town.summary())["collected"]["count"] == 1


async def test_the_same_file_twice_and_at_once_books_each_line_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(withholding_returns, "CHUNK_LINES", 2)
    bills = await issue_bills(desk.town.suite, [32000] * 7)
    batch = await desk.send(bills)
    file_name, raw = await desk.printed(batch)
    second = desk.town.suite.make_app("payments")
    brought = await asyncio.gather(
        *[desk.bring(batch, file_name, raw, app=second if n % 2 else None) for n in range(4)]
    )
    assert sorted(answer.status_code for answer in brought) == [200, 200, 200, 201]
    await asyncio.gather(*[usecases.take_returns(app.state.service) for app in
                           (desk.town.suite.apps["payments"], second, desk.town.suite.apps["payments"])])  # fmt: skip
    await desk.take()
    assert await desk.states(batch, bills) == [("debited", "settled")] * 7
    assert (await desk.town.summary())["collected"]["count"] == 7
    # The same lines in other bytes.
    assert (await desk.bring(batch, file_name, raw + b"\r\n")).status_code == 201
    await desk.take()
    assert (await desk.town.summary())["collected"]["count"] == 7
    await second.state.database.close()


async def test_a_worker_that_dies_leaves_a_whole_chunk_or_none(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(withholding_returns, "CHUNK_LINES", 2)
    bills = await issue_bills(desk.town.suite, [32000] * 5)
    batch = await desk.send(bills)
    await desk.bring(batch, *await desk.printed(batch))
    task = asyncio.create_task(usecases.take_returns(desk.town.service))
    while not (await desk.returned(batch, 1))["lines_taken"]:
        pass
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    found = await desk.returned(batch, 1)
    booked = await desk.town.rows("select count(*) as n from collection")
    assert found["lines_taken"] == booked[0]["n"]
    await desk.take()
    assert await desk.states(batch, bills) == [("debited", "settled")] * 5


@pytest.mark.parametrize(
    ("at", "outcome"),
    [("2021-12-25T23:59:59+08:00", "settled"), ("2021-12-26T00:00:00+08:00", "suspense")],
)
async def test_a_debit_counts_for_the_instant_that_the_bank_tells(desk: Desk, at: str, outcome: str) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    batch = await desk.send([bill], "2021-12-25")
    desk.town.suite.set_clock("2021-12-27 09:00")
    await desk.arrange(batch, at=at)
    await desk.answer(batch)
    assert await desk.states(batch, [bill]) == [("debited", outcome)]


async def test_a_bill_paid_elsewhere_meanwhile_makes_the_debit_surplus(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    batch = await desk.send([bill])
    await (await Counter.open(desk.town.suite)).take([bill], pos="1")
    await desk.answer(batch)
    assert await desk.states(batch, [bill]) == [("debited", "surplus")]


async def test_failed_lines_are_asked_for_again_by_the_next_batch(desk: Desk) -> None:
    bills = await issue_bills(desk.town.suite, [32000] * 3)
    batch = await desk.send(bills)
    await desk.arrange(batch, final={bills[0].bill_no: "F", bills[1].bill_no: "X"})
    await desk.answer(batch)
    assert await desk.states(batch, bills) == [("failed", None), ("failed", None), ("debited", "settled")]
    again = await desk.send_again()
    assert again["line_count"] == 2
    await desk.answer(again)
    assert await desk.states(again, bills[:2]) == [("debited", "settled")] * 2


async def test_withheld_money_stands_in_the_banks_day_file(desk: Desk) -> None:
    bills = await issue_bills(desk.town.suite, [32000, 4000])
    batch = await desk.send(bills)
    await desk.answer(batch)
    params = {"day": "2021-12-05", "institution": RCB}
    file = (await desk.town.control_client().get("/control/statement", params=params)).text
    desk.town.suite.set_clock("2021-12-06 09:00")
    answer = await desk.client().post(
        "/v1/statements",
        params={"pool": POOL, "channel": "bank", "day": "2021-12-05", "institution": RCB, "file_name": "a.txt"},
        content=file.encode(),
        headers={"Idempotency-Key": "statement", "Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 201, answer.text
    await usecases.take_statements(desk.town.service)
    await usecases.look_over_statements(desk.town.service)
    rows = (await desk.get(f"/v1/statements/{answer.json()['statement_id']}/rows"))["items"]
    assert [row["result"] for row in rows] == ["matched"] * 2
    accounts = {one["account"]: one["balance_fen"] for one in (await desk.get("/v1/accounts"))["items"]}
    assert (accounts.get(f"held/bank/{RCB}", 0), accounts["special_account"]) == (0, 36000)


async def test_what_waits_too_long_is_an_alarm(desk: Desk) -> None:
    bills = await issue_bills(desk.town.suite, [32000, 32000])
    await desk.sign(bills[:1])
    await desk.build("2021-12-20")
    assert await alarms(desk) == []
    desk.town.suite.set_clock("2021-12-06 10:01")
    assert await alarms(desk) == ["withholding_is_released"]


async def alarms(desk: Desk) -> list[str]:
    found = (await desk.town.suite.client("payments", "payments:read").get("/v1/alarms")).json()
    return [item["name"] for item in found["items"] if item["found"] and "withholding" in item["name"]]


async def test_the_invariants_find_what_was_edited(databases: dict[str, str], town: Town, desk: Desk) -> None:
    bills = await issue_bills(town.suite, [32000, 32000])
    batch = await desk.send(bills)
    await desk.answer(batch)
    edits = {
        "withheld_line_is_booked": "update withholding_line set bill_no = bill_no, debited_fen = 1, state = 'partial' "
        "where seq = 1",
        "ended_batch_has_no_line_without_a_word": "update withholding set total_fen = 1",
        "agreement_stands_for_its_persons": "update agreement_person set standing = false",
    }
    for invariant, statement in edits.items():
        async with town.service.database.writing() as tx:
            await tx.execute("set local guards.off = 'on'")
            await tx.execute(statement)
        assert invariant in [item["name"] for item in (await town.suite.invariants_broken())["payments"]], invariant
        async with town.service.database.writing() as tx:
            await tx.execute("set local guards.off = 'on'")
            await tx.execute("update withholding_line set debited_fen = amount_fen, state = 'debited' where seq = 1")
            await tx.execute("update withholding set total_fen = 64000")
            await tx.execute("update agreement_person set standing = true")


def test_a_batch_names_its_file(tmp_path: Path) -> None:
    assert name({"institution": RCB, "batch_no": "140522202112050001"}) == "RCB140522_140522202112050001.txt"
