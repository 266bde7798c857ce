"""What the resolutions of a break do, in the transaction of their approval. Everything goes through `settle`, `reverse`
and `clear`; the line of the statement is the evidence of what is booked."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID

from shared.clock import SHANGHAI
from shared.codes import Channel
from shared.database import Row, Writer

from .. import rules as money
from ..rules import reconciling as rules
from ..rules.bank import JOURNAL_TRANSITIONS, Step
from ..rules.orders import wechat_book
from ..rules.reconciling import BreakKind, Resolution
from ..rules.tax import NOT_NAMED, receipt_book
from ..store import bank as bank_store
from ..store import breaks as break_store
from ..store import matching as store
from ..store import orders as order_store
from ..store import settling as settling_store
from ..store import shifts as shift_store
from ..store import statements as statement_store
from ..store import withholding as withholding_store
from .bank_messages import standing_of
from .cashier import book
from .clearing import clear, held_by
from .concluding import cashiers
from .finding import Found, Subject, find
from .posting import transfer
from .reversing import reverse
from .settling import Payment, settle
from .statements import text_of_line, too_late
from .suite import Payments
from .unionpay import CHANNEL as UNIONPAY
from .withholding_breaks import book_after_all


async def resolve(
    service: Payments, tx: Writer, row: Row, resolution: Resolution, approved_by: str, now: datetime
) -> UUID | None:
    """Do what was proposed about a locked break; the collection that was booked, if one was.

    Raises Problem RESOLUTION_NOT_POSSIBLE where our books have changed since, NOT_REVERSIBLE.
    """
    if resolution is Resolution.IGNORE:
        return None
    if row["row_no"] is None and resolution is Resolution.BOOK:
        after_all: UUID = (await book_after_all(tx, row, approved_by, now))["collection_id"]
        return after_all
    found = await _found(service, tx, row)
    # Lines of withholding before bills, as where the bank's files are taken.
    concerned = [*(subject.id for subject in found.subjects), *found.taken_back]
    await withholding_store.lock_lines_of(tx, row["pool"], concerned)
    if resolution is not Resolution.CONFIRM:
        _require_unchanged(service, row, found)
    if resolution is Resolution.REVERSE:
        if not await _take_back(tx, _standing(row, found), _reason(row), now):
            raise too_late(row, resolution)  # the channel itself took it back at this very moment
        await _require_missing(tx, row)
        return None
    if resolution is Resolution.CONFIRM:
        await _confirm(tx, row, found, now)
        return None
    corrected: Mapping[str, Any] | None = None
    if resolution is Resolution.CORRECT:
        taken = await _take_back(tx, _standing(row, found), _reason(row), now)
        if len(taken) != 1:
            raise too_late(row, resolution)
        corrected = taken[0]
    booked = await _book(service, tx, row, found, corrected, approved_by, now)
    if booked["amount_fen"] != row["line_fen"] or booked.get("reversed_at"):
        raise too_late(row, resolution)  # the channel's own message came at this very moment and says otherwise
    about = Subject("collection", row["pool"], booked["collection_id"], booked["amount_fen"])
    gone = [*found.taken_back, *([corrected["collection_id"]] if corrected else [])]
    await withholding_store.follow(tx, row["pool"], gone, booked)
    await break_store.supersede_withheld(tx, row["pool"], dict.fromkeys(gone, (None, None)))
    await _match(tx, row, [about])
    await clear(tx, row, now)
    return about.id


async def _found(service: Payments, tx: Writer, row: Row) -> Found:
    """What the break's row stands for by now; of a break without a row, the collection that it is about."""
    if row["row_no"] is None:
        subject = Subject("collection", row["pool"], row["collection_id"], row["our_fen"])
        return Found(rules.Line(rules.LineKind.PAYMENT, rules.LineStatus.UNKNOWN, None), subjects=(subject,))
    statement = await statement_store.lock_statement(tx, row["pool"], row["statement_id"], wait=True)
    line = await statement_store.find_row(tx, row["pool"], row["statement_id"], row["row_no"])
    assert statement is not None
    assert line is not None
    return (await find(tx, statement, [line], service.settings.statement_window_days))[row["row_no"]]


def _require_unchanged(service: Payments, row: Row, found: Found) -> None:
    """What was proposed answers what the row came to then; money that has come since is not booked a second time.

    The job sees that, too, but once a day. Raises Problem RESOLUTION_NOT_POSSIBLE.
    """
    if row["row_no"] is None:
        return
    result = rules.judge(
        found.line,
        found.siblings,
        found.ours,
        window_open=False,
        window_days=service.settings.statement_window_days,
    )
    come = result is rules.Result.UNKNOWN and found.ours is not None and found.ours.live
    if result.code_name != row["kind"] or come:
        raise too_late(row, row["resolution"])


async def _require_missing(tx: Writer, row: Row) -> None:
    """Money that stood on no statement stands on none now. Asked under the lock that taking it back has taken, so that
    whoever matches it just now is waited for. Raises Problem RESOLUTION_NOT_POSSIBLE."""
    if row["row_no"] is None and await store.standing(tx, row["pool"], "collection", [row["collection_id"]]):
        raise too_late(row, row["resolution"])


def _standing(row: Row, found: Found) -> Sequence[Subject]:
    subjects = [subject for subject in found.subjects if subject.kind == "collection"]
    if not subjects:
        raise too_late(row, row["resolution"])
    return subjects


