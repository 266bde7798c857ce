"""Receipt numbers: taken from the unit's book as money is settled, or handed out beforehand and told with the money."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.database import Row, Writer

from .. import rules
from ..rules import blocks as block_rules
from ..store import blocks as block_store
from ..store import settling as store


class Numbered(Protocol):
    """What numbering knows of a payment."""

    @property
    def book_code(self) -> str: ...
    @property
    def taken_by(self) -> str: ...
    @property
    def receipt_no(self) -> str | None: ...


@dataclass(frozen=True)
class Printed:
    """A number that stands on paper already: its book, its number, and the block in which it lies, if in one."""

    book_code: str
    number: int
    block: Row | None
    fault: rules.Reason | None


async def read_printed(tx: Writer, pool: str, payments: Sequence[Numbered]) -> dict[int, Printed]:
    """The numbers handed out beforehand that payments have, by their place in the list; their blocks are locked.

    The first of two payments with one number has it, unless a third had it before.
    """
    told = {at: payment.receipt_no for at, payment in enumerate(payments) if payment.receipt_no is not None}
    named = {at: block_rules.read_number(receipt_no) for at, receipt_no in told.items()}
    numbers = sorted({number for number in named.values() if number})
    blocks = await block_store.lock_numbers(tx, pool, numbers) if numbers else {}
    printed: dict[int, Printed] = {}
    seen: set[tuple[str, int]] = set()
    for at, number in named.items():
        block = blocks.get(number) if number else None
        fault = block_rules.number_fault(
            block_rules.Block(block["agent"], block_rules.BlockState(block["state"])) if block else None,
            payments[at].taken_by,
            used=block is not None and (block["used"] or number in seen),
        )
        if number and fault is None:
            seen.add(number)
        printed[at] = Printed(*(number or ("", 0)), block, fault)
    return printed


async def number_receipts(
    tx: Writer,
    pool: str,
    judged: Sequence[tuple[Numbered, rules.Verdict]],
    printed: Mapping[int, Printed],
    now: datetime,
) -> list[tuple[str, int, str | None]]:
    """Book, number and printed number for each payment; money in suspense has no receipt, and withholds its paper's."""
    due = [verdict.outcome is not rules.Outcome.SUSPENSE for _, verdict in judged]
    wanted = Counter(payment.book_code for at, (payment, _) in enumerate(judged) if due[at] and at not in printed)
    upcoming = await store.take_receipt_numbers(tx, pool, wanted)
    numbered: list[tuple[str, int, str | None]] = []
    for at, (payment, _) in enumerate(judged):
        if not due[at]:
            numbered.append((payment.book_code, 0, None))
        elif at in printed:
            numbered.append((printed[at].book_code, printed[at].number, payment.receipt_no))
        else:
            number = upcoming[payment.book_code]
            upcoming[payment.book_code] += 1
            numbered.append((payment.book_code, number, rules.receipt_number(payment.book_code, number)))
    withheld = [
        unissued(pool, one, block_rules.Cause.WITHHELD, judged[at][0].taken_by, now)
        for at, one in printed.items()
        if not due[at] and one.fault is None
    ]
    await block_store.insert_unissued(tx, withheld)
    return numbered


def unissued(pool: str, printed: Printed, cause: block_rules.Cause, by: str, now: datetime) -> dict[str, Any]:
    """The row of a block's number that became no receipt."""
    assert printed.block is not None
    return {
        "pool": pool,
        "book_code": printed.book_code,
        "number": printed.number,
        "block_id": printed.block["block_id"],
        "cause": cause,
        "recorded_by": by,
        "recorded_at": now,
    }
