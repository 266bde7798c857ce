"""SQL about fiscal numbers: segments that books are given, what became of their numbers, and the nightly proof."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import receipt_proof, receipt_segment

STOCK_POOL = "000000"
"""Fiscal numbers are unique over all pools, so they are counted in none."""

_COVERED = (
    "select coalesce(max(last_number), 0) from receipt_segment as segment where segment.pool = {pool} "
    "and segment.book_code = book.book_code and segment.series = '{series}'"
)
_SHORT = (
    f"book.last_number > ({_COVERED.format(series='ordinary', pool='book.pool')}) "
    f"or book.last_red_number > ({_COVERED.format(series='red', pool='book.pool')})"
)


async def books_without_numbers(tx: Reader, limit: int) -> Sequence[Row]:
    """Books that have used a number which no segment covers."""
    return await tx.rows(
        f"select book.pool, book.book_code from receipt_book as book where {_SHORT} order by 1, 2 limit :limit",
        limit=limit,
    )


async def lock_book(tx: Writer, pool: str, book_code: str) -> Row | None:
    """A book, locked: what it has used and what its segments cover, of each series."""
    locked = await tx.row(
        "select last_number from receipt_book where pool = :pool and book_code = :book_code for update",
        pool=pool,
        book_code=book_code,
    )
    # Asked after the lock is held: whoever held it before may have given the book a segment.
    return locked and await tx.row(
        "select last_number as ordinary, last_red_number as red, "
        f"({_COVERED.format(series='ordinary', pool=':pool')}) as ordinary_covered, "
        f"({_COVERED.format(series='red', pool=':pool')}) as red_covered "
        "from receipt_book as book where pool = :pool and book_code = :book_code",
        pool=pool,
        book_code=book_code,
    )


async def open_book(tx: Writer, pool: str, book_code: str) -> None:
    """Make sure that a book exists."""
    await tx.execute(
        "insert into receipt_book (pool, book_code, last_number) values (:pool, :book_code, 0) "
        "on conflict (pool, book_code) do nothing",
        pool=pool,
        book_code=book_code,
    )


async def take_fiscal_numbers(tx: Writer, code: str, count: int) -> int:
    """Take consecutive fiscal numbers of a code; the first of them."""
    last: int = await tx.value(
        "insert into receipt_stock (pool, code, last_number) values (:pool, :code, :count) "
        "on conflict (pool, code) do update set last_number = receipt_stock.last_number + excluded.last_number "
        "returning last_number",
        pool=STOCK_POOL,
        code=code,
        count=count,
    )
    return last - count + 1


async def claim_fiscal_numbers(tx: Writer, code: str, first: int, last: int) -> bool:
    """Take the numbers of printed forms, so that none of them is given out again; False where one of them was."""
    await tx.execute(
        "insert into receipt_stock (pool, code, last_number) values (:pool, :code, :last) on conflict (pool, code) "
        "do update set last_number = greatest(receipt_stock.last_number, excluded.last_number)",
        pool=STOCK_POOL,
        code=code,
        last=last,
    )
    taken = await tx.value(
        "select count(*) from receipt_segment where code = :code and first_fiscal <= :last "
        "and first_fiscal + last_number - first_number >= :first",
        code=code,
        first=first,
        last=last,
    )
    return not taken


async def cut_electronic(tx: Writer, pool: str, book_code: str) -> None:
    """End the electronic segment of a locked book at the last number used, so that printed forms come next."""
    await tx.execute(
        "update receipt_segment as segment set last_number = book.last_number, version = version + 1 "
        "from receipt_book as book where book.pool = :pool and book.book_code = :book_code "
        "and segment.pool = book.pool and segment.book_code = book.book_code and segment.series = 'ordinary' "
        "and segment.medium = 'electronic' and book.last_number between segment.first_number "
        "and segment.last_number - 1",
        pool=pool,
        book_code=book_code,
    )


async def insert_segment(tx: Writer, row: Mapping[str, Any]) -> None:
    """Give a book a segment."""
    await tx.insert(receipt_segment, [row])


# What became of a segment's numbers: those that the book has used, and of these the receipts and the unissued.
_SEGMENT = """
    select segment.pool, segment.segment_id, segment.book_code, segment.series, segment.medium, segment.code,
        segment.first_fiscal, segment.first_number, segment.last_number, segment.state, segment.handed_out_by,
        segment.handed_out_at, segment.written_off_by, segment.written_off_at, segment.version,
        greatest(0, least(segment.last_number, case segment.series when 'red' then book.last_red_number
            else book.last_number end) - segment.first_number + 1) as taken_count,
        seen.used_count, seen.void_count, seen.offset_count, seen.used_first, seen.used_last, seen.issued_fen,
        (select count(*) from receipt_unissued as unissued where unissued.pool = :pool
            and unissued.book_code = segment.book_code and segment.series = 'ordinary'
            and unissued.number between segment.first_number and segment.last_number) as unissued_count
    from receipt_segment as segment
    join receipt_book as book on book.pool = segment.pool and book.book_code = segment.book_code
    cross join lateral (
        select count(*) as used_count, count(*) filter (where state = 'voided') as void_count,
            count(*) filter (where state = 'offset') as offset_count, min(number) as used_first,
            max(number) as used_last,
            cast(coalesce(sum(amount_fen) filter (where state = 'issued'), 0) as bigint) as issued_fen
        from receipt where segment.series = 'ordinary' and receipt.pool = :pool
            and receipt.book_code = segment.book_code
            and receipt.number between segment.first_number and segment.last_number
        having segment.series = 'ordinary'
        union all
        select count(*), 0, 0, min(number), max(number), cast(coalesce(-sum(amount_fen), 0) as bigint)
        from red_receipt as red where segment.series = 'red' and red.pool = :pool
            and red.book_code = segment.book_code
            and red.number between segment.first_number and segment.last_number
        having segment.series = 'red') as seen
