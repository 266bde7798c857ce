"""The parts of the bank's interface: its states, its amounts, its codes, and the money that it pays out for us."""

import re
from collections.abc import AsyncIterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.clients import Bank, Payout, PayoutState
from services.payments.formats.bank import fen_to_yuan, yuan_to_fen
from services.payments.formats.macs import Mac
from services.payments.rules.bank import (
    JOURNAL_TRANSITIONS,
    Code,
    Kind,
    Original,
    Standing,
    State,
    Step,
    accounting_day,
    masked_account,
    reversal_refusal,
)
from services.payments.settings import BankSettings
from services.payments.tables import bank_journal
from shared.clock import SHANGHAI
from shared.identity import mask_name
from shared.references import SecretMissing, load_secret
from tests.bank_town import DAY, RCB, Town, build_town, payment, reversal
from tests.payments_town import issue_bills

PAGE = Path("services/payments/docs/bank.md").read_text(encoding="utf-8")

# The states


def test_a_row_keeps_its_kind() -> None:
    for (before, _), after in JOURNAL_TRANSITIONS.items():
        assert before is None or before.kind is after.kind
    assert JOURNAL_TRANSITIONS[None, Step.REVERSAL_CAME_FIRST].kind is Kind.PAY  # the row of the payment to come
    assert JOURNAL_TRANSITIONS[None, Step.REVERSAL_CAME].kind is Kind.REVERSE


def test_the_database_knows_exactly_these_standings() -> None:
    [constraint] = [c for c in bank_journal.constraints if c.name == "bank_journal_standing"]
    released = Path("services/payments/migrations/versions/0010_create_bank.py").read_text(encoding="utf-8")
    wanted = {tuple(str(part) for part in standing.value) for standing in Standing}
    for sql in (str(constraint.sqltext), released):  # type: ignore[attr-defined]
        found = re.findall(r"\('(pay|reverse)', '(\w+)', '(\w+)', '(\w+)'\)", sql)
        assert set(found) == wanted
        assert len(found) == len(wanted)


def test_the_page_says_where_each_row_stands() -> None:
    for standing in Standing:
        assert f"| {standing.name.lower()} | {standing.third} | {standing.ours} | {standing.host} |" in PAGE


def test_nothing_is_known_to_be_settled_that_is_not_in_our_books() -> None:
    for standing in Standing:
        if standing.kind is Kind.PAY:
            assert (standing.third is State.DONE) <= (standing.ours is State.DONE)
            assert (standing.ours is State.REFUSED) <= (standing.third is State.UNTOUCHED)
            assert standing.given_back <= standing.void


@pytest.mark.parametrize(
    ("original", "amount_fen", "same_day", "code"),
    [
        (None, 32000, True, None),
        (None, 32000, False, Code.DAY_OVER),
        (Original(Standing.SETTLED, 32000), 32000, True, None),
        (Original(Standing.UNSETTLED, 32000), 32000, True, None),
        (Original(Standing.SETTLED, 32000), 32000, False, Code.DAY_OVER),
        (Original(Standing.SETTLED, 32000), 31999, True, Code.AMOUNT_DIFFERS),
        (Original(Standing.SETTLED, 32000), 31999, False, Code.AMOUNT_DIFFERS),
        (Original(Standing.SETTLED_REVERSED, 32000), 32000, False, None),
        (Original(Standing.AWAITED, 32000), 32000, True, None),
        (Original(Standing.AWAITED, 32000), 100, True, Code.AMOUNT_DIFFERS),
        (Original(Standing.FORESTALLED, 32000), 32000, False, None),
        (Original(Standing.SETTLED_CORRECTED, 32000), 32000, True, Code.DAY_OVER),
        (Original(Standing.REOPENED, 32000), 32000, True, Code.NOT_A_PAYMENT),
        (Original(Standing.NOT_REVERSED, 1), 32000, False, Code.NOT_A_PAYMENT),
    ],
)
def test_why_a_reversal_is_refused(
    original: Original | None, amount_fen: int, same_day: bool, code: Code | None
) -> None:
    assert reversal_refusal(original, amount_fen, same_day=same_day) == code


@pytest.mark.parametrize(
    ("now", "cut_over", "day"),
    [
        ("2021-12-05 00:00:00", "00:00", "2021-12-05"),
        ("2021-12-05 23:59:59", "00:00", "2021-12-05"),
        ("2021-12-05 22:59:59", "23:00", "2021-12-05"),
        ("2021-12-05 23:00:00", "23:00", "2021-12-06"),
        ("2021-12-31 23:00:00", "23:00", "2022-01-01"),
    ],
)
def test_the_accounting_day_turns_when_the_bank_says(now: str, cut_over: str, day: str) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=SHANGHAI)
    assert accounting_day(instant, time.fromisoformat(cut_over)) == date.fromisoformat(day)


