"""Money goes back: what the refunds service decided is paid out at a counter, or through the channel that it came by.

    counter   POST /v1/refunds pays at once, from an open shift
    channel   POST /v1/refunds stores the intent and answers; `asking.py` then tells the channel, and its answer, its
              notification and every later question end in `settle_refund`, whichever comes first
    treasury  as with a channel; `treasury_refunds.py` puts many into one package

The sum stays promised (`refunding_fen`) until the channel has said that the money is back, or is not.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.clock import wall_now
from shared.codes import Channel
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.pages import page
from shared.tokens import Caller

from .. import rules, schemas
from ..schemas import treasury_problems
from ..store import refunds as store
from ..store import settling as settling_store
from ..store import shifts as shift_store
from ..store import treasury as treasury_store
from .cancelling import cancel_receipts
from .posting import transfer
from .refund_accounts import require_account
from .suite import Payments

CONTRADICTED = "refund.contradicted"
"""The audit line of a channel that says another end than the one on record; an invariant finds it."""


async def pay_back(service: Payments, caller: Caller, once: Once, order: schemas.RefundOrder) -> Answer:
    """Pay back what is owed back, or money that waits in suspense. The same refund_id is paid once.

    Raises Problem COLLECTION_UNKNOWN, APPLICATION_HAS_REFUND, NOT_REFUNDABLE, NOT_THE_WAY_BACK, SHIFT_UNKNOWN,
    SHIFT_CLOSED, SHIFT_OF_ANOTHER, REFUND_EXCEEDS, TREASURY_NOT_SET_UP, ACCOUNT_NEEDED, ACCOUNT_UNCONFIRMED, FOUR_EYES.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        earlier = await store.find_refund(tx, order.pool, order.refund_id)
        if earlier:
            return Answer(201, _shown(earlier))
        shift = await shift_store.share_shift(tx, order.pool, order.shift_id) if order.shift_id else None
        collection = await store.lock_collection(tx, order.pool, order.collection_id)
        others = await store.refunds_of(tx, order.pool, order.application_id)
        times = await treasury_store.times_of(tx, order.pool, [order.collection_id])
        posted = order.collection_id in times and times[order.collection_id].posted_on is not None
        _require_payable(order, shift, collection, others, posted=posted)
        assert collection is not None
        if order.method is rules.Method.TREASURY:
            if service.settings.treasury is None:
                raise treasury_problems.TREASURY_NOT_SET_UP(pool=order.pool)
            await require_account(tx, order.pool, order.application_id, {order.paid_by, caller.subject})
        now = service.clock.now()
        row = _refund_row(order, collection, now)
        if not await store.insert_refund(tx, row):
            # Another collection's application of the same number, at the same moment: there is no row to name.
            raise schemas.APPLICATION_HAS_REFUND(application_id=order.application_id, other_id="", state="")
        # From here it must succeed.
        await _release_suspense(tx, collection, order, now)
        at_counter = order.method in rules.AT_COUNTER
        await store.change_money(tx, order.pool, order.collection_id, refunding_fen=order.amount_fen)
        if at_counter:
            await _book(tx, row, collection, now)
        return Answer(201, _shown(row))

    return await once.run(service.database, order.pool, work)


async def settle_refund(
    tx: Writer,
    pool: str,
    refund_id: UUID,
    state: rules.RefundState,
    at: datetime,
    *,
    reference: str | None = None,
    detail: str | None = None,
    told_fen: int | None = None,
) -> rules.Heard:
    """Take a channel's word about a refund, in the caller's transaction: its answer, its notification or its query.

    Said twice, late or out of order it changes nothing more; another end than the one on record is left for a person.
    `at` is when the channel did it; with ABNORMAL, `told_fen` is what it has paid, where that is another sum than
    was asked for. Raises Problem REFUND_UNKNOWN.
    """
    found = await store.find_refund(tx, pool, refund_id)
    if found is None:
        raise schemas.REFUND_UNKNOWN(refund_id=refund_id)
    # The collection before its refunds, which is everybody's order of locks.
    collection = await store.lock_collection(tx, pool, found["collection_id"])
    row = await store.lock_refund(tx, pool, refund_id)
    assert collection is not None
    assert row is not None
    heard = rules.hear(rules.RefundState(row["state"]), state, told_fen=told_fen)
    if heard is rules.Heard.CONTRADICTION:
        said = {"refund_id": str(refund_id), "state": row["state"], "said": state, "reference": reference}
        tx.audit(pool, CONTRADICTED, "payments", "payments", at, [], said | {"told_fen": told_fen})
    changed = {**row, "state": state, "reference": reference, "detail": detail, "told_fen": told_fen}
    if heard is rules.Heard.KNOWN and state is rules.RefundState.ABNORMAL and told_fen not in (None, row["told_fen"]):
        await store.change_refund(tx, changed)  # a corrected sum, still for a person
    if heard is not rules.Heard.NEWS:
        return heard
    # From here it must succeed.
    if state is rules.RefundState.SETTLED:
        await store.change_refund(tx, changed | {"settled_at": at, "waiting_since": None})
        await _book(tx, changed | {"version": row["version"] + 1}, collection, at)
    elif state is rules.RefundState.FAILED:
        await _return(tx, changed, at)
    else:
        await store.change_refund(tx, changed)
        if state is rules.RefundState.ABNORMAL:
            _tell_trouble(tx, "refund.abnormal", changed, at)
    return heard


