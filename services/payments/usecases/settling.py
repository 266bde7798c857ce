"""Settling: the one function through which all money comes in, whatever its channel. It takes a list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.codes import Channel
from shared.database import Row, Writer
from shared.ids import new_id

from .. import rules, schemas
from ..store import bills as bill_store
from ..store import settling as store
from .numbering import Printed, number_receipts, read_printed
from .posting import claim_transfers, transfer


@dataclass(frozen=True)
class Payment:
    """Money that a channel says has come for a bill. `reference` is the channel's own and unique there."""

    channel: Channel
    method: str
    reference: str
    bill_no: str
    amount_fen: int
    paid_at: datetime
    payer_name: str
    payer_id: UUID | None
    region: str
    book_code: str
    taken_by: str
    shift_id: UUID | None
    held_account: str
    message: Mapping[str, Any]
    receipt_no: str | None = None
    """The number on the payer's paper, where it was handed out beforehand; None: the next one of the book."""
    schemes: frozenset[str] | None = None
    """The schemes that the money may be for, where the channel said what for; None: nobody said."""


async def settle(
    tx: Writer, pool: str, payments: Sequence[Payment], now: datetime, *, locked: Mapping[str, Row] | None = None
) -> list[Mapping[str, Any]]:
    """Settle payments of one pool in the caller's transaction; their collections, in the order of the list.

    All at once or not at all: submission, verdict, receipt, collection, postings, bill and events. A payment whose
    reference is known already is not booked again; its first collection is answered. Locks are taken in one order:
    references, bills, blocks of receipt numbers, receipt books, chain heads. `locked`: the bills, where the caller has
    locked all of them in this transaction.
    """
    ids = [new_id() for _ in payments]
    fresh = await store.insert_submissions(
        tx, [_submission(pool, id_, payment, now) for id_, payment in zip(ids, payments, strict=True)]
    )
    known = locked
    if known is None:
        known = await bill_store.lock_bills(tx, pool, [payment.bill_no for payment in payments])
    new = [(id_, payment) for id_, payment in zip(ids, payments, strict=True) if id_ in fresh]
    printed = await read_printed(tx, pool, [payment for _, payment in new])
    verdicts = _judge(known, [payment for _, payment in new], printed)
    # From here it must succeed.
    judged = [(payment, verdict) for (_, payment), verdict in zip(new, verdicts, strict=True)]
    receipts = await number_receipts(tx, pool, judged, printed, now)
    collections = [
        _collection(pool, id_, payment, verdict, known.get(payment.bill_no), receipt_no, now)
        for (id_, payment), verdict, (_, _, receipt_no) in zip(new, verdicts, receipts, strict=True)
    ]
    await store.insert_collections(tx, collections)
    await store.insert_receipts(tx, _receipts(new, collections, receipts, now))
    await store.insert_transfers(tx, _transfers(new, collections, known, now))
    settled = [row for row in collections if row["outcome"] == rules.Outcome.SETTLED]
    await bill_store.mark_paid(tx, pool, [(row["bill_no"], business_day(row["paid_at"])) for row in settled])
    _publish(tx, collections, known, now)
    return await _in_order(tx, pool, payments, collections, [payment for _, payment in new])


def bill_paid(bill: Mapping[str, Any], paid_on: Any, collection: Mapping[str, Any] | None) -> dict[str, Any]:
    """The data of `bill.paid`."""
    return schemas.BillPaid(
        bill_no=bill["bill_no"],
        assessment_id=bill["assessment_id"],
        person_id=bill["person_id"],
        scheme=bill["scheme"],
        region=bill["region"],
        amount_fen=bill["amount_fen"],
        paid_on=paid_on,
        collection_id=collection["collection_id"] if collection else None,
        receipt_no=collection["receipt_no"] if collection else None,
    ).model_dump(mode="json")


def _bill(row: Row) -> rules.Bill:
    return rules.Bill(
        row["bill_no"],
        rules.BillStatus(row["status"]),
        row["amount_fen"],
        rules.Window.of(row["window"]),
        row["scheme"],
    )


def _submission(pool: str, submission_id: UUID, payment: Payment, now: datetime) -> dict[str, Any]:
    return {
        "pool": pool,
        "submission_id": submission_id,
        "channel": payment.channel,
        "reference": payment.reference,
        "bill_no": payment.bill_no,
        "amount_fen": payment.amount_fen,
        "paid_at": payment.paid_at,
        "message": payment.message,
        "received_at": now,
    }


