"""What the bank's write-off interface (销账) decides, without I/O: where a journal row stands, what is refused and why.

A row of the journal is one message of the bank that concerns money, and it stands somewhere with each of three
parties: `third` is the bill (销账 itself), `ours` our books, `host` the bank's own host, as far as it has told us.
One status could not say that the bank gave money back which had never settled a bill.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum, StrEnum

from shared.clock import SHANGHAI
from shared.graph import Graph

from .settling import WRONG_SCHEME_RULES, BillStatus, Reason, Window, scheme_fits


class Kind(StrEnum):
    """What the bank's message was about."""

    PAY = "pay"
    REVERSE = "reverse"


class State(StrEnum):
    """Where a row stands with one party; in brackets the letter that banks use."""

    PENDING = "pending"  # U: not known yet
    DONE = "done"  # S
    UNTOUCHED = "untouched"  # nothing was changed there
    REFUSED = "refused"  # F
    REVERSED = "reversed"  # C


class Standing(Enum):
    """Where a row stands: its kind, the bill, our books, the bank's host. There is no other combination."""

    RECEIVED = (Kind.PAY, State.PENDING, State.PENDING, State.DONE)
    SETTLED = (Kind.PAY, State.DONE, State.DONE, State.DONE)
    UNSETTLED = (Kind.PAY, State.UNTOUCHED, State.DONE, State.DONE)
    SETTLED_REVERSED = (Kind.PAY, State.REVERSED, State.REVERSED, State.REVERSED)
    UNSETTLED_REVERSED = (Kind.PAY, State.UNTOUCHED, State.REVERSED, State.REVERSED)
    SETTLED_CORRECTED = (Kind.PAY, State.REVERSED, State.REVERSED, State.DONE)
    UNSETTLED_CORRECTED = (Kind.PAY, State.UNTOUCHED, State.REVERSED, State.DONE)
    AWAITED = (Kind.PAY, State.PENDING, State.PENDING, State.REVERSED)
    FORESTALLED = (Kind.PAY, State.UNTOUCHED, State.REFUSED, State.REVERSED)
    AWAITING = (Kind.REVERSE, State.PENDING, State.PENDING, State.DONE)
    REOPENED = (Kind.REVERSE, State.DONE, State.DONE, State.DONE)
    TAKEN_BACK = (Kind.REVERSE, State.UNTOUCHED, State.DONE, State.DONE)
    REPEATED = (Kind.REVERSE, State.UNTOUCHED, State.UNTOUCHED, State.DONE)
    NOT_REVERSED = (Kind.REVERSE, State.UNTOUCHED, State.REFUSED, State.PENDING)

    @property
    def kind(self) -> Kind:
        """Pay or reverse."""
        return self.value[0]

    @property
    def third(self) -> State:
        """With the bill."""
        return self.value[1]

    @property
    def ours(self) -> State:
        """In our books."""
        return self.value[2]

    @property
    def host(self) -> State:
        """With the bank's host, as far as it has told."""
        return self.value[3]

    @property
    def given_back(self) -> bool:
        """A payment that the bank has told to be given back, whether or not it had come."""
        return self.kind is Kind.PAY and self.host is State.REVERSED

    @property
    def void(self) -> bool:
        """A payment that does not count any more, or never did."""
        return self.kind is Kind.PAY and (self.host is State.REVERSED or self.ours is State.REVERSED)


class Step(StrEnum):
    """What moves a row."""

    PAYMENT_CAME = "payment_came"
    SETTLED = "settled"
    NOT_SETTLED = "not_settled"
    REVERSAL_CAME = "reversal_came"
    REVERSAL_CAME_FIRST = "reversal_came_first"  # before its payment, whose row it begins
    BILL_REOPENED = "bill_reopened"
    NOTHING_TO_REOPEN = "nothing_to_reopen"
    ORIGINAL_CAME = "original_came"
    REPEATED = "repeated"
    REFUSED = "refused"
    CORRECTED = "corrected"  # two people have found with the statement that it is not as the bank had told


JOURNAL_TRANSITIONS = Graph(
    Standing,
    Step,
    {
        (None, Step.PAYMENT_CAME): Standing.RECEIVED,
        (Standing.RECEIVED, Step.SETTLED): Standing.SETTLED,
        (Standing.RECEIVED, Step.NOT_SETTLED): Standing.UNSETTLED,
        (Standing.SETTLED, Step.BILL_REOPENED): Standing.SETTLED_REVERSED,
        (Standing.UNSETTLED, Step.NOTHING_TO_REOPEN): Standing.UNSETTLED_REVERSED,
        (Standing.SETTLED, Step.CORRECTED): Standing.SETTLED_CORRECTED,
        (Standing.UNSETTLED, Step.CORRECTED): Standing.UNSETTLED_CORRECTED,
        (None, Step.REVERSAL_CAME_FIRST): Standing.AWAITED,
        (Standing.AWAITED, Step.PAYMENT_CAME): Standing.FORESTALLED,
        (None, Step.REVERSAL_CAME): Standing.AWAITING,
        (Standing.AWAITING, Step.BILL_REOPENED): Standing.REOPENED,
        (Standing.AWAITING, Step.NOTHING_TO_REOPEN): Standing.TAKEN_BACK,
        (Standing.AWAITING, Step.ORIGINAL_CAME): Standing.TAKEN_BACK,
        (Standing.AWAITING, Step.REPEATED): Standing.REPEATED,
        (Standing.AWAITING, Step.REFUSED): Standing.NOT_REVERSED,
    },
)
"""Every way a row begins (from None) and moves; drawn in docs/bank.md."""


