"""The tax bureau confirms what it has collected, one payment or a batch: each event is booked once, whatever comes
twice, and answered as it was answered first.

    signature → nonce → event ids → one `settle` per pool → the answers, all in one transaction

Locks are taken in one order by everybody: the nonce, event ids ascending, then pool by pool what `settle` takes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from shared.clock import wall_now
from shared.codes import Channel
from shared.database import Writer
from shared.idempotency import Answer
from shared.metrics import CHANNEL_MESSAGES
from shared.problem import Problem
from shared.signatures import NONCE_KEPT

from .. import schemas
from ..formats.tax import BadSignature, Signed, SignedRequest
from ..rules import tax as rules
from ..schemas import tax as wire
from ..store import tax as store
from ..store import treasury as treasury_store
from .settling import Payment, settle
from .suite import Payments
from .vouchers import link


def verify_tax_message(service: Payments, request: SignedRequest) -> Signed:
    """Who signed the request. Raises Problem SIGNATURE_INVALID."""
    try:
        return service.tax_signatures.verify(request, wall_now())
    except BadSignature as error:
        raise schemas.SIGNATURE_INVALID(reason=error) from error


@dataclass(frozen=True)
class _Message:
    """One signed confirmation, as it is gathered with others (`shared/gathering.py`)."""

    signed: Signed
    said: rules.Confirmation


async def confirm_tax_payment(service: Payments, signed: Signed, confirmation: wire.TaxConfirmation) -> Answer:
    """Book one payment, or repeat the first answer to its event, in one transaction with whatever comes with it.

    Raises Problem EVENT_ID_REUSED, NONCE_REUSED.
    """
    said = _said(confirmation)
    marks = {("event", said.event_id), ("nonce", signed.key_id, signed.nonce)}
    return await service.gatherer.submit(
        "tax", rules.pool_named(said.bill_no), _Message(signed, said), marks, partial(_confirm_all, service)
    )


async def _confirm_all(service: Payments, messages: Sequence[_Message]) -> list[Answer | Exception]:
    """Book the payments of several messages in one transaction; one that is refused harms no other."""
    async with service.database.writing() as tx:
        used = await _claim_nonces(tx, [message.signed for message in messages])
        fair = [message for message in messages if message.signed not in used]
        origins = {message.said.event_id: _origin(message.signed, None) for message in fair}
        booked = iter(await _book(tx, service, [message.said for message in fair], origins))
    return [used.get(message.signed) or _answer(next(booked)) for message in messages]


def _answer(booked: "_Booked") -> Answer | Problem:
    if booked.answer is None:
        return schemas.EVENT_ID_REUSED(event_id=booked.event_id)
    return Answer(200, booked.answer, replayed=not booked.is_new)


async def confirm_tax_batch(service: Payments, signed: Signed, batch: wire.TaxConfirmationBatch) -> Answer:
    """Book the payments of a batch; a bad item is answered in its place. Raises Problem TOO_MANY_ITEMS, NONCE_REUSED.

    The events decide, not the batch number. The answer counts as repeated where nothing was booked that is not booked
    already.
    """
    if len(batch.items) > rules.MOST_ITEMS:
        raise schemas.TOO_MANY_ITEMS(count=len(batch.items), most=rules.MOST_ITEMS)
    readable = [_said(item) for item in batch.items if isinstance(item, wire.TaxConfirmation)]
    async with service.database.writing() as tx:
        await _claim_nonce(tx, signed)
        origin = _origin(signed, batch.batch_no)
        results = await _book(tx, service, readable, {said.event_id: origin for said in readable})
    in_order = iter(results)
    items = [
        _refused(item.event_id, "malformed")
        if isinstance(item, wire.MalformedConfirmation)
        else _answered(next(in_order))
        for item in batch.items
    ]
    replayed = any(result.answer for result in results) and not any(result.is_new for result in results)
    return Answer(200, {"batch_no": batch.batch_no, "items": items}, replayed=replayed)


async def use_up_nonce(service: Payments, signed: Signed) -> None:
    """Take the nonce of a refused message: its bytes may come again, no others. Raises Problem NONCE_REUSED."""
    async with service.database.writing() as tx:
        await _claim_nonce(tx, signed)


async def forget_tax_nonces(service: Payments) -> bool:
    """Delete nonces whose messages are too old to be taken; whether there were any."""
    async with service.database.writing() as tx:
        return await store.forget_nonces(tx, wall_now()) > 0


@dataclass(frozen=True)
class _Booked:
    """What became of one item. `answer` is None where its event id stands for another payment already."""

    event_id: str
    answer: dict[str, Any] | None
    is_new: bool


async def _claim_nonce(tx: Writer, signed: Signed) -> None:
    for problem in (await _claim_nonces(tx, [signed])).values():
        raise problem


async def _claim_nonces(tx: Writer, messages: Sequence[Signed]) -> dict[Signed, Problem]:
    """Take the nonces of messages; those whose nonce belongs to other bytes, each with its refusal."""
    rows = [
        {
            "key_id": signed.key_id,
            "nonce": signed.nonce,
            "content": signed.content,
            "expires_at": signed.created + NONCE_KEPT,
        }
        for signed in messages
    ]
    owners = await store.claim_nonces(tx, rows)
    return {
        signed: schemas.NONCE_REUSED(nonce=signed.nonce)
        for signed in messages
        if owners[signed.key_id, signed.nonce] != signed.content
    }


async def _book(
    tx: Writer,
    service: Payments,
    confirmations: Sequence[rules.Confirmation],
    origins: Mapping[str, Mapping[str, Any]],
) -> list[_Booked]:
    """Book the events that are new, set-based; what became of every confirmation, in the order of the list."""
    if not confirmations:
        return []
    now = service.clock.now()
    first = rules.first_of_each(confirmations)
    homes = await _homes(tx, first)
    fresh = await store.claim_events(tx, [_event(event, homes[id_], now) for id_, event in first.items()])
    events = dict(await store.find_events(tx, first.keys() - fresh))
    # From here it must succeed.
    by_pool: dict[str, list[rules.Confirmation]] = defaultdict(list)
    for event_id, confirmation in first.items():
        if event_id in fresh:
            by_pool[homes[event_id]].append(confirmation)
    for pool in sorted(by_pool):
        payments = [_payment(pool, event, origins[event.event_id], _schemes(service, event)) for event in by_pool[pool]]
        booked = await settle(tx, pool, payments, now)
        pairs = list(zip(by_pool[pool], booked, strict=True))
        under = [link(pool, row["collection_id"], event.voucher_no, event.amount_fen, None) for event, row in pairs]
        await treasury_store.link_vouchers(tx, under)
        events |= {
            event.event_id: {**row, "event_id": event.event_id, "content": event.content, "home_pool": pool}
            for event, row in pairs
        }
    await store.answer_events(tx, [events[event_id] for event_id in sorted(fresh)])
    await _note_conflicts(tx, confirmations, events, origins, now)
    return [
        _Booked(
            event_id=each.event_id,
            answer=_shown(events[each.event_id]) if events[each.event_id]["content"] == each.content else None,
            is_new=each.event_id in fresh and first[each.event_id] is each,
        )
        for each in confirmations
    ]


async def _note_conflicts(
    tx: Writer,
    confirmations: Sequence[rules.Confirmation],
    events: Mapping[str, Mapping[str, Any]],
    origins: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> None:
    """Keep what came under an event id that stands for another payment: refused, and an alarm until it is explained."""
    others = [each for each in confirmations if events[each.event_id]["content"] != each.content]
    if others:
        CHANNEL_MESSAGES.labels("etax", "event_id_reused").inc(len(others))
    await store.note_conflicts(
        tx,
        [
            {
                "pool": events[each.event_id]["home_pool"],
                "event_id": each.event_id,
                "content": each.content,
                "said": {**_message(each), **origins[each.event_id]},
                "key_id": origins[each.event_id]["key_id"],
                "first_at": now,
                "last_at": now,
            }
            for each in others
        ],
    )


async def _homes(tx: Writer, events: Mapping[str, rules.Confirmation]) -> dict[str, str]:
    """The pool of each event's bill; money for a pool that has no bills stands with that of no pool."""
    named = {event_id: rules.pool_named(event.bill_no) for event_id, event in events.items()}
    known = await store.pools_with_bills(tx, named.values())
    return {event_id: pool if pool in known else rules.POOLLESS for event_id, pool in named.items()}


