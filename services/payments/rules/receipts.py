"""What payments decides about receipts (票据), without I/O: where one stands, its fiscal number, what proves it.

    book     a unit's own numbers, 1, 2, 3 …, under which a receipt is issued: `HALL01-00000042`
    segment  a run of fiscal numbers given to a book (领用): its number 42 is 票据代码 14060121, 票据号码 0000012042

A receipt that stops counting keeps its number: paper is voided (作废), an electronic receipt is offset by a red one
(冲红) that names it and has a number of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shared.clock import business_day
from shared.graph import Graph


class ReceiptState(StrEnum):
    """票据: counts, is void on paper (作废), or is offset by a red receipt (冲红). It is never deleted (S002-29)."""

    ISSUED = "issued"
    VOIDED = "voided"
    OFFSET = "offset"


class ReceiptAct(StrEnum):
    """What happens to a receipt."""

    ISSUE = "issue"
    VOID = "void"
    OFFSET = "offset"


RECEIPT_TRANSITIONS = Graph(
    ReceiptState,
    ReceiptAct,
    {
        (None, ReceiptAct.ISSUE): ReceiptState.ISSUED,
        (ReceiptState.ISSUED, ReceiptAct.VOID): ReceiptState.VOIDED,
        (ReceiptState.ISSUED, ReceiptAct.OFFSET): ReceiptState.OFFSET,
    },
)
"""Every way a receipt begins (from None) and changes; drawn in docs/receipts.md. A red receipt is written once."""


class SegmentState(StrEnum):
    """票段: given to a unit (领用), then accounted for whole (核销)."""

    HANDED_OUT = "handed_out"
    WRITTEN_OFF = "written_off"


class SegmentAct(StrEnum):
    """What happens to a segment."""

    HAND_OUT = "hand_out"
    WRITE_OFF = "write_off"


SEGMENT_TRANSITIONS = Graph(
    SegmentState,
    SegmentAct,
    {
        (None, SegmentAct.HAND_OUT): SegmentState.HANDED_OUT,
        (SegmentState.HANDED_OUT, SegmentAct.WRITE_OFF): SegmentState.WRITTEN_OFF,
    },
)
"""Every way a segment begins (from None) and changes; drawn in docs/receipts.md."""


class CancellationState(StrEnum):
    """A clerk's request to cancel a misprinted receipt: it waits for a second person, who does it or does not."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class CancellationAct(StrEnum):
    """What happens to such a request."""

    REQUEST = "request"
    CONFIRM = "confirm"
    REJECT = "reject"


CANCELLATION_TRANSITIONS = Graph(
    CancellationState,
    CancellationAct,
    {
        (None, CancellationAct.REQUEST): CancellationState.REQUESTED,
        (CancellationState.REQUESTED, CancellationAct.CONFIRM): CancellationState.CONFIRMED,
        (CancellationState.REQUESTED, CancellationAct.REJECT): CancellationState.REJECTED,
    },
)
"""Every way a cancellation begins (from None) and changes; drawn in docs/receipts.md."""


class Medium(StrEnum):
    """What a segment's numbers stand on: printed forms of the finance department, or electronic receipts."""

    PAPER = "paper"
    ELECTRONIC = "electronic"


class Series(StrEnum):
    """The two runs of numbers of a book: its receipts, and the red ones that offset them."""

    ORDINARY = "ordinary"
    RED = "red"


def cancelling(medium: Medium | None) -> ReceiptAct:
    """How a receipt stops counting: paper is voided; electronic ones, and those not yet numbered, are offset."""
    return ReceiptAct.VOID if medium is Medium.PAPER else ReceiptAct.OFFSET


def red_number(book_code: str, number: int) -> str:
    """The number of a red receipt: its book, R, and eight digits, consecutive within the book's red receipts."""
    return f"{book_code}-R{number:08d}"


def fiscal_code(region: str, kind: str, year: int) -> str:
    """票据代码, eight digits: supervising region (2), class and kind (4), year of the stock (2)."""
    return f"{region}{kind}{year % 100:02d}"


MOST_FISCAL_NUMBER = 9_999_999_999
"""票据号码 has ten digits."""


@dataclass(frozen=True)
class Printed:
    """What the public check asks for, and the check code stands for: all that is printed on a receipt and countable."""

    code: str
    number: str
    amount_fen: int
    day: date

    @property
    def parts(self) -> tuple[str, ...]:
        """The values in one spelling, in one order."""
        return (self.code, self.number, str(self.amount_fen), self.day.isoformat())


def printed(code: str, number: int, amount_fen: int, issued_at: datetime) -> Printed:
    """What stands on a receipt with a fiscal number."""
    return Printed(code, f"{number:010d}", amount_fen, business_day(issued_at))


def check_codes(keyed: Callable[..., Sequence[bytes]], receipt: Printed) -> tuple[str, ...]:
    """校验码: six characters, 30 bits of a keyed hash over what is printed. Who lacks the key cannot guess it.

    `keyed` are the keyed hashes: the first gives the code to print, the others those of keys before, which stand on
    paper for years. It is worked out where a receipt is read, so issuing one costs nothing more.
    """
    return tuple(_spelled(found) for found in keyed("receipt check code", *receipt.parts))


def _spelled(found: bytes) -> str:
    bits = int.from_bytes(found[:4], "big") >> 2
    return "".join(_CROCKFORD[bits >> shift & 31] for shift in range(25, -5, -5))


_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
