"""Plain rows, which are matched in the database set by set, come to what the rules say of them one by one.

The same file is looked over twice, with and without the plain way; what the first time left is taken away in between.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.payments import usecases
from services.payments.store import judging
from services.payments.store import statements as store
from services.payments.usecases import matching, taking_statements
from shared.codes import Channel
from shared.database import Row
from tests.payments_town import POOL, issue_bills
from tests.statements_town import HELD, NOON, PRINT, Desk, Paid, book, check_file, paid, take_back, work
from tests.suite import InProcessSuite
from tests.waiting import wait_for

TWISTS = (
    *("plain", "plain", "plain", "reversed", "not booked", "left out", "printed twice", "other amount", "taken twice"),
    *("other bill", "no bill", "by order", "late", "of yesterday", "far", "taken back in the file", "nothing"),
)
"""What may have become of a payment and its line."""

# What a look leaves, and what takes it away again.
_LEFT = {
    "rows": "select row_no, result, judged_on, reference from statement_row where statement_id = :id order by row_no",
    "matches": "select subject_kind, subject_pool, subject_id, row_no, amount_fen, cleared_at from statement_match "
    "where statement_id = :id order by subject_id",
    "transfers": "select kind, debit_account, credit_account, amount_fen, scheme, subject, bill_no, occurred_at "
    "from transfer where kind = 'clear' order by subject",
    "breaks": "select kind, day, row_no, collection_id, channel_fen, our_fen, owner, state, opened_on, due_on "
    "from statement_break where statement_id = :id order by row_no, collection_id",
    "statement": "select state, look_on, version from statement where statement_id = :id",
}
_TAKEN_AWAY = (
    (
        "delete from transfer where kind = 'clear' and subject in "
        "(select cast(subject_id as text) from statement_match where statement_id = :id)"
    ),
    "delete from statement_match where statement_id = :id",
    "delete from statement_break where statement_id = :id",
    "update statement_row set result = 0, judged_on = null where statement_id = :id",
    "update statement set look_on = cast(judged_at at time zone 'Asia/Shanghai' as date) where statement_id = :id",
)


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 12:30")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


def service_of(payments: InProcessSuite) -> usecases.Payments:
    service: usecases.Payments = payments.apps["payments"].state.service
    return service


async def taken_in(payments: InProcessSuite, channel: Channel, data: bytes, day: date) -> Row:
    answer = await Desk(payments).upload(channel, data, day=str(day))
    assert answer.status_code == 201, answer.text
    service = service_of(payments)
    await taking_statements.take_statements(service)
    async with service.database.reading() as tx:
        statement = await store.find_statement(tx, POOL, UUID(answer.json()["statement_id"]), [])
    assert statement is not None
    assert statement["state"] == "accepted"
    return statement


async def pass_over(service: usecases.Payments, statement: Row, *, by_sets: bool) -> dict[str, list[dict[str, Any]]]:
    """Look a statement over to the end; what that has left."""
    for step in (matching.match_plain, matching.look_over) if by_sets else (matching.look_over,):
        place = judging.START
        while reached := await step(service, statement, place):
            place = reached
    async with service.database.reading() as tx:
        return {
            name: [dict(row) for row in await tx.rows(sql, **_named(sql, statement))] for name, sql in _LEFT.items()
        }


async def take_away(service: usecases.Payments, statement: Row) -> None:
    async with service.database.writing() as tx:
        for sql in _TAKEN_AWAY:
            await tx.execute(sql, **_named(sql, statement))


def _named(sql: str, statement: Row) -> dict[str, Any]:
    return {"id": statement["statement_id"]} if ":id" in sql else {}


def twisted(payments: Sequence[Paid], twists: Sequence[str]) -> tuple[list[Paid], list[Paid]]:
    """The payments as they are booked, and the lines that the channel prints of them."""
    booked, lines = [], []
    for each, twist in zip(payments, twists, strict=True):
        if twist not in ("not booked", "nothing"):
            moved = {"late": timedelta(days=-1), "far": timedelta(days=-9), "of yesterday": timedelta(days=-1)}
            told = replace(each, at=each.at + moved.get(twist, timedelta()))
            # A bank's day stands in its reference, so only other channels print one payment under two days.
            booked.append(told if each.channel is not Channel.BANK else each)
        line = {
            "other amount": replace(each, amount_fen=each.amount_fen + 100),
            "other bill": replace(each, bill_no=payments[0].bill_no),
            "no bill": replace(each, bill_no=""),
            "by order": replace(each, number=f"9{each.number[1:]}"),
        }.get(twist, each)
        lines += [] if twist in ("left out", "nothing") else [line]
        lines += [line] if twist == "printed twice" else []
        lines += [replace(line, at=line.at + timedelta(seconds=5))] if twist == "taken twice" else []
    return booked, lines


_days = count()


@pytest.mark.parametrize("channel", [Channel.BANK, Channel.WECHAT])
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    twists=st.lists(st.sampled_from(TWISTS), min_size=4, max_size=12),
    passed=st.integers(0, 4),
    chunk=st.integers(1, 9),
    shuffled=st.randoms(use_true_random=False),
)
async def test_the_plain_way_comes_to_what_the_rules_say(
    payments: InProcessSuite,
    monkeypatch: pytest.MonkeyPatch,
    channel: Channel,
    twists: list[str],
    passed: int,
    chunk: int,
    shuffled: Any,
) -> None:
    monkeypatch.setattr(matching, "CHUNK_ROWS", 3)
    monkeypatch.setattr(matching, "PLAIN_ROWS", chunk)
    service, noon = service_of(payments), NOON + timedelta(days=20 * next(_days))
    bills = await issue_bills(payments, [32000] * len(twists))
    sold = [
        replace(each, at=noon + (each.at - NOON), number=f"{noon:%y%m%d}{n:06d}")
        for n, each in enumerate(paid(channel, bills))
    ]
    told, lines = twisted(sold, twists)
    booked = await book(payments, told)
    references = {each.reference for each, twist in zip(sold, twists, strict=True) if twist == "reversed"}
    await take_back(payments, [one for one, each in zip(booked, told, strict=True) if each.reference in references])
    shuffled.shuffle(lines)
    payments.clock.set(noon + timedelta(days=passed))
    back = [replace(each, number=f"8{each.number[1:]}") for each, twist in zip(sold, twists, strict=True)
            if twist == "taken back in the file" and channel is Channel.BANK]  # fmt: skip
    data = check_file(lines, back) if channel is Channel.BANK else PRINT[channel](lines)
    statement = await taken_in(payments, channel, data, noon.date())
    by_rules = await pass_over(service, statement, by_sets=False)
    await take_away(service, statement)
    assert await pass_over(service, statement, by_sets=True) == by_rules
    assert await payments.invariants_broken() == {}


async def test_what_is_plain_needs_no_judging(payments: InProcessSuite) -> None:
    """Of a file in which all is as it should be, nothing is left for the rules."""
    sold = paid(Channel.BANK, await issue_bills(payments, [32000] * 5))
    await book(payments, sold)
    payments.set_clock("2021-12-06 10:00")
    service, statement = service_of(payments), await taken_in(payments, Channel.BANK, check_file(sold), NOON.date())
    assert await matching.match_plain(service, statement, judging.START) is not None
    async with service.database.reading() as tx:
        assert await tx.value("select array_agg(distinct result) from statement_row") == [1]
    balances = await Desk(payments).balances()
    assert balances["special_account"] == 5 * 32000
    assert HELD[Channel.BANK] not in balances


@pytest.mark.lesson("killed after its 2xx")
async def test_a_pass_that_dies_between_two_chunks_goes_on_where_it_stopped(
    payments: InProcessSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "PLAIN_ROWS", 2)
    sold = paid(Channel.BANK, await issue_bills(payments, [32000] * 5))
    await book(payments, sold)
    payments.set_clock("2021-12-06 10:00")
    service, statement = service_of(payments), await taken_in(payments, Channel.BANK, check_file(sold), NOON.date())
    await matching.match_plain(service, statement, judging.START)
    assert (await Desk(payments).balances())["special_account"] == 2 * 32000
    await work(payments)
    assert (await Desk(payments).balances())["special_account"] == 5 * 32000
    assert (await Desk(payments).statement(str(statement["statement_id"])))["agreed"] == 5


async def test_money_that_is_being_reversed_is_waited_for_and_left_to_the_rules(payments: InProcessSuite) -> None:
    """The plain way waits for the reversal's lock, sees that the money is gone, and does not match it."""
    sold = paid(Channel.BANK, await issue_bills(payments, [32000] * 3))
    booked = await book(payments, sold)
    payments.set_clock("2021-12-06 10:00")
    service, statement = service_of(payments), await taken_in(payments, Channel.BANK, check_file(sold), NOON.date())
    async with service.database.writing() as tx:
        await usecases.reverse(tx, POOL, [booked[1]["collection_id"]], "test", service.clock.now())
        matched = asyncio.create_task(matching.match_plain(service, statement, judging.START))
        await wait_for(service.database, 1)
    await matched
    balances = await Desk(payments).balances()
    assert balances["special_account"] == 2 * 32000
    await work(payments)
    assert await Desk(payments).results(str(statement["statement_id"])) == ["matched", "pending", "matched"]


