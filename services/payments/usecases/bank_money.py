"""Money that the bank tells of: it took it (pay), or gave it back on the same day (reverse, 冲正).

Both take the row of the payment's serial in the journal, so that one of them is first whatever the line did to their
order: whoever comes second finds what the first one left, and every repetition finds its own first answer.
"""

from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.codes import Channel
from shared.database import Row, Writer
from shared.ids import new_id
from shared.problem import Problem

from ..formats.bank import fen_to_yuan
from ..rules import Outcome
from ..rules import bank as rules
from ..rules.accounts import held_by_bank
from ..rules.bank import Code, Standing, Step
from ..schemas import NOT_REVERSIBLE
from ..schemas.order_problems import BILL_BEING_WITHHELD
from ..store import bank as store
from ..store import bills as bill_store
from .bank_messages import Message, Said, keep_message, repeated, standing_of, told_reversed
from .refusing import fault_of
from .reversing import reverse
from .rivals import Contested, begin_closing, close_rivals, find_rivals
from .settling import Payment, settle
from .suite import Payments

_REASON = "bank_reversal"


async def take_payment(service: Payments, message: Message) -> Said:
    """Book money that the bank has taken, whatever it is: settled, surplus or suspense; a serial once.

    Not booked is a payment whose reversal came before it: the bank has been told that nothing of it stands. Where the
    bank tells of a payment before it takes the money (`amount_must_equal`), what would not settle its bill is refused,
    and a bill that can still be paid through an order has that closed at its channel first.
    """
    said = await _take(service, message)
    if isinstance(said, Contested):
        await close_rivals(service, said)
        said = await _take(service, message, again=True)
    return _said_no(message, Code.BEING_PAID, ()) if isinstance(said, Contested) else said


async def _take(service: Payments, message: Message, *, again: bool = False) -> Said | Contested:
    async with service.database.writing() as tx:
        evidence_id = await keep_message(tx, service, message)
        begun = _row(message, Step.PAYMENT_CAME, evidence_id) | _content(message)
        if await store.claim(tx, begun):
            if message.bank.amount_must_equal and (refused := await _refused(service, tx, message, again=again)):
                # Its serial stays free and its result is not known: nothing of it is on the journal.
                await store.unclaim(tx, begun)
                return refused
            return await _book(tx, message, begun["journal_id"])
        row = await _lock(tx, message)
        standing = standing_of(row)
        if standing is Standing.AWAITED:
            return await _forestall(tx, message, row, evidence_id)
        said = repeated(message, row)
        # After its reversal a late repetition must not hear that the money is booked.
        return told_reversed(row["bill_no"]) if standing.void and said.code is Code.ACCEPTED else said


async def take_reversal(service: Payments, message: Message) -> Said:
    """Undo a payment of the same accounting day; before the payment has come, see to it that it is not booked."""
    async with service.database.writing() as tx:
        evidence_id = await keep_message(tx, service, message)
        asked = message.body
        begun = _row(message, Step.REVERSAL_CAME, evidence_id) | {
            "original_date": asked.original_date,
            "original_seq": asked.original_seq,
            "content_hash": message.content_hash,
        }
        if not await store.claim(tx, begun):
            return repeated(message, await _lock(tx, message))
        original = await store.lock_serial(tx, *_original(message))
        if original is None and _same_day(message, original):
            original = await _await_original(tx, message, evidence_id)
        known = None if original is None else rules.Original(standing_of(original), original["amount_fen"])
        refused = rules.reversal_refusal(known, asked.pay_amount, same_day=_same_day(message, original))
        if refused or original is None:
            return await _conclude(tx, begun, Step.REFUSED, Said(refused or Code.DAY_OVER, {}))
        if standing_of(original).given_back:
            return await _conclude_again(tx, message, begun, original)
        return await _undo(tx, message, begun, original)


