"""Shifts of a counter (S004-23): opened with a float, closed by counting the drawer; cash then waits for the bank.

held/shift/<shift> ── close ──► special_account            what the cards brought
         └──────────── close ──► held/counter/<counter>    cash, until its deposit slip is confirmed (`remitting.py`)
held/counter/<counter> ◄─ a second person ─► cash_difference   what was collected and is missing, or is there too much
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.tokens import Caller
from shared.versions import require_version

from .. import rules, schemas
from ..rules.accounts import CASH_DIFFERENCE, held_by_counter
from ..rules.shifts import Takings, deposit_after, deposit_due_on
from ..schemas import ledger_problems as problems
from ..store import settling as settling_store
from ..store import shifts as store
from .posting import transfer
from .suite import Payments


async def open_shift(service: Payments, caller: Caller, once: Once, order: schemas.ShiftOpening) -> Answer:
    """Open a shift. Raises Problem SHIFT_OPEN where the counter has one, AREA_FORBIDDEN."""
    caller.require_region(order.region)

    async def work(tx: Writer) -> Answer:
        shift_id = new_id()
        row = {
            "pool": order.pool,
            "shift_id": shift_id,
            "counter_code": order.counter_code,
            "region": order.region,
            "clerk": caller.subject,
            "status": rules.SHIFT_TRANSITIONS[None, rules.ShiftAct.OPEN],
            "opening_float_fen": order.opening_float_fen,
            "opened_at": service.clock.now(),
            "version": 1,
        }
        if not await store.insert_shift(tx, row):
            raise schemas.SHIFT_OPEN(counter_code=order.counter_code)
        return Answer(201, _shown(await store.find_shift(tx, order.pool, shift_id)))

    return await once.run(service.database, order.pool, work)


async def read_shift(service: Payments, caller: Caller, pool: str, shift_id: UUID) -> dict[str, Any]:
    """One shift. Raises Problem SHIFT_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        return _shown(_known(caller, shift_id, await store.find_shift(tx, pool, shift_id)))


