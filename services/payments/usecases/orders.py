"""Orders: a payer is sent to a channel. The intent is stored, the channel is called with no transaction open, then the
outcome is recorded.

    tx 1   lock the bill, refuse or store the order: `created`; what orders the bill has elsewhere begin to close
    calls  close those at the channel; place this one
    tx 2   placed → `open` · refused → `failed` · unknown → stays `created`, asked about before it is placed again

So a bill has one order that can be paid; whoever dies in between leaves orders that `ask_orders` brings to their end.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.clock import business_day, wall_now
from shared.database import Row, Writer
from shared.http import UPSTREAM_UNAVAILABLE
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.problem import FieldError, Problem
from shared.tokens import Caller
from shared.versions import require_version

from .. import rules as decisions
from .. import schemas
from ..clients import Done, Refused
from ..rules import orders as rules
from ..schemas import order_problems as problems
from ..schemas import orders as wire
from ..store import bills as bill_store
from ..store import orders as store
from .cashier import Cashier
from .concluding import cashiers, conclude, record
from .refusing import REFUSALS, Fault, fault_of
from .rivals import Contested, begin_closing, close_rivals, find_rivals
from .suite import Payments

_INTENDED = 202
"""The status that a key holds from tx 1 until the outcome is known. It is never sent; a retry goes on from there."""

_WRONG_PLACE = Fault(
    FieldError(pointer="/place", code="wrong_place", detail="参保地与应缴单不符，请选择正确的参保地"), ("S004-20",)
)
_WRONG_SCHEME = Fault(
    FieldError(pointer="/scheme", code="wrong_scheme", detail=REFUSALS[decisions.Reason.WRONG_SCHEME]),
    decisions.WRONG_SCHEME_RULES,
)
_GIVEN_UP = "given_up"


async def create_order(service: Payments, caller: Caller, once: Once, order: wire.OrderPlacement) -> Answer:
    """Order the payment of a bill. What the counter would not take in cash is not ordered either.

    Raises Problem CHANNEL_NOT_OFFERED, APPID_NOT_OURS, NOT_TAKEN, AREA_FORBIDDEN; ORDER_STANDS where another order of
    the bill can be paid and its channel closes none, BILL_BEING_WITHHELD where a bank was asked to debit it. With the
    same key again: BILL_BEING_PAID where another order cannot be closed just now, UPSTREAM_UNAVAILABLE where the
    channel does not answer.
    """
    cashier = cashiers(service).get(order.channel)
    if cashier is None:
        raise problems.CHANNEL_NOT_OFFERED(channel=order.channel)
    cashier.require(order)

    async def intend(tx: Writer) -> Answer:
        bill = (await bill_store.lock_bills(tx, order.pool, [order.bill_no])).get(order.bill_no)
        now = service.clock.now()
        if bill:
            caller.require_region(bill["region"])
        fault = fault_of(bill, bill["amount_fen"] if bill else 0, business_day(now), "/bill_no")
        misplaced = bill and order.place and not rules.place_fits(order.place, bill["region"])
        mistaken = bill and order.scheme and order.scheme != bill["scheme"]
        found = ((fault, fault), (misplaced, _WRONG_PLACE), (mistaken, _WRONG_SCHEME))
        faults = [one for holds, one in found if holds and one]
        if faults or bill is None:
            raise _not_taken(faults)
        rival = (await find_rivals(service, tx, order.pool, [order.bill_no])).get(order.bill_no)
        if isinstance(rival, Problem):
            raise rival
        # From here it must succeed.
        row = _new_order(cashier, order, bill, now)
        if rival:
            await begin_closing(tx, rival)
        await store.insert_order(tx, row)
        return Answer(_INTENDED, {"order_no": row["order_no"]})

    intended = await once.run(service.database, order.pool, intend)
    if intended.status != _INTENDED:
        return intended
    row = await _carry_out(service, cashier, order.pool, intended.body["order_no"], again=intended.replayed)
    answer = _answer(service, row)
    async with service.database.writing() as tx:
        await once.remember(tx, order.pool, answer)
    return answer


async def read_order(service: Payments, caller: Caller, pool: str, order_no: str) -> dict[str, Any]:
    """One order. Raises Problem ORDER_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        row = await store.find_order(tx, pool, order_no)
    if row is None:
        raise problems.ORDER_UNKNOWN(order_no=order_no)
    caller.require_region(row["region"])
    return _shown(service, row)


async def close_order(
    service: Payments, caller: Caller, once: Once, order_no: str, version: int, order: wire.OrderClosing
) -> Answer:
    """Close an order that is not paid: `closed`, or `closing` while the channel has not said so, or `paid` after all.

    Raises Problem ORDER_UNKNOWN, ORDER_ENDED, VERSION_DIFFERS, AREA_FORBIDDEN.
    """

    async def begin(tx: Writer) -> Answer:
        row = await store.lock_order(tx, order.pool, order_no)
        if row is None:
            raise problems.ORDER_UNKNOWN(order_no=order_no)
        caller.require_region(row["region"])
        require_version(row["version"], version)
        status = rules.OrderStatus(row["status"])
        if not rules.live(status):
            raise problems.ORDER_ENDED(order_no=order_no, status=status)
        # From here it must succeed.
        if after := rules.ORDER_TRANSITIONS.get((status, rules.OrderAct.CLOSE)):
            wall = wall_now()
            row = await store.move_order(tx, row, after, wall, reason=_GIVEN_UP, ask_at=wall, asked=0)
        return Answer(200, _shown(service, row))

    begun = await once.run(service.database, order.pool, begin)
    if begun.replayed or begun.status != 200:
        return begun
    async with service.database.reading() as reader:
        row = await store.find_order(reader, order.pool, order_no)
    assert row is not None
    if rules.live(rules.OrderStatus(row["status"])):
        row = await conclude(service, row)
    answer = Answer(200, _shown(service, row))
    async with service.database.writing() as tx:
        await once.remember(tx, order.pool, answer)
    return answer


