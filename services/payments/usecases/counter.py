"""The counter (S004-23): shifts are opened, money is taken by POS or in cash, the drawer is counted."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.codes import Channel
from shared.database import Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.tokens import Caller
from shared.versions import require_version

from .. import rules, schemas
from ..store import bills as bill_store
from ..store import settling as settling_store
from ..store import shifts as store
from .posting import transfer
from .refusing import fault_of
from .settling import Payment, settle
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
        row = await store.find_shift(tx, pool, shift_id)
    if row is None:
        raise schemas.SHIFT_UNKNOWN(shift_id=shift_id)
    caller.require_region(row["region"])
    return _shown(row)


async def close_shift(
    service: Payments, caller: Caller, once: Once, shift_id: UUID, version: int, order: schemas.ShiftClosing
) -> Answer:
    """Count the drawer and close the shift; its takings are posted to the special account.

    Raises Problem SHIFT_UNKNOWN, SHIFT_OF_ANOTHER, SHIFT_CLOSED, VERSION_DIFFERS.
    """

    async def work(tx: Writer) -> Answer:
        row = await store.lock_shift(tx, order.pool, shift_id)
        _require_own_open(row, caller, shift_id)
        assert row is not None
        require_version(row["version"], version)
        sums = await store.shift_sums(tx, order.pool, shift_id)
        # From here it must succeed.
        now = service.clock.now()
        takings_fen = rules.takings(sums["all_in"], sums["all_out"])
        await store.close_shift(
            tx,
            {
                "pool": order.pool,
                "shift_id": shift_id,
                "closed_at": now,
                "expected_cash_fen": row["opening_float_fen"] + rules.takings(sums["cash_in"], sums["cash_out"]),
                "counted_cash_fen": order.counted_cash_fen,
                "takings_fen": takings_fen,
                "note": order.note,
            },
        )
        await settling_store.insert_transfers(tx, _hand_over(order.pool, shift_id, takings_fen, now))
        return Answer(200, _shown(await store.find_shift(tx, order.pool, shift_id)))

    return await once.run(service.database, order.pool, work)


async def take_counter_payment(service: Payments, caller: Caller, once: Once, order: schemas.CounterPayment) -> Answer:
    """Take money for one or several bills.

    Raises Problem SHIFT_UNKNOWN, SHIFT_OF_ANOTHER, SHIFT_CLOSED; for cash NOT_TAKEN.
    """

    async def work(tx: Writer) -> Answer:
        shift = await store.share_shift(tx, order.pool, order.shift_id)
        _require_own_open(shift, caller, order.shift_id)
        assert shift is not None
        now = service.clock.now()
        if order.method == "cash":
            await _require_takeable(tx, order, now)
        booked = await settle(tx, order.pool, _payments(order, shift, caller, once, now), now)
        return Answer(
            201, schemas.CounterAnswer.model_validate({"items": booked}, extra="ignore").model_dump(mode="json")
        )

    return await once.run(service.database, order.pool, work)


def _require_own_open(shift: Mapping[str, Any] | None, caller: Caller, shift_id: UUID) -> None:
    if shift is None:
        raise schemas.SHIFT_UNKNOWN(shift_id=shift_id)
    caller.require_region(shift["region"])
    if shift["clerk"] != caller.subject:
        raise schemas.SHIFT_OF_ANOTHER(shift_id=shift_id, clerk=shift["clerk"])
    if shift["status"] != rules.ShiftStatus.OPEN:
        raise schemas.SHIFT_CLOSED(shift_id=shift_id)


async def _require_takeable(tx: Writer, order: schemas.CounterPayment, now: datetime) -> None:
    """Cash is refused, all of it and with every reason, where it would not settle: the payer still holds it."""
    locked = await bill_store.lock_bills(tx, order.pool, [item.bill_no for item in order.items])
    day = business_day(now)
    found = [
        fault_of(locked.get(item.bill_no), item.amount_fen, day, f"/items/{at}") for at, item in enumerate(order.items)
    ]
    faults = [fault for fault in found if fault]
    if faults:
        raise schemas.NOT_TAKEN(
            errors=[fault.error for fault in faults],
            rules=sorted({rule for fault in faults for rule in fault.rules}),
            count=len(faults),
        )


def _payments(
    order: schemas.CounterPayment, shift: Mapping[str, Any], caller: Caller, once: Once, now: datetime
) -> Sequence[Payment]:
    slip = order.pos
    # A POS slip names itself. Cash has no name of its own: the client's key stands in for it.
    prefix = f"pos/{slip.terminal_no}/{slip.reference_no}" if slip else f"cash/{caller.client_id}/{once.key}"
    return [
        Payment(
            channel=Channel.COUNTER,
            method=order.method,
            reference=f"{prefix}/{item.bill_no}",
            bill_no=item.bill_no,
            amount_fen=item.amount_fen,
            paid_at=slip.paid_at if slip else now,
            payer_name=order.payer_name,
            payer_id=order.payer_id,
            region=shift["region"],
            book_code=shift["counter_code"],
            taken_by=caller.subject,
            shift_id=shift["shift_id"],
            held_account=rules.held_account(str(shift["shift_id"])),
            message=order.model_dump(mode="json"),
        )
        for item in order.items
    ]


def _hand_over(pool: str, shift_id: UUID, takings_fen: int, now: datetime) -> list[dict[str, Any]]:
    """Closing a shift posts its takings to the special account (S004-37)."""
    held = rules.held_account(str(shift_id))
    if takings_fen == 0:
        return []
    debit, credit = (rules.SPECIAL_ACCOUNT, held) if takings_fen > 0 else (held, rules.SPECIAL_ACCOUNT)
    about = {"pool": pool, "scheme": None}
    return [transfer(about, "hand_over", debit, credit, abs(takings_fen), shift_id, now)]


def _shown(row: Mapping[str, Any] | None) -> dict[str, Any]:
    assert row is not None
    counted, expected = row["counted_cash_fen"], row["expected_cash_fen"]
    difference_fen = None if counted is None else counted - expected
    return schemas.Shift.model_validate({**row, "difference_fen": difference_fen}).model_dump(mode="json")
