"""Fiscal numbers (票据领用核销): segments that units are given, the stock report, the nightly proof.

electronic   a book gets its next segment by itself, when it has used a number that none covers
paper        an officer hands out a segment of printed forms before it is used; a second person writes it off
"""

import contextlib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from shared.clock import SHANGHAI, business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.jobs import in_turn
from shared.money import yuan
from shared.pages import LIMIT, page
from shared.sheets import write_sheet
from shared.tokens import Caller
from shared.versions import require_version

from ..rules import receipts as rules
from ..schemas import ledger_problems, receipt_problems
from ..schemas import receipts as wire
from ..store import stock as store
from .suite import Payments

JOB = "payments"
_BATCH = 100


async def number_books(service: Payments) -> bool:
    """Give electronic books the fiscal numbers that their receipts wait for; whether any did."""
    async with service.database.reading() as tx:
        books = await store.books_without_numbers(tx, _BATCH)

    async def number(book: Row) -> bool:
        await number_book(service, book["pool"], book["book_code"])
        return True

    return await in_turn(books, number)


async def number_book(service: Payments, pool: str, book_code: str) -> None:
    """Give a book segments for what it has used beyond those it has, of receipts and of red ones. Again: nothing."""
    async with service.database.writing() as tx:
        book = await store.lock_book(tx, pool, book_code)
        if book is None:
            return
        for series in rules.Series:
            used, covered = book[series.value], book[f"{series.value}_covered"]
            if used > covered:
                await _hand_out(service, tx, pool, book_code, series, covered + 1, used)


async def _hand_out(
    service: Payments, tx: Writer, pool: str, book_code: str, series: rules.Series, first: int, used: int
) -> None:
    form = service.settings.receipts.form(pool)
    now = service.clock.now()
    code = rules.fiscal_code(form.region, form.kind, business_day(now).year)
    last = used + form.segment_size - 1
    first_fiscal = await store.take_fiscal_numbers(tx, code, last - first + 1)
    row = _segment(pool, book_code, series, rules.Medium.ELECTRONIC, code, first_fiscal, first, last, JOB, now)
    await store.insert_segment(tx, row)


async def hand_out_segment(service: Payments, caller: Caller, once: Once, order: wire.SegmentOrder) -> Answer:
    """Give a unit's book a segment of printed forms; it comes after the forms that the unit still has.

    Raises Problem AREA_FORBIDDEN, SEGMENT_TAKEN.
    """
    caller.require_pool(order.pool)
    first = int(order.first_number)
    last = first + order.count - 1

    async def work(tx: Writer) -> Answer:
        await store.open_book(tx, order.pool, order.book_code)
        await store.lock_book(tx, order.pool, order.book_code)
        fits = first > 0 and last <= rules.MOST_FISCAL_NUMBER
        if not fits or not await store.claim_fiscal_numbers(tx, order.fiscal_code, first, last):
            raise receipt_problems.SEGMENT_TAKEN(code=order.fiscal_code, first=order.first_number, last=f"{last:010d}")
        # From here it must succeed.
        await store.cut_electronic(tx, order.pool, order.book_code)
        book = await store.lock_book(tx, order.pool, order.book_code)
        assert book is not None
        number = max(book["ordinary"], book["ordinary_covered"]) + 1
        now = service.clock.now()
        row = _segment(
            order.pool,
            order.book_code,
            rules.Series.ORDINARY,
            rules.Medium.PAPER,
            order.fiscal_code,
            first,
            number,
            number + order.count - 1,
            caller.subject,
            now,
        )
        await store.insert_segment(tx, row)
        detail = {"segment_id": str(row["segment_id"]), "book_code": order.book_code, "count": order.count}
        tx.audit(order.pool, "receipt_segment.handed_out", caller.client_id, caller.subject, now, [], detail)
        return Answer(201, _told(await store.find_segment(tx, order.pool, row["segment_id"])))

    return await once.run(service.database, order.pool, work)


async def write_off_segment(
    service: Payments, caller: Caller, once: Once, segment_id: UUID, version: int, order: wire.SegmentClosing
) -> Answer:
    """Account for a segment whole, all of whose numbers are used and known of; never by who handed it out.

    Raises Problem SEGMENT_UNKNOWN, AREA_FORBIDDEN, VERSION_DIFFERS, SEGMENT_WRITTEN_OFF, FOUR_EYES, SEGMENT_IN_USE.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        row = await store.lock_segment(tx, order.pool, segment_id)
        if row is None:
            raise receipt_problems.SEGMENT_UNKNOWN(segment_id=segment_id)
        require_version(row["version"], version)
        state = rules.SEGMENT_TRANSITIONS.get((rules.SegmentState(row["state"]), rules.SegmentAct.WRITE_OFF))
        if state is None:
            raise receipt_problems.SEGMENT_WRITTEN_OFF(segment_id=segment_id)
        if caller.subject == row["handed_out_by"]:
            raise ledger_problems.FOUR_EYES(subject=caller.subject)
        shown = _shown(row)
        left, outstanding = shown["left_count"], shown["outstanding_count"]
        if left or outstanding:
            raise receipt_problems.SEGMENT_IN_USE(left=left, outstanding=outstanding)
        # From here it must succeed.
        now = service.clock.now()
        await store.write_off(tx, order.pool, segment_id, state, caller.subject, now)
        detail = {name: shown[name] for name in ("book_code", "first_number", "last_number", "voided_count")}
        tx.audit(order.pool, "receipt_segment.written_off", caller.client_id, caller.subject, now, [], detail)
        return Answer(200, _told(await store.find_segment(tx, order.pool, segment_id)))

    return await once.run(service.database, order.pool, work)


async def list_segments(
    service: Payments, caller: Caller, pool: str, *, after: UUID | None, limit: int, book_code: str | None
) -> dict[str, Any]:
    """The stock report: every segment and what became of its numbers. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_segments(tx, pool, after=after, limit=limit, book_code=book_code)
    return page([_shown(row) for row in rows], limit, lambda row: row["segment_id"])


