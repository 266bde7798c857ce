"""Group commit: what comes while a group commits is the next group; one bad item harms no other; order is kept."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.payments import usecases
from services.payments.store.bills import lock_bills
from services.payments.usecases.settling import Payment
from shared.codes import Channel
from shared.gathering import Gatherer
from shared.idempotency import Once
from shared.ids import new_id
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills
from tests.suite import InProcessSuite
from tests.waiting import wait_for


@dataclass
class Books:
    """Commits numbers after a moment, all of a group or none: negative ones are refused, 13 breaks its group."""

    groups: list[list[int]] = field(default_factory=list)
    away: bool = False

    async def commit(self, numbers: Sequence[int]) -> list[int | Exception]:
        await asyncio.sleep(0.001)
        if self.away:
            raise ConnectionRefusedError
        if 13 in numbers:
            raise ArithmeticError(f"of {len(numbers)}")
        self.groups.append(list(numbers))
        return [number if number >= 0 else ValueError(str(number)) for number in numbers]


async def outcomes(
    gatherer: Gatherer, books: Books, numbers: Sequence[int], marks: Collection[Collection[str]] = ()
) -> list[int | BaseException]:
    """What becomes of numbers of which the first comes a moment before the others."""
    own = list(marks) or [[str(at)] for at in range(len(numbers))]
    waiting = []
    for number, about in zip(numbers, own, strict=True):
        waiting.append(asyncio.create_task(gatherer.submit("numbers", POOL, number, about, books.commit)))
        if len(waiting) == 1:
            await asyncio.sleep(0.0005)
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_the_first_is_committed_at_once_and_alone_the_others_together() -> None:
    books = Books()
    assert await outcomes(Gatherer(), books, [1, 2, 3, 4]) == [1, 2, 3, 4]
    assert books.groups == [[1], [2, 3, 4]]


async def test_a_group_has_its_limit() -> None:
    books = Books()
    await outcomes(Gatherer(most=2), books, [1, 2, 3, 4])
    assert books.groups == [[1], [2, 3], [4]]


async def test_who_is_refused_harms_no_other() -> None:
    books = Books()
    found = await outcomes(Gatherer(), books, [1, -2, 3])
    assert [found[0], found[2]] == [1, 3]
    assert isinstance(found[1], ValueError)


async def test_who_breaks_the_group_is_answered_alone_and_the_others_are_committed_one_by_one() -> None:
    books = Books()
    found = await outcomes(Gatherer(), books, [1, 2, 13, 3])
    assert [str(each) for each in found] == ["1", "2", "of 1", "3"]
    assert books.groups == [[1], [2], [3]]


async def test_where_the_database_is_away_everybody_is_told_so_at_once_and_the_next_is_tried() -> None:
    books = Books(away=True)
    gatherer = Gatherer()
    assert [type(each) for each in await outcomes(gatherer, books, [1, 2, 3])] == [ConnectionRefusedError] * 3
    books.away = False
    assert await outcomes(gatherer, books, [4]) == [4]


async def test_where_one_after_another_waits_in_vain_those_left_are_told_to_come_again() -> None:
    tried: list[Sequence[int]] = []

    async def locked(numbers: Sequence[int]) -> list[int | Exception]:
        tried.append(numbers)
        await asyncio.sleep(0.02)
        raise ArithmeticError("a lock that everybody needs is in other hands")

    gatherer = Gatherer(patience_seconds=0.03)
    waiting = [asyncio.create_task(gatherer.submit("numbers", POOL, n, [str(n)], locked)) for n in range(30)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ArithmeticError] * (len(tried) - 1) + [TimeoutError] * (
        31 - len(tried)
    )
    assert len(tried) < 6
    assert await outcomes(gatherer, Books(), [3]) == [3]


async def test_who_stops_waiting_is_committed_all_the_same() -> None:
    books, gatherer = Books(), Gatherer()
    waiting = [asyncio.create_task(gatherer.submit("numbers", POOL, n, [str(n)], books.commit)) for n in (1, 2, 3)]
    await asyncio.sleep(0.0005)
    waiting[1].cancel()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [int, asyncio.CancelledError, int]
    assert books.groups == [[1, 2, 3]]


async def test_a_group_that_is_cut_off_leaves_nobody_waiting_and_the_next_is_committed() -> None:
    gatherer = Gatherer()

    async def cut(_: Sequence[int]) -> list[int | Exception]:
        raise asyncio.CancelledError

    waiting = [asyncio.create_task(gatherer.submit("numbers", POOL, n, [str(n)], cut)) for n in (1, 2)]
    answers = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert [type(answer) for answer in answers] == [ConnectionError] * 2
    assert await outcomes(gatherer, Books(), [3]) == [3]


@given(st.lists(st.sets(st.sampled_from("abcd"), min_size=1, max_size=2), max_size=12), st.integers(1, 5))
def test_no_two_of_a_group_share_a_mark_and_whoever_share_one_keep_their_order(
    marks: list[set[str]], most: int
) -> None:
    books = Books()
    asyncio.run(outcomes(Gatherer(most=most), books, range(len(marks)), marks))
    for group in books.groups:
        assert len(group) <= most
        assert sum(len(marks[number]) for number in group) == len(set().union(*(marks[number] for number in group)))
    committed = [number for group in books.groups for number in group]
    for mark in "abcd":
        assert [n for n in committed if mark in marks[n]] == [n for n in range(len(marks)) if mark in marks[n]]


# At the counter


@pytest.fixture
async def payments(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    suite = InProcessSuite(databases, tmp_path / "keys", only=("payments",))
    suite.set_clock("2021-12-05 10:00")
    yield suite
    assert await suite.invariants_broken() == {}
    await suite.close()


def groups() -> float:
    """How many groups of sales there were so far."""
    return REGISTRY.get_sample_value("group_size_count", {"name": "sale"}) or 0


async def test_sales_of_one_moment_are_few_transactions_and_each_has_its_own_answer(payments: InProcessSuite) -> None:
    clerks = [await Counter.open(payments, code=f"HALL0{n}", clerk=f"clerk-{n}") for n in range(4)]
    bills = await issue_bills(payments, [32000] * 24)
    await clerks[3].close(50000)
    before = groups()
    answers = await asyncio.gather(
        *[clerks[n % 4].take([bill], amount_fen=100 if n % 8 == 5 else None) for n, bill in enumerate(bills)]
    )
    assert groups() - before < 12
    refused = {n for n in range(24) if n % 4 == 3 or n % 8 == 5}
    assert {n for n, answer in enumerate(answers) if answer.status_code != 201} == refused
    assert {answers[n].json()["code"] for n in refused} == {"shift_closed", "payment_not_taken"}
    numbers = Tally(answer.json()["items"][0]["receipt_no"] for answer in answers if answer.status_code == 201)
    assert sorted(numbers) == [f"HALL0{n}-{m:08}" for n in range(3) for m in range(1, 7 - 3 * (n == 1))]
    again = await asyncio.gather(
        *[clerks[n % 4].client.get(f"/v1/bills/{bill.bill_no}", params={"pool": POOL}) for n, bill in enumerate(bills)]
    )
    assert {n for n, answer in enumerate(again) if answer.json()["status"] == "open"} == refused


async def test_two_who_pay_one_bill_in_cash_at_once_are_not_both_taken(payments: InProcessSuite) -> None:
    clerks = [await Counter.open(payments, code=f"HALL0{n}", clerk=f"clerk-{n}") for n in range(2)]
    bills = await issue_bills(payments, [32000] * 6)
    answers = await asyncio.gather(*[clerk.take([bill]) for bill in bills for clerk in clerks])
    assert Tally(answer.status_code for answer in answers) == {201: 6, 409: 6}


async def test_a_text_that_the_database_refuses_is_the_fault_of_its_sender_alone(payments: InProcessSuite) -> None:
    clerk = await Counter.open(payments)
    bills = await issue_bills(payments, [32000] * 6)

    def sale(bill: IssuedBill, payer_name: str) -> dict[str, Any]:
        items = [{"bill_no": bill.bill_no, "amount_fen": 32000}]
        common = {"pool": POOL, "shift_id": clerk.shift["shift_id"], "method": "cash"}
        return {**common, "payer_name": payer_name, "items": items}

    answers = await asyncio.gather(
        *[
            clerk.client.post(
                "/v1/counter/payments",
                json=sale(bill, "王\x00" if n == 3 else "王小明"),
                headers={"Idempotency-Key": str(new_id())},
            )
            for n, bill in enumerate(bills)
        ]
    )
    assert [answer.status_code for answer in answers] == [201, 201, 201, 422, 201, 201]


async def test_a_key_in_other_hands_holds_up_no_other_sale(payments: InProcessSuite) -> None:
    clerk = await Counter.open(payments)
    bills = await issue_bills(payments, [32000] * 5)
    service: usecases.Payments = payments.apps["payments"].state.service
    async with service.database.writing() as tx:
        assert await Once("tests", "held", b"bytes").claim(tx, POOL) is None
        answers = await asyncio.gather(
            *[clerk.take([bill], key="held" if n == 2 else None) for n, bill in enumerate(bills)]
        )
    assert [answer.status_code for answer in answers] == [201, 201, 409, 201, 201]
    assert answers[2].json()["code"] == "idempotency_key_in_use"
    refused = await clerk.take([bills[2]], key="held")
    assert refused.json()["code"] == "idempotency_key_in_use"


async def test_cash_is_judged_by_the_moment_it_is_taken_and_not_by_that_of_its_group(payments: InProcessSuite) -> None:
    """The last second of the window: one sale commits, one waits for it, one comes when the window is over."""
    clerk = await Counter.open(payments)
    bills = await issue_bills(payments, [32000] * 3)
    service: usecases.Payments = payments.apps["payments"].state.service
    payments.set_clock("2021-12-25 23:59:59")
    async with service.database.writing() as side:
        await lock_bills(side, POOL, [bills[0].bill_no])
        sales = [asyncio.create_task(clerk.take([bills[0]]), context=Context())]
        await wait_for(service.database, 1)
        sales.append(asyncio.create_task(clerk.take([bills[1]]), context=Context()))
        while not any(lane.waiting for lane in service.gatherer._lanes.values()):  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0.02)
        payments.set_clock("2021-12-26 00:00:00")
        sales.append(asyncio.create_task(clerk.take([bills[2]]), context=Context()))
    answers = await asyncio.gather(*sales)
    assert [answer.status_code for answer in answers] == [201, 201, 409]
    found = [await clerk.client.get(f"/v1/bills/{bill.bill_no}", params={"pool": POOL}) for bill in bills]
    assert [answer.json()["paid_on"] for answer in found] == ["2021-12-25", "2021-12-25", None]


async def test_a_sale_sent_again_while_the_first_is_under_way_has_its_answer(payments: InProcessSuite) -> None:
    clerk = await Counter.open(payments)
    [bill] = await issue_bills(payments, [32000])
    answers = await asyncio.gather(*[clerk.take([bill], key="again") for _ in range(10)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({str(sorted(answer.json()["items"][0].items())) for answer in answers}) == 1
    assert Tally("Idempotency-Replayed" in answer.headers for answer in answers) == {True: 9, False: 1}


async def test_a_group_and_a_list_that_pay_the_same_bills_do_not_wait_for_one_another(payments: InProcessSuite) -> None:
    clerk = await Counter.open(payments)
    first, second, third = sorted(await issue_bills(payments, [32000] * 3), key=lambda bill: bill.bill_no)
    service: usecases.Payments = payments.apps["payments"].state.service

    async def listed() -> Sequence[Mapping[str, Any]]:
        async with service.database.writing() as tx:
            sold = [etax(bill.bill_no) for bill in (second, third)]
            return await usecases.settle(tx, POOL, sold, service.clock.now())

    async with service.database.writing() as side:  # until this ends, the list has the second bill yet to come
        await lock_bills(side, POOL, [second.bill_no])
        paid = asyncio.create_task(listed(), context=Context())
        await asyncio.sleep(0.3)
        group = asyncio.gather(clerk.take([first]), clerk.take([third]), clerk.take([second], pos="s1"))
        sales = asyncio.ensure_future(asyncio.wait_for(group, 20))
        await asyncio.sleep(0.5)
    assert [row["outcome"] for row in await paid] == ["settled", "settled"]
    assert [answer.status_code for answer in await sales] == [201, 409, 201]


def etax(bill_no: str) -> Payment:
    """Money that the tax bureau took for a bill."""
    return Payment(
        channel=Channel.ETAX,
        method="etax",
        reference=bill_no,
        bill_no=bill_no,
        amount_fen=32000,
        paid_at=datetime(2021, 12, 5, 2, tzinfo=UTC),
        payer_name="王小明",
        payer_id=None,
        region=POOL,
        book_code=f"SW{POOL}",
        taken_by="tax-bureau-tests",
        shift_id=None,
        held_account="held/etax",
        message={},
    )
