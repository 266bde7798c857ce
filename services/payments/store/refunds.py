"""SQL about collections, receipts and money paid back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import refund
from .settling import COLLECTION

_REFUND = (
    "pool, refund_id, application_id, collection_id, shift_id, scheme, method, amount_fen, paid_to, paid_by, settled_at"
)
_RECEIPT = (
    "pool, receipt_no, book_code, number, collection_id, bill_no, person_id, payer_name, amount_fen, issued_at, "
    "issued_by, voided_at, void_reason"
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


async def add_refunded(tx: Writer, pool: str, collection_id: UUID, amount_fen: int) -> None:
    """Raise what a locked collection has paid back; the table refuses more than was paid."""
    await tx.execute(
        "update collection set refunded_fen = refunded_fen + :amount_fen, version = version + 1 "
        "where pool = :pool and collection_id = :collection_id",
        pool=pool,
        collection_id=collection_id,
        amount_fen=amount_fen,
    )


async def find_refund(tx: Reader, pool: str, refund_id: UUID) -> Row | None:
    """One refund."""
    return await tx.row(
        f"select {_REFUND} from refund where pool = :pool and refund_id = :refund_id", pool=pool, refund_id=refund_id
    )


async def insert_refund(tx: Writer, row: Mapping[str, Any]) -> None:
    """Book money paid back."""
    await tx.insert(refund, [row])


async def void_receipts(tx: Writer, pool: str, collection_ids: Sequence[UUID], at: datetime, reason: str) -> None:
    """Void the receipts of collections; they stay where they are."""
    await tx.execute(
        "update receipt set voided_at = :at, void_reason = :reason "
        "where pool = :pool and collection_id = any(cast(:ids as uuid[])) and voided_at is null",
        pool=pool,
        ids=list(collection_ids),
        at=at,
        reason=reason,
    )


async def find_receipt(tx: Reader, pool: str, receipt_no: str) -> Row | None:
    """One receipt, with the region of its collection."""
    return await tx.row(
        f"select {', '.join(f'receipt.{name.strip()}' for name in _RECEIPT.split(','))}, collection.region "
        "from receipt join collection on collection.pool = receipt.pool "
        "and collection.collection_id = receipt.collection_id "
        "where receipt.pool = :pool and receipt_no = :receipt_no",
        pool=pool,
        receipt_no=receipt_no,
    )