async def _refused(service: Payments, tx: Writer, message: Message, *, again: bool) -> Said | Contested | None:
    """Why a bank may not take money that it asks to take: what would not settle the bill, which is locked by this."""
    asked = message.body
    if message.pool is None:
        return Said(Code.COMPANY_UNKNOWN, {})
    if not again and message.bank.payments.wait_seconds(asked.bill_no, monotonic()):
        return Said(Code.TOO_OFTEN, {})
    if not asked.bill_no.startswith(message.pool):
        return _said_no(message, Code.WRONG_PLACE, rules.WRONG_PLACE_RULES)
    bill = (await bill_store.lock_bills(tx, message.pool, [asked.bill_no])).get(asked.bill_no)
    day = business_day(_paid_at(message))
    fault = fault_of(bill, asked.pay_amount, day, "/bill_no", scheme=asked.scheme or None)
    if fault:
        return _said_no(message, Code(fault.error.code), fault.rules)
    rival = (await find_rivals(service, tx, message.pool, [asked.bill_no])).get(asked.bill_no)
    if isinstance(rival, Contested):
        await begin_closing(tx, rival)
    if not isinstance(rival, Problem):
        return rival
    code = Code.BEING_WITHHELD if rival.kind is BILL_BEING_WITHHELD else Code.BEING_PAID
    said = _said_no(message, code, ())
    return Said(code, {**said.body, "detail": rival.details[0]})


def _said_no(message: Message, code: Code, behind: Sequence[str]) -> Said:
    return Said(code, {"bill_no": message.body.bill_no, "rules": list(behind)})


async def _book(tx: Writer, message: Message, journal_id: UUID) -> Said:
    [collection] = await settle(tx, message.books, [_payment(message)], message.now)
    settled = collection["outcome"] == Outcome.SETTLED
    standing = rules.JOURNAL_TRANSITIONS[Standing.RECEIVED, Step.SETTLED if settled else Step.NOT_SETTLED]
    said = Said(
        Code.ACCEPTED,
        {
            "outcome": collection["outcome"],
            "reason": collection["reason"] or "",
            "receipt_no": collection["receipt_no"] or "",
            "bill_no": message.body.bill_no,
            "pay_amount": fen_to_yuan(message.body.pay_amount),
            "biller_seq": str(collection["collection_id"]),
        },
    )
    booked = {"collection_id": collection["collection_id"], "answer": said.kept()}
    await store.put(tx, message.books, journal_id, standing, **booked)
    return said


async def _forestall(tx: Writer, message: Message, row: Row, evidence_id: UUID) -> Said:
    """The payment of a reversal that came first: it is put on record and not booked."""
    said = told_reversed(message.body.bill_no)
    content = _content(message) | {"evidence_id": evidence_id, "received_at": message.now, "answer": said.kept()}
    after = rules.JOURNAL_TRANSITIONS[Standing.AWAITED, Step.PAYMENT_CAME]
    await store.put(tx, message.books, row["journal_id"], after, **content)
    waiting = await store.reversal_of(
        tx, message.books, message.bank.institution, message.head.trans_date, message.head.trans_seq
    )
    assert waiting is not None
    after = rules.JOURNAL_TRANSITIONS[standing_of(waiting), Step.ORIGINAL_CAME]
    await store.put(tx, message.books, waiting["journal_id"], after)
    return said


async def _await_original(tx: Writer, message: Message, evidence_id: UUID) -> Row:
    """Take the serial of a payment that has not come yet; where it has come this very moment, the payment's row."""
    asked = message.body
    placeholder = _row(message, Step.REVERSAL_CAME_FIRST, evidence_id) | {
        "bank_date": asked.original_date,
        "bank_seq": asked.original_seq,
        "answer": told_reversed(None).kept(),
    }
    await store.claim(tx, placeholder)
    row = await store.lock_serial(tx, *_original(message))
    assert row is not None
    return row


async def _undo(tx: Writer, message: Message, begun: dict[str, Any], original: Row) -> Said:
    """Take back what a payment booked. The bank is refused where the money has gone back to the payer already."""
    try:
        await reverse(tx, message.books, [original["collection_id"]], _REASON, message.now)
    except Problem as problem:
        if problem.kind is not NOT_REVERSIBLE:
            raise
        return await _conclude(tx, begun, Step.REFUSED, Said(Code.PAID_BACK, {}))
    step = Step.BILL_REOPENED if standing_of(original) is Standing.SETTLED else Step.NOTHING_TO_REOPEN
    await store.put(tx, message.books, original["journal_id"], rules.JOURNAL_TRANSITIONS[standing_of(original), step])
    return await _conclude(tx, begun, step, Said(Code.ACCEPTED, _undone(original)))