def _event(event: rules.Confirmation, home_pool: str, now: datetime) -> dict[str, Any]:
    return {"event_id": event.event_id, "content": event.content, "home_pool": home_pool, "received_at": now}


def _schemes(service: Payments, event: rules.Confirmation) -> frozenset[str] | None:
    """What money may be for by the code that it was collected under; None: anything, or nobody said (S004-19)."""
    settings = service.settings.tax_terminal
    if event.item is None or settings is None:
        return None
    schemes = settings.items.get(event.item)
    return frozenset() if schemes is None else schemes or None


def _payment(
    pool: str, event: rules.Confirmation, origin: Mapping[str, Any], schemes: frozenset[str] | None
) -> Payment:
    return Payment(
        channel=Channel.ETAX,
        method="etax",
        reference=event.event_id,
        bill_no=event.bill_no,
        amount_fen=event.amount_fen,
        paid_at=event.paid_at,
        payer_name=event.payer_name or rules.NOT_NAMED,
        payer_id=None,
        region=pool,
        book_code=rules.receipt_book(pool),
        taken_by=origin["key_id"],
        shift_id=None,
        held_account=rules.ETAX_ACCOUNT,
        message={**_message(event), **({"item": event.item} if event.item else {}), **origin},
        schemes=schemes,
    )


def _message(event: rules.Confirmation) -> dict[str, Any]:
    """What a confirmation says, as it is kept."""
    return {
        "event_id": event.event_id,
        "bill_no": event.bill_no,
        "amount_fen": event.amount_fen,
        "paid_at": event.paid_at.isoformat(),
        "voucher_no": event.voucher_no,
        "payer_name": event.payer_name,
    }


def _said(confirmation: wire.TaxConfirmation) -> rules.Confirmation:
    return rules.Confirmation(**vars(confirmation))


def _origin(signed: Signed, batch_no: str | None) -> dict[str, Any]:
    """Which message the bureau said it in."""
    return {"batch_no": batch_no, "key_id": signed.key_id, "nonce": signed.nonce}


def _answered(result: _Booked) -> dict[str, Any]:
    return result.answer or _refused(result.event_id, "event_id_reused")


def _refused(event_id: str | None, reason: str) -> dict[str, Any]:
    return wire.TaxConfirmationRefusal.model_validate(
        {"event_id": event_id, "outcome": "refused", "reason": reason}
    ).model_dump(mode="json")


def _shown(event: Mapping[str, Any]) -> dict[str, Any]:
    return wire.TerminalAnswer.model_validate(event, extra="ignore").model_dump(mode="json")
