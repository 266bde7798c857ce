"""Who speaks for a bank, what cannot be read, and the end of its day."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.payments.formats.bank import MESSAGES, RETURN_CODES
from services.payments.rules.bank import Code
from tests.bank_town import CCB, DAY, RCB, STRANGE, Town, code, open_town, payment, reversal, said, signed
from tests.payments_town import POOL, IssuedBill, issue_bills


@pytest.fixture(params=["json", "xml"])
async def town(
    request: pytest.FixtureRequest, databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Town]:
    """All banks write in one form; everything holds for each."""
    async with open_town(databases, tmp_path / "keys", monkeypatch.setenv, form=request.param) as town:
        yield town


UNWRITABLE = frozenset("\x00\x07")
"""No XML can hold these: a message with them cannot be read at all."""

# Who speaks


def _not_authentic(raw: bytes, headers: dict[str, str]) -> dict[str, tuple[bytes, dict[str, str]]]:
    return {
        "no code": (raw, {"X-Institution": RCB}),
        "no institution": (raw, {"X-Mac": headers["X-Mac"]}),
        "unknown institution": (raw, {**headers, "X-Institution": "ICBC"}),
        "another bank's name": (raw, {**headers, "X-Institution": CCB}),
        "one byte altered": (raw.replace(b"320.00", b"320.01"), headers),
        "a blank added": (raw + b" ", headers),
        "the code of nothing": (raw, {**headers, "X-Mac": "0" * 64}),
        "not even hex": (raw, {**headers, "X-Mac": "no"}),
        "cut": (raw[:-1], headers),
        "too long": (raw + b" " * 70000, headers),
    }


@pytest.mark.parametrize("fault", list(_not_authentic(b"", {"X-Mac": ""})))
async def test_a_message_without_the_right_code_is_not_even_read(town: Town, fault: str) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    line = town.line()
    raw, headers = _not_authentic(*signed(line, "pay", "A1", payment(bill.bill_no)))[fault]
    answer = await line._client.post("/v1/channels/bank/pay", content=raw, headers=headers)
    assert answer.status_code == 401
    told = answer.json() if fault in ("no institution", "unknown institution") else said(line, answer)
    assert (set(told), set(told["head"])) == ({"head", "body"}, {"institution", "return_code", "return_message"})
    assert code(told) == "not_authentic"
    assert "X-Mac" not in answer.headers
    for table in ("bank_journal", "submission", "collection", "evidence"):
        assert await town.rows(f"select 1 from {table}") == [], table


async def test_a_head_that_names_another_bank_is_not_authentic(town: Town) -> None:
    line = town.line()
    raw, _ = signed(line, "pay", "A1", payment(STRANGE))
    raw = raw.replace(RCB.encode(), CCB.encode())
    answer = await line._client.post(
        "/v1/channels/bank/pay", content=raw, headers={"X-Institution": RCB, "X-Mac": line.mac(raw)}
    )
    assert (answer.status_code, code(said(line, answer))) == (401, "not_authentic")


async def test_a_payment_is_not_taken_for_another_operation(town: Town) -> None:
    line = town.line()
    raw, headers = signed(line, "pay", "A1", payment(STRANGE))
    answer = await line._client.post("/v1/channels/bank/reverse", content=raw, headers=headers)
    assert (answer.status_code, code(said(line, answer))) == (400, "malformed")


@pytest.mark.parametrize(
    "change",
    [
        {"pay_amount": "320"},
        {"pay_amount": "320.0"},
        {"pay_amount": "0.00"},
        {"pay_amount": "-320.00"},
        {"pay_amount": "0320.00"},
        {"pay_amount": "３２０.00"},
        {"pay_amount": 320.00},
        {"pay_amount": None},
        {"bill_no": ""},
        {"bill_no": "1405\u0000"},
        {"bill_no": "x" * 33},
        {"payer_name": "\u0007"},
        {"pay_time": "20211305100000"},
        {"pay_time": "2021-12-05 10:00"},
        {"company_id": None},
    ],
)
async def test_what_cannot_be_read_is_answered_with_a_code_and_not_booked(town: Town, change: dict[str, Any]) -> None:
    line = town.line()
    raw, headers = signed(line, "pay", "A1", {**payment(STRANGE), **change})
    answer = await line._client.post("/v1/channels/bank/pay", content=raw, headers=headers)
    assert (answer.status_code, code(said(line, answer))) == (400, "malformed")
    if not (line.form == "xml" and UNWRITABLE & set("".join(map(str, change.values())))):
        assert next(iter(change)) in said(line, answer)["body"]["faults"]
        assert said(line, answer)["head"]["trans_seq"] == "A1"
    assert answer.headers["X-Mac"] == line.mac(answer.content)
    assert await town.rows("select 1 from bank_journal") == []


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b"[]", b"null", b'{"head": []}', b"\xff\xfe", b"[" * 5000),
        *(b"<in/>", b"<in>", b"<in><head/><head/><body/></in>", b"<a>" * 5000, b"<in><head>" + b"<x>" * 20),
        b'<?xml version="1.0" encoding="UTF-16"?><in><head/><body/></in>',
        b'<!DOCTYPE in [<!ENTITY a "a">]><in><head><TranSeq>&a;</TranSeq></head><body/></in>',
        b'<!DOCTYPE in SYSTEM "file:///etc/passwd"><in><head/><body/></in>',
        b"<in><head><TranSeq>&undefined;</TranSeq></head><body/></in>",
    ],
)
async def test_bytes_that_are_no_message_are_malformed(town: Town, raw: bytes) -> None:
    line = town.line()
    headers = {"X-Institution": RCB, "X-Mac": line.mac(raw).lower()}
    answer = await line._client.post("/v1/channels/bank/pay", content=raw, headers=headers)
    assert (answer.status_code, code(said(line, answer))) == (400, "malformed")
    assert answer.headers["X-Mac"] == line.mac(answer.content)


async def test_each_bank_has_its_key_its_digest_and_its_return_codes(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    answer = await town.line(CCB).tell("pay", DAY, "A1", payment(bill.bill_no))
    assert answer["head"]["return_code"] == "000000"
    assert town.line(CCB).mac(b"x") != town.line(RCB).mac(b"x")


# The end of the day


async def end_day(town: Town, seq: str = "C1", **changes: str) -> Any:
    body = {"company_id": f"YB{POOL}", "check_date": DAY, "pay_count": "3", "pay_amount": "680.00"}
    body |= {"reverse_count": "1", "reverse_amount": "40.00", "file_name": f"{RCB}_{DAY}.txt", **changes}
    return await town.line().tell("check", DAY, seq, body)


@pytest.fixture
async def busy_day(town: Town) -> list[IssuedBill]:
    bills = await issue_bills(town.suite, [32000, 32000, 4000])
    line = town.line()
    for at, bill in enumerate(bills):
        await line.tell("pay", DAY, f"A{at}", payment(bill.bill_no, f"{bill.amount_fen // 100}.00"))
    await line.tell("reverse", DAY, "R2", reversal("A2", "40.00"))
    await line.tell("reverse", DAY, "R9", reversal("A9"))  # its payment never comes: it counts nowhere
    await town.line(CCB).tell("pay", DAY, "A1", payment(STRANGE))
    return bills


async def test_totals_that_agree_close_the_day(town: Town, busy_day: list[IssuedBill]) -> None:
    answer = await end_day(town)
    assert code(answer) == "accepted"
    [check] = await town.rows("select agreed, file_name from bank_check")
    assert check == {"agreed": True, "file_name": f"{RCB}_{DAY}.txt"}
    marked = await town.rows(
        "select institution, cast(checked_on as text) as day, count(*) as n from bank_journal group by 1, 2"
    )
    assert Tally({(row["institution"], row["day"]): row["n"] for row in marked}) == {
        (RCB, "2021-12-05"): 6,
        (CCB, None): 1,
    }
    assert code(await town.line().tell("reverse", DAY, "R0", reversal("A0"))) == "day_over"
    # Money that comes all the same is booked, and the next check shows it.
    await town.line().tell("pay", DAY, "A7", payment(STRANGE))
    assert code(await end_day(town, "C2")) == "totals_differ"
    assert (await end_day(town))["body"] == answer["body"]


@pytest.mark.parametrize(
    "changes",
    [
        {"pay_count": "2"},
        {"pay_amount": "680.01"},
        {"reverse_count": "0"},
        {"reverse_amount": "0.00"},
        {"check_date": "20211204"},
    ],
)
async def test_totals_that_differ_are_answered_and_remembered(
    town: Town, busy_day: list[IssuedBill], changes: dict[str, str]
) -> None:
    answer = await end_day(town, **changes)
    assert code(answer) == "totals_differ"
    ours = {"pay_count": "3", "pay_amount": "680.00", "reverse_count": "1", "reverse_amount": "40.00"}
    nothing = {"pay_count": "0", "pay_amount": "0.00", "reverse_count": "0", "reverse_amount": "0.00"}
    assert answer["body"] == {"check_date": DAY, **ours, **({**nothing, **changes} if "check_date" in changes else {})}
    assert [row["agreed"] for row in await town.rows("select agreed from bank_check")] == [False]
    assert await town.rows("select 1 from bank_journal where checked_on is not null") == []
    assert code(await town.line().tell("reverse", DAY, "R0", reversal("A0"))) == "accepted"


async def test_a_check_under_a_serial_that_was_used_is_refused(town: Town, busy_day: list[IssuedBill]) -> None:
    first = await asyncio.gather(*[end_day(town) for _ in range(5)])
    assert {code(answer) for answer in first} == {"accepted"}
    assert code(await end_day(town, pay_count="4")) == "serial_reused"
    assert len(await town.rows("select 1 from bank_check")) == 1


async def test_the_banks_own_totals_and_file_agree_with_the_journal(town: Town) -> None:
    one, two, three = await issue_bills(town.suite, [32000, 4000, 32000])
    await town.pay(one)
    await town.pay(two, fault="reverse")
    await town.pay(three, fault="reverse_first")
    assert (await town.control("checks", {"day": "2021-12-05"}))["agreed"]
    params = {"day": "2021-12-05", "institution": RCB}
    file = (await town.control_client().get("/control/statement", params=params)).text
    first, *lines = file.splitlines()
    assert first == "3|320.00"
    fields = [line.split("|") for line in lines]
    assert [(day, bill_no, amount, kind) for day, _, bill_no, amount, _, kind in fields] == [
        (DAY, one.bill_no, "320.00", "1"),
        (DAY, two.bill_no, "40.00", "1"),
        (DAY, two.bill_no, "40.00", "2"),
    ]
    serials = {
        row["bank_seq"] for row in await town.rows("select bank_seq from bank_journal where our_state <> 'refused'")
    }
    assert {field[1] for field in fields} <= serials


@pytest.mark.parametrize(
    ("faults", "first", "tail"),
    [
        ("", "1|320.00", "|APP|1\n"),
        ("unknown_line", "2|640.00", f"|{POOL}0000000000000000|320.00|APP|1\n"),
        ("wrong_amount", "1|321.00", "|321.00|APP|1\n"),
        ("unknown_line,wrong_amount", "2|641.00", "|320.00|APP|1\n"),
    ],
)
async def test_a_faulty_check_file(town: Town, faults: str, first: str, tail: str) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    await town.pay(bill)
    params = {"day": "2021-12-05", "faults": faults}
    file = (await town.control_client().get("/control/statement", params=params)).text
    assert file.splitlines()[0] == first
    assert file.endswith(tail)
    params["faults"] = ",".join(filter(None, [faults, "cut_end"]))
    cut = (await town.control_client().get("/control/statement", params=params)).text
    assert file.startswith(cut)
    assert 0 < len(cut.splitlines()[-1].split("|")) < 6


def test_every_refusal_has_a_return_code_of_its_own() -> None:
    assert set(RETURN_CODES) == set(MESSAGES) == set(Code)
    assert len(set(RETURN_CODES.values())) == len(Code)
