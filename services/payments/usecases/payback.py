"""Money goes back: what the refunds service decided is paid out at a counter."""

from typing import Any
from uuid import UUID

from shared.database import Writer
from shared.idempotency import Answer, Once
from shared.tokens import Caller

from .. import rules, schemas
from ..store import refunds as store
from ..store import settling as settling_store
from ..store import shifts as shift_store
from .posting import transfer
from .suite import Payments


async def pay_back(service: Payments, caller: Caller, once: Once, order: schemas.RefundOrder) -> Answer:
    """Pay surplus money back from an open shift; its receipt is voided. The same refund_id is paid once.

    Raises Problem COLLECTION_UNKNOWN, NOT_REFUNDABLE, REFUND_EXCEEDS, SHIFT_UNKNOWN, SHIFT_CLOSED, SHIFT_OF_ANOTHER.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        earlier = await store.find_refund(tx, order.pool, order.refund_id)
        if earlier:
            return Answer(201, _shown(earlier))
        shift = await shift_store.share_shift(tx, order.pool, order.shift_id)
        collection = await store.lock_collection(tx, order.pool, order.collection_id)
        _require_payable(order, shift, collection)
        assert collection is not None
        # From here it must succeed.
        now = service.clock.now()
        row = order.model_dump() | {"scheme": collection["scheme"], "settled_at": now}
        await store.insert_refund(tx, row)
        await store.add_refunded(tx, order.pool, order.collection_id, order.amount_fen)
        if collection["outcome"] == rules.Outcome.SURPLUS:
            await store.void_receipts(tx, order.pool, [order.collection_id], now, "refunded")
        drawer = rules.held_account(str(order.shift_id))
        posting = transfer(collection, "pay_back", rules.SURPLUS, drawer, order.amount_fen, order.refund_id, now)
        await settling_store.insert_transfers(tx, [posting])
        data = schemas.RefundSettled.model_validate(row, extra="ignore").model_dump(mode="json")
        tx.publish(order.pool, "refund.settled", order.refund_id, 1, now, data)
        return Answer(201, _shown(row))

    return await once.run(service.database, order.pool, work)


async def read_refund(service: Payments, caller: Caller, pool: str, refund_id: UUID) -> dict[str, Any]:
    """One refund. Raises Problem REFUND_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        row = await store.find_refund(tx, pool, refund_id)
    if row is None:
        raise schemas.REFUND_UNKNOWN(refund_id=refund_id)
    return _shown(row)


def _require_payable(order: schemas.RefundOrder, shift: Any, collection: Any) -> None:
    """The ladder of refusals, in order of precedence."""
    if collection is None:
        raise schemas.COLLECTION_UNKNOWN(collection_id=order.collection_id)
    if shift is None:
        raise schemas.SHIFT_UNKNOWN(shift_id=order.shift_id)
    if shift["status"] != "open":
        raise schemas.SHIFT_CLOSED(shift_id=order.shift_id)
    if shift["clerk"] != order.paid_by:
        raise schemas.SHIFT_OF_ANOTHER(shift_id=order.shift_id, clerk=shift["clerk"])
    if not collection["released_fen"]:
        raise schemas.NOT_REFUNDABLE(outcome=collection["outcome"])
    if collection["refunded_fen"] + order.amount_fen > collection["released_fen"]:
        raise schemas.REFUND_EXCEEDS(
            paid_fen=collection["released_fen"], refunded_fen=collection["refunded_fen"], amount_fen=order.amount_fen
        )


def _shown(row: Any) -> dict[str, Any]:
    return schemas.Refund.model_validate(dict(row)).model_dump(mode="json")