async def read_segment(service: Payments, caller: Caller, pool: str, segment_id: UUID) -> dict[str, Any]:
    """One segment. Raises Problem SEGMENT_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        row = await store.find_segment(tx, pool, segment_id)
    if row is None:
        raise receipt_problems.SEGMENT_UNKNOWN(segment_id=segment_id)
    return _shown(row)


async def export_segments(service: Payments, caller: Caller, pool: str, book_code: str | None) -> bytes:
    """The stock report as an XLSX for the finance department (票据核销表), by book. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    found: list[dict[str, Any]] = []
    async with service.database.reading() as tx:
        after: UUID | None = None
        while True:
            rows = await store.list_segments(tx, pool, after=after, limit=LIMIT, book_code=book_code)
            found += [_shown(row) for row in rows[:LIMIT]]
            if len(rows) <= LIMIT:
                break
            after = rows[LIMIT - 1]["segment_id"]
    found.sort(key=lambda row: (row["book_code"], row["series"], row["segment_id"]))
    return write_sheet("xlsx", list(_COLUMNS), [[_cell(row, name) for name in _COLUMNS.values()] for row in found])


async def prove_books(service: Payments) -> bool:
    """Prove a day of a pool that has ended: no number is missing, none stands twice; whether there was one to do."""
    now = service.clock.now()
    today = business_day(now - timedelta(hours=service.settings.receipts.prove_after_hours))
    async with service.database.reading() as tx:
        due = await store.day_to_prove(tx, today)
    if due is None:
        return False
    until = datetime.combine(due["day"] + timedelta(days=1), time(), SHANGHAI)
    async with service.database.writing() as tx:
        await store.prove_day(tx, due["pool"], due["day"], until, now)
    return True


async def list_proofs(
    service: Payments, caller: Caller, pool: str, *, after: str, limit: int, book_code: str | None
) -> dict[str, Any]:
    """Proofs by day and book. A cursor that is none begins anew. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    day, _, book = after.partition("/")
    start: tuple[date, str] | None = None
    with contextlib.suppress(ValueError):
        start = (date.fromisoformat(day), book)
    async with service.database.reading() as tx:
        rows = await store.list_proofs(tx, pool, after=start, limit=limit, book_code=book_code)
    return page(rows, limit, lambda row: f"{row['day']}/{row['book_code']}")


def _segment(
    pool: str,
    book_code: str,
    series: rules.Series,
    medium: rules.Medium,
    code: str,
    first_fiscal: int,
    first: int,
    last: int,
    by: str,
    at: datetime,
) -> dict[str, Any]:
    return {
        "pool": pool,
        "segment_id": new_id(),
        "book_code": book_code,
        "series": series,
        "medium": medium,
        "code": code,
        "first_fiscal": first_fiscal,
        "first_number": first,
        "last_number": last,
        "state": rules.SEGMENT_TRANSITIONS[None, rules.SegmentAct.HAND_OUT],
        "handed_out_by": by,
        "handed_out_at": at,
        "version": 1,
    }


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    def fiscal(number: int | None) -> str | None:
        return None if number is None else f"{row['first_fiscal'] + number - row['first_number']:010d}"

    received = row["last_number"] - row["first_number"] + 1
    return {
        **{name: row[name] for name in _SAME},
        "fiscal_code": row["code"],
        "first_number": fiscal(row["first_number"]),
        "last_number": fiscal(row["last_number"]),
        "received_count": received,
        "voided_count": row["void_count"] + row["unissued_count"],
        "outstanding_count": row["taken_count"] - row["used_count"] - row["unissued_count"],
        "left_count": received - row["taken_count"],
        "used_first": fiscal(row["used_first"]),
        "used_last": fiscal(row["used_last"]),
    }


def _told(row: Row | None) -> dict[str, Any]:
    assert row is not None
    return wire.Segment.model_validate(_shown(row)).model_dump(mode="json")


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if name == "issued_fen":
        return yuan(value)
    return _WORDS.get(str(value), "" if value is None else str(value))


_SAME = (
    *("pool", "segment_id", "book_code", "series", "medium", "used_count", "offset_count", "issued_fen", "state"),
    *("handed_out_by", "handed_out_at", "written_off_by", "written_off_at", "version"),
)
_COLUMNS = {
    "领用单位（票据簿）": "book_code",
    "票种": "series",
    "介质": "medium",
    "票据代码": "fiscal_code",
    "起号": "first_number",
    "止号": "last_number",
    "领用份数": "received_count",
    "使用份数": "used_count",
    "使用起号": "used_first",
    "使用止号": "used_last",
    "作废份数": "voided_count",
    "冲红份数": "offset_count",
    "代办未交回份数": "outstanding_count",
    "结存份数": "left_count",
    "有效金额（元）": "issued_fen",
    "领用日期": "handed_out_at",
    "发放人": "handed_out_by",
    "核销状态": "state",
    "核销人": "written_off_by",
    "核销日期": "written_off_at",
}
_WORDS = {
    "ordinary": "正票",
    "red": "红票",
    "paper": "纸质",
    "electronic": "电子",
    "handed_out": "在用",
    "written_off": "已核销",
}
