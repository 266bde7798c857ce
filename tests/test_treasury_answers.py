"""What the treasury answers to a package of refunds (9110), when it is unclear, corrected, late or about another sum:
money that it has paid is never free for another way without a person being told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.simulators import treasury_wire
from services.payments import usecases
from services.payments.rules import RefundState
from shared.ids import new_id
from tests.payments_town import POOL, Counter
from tests.test_treasury_refunds import ordered, packages, posted_twice, refund
from tests.treasury_town import OFFICE, TreasuryTown

Json = dict[str, Any]
PAID, REFUSED = "<Result>90000</Result>", "<Result>24003</Result>"
LESS = ("320.00", "319.00")
ENDS = ["refund_has_one_end"]


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TreasuryTown]:
    opened = TreasuryTown(databases, tmp_path / "keys", monkeypatch)
    yield opened  # whether the invariants hold at the end is what most tests here are about
    await opened.suite.close()


async def run(town: TreasuryTown, *names: str) -> None:
    """Run jobs by their names, once each."""
    jobs = {job.name: job for job in town.suite.apps["payments"].state.jobs}
    for name in names:
        await jobs[name].work()


async def sent(town: TreasuryTown, count: int = 1) -> tuple[list[httpx.Response], bytes]:
    """Refunds in a package that the treasury has taken, and its answer, which has not come yet."""
    collections = await posted_twice(town, count)
    await town.bureau.post("/control/treasury/packages", json={"outcome": "held"})
    answers = [await ordered(town, one) for one in collections]
    await run(town, "build_refund_packages", "send_refund_packages")
    await town.bureau.post("/control/treasury/packages/release")
    [package] = await packages(town)
    path = f"/packages/{OFFICE}/{package['entrust_date'].replace('-', '')}/{package['pack_no']}"
    return answers, (await town.bureau.get(path)).content


def changed(town: TreasuryTown, raw: bytes, *changes: tuple[str, str], start: str = "<BatchHead9110>") -> bytes:
    """An answer with other words from `start` on, under a trailer of its own."""
    assert town.service.tips is not None
    head, found, rest = town.service.tips.open(raw).decode("gbk").partition(start)
    assert found
    for old, new in changes:
        assert old in rest
        rest = rest.replace(old, new)
    return town.service.tips.seal(head + found + rest)


def lines(town: TreasuryTown, raw: bytes, *changes: tuple[str, str]) -> bytes:
    """An answer with other words in its lines."""
    return changed(town, raw, *changes, start="</BatchHead9110>")


async def hear(town: TreasuryTown, raw: bytes) -> None:
    """An answer is handed in, and acted on."""
    taken = await town.hand_in(raw)
    assert (taken.status_code, taken.json()["state"]) == (201, "accepted"), taken.text
    await run(town, "settle_treasury_refunds")


async def broken(town: TreasuryTown) -> list[str]:
    return [item["name"] for item in await town.broken()]


async def contradictions(town: TreasuryTown) -> list[Json]:
    async with town.service.database.reading() as tx:
        found = await tx.rows("select detail from audit_line where action = 'refund.contradicted' order by seq")
    return [row["detail"] for row in found]


async def in_cash(town: TreasuryTown, one: Json, counter: Counter | None = None) -> httpx.Response:
    """The same money, at a counter."""
    counter = counter or await Counter.open(town.suite)
    order = {
        "pool": POOL,
        "refund_id": str(new_id()),
        "application_id": one["application_id"],
        "collection_id": one["collection_id"],
        "method": "cash",
        "amount_fen": 32000,
        "paid_to": "王小明",
        "paid_by": "clerk-wang",
        "shift_id": counter.shift["shift_id"],
    }
    return await town.post("/v1/refunds", order, town.clerk("payments:pay", "refunds"))


async def give_up(town: TreasuryTown, one: Json) -> httpx.Response:
    order = {"pool": POOL, "given_up_by": "chief-li", "note": "改为窗口现金退付"}
    return await town.post(f"/v1/refunds/{one['refund_id']}/give-up", order, town.clerk("payments:pay", "refunds"))


@pytest.mark.channel("tax: partly refused")
async def test_lines_speak_for_themselves_whatever_the_head_says(town: TreasuryTown) -> None:
    answers, raw = await sent(town, 2)
    head = "<Result>90000</Result><AddWord>处理成功</AddWord></BatchHead9110>"
    raw = changed(town, raw, (head, head.replace("90000", "20003")))
    first = "<Result>90000</Result><AddWord></AddWord></BatchReturn9110><BatchReturn9110><OriTraNo>00000002"
    await hear(town, changed(town, raw, (first, first.replace("90000", "24003"))))
    assert [(await refund(town, answer))["state"] for answer in answers] == ["failed", "settled"]
    assert [one["state"] for one in await packages(town)] == ["answered"]
    assert await broken(town) == []


@pytest.mark.lesson("late success")
@pytest.mark.parametrize(
    ("before", "after", "state"),
    [
        ([(PAID, REFUSED)], [], "failed"),
        ([(PAID, REFUSED)], [LESS], "failed"),
        ([], [(PAID, REFUSED)], "settled"),
        ([], [LESS], "settled"),
    ],
)
async def test_a_corrected_answer_that_contradicts_the_first_is_for_a_person(
    town: TreasuryTown, before: list[tuple[str, str]], after: list[tuple[str, str]], state: str
) -> None:
    [answer], raw = await sent(town)
    await hear(town, lines(town, raw, *before, ("<AddWord></AddWord>", "<AddWord>一</AddWord>")))
    assert (await refund(town, answer))["state"] == state
    assert await broken(town) == []
    part = changed if LESS in after else lines  # another sum stands in the head as well
    await hear(town, part(town, raw, *after))
    found = await refund(town, answer)
    assert (found["state"], found["told_fen"]) == (state, None)
    if state == "failed":
        assert (await in_cash(town, found)).status_code == 201  # nobody could know, and now somebody has to
    for _ in (1, 2):
        await run(town, "settle_treasury_refunds")
    assert len(await contradictions(town)) == 1
    assert await broken(town) == ENDS


async def test_an_answer_that_agrees_is_heard_as_often_as_it_comes(town: TreasuryTown) -> None:
    """Whoever dies after the refunds and before the answer is marked, or two at once, act on it again."""
    answers, raw = await sent(town, 2)
    await hear(town, raw)
    async with town.service.database.writing() as tx:
        await tx.execute("update treasury_package set acted_at = null")
    await asyncio.gather(*[run(town, "settle_treasury_refunds") for _ in (1, 2)])
    await hear(town, lines(town, raw, ("<AddWord></AddWord>", "<AddWord>更正</AddWord>")))
    assert {(await refund(town, answer))["state"] for answer in answers} == {"settled"}
    assert await contradictions(town) == []
    assert await broken(town) == []


async def test_what_an_answer_leaves_out_waits_for_the_next(town: TreasuryTown) -> None:
    answers, raw = await sent(town, 2)
    assert town.service.tips is not None
    text = town.service.tips.open(raw).decode("gbk")
    at = text.index("<BatchReturn9110><OriTraNo>00000002")
    end = text.index("</MSG>")
    told = [("<AllNum>2</AllNum>", "<AllNum>1</AllNum>"), ("<AllAmt>640.00</AllAmt>", "<AllAmt>320.00</AllAmt>")]
    one, two = text[at:end], text[text.index("<BatchReturn9110>") : at]
    await hear(town, changed(town, raw, *told, (one, "")))
    assert [(await refund(town, answer))["state"] for answer in answers] == ["settled", "processing"]
    assert [package["state"] for package in await packages(town)] == ["sent"]
    await hear(town, changed(town, raw, *told, (two, "")))
    assert [(await refund(town, answer))["state"] for answer in answers] == ["settled", "settled"]
    assert [package["state"] for package in await packages(town)] == ["answered"]
    assert await broken(town) == []


async def test_an_answer_to_a_package_that_was_refused_is_for_a_person(town: TreasuryTown) -> None:
    [collection] = await posted_twice(town, 1)
    await town.bureau.post("/control/treasury/packages", json={"outcome": "refused"})
    answer = await ordered(town, collection)
    await town.work()
    [package] = await packages(town)
    assert ((await refund(town, answer))["state"], package["state"]) == ("failed", "refused")
    line = [
        ("OriTraNo", "00000001"),
        ("TraAmt", "320.00"),
        ("PaperTaxVouNo", ""),
        ("ElectroTaxVouNo", "V2-0"),
        ("Result", "90000"),
        ("AddWord", ""),
    ]
    assert town.service.tips is not None
    day = package["entrust_date"].replace("-", "")
    ids = (f"{day}900000000001", f"{day}000000000001")
    said = treasury_wire.refund_answer(day, package["pack_no"], ("90000", ""), [line], 32000, ids)
    await hear(town, town.service.tips.seal(said))
    assert [package["state"] for package in await packages(town)] == ["refused"]
    assert await broken(town) == ENDS


async def test_only_a_package_that_has_no_end_is_handed_out(town: TreasuryTown) -> None:
    collections = await posted_twice(town, 2)
    payer = town.clerk("payments:pay", "clerk-zhao")

    async def handed_out() -> list[tuple[str, int, str]]:
        found = []
        for package in await packages(town):
            path = f"/v1/treasury/refund-packages/{package['refund_package_id']}/hand-out"
            got = await payer.post(path, params={"pool": POOL})
            found.append((package["state"], got.status_code, got.json()["code"] if got.status_code != 200 else ""))
        return found

    await town.bureau.post("/control/treasury/packages", json={"outcome": "refused"})
    await ordered(town, collections[0])
    await run(town, "build_refund_packages", "send_refund_packages")
    await ordered(town, collections[1])
    await run(town, "build_refund_packages")
    refused = ("refused", 409, "refund_package_ended")
    assert await handed_out() == [refused, ("built", 200, "")]
    assert await handed_out() == [refused, ("sent", 200, "")]
    await town.work()
    assert await handed_out() == [refused, ("answered", 409, "refund_package_ended")]
    assert await broken(town) == []


@pytest.mark.parametrize(
    ("correction", "state", "told_fen"),
    [([], "settled", None), ([(PAID, REFUSED)], "failed", None), ([("320.00", "318.00")], "abnormal", 31800)],
)
async def test_of_what_another_sum_was_paid_nothing_is_free(
    town: TreasuryTown, correction: list[tuple[str, str]], state: str, told_fen: int | None
) -> None:
    [answer], raw = await sent(town)
    await hear(town, changed(town, raw, LESS))
    one = await refund(town, answer)
    assert (one["state"], one["detail"], one["told_fen"]) == ("abnormal", "90000 TraAmt 31900", 31900)
    refused = await give_up(town, one)
    assert (refused.status_code, refused.json()["code"]) == (409, "refund_paid_otherwise")
    assert "31900" in refused.json()["detail"]
    counter = await Counter.open(town.suite)
    cash = await in_cash(town, one, counter)
    assert (cash.status_code, cash.json()["code"]) == (409, "application_has_refund")
    assert await refund(town, answer) == one
    # The treasury corrects what it has said.
    part = lines if (PAID, REFUSED) in correction else changed
    await hear(town, part(town, raw, *correction))
    found = await refund(town, answer)
    assert (found["state"], found["told_fen"]) == (state, told_fen)
    assert (await in_cash(town, one, counter)).status_code == (201 if state == "failed" else 409)
    assert await broken(town) == []


async def test_a_refund_that_is_given_up_keeps_what_its_channel_said(town: TreasuryTown) -> None:
    [answer], _ = await sent(town)
    one = await refund(town, answer)
    async with town.service.database.writing() as tx:
        await usecases.settle_refund(
            tx, POOL, one["refund_id"], RefundState.ABNORMAL, town.suite.clock.now(), reference="R1", detail="退汇"
        )
    assert (await give_up(town, one)).status_code == 200
    found = await refund(town, answer)
    assert (found["state"], found["reference"], found["detail"]) == ("failed", "R1", "退汇")
    assert (found["given_up_by"], found["give_up_note"]) == ("chief-li", "改为窗口现金退付")
    assert (await in_cash(town, one)).status_code == 201
    assert await broken(town) == []