# Amounts, names, codes


@given(st.integers(0, 10**12 - 1))
def test_yuan_and_fen_are_the_same_money(amount_fen: int) -> None:
    assert yuan_to_fen(fen_to_yuan(amount_fen)) == amount_fen


@given(st.text(alphabet="0123456789.-+ ,eE０١", max_size=8))
def test_only_yuan_with_two_decimals_is_an_amount(text: str) -> None:
    if re.fullmatch(r"(0|[1-9][0-9]*)\.[0-9][0-9]", text, re.ASCII):
        assert fen_to_yuan(yuan_to_fen(text)) == text
    else:
        with pytest.raises(ValueError, match="two decimals"):
            yuan_to_fen(text)


@pytest.mark.parametrize(
    ("digest", "key", "message", "code"),
    [
        # RFC 4231, test case 2 is too short a key for us; test case 1 has 20 bytes.
        (
            "sha256",
            b"\x0b" * 20,
            b"Hi There",
            "B0344C61D8DB38535CA8AFCEAF0BF12B881DC200C9833DA726E9376C2E32CFF7",
        ),
        # GB/T 15852.2-2012, annex B (HMAC with SM3).
        (
            "sm3",
            bytes(range(1, 33)),
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopqabcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "CA05E144ED05D1857840D1F318A4A8669E559FC8391F414485BFDF7BB408963A",
        ),
    ],
)
def test_the_codes_are_those_of_the_standards(digest: str, key: bytes, message: bytes, code: str) -> None:
    mac = Mac(digest, key)
    assert mac.of(message) == code
    assert mac.matches(message, code.lower())
    assert not mac.matches(message + b" ", code)
    assert not mac.matches(message, "")


@pytest.mark.parametrize(("digest", "key"), [("md5", b"k" * 16), ("sm3", b"k" * 15)])
def test_weak_codes_are_not_made(digest: str, key: bytes) -> None:
    with pytest.raises(ValueError, match="MAC"):
        Mac(digest, key)


@pytest.mark.parametrize(
    ("name", "masked"), [("王小明", "王*明"), ("张三", "张*"), ("王", "*"), ("", ""), ("古丽·买买提", "古****提")]
)
def test_a_masked_name_lets_a_payer_recognise_a_person(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("account", "masked"),
    [("6217001234567890123", "***************0123"), ("12345", "****2345"), ("123", "***"), ("", "")],
)
def test_an_account_shows_its_last_digits_alone(account: str, masked: str) -> None:
    assert masked_account(account) == masked


def test_a_secret_is_named_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("abc\n")
    monkeypatch.setenv("BANK_KEY", " def ")
    assert load_secret(f"file:{tmp_path / 'key'}") == b"abc"
    assert load_secret("env:BANK_KEY") == b"def"
    for reference in (f"file:{tmp_path / 'none'}", "env:NONE", "abc", "vault:abc"):
        with pytest.raises(SecretMissing):
            load_secret(reference)