async def test_money_that_another_days_statement_has_is_not_taken_from_it(payments: InProcessSuite) -> None:
    """A line that two days print is matched by the first; the rules call the second one a duplicate."""
    sold = paid(Channel.WECHAT, await issue_bills(payments, [32000] * 2))
    await book(payments, sold)
    payments.set_clock("2021-12-07 10:00")
    desk = Desk(payments)
    lines = PRINT[Channel.WECHAT](sold)
    late = PRINT[Channel.WECHAT]([replace(sold[0], at=sold[0].at + timedelta(days=1))])
    next_day = await desk.bring(Channel.WECHAT, late, day="2021-12-06")
    assert await desk.results(next_day["statement_id"]) == ["late"]
    same_day = await desk.bring(Channel.WECHAT, lines)
    assert await desk.results(same_day["statement_id"]) == ["duplicate", "matched"]
    assert (await desk.balances())["special_account"] == 2 * 32000


async def test_several_workers_at_once_post_each_payment_once(
    payments: InProcessSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "PLAIN_ROWS", 2)
    sold = paid(Channel.BANK, await issue_bills(payments, [32000] * 7))
    await book(payments, sold)
    payments.set_clock("2021-12-06 10:00")
    service, statement = service_of(payments), await taken_in(payments, Channel.BANK, check_file(sold), NOON.date())
    await asyncio.gather(*(matching.look_over_statements(service) for _ in range(4)))
    await work(payments)
    assert (await Desk(payments).balances())["special_account"] == 7 * 32000
    assert (await Desk(payments).statement(str(statement["statement_id"])))["agreed"] == 7


async def test_a_corrected_version_of_a_statement_moves_only_what_it_has_more(payments: InProcessSuite) -> None:
    """What the first version's rows have cleared stands for the new rows; the new row's money is cleared, too."""
    sold = paid(Channel.BANK, await issue_bills(payments, [32000] * 4))
    await book(payments, sold)
    payments.set_clock("2021-12-06 10:00")
    desk = Desk(payments)
    await desk.bring(Channel.BANK, check_file(sold[:3]))
    assert (await desk.balances())["special_account"] == 3 * 32000
    corrected = await desk.bring(Channel.BANK, check_file(sold))
    assert await desk.results(corrected["statement_id"]) == ["matched"] * 4
    assert (await desk.balances())["special_account"] == 4 * 32000
