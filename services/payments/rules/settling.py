"""What payments decides, without I/O: on which days money is taken, what becomes of money that has come, whose it is.

A bill carries its window and payer lines, so that taking a payment asks nobody anything.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Self

from shared.graph import Graph


class BillStatus(StrEnum):
    """应缴单: `open` until its person's part is paid; a part of zero is paid at once; `voided` with its assessment."""

    OPEN = "open"
    PAID = "paid"
    VOIDED = "voided"


class BillAct(StrEnum):
    """What happens to a bill. `free`: nothing is owed, by its assessment or by the one that revises it."""

    ISSUE = "issue"
    FREE = "free"
    TAKE_OVER = "take_over"
    NEVER_DUE = "never_due"
    SETTLE = "settle"
    REVERSE = "reverse"
    VOID = "void"


BILL_TRANSITIONS = Graph(
    BillStatus,
    BillAct,
    {
        (None, BillAct.ISSUE): BillStatus.OPEN,
        (None, BillAct.FREE): BillStatus.PAID,
        (None, BillAct.TAKE_OVER): BillStatus.PAID,
        (None, BillAct.NEVER_DUE): BillStatus.VOIDED,
        (BillStatus.OPEN, BillAct.SETTLE): BillStatus.PAID,
        (BillStatus.OPEN, BillAct.VOID): BillStatus.VOIDED,
        (BillStatus.PAID, BillAct.REVERSE): BillStatus.OPEN,
        (BillStatus.PAID, BillAct.VOID): BillStatus.VOIDED,
    },
)
"""Every way a bill begins (from None) and changes; drawn in the README.

A revision's bill takes over the money of a paid one, or is never due, because more is not collected of who has paid.
"""


def first_status(payable_fen: int) -> BillStatus:
    """The status in which a bill begins of which nothing has been paid."""
    return BILL_TRANSITIONS[None, BillAct.ISSUE if payable_fen else BillAct.FREE]


class Outcome(StrEnum):
    """What became of money that has come. It is never refused."""

    SETTLED = "settled"
    SURPLUS = "surplus"
    SUSPENSE = "suspense"


class CollectionState(StrEnum):
    """到账: where money that has come stands. `released`: it settled a bill, and now all of it is owed back."""

    SETTLED = "settled"
    SURPLUS = "surplus"
    SUSPENSE = "suspense"
    RELEASED = "released"
    REVERSED = "reversed"


class CollectionAct(StrEnum):
    """What happens to money that has come. `move`: it pays the bill of a revision, and a part may be owed back."""

    SETTLE = "settle"
    EXCEED = "exceed"
    SUSPEND = "suspend"
    MOVE = "move"
    RELEASE = "release"
    REVERSE = "reverse"


COLLECTION_TRANSITIONS = Graph(
    CollectionState,
    CollectionAct,
    {
        (None, CollectionAct.SETTLE): CollectionState.SETTLED,
        (None, CollectionAct.EXCEED): CollectionState.SURPLUS,
        (None, CollectionAct.SUSPEND): CollectionState.SUSPENSE,
        (CollectionState.SETTLED, CollectionAct.MOVE): CollectionState.SETTLED,
        (CollectionState.SETTLED, CollectionAct.RELEASE): CollectionState.RELEASED,
        (CollectionState.SETTLED, CollectionAct.REVERSE): CollectionState.REVERSED,
        (CollectionState.SURPLUS, CollectionAct.REVERSE): CollectionState.REVERSED,
        (CollectionState.SUSPENSE, CollectionAct.REVERSE): CollectionState.REVERSED,
        (CollectionState.RELEASED, CollectionAct.REVERSE): CollectionState.REVERSED,
    },
)
"""Every way a collection begins (from None) and changes; drawn in the README. How it goes back, refunds say."""


def collection_state(outcome: Outcome, *, settles: str | None, is_reversed: bool) -> CollectionState:
    """Where a collection stands, by its row: what became of it, the bill that it pays now, whether it was undone."""
    if is_reversed:
        return CollectionState.REVERSED
    return CollectionState.RELEASED if outcome is Outcome.SETTLED and settles is None else CollectionState(outcome)


class Reason(StrEnum):
    """Why money did not settle a bill; also why a counter does not take it while the payer still holds it.

    The last two are about a receipt number handed out beforehand: not of the agent's block, or used before.
    """

    BILL_UNKNOWN = "bill_unknown"
    BILL_VOIDED = "bill_voided"
    ALREADY_PAID = "already_paid"
    AMOUNT_DIFFERS = "amount_differs"
    OUTSIDE_WINDOW = "outside_window"
    CLOSED_DAY = "closed_day"
    WRONG_SCHEME = "wrong_scheme"  # S004-19
    RECEIPT_FOREIGN = "receipt_foreign"
    RECEIPT_USED = "receipt_used"