class Code(StrEnum):
    """What we answer the bank; each institution has its own return codes for these."""

    ACCEPTED = "accepted"
    BILL_UNKNOWN = "bill_unknown"
    BILL_VOIDED = "bill_voided"
    ALREADY_PAID = "already_paid"
    OUTSIDE_WINDOW = "outside_window"
    CLOSED_DAY = "closed_day"
    WRONG_PLACE = "wrong_place"  # S004-20
    COMPANY_UNKNOWN = "company_unknown"
    REVERSED = "reversed"  # the reversal of this payment came before it
    NOT_KNOWN = "not_known"  # no such serial here: send it again under the same serial, or reverse it
    SERIAL_REUSED = "serial_reused"
    AMOUNT_DIFFERS = "amount_differs"
    NOT_A_PAYMENT = "not_a_payment"
    DAY_OVER = "day_over"  # reversed on the same accounting day only, then refunded
    PAID_BACK = "paid_back"
    TOTALS_DIFFER = "totals_differ"
    MALFORMED = "malformed"
    NOT_AUTHENTIC = "not_authentic"
    TOO_OFTEN = "too_often"
    WRONG_SCHEME = "wrong_scheme"  # S004-19
    BEING_PAID = "being_paid"  # through an order elsewhere that can still be paid
    BEING_WITHHELD = "being_withheld"


WRONG_PLACE_RULES = ("S004-20",)


@dataclass(frozen=True)
class Asked:
    """What a query knows of a bill."""

    status: BillStatus
    window: Window
    scheme: str
    withheld: bool
    """Whether a bank was asked to debit it and has not answered."""


def query_refusal(bills: Sequence[Asked], day: date, scheme: str = "") -> tuple[Code, tuple[str, ...]] | None:
    """Why none of a payer's bills can be paid on `day`, with the rules behind it; None where one can.

    `scheme` is what the payer chose to pay for, where the bank asked for it.
    """
    if not bills:
        return Code.BILL_UNKNOWN, ()
    refusals = [_refusal(bill, day, scheme) for bill in bills]
    if None in refusals:
        return None
    # Several bills, several reasons: the one that the payer can still do something about goes first.
    order = (
        *(Code.CLOSED_DAY, Code.OUTSIDE_WINDOW, Code.BEING_WITHHELD),
        *(Code.ALREADY_PAID, Code.WRONG_SCHEME, Code.BILL_VOIDED),
    )
    return min((refusal for refusal in refusals if refusal), key=lambda refusal: order.index(refusal[0]))


def payable(bill: Asked, day: date, scheme: str = "") -> bool:
    """Whether a bill can be paid on `day`, by who means to pay for `scheme`."""
    return _refusal(bill, day, scheme) is None


def _refusal(bill: Asked, day: date, scheme: str) -> tuple[Code, tuple[str, ...]] | None:
    if bill.status is BillStatus.VOIDED:
        return Code.BILL_VOIDED, ()
    if scheme and not scheme_fits(frozenset({scheme}), bill.scheme):
        return Code.WRONG_SCHEME, WRONG_SCHEME_RULES
    if bill.status is BillStatus.PAID:
        return Code.ALREADY_PAID, ()
    closed = bill.window.closed(day)
    if closed is None:
        return (Code.BEING_WITHHELD, ()) if bill.withheld else None
    code = Code.CLOSED_DAY if closed is Reason.CLOSED_DAY else Code.OUTSIDE_WINDOW
    return code, bill.window.rules_of(closed)


def accounting_day(now: datetime, cut_over: time) -> date:
    """The bank's accounting day at a local instant: from `cut_over` on the next day's, unless that is midnight."""
    later = cut_over != time() and now.time() >= cut_over
    return now.date() + timedelta(days=1) if later else now.date()


@dataclass(frozen=True)
class Original:
    """What a reversal finds under the serial that it quotes."""

    standing: Standing
    amount_fen: int


def reversal_refusal(original: Original | None, amount_fen: int, *, same_day: bool) -> Code | None:
    """Why a reversal is refused, in order of precedence. None also where it came before its original, or again."""
    if original is not None and original.standing.kind is not Kind.PAY:
        return Code.NOT_A_PAYMENT
    if original is not None and original.amount_fen != amount_fen:
        return Code.AMOUNT_DIFFERS
    if original is not None and original.standing.given_back:
        return None
    if original is not None and original.standing.void:
        return Code.DAY_OVER
    return None if same_day else Code.DAY_OVER


def paid_instant(told: datetime | None, bank_date: date, now: datetime) -> datetime:
    """When a payment was made: as the bank tells it; else when it came, but not after its accounting day.

    So what was paid on the last day and is sent again after midnight was paid on the last day.
    """
    if told is not None:
        return told
    return min(now, datetime.combine(bank_date, time(23, 59, 59), SHANGHAI))


def masked_account(number: str) -> str:
    """An account for the journal: its last four digits; the whole stands in the sealed message alone."""
    return "*" * max(len(number) - 4, 4) + number[-4:] if len(number) > 4 else "*" * len(number)
