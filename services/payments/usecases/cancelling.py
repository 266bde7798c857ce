"""Receipts that stop counting (作废, 冲红): by money that went back, or because one was misprinted. Nothing is deleted.

money went back      cancel_receipts, in the transaction of the refund or the reversal; no new receipt
a misprinted one     a clerk asks, a second person confirms: it is cancelled, the same money gets the next number
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.pages import page
from shared.tokens import Caller
from shared.versions import require_version

from .. import schemas
from ..rules import receipts as rules
from ..rules.settling import receipt_number
from ..schemas import ledger_problems, receipt_problems
from ..schemas import receipts as wire
from ..store import receipts as store
from ..store import settling as settling_store
from .suite import Payments


async def cancel_receipts(tx: Writer, pool: str, collection_ids: Sequence[UUID], at: datetime, reason: str) -> None:
    """Cancel the receipts of collections in the caller's transaction: paper is voided, electronic ones are offset by a
    red receipt over the full amount. One that does not count any more stays as it is."""
    rows = await store.lock_valid(tx, pool, collection_ids)
    if not rows:
        return
    # From here it must succeed.
    acts = [rules.cancelling(rules.Medium(row["medium"]) if row["medium"] else None) for row in rows]
    becomes = [
        rules.RECEIPT_TRANSITIONS[rules.ReceiptState(row["state"]), act] for row, act in zip(rows, acts, strict=True)
    ]
    named = [(row["book_code"], row["number"], state.value) for row, state in zip(rows, becomes, strict=True)]
    await store.mark_cancelled(tx, pool, named, at, reason)
    offset = [row for row, act in zip(rows, acts, strict=True) if act is rules.ReceiptAct.OFFSET]
    await _issue_red(tx, pool, offset, at, reason)


async def _issue_red(tx: Writer, pool: str, originals: Sequence[Row], at: datetime, reason: str) -> None:
    upcoming = await store.take_red_numbers(tx, pool, Counter(row["book_code"] for row in originals))
    issued = []
    for row in originals:
        book_code = row["book_code"]
        number = upcoming[book_code]
        upcoming[book_code] += 1
        issued.append(
            {
                "pool": pool,
                "book_code": book_code,
                "number": number,
                "receipt_no": rules.red_number(book_code, number),
                "original_number": row["number"],
                "amount_fen": row["amount_fen"],
                "reason": reason,
                "issued_at": at,
            }
        )
    await store.insert_red(tx, issued)


async def request_cancellation(
    service: Payments, caller: Caller, once: Once, receipt_no: str, order: wire.CancellationOrder
) -> Answer:
    """A clerk asks for a misprinted receipt to be cancelled and issued anew.

    Raises Problem RECEIPT_UNKNOWN, AREA_FORBIDDEN, RECEIPT_NOT_VALID, CANCELLATION_WAITS.
    """

    async def work(tx: Writer) -> Answer:
        found = await store.find_receipt(tx, order.pool, receipt_no)
        if found is None:
            raise schemas.RECEIPT_UNKNOWN(receipt_no=receipt_no)
        caller.require_region(found["region"])
        if found["state"] != rules.ReceiptState.ISSUED:
            raise receipt_problems.RECEIPT_NOT_VALID(receipt_no=receipt_no, state=found["state"])
        row = {
            "pool": order.pool,
            "cancellation_id": new_id(),
            "book_code": found["book_code"],
            "number": found["number"],
            "region": found["region"],
            "reason": order.reason,
            "payer_name": order.payer_name,
            "state": rules.CANCELLATION_TRANSITIONS[None, rules.CancellationAct.REQUEST],
            "requested_by": caller.subject,
            "requested_at": service.clock.now(),
            "version": 1,
        }
        if not await store.insert_cancellation(tx, row):
            raise receipt_problems.CANCELLATION_WAITS(receipt_no=receipt_no)
        return Answer(201, _shown(await store.find_cancellation(tx, order.pool, row["cancellation_id"])))

    return await once.run(service.database, order.pool, work)


async def check_cancellation(
    service: Payments, caller: Caller, once: Once, cancellation_id: UUID, version: int, order: wire.CancellationCheck
) -> Answer:
    """A second person confirms: the receipt is cancelled and the money gets the book's next number; or rejects.

    Raises Problem CANCELLATION_UNKNOWN, AREA_FORBIDDEN, VERSION_DIFFERS, ALREADY_CHECKED, FOUR_EYES, RECEIPT_NOT_VALID.
    """

    async def work(tx: Writer) -> Answer:
        known = await store.find_cancellation(tx, order.pool, cancellation_id)
        if known is None:
            raise receipt_problems.CANCELLATION_UNKNOWN(cancellation_id=cancellation_id)
        caller.require_region(known["region"])
        # The collection before its receipt, which is everybody's order of locks.
        original = await store.lock_collection_of(tx, order.pool, known["book_code"], known["number"])
        row = await store.lock_cancellation(tx, order.pool, cancellation_id)
        assert row is not None
        _require_checkable(caller, row, version)
        act = rules.CancellationAct.CONFIRM if order.result == "confirmed" else rules.CancellationAct.REJECT
        if act is rules.CancellationAct.CONFIRM and original["state"] != rules.ReceiptState.ISSUED:
            raise receipt_problems.RECEIPT_NOT_VALID(receipt_no=row["receipt_no"], state=original["state"])
        # From here it must succeed.
        now = service.clock.now()
        renewed = act is rules.CancellationAct.CONFIRM
        new_number = await _replace(tx, original, row, now) if renewed else None
        await store.check_cancellation(
            tx,
            {
                "pool": order.pool,
                "cancellation_id": cancellation_id,
                "state": rules.CANCELLATION_TRANSITIONS[rules.CancellationState(row["state"]), act],
                "checked_by": caller.subject,
                "checked_at": now,
                "note": order.note,
                "new_number": new_number,
            },
        )
        detail = {"cancellation_id": str(cancellation_id), "receipt_no": row["receipt_no"]}
        action, persons = f"receipt_cancellation.{order.result}", [original["person_id"]]
        tx.audit(order.pool, action, caller.client_id, caller.subject, now, persons, detail)
        return Answer(200, _shown(await store.find_cancellation(tx, order.pool, cancellation_id)))

    return await once.run(service.database, order.pool, work)


async def read_cancellation(service: Payments, caller: Caller, pool: str, cancellation_id: UUID) -> dict[str, Any]:
    """One request. Raises Problem CANCELLATION_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        row = await store.find_cancellation(tx, pool, cancellation_id)
    if row is None:
        raise receipt_problems.CANCELLATION_UNKNOWN(cancellation_id=cancellation_id)
    caller.require_region(row["region"])
    return _shown(row)


