"""Agreements and batches of withholding: who may be asked for money, once, and with two people's consent."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.bank_town import Town, open_town
from tests.payments_town import POOL, Counter, issue_bills
from tests.withholding_town import MAKER, SCOPES, Desk, open_beside_wechat, terms


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    async with open_town(databases, tmp_path / "keys", monkeypatch.setenv) as town:
        yield town


@pytest.fixture
def desk(town: Town) -> Desk:
    return Desk(town)


# Agreements


async def test_an_agreement_is_recorded_once_sealed_and_shown_masked(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    [signed] = await desk.sign([bill])
    assert (signed["state"], signed["account_masked"]) == ("valid", "***************0001")
    assert signed["payer_name"] == "张*"
    path, full = (
        f"/v1/agreements/{signed['agreement_id']}",
        desk.town.suite.client("payments", f"{SCOPES} persons:full", area=POOL),
    )
    assert (await full.get(path, params={"pool": POOL})).json() == signed | {"payer_name": "张三"}
    again = await desk.post("/v1/agreements", terms(bill, "P00000001"))
    assert (again.status_code, again.json()) == (200, signed)
    for table in [
        row["tablename"] for row in await desk.town.rows("select tablename from pg_tables where schemaname = 'public'")
    ]:
        found = await desk.town.rows(f"select 1 from {table} t where cast(t as text) like '%6222000000000000001%'")
        assert found == [], table
    assert (await desk.get("/v1/agreements", person_id=bill.person_id))["items"] == [signed]
    assert (await desk.get("/v1/agreements", state="withdrawn"))["items"] == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"institution": "ICBC"}, "bank_unknown"),
        ({"signed_on": "2021-12-06"}, "signed_ahead"),
        ({"valid_until": "2021-12-04"}, "already_over"),
        ({"agreement_no": "P0", "account": "6222000000000000002"}, "number_taken"),
        ({}, "person_has_agreement"),
    ],
)
async def test_an_agreement_that_does_not_hold_is_refused_with_its_reason(
    desk: Desk, changes: dict[str, Any], reason: str
) -> None:
    one, two = await issue_bills(desk.town.suite, [32000, 32000])
    assert (await desk.post("/v1/agreements", terms(one, "P0"))).status_code == 201
    other = one if reason == "person_has_agreement" else two
    answer = await desk.post("/v1/agreements", terms(other, "P9", **changes))
    assert (answer.status_code, answer.json()["code"]) == (409, "agreement_refused")
    batch = await desk.post("/v1/agreements/batches", {"items": [terms(other, "P9", **changes), terms(two, "P2")]})
    results = [(item["outcome"], item["reason"]) for item in batch.json()["items"]]
    assert results == [("refused", reason), ("recorded", None)]


async def test_of_two_agreements_for_one_person_at_once_one_stands(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    answers = await asyncio.gather(
        *[desk.post("/v1/agreements", terms(bill, f"P{n}", account=f"62220000000000{n:05d}")) for n in range(6)]
    )
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]
    assert len(await desk.town.rows("select 1 from agreement")) == 1


async def test_a_withdrawn_agreement_is_not_debited_and_its_person_is_free(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    [signed] = await desk.sign([bill])
    built = (await desk.build()).json()
    path = f"/v1/agreements/{signed['agreement_id']}/withdraw"
    assert (await desk.post(path, {}, version=9)).status_code == 412
    assert (await desk.post(path, {"note": "本人申请"}, version=1)).json()["state"] == "withdrawn"
    assert (await desk.post(path, {}, version=2)).json()["code"] == "agreement_withdrawn"
    assert (await desk.act(built, "release")).json()["code"] == "nothing_to_withhold"
    assert (await desk.act(built, "cancel", user=MAKER)).json()["state"] == "cancelled"
    assert (await desk.build()).json()["code"] == "nothing_to_withhold"
    assert (await desk.post("/v1/agreements", terms(bill, "P2"))).status_code == 201


async def test_the_clerk_of_another_area_neither_sees_nor_signs(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    [signed] = await desk.sign([bill])
    built = (await desk.build()).json()
    elsewhere = Desk(desk.town, area="140522109")
    answers = [
        await elsewhere.post("/v1/agreements", terms(bill, "P5")),
        await elsewhere.post(f"/v1/agreements/{signed['agreement_id']}/withdraw", {}, version=1),
        await elsewhere.build(),
        await elsewhere.act(built, "release"),
        await elsewhere.bring(built, "x", b"x"),
        await elsewhere.client().get(f"/v1/agreements/{signed['agreement_id']}", params={"pool": POOL}),
        await elsewhere.client().get(f"/v1/withholdings/{built['withholding_id']}/file", params={"pool": POOL}),
    ]
    assert [answer.json()["code"] for answer in answers] == ["area_forbidden"] * len(answers)
    assert (await elsewhere.get("/v1/agreements"))["items"] == []


# Building and releasing


async def test_a_batch_asks_for_what_is_open_signed_and_nowhere_else(desk: Desk) -> None:
    bills = await issue_bills(desk.town.suite, [32000] * 6)
    paid, ordered, over, later, unsigned, asked = bills
    await desk.sign([paid, ordered, asked])
    await desk.post("/v1/agreements", terms(over, "PX", valid_until="2021-12-05"))
    await desk.post("/v1/agreements", terms(later, "PY", signed_on="2021-12-05"))
    counter = await Counter.open(desk.town.suite)
    await counter.take([paid])
    await put_order(desk.town, ordered.bill_no)
    assert unsigned not in (paid, ordered)
    batch = (await desk.build("2021-12-06")).json()
    assert (batch["state"], batch["line_count"], batch["total_fen"]) == ("built", 2, 64000)
    lines = (await desk.get(f"/v1/withholdings/{batch['withholding_id']}/lines"))["items"]
    assert {line["bill_no"] for line in lines} == {later.bill_no, asked.bill_no}
    # What stands in a live batch is not asked for by a second one.
    assert (await desk.build("2021-12-06")).json()["code"] == "nothing_to_withhold"
    # Outside the window nothing can be asked for, nor on a day that is over.
    await desk.act(batch, "cancel", user=MAKER)
    assert (await desk.build("2021-12-26")).json()["code"] == "nothing_to_withhold"
    assert (await desk.build("2021-12-04")).json()["code"] == "debit_day_over"
    assert (await desk.build("2021-12-25")).json()["line_count"] == 2


async def put_order(town: Town, bill_no: str) -> None:
    """An order with another channel that can still be paid."""
    async with town.service.database.writing() as tx:
        await tx.execute(
            "insert into channel_order (pool, order_no, channel, product, bill_no, region, amount_fen, openid, "
            "payer_name, status, request, created_at, expires_at, entered_at, ask_at, asked, version) "
            "values (:pool, '140522ORDER1', 'wechat', 'jsapi', :bill_no, '140522108200', 32000, 'o', '王小明', "
            "'created', '{}', cast('2021-12-05 10:00+08' as timestamptz), cast('2021-12-05 10:30+08' as timestamptz), "
            "now(), now() + interval '1 hour', 0, 1)",
            pool=POOL,
            bill_no=bill_no,
        )


async def test_of_two_batches_at_once_each_bill_stands_in_one(desk: Desk) -> None:
    bills = await issue_bills(desk.town.suite, [32000] * 5)
    await desk.sign(bills)
    second = desk.town.suite.make_app("payments")
    answers = await asyncio.gather(*[desk.build(app=second if n % 2 else None) for n in range(4)])
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert len(await desk.town.rows("select 1 from withholding_line where state = 'asked'")) == 5
    await second.state.database.close()


async def test_who_built_a_batch_does_not_release_it(desk: Desk) -> None:
    [bill] = await issue_bills(desk.town.suite, [32000])
    await desk.sign([bill])
    built = (await desk.build()).json()
    assert (await desk.act(built, "release", user=MAKER)).json()["code"] == "four_eyes"
    assert (await desk.client().get(f"/v1/withholdings/{built['withholding_id']}/file", params={"pool": POOL})).json()[
        "code"
    ] == "withholding_not_in_state"
    answers = await asyncio.gather(*[desk.act(built, "release") for _ in range(4)])
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


async def test_what_is_paid_meanwhile_is_left_out_and_lines_are_numbered_without_gap(desk: Desk) -> None:
    bills = await issue_bills(desk.town.suite, [32000] * 3)
    await desk.sign(bills)
    built = (await desk.build()).json()
    first = min(bills, key=lambda bill: bill.bill_no)
    await (await Counter.open(desk.town.suite)).take([first])
    released = (await desk.act(built, "release")).json()
    assert (released["line_count"], released["dropped_count"], released["total_fen"]) == (2, 1, 64000)
    raw = await desk.file(released)
    assert [row.split("|")[0] for row in raw.decode("gbk").split("\r\n")[:-1]] == ["2", "1", "2"]
    assert await desk.file(released) == raw


async def test_what_a_bank_debits_is_not_ordered_elsewhere_and_what_is_ordered_is_not_debited(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wechat, desk = open_beside_wechat(databases, tmp_path, monkeypatch)
    sent, ordered = await issue_bills(wechat.suite, [32000, 32000])
    batch = await desk.send([sent])
    refused = await wechat.order(sent)
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_being_withheld")
    assert batch["batch_no"] in refused.json()["detail"]
    # Built, not released: the order goes first, and the release leaves the bill out.
    await desk.post("/v1/agreements", terms(ordered, "P2"))
    built = (await desk.build()).json()
    order = await wechat.ordered(ordered)
    assert (await desk.act(built, "release")).json()["code"] == "nothing_to_withhold"
    await wechat.close(order)
    assert (await desk.act(built, "release")).json()["line_count"] == 1
    # What the bank could not debit is paid as one likes.
    await desk.arrange(batch, final={sent.bill_no: "F"})
    await desk.answer(batch)
    assert (await wechat.order(sent)).status_code == 201
    assert await wechat.suite.invariants_broken() == {}
    await wechat.suite.close()