@pytest.mark.parametrize(
    "change",
    [{"key": "env:NONE"}, {"return_codes": {"acepted": "1"}}, {"digest": "md5"}, {"companies": {"W": "14052"}}],
)
def test_a_bank_that_is_set_up_wrongly_stops_the_start(change: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANK_KEY", "00" * 16)
    right: dict[str, Any] = {"key": "env:BANK_KEY", "companies": {"YB140522": "140522"}}
    assert Bank.join(RCB, BankSettings.model_validate(right)).pool_of("YB140522") == "140522"
    with pytest.raises(ValueError):  # noqa: PT011 -- settings, secrets and keys each say it their own way
        Bank.join(RCB, BankSettings.model_validate({**right, **change}))


# Paying out


@pytest.fixture
async def town(databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    town = build_town(databases, tmp_path / "keys", monkeypatch.setenv)
    yield town
    await town.suite.close()


async def pay_out(town: Town, number: str, seq: str, amount_fen: int, day: date = date(2021, 12, 5)) -> Payout:
    return await town.service.banks[RCB].pay_out(number, day, seq, amount_fen, now=town.suite.clock.now())


async def ask(town: Town, number: str) -> Payout:
    return await town.service.banks[RCB].query_payout(number, now=town.suite.clock.now())


@pytest.mark.parametrize(
    ("outcome", "first", "later"),
    [
        ("done", PayoutState.DONE, PayoutState.DONE),
        ("accepted", PayoutState.ACCEPTED, PayoutState.DONE),
        ("unknown", PayoutState.UNKNOWN, PayoutState.DONE),
        ("failed", PayoutState.FAILED, PayoutState.FAILED),
    ],
)
async def test_a_payout_goes_once_under_its_number(
    town: Town, outcome: str, first: PayoutState, later: PayoutState
) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    paid = await town.pay(bill)
    assert (await ask(town, "F1")) == Payout(PayoutState.UNKNOWN, "not_known")
    await town.control("payouts", {"outcome": outcome})
    assert (await pay_out(town, "F1", paid["bank_seq"], 20000)).state is first
    assert (await ask(town, "F1")).state is later
    assert (await pay_out(town, "F1", paid["bank_seq"], 20000)).state is later
    assert await pay_out(town, "F1", paid["bank_seq"], 19999) == Payout(PayoutState.FAILED, "number_reused")
    rest = await pay_out(town, "F2", paid["bank_seq"], 20000)
    assert rest == (
        Payout(PayoutState.DONE, None) if outcome == "failed" else Payout(PayoutState.FAILED, "exceeds_original")
    )


async def test_a_payout_names_a_payment_that_stands(town: Town) -> None:
    [bill] = await issue_bills(town.suite, [32000])
    assert await pay_out(town, "F1", "000000000099", 32000) == Payout(PayoutState.FAILED, "original_unknown")
    paid = await town.pay(bill, fault="reverse")
    assert await pay_out(town, "F2", paid["bank_seq"], 32000) == Payout(PayoutState.FAILED, "original_reversed")


class Answers(httpx.AsyncBaseTransport):
    """A bank that answers as it is told."""

    def __init__(self, make: Any) -> None:
        self._make = make

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        made: httpx.Response = self._make(request)
        return made


def _fails(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("no answer")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_fails, "no_answer"),
        (lambda _: httpx.Response(200, content=b'{"body": {"state": "done"}}'), "not_authentic"),
        (lambda _: httpx.Response(500), "not_authentic"),
        # Its own message sent back to it, with the code that it bears.
        (lambda r: httpx.Response(200, content=r.content, headers={"X-Mac": r.headers["X-Mac"]}), "unreadable"),
    ],
)
async def test_what_the_bank_does_not_sign_for_this_message_leaves_everything_open(
    monkeypatch: pytest.MonkeyPatch, answer: Any, reason: str
) -> None:
    monkeypatch.setenv("BANK_KEY", "00" * 16)
    settings = BankSettings(key="env:BANK_KEY", companies={}, payouts_url="http://bank")
    bank = Bank.join(RCB, settings, Answers(answer))
    now = datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)
    assert await bank.pay_out("F1", date(2021, 12, 5), "1", 100, now=now) == Payout(PayoutState.UNKNOWN, reason)
    assert await bank.query_payout("F1", now=now) == Payout(PayoutState.UNKNOWN, reason)
    await bank.close()


async def test_an_answer_to_another_message_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANK_KEY", "00" * 16)
    mac = Mac("sm3", bytes(16))

    def other(request: httpx.Request) -> httpx.Response:
        said = request.content.replace(b'"F1"', b'"F0"').replace(b'"body":{', b'"body":{"state":"done",')
        return httpx.Response(200, content=said, headers={"X-Mac": mac.of(said)})

    bank = Bank.join(RCB, BankSettings(key="env:BANK_KEY", companies={}, payouts_url="http://bank"), Answers(other))
    now = datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)
    assert await bank.query_payout("F1", now=now) == Payout(PayoutState.UNKNOWN, "other_message")
    assert await bank.query_payout("F9", now=now) == Payout(PayoutState.DONE, None)
    await bank.close()


async def test_nobody_is_asked_inside_a_transaction(town: Town) -> None:
    async with town.service.database.reading():
        with pytest.raises(RuntimeError, match="transaction"):
            await ask(town, "F1")


async def test_the_invariants_of_the_journal_find_what_was_edited(town: Town) -> None:
    [one, two] = await issue_bills(town.suite, [32000, 32000])
    await town.pay(one)
    await town.pay(two, fault="reverse")
    await town.line().tell("reverse", DAY, "R9", reversal("A9"))
    await town.line().tell("pay", DAY, "A8", payment("140522ZZZZZZZZZZZZZZZZ"))
    assert await town.suite.invariants_broken() == {}
    edits = {
        "bank_payment_is_booked": "update bank_journal set amount_fen = amount_fen + 1 where bank_seq = 'A8'",
        "bank_reversal_has_its_original": "delete from bank_journal where bank_seq = 'A9'",
        "bank_taken_back_has_its_reversal": "delete from bank_journal where kind = 'reverse' and our_state = 'done'",
    }
    for name, statement in edits.items():
        async with town.service.database.writing() as tx:
            await tx.execute(statement)
        assert name in [item["name"] for item in (await town.suite.invariants_broken())["payments"]], name