"""


async def find_segment(tx: Reader, pool: str, segment_id: UUID) -> Row | None:
    """One segment, and what became of its numbers."""
    return await tx.row(
        f"{_SEGMENT} where segment.pool = :pool and segment.segment_id = :segment_id", pool=pool, segment_id=segment_id
    )


async def lock_segment(tx: Writer, pool: str, segment_id: UUID) -> Row | None:
    """One segment, locked, and what became of its numbers."""
    return await tx.row(
        f"{_SEGMENT} where segment.pool = :pool and segment.segment_id = :segment_id for update of segment",
        pool=pool,
        segment_id=segment_id,
    )


async def list_segments(
    tx: Reader, pool: str, *, after: UUID | None, limit: int, book_code: str | None
) -> Sequence[Row]:
    """Segments in the order in which they were handed out; `limit` + 1 rows."""
    return await tx.rows(
        f"{_SEGMENT} where segment.pool = :pool and (cast(:after as uuid) is null or segment.segment_id > :after) "
        "and (cast(:book_code as text) is null or segment.book_code = :book_code) "
        "order by segment.segment_id limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
        book_code=book_code,
    )


async def write_off(tx: Writer, pool: str, segment_id: UUID, state: str, by: str, at: datetime) -> None:
    """Account for a locked segment whole."""
    await tx.execute(
        "update receipt_segment set state = :state, written_off_by = :by, written_off_at = :at, version = version + 1 "
        "where pool = :pool and segment_id = :segment_id",
        pool=pool,
        segment_id=segment_id,
        state=state,
        by=by,
        at=at,
    )


# Books with receipts that no proof has seen, and the day on which the first of them is due; of one pool or of all.
_DUE = """
    select book.pool, book.book_code, proven.last_number as proven,
        greatest(cast(first.issued_at at time zone 'Asia/Shanghai' as date), proven.day + 1) as day
    from receipt_book as book
    cross join lateral (select coalesce(max(last_number), 0) as last_number, max(day) as day from receipt_proof
        where receipt_proof.pool = {pool} and receipt_proof.book_code = book.book_code) as proven
    cross join lateral (select issued_at from receipt where receipt.pool = {pool}
        and receipt.book_code = book.book_code and receipt.number > proven.last_number order by number limit 1) as first
    where book.last_number > proven.last_number
