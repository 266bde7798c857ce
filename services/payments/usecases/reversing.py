"""Reversing: a channel takes money back that it had reported (冲正, a contrary ledger line). Nothing is edited:
the postings get contrary postings, the receipt is cancelled and stays, the bill is open again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Row, Writer

from .. import rules, schemas
from ..store import bills as bill_store
from ..store import reversing as store
from ..store import revising as revising_store
from ..store import settling as settling_store
from .cancelling import cancel_receipts
from .posting import transfer


async def reverse(
    tx: Writer, pool: str, collection_ids: Sequence[UUID], reason: str, now: datetime
) -> list[Mapping[str, Any]]:
    """Reverse collections in the caller's transaction; those that were not reversed before, as they stood.

    Raises Problem NOT_REVERSIBLE where some of the money has been paid back already: then it cannot be taken back too.
    """
    # Bills before collections, which is everybody's order of locks.
    await bill_store.lock_bills(tx, pool, await store.settled_bills(tx, pool, collection_ids))
    rows = await store.lock_collections(tx, pool, collection_ids)
    fresh = [row for row in rows if (_state(row), rules.CollectionAct.REVERSE) in rules.COLLECTION_TRANSITIONS]
    for row in fresh:
        if row["refunded_fen"] or row["refunding_fen"]:
            raise schemas.NOT_REVERSIBLE(collection_id=row["collection_id"])
    # A bill that the money does not pay any more, because its assessment was voided, is not opened again.
    settled = {row["settles"]: row for row in fresh if row["settles"]}
    bills = await bill_store.lock_bills(tx, pool, list(settled))
    postings = await store.postings_of(tx, pool, [row["collection_id"] for row in fresh])
    claims = await revising_store.standing_claims(tx, pool, list(settled))
    # From here it must succeed.
    contrary = [_contrary(posting, posting["subject"], now) for posting in postings]
    contrary += [_contrary(claim, settled[claim["bill_no"]]["collection_id"], now) for claim in claims]
    await settling_store.insert_transfers(tx, contrary)
    await store.mark_reversed(tx, pool, [row["collection_id"] for row in fresh], now, reason)
    await cancel_receipts(tx, pool, [row["collection_id"] for row in fresh], now, "reversed")
    await bill_store.reopen(tx, pool, list(bills))
    for bill_no, row in settled.items():
        bill = bills[bill_no]
        tx.publish(pool, "bill.reversed", bill_no, bill["version"] + 1, now, _told(bill, row, reason, now))
    return fresh


def _state(row: Row) -> rules.CollectionState:
    outcome, is_reversed = rules.Outcome(row["outcome"]), row["reversed_at"] is not None
    return rules.collection_state(outcome, settles=row["settles"], is_reversed=is_reversed)


def _contrary(posting: Row, subject: object, now: datetime) -> dict[str, Any]:
    return transfer(
        posting,
        f"{posting['kind']}_reversed",
        posting["credit_account"],
        posting["debit_account"],
        posting["amount_fen"],
        subject,
        now,
    )


def _told(bill: Row, collection: Row, reason: str, now: datetime) -> dict[str, Any]:
    return schemas.BillReversed(
        bill_no=bill["bill_no"],
        assessment_id=bill["assessment_id"],
        person_id=bill["person_id"],
        scheme=bill["scheme"],
        region=bill["region"],
        amount_fen=bill["amount_fen"],
        collection_id=collection["collection_id"],
        reason=reason,
        reversed_on=business_day(now),
    ).model_dump(mode="json")
