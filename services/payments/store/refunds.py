"""SQL about collections and money paid back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import refund
from .leasing import TURN
from .settling import COLLECTION

_REFUND = (
    "pool, refund_id, application_id, collection_id, shift_id, scheme, method, state, amount_fen, paid_to, paid_by, "
    "reference, detail, told_fen, submitted_at, settled_at, failed_at, given_up_by, give_up_note, waiting_since, "
    "asked_at, tries, version, "
    "undo_refused_at"
)
_CHANGED = (
    *("pool", "refund_id", "state", "reference", "detail", "told_fen"),
    *("settled_at", "failed_at", "given_up_by", "give_up_note", "waiting_since"),
)


async def list_collections(
    tx: Reader,
    pool: str,
    area: str,
    *,
    after: UUID | None,
    limit: int,
    person_id: UUID | None = None,
    payer_id: UUID | None = None,
    bill_no: str | None = None,
) -> Sequence[Row]:
    """Collections inside an area in the order they were booked; `limit` + 1 rows."""
    wanted: list[tuple[str, str, Any]] = [
        ("after", "collection_id > :after", after),
        ("person_id", "person_id = :person_id", person_id),
        ("payer_id", "payer_id = :payer_id", payer_id),
        ("bill_no", "bill_no = :bill_no", bill_no),
        ("area", "region like :area", f"{area}%" if area else None),
    ]
    given = {name: value for name, _, value in wanted if value is not None}
    conditions = "".join(f" and {condition}" for name, condition, _ in wanted if name in given)
    return await tx.rows(
        f"select {COLLECTION} from collection where pool = :pool{conditions} order by collection_id limit :limit",
        pool=pool,
        limit=limit + 1,
        **given,
    )


async def find_collection(tx: Reader, pool: str, collection_id: UUID) -> Row | None:
    """One collection."""
    return await tx.row(
        f"select {COLLECTION} from collection where pool = :pool and collection_id = :collection_id",
        pool=pool,
        collection_id=collection_id,
    )


async def lock_collection(tx: Writer, pool: str, collection_id: UUID) -> Row | None:
    """One collection, locked: of fifty refunds at once each sees what the ones before it paid back."""
    return await tx.row(
        f"select {COLLECTION} from collection where pool = :pool and collection_id = :collection_id for update",
        pool=pool,
        collection_id=collection_id,
    )


async def change_money(
    tx: Writer,
    pool: str,
    collection_id: UUID,
    *,
    released_fen: int = 0,
    refunding_fen: int = 0,
    refunded_fen: int = 0,
) -> None:
    """Add to what of a locked collection is owed back, promised and paid back; the table refuses more than was paid."""
    await tx.execute(
        "update collection set released_fen = released_fen + :released_fen, "
        "refunding_fen = refunding_fen + :refunding_fen, refunded_fen = refunded_fen + :refunded_fen, "
        "version = version + 1 where pool = :pool and collection_id = :collection_id",
        pool=pool,
        collection_id=collection_id,
        released_fen=released_fen,
        refunding_fen=refunding_fen,
        refunded_fen=refunded_fen,
    )


async def find_refund(tx: Reader, pool: str, refund_id: UUID) -> Row | None:
    """One refund."""
    return await tx.row(
        f"select {_REFUND} from refund where pool = :pool and refund_id = :refund_id", pool=pool, refund_id=refund_id
    )


async def lock_refund(tx: Writer, pool: str, refund_id: UUID) -> Row | None:
    """One refund, locked."""
    return await tx.row(
        f"select {_REFUND} from refund where pool = :pool and refund_id = :refund_id for update",
        pool=pool,
        refund_id=refund_id,
    )


async def list_refunds(
    tx: Reader, pool: str, *, after: UUID | None, limit: int, state: str | None, collection_id: UUID | None
) -> Sequence[Row]:
    """Refunds in the order in which they were ordered; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_REFUND} from refund where pool = :pool and (cast(:after as uuid) is null or refund_id > :after) "
        "and (cast(:state as text) is null or state = :state) "
        "and (cast(:collection_id as uuid) is null or collection_id = :collection_id) "
        "order by refund_id limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
        state=state,
        collection_id=collection_id,
    )


async def refunds_of(tx: Reader, pool: str, application_id: UUID) -> Sequence[Row]:
    """The refunds of an application, in the order in which they were ordered."""
    return await tx.rows(
        f"select {_REFUND} from refund where pool = :pool and application_id = :application_id order by refund_id",
        pool=pool,
        application_id=application_id,
    )