"""


async def day_to_prove(tx: Reader, before: date) -> Row | None:
    """The pool and the earliest day before `before` on which books have receipts that are not proven."""
    return await tx.row(
        f"select pool, day from ({_DUE.format(pool='book.pool')}) as due where day < :before "
        "order by day, pool limit 1",
        before=before,
    )


async def prove_day(tx: Writer, pool: str, day: date, until: datetime, now: datetime) -> None:
    """Count what became of every number that the due books of a pool used until the end of a day, and keep it.

    A number is a receipt, or one of a block that became none, or still out with an agent; else it is missing. `digest`
    marks numbers, amounts and payments as they are, so that what is edited afterwards shows (`receipt_proof_stands`).
    """
    spans = await tx.rows(
        "select due.book_code, due.proven + 1 as first_number, (select max(receipt.number) from receipt "
        "where receipt.pool = :pool and receipt.book_code = due.book_code and receipt.number > due.proven "
        "and receipt.issued_at < :until) as last_number "
        f"from ({_DUE.format(pool=':pool')} and book.pool = :pool) as due where due.day = :day",
        pool=pool,
        day=day,
        until=until,
    )
    of = {
        "pool": pool,
        "books": [span["book_code"] for span in spans],
        "firsts": [span["first_number"] for span in spans],
        "lasts": [span["last_number"] for span in spans],
    }
    # Fiscal numbers are unique over all pools, so this alone looks into other ones.
    doubled = await tx.rows(_DOUBLED, **of)
    counts = {row["book_code"]: row["count"] for row in doubled}
    proven = await tx.rows(_PROVEN, **of, until=until)
    rows = [
        {**row, "pool": pool, "day": day, "doubled_count": counts.get(row["book_code"], 0), "proven_at": now}
        for row in proven
    ]
    await tx.insert(receipt_proof, rows, tail="on conflict (pool, book_code, day) do nothing")


_SPAN = (
    "unnest(cast(:books as text[]), cast(:firsts as bigint[]), cast(:lasts as bigint[])) "
    "as span (book_code, first_number, last_number)"
)
_DOUBLED = f"""
    with segments as materialized (
        select segment.book_code, segment.segment_id, segment.code, segment.first_fiscal, segment.first_number,
            segment.last_number, span.first_number as span_first, span.last_number as span_last
        from {_SPAN} join receipt_segment as segment on segment.pool = :pool
            and segment.book_code = span.book_code and segment.series = 'ordinary')
    select segments.book_code, count(*) as count
    from segments join receipt_segment as other on other.code = segments.code
        and other.segment_id <> segments.segment_id
    cross join lateral generate_series(greatest(segments.first_number, span_first),
        least(segments.last_number, span_last)) as one (number)
    where segments.first_fiscal + one.number - segments.first_number between other.first_fiscal
        and other.first_fiscal + other.last_number - other.first_number
    group by segments.book_code
"""
_PROVEN = f"""
    with span as (select * from {_SPAN}),
    unissued as (
        select span.book_code, count(*) as count from span join receipt_unissued as other
        on other.pool = :pool and other.book_code = span.book_code
        and other.number between span.first_number and span.last_number group by span.book_code),
    outstanding as (
        select span.book_code, count(*) as count from span join receipt_block as block
        on block.pool = :pool and block.book_code = span.book_code and block.state <> 'written_off'
        cross join lateral generate_series(greatest(block.first_number, span.first_number),
            least(block.last_number, span.last_number)) as one (number)
        where not exists (select 1 from receipt where receipt.pool = :pool
            and receipt.book_code = span.book_code and receipt.number = one.number)
        and not exists (select 1 from receipt_unissued as other where other.pool = :pool
            and other.book_code = span.book_code and other.number = one.number)
        group by span.book_code),
    seen as (
        select span.book_code, count(*) as count, count(*) filter (where receipt.state <> 'issued') as cancelled,
            sum(receipt.amount_fen) as amount_fen, md5(string_agg(
                receipt.number || ':' || receipt.amount_fen || ':' || receipt.collection_id, ','
                order by receipt.number) filter (where receipt.issued_at < :until)) as digest
        from span join receipt on receipt.pool = :pool and receipt.book_code = span.book_code
        and receipt.number between span.first_number and span.last_number group by span.book_code)
    select span.book_code, span.first_number, span.last_number, seen.count as issued_count,
        coalesce(outstanding.count, 0) as outstanding_count, coalesce(unissued.count, 0) as unissued_count,
        span.last_number - span.first_number + 1 - seen.count - coalesce(outstanding.count, 0)
            - coalesce(unissued.count, 0) as missing_count,
        seen.cancelled as cancelled_count, cast(seen.amount_fen as bigint) as amount_fen, seen.digest
    from span join seen using (book_code) left join outstanding using (book_code)
    left join unissued using (book_code)
"""


async def list_proofs(
    tx: Reader, pool: str, *, after: tuple[date, str] | None, limit: int, book_code: str | None
) -> Sequence[Row]:
    """Proofs by day and book; `limit` + 1 rows."""
    return await tx.rows(
        "select pool, book_code, day, first_number, last_number, issued_count, cancelled_count, outstanding_count, "
        "unissued_count, missing_count, doubled_count, amount_fen as issued_fen, digest, proven_at from receipt_proof "
        "where pool = :pool and (cast(:day as date) is null or (day, book_code) > (cast(:day as date), :book)) "
        "and (cast(:book_code as text) is null or book_code = :book_code) order by day, book_code limit :limit",
        pool=pool,
        day=after[0] if after else None,
        book=after[1] if after else "",
        limit=limit + 1,
        book_code=book_code,
    )
