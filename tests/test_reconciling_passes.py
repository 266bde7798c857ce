"""A pass over a statement goes through its rows once, in an order of its own, a chunk a transaction: what it has passed
may be asked for again, money is cleared with the chunk that matches it, and rows without a time come last."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.payments import usecases
from services.payments.store import judging
from services.payments.store import statements as store
from services.payments.usecases import matching, taking_statements
from shared.codes import Channel
from shared.database import Row
from tests.payments_town import POOL, issue_bills
from tests.statements_town import HELD, Desk, Paid, book, check_file, paid, tax_list, trade_bill, work
from tests.suite import InProcessSuite


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 12:30")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


@pytest.fixture
async def desk(payments: InProcessSuite) -> Desk:
    return Desk(payments)


def service_of(payments: InProcessSuite) -> usecases.Payments:
    service: usecases.Payments = payments.apps["payments"].state.service
    return service


async def taken_in(payments: InProcessSuite, desk: Desk, channel: Channel, data: bytes) -> Row:
    """A statement that was taken in and that nobody has looked over."""
    service = service_of(payments)
    answer = await desk.upload(channel, data)
    assert answer.status_code == 201, answer.text
    await taking_statements.take_statements(service)
    async with service.database.reading() as tx:
        statement = await store.find_statement(tx, POOL, UUID(answer.json()["statement_id"]), [])
    assert statement is not None
    return statement


async def to_the_end(service: usecases.Payments, statement: Row, place: judging.Place) -> None:
    while reached := await matching.look_over(service, statement, place):
        place = reached


async def matched(payments: InProcessSuite, channel: Channel, count: int) -> list[Paid]:
    """Bills paid and booked through a channel, the next day."""
    sold = paid(channel, await issue_bills(payments, [32000] * count))
    await book(payments, sold)
    payments.set_clock("2021-12-06 10:00")
    return sold


async def test_a_row_that_is_asked_for_after_it_was_passed_is_judged_in_the_same_pass(
    payments: InProcessSuite, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching, "CHUNK_ROWS", 2)
    sold = paid(Channel.ETAX, await issue_bills(payments, [32000] * 6))
    await book(payments, sold[1:])
    payments.set_clock("2021-12-06 10:00")
    statement = await taken_in(payments, desk, Channel.ETAX, tax_list(sold))
    service, statement_id = service_of(payments), str(statement["statement_id"])
    place = await matching.look_over(service, statement, judging.START)
    assert place is not None
    assert await desk.results(statement_id) == ["pending", "matched", *["pending"] * 4]
    await book(payments, sold[:1])
    answer = await desk.wang.post(f"/v1/statements/{statement_id}/reconcile", json={"pool": POOL})
    assert answer.status_code == 200
    await to_the_end(service, statement, place)
    assert await desk.results(statement_id) == ["matched"] * 6


async def test_money_is_cleared_in_the_transaction_that_matches_it(
    payments: InProcessSuite, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is killed between two chunks leaves no row that is matched and not cleared."""
    monkeypatch.setattr(matching, "CHUNK_ROWS", 2)
    statement = await taken_in(payments, desk, Channel.BANK, check_file(await matched(payments, Channel.BANK, 5)))
    await matching.look_over(service_of(payments), statement, judging.START)
    balances = await desk.balances()
    assert (balances["special_account"], balances[HELD[Channel.BANK]]) == (2 * 32000, 3 * 32000)
    assert await payments.invariants_broken() == {}
    await work(payments)
    assert (await desk.balances())["special_account"] == 5 * 32000


async def places(payments: InProcessSuite, statement: Row) -> Sequence[Any]:
    service = service_of(payments)
    found, place = [], judging.START
    async with service.database.reading() as tx:
        while rows := await judging.rows_to_judge(
            tx, POOL, statement["statement_id"], service.clock.now().date(), 1, place
        ):
            place = judging.place_of(rows[-1])
            found.append((rows[0]["paid_at"], rows[0]["digest"]))
    return found


async def test_rows_are_judged_by_time_and_then_by_content_those_without_a_time_last(
    payments: InProcessSuite, desk: Desk
) -> None:
    sold = await matched(payments, Channel.WECHAT, 5)
    lines = trade_bill([*sold[::-1], sold[2]]).splitlines(keepends=True)
    broken = lines[1].replace(b"`2021-12-05", b"`some day", 1)
    statement = await taken_in(payments, desk, Channel.WECHAT, b"".join([lines[0], broken, *lines[2:]]))
    found = await places(payments, statement)
    assert len(found) == 6
    assert found[-1][0] is None
    assert found[:-1] == sorted(found[:-1])
