"""Orders: a payer is sent to a channel. The intent is stored, the channel is called with no transaction open, then the
outcome is recorded.

    tx 1   lock the bill, refuse or store the order: `created`; what orders the bill has elsewhere begin to close
    calls  close those at the channel; place this one
    tx 2   placed → `open` · refused → `failed` · unknown → stays `created`, asked about before it is placed again

So a bill has one order that can be paid; whoever dies in between leaves orders that `ask_orders` brings to their end.
"""

from collections.abc import Mapping
from typing import Any

from shared.clock import business_day, wall_now
from shared.codes import Channel
from shared.database import Row, Writer
from shared.http import UPSTREAM_UNAVAILABLE
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.problem import FieldError, Problem
from shared.tokens import Caller
from shared.versions import require_version

from .. import rules as decisions
from .. import schemas
from ..clients import Done, Refused, WechatClient
from ..formats.wechat import jsapi_order
from ..rules import orders as rules
from ..schemas import order_problems as problems
from ..schemas import orders as wire
from ..store import bills as bill_store
from ..store import orders as store
from .concluding import conclude, query, record
from .refusing import REFUSALS, Fault, fault_of
from .suite import Payments

_INTENDED = 202
"""The status that a key holds from tx 1 until the outcome is known. It is never sent; a retry goes on from there."""

_WRONG_PLACE = Fault(
    FieldError(pointer="/place", code="wrong_place", detail="参保地与应缴单不符，请选择正确的参保地"), ("S004-20",)
)
_SUPERSEDED, _GIVEN_UP = "superseded", "given_up"


async def create_order(service: Payments, caller: Caller, once: Once, order: wire.OrderPlacement) -> Answer:
    """Order the payment of a bill. What the counter would not take in cash is not ordered either.

    Raises Problem CHANNEL_NOT_OFFERED, NOT_TAKEN, AREA_FORBIDDEN; BILL_BEING_PAID where another order of the bill
    cannot be closed just now, UPSTREAM_UNAVAILABLE where the channel does not answer: both with the same key again.
    """
    client = service.wechat
    if client is None:
        raise problems.CHANNEL_NOT_OFFERED(channel=order.channel)

    async def intend(tx: Writer) -> Answer:
        bill = (await bill_store.lock_bills(tx, order.pool, [order.bill_no])).get(order.bill_no)
        now = service.clock.now()
        if bill:
            caller.require_region(bill["region"])
        fault = fault_of(bill, bill["amount_fen"] if bill else 0, business_day(now), "/bill_no")
        misplaced = bill and order.place and not rules.place_fits(order.place, bill["region"])
        faults = [*([fault] if fault else []), *([_WRONG_PLACE] if misplaced else [])]
        if faults or bill is None:
            raise _not_taken(faults)
        # From here it must succeed.
        row = _new_order(client, order, bill, now)
        await store.supersede_orders(tx, order.pool, order.bill_no, _SUPERSEDED, row["entered_at"])
        await store.insert_order(tx, row)
        return Answer(_INTENDED, {"order_no": row["order_no"]})

    intended = await once.run(service.database, order.pool, intend)
    if intended.status != _INTENDED:
        return intended
    row = await _carry_out(service, client, order.pool, intended.body["order_no"], again=intended.replayed)
    answer = _answer(client, row)
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
    return _shown(service.wechat, row)


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
        return Answer(200, _shown(service.wechat, row))

    begun = await once.run(service.database, order.pool, begin)
    if begun.replayed or begun.status != 200:
        return begun
    async with service.database.reading() as reader:
        row = await store.find_order(reader, order.pool, order_no)
    assert row is not None
    if rules.live(rules.OrderStatus(row["status"])):
        row = await conclude(service, row)
    answer = Answer(200, _shown(service.wechat, row))
    async with service.database.writing() as tx:
        await once.remember(tx, order.pool, answer)
    return answer


async def _carry_out(service: Payments, client: WechatClient, pool: str, order_no: str, *, again: bool) -> Row:
    """Go on with an order that is stored, from wherever it stands; the order as it stands then."""
    async with service.database.reading() as tx:
        row = await store.find_order(tx, pool, order_no)
        assert row is not None
        rivals = await store.rival_orders(tx, pool, row["bill_no"], order_no)
    if row["status"] != rules.OrderStatus.CREATED:
        return row
    for rival in rivals:
        ended = await conclude(service, rival)
        if rules.live(rules.OrderStatus(ended["status"])):
            raise problems.BILL_BEING_PAID(bill_no=row["bill_no"])
    async with service.database.reading() as tx:
        bill = await bill_store.find_bill(tx, pool, row["bill_no"])
    assert bill is not None
    if bill["status"] != decisions.BillStatus.OPEN:
        return await _refuse(service, row, _REASONS[decisions.BillStatus(bill["status"])])
    return await _place(service, client, row, again=again)