async def insert_refund(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Record a refund; False where its application has another one that has not failed."""
    tail = "on conflict (pool, application_id) where state <> 'failed' do nothing returning refund_id"
    return bool(await tx.insert(refund, [row], tail=tail))


async def change_refund(tx: Writer, row: Mapping[str, Any]) -> None:
    """Record what became of a locked refund."""
    await tx.execute(
        "update refund set state = :state, reference = coalesce(:reference, reference), detail = :detail, "
        "told_fen = :told_fen, settled_at = :settled_at, failed_at = :failed_at, given_up_by = :given_up_by, "
        "give_up_note = :give_up_note, "
        "waiting_since = :waiting_since, version = version + 1 where pool = :pool and refund_id = :refund_id",
        **{name: row[name] for name in _CHANGED},
    )


async def note_refund(tx: Writer, pool: str, refund_id: UUID, detail: str) -> None:
    """Keep what the channel said of a refund on which nothing has changed."""
    await tx.execute(
        "update refund set detail = :detail where pool = :pool and refund_id = :refund_id "
        "and state in ('submitted', 'processing')",
        pool=pool,
        refund_id=refund_id,
        detail=detail,
    )


async def give_up_undoing(tx: Writer, pool: str, refund_id: UUID, tries: int, now: datetime) -> bool:
    """Record for good that a payment could not be undone (wall time); False for a worker whose lease is over."""
    taken = await tx.value(
        "update refund set undo_refused_at = coalesce(undo_refused_at, :now) "
        "where pool = :pool and refund_id = :refund_id and tries = :tries returning refund_id",
        pool=pool,
        refund_id=refund_id,
        tries=tries,
        now=now,
    )
    return taken is not None


async def may_undo(tx: Reader, pool: str, refund_id: UUID, tries: int) -> bool:
    """Whether a payment may still be undone by this worker: its lease stands, and nobody has given up undoing."""
    found = await tx.value(
        "select 1 from refund where pool = :pool and refund_id = :refund_id and tries = :tries "
        "and undo_refused_at is null",
        pool=pool,
        refund_id=refund_id,
        tries=tries,
    )
    return found is not None


_DUE = f"state in ('submitted', 'processing') and method <> 'treasury' and {TURN}"

# Money that a statement brought to light may stand under the channel's reference with the exception's number behind it.
_OF_CHANNEL = "regexp_replace(submission.reference, '#[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', '')"


async def pool_with_due_refund(tx: Reader, now: datetime, seconds: float, most_seconds: float) -> str | None:
    """The pool whose refund has waited longest to be asked about: after `seconds`, then twice as long each time."""
    pool: str | None = await tx.value(
        f"select pool from refund where {_DUE} order by asked_at limit 1",
        now=now,
        seconds=seconds,
        most_seconds=most_seconds,
    )
    return pool


async def lease_refund(tx: Writer, pool: str, now: datetime, seconds: float, most_seconds: float) -> Row | None:
    """Take such a refund of the pool, with what its channel knows of the payment; it counts as asked from `now` on.

    `other_parts` of the same payment were sent on the same way and not refused, the last of them at `last_part_at`
    (wall time), if no answer to it was asked for since.
    """
    names = ", ".join(f"refund.{name.strip()}" for name in _REFUND.split(","))
    return await tx.row(
        "update refund set asked_at = :now, tries = tries + 1 from collection join submission "
        "on submission.pool = collection.pool and submission.submission_id = collection.submission_id "
        "where refund.pool = :pool and collection.pool = refund.pool "
        "and collection.collection_id = refund.collection_id and refund.refund_id = ("
        f"select refund_id from refund where pool = :pool and {_DUE} order by asked_at limit 1 for update skip locked) "
        f"returning {names}, submission.channel, {_OF_CHANNEL} as payment_reference, "
        "collection.amount_fen as paid_fen, collection.paid_at, "
        "(select count(*) from refund as other where other.pool = :pool "
        "and other.collection_id = refund.collection_id and other.refund_id <> refund.refund_id "
        "and other.method = refund.method and other.state <> 'failed' and other.tries > 0) as other_parts, "
        "(select max(other.asked_at) from refund as other where other.pool = :pool "
        "and other.collection_id = refund.collection_id and other.refund_id <> refund.refund_id "
        "and other.method = refund.method and other.tries = 1) as last_part_at",
        pool=pool,
        now=now,
        seconds=seconds,
        most_seconds=most_seconds,
    )
