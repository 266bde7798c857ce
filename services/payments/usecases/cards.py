"""Cards at the counter (POS, S004-23): terminals are registered, slips recorded once, sales taken back the same day."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.pages import page
from shared.problem import Problem
from shared.tokens import Caller

from .. import schemas
from ..rules import cards as rules
from ..schemas import cards as wire
from ..store import cards as store
from ..store import shifts as shift_store
from .reversing import reverse
from .shifts import require_own_open
from .suite import Payments

VOIDED = "pos_void"
"""Why the money of a sale that was taken back is reversed."""


async def register_terminal(service: Payments, caller: Caller, once: Once, order: wire.TerminalRegistration) -> Answer:
    """Register a terminal at a counter. Raises Problem TERMINAL_REGISTERED, AREA_FORBIDDEN."""
    caller.require_region(order.region)

    async def work(tx: Writer) -> Answer:
        row = {**order.model_dump(), "registered_by": caller.subject, "registered_at": service.clock.now()}
        stored = await store.insert_terminal(tx, row)
        found = await store.find_terminal(tx, order.pool, order.terminal_no)
        assert found is not None
        if not stored:
            raise wire.TERMINAL_REGISTERED(terminal_no=order.terminal_no, counter_code=found["counter_code"])
        return Answer(201, _terminal(found))

    return await once.run(service.database, order.pool, work)


async def withdraw_terminal(
    service: Payments, caller: Caller, once: Once, terminal_no: str, order: wire.TerminalWithdrawal
) -> Answer:
    """Take a terminal out of use. Raises Problem TERMINAL_UNKNOWN, AREA_FORBIDDEN."""

    async def work(tx: Writer) -> Answer:
        found = await store.find_terminal(tx, order.pool, terminal_no)
        if found is None:
            raise wire.TERMINAL_UNKNOWN(terminal_no=terminal_no)
        caller.require_region(found["region"])
        await store.withdraw_terminal(tx, order.pool, terminal_no, service.clock.now())
        return Answer(200, _terminal(await store.find_terminal(tx, order.pool, terminal_no)))

    return await once.run(service.database, order.pool, work)


async def list_terminals(
    service: Payments, caller: Caller, pool: str, *, after: str, limit: int, counter_code: str | None
) -> dict[str, Any]:
    """Terminals inside the caller's area. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_terminals(tx, pool, caller.area, after=after, limit=limit, counter_code=counter_code)
    return page(rows, limit, lambda row: row["terminal_no"])


async def record_sales(tx: Writer, orders: Mapping[int, schemas.CounterPayment]) -> dict[int, Problem]:
    """Record the slips of card payments of one pool, by their place; why some are not taken: SLIP_USED, VOIDED_BEFORE.

    The same slip for the same bills has no second effect, unless it was voided: its money is back on the card. Whether
    its terminal is registered is an alarm and no refusal: the card has been charged.
    """
    rows = {at: _row(order, order.pos) for at, order in orders.items() if order.pos}
    recorded = await store.insert_sales(tx, list(rows.values()))
    names = {at: (row["terminal_no"], row["batch_no"], row["trace_no"]) for at, row in rows.items()}
    again = {at: name for at, name in names.items() if name not in recorded}
    found = await store.lock_sales(tx, rows[next(iter(again))]["pool"], list(again.values())) if again else {}
    faults = {at: _slip_fault(rows[at], found[name]) for at, name in again.items()}
    return {at: fault for at, fault in faults.items() if fault}


def _slip_fault(offered: Mapping[str, Any], known: Row) -> Problem | None:
    """Why a slip that was recorded before is not the same payment once more."""
    if (known["items"], known["shift_id"]) != (offered["items"], offered["shift_id"]):
        return wire.SLIP_USED(**{name: offered[name] for name in ("terminal_no", "batch_no", "trace_no")})
    if known["state"] == rules.CardState.VOIDED:
        return wire.VOIDED_BEFORE(void_trace_no=known["void_trace_no"])
    return None


def _row(order: schemas.CounterPayment, slip: schemas.PosSlip) -> dict[str, Any]:
    return {
        **slip.model_dump(),
        "pool": order.pool,
        "shift_id": order.shift_id,
        "state": rules.CARD_TRANSITIONS[None, rules.CardAct.CHARGE],
        "amount_fen": sum(item.amount_fen for item in order.items),
        "items": [item.model_dump(mode="json") for item in order.items],
        "version": 1,
    }


async def void_card_sale(service: Payments, caller: Caller, once: Once, order: wire.CardVoid) -> Answer:
    """Book that the terminal has taken a sale back: its money is reversed, its receipts are void, its bills open again.

    Raises Problem SHIFT_UNKNOWN, SHIFT_OF_ANOTHER, SHIFT_CLOSED, SALE_UNKNOWN, VOIDED_BEFORE, VOID_TOO_LATE,
    VOID_TRACE_USED, NOT_REVERSIBLE.
    """

    async def work(tx: Writer) -> Answer:
        shift = await shift_store.share_shift(tx, order.pool, order.shift_id)
        require_own_open(shift, caller, order.shift_id)
        sale = await store.lock_sale(tx, order.pool, order.terminal_no, order.batch_no, order.trace_no)
        now = service.clock.now()
        if sale is None:
            raise wire.SALE_UNKNOWN(**order.model_dump(include={"terminal_no", "batch_no", "trace_no"}))
        if sale["void_trace_no"] == order.void_trace_no:
            return Answer(200, _sale(sale))
        _require_voidable(sale, order, now)
        moved = {**order.model_dump(exclude={"shift_id"}), "voided_by": caller.subject}
        if not await store.void_sale(tx, moved):
            raise wire.VOID_TRACE_USED(void_trace_no=order.void_trace_no)
        reference = rules.pos_reference(order.terminal_no, order.batch_no, order.trace_no)
        bill_nos = [item["bill_no"] for item in sale["items"]]
        ids = await store.collections_of_slip(tx, order.pool, reference, bill_nos)
        await reverse(tx, order.pool, ids, VOIDED, now)
        return Answer(
            200, _sale(await store.lock_sale(tx, order.pool, order.terminal_no, order.batch_no, order.trace_no))
        )

    return await once.run(service.database, order.pool, work)


def _require_voidable(sale: Row, order: wire.CardVoid, now: datetime) -> None:
    if (rules.CardState(sale["state"]), rules.CardAct.VOID) not in rules.CARD_TRANSITIONS:
        raise wire.VOIDED_BEFORE(void_trace_no=sale["void_trace_no"])
    in_time = rules.may_void(sale["paid_at"], sale["shift_id"], order.voided_at, order.shift_id)
    if not in_time or order.voided_at > now:
        raise wire.VOID_TOO_LATE(rules=["S004-23"])


def _terminal(row: Row | None) -> dict[str, Any]:
    assert row is not None
    return wire.Terminal.model_validate(dict(row)).model_dump(mode="json")


def _sale(row: Mapping[str, Any] | None) -> dict[str, Any]:
    assert row is not None
    return wire.CardSale.model_validate(dict(row)).model_dump(mode="json")