async def read_cash_journal(service: Payments, caller: Caller, pool: str, shift_id: UUID) -> dict[str, Any]:
    """What went into a shift's drawer and out of it (现金日记账). Raises Problem SHIFT_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        shift = _known(caller, shift_id, await store.find_shift(tx, pool, shift_id))
        rows = await store.cash_journal(tx, pool, shift_id)
    balance_fen, items = shift["opening_float_fen"], []
    for row in rows:
        balance_fen += row["in_fen"] - row["out_fen"]
        items.append({**row, "balance_fen": balance_fen})
    return {"opening_float_fen": shift["opening_float_fen"], "items": items, "balance_fen": balance_fen}


async def close_shift(
    service: Payments, caller: Caller, once: Once, shift_id: UUID, version: int, order: schemas.ShiftClosing
) -> Answer:
    """Count the drawer and close the shift: cards go to the special account, cash is to be deposited.

    Raises Problem SHIFT_UNKNOWN, SHIFT_OF_ANOTHER, SHIFT_CLOSED, VERSION_DIFFERS.
    """

    async def work(tx: Writer) -> Answer:
        row = await store.lock_shift(tx, order.pool, shift_id)
        require_own_open(row, caller, shift_id)
        assert row is not None
        require_version(row["version"], version)
        sums = await store.shift_sums(tx, order.pool, shift_id)
        # From here it must succeed.
        now = service.clock.now()
        cash_fen = sums["cash_in"] - sums["cash_out"]
        takings = Takings(sums["all_in"] - sums["all_out"] - cash_fen, cash_fen)
        expected_fen = row["opening_float_fen"] + cash_fen
        same = order.counted_cash_fen == expected_fen
        act = rules.ShiftAct.CLOSE if same else rules.ShiftAct.DIFFER
        calendar = service.settings.calendar
        await store.close_shift(
            tx,
            {
                "pool": order.pool,
                "shift_id": shift_id,
                "status": rules.SHIFT_TRANSITIONS[rules.ShiftStatus.OPEN, act],
                "closed_at": now,
                "expected_cash_fen": expected_fen,
                "counted_cash_fen": order.counted_cash_fen,
                "denominations": order.told_denominations,
                "takings_fen": takings.total_fen,
                "deposit_fen": takings.deposit_fen,
                "deposit_due_on": deposit_due_on(business_day(now), calendar.holidays, calendar.working_weekends),
                "note": order.note,
            },
        )
        await settling_store.insert_transfers(tx, _hand_over(row, takings, now))
        return Answer(200, _shown(await store.find_shift(tx, order.pool, shift_id)))

    return await once.run(service.database, order.pool, work)


async def book_difference(
    service: Payments, caller: Caller, once: Once, shift_id: UUID, version: int, order: schemas.DifferenceBooking
) -> Answer:
    """Another person than the clerk books what a closed shift's drawer held more or less than it should (长短款).

    What is deposited then is what was counted over the float (`deposit_after`); what is missing from the float itself
    is noted and not posted. Raises Problem SHIFT_UNKNOWN, AREA_FORBIDDEN, FOUR_EYES, NO_DIFFERENCE, VERSION_DIFFERS.
    """

    async def work(tx: Writer) -> Answer:
        row = _known(caller, shift_id, await store.lock_shift(tx, order.pool, shift_id))
        if row["clerk"] == caller.subject:
            raise problems.FOUR_EYES(subject=caller.subject)
        edge = (rules.ShiftStatus(row["status"]), rules.ShiftAct.BOOK_DIFFERENCE)
        if edge not in rules.SHIFT_TRANSITIONS:
            raise schemas.NO_DIFFERENCE(shift_id=shift_id)
        require_version(row["version"], version)
        # From here it must succeed.
        now = service.clock.now()
        difference_fen = row["counted_cash_fen"] - row["expected_cash_fen"]
        deposit_fen = deposit_after(row["deposit_fen"], difference_fen)
        await store.book_difference(
            tx,
            {
                "pool": order.pool,
                "shift_id": shift_id,
                "status": rules.SHIFT_TRANSITIONS[edge],
                "deposit_fen": deposit_fen,
                "difference_note": order.note,
                "difference_booked_by": caller.subject,
                "difference_booked_at": now,
            },
        )
        await settling_store.insert_transfers(tx, _difference(row, deposit_fen - row["deposit_fen"], now))
        detail = {"shift_id": str(shift_id), "difference_fen": difference_fen}
        tx.audit(order.pool, "shift.difference_booked", caller.client_id, caller.subject, now, [], detail)
        return Answer(200, _shown(await store.find_shift(tx, order.pool, shift_id)))

    return await once.run(service.database, order.pool, work)


def require_own_open(shift: Mapping[str, Any] | None, caller: Caller, shift_id: UUID) -> None:
    """Money moves at one's own open shift only. Raises Problem SHIFT_UNKNOWN, SHIFT_OF_ANOTHER, SHIFT_CLOSED."""
    known = _known(caller, shift_id, shift)
    if known["clerk"] != caller.subject:
        raise schemas.SHIFT_OF_ANOTHER(shift_id=shift_id, clerk=known["clerk"])
    if known["status"] != rules.ShiftStatus.OPEN:
        raise schemas.SHIFT_CLOSED(shift_id=shift_id)


def _known(caller: Caller, shift_id: UUID, shift: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if shift is None:
        raise schemas.SHIFT_UNKNOWN(shift_id=shift_id)
    caller.require_region(shift["region"])
    return shift


def _hand_over(shift: Row, takings: Takings, now: datetime) -> list[dict[str, Any]]:
    """What closing a shift posts (S004-37); what a drawer paid out beyond its takings is the special account's."""
    held, shift_id = rules.held_account(str(shift["shift_id"])), shift["shift_id"]
    rows = []
    if takings.handed_over_fen:
        debit, credit = (rules.SPECIAL_ACCOUNT, held) if takings.handed_over_fen > 0 else (held, rules.SPECIAL_ACCOUNT)
        rows.append(transfer(_about(shift), "hand_over", debit, credit, abs(takings.handed_over_fen), shift_id, now))
    if takings.deposit_fen:
        into = held_by_counter(shift["counter_code"])
        rows.append(transfer(_about(shift), "cash_to_deposit", into, held, takings.deposit_fen, shift_id, now))
    return rows


def _difference(shift: Row, moved_fen: int, now: datetime) -> list[dict[str, Any]]:
    """What a booked difference posts: by how much the deposit became more, or less."""
    into, out_of = held_by_counter(shift["counter_code"]), CASH_DIFFERENCE
    if moved_fen < 0:
        into, out_of = out_of, into
    posting = transfer(_about(shift), "cash_difference", into, out_of, abs(moved_fen), shift["shift_id"], now)
    return [posting] if moved_fen else []


def _about(shift: Mapping[str, Any]) -> dict[str, Any]:
    return {"pool": shift["pool"], "scheme": None}


def _shown(row: Mapping[str, Any] | None) -> dict[str, Any]:
    assert row is not None
    counted, expected = row["counted_cash_fen"], row["expected_cash_fen"]
    difference_fen = None if counted is None else counted - expected
    return schemas.Shift.model_validate({**row, "difference_fen": difference_fen}).model_dump(mode="json")
