"""The counter (S004-23): money is taken by POS or in cash, at one's own open shift."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.codes import Channel
from shared.database import Row, Writer
from shared.idempotency import Answer, Once, run_all
from shared.problem import Problem
from shared.tokens import Caller

from .. import rules, schemas
from ..rules.cards import pos_reference
from ..schemas import order_problems
from ..store import bills as bill_store
from ..store import shifts as store
from .cards import record_sales
from .refusing import fault_of
from .rivals import Contested, begin_closing, close_rivals, find_rivals
from .settling import Payment, settle
from .shifts import require_own_open
from .suite import Payments


@dataclass(frozen=True)
class Sale:
    """A counter's request to take money, as it is gathered with others (`shared/gathering.py`)."""

    caller: Caller
    once: Once
    order: schemas.CounterPayment
    at: datetime
    """When it came: cash is taken at that instant, whenever its group is committed."""


async def take_counter_payment(service: Payments, caller: Caller, once: Once, order: schemas.CounterPayment) -> Answer:
    """Take money for one or several bills, in one transaction with whoever pays at the same moment.

    Cash for a bill that can still be paid through an order waits until the channel has closed that, with no transaction
    open, and then goes with the next ones. Raises Problem SHIFT_UNKNOWN, SHIFT_OF_ANOTHER, SHIFT_CLOSED; for cash
    NOT_TAKEN, ORDER_STANDS, BILL_BEING_WITHHELD, BILL_BEING_PAID; for cards SLIP_USED, VOIDED_BEFORE.
    """
    bills = [("bill", item.bill_no) for item in order.items]
    slip = {("slip", order.pos.terminal_no, order.pos.batch_no, order.pos.trace_no)} if order.pos else set()
    marks = {("key", once.client_id, once.key), *bills, *slip}
    sale, commit = Sale(caller, once, order, service.clock.now()), partial(take_sales, service)
    try:
        return await service.gatherer.submit("sale", order.pool, sale, marks, commit)
    except Contested as contested:
        await close_rivals(service, contested)
    try:
        return await service.gatherer.submit("sale", order.pool, sale, marks, commit)
    except Contested as contested:
        raise order_problems.BILL_BEING_PAID(bill_no=contested.bill_nos[0]) from contested


async def take_sales(service: Payments, sales: Sequence[Sale]) -> list[Answer | Exception]:
    """Take the money of several sales of one pool, all in one transaction; one that is refused harms no other."""
    pool = sales[0].order.pool

    async def work(tx: Writer, fresh: Sequence[Sale]) -> list[Answer | Exception]:
        now = service.clock.now()
        shifts = await store.share_shifts(tx, pool, [sale.order.shift_id for sale in fresh])
        answers: list[Answer | Exception | None] = [_shift_refusal(sale, shifts) for sale in fresh]
        # Slips before bills: who voids a sale has its slip first, too.
        for at, refusal in (await record_sales(tx, {at: fresh[at].order for at in _taken(answers)})).items():
            answers[at] = refusal
        cash = {at: fresh[at] for at in _taken(answers) if fresh[at].order.method == "cash"}
        # Those that cards pay, too: `settle` locks them later, and bills are locked in one order by everybody.
        every = [item.bill_no for sale in fresh for item in sale.order.items]
        bills = await bill_store.lock_bills(tx, pool, every) if cash else {}
        wanted = [item.bill_no for sale in cash.values() for item in sale.order.items if item.bill_no in bills]
        rivals = await find_rivals(service, tx, pool, wanted)
        for at, sale in cash.items():
            answers[at] = _cash_refusal(sale, bills, rivals)
        contested = [bill_no for answer in answers if isinstance(answer, Contested) for bill_no in answer.bill_nos]
        if contested:
            await begin_closing(tx, Contested(pool, tuple(contested)))
        taken = _taken(answers)
        # From here it must succeed.
        payments = [_payments(fresh[at], shifts[fresh[at].order.shift_id]) for at in taken]
        flat = [payment for each in payments for payment in each]
        booked = iter(await settle(tx, pool, flat, now, locked=bills if cash else None))
        for at in taken:
            items = list(islice(booked, len(fresh[at].order.items)))
            shown = schemas.CounterAnswer.model_validate({"items": items}, extra="ignore")
            answers[at] = Answer(201, shown.model_dump(mode="json"))
        return [answer for answer in answers if answer is not None]

    return await run_all(service.database, pool, sales, lambda sale: sale.once, work)


def _taken(answers: Sequence[object | None]) -> list[int]:
    """The places of the sales that nothing has been answered to."""
    return [at for at, answer in enumerate(answers) if answer is None]


def _shift_refusal(sale: Sale, shifts: Mapping[UUID, Row]) -> Problem | None:
    """Why a sale cannot be taken at its shift."""
    try:
        require_own_open(shifts.get(sale.order.shift_id), sale.caller, sale.order.shift_id)
    except Problem as problem:
        return problem
    return None


def _cash_refusal(
    sale: Sale, bills: Mapping[str, Row], rivals: Mapping[str, Problem | Contested]
) -> Problem | Contested | None:
    """Why cash is not taken, or not yet."""
    order = sale.order
    try:
        _require_takeable(order, bills, sale.at)
    except Problem as problem:
        return problem
    found = [rivals[item.bill_no] for item in order.items if item.bill_no in rivals]
    refused = next((rival for rival in found if isinstance(rival, Problem)), None)
    contested = tuple(bill_no for rival in found if isinstance(rival, Contested) for bill_no in rival.bill_nos)
    return refused or (Contested(order.pool, contested) if contested else None)


def _require_takeable(order: schemas.CounterPayment, locked: Mapping[str, Row], at: datetime) -> None:
    """Cash is refused, all of it and with every reason, where it would not settle: the payer still holds it."""
    day = business_day(at)
    found = [
        fault_of(locked.get(item.bill_no), item.amount_fen, day, f"/items/{place}", scheme=item.scheme)
        for place, item in enumerate(order.items)
    ]
    faults = [fault for fault in found if fault]
    if faults:
        raise schemas.NOT_TAKEN(
            errors=[fault.error for fault in faults],
            rules=sorted({rule for fault in faults for rule in fault.rules}),
            count=len(faults),
        )


def _payments(sale: Sale, shift: Mapping[str, Any]) -> Sequence[Payment]:
    order, caller, once = sale.order, sale.caller, sale.once
    slip = order.pos
    # A POS slip names itself. Cash has no name of its own: the client's key stands in for it.
    prefix = (
        pos_reference(slip.terminal_no, slip.batch_no, slip.trace_no) if slip else f"cash/{caller.client_id}/{once.key}"
    )
    return [
        Payment(
            channel=Channel.COUNTER,
            method=order.method,
            reference=f"{prefix}/{item.bill_no}",
            bill_no=item.bill_no,
            amount_fen=item.amount_fen,
            paid_at=slip.paid_at if slip else sale.at,
            payer_name=order.payer_name,
            payer_id=order.payer_id,
            region=shift["region"],
            book_code=shift["counter_code"],
            taken_by=caller.subject,
            shift_id=shift["shift_id"],
            held_account=rules.held_account(str(shift["shift_id"])),
            message=order.model_dump(mode="json"),
            schemes=frozenset({item.scheme}) if item.scheme else None,
        )
        for item in order.items
    ]
