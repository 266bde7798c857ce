"""The bank asks and pays: every fen booked once, whatever the line does to the number of messages."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from deploy.local.simulators.bank_wire import read_message
from shared import evidence
from tests.bank_town import CCB, DAY, RCB, STRANGE, Town, code, open_town, payment, reversal
from tests.payments_town import POOL, Counter, issue_bills


@pytest.fixture(params=["json", "xml"])
async def town(
    request: pytest.FixtureRequest, databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Town]:
    """All banks write in one form; everything holds for each."""
    async with open_town(databases, tmp_path / "keys", monkeypatch.setenv, form=request.param) as town:
        yield town


@pytest.mark.rule("S004-21", "S000-26")
async def test_a_payment_at_the_bank_settles_the_bill_with_a_receipt(town: Town) -> None:
    one, two = await issue_bills(town.suite, [32000, 4000])
    paid = await town.pay(one)
    assert (paid["outcome"], paid["receipt_no"]) == ("settled", "YHRCB140522-00000001")
    assert (await town.pay(two, institution=CCB))["receipt_no"] == "YHCCB140500-00000001"
    assert (await town.bill(one))["status"] == "paid"
    found = await town.summary()
    assert found["collected"]["by_channel"]["bank"] == {"count": 2, "amount_fen": 36000}
    accounts = await town.suite.client("payments", "payments:read").get("/v1/accounts", params={"pool": POOL})
    held = {a["account"]: a["balance_fen"] for a in accounts.json()["items"] if a["account"].startswith("held/bank")}
    assert held == {f"held/bank/{RCB}": 32000, f"held/bank/{CCB}": 4000}


async def test_the_account_is_kept_whole_in_the_sealed_message_alone(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    await town.line().tell("pay", DAY, "1", payment(bill.bill_no))
    [row] = await town.rows("select account_masked, evidence_id from bank_journal")
    assert row["account_masked"] == "***************0123"
    tables = [
        row["tablename"] for row in await town.rows("select tablename from pg_tables where schemaname = 'public'")
    ]
    for table in tables:
        assert await town.rows(f"select 1 from {table} t where cast(t as text) like '%6217001234567890123%'") == [], (
            table
        )
    async with town.service.database.reading() as tx:
        opened = await evidence.load(tx, town.service.sealer, POOL, row["evidence_id"])
    assert read_message(town.line().form, opened)["body"]["payer_account"] == "6217001234567890123"


# Asking


async def ask(town: Town, key: str, region: str = POOL, **changes: str) -> Any:
    body = {"company_id": f"YB{POOL}", "bill_key": key, "region": region, **changes}
    return await town.line().tell("query", DAY, "77", body)


async def test_a_query_shows_what_can_be_paid_and_for_whom_but_not_who(town: Town) -> None:
    one, two = await issue_bills(town.suite, [32000, 4000], name_masked="王*明")
    answer = await ask(town, one.bill_no)
    shown = {"bill_no": one.bill_no, "name": "王*明", "scheme": "yangcheng-2022", "pay_amount": "320.00"}
    assert (code(answer), answer["body"]) == ("accepted", {"bills": [{**shown, "payable_until": "20211225"}]})
    by_person = await ask(town, str(two.person_id), "140522108")
    assert [bill["bill_no"] for bill in by_person["body"]["bills"]] == [two.bill_no]
    lines = await town.rows("select action, client_id, persons from audit_line order by seq")
    assert [(line["client_id"], line["persons"]) for line in lines] == [
        (f"bank/{RCB}", [str(one.person_id)]),
        (f"bank/{RCB}", [str(two.person_id)]),
    ]


@pytest.mark.parametrize(
    ("now", "about", "region", "said", "rules"),
    [
        ("2021-12-05 10:00", "open", "140522", "accepted", None),
        ("2021-12-05 10:00", "open", "140522108200", "accepted", None),
        ("2021-12-25 23:59:59", "open", "140522", "accepted", None),
        ("2021-12-26 00:00", "open", "140522", "outside_window", ["S004-06", "S004-08"]),
        ("2021-08-31 23:59", "open", "140522", "outside_window", ["S004-06", "S004-08"]),
        ("2021-09-26 00:00", "open", "140522", "closed_day", ["S004-07"]),
        ("2021-09-26 00:00", "paid", "140522", "already_paid", []),
        ("2021-12-05 10:00", "paid", "140522", "already_paid", []),
        ("2021-12-05 10:00", "paid person", "140522", "already_paid", []),
        ("2021-12-05 10:00", "unknown", "140522", "bill_unknown", []),
        ("2021-12-05 10:00", "unknown person", "140522", "bill_unknown", []),
        pytest.param(
            "2021-12-05 10:00", "open", "140523", "wrong_place", ["S004-20"], marks=pytest.mark.rule("S004-20")
        ),
        pytest.param(
            "2021-12-05 10:00", "open", "140500", "wrong_place", ["S004-20"], marks=pytest.mark.rule("S004-20")
        ),
        pytest.param(
            "2021-12-05 10:00", "open person", "140523", "wrong_place", ["S004-20"], marks=pytest.mark.rule("S004-20")
        ),
        pytest.param(
            "2021-12-05 10:00", "elsewhere", "140522", "wrong_place", ["S004-20"], marks=pytest.mark.rule("S004-20")
        ),
        pytest.param(
            "2021-12-26 00:00", "open", "140523", "wrong_place", ["S004-20"], marks=pytest.mark.rule("S004-20")
        ),
    ],
)
async def test_a_query_is_refused_with_its_own_code(
    town: Town, now: str, about: str, region: str, said: str, rules: list[str] | None
) -> None:
    opened, paid = await issue_bills(town.suite, [32000, 32000])
    await town.pay(paid)
    keys = {
        "open": opened.bill_no,
        "open person": str(opened.person_id),
        "paid": paid.bill_no,
        "paid person": str(paid.person_id),
        "unknown": STRANGE,
        "unknown person": "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a05",
        "elsewhere": "371302ZZZZZZZZZZZZZZZZ",
    }
    town.suite.set_clock(now)
    answer = await ask(town, keys[about], region)
    assert (code(answer), answer["body"].get("rules")) == (said, rules)


async def test_a_query_for_a_company_that_we_are_not_is_refused(town: Town) -> None:
    assert code(await ask(town, STRANGE, company_id="WATER")) == "company_unknown"


# Money


@pytest.mark.parametrize(
    ("about", "changes", "outcome", "reason"),
    [
        ("open", {}, "settled", ""),
        ("open", {"pay_time": "20210925235959"}, "settled", ""),
        ("paid", {}, "surplus", "already_paid"),
        ("open", {"pay_amount": "319.99"}, "suspense", "amount_differs"),
        ("open", {"pay_time": "20210926000000"}, "suspense", "closed_day"),
        ("open", {"pay_time": "20211226000000"}, "suspense", "outside_window"),
        ("unknown", {}, "suspense", "bill_unknown"),
        ("strange", {}, "suspense", "bill_unknown"),
        ("elsewhere", {}, "suspense", "bill_unknown"),
    ],
)
async def test_money_that_was_taken_is_booked_whatever_it_is(
    town: Town, about: str, changes: dict[str, str], outcome: str, reason: str
) -> None:
    opened, paid = await issue_bills(town.suite, [32000, 32000])
    await town.pay(paid)
    numbers = {"open": opened.bill_no, "paid": paid.bill_no, "unknown": STRANGE, "strange": "?"}
    bill_no = numbers.get(about, "371302ZZZZZZZZZZZZZZZZ")
    answer = await town.line().tell("pay", DAY, "A1", payment(bill_no, **changes))
    assert (code(answer), answer["body"]["outcome"], answer["body"]["reason"]) == ("accepted", outcome, reason)
    assert bool(answer["body"]["receipt_no"]) == (outcome != "suspense")
    assert await town.states("A1") == ("done" if outcome == "settled" else "untouched", "done", "done")
    assert (await town.summary())["collected"]["count"] == 2


async def test_money_under_a_company_code_that_nobody_knows_stands_apart(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    answer = await town.line().tell("pay", DAY, "A1", payment(bill.bill_no, company_id="WATER"))
    assert (answer["body"]["outcome"], answer["body"]["reason"]) == ("suspense", "bill_unknown")
    assert await town.rows("select pool, bill_no, amount_fen from collection") == [
        {"pool": "000000", "bill_no": bill.bill_no, "amount_fen": 32000}
    ]
    assert (await town.bill(bill))["status"] == "open"


async def test_the_same_serial_again_gets_the_first_answer_and_books_nothing(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    second_worker = town.suite.make_app("payments")
    lines = [town.line(), town.line(app=second_worker)]
    answers = await asyncio.gather(*[lines[n % 2].tell("pay", DAY, "A1", payment(bill.bill_no)) for n in range(20)])
    assert len({orjson.dumps(answer) for answer in answers}) == 1
    assert answers[0]["body"]["outcome"] == "settled"
    assert (await town.summary())["collected"]["count"] == 1
    assert len(await town.rows("select 1 from evidence")) == 20
    await second_worker.state.database.close()


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("pay", payment(STRANGE, "310.00")),
        ("pay", payment("140522ZZZZZZZZZZZZZZZY")),
        ("pay", payment(STRANGE, payer_name="李小明")),
        ("reverse", reversal("A2")),
    ],
)
async def test_a_serial_with_other_content_is_refused(town: Town, operation: str, body: dict[str, str]) -> None:
    await town.line().tell("pay", DAY, "A1", payment(STRANGE))
    assert code(await town.line().tell(operation, DAY, "A1", body)) == "serial_reused"
    assert (await town.summary())["collected"]["count"] == 1


async def test_the_same_serial_on_another_day_or_at_another_bank_is_another_payment(town: Town) -> None:
    for line, day in ((town.line(), DAY), (town.line(), "20211206"), (town.line(CCB), DAY)):
        answer = await line.tell("pay", day, "A1", payment(STRANGE))
        assert answer["body"]["outcome"] == "suspense"
    assert (await town.summary())["collected"]["count"] == 3


async def test_bank_and_counter_at_once_have_one_winner_and_the_other_is_surplus(town: Town) -> None:
    bills = await issue_bills(town.suite, [32000] * 10)
    counter = await Counter.open(town.suite)
    line = town.line()
    answers: list[Any] = await asyncio.gather(
        *[line.tell("pay", DAY, f"A{at}", payment(bill.bill_no)) for at, bill in enumerate(bills)],
        *[counter.take([bill], pos=f"slip-{at}") for at, bill in enumerate(bills)],
    )
    outcomes: Tally[tuple[str, str]] = Tally()
    for at, answer in enumerate(answers):
        body = answer.json()["items"][0] if isinstance(answer, httpx.Response) else answer["body"]
        outcomes[bills[at % 10].bill_no, body["outcome"]] += 1
    assert outcomes == {(bill.bill_no, outcome): 1 for bill in bills for outcome in ("settled", "surplus")}
    found = await town.summary()
    assert found["receipts"] == {"issued": 20, "voided": 0, "gaps": 0, "duplicates": 0}
    assert found["funds"]["surplus_fen"] == 320000