def _judge(
    known: Mapping[str, Row], payments: Sequence[Payment], printed: Mapping[int, Printed]
) -> list[rules.Verdict]:
    """What becomes of each payment, in their order; one whose paper has a faulty number settles nothing."""
    faults = {at: one.fault for at, one in printed.items() if one.fault}
    by_bill = iter(
        rules.judge_all(
            {bill_no: _bill(row) for bill_no, row in known.items()},
            [
                rules.Paid(payment.bill_no, payment.amount_fen, business_day(payment.paid_at), payment.schemes)
                for at, payment in enumerate(payments)
                if at not in faults
            ],
        )
    )
    return [
        rules.Verdict(rules.Outcome.SUSPENSE, faults[at]) if at in faults else next(by_bill)
        for at in range(len(payments))
    ]


def _collection(
    pool: str,
    submission_id: UUID,
    payment: Payment,
    verdict: rules.Verdict,
    bill: Row | None,
    receipt_no: str | None,
    now: datetime,
) -> dict[str, Any]:
    return {
        "pool": pool,
        "collection_id": new_id(),
        "submission_id": submission_id,
        "channel": payment.channel,
        "method": payment.method,
        "bill_no": payment.bill_no,
        "scheme": bill["scheme"] if bill else None,
        "person_id": bill["person_id"] if bill else None,
        "region": bill["region"] if bill else payment.region,
        "amount_fen": payment.amount_fen,
        "released_fen": payment.amount_fen if verdict.outcome is rules.Outcome.SURPLUS else 0,
        "refunding_fen": 0,
        "refunded_fen": 0,
        "payer_name": payment.payer_name,
        "payer_id": payment.payer_id,
        "shift_id": payment.shift_id,
        "paid_at": payment.paid_at,
        "booked_at": now,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "settles": payment.bill_no if verdict.outcome is rules.Outcome.SETTLED else None,
        "receipt_no": receipt_no,
        "version": 1,
    }


def _receipts(
    new: Sequence[tuple[UUID, Payment]],
    collections: Sequence[Mapping[str, Any]],
    numbered: Sequence[tuple[str, int, str | None]],
    now: datetime,
) -> list[dict[str, Any]]:
    return [
        {
            "pool": row["pool"],
            "book_code": book_code,
            "number": number,
            "receipt_no": receipt_no,
            "collection_id": row["collection_id"],
            "bill_no": row["bill_no"],
            "person_id": row["person_id"],
            "payer_name": row["payer_name"],
            "amount_fen": row["amount_fen"],
            "issued_at": now,
            "issued_by": payment.taken_by,
        }
        for (_, payment), row, (book_code, number, receipt_no) in zip(new, collections, numbered, strict=True)
        if receipt_no
    ]


def _transfers(
    new: Sequence[tuple[UUID, Payment]],
    collections: Sequence[Mapping[str, Any]],
    known: Mapping[str, Row],
    now: datetime,
) -> list[dict[str, Any]]:
    rows = []
    for (_, payment), row in zip(new, collections, strict=True):
        into = rules.credit_account(row["outcome"])
        rows.append(transfer(row, "collect", payment.held_account, into, row["amount_fen"], row["collection_id"], now))
        if row["outcome"] == rules.Outcome.SETTLED:
            rows.extend(claim_transfers(known[row["bill_no"]], row["collection_id"], now))
    return rows


def _publish(tx: Writer, collections: Sequence[Mapping[str, Any]], known: Mapping[str, Row], now: datetime) -> None:
    for row in collections:
        bill = known.get(row["bill_no"])
        if row["outcome"] == rules.Outcome.SETTLED and bill:
            data = bill_paid(bill, business_day(row["paid_at"]), row)
            tx.publish(row["pool"], "bill.paid", bill["bill_no"], bill["version"] + 1, now, data)
        elif row["outcome"] == rules.Outcome.SURPLUS:
            told = {**row, "cause": "", "because": "", "found_on": business_day(row["paid_at"]), "late": False}
            data = schemas.CollectionSurplus.model_validate(told, extra="ignore").model_dump(mode="json")
            tx.publish(row["pool"], "collection.surplus", row["collection_id"], 1, now, data)


async def _in_order(
    tx: Writer,
    pool: str,
    payments: Sequence[Payment],
    collections: Sequence[Mapping[str, Any]],
    booked: Sequence[Payment],
) -> list[Mapping[str, Any]]:
    found: dict[tuple[str, str], Mapping[str, Any]] = {
        (payment.channel, payment.reference): row for payment, row in zip(booked, collections, strict=True)
    }
    for channel in {payment.channel for payment in payments if (payment.channel, payment.reference) not in found}:
        references = [payment.reference for payment in payments if payment.channel == channel]
        earlier = await store.collections_by_reference(tx, pool, channel, references)
        found |= {(channel, reference): row for reference, row in earlier.items() if (channel, reference) not in found}
    return [found[payment.channel, payment.reference] for payment in payments]
