"""SQL about receipts: reading them with their fiscal numbers, cancelling, red receipts, replacing a misprinted one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import receipt, receipt_cancellation, red_receipt

_OWN = (
    "pool, receipt_no, book_code, number, collection_id, bill_no, person_id, payer_name, amount_fen, issued_at, "
    "issued_by, state, voided_at, void_reason"
)

# A receipt with all that is known of it: one row through unique keys, whatever the book's length.
_RECEIPT = f"""
    select {", ".join(f"receipt.{name.strip()}" for name in _OWN.split(","))},
        collection.region, collection.channel, collection.method, collection.paid_at,
        bill.scheme, bill.unit_code, bill.name_masked,
        segment.code, segment.medium, segment.first_fiscal + receipt.number - segment.first_number as fiscal_number,
        red.receipt_no as red_receipt_no, red.issued_at as red_issued_at, red.reason as red_reason,
        red_segment.code as red_code,
        red_segment.first_fiscal + red.number - red_segment.first_number as red_fiscal_number,
        earlier.receipt_no as replaces, later.receipt_no as replaced_by
    from receipt
    join collection on collection.pool = receipt.pool and collection.collection_id = receipt.collection_id
    left join bill on bill.pool = receipt.pool and bill.bill_no = receipt.bill_no
    left join receipt_segment as segment on segment.pool = receipt.pool and segment.book_code = receipt.book_code
        and segment.series = 'ordinary' and receipt.number between segment.first_number and segment.last_number
    left join red_receipt as red on red.pool = receipt.pool and red.book_code = receipt.book_code
        and red.original_number = receipt.number
    left join receipt_segment as red_segment on red_segment.pool = red.pool and red_segment.book_code = red.book_code
        and red_segment.series = 'red' and red.number between red_segment.first_number and red_segment.last_number
    left join receipt as earlier on earlier.pool = receipt.pool and earlier.book_code = receipt.book_code
        and earlier.number = receipt.replaces
    left join receipt as later on later.pool = receipt.pool and later.book_code = receipt.book_code
        and later.replaces = receipt.number
"""


async def find_receipt(tx: Reader, pool: str, receipt_no: str) -> Row | None:
    """One receipt, by its own number or by that of the red receipt that offsets it."""
    found = await tx.row(
        f"{_RECEIPT} where receipt.pool = :pool and receipt.receipt_no = :receipt_no", pool=pool, receipt_no=receipt_no
    )
    return found or await tx.row(
        f"{_RECEIPT} where receipt.pool = :pool and red.pool = :pool and red.receipt_no = :receipt_no",
        pool=pool,
        receipt_no=receipt_no,
    )


async def find_by_fiscal_number(tx: Reader, code: str, number: int) -> Row | None:
    """The receipt of a fiscal number, over all pools; a red receipt's number leads to the one that it offsets."""
    place = await tx.row(
        "select pool, book_code, series, first_number + :number - first_fiscal as number from receipt_segment "
        "where code = :code and first_fiscal <= :number and :number - first_fiscal <= last_number - first_number "
        "order by first_fiscal desc limit 1",
        code=code,
        number=number,
    )
    of_red = place is not None and place["series"] == "red"
    return await tx.row(
        f"{_RECEIPT} where receipt.pool = :pool and receipt.book_code = :book_code "
        f"and {'red.number' if of_red else 'receipt.number'} = :number",
        pool=place["pool"] if place else "",
        book_code=place["book_code"] if place else "",
        number=place["number"] if place else 0,
    )


async def list_receipts(tx: Reader, pool: str, book_code: str, *, red: bool, after: int, limit: int) -> Sequence[Row]:
    """The receipts of a book in the order of their numbers; `red`: those that are offset, by their red numbers."""
    number = "red.number" if red else "receipt.number"
    return await tx.rows(
        f"{_RECEIPT} where receipt.pool = :pool and receipt.book_code = :book_code and {number} > :after "
        f"order by {number} limit :limit",
        pool=pool,
        book_code=book_code,
        after=after,
        limit=limit,
    )


async def lock_valid(tx: Writer, pool: str, collection_ids: Sequence[UUID]) -> Sequence[Row]:
    """The receipts of collections that still count, locked in the order of their numbers, each with its medium."""
    return await tx.rows(
        "select receipt.pool, receipt.book_code, receipt.number, receipt.amount_fen, receipt.state, segment.medium "
        "from receipt left join receipt_segment as segment on segment.pool = receipt.pool "
        "and segment.book_code = receipt.book_code and segment.series = 'ordinary' "
        "and receipt.number between segment.first_number and segment.last_number "
        "where receipt.pool = :pool and receipt.collection_id = any(cast(:ids as uuid[])) "
        "and receipt.state = 'issued' order by receipt.book_code, receipt.number for update of receipt",
        pool=pool,
        ids=list(collection_ids),
    )