async def give_up_refund(
    service: Payments, caller: Caller, once: Once, refund_id: UUID, order: schemas.RefundGivingUp
) -> Answer:
    """Give an abnormal refund up, so that the money can go another way; not by the person who paid it out.

    What its channel has paid another sum of is not free: it waits until the channel corrects what it says.
    Raises Problem REFUND_UNKNOWN, NOT_ABNORMAL, PAID_OTHERWISE, PAID_BY_THE_SAME.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        found = await store.find_refund(tx, order.pool, refund_id)
        if found is None:
            raise schemas.REFUND_UNKNOWN(refund_id=refund_id)
        await store.lock_collection(tx, order.pool, found["collection_id"])
        row = await store.lock_refund(tx, order.pool, refund_id)
        assert row is not None
        state = rules.REFUND_TRANSITIONS.get((rules.RefundState(row["state"]), rules.RefundAct.GIVE_UP))
        if state is None:
            raise schemas.NOT_ABNORMAL(refund_id=refund_id, state=row["state"])
        if row["told_fen"] is not None:
            raise schemas.PAID_OTHERWISE(refund_id=refund_id, told_fen=row["told_fen"], amount_fen=row["amount_fen"])
        if row["paid_by"] == order.given_up_by:
            raise schemas.PAID_BY_THE_SAME(subject=order.given_up_by)
        # From here it must succeed.
        by = {"state": state, "given_up_by": order.given_up_by, "give_up_note": order.note}
        await _return(tx, {**row, **by}, service.clock.now())
        stored = await store.find_refund(tx, order.pool, refund_id)
        return Answer(200, _shown(stored))

    return await once.run(service.database, order.pool, work)


async def read_refund(service: Payments, caller: Caller, pool: str, refund_id: UUID) -> dict[str, Any]:
    """One refund. Raises Problem REFUND_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        row = await store.find_refund(tx, pool, refund_id)
    if row is None:
        raise schemas.REFUND_UNKNOWN(refund_id=refund_id)
    return _shown(row)


