"""UnionPay gives money back: all of a payment of the same accounting day is undone (31), everything else refunded (04).

Undoing and refunding have a number each, the same in every try. A payment is refunded only where undoing it was refused
or has failed by UnionPay's own word; that is on record before the refund is sent, and from then on nothing is undone,
whatever UnionPay does not know of yet: it never goes back twice. Accepted is not paid back: that is asked about.
"""

from shared.clock import wall_now
from shared.database import Row

from ..clients import Done, Outcome, Refused, UnionPayClient, Unknown
from ..formats import unionpay as wire
from ..rules import RefundState
from ..rules import unionpay as rules
from ..schemas.unionpay import UnionPayResult
from ..store import refunds as store
from .refund_words import NOT_SET_UP, Word
from .suite import Payments

_OVERTAKEN = Word(detail="overtaken")


async def submit(service: Payments, row: Row) -> Word:
    """Undo or refund a payment."""
    client = service.unionpay
    if client is None:
        return NOT_SET_UP
    if row["undo_refused_at"] or not _undoable(client, row):
        return await _refund(client, row)
    number = rules.back_number(row["pool"], row["refund_id"], undoing=True)
    async with service.database.reading() as reader:
        if not await store.may_undo(reader, row["pool"], row["refund_id"], row["tries"]):
            return _OVERTAKEN  # we stood still for longer than our lease, and another worker may have refunded
    outcome = await client.void(number, *_about(row))
    if isinstance(outcome, Refused) and outcome.code != wire.DUPLICATE:
        return await _refund_instead(service, client, row)
    return _accepted(outcome)


async def query(service: Payments, row: Row) -> Word:
    """Ask what became of it: of the refund first, because there is one only where there was nothing to undo."""
    client = service.unionpay
    if client is None:
        return NOT_SET_UP
    said = await _result(client, row, undoing=False)
    if isinstance(said, Done):
        return _ended(said.value)
    if _absent(said) and row["undo_refused_at"]:
        return await _refund(client, row)
    if not _absent(said) or not _undoable(client, row):
        return _open(said)
    undone = await _result(client, row, undoing=True)
    if isinstance(undone, Done):
        word = _ended(undone.value)
        settled = word.state is RefundState.SETTLED
        return word if settled or _unknown(undone.value) else await _refund_instead(service, client, row)
    return _open(undone)


async def _refund_instead(service: Payments, client: UnionPayClient, row: Row) -> Word:
    """Refund what could not be undone. Whoever asks after us finds this on record, or has us stop here."""
    async with service.database.writing() as tx:
        is_ours = await store.give_up_undoing(tx, row["pool"], row["refund_id"], row["tries"], wall_now())
    return await _refund(client, row) if is_ours else _OVERTAKEN


async def _refund(client: UnionPayClient, row: Row) -> Word:
    number = rules.back_number(row["pool"], row["refund_id"], undoing=False)
    return _accepted(await client.refund(number, *_about(row)))


async def _result(client: UnionPayClient, row: Row, *, undoing: bool) -> Outcome[UnionPayResult]:
    number = rules.back_number(row["pool"], row["refund_id"], undoing=undoing)
    return await client.query(number, wire.write_time(row["submitted_at"]))


def _undoable(client: UnionPayClient, row: Row) -> bool:
    """Whether all of a payment was ordered back on its own accounting day; the same in every try."""
    same_day = client.accounting_day(row["submitted_at"]) == rules.settled_on(row["payment_reference"])
    return same_day and row["amount_fen"] == row["paid_fen"]


def _about(row: Row) -> tuple[str, str, int]:
    """The time, the payment and the sum of an order to give money back."""
    return wire.write_time(row["submitted_at"]), rules.query_id_of(row["payment_reference"]), row["amount_fen"]


def _accepted(outcome: Outcome[None]) -> Word:
    if isinstance(outcome, Done):
        return Word(RefundState.PROCESSING, detail="accepted")
    if isinstance(outcome, Refused) and wire.is_refused_by_card(outcome.code):
        return Word(RefundState.FAILED, detail=outcome.code)
    return _open(outcome)


def _ended(said: UnionPayResult) -> Word:
    code = said.orig_resp_code
    if code == wire.ACCEPTED:
        return Word(RefundState.SETTLED, reference=said.query_id or None)
    if _unknown(said):
        return Word(detail=code)
    return Word(RefundState.FAILED, detail=code) if wire.is_refused_by_card(code) else Word(absent=True, detail=code)


def _unknown(said: UnionPayResult) -> bool:
    return said.orig_resp_code != wire.ACCEPTED and not wire.is_refusal(said.orig_resp_code)


def _absent(outcome: Refused | Unknown) -> bool:
    return isinstance(outcome, Refused) and outcome.code == wire.ABSENT


def _open(outcome: Refused | Unknown) -> Word:
    return Word(detail=outcome.code if isinstance(outcome, Refused) else outcome.why, absent=_absent(outcome))