async def list_cancellations(
    service: Payments, caller: Caller, pool: str, *, after: UUID | None, limit: int, state: str | None
) -> dict[str, Any]:
    """Requests inside the caller's area. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_cancellations(tx, pool, caller.area, after=after, limit=limit, state=state)
    return page(rows, limit, lambda row: row["cancellation_id"])


def _require_checkable(caller: Caller, row: Row, version: int) -> None:
    require_version(row["version"], version)
    if row["state"] != rules.CancellationState.REQUESTED:
        raise ledger_problems.ALREADY_CHECKED(status=row["state"])
    if caller.subject == row["requested_by"]:
        raise ledger_problems.FOUR_EYES(subject=caller.subject)


async def _replace(tx: Writer, original: Mapping[str, Any], request: Row, now: datetime) -> int:
    """Cancel a receipt and issue the next number of its book for the same money; that number."""
    pool, book_code = original["pool"], original["book_code"]
    await cancel_receipts(tx, pool, [original["collection_id"]], now, request["reason"])
    number = (await settling_store.take_receipt_numbers(tx, pool, {book_code: 1}))[book_code]
    same = ("pool", "book_code", "collection_id", "bill_no", "person_id", "amount_fen")
    await store.insert_replacement(
        tx,
        {
            **{name: original[name] for name in same},
            "number": number,
            "receipt_no": receipt_number(book_code, number),
            "payer_name": request["payer_name"] or original["payer_name"],
            "issued_at": now,
            "issued_by": request["requested_by"],
            "state": rules.RECEIPT_TRANSITIONS[None, rules.ReceiptAct.ISSUE],
            "replaces": original["number"],
        },
    )
    return number


def _shown(row: Row | None) -> dict[str, Any]:
    return wire.Cancellation.model_validate(row, from_attributes=False, extra="ignore").model_dump(mode="json")