async def list_refunds(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    state: str | None,
    collection_id: UUID | None,
) -> dict[str, Any]:
    """Refunds of a pool in the order in which they were ordered. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_refunds(tx, pool, after=after, limit=limit, state=state, collection_id=collection_id)
    return page(rows, limit, lambda row: row["refund_id"])


def _require_payable(
    order: schemas.RefundOrder, shift: Any, collection: Any, others: Sequence[Row], *, posted: bool
) -> None:
    """The ladder of refusals, in order of precedence."""
    if collection is None:
        raise schemas.COLLECTION_UNKNOWN(collection_id=order.collection_id)
    for other in others:
        if other["state"] != rules.RefundState.FAILED:
            raise schemas.APPLICATION_HAS_REFUND(
                application_id=order.application_id, other_id=other["refund_id"], state=other["state"]
            )
    owed_fen = _owed(collection)
    if collection["reversed_at"] or not owed_fen:
        raise schemas.NOT_REFUNDABLE(outcome="reversed" if collection["reversed_at"] else collection["outcome"])
    ways = rules.ways(Channel(collection["channel"]), tried=bool(others), posted=posted)
    if order.method not in ways:
        raise schemas.NOT_THE_WAY_BACK(channel=collection["channel"], ways="/".join(ways), method=order.method)
    if order.shift_id:
        _require_shift(order, shift)
    gone_fen = collection["refunded_fen"] + collection["refunding_fen"]
    if gone_fen + order.amount_fen > owed_fen:
        raise schemas.REFUND_EXCEEDS(paid_fen=owed_fen, refunded_fen=gone_fen, amount_fen=order.amount_fen)


def _require_shift(order: schemas.RefundOrder, shift: Any) -> None:
    if shift is None:
        raise schemas.SHIFT_UNKNOWN(shift_id=order.shift_id)
    if shift["status"] != rules.ShiftStatus.OPEN:
        raise schemas.SHIFT_CLOSED(shift_id=order.shift_id)
    if shift["clerk"] != order.paid_by:
        raise schemas.SHIFT_OF_ANOTHER(shift_id=order.shift_id, clerk=shift["clerk"])


def _owed(collection: Row) -> int:
    """What may go back of a collection: what was released, and all of what waits in suspense."""
    suspense = collection["outcome"] == rules.Outcome.SUSPENSE
    owed_fen: int = collection["amount_fen"] if suspense else collection["released_fen"]
    return owed_fen


async def _release_suspense(tx: Writer, collection: Row, order: schemas.RefundOrder, now: datetime) -> None:
    """Money in suspense has no home: the decision to pay it back makes it surplus, as much as is to go back."""
    free_fen = collection["released_fen"] - collection["refunded_fen"] - collection["refunding_fen"]
    missing_fen = order.amount_fen - free_fen
    if missing_fen <= 0:
        return
    subject = rules.release_subject(order.collection_id, order.refund_id)
    posting = transfer(collection, "release", rules.SUSPENSE, rules.SURPLUS, missing_fen, subject, now)
    await settling_store.insert_transfers(tx, [posting])
    await store.change_money(tx, order.pool, order.collection_id, released_fen=missing_fen)


async def _book(tx: Writer, row: Mapping[str, Any], collection: Row, at: datetime) -> None:
    """The money is back: post it, cancel the receipt of what is not paid any more, and tell."""
    pool, amount_fen = row["pool"], row["amount_fen"]
    await store.change_money(tx, pool, row["collection_id"], refunding_fen=-amount_fen, refunded_fen=amount_fen)
    surplus = collection["outcome"] == rules.Outcome.SURPLUS
    if surplus or collection["refunded_fen"] + amount_fen == collection["amount_fen"]:
        await cancel_receipts(tx, pool, [row["collection_id"]], at, "refunded")
    account = rules.paying_account(rules.Method(row["method"]), row["shift_id"])
    posting = transfer(collection, "pay_back", rules.SURPLUS, account, amount_fen, row["refund_id"], at)
    await settling_store.insert_transfers(tx, [posting])
    told = schemas.RefundSettled.model_validate({**row, "settled_at": at}, extra="ignore")
    tx.publish(pool, "refund.settled", row["refund_id"], row["version"], at, told.model_dump(mode="json"))


async def _return(tx: Writer, row: Mapping[str, Any], at: datetime) -> None:
    """The money does not go back by this refund: it is free for another."""
    await store.change_refund(tx, {**row, "failed_at": at, "waiting_since": None})
    await store.change_money(tx, row["pool"], row["collection_id"], refunding_fen=-row["amount_fen"])
    _tell_trouble(tx, "refund.returned", row, at)


def _tell_trouble(tx: Writer, kind: str, row: Mapping[str, Any], at: datetime) -> None:
    told = schemas.RefundReturned.model_validate(dict(row), extra="ignore").model_dump(mode="json")
    tx.publish(row["pool"], kind, row["refund_id"], row["version"] + 1, at, told)


def _refund_row(order: schemas.RefundOrder, collection: Row, now: datetime) -> dict[str, Any]:
    at_counter, wall = order.method in rules.AT_COUNTER, wall_now()
    act = rules.RefundAct.PAY_OUT if at_counter else rules.RefundAct.SUBMIT
    return {
        **order.model_dump(),
        "scheme": collection["scheme"] or order.scheme,
        "state": rules.REFUND_TRANSITIONS[None, act],
        "reference": None,
        "detail": None,
        "told_fen": None,
        "submitted_at": now,
        "settled_at": now if at_counter else None,
        "failed_at": None,
        "given_up_by": None,
        "give_up_note": None,
        "waiting_since": None if at_counter else wall,
        "asked_at": None if at_counter else wall,
        "tries": 0,
        "version": 1,
    }


def _shown(row: Any) -> dict[str, Any]:
    return schemas.Refund.model_validate(dict(row)).model_dump(mode="json")