async def _take_back(tx: Writer, subjects: Sequence[Subject], reason: str, now: datetime) -> list[Mapping[str, Any]]:
    """Reverse collections; those that were not reversed before. What a closed shift has handed over comes back, too."""
    by_pool: dict[str, list[UUID]] = defaultdict(list)
    for subject in subjects:
        by_pool[subject.pool].append(subject.id)
    taken = []
    for pool in sorted(by_pool):
        # The journal before the bill, as where the bank itself takes money back. None: the bank never told of it.
        entries = {id_: await bank_store.lock_booked(tx, pool, id_) for id_ in sorted(by_pool[pool])}
        fresh = await reverse(tx, pool, by_pool[pool], reason, now)
        for collection in fresh:
            if collection["shift_id"]:
                await _give_back(tx, collection, now)
            if entry := entries[collection["collection_id"]]:
                await _note_in_journal(tx, entry)
        taken += fresh
    return taken


async def _give_back(tx: Writer, collection: Mapping[str, Any], now: datetime) -> None:
    """A closed shift has handed over what is taken back now: the special account makes it up for the shift."""
    shift = await shift_store.share_shift(tx, collection["pool"], collection["shift_id"])
    if shift is None or shift["status"] == money.ShiftStatus.OPEN:
        return  # it will hand over less
    held = money.held_account(str(collection["shift_id"]))
    about, amount_fen = {**collection, "scheme": None}, collection["amount_fen"]
    posting = transfer(
        about, "hand_over_reversed", held, money.SPECIAL_ACCOUNT, amount_fen, collection["collection_id"], now
    )
    await settling_store.insert_transfers(tx, [posting])


async def _note_in_journal(tx: Writer, entry: Row) -> None:
    """The bank's journal says where a payment stands; what we take back is not booked any more."""
    after = JOURNAL_TRANSITIONS[standing_of(entry), Step.CORRECTED]
    await bank_store.put(tx, entry["pool"], entry["journal_id"], after)


async def _confirm(tx: Writer, row: Row, found: Found, now: datetime) -> None:
    """The row stands for what we have after all."""
    free = found.ours is not None and found.ours.live and not found.ours.elsewhere
    same = free and found.ours is not None and found.ours.amount_fen == found.line.amount_fen
    if not free or not (same or row["kind"] == BreakKind.AMOUNT_DIFFERS):
        raise too_late(row, row["resolution"])
    for pool in {subject.pool for subject in found.subjects if subject.kind == "collection"}:
        ids = [subject.id for subject in found.subjects if subject.pool == pool]
        if any(each["reversed_at"] for each in (await store.share_collections(tx, pool, ids)).values()):
            raise too_late(row, row["resolution"])
    await _match(tx, row, found.subjects)
    await clear(tx, row, now)


async def _match(tx: Writer, row: Row, subjects: Sequence[Subject]) -> None:
    rows = [
        {
            "pool": row["pool"],
            "subject_kind": subject.kind,
            "subject_pool": subject.pool,
            "subject_id": subject.id,
            "statement_id": row["statement_id"],
            "row_no": row["row_no"],
            "amount_fen": subject.amount_fen,
        }
        for subject in subjects
    ]
    if await store.insert_matches(tx, rows) != len(rows):
        raise too_late(row, row["resolution"])


async def _book(
    service: Payments,
    tx: Writer,
    row: Row,
    found: Found,
    corrected: Mapping[str, Any] | None,
    approved_by: str,
    now: datetime,
) -> Mapping[str, Any]:
    """Book the money of a row, under the channel's own reference where nothing stands under it yet."""
    pool, channel = row["pool"], Channel(row["channel"])
    named_by = {Channel.WECHAT: Channel.WECHAT, Channel.BANK: UNIONPAY}.get(channel)
    order = await order_store.find_order(tx, pool, row["order_no"] or "") if named_by else None
    order = order if order and order["channel"] == named_by else None
    is_first = found.ours is None and corrected is None
    cashier = cashiers(service).get(order["channel"]) if order else None
    if cashier is not None and order is not None and is_first and row["bill_no"] is None:
        came = cashier.told_by_statement(order, row["reference"], row["line_fen"], _paid_at(row))
        booked, _ = await book(tx, pool, order, came, now)
        return booked
    named = (order and order["bill_no"]) or row["order_no"] or row["reference"]
    payment = Payment(
        channel=channel,
        method=corrected["method"] if corrected else channel,
        reference=row["reference"] if is_first else f"{row['reference']}#{row['break_id']}",
        bill_no=row["bill_no"] or (corrected["bill_no"] if corrected else named),
        amount_fen=row["line_fen"],
        paid_at=corrected["paid_at"] if corrected else _paid_at(row),
        payer_name=(corrected or order or {}).get("payer_name") or row["payer_name"] or NOT_NAMED,
        payer_id=(corrected or order or {}).get("payer_id"),
        region=corrected["region"] if corrected else pool,
        book_code=_BOOKS[channel].format(pool=pool, institution=row["institution"]),
        taken_by=approved_by,
        shift_id=None,
        held_account=held_by(channel, row["institution"]),
        message={
            "statement_id": str(row["statement_id"]),
            "row_no": row["row_no"],
            "exception_id": str(row["break_id"]),
            "text": text_of_line(service, row["statement_id"], row),
        },
    )
    [booked] = await settle(tx, pool, [payment], now)
    return booked


def _paid_at(row: Row) -> datetime:
    at: datetime = row["paid_at"] or datetime.combine(row["day"], time(), SHANGHAI)
    return at


def _reason(row: Row) -> str:
    return f"exception/{row['break_id']}"


_BOOKS: Mapping[Channel, str] = {
    Channel.WECHAT: wechat_book("{pool}"),
    Channel.ETAX: receipt_book("{pool}"),
    Channel.BANK: "YH{institution}",
    Channel.COUNTER: "POS{pool}",
}
"""The receipt book of money that a statement brought to light."""