async def mark_cancelled(
    tx: Writer, pool: str, rows: Sequence[tuple[str, int, str]], at: datetime, reason: str
) -> None:
    """Set locked receipts (book, number, state) to a state in which they do not count; they stay where they are."""
    await tx.execute(
        "update receipt set state = becomes.state, voided_at = :at, void_reason = :reason from unnest("
        "cast(:books as text[]), cast(:numbers as bigint[]), cast(:states as text[])) "
        "as becomes (book_code, number, state) where receipt.pool = :pool "
        "and receipt.book_code = becomes.book_code and receipt.number = becomes.number",
        pool=pool,
        books=[book_code for book_code, _, _ in rows],
        numbers=[number for _, number, _ in rows],
        states=[state for _, _, state in rows],
        at=at,
        reason=reason,
    )


async def take_red_numbers(tx: Writer, pool: str, wanted: Mapping[str, int]) -> dict[str, int]:
    """Take consecutive numbers of red receipts, books in ascending order; the first number of each."""
    first: dict[str, int] = {}
    for book_code in sorted(wanted):
        last = await tx.value(
            "update receipt_book set last_red_number = last_red_number + :count "
            "where pool = :pool and book_code = :book_code returning last_red_number",
            pool=pool,
            book_code=book_code,
            count=wanted[book_code],
        )
        first[book_code] = last - wanted[book_code] + 1
    return first


async def insert_red(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Issue red receipts."""
    await tx.insert(red_receipt, rows)


async def lock_collection_of(tx: Writer, pool: str, book_code: str, number: int) -> Row:
    """A receipt as it stands in its table, its collection and itself locked."""
    row = await tx.row(
        f"select {', '.join(f'receipt.{name.strip()}' for name in _OWN.split(','))} from receipt "
        "join collection on collection.pool = receipt.pool and collection.collection_id = receipt.collection_id "
        "where receipt.pool = :pool and receipt.book_code = :book_code and receipt.number = :number "
        "for update of collection, receipt",
        pool=pool,
        book_code=book_code,
        number=number,
    )
    assert row is not None
    return row


async def insert_replacement(tx: Writer, row: Mapping[str, Any]) -> None:
    """Issue a receipt instead of a cancelled one; the collection names it from now on."""
    await tx.insert(receipt, [row])
    await tx.execute(
        "update collection set receipt_no = :receipt_no, version = version + 1 "
        "where pool = :pool and collection_id = :collection_id",
        pool=row["pool"],
        collection_id=row["collection_id"],
        receipt_no=row["receipt_no"],
    )


_CANCELLATION = """
    select cancellation.pool, cancellation.cancellation_id, cancellation.region, cancellation.reason,
        cancellation.payer_name, cancellation.state, cancellation.requested_by, cancellation.requested_at,
        cancellation.checked_by, cancellation.checked_at, cancellation.note, cancellation.version,
        cancellation.book_code, cancellation.number, receipt.receipt_no, renewed.receipt_no as new_receipt_no
    from receipt_cancellation as cancellation
    join receipt on receipt.pool = cancellation.pool and receipt.book_code = cancellation.book_code
        and receipt.number = cancellation.number
    left join receipt as renewed on renewed.pool = cancellation.pool and renewed.book_code = cancellation.book_code
        and renewed.number = cancellation.new_number
"""


async def insert_cancellation(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Keep a request; False where the receipt has one that waits."""
    tail = "on conflict (pool, book_code, number) where state = 'requested' do nothing returning cancellation_id"
    return bool(await tx.insert(receipt_cancellation, [row], tail=tail))


async def find_cancellation(tx: Reader, pool: str, cancellation_id: UUID) -> Row | None:
    """One request."""
    return await tx.row(
        f"{_CANCELLATION} where cancellation.pool = :pool and cancellation_id = :cancellation_id",
        pool=pool,
        cancellation_id=cancellation_id,
    )


async def lock_cancellation(tx: Writer, pool: str, cancellation_id: UUID) -> Row | None:
    """One request, locked."""
    return await tx.row(
        f"{_CANCELLATION} where cancellation.pool = :pool and cancellation_id = :cancellation_id "
        "for update of cancellation",
        pool=pool,
        cancellation_id=cancellation_id,
    )


async def list_cancellations(
    tx: Reader, pool: str, area: str, *, after: UUID | None, limit: int, state: str | None
) -> Sequence[Row]:
    """Requests inside an area in the order in which they were made; `limit` + 1 rows."""
    return await tx.rows(
        f"{_CANCELLATION} where cancellation.pool = :pool and starts_with(cancellation.region, :area) "
        "and (cast(:after as uuid) is null or cancellation_id > :after) "
        "and (cast(:wanted as text) is null or cancellation.state = :wanted) order by cancellation_id limit :limit",
        pool=pool,
        area=area,
        after=after,
        limit=limit + 1,
        wanted=state,
    )


async def check_cancellation(tx: Writer, row: Mapping[str, Any]) -> None:
    """Record what the second person did with a locked request."""
    await tx.execute(
        "update receipt_cancellation set state = :state, checked_by = :checked_by, checked_at = :checked_at, "
        "note = :note, new_number = :new_number, version = version + 1 "
        "where pool = :pool and cancellation_id = :cancellation_id",
        **row,
    )