async def _conclude_again(tx: Writer, message: Message, begun: dict[str, Any], original: Row) -> Said:
    """A reversal of what is reversed, or of what has not come: the first one gets its answer, others the same."""
    first = await store.reversal_of(
        tx, message.books, message.bank.institution, original["bank_date"], original["bank_seq"]
    )
    if first is not None:
        return await _conclude(tx, begun, Step.REPEATED, Said.again(first["answer"]))
    said = Said(Code.ACCEPTED, _undone(original))
    await store.put(tx, begun["pool"], begun["journal_id"], Standing.AWAITING, answer=said.kept())
    return said


async def _conclude(tx: Writer, begun: dict[str, Any], step: Step, said: Said) -> Said:
    after = rules.JOURNAL_TRANSITIONS[Standing.AWAITING, step]
    await store.put(tx, begun["pool"], begun["journal_id"], after, answer=said.kept())
    return said


async def _lock(tx: Writer, message: Message) -> Row:
    row = await store.lock_serial(
        tx, message.books, message.bank.institution, message.head.trans_date, message.head.trans_seq
    )
    assert row is not None
    return row


def _same_day(message: Message, original: Row | None) -> bool:
    """Whether the payment's accounting day is still open: by the bank's date, by our clock, and not yet checked."""
    day = message.body.original_date
    checked = original is not None and original["checked_on"] is not None
    return bool(
        message.head.trans_date == day == rules.accounting_day(message.now, message.bank.cut_over) and not checked
    )


def _original(message: Message) -> tuple[str, str, Any, str]:
    return message.books, message.bank.institution, message.body.original_date, message.body.original_seq


def _row(message: Message, step: Step, evidence_id: UUID) -> dict[str, Any]:
    """A new row of the journal, before anything is known but its serial and its amount."""
    standing = rules.JOURNAL_TRANSITIONS[None, step]
    return {
        "pool": message.books,
        "journal_id": new_id(),
        "institution": message.bank.institution,
        "bank_date": message.head.trans_date,
        "bank_seq": message.head.trans_seq,
        "kind": standing.kind,
        "amount_fen": message.body.pay_amount,
        "third_state": standing.third,
        "our_state": standing.ours,
        "host_state": standing.host,
        "evidence_id": evidence_id,
        "received_at": message.now,
        "version": 1,
    }


def _content(message: Message) -> dict[str, Any]:
    asked = message.body
    return {
        "bill_no": asked.bill_no,
        "amount_fen": asked.pay_amount,
        "payer_name": asked.payer_name,
        "account_masked": rules.masked_account(asked.payer_account),
        "sub_channel": asked.sub_channel,
        "paid_at": _paid_at(message),
        "content_hash": message.content_hash,
    }


def _payment(message: Message) -> Payment:
    institution, asked = message.bank.institution, message.body
    said: dict[str, Any] = asked.model_dump(mode="json")
    return Payment(
        channel=Channel.BANK,
        method=Channel.BANK,
        reference=message.serial,
        bill_no=asked.bill_no,
        amount_fen=asked.pay_amount,
        paid_at=_paid_at(message),
        payer_name=asked.payer_name,
        payer_id=None,
        region=message.books,
        book_code=f"YH{institution}",
        taken_by=f"bank/{institution}",
        shift_id=None,
        held_account=held_by_bank(institution),
        message=said | {"payer_account": rules.masked_account(asked.payer_account)},
        schemes=frozenset({asked.scheme}) if asked.scheme else None,
    )


def _paid_at(message: Message) -> datetime:
    return rules.paid_instant(message.body.pay_time, message.head.trans_date, message.now)


def _undone(original: Row) -> dict[str, str]:
    return {
        "outcome": "reversed",
        "original_date": f"{original['bank_date']:%Y%m%d}",
        "original_seq": original["bank_seq"],
        "pay_amount": fen_to_yuan(original["amount_fen"]),
    }
