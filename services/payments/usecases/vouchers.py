"""One voucher for many people: money of other channels goes to the treasury in one sum, and somebody says whose it is.

The tax bureau's confirmations name their vouchers themselves. Here the agency writes down which day, slip, ledger or
list a voucher covers; the sum must be the voucher's to the fen. What the treasury then posts and remits up follows.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.tokens import Caller

from ..schemas import treasury as wire
from ..schemas import treasury_problems as problems
from ..schemas.ledger_problems import FOUR_EYES
from ..store import treasury as treasury_store
from ..store import vouchers as store
from .suite import Payments


async def record_voucher(service: Payments, caller: Caller, once: Once, order: wire.VoucherOrder) -> Answer:
    """Put money under a voucher.

    Raises Problem AREA_FORBIDDEN, VOUCHER_KNOWN, ALREADY_UNDER_VOUCHER, VOUCHER_COVERS_NOTHING, VOUCHER_AMOUNT_DIFFERS.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        covered = await _covered(tx, order)
        if not covered:
            raise problems.VOUCHER_COVERS_NOTHING()
        sum_fen = sum(row["amount_fen"] for row in covered)
        if sum_fen != order.amount_fen:
            raise problems.VOUCHER_AMOUNT_DIFFERS(amount_fen=order.amount_fen, count=len(covered), sum_fen=sum_fen)
        now, voucher_id = service.clock.now(), new_id()
        row = {
            "pool": order.pool,
            "voucher_id": voucher_id,
            "voucher_no": order.voucher_no,
            "amount_fen": order.amount_fen,
            "collections_count": len(covered),
            "handed_on": order.handed_on,
            "covers": order.covers.model_dump(mode="json", exclude_none=True),
            "recorded_by": caller.subject,
            "recorded_at": now,
            "version": 1,
        }
        if not await store.insert_voucher(tx, row):
            raise problems.VOUCHER_KNOWN(voucher_no=order.voucher_no)
        links = [
            link(order.pool, one["collection_id"], order.voucher_no, one["amount_fen"], voucher_id) for one in covered
        ]
        if await treasury_store.link_vouchers(tx, links) != len(links):
            # Somebody else's voucher took one of them at this moment.
            raise problems.ALREADY_UNDER_VOUCHER(collection_id="")
        detail = {"voucher_id": str(voucher_id), "voucher_no": order.voucher_no, "amount_fen": order.amount_fen}
        tx.audit(order.pool, "voucher.recorded", caller.client_id, caller.subject, now, [], detail)
        return Answer(201, _shown(await store.find_voucher(tx, order.pool, voucher_id)))

    return await once.run(service.database, order.pool, work)


async def withdraw_voucher(
    service: Payments, caller: Caller, once: Once, voucher_id: UUID, order: wire.Withdrawal
) -> Answer:
    """Take a voucher back that was written down wrongly; its money is under none then. Not by who wrote it down.

    Raises Problem AREA_FORBIDDEN, VOUCHER_UNKNOWN, FOUR_EYES.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        _require_another(caller, await store.find_voucher(tx, order.pool, voucher_id))
        if not await store.withdraw_voucher(tx, order.pool, voucher_id, caller.subject, now, order.reason):
            raise problems.VOUCHER_UNKNOWN(voucher_id=voucher_id)
        detail = {"voucher_id": str(voucher_id), "reason": order.reason}
        tx.audit(order.pool, "voucher.withdrawn", caller.client_id, caller.subject, now, [], detail)
        return Answer(200, _shown(await store.find_voucher(tx, order.pool, voucher_id)))

    return await once.run(service.database, order.pool, work)


async def record_remitted(service: Payments, caller: Caller, once: Once, order: wire.RemittedOrder) -> Answer:
    """Write down that what an office posted on a day was remitted up, all of it.

    Raises Problem AREA_FORBIDDEN, NOT_POSTED, REMITTED_AMOUNT_DIFFERS, REMITTED_KNOWN.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        posted_fen = await treasury_store.posted_total(tx, order.pool, order.office, order.posted_on)
        if posted_fen is None:
            raise problems.NOT_POSTED(office=order.office, posted_on=order.posted_on)
        if posted_fen != order.amount_fen:
            raise problems.REMITTED_AMOUNT_DIFFERS(amount_fen=order.amount_fen, posted_fen=posted_fen)
        now, remitted_id = service.clock.now(), new_id()
        row = order.model_dump() | {"remitted_id": remitted_id, "recorded_by": caller.subject, "recorded_at": now}
        if not await store.insert_remitted(tx, row):
            raise problems.REMITTED_KNOWN(office=order.office, posted_on=order.posted_on)
        detail = {"remitted_id": str(remitted_id), "amount_fen": order.amount_fen}
        tx.audit(order.pool, "remitted.recorded", caller.client_id, caller.subject, now, [], detail)
        found = await store.find_remitted(tx, order.pool, remitted_id)
        return Answer(201, wire.Remitted.model_validate(found).model_dump(mode="json"))

    return await once.run(service.database, order.pool, work)


async def withdraw_remitted(
    service: Payments, caller: Caller, once: Once, remitted_id: UUID, order: wire.Withdrawal
) -> Answer:
    """Take such a record back; not by who made it. Raises Problem AREA_FORBIDDEN, REMITTED_UNKNOWN, FOUR_EYES."""
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        _require_another(caller, await store.find_remitted(tx, order.pool, remitted_id))
        if not await store.withdraw_remitted(tx, order.pool, remitted_id, caller.subject, now, order.reason):
            raise problems.REMITTED_UNKNOWN(remitted_id=remitted_id)
        detail = {"remitted_id": str(remitted_id), "reason": order.reason}
        tx.audit(order.pool, "remitted.withdrawn", caller.client_id, caller.subject, now, [], detail)
        found = await store.find_remitted(tx, order.pool, remitted_id)
        return Answer(200, wire.Remitted.model_validate(found).model_dump(mode="json"))

    return await once.run(service.database, order.pool, work)


def _require_another(caller: Caller, row: Row | None) -> None:
    if row is not None and row["recorded_by"] == caller.subject:
        raise FOUR_EYES(subject=caller.subject)


def link(pool: str, collection_id: UUID, voucher_no: str, amount_fen: int, voucher_id: UUID | None) -> dict[str, Any]:
    """Money under a voucher; `voucher_id` None where the channel's own message named it."""
    return {
        "pool": pool,
        "link_id": new_id(),
        "collection_id": collection_id,
        "voucher_no": voucher_no,
        "amount_fen": amount_fen,
        "voucher_id": voucher_id,
        "live": True,
    }


async def _covered(tx: Writer, order: wire.VoucherOrder) -> Sequence[Row]:
    """The free money that a voucher names. Of a list all must be free. Raises Problem ALREADY_UNDER_VOUCHER."""
    covers = order.covers
    if covers.collection_ids is not None:
        free = await store.free_of_list(tx, order.pool, covers.collection_ids)
        missing = set(covers.collection_ids) - {row["collection_id"] for row in free}
        if missing:
            raise problems.ALREADY_UNDER_VOUCHER(collection_id=min(missing))
        return free
    if covers.remittance_id is not None:
        return await store.free_of_slip(tx, order.pool, covers.remittance_id)
    if covers.ledger_id is not None:
        return await store.free_of_ledger(tx, order.pool, covers.ledger_id)
    assert covers.channel is not None
    assert covers.day is not None
    return await store.free_of_day(tx, order.pool, covers.channel, covers.institution, covers.day)


def _shown(row: Row | None) -> dict[str, Any]:
    return wire.Voucher.model_validate(row, extra="ignore").model_dump(mode="json")
