"""What a confirmation of the tax bureau says, and when two say the same. No I/O."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from .accounts import HELD

POOLLESS = "000000"
"""Where money stands until somebody can tell its pooling area."""

ETAX_ACCOUNT = f"{HELD}etax"
"""What the tax bureau has collected for a pool and not yet handed on."""

NOT_NAMED = "未提供"
"""Stands for the payer whom a confirmation does not name."""

MOST_ITEMS = 1000
"""Confirmations in one batch."""

_POOL = re.compile(r"([0-9]{6})[0-9A-Za-z]+")


@dataclass(frozen=True)
class Confirmation:
    """Money that the tax bureau has collected. `event_id` is the bureau's own and names the payment for good."""

    event_id: str
    bill_no: str
    amount_fen: int
    paid_at: datetime
    voucher_no: str
    payer_name: str | None
    item: str | None = None
    """The code under which an older terminal collected it. Not part of the mark: it did not always come."""

    @cached_property
    def content(self) -> bytes:
        """A mark of all that is said under the event id; equal for the same instant, whatever offset it is written in.

        Raises ValueError for an instant without offset.
        """
        if self.paid_at.tzinfo is None:
            raise ValueError(f"an instant needs its offset: {self.paid_at}")
        instant = self.paid_at.astimezone(UTC).isoformat()
        said = [self.bill_no, self.amount_fen, instant, self.voucher_no, self.payer_name]
        return hashlib.sha256(json.dumps(said).encode()).digest()


def pool_named(bill_no: str) -> str:
    """The pool that a bill number begins with; POOLLESS where it does not look like a number of ours."""
    found = _POOL.fullmatch(bill_no)
    return found[1] if found else POOLLESS


def receipt_book(pool: str) -> str:
    """The book of the receipts for money that the tax bureau collected for a pool (税务)."""
    return f"SW{pool}"


def first_of_each(confirmations: Iterable[Confirmation]) -> dict[str, Confirmation]:
    """The first confirmation under each event id, in the order of the list."""
    first: dict[str, Confirmation] = {}
    for confirmation in confirmations:
        first.setdefault(confirmation.event_id, confirmation)
    return first
