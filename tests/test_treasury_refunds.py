"""Refunds through the treasury (1104 → 9110 → 3123): one package for many, the same numbers in every try, each line's
end what the treasury says of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.exc import IntegrityError

from services.payments.rules import Method, ways
from shared.codes import Channel
from shared.ids import new_id
from tests.payments_town import POOL, issue_bills
from tests.treasury_town import OFFICE, TreasuryTown, open_treasury

Json = dict[str, Any]
CLERK, CHECKER, PAYER = "clerk-wang", "checker-liu", "clerk-zhao"


@pytest.fixture
async def town(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TreasuryTown]:
    async with open_treasury(databases, tmp_path / "keys", monkeypatch) as opened:
        yield opened


async def posted_twice(town: TreasuryTown, count: int) -> list[str]:
    """People have paid a bill twice through the bureau; the second payments, which are owed back, are posted."""
    bills = await issue_bills(town.suite, [32000] * count)
    items = [{"bill_no": bill.bill_no, "voucher_no": f"V{n}-{i}"} for i, bill in enumerate(bills) for n in (1, 2)]
    paid = await town.collect(*items)
    await town.post_day()
    return [one["collection_id"] for one in paid if one["outcome"] == "surplus"]


async def ordered(town: TreasuryTown, collection_id: str, *, account: bool = True, **changes: Any) -> httpx.Response:
    """Refunds orders the money back through the treasury, to an account that one recorded and another confirmed."""
    application_id = changes.setdefault("application_id", str(new_id()))
    if account:
        put = await town.record_account(application_id)
        assert put.status_code == 200, put.text
        confirmed = await town.confirm_account(application_id, 1)
        assert confirmed.status_code == 200, confirmed.text
    order = {
        "pool": POOL,
        "refund_id": str(new_id()),
        "collection_id": collection_id,
        "method": "treasury",
        "amount_fen": 32000,
        "paid_to": "王小明",
        "paid_by": PAYER,
    }
    caller = changes.pop("caller", "refunds")
    return await town.post("/v1/refunds", order | changes, town.clerk("payments:pay", caller))


async def refund(town: TreasuryTown, answer: httpx.Response) -> Json:
    """A refund as it stands."""
    assert answer.status_code == 201, answer.text
    path = f"/v1/refunds/{answer.json()['refund_id']}"
    found: Json = (await town.clerk().get(path, params={"pool": POOL})).json()
    return found


async def packages(town: TreasuryTown) -> list[Json]:
    answer = await town.clerk().get("/v1/treasury/refund-packages", params={"pool": POOL})
    items: list[Json] = answer.json()["items"]
    return items


async def differences(town: TreasuryTown) -> list[tuple[str, str]]:
    answer = await town.clerk().get("/v1/treasury/refund-differences", params={"pool": POOL})
    return [(item["kind"], item["pack_no"]) for item in answer.json()["items"]]


@pytest.mark.parametrize("channel", Channel)
def test_the_way_back_follows_from_channel_and_posting(channel: Channel) -> None:
    """Protocols, *Refund route per channel*: what was posted goes back by the treasury."""
    assert Method.TREASURY not in ways(channel, tried=True)
    assert Method.TREASURY in ways(channel, tried=False, posted=True)
    own = {Channel.WECHAT: Method.WECHAT, Channel.ETAX: Method.ETAX}
    expected = {Method.TREASURY} | ({own[channel]} if channel in own else set())
    assert set(ways(channel, tried=False, posted=True)) == expected
    assert set(ways(channel, tried=True, posted=True)) == expected | {Method.CASH}


async def test_refunds_go_out_in_one_package_and_end_as_the_treasury_says(town: TreasuryTown) -> None:
    answers = [await ordered(town, one) for one in await posted_twice(town, 3)]
    assert {answer.json()["state"] for answer in answers} == {"submitted"}
    await town.work()
    [package] = await packages(town)
    assert (package["state"], package["items_count"], package["total_fen"]) == ("answered", 3, 96000)
    found = [await refund(town, answer) for answer in answers]
    assert {one["state"] for one in found} == {"settled"}
    assert sorted(one["reference"][-8:] for one in found) == ["00000001", "00000002", "00000003"]
    check = await town.hand_in(await town.printed("3123"))
    assert (check.status_code, check.json()["state"]) == (201, "accepted")
    assert await differences(town) == []


@pytest.mark.channel("tax: partly refused")
async def test_a_line_that_the_treasury_refuses_is_free_for_another_way(town: TreasuryTown) -> None:
    collections = await posted_twice(town, 2)
    await town.bureau.post("/control/treasury/refunds", json={"outcome": "refused"})
    answers = [await ordered(town, one) for one in collections]
    await town.work()
    states = {(await refund(town, answer))["state"]: await refund(town, answer) for answer in answers}
    assert set(states) == {"failed", "settled"}
    assert "收款账户不存在" in states["failed"]["detail"]
    failed = states["failed"]
    again = await ordered(town, failed["collection_id"], account=False, application_id=failed["application_id"])
    await town.work()
    assert (await refund(town, again))["state"] == "settled"
    assert [(one["pack_no"], one["state"]) for one in await packages(town)] == [
        ("00000001", "answered"),
        ("00000002", "answered"),
    ]


@pytest.mark.channel("tax: refund check")
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("amount_differs", "amount_differs"),
        ("missing", "treasury_missing"),
        ("failed", "treasury_missing"),
        ("extra", "ours_missing"),
    ],
)
async def test_a_check_of_refunds_that_disagrees_is_told(town: TreasuryTown, fault: str, kind: str) -> None:
    [collection] = await posted_twice(town, 1)
    await ordered(town, collection)
    await town.work()
    assert (await town.hand_in(await town.printed("3123", faults=fault))).status_code == 201
    [(found, _)] = await differences(town)
    assert found == kind
    if fault != "extra":
        assert (await town.alarms())["treasury_refunds_agree"] == 1
    assert (await town.hand_in(await town.printed("3123"))).json()["state"] == "accepted"
    assert await differences(town) == []
    assert "treasury_refunds_agree" not in await town.alarms()


@pytest.mark.parametrize("outcome", ["unknown", "lost"])
async def test_a_package_whose_fate_is_unknown_goes_again_under_its_number(town: TreasuryTown, outcome: str) -> None:
    [collection] = await posted_twice(town, 1)
    await town.bureau.post("/control/treasury/packages", json={"outcome": outcome})
    answer = await ordered(town, collection)
    await town.work()
    assert (await refund(town, answer))["state"] == "settled"
    kept = (await town.bureau.get("/control/treasury/packages")).json()["items"]
    assert [(one["pack_no"], len(one["lines"])) for one in kept] == [("00000001", 1)]
    assert len(await packages(town)) == 1


async def test_whoever_dies_after_the_treasury_took_a_package_pays_once(town: TreasuryTown) -> None:
    [collection] = await posted_twice(town, 1)
    answer = await ordered(town, collection)

    def die(request: httpx.Request) -> None:
        raise httpx.ReadError("the process is gone", request=request)

    town.line.after = die
    jobs = {job.name: job for job in town.suite.apps["payments"].state.jobs}
    await jobs["build_refund_packages"].work()
    await jobs["send_refund_packages"].work()
    assert (await refund(town, answer))["state"] == "submitted"
    town.line.mend()
    await town.work()
    assert (await refund(town, answer))["state"] == "settled"
    assert len((await town.bureau.get("/control/treasury/packages")).json()["items"]) == 1


@pytest.mark.parametrize(("outcome", "state"), [("refused", "refused"), ("refused_later", "answered")])
async def test_a_package_refused_as_a_whole_pays_nobody(town: TreasuryTown, outcome: str, state: str) -> None:
    collections = await posted_twice(town, 2)
    await town.bureau.post("/control/treasury/packages", json={"outcome": outcome})
    answers = [await ordered(town, one) for one in collections]
    await town.work()
    assert {(await refund(town, answer))["state"] for answer in answers} == {"failed"}
    assert [one["state"] for one in await packages(town)] == [state]


async def test_another_sum_than_was_asked_for_is_for_a_person(town: TreasuryTown) -> None:
    [collection] = await posted_twice(town, 1)
    await town.bureau.post("/control/treasury/refunds", json={"outcome": "other_amount"})
    answer = await ordered(town, collection)
    await town.work()
    found = await refund(town, answer)
    assert (found["state"], found["detail"]) == ("abnormal", "90000 TraAmt 31900")


async def test_an_answer_may_be_handed_in_and_comes_twice_without_harm(town: TreasuryTown) -> None:
    [collection] = await posted_twice(town, 1)
    await town.bureau.post("/control/treasury/packages", json={"outcome": "held"})
    answer = await ordered(town, collection)
    jobs = {job.name: job for job in town.suite.apps["payments"].state.jobs}
    for name in ("build_refund_packages", "send_refund_packages", "send_refund_packages"):
        await jobs[name].work()
    assert (await refund(town, answer))["state"] == "processing"
    await town.bureau.post("/control/treasury/packages/release")
    [package] = await packages(town)
    path = f"/packages/{OFFICE}/{package['entrust_date'].replace('-', '')}/{package['pack_no']}"
    raw = (await town.bureau.get(path)).content
    assert [(await town.hand_in(raw)).status_code for _ in (1, 2)] == [201, 200]
    wrong = await town.hand_in(raw, pool="140300", client=town.clerk(area="140300"))
    assert (wrong.status_code, wrong.json()["code"]) == (422, "treasury_answer_without_package")
    await town.work()
    assert (await refund(town, answer))["state"] == "settled"


async def test_a_package_can_be_carried_to_the_treasury_by_hand(town: TreasuryTown) -> None:
    [collection] = await posted_twice(town, 1)
    answer = await ordered(town, collection)
    jobs = {job.name: job for job in town.suite.apps["payments"].state.jobs}
    await jobs["build_refund_packages"].work()
    [package] = await packages(town)
    path = f"/v1/treasury/refund-packages/{package['refund_package_id']}/hand-out"
    payer = town.clerk("payments:pay", "clerk-zhao")
    first, second = [(await payer.post(path, params={"pool": POOL})).content for _ in (1, 2)]
    assert first == second
    assert b"6222000000000000001" in first
    assert (await town.clerk().post(path, params={"pool": POOL})).status_code == 403
    assert (await refund(town, answer))["state"] == "processing"
    assert (await town.bureau.post("/packages", content=first)).status_code == 202


async def test_what_is_not_posted_does_not_go_back_by_the_treasury(town: TreasuryTown) -> None:
    bills = await issue_bills(town.suite, [32000])
    paid = await town.collect(*({"bill_no": bills[0].bill_no, "voucher_no": no} for no in ("V1", "V2")))
    refused = await ordered(town, paid[1]["collection_id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "not_the_way_back")


async def test_the_treasury_needs_an_account_that_stays_while_it_is_used(town: TreasuryTown) -> None:
    [collection] = await posted_twice(town, 1)
    application_id = str(new_id())
    refused = await ordered(town, collection, account=False, application_id=application_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "refund_account_needed")
    assert (await ordered(town, collection, application_id=application_id)).status_code == 201
    path = f"/v1/refund-accounts/{application_id}"
    shown = (await town.clerk().get(path, params={"pool": POOL})).json()
    assert (shown["payee_name"], shown["account_end"]) == ("王*明", "0001")
    assert "6222" not in str(shown)
    for other in (await town.record_account(application_id, 2), await town.confirm_account(application_id, 2)):
        assert (other.status_code, other.json()["code"]) == (409, "refund_account_in_use")
    async with town.service.database.reading() as tx:
        sealed = await tx.value("select sealed from refund_account where application_id = :id", id=UUID(application_id))
    assert b"6222" not in sealed


# One person does not decide where the money goes


@pytest.mark.lesson("maker, checker, payer")
async def test_nothing_is_paid_to_an_account_that_one_person_alone_has_seen(town: TreasuryTown) -> None:
    [collection] = await posted_twice(town, 1)
    application_id = str(new_id())
    recorded = await town.record_account(application_id)
    assert (recorded.headers["ETag"], recorded.json()["confirmed_by"]) == ('"1"', None)
    order: Json = {"account": False, "application_id": application_id}
    refused = await ordered(town, collection, **order)
    assert (refused.status_code, refused.json()["code"]) == (409, "refund_account_unconfirmed")
    for answer in (
        await town.confirm_account(application_id, 1, user=CLERK),
        await ordered(town, collection, paid_by=CLERK, **order),
        await ordered(town, collection, caller=CLERK, **order),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "four_eyes")
    confirmed = await town.confirm_account(application_id, 1)
    assert (confirmed.status_code, confirmed.headers["ETag"]) == (200, '"2"')
    assert confirmed.json()["confirmed_by"] == CHECKER
    by_whom = await ordered(town, collection, paid_by=CLERK, **order)
    assert by_whom.json()["code"] == "four_eyes"
    paid = await ordered(town, collection, **order)
    await town.work()
    assert (await refund(town, paid))["state"] == "settled"


async def test_another_account_is_confirmed_anew_and_only_who_read_the_last_one_changes_it(town: TreasuryTown) -> None:
    [collection] = await posted_twice(town, 1)
    application_id = str(new_id())
    unknown = await town.confirm_account(application_id, 1)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "refund_account_unknown")
    assert (await town.record_account(application_id, 1)).status_code == 412, "there is none yet"
    await town.record_account(application_id)
    await town.confirm_account(application_id, 1)
    path = f"/v1/refund-accounts/{application_id}"
    assert (await town.clerk().get(path, params={"pool": POOL})).headers["ETag"] == '"2"'
    swapped: Json = {"account": "6222000000000000999", "user": "clerk-sun"}
    assert (await town.record_account(application_id, **swapped)).status_code == 428
    assert (await town.record_account(application_id, 1, **swapped)).status_code == 412
    changed = (await town.record_account(application_id, 2, **swapped)).json()
    assert (changed["version"], changed["confirmed_by"], changed["account_end"]) == (3, None, "0999")
    order: Json = {"account": False, "application_id": application_id}
    assert (await ordered(town, collection, **order)).json()["code"] == "refund_account_unconfirmed"
    assert (await town.confirm_account(application_id, 2)).status_code == 412, "what they saw is another account"
    assert (await town.confirm_account(application_id, None)).status_code == 428
    assert (await town.confirm_account(application_id, 3, user=CLERK)).status_code == 200
    assert (await ordered(town, collection, **order)).status_code == 201


@pytest.mark.parametrize(("scopes", "area"), [("payments:write", "140522"), ("payments:check", "140300")])
async def test_only_who_checks_in_the_pool_confirms(town: TreasuryTown, scopes: str, area: str) -> None:
    application_id = str(new_id())
    await town.record_account(application_id)
    answer = await town.clerk(scopes, CHECKER, area).post(
        f"/v1/refund-accounts/{application_id}/confirm",
        json={"pool": POOL},
        headers={"Idempotency-Key": str(new_id()), "If-Match": '"1"'},
    )
    assert answer.status_code == 403


async def test_an_account_swapped_at_the_moment_of_payment_is_not_paid_to(town: TreasuryTown) -> None:
    [collection] = await posted_twice(town, 1)
    application_id = str(new_id())
    await town.record_account(application_id)
    await town.confirm_account(application_id, 1)
    swap, pay = await asyncio.gather(
        town.record_account(application_id, 2, account="6222000000000000999", user="clerk-sun"),
        ordered(town, collection, account=False, application_id=application_id),
    )
    assert (swap.status_code, pay.status_code) in {(200, 409), (409, 201)}
    await town.work()
    [first] = (await town.bureau.get("/control/treasury/packages")).json()["items"] or [{"lines": []}]
    assert [line["PayeeAcct"] for line in first["lines"]] == (["6222000000000000001"] if pay.status_code == 201 else [])


@pytest.mark.parametrize(
    "change",
    [
        "update refund_account set confirmed_by = recorded_by",
        "update refund_account set confirmed_at = null",
        "update refund_package_item set paid_by = account_by",
        "update refund_package_item set confirmed_by = account_by",
    ],
)
async def test_the_tables_refuse_what_the_code_would_let_through(town: TreasuryTown, change: str) -> None:
    [collection] = await posted_twice(town, 1)
    await ordered(town, collection)
    await town.work()
    with pytest.raises(IntegrityError, match=r"refund_account_|refund_package_item_four_eyes"):
        async with town.service.database.writing() as tx:
            await tx.execute(change)