@dataclass(frozen=True)
class Window:
    """Days on which payment is taken, both ends included; `first_day`…`last_day` of each month, holidays or not."""

    first: date
    last: date
    first_day: int
    last_day: int
    rules: tuple[str, ...]
    day_rules: tuple[str, ...]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Self:
        """From the JSON that an assessment carries."""
        return cls(
            date.fromisoformat(data["from"]),
            date.fromisoformat(data["to"]),
            int(data["first_day"]),
            int(data["last_day"]),
            tuple(data["rules"]),
            tuple(data["day_rules"]),
        )

    def closed(self, day: date) -> Reason | None:
        """Why nothing is taken on `day`: before or after the period, or on a masked day inside it; never both."""
        if not self.first <= day <= self.last:
            return Reason.OUTSIDE_WINDOW
        if not self.first_day <= day.day <= self.last_day:
            return Reason.CLOSED_DAY
        return None

    def rules_of(self, reason: Reason) -> tuple[str, ...]:
        """The notice's rules behind a refusal for the day."""
        return {Reason.OUTSIDE_WINDOW: self.rules, Reason.CLOSED_DAY: self.day_rules}.get(reason, ())


@dataclass(frozen=True)
class Bill:
    """What settling knows of a bill."""

    bill_no: str
    status: BillStatus
    amount_fen: int
    window: Window
    scheme: str


@dataclass(frozen=True)
class Verdict:
    """What becomes of one payment."""

    outcome: Outcome
    reason: Reason | None


WRONG_SCHEME_RULES = ("S004-19",)
"""The way to the cashier names the insurance that is paid for."""


def scheme_fits(schemes: frozenset[str] | None, scheme: str) -> bool:
    """Whether money meant for one of `schemes` may pay a bill of `scheme` (S004-19); None: nobody said what for."""
    return schemes is None or scheme in schemes


@dataclass(frozen=True)
class Paid:
    """What judging knows of a payment: for which bill, how much, on which day, and for which schemes, where told."""

    bill_no: str
    amount_fen: int
    day: date
    schemes: frozenset[str] | None = None


def judge(bill: Bill | None, amount_fen: int, day: date, schemes: frozenset[str] | None = None) -> Verdict:
    """Judge money for a bill by the day it was paid, in order of precedence.

    Money for a paid bill is surplus and goes back by itself; everything else that does not fit waits in suspense.
    """
    if bill is None:
        return Verdict(Outcome.SUSPENSE, Reason.BILL_UNKNOWN)
    if bill.status is BillStatus.VOIDED:
        return Verdict(Outcome.SUSPENSE, Reason.BILL_VOIDED)
    if not scheme_fits(schemes, bill.scheme):
        return Verdict(Outcome.SUSPENSE, Reason.WRONG_SCHEME)
    if bill.status is BillStatus.PAID:
        return Verdict(Outcome.SURPLUS, Reason.ALREADY_PAID)
    if amount_fen != bill.amount_fen:
        return Verdict(Outcome.SUSPENSE, Reason.AMOUNT_DIFFERS)
    closed = bill.window.closed(day)
    if closed:
        return Verdict(Outcome.SUSPENSE, closed)
    return Verdict(Outcome.SETTLED, None)


def judge_all(bills: Mapping[str, Bill], payments: Sequence[Paid]) -> list[Verdict]:
    """Judge payments in their order: the second one for a bill finds it paid by the first."""
    verdicts: list[Verdict] = []
    settled: set[str] = set()
    for paid in payments:
        bill = bills.get(paid.bill_no)
        if bill and paid.bill_no in settled:
            bill = replace(bill, status=BillStatus.PAID)
        verdicts.append(judge(bill, paid.amount_fen, paid.day, paid.schemes))
        if verdicts[-1].outcome is Outcome.SETTLED:
            settled.add(paid.bill_no)
    return verdicts


def bill_number(pool: str, assessment_id: str) -> str:
    """The number of an assessment's bill: the pool, then 80 bits of the assessment's hash in Crockford's base 32.

    Made from the assessment, so that learning the same news again gives the same number.
    """
    bits = int.from_bytes(hashlib.sha256(assessment_id.encode()).digest()[:10], "big")
    return pool + "".join(_CROCKFORD[bits >> shift & 31] for shift in range(75, -5, -5))


def receipt_number(book_code: str, number: int) -> str:
    """The number printed on a receipt: its book and eight digits, consecutive within the book."""
    return f"{book_code}-{number:08d}"


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
