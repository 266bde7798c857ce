"""Receipt numbers handed out beforehand (票据领用): blocks of a unit's book, for agents without a network. No I/O.

A block is cut from its book in one step, so what settling numbers meanwhile follows behind it. Each of its numbers ends
as a receipt, or as one of `Cause`; the agent gives the rest back, and a second person counts and writes the block off.
"""

from dataclasses import dataclass
from enum import StrEnum

from shared.graph import Graph

from .settling import Reason, receipt_number


class BlockState(StrEnum):
    """领用: handed to an agent; the rest given back (交回); counted and written off (核销)."""

    ISSUED = "issued"
    RETURNED = "returned"
    WRITTEN_OFF = "written_off"


class BlockAct(StrEnum):
    """What happens to a block."""

    ISSUE = "issue"
    GIVE_BACK = "give_back"
    REJECT = "reject"
    WRITE_OFF = "write_off"


BLOCK_TRANSITIONS = Graph(
    BlockState,
    BlockAct,
    {
        (None, BlockAct.ISSUE): BlockState.ISSUED,
        (BlockState.ISSUED, BlockAct.GIVE_BACK): BlockState.RETURNED,
        (BlockState.RETURNED, BlockAct.REJECT): BlockState.ISSUED,
        (BlockState.RETURNED, BlockAct.WRITE_OFF): BlockState.WRITTEN_OFF,
    },
)
"""Every way a block begins (from None) and changes; drawn in docs/agents.md."""


class Cause(StrEnum):
    """Why a number of a block became no receipt. `withheld`: it was given to a payer whose money is in suspense."""

    SPOILED = "spoiled"
    WITHHELD = "withheld"
    RETURNED = "returned"


@dataclass(frozen=True)
class Block:
    """What is known of the block in which a number lies."""

    agent: str
    state: BlockState


def read_number(receipt_no: str) -> tuple[str, int] | None:
    """Book and number of a printed receipt number; None where it is not one."""
    book_code, _, digits = receipt_no.rpartition("-")
    if not book_code or not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        return None
    number = int(digits)
    return (book_code, number) if number and receipt_number(book_code, number) == receipt_no else None


def number_fault(block: Block | None, agent: str, *, used: bool) -> Reason | None:
    """Why an agent's payment cannot have the receipt number that stands on its paper; None where it can."""
    if block is None or block.agent != agent or block.state is not BlockState.ISSUED:
        return Reason.RECEIPT_FOREIGN
    return Reason.RECEIPT_USED if used else None