async def _carry_out(service: Payments, cashier: Cashier, pool: str, order_no: str, *, again: bool) -> Row:
    """Go on with an order that is stored, from wherever it stands; the order as it stands then."""
    async with service.database.reading() as tx:
        row = await store.find_order(tx, pool, order_no)
        assert row is not None
    if row["status"] != rules.OrderStatus.CREATED:
        return row
    if await close_rivals(service, Contested(pool, (row["bill_no"],)), but=order_no):
        raise problems.BILL_BEING_PAID(bill_no=row["bill_no"])
    async with service.database.reading() as tx:
        bill = await bill_store.find_bill(tx, pool, row["bill_no"])
    assert bill is not None
    if bill["status"] != decisions.BillStatus.OPEN:
        return await _refuse(service, row, _REASONS[decisions.BillStatus(bill["status"])])
    return await _place(service, cashier, row, again=again)


async def _place(service: Payments, cashier: Cashier, row: Row, *, again: bool) -> Row:
    """Have the channel take a created order. Where it may have been sent before, the channel is asked first.

    Sent twice it is the same order: same number, same parameters.
    """
    for attempt in range(2):
        if again or attempt:
            said = await cashier.query(row)
            if said is None:
                break
            if said.word not in (rules.Word.ABSENT, rules.Word.UNPAID):
                return await record(service, row, said)
        outcome = await cashier.place(row)
        if isinstance(outcome, Done):
            return await _open(service, cashier, row, outcome.value)
        if isinstance(outcome, Refused) and not cashier.stands_there(outcome.code):
            return await _refuse(service, row, outcome.code)
    raise UPSTREAM_UNAVAILABLE(name=row["channel"])


async def _open(service: Payments, cashier: Cashier, row: Row, ticket: str) -> Row:
    async with service.database.writing() as tx:
        locked = await store.lock_order(tx, row["pool"], row["order_no"])
        assert locked is not None
        after = rules.ORDER_TRANSITIONS.get((rules.OrderStatus(locked["status"]), rules.OrderAct.OPEN))
        if after:
            locked = await store.move_order(tx, locked, after, wall_now(), ticket=ticket)
    if locked["status"] not in (rules.OrderStatus.OPEN, rules.OrderStatus.PAID):
        # Somebody else ended it while the channel took it. Nobody gets its ticket; let it not stand there either.
        await cashier.end(row, over=False)
    return locked


async def _refuse(service: Payments, row: Row, reason: str) -> Row:
    async with service.database.writing() as tx:
        locked = await store.lock_order(tx, row["pool"], row["order_no"])
        assert locked is not None
        after = rules.ORDER_TRANSITIONS.get((rules.OrderStatus(locked["status"]), rules.OrderAct.REFUSE))
        return await store.move_order(tx, locked, after, wall_now(), reason=reason) if after else locked


def _new_order(cashier: Cashier, order: wire.OrderPlacement, bill: Row, now: datetime) -> dict[str, Any]:
    order_no = rules.order_number(order.pool, new_id().int)
    expires_at = rules.order_expiry(now, cashier.minutes(order.product), decisions.Window.of(bill["window"]))
    wall = wall_now()
    return {
        "pool": order.pool,
        "order_no": order_no,
        "channel": cashier.channel,
        "product": order.product,
        "bill_no": order.bill_no,
        "region": bill["region"],
        "amount_fen": bill["amount_fen"],
        "openid": order.openid,
        "payer_name": order.payer_name,
        "payer_id": order.payer_id,
        "status": rules.ORDER_TRANSITIONS[None, rules.OrderAct.CREATE],
        "request": cashier.request(order, order_no, bill, now, expires_at),
        "created_at": now,
        "expires_at": expires_at,
        "entered_at": wall,
        "ask_at": wall + cashier.patience,
        "asked": 0,
        "version": 1,
    }


def _answer(service: Payments, row: Row) -> Answer:
    """What became of the wish to pay."""
    if row["status"] in (rules.OrderStatus.OPEN, rules.OrderStatus.PAID):
        return Answer(201, _shown(service, row))
    known = {reason.value: reason for reason in decisions.Reason}
    if reason := known.get(row["reason"] or ""):
        error = FieldError(pointer="/bill_no", code=reason, detail=REFUSALS[reason])
        problem = _not_taken([Fault(error, ())])
    else:
        problem = problems.ORDER_NOT_OPENED(order_no=row["order_no"], reason=row["reason"] or row["status"])
    return Answer(problem.kind.status, {language: problem.body(language) for language in ("zh", "en")})


def _not_taken(faults: list[Fault]) -> Problem:
    return schemas.NOT_TAKEN(
        errors=[fault.error for fault in faults],
        rules=sorted({rule for fault in faults for rule in fault.rules}),
        count=len(faults),
    )


def _shown(service: Payments, row: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {**row, "invocation": None, "h5_url": None, "code_url": None, "form": None}
    cashier = cashiers(service).get(row["channel"])
    if cashier is not None and row["status"] == rules.OrderStatus.OPEN:
        shown |= cashier.shown(row)
    return wire.Order.model_validate(shown).model_dump(mode="json", by_alias=True)


_REASONS = {
    decisions.BillStatus.PAID: decisions.Reason.ALREADY_PAID,
    decisions.BillStatus.VOIDED: decisions.Reason.BILL_VOIDED,
}