async def _place(service: Payments, client: WechatClient, row: Row, *, again: bool) -> Row:
    """Have the channel take a created order. Where it may have been sent before, the channel is asked first.

    Sent twice it is the same order: same number, same parameters.
    """
    for attempt in range(2):
        if again or attempt:
            said = await query(client, row["order_no"])
            if said is None:
                break
            if said.word not in (rules.Word.ABSENT, rules.Word.UNPAID):
                return await record(service, row, said)
        outcome = await client.create_order(row["request"])
        if isinstance(outcome, Done):
            return await _open(service, client, row, outcome.value)
        if isinstance(outcome, Refused) and outcome.code not in _STANDS_THERE:
            return await _refuse(service, row, outcome.code)
    raise UPSTREAM_UNAVAILABLE(name=row["channel"])


async def _open(service: Payments, client: WechatClient, row: Row, prepay_id: str) -> Row:
    async with service.database.writing() as tx:
        locked = await store.lock_order(tx, row["pool"], row["order_no"])
        assert locked is not None
        after = rules.ORDER_TRANSITIONS.get((rules.OrderStatus(locked["status"]), rules.OrderAct.OPEN))
        if after:
            locked = await store.move_order(tx, locked, after, wall_now(), prepay_id=prepay_id)
    if locked["status"] not in (rules.OrderStatus.OPEN, rules.OrderStatus.PAID):
        # Somebody else ended it while the channel took it. Nobody gets its prepay_id; let it not stand there either.
        await client.close_order(row["order_no"])
    return locked


async def _refuse(service: Payments, row: Row, reason: str) -> Row:
    async with service.database.writing() as tx:
        locked = await store.lock_order(tx, row["pool"], row["order_no"])
        assert locked is not None
        after = rules.ORDER_TRANSITIONS.get((rules.OrderStatus(locked["status"]), rules.OrderAct.REFUSE))
        return await store.move_order(tx, locked, after, wall_now(), reason=reason) if after else locked


def _new_order(client: WechatClient, order: wire.OrderPlacement, bill: Row, now: Any) -> dict[str, Any]:
    order_no = rules.order_number(order.pool, new_id().int)
    expires_at = rules.order_expiry(now, client.settings.order_minutes, decisions.Window.of(bill["window"]))
    wall = wall_now()
    return {
        "pool": order.pool,
        "order_no": order_no,
        "channel": Channel.WECHAT,
        "bill_no": order.bill_no,
        "region": bill["region"],
        "amount_fen": bill["amount_fen"],
        "openid": order.openid,
        "payer_name": order.payer_name,
        "payer_id": order.payer_id,
        "status": rules.ORDER_TRANSITIONS[None, rules.OrderAct.CREATE],
        "request": jsapi_order(
            appid=client.appid,
            mchid=client.mchid,
            description=client.settings.description,
            out_trade_no=order_no,
            time_expire=expires_at.isoformat(timespec="seconds"),
            attach=f"bill={order.bill_no}",
            notify_url=client.notify_url,
            amount_fen=bill["amount_fen"],
            openid=order.openid,
        ),
        "created_at": now,
        "expires_at": expires_at,
        "entered_at": wall,
        "ask_at": wall + client.patience,
        "asked": 0,
        "version": 1,
    }


def _answer(client: WechatClient, row: Row) -> Answer:
    """What became of the wish to pay."""
    if row["status"] in (rules.OrderStatus.OPEN, rules.OrderStatus.PAID):
        return Answer(201, _shown(client, row))
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


def _shown(client: WechatClient | None, row: Mapping[str, Any]) -> dict[str, Any]:
    payable = client is not None and row["status"] == rules.OrderStatus.OPEN
    shown = {**row, "invocation": client.invocation(row["prepay_id"]) if payable and client else None}
    return wire.Order.model_validate(shown).model_dump(mode="json", by_alias=True)


_REASONS = {
    decisions.BillStatus.PAID: decisions.Reason.ALREADY_PAID,
    decisions.BillStatus.VOIDED: decisions.Reason.BILL_VOIDED,
}
_STANDS_THERE = frozenset({"ORDERPAID", "OUTTRADENOUSED"})
"""Refusals that say that an order of this number stands there already."""
