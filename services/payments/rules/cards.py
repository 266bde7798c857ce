"""Card sales at a counter (POS, S004-23): a slip is named by its terminal, its batch and its trace number. No I/O."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.clock import business_day
from shared.graph import Graph


class CardState(StrEnum):
    """签购单: the card was charged; the sale was taken back at the terminal before the acquirer settled (撤销)."""

    CHARGED = "charged"
    VOIDED = "voided"


class CardAct(StrEnum):
    """What happens to a card sale. Afterwards money goes back by a refund of its own."""

    CHARGE = "charge"
    VOID = "void"


CARD_TRANSITIONS = Graph(
    CardState,
    CardAct,
    {
        (None, CardAct.CHARGE): CardState.CHARGED,
        (CardState.CHARGED, CardAct.VOID): CardState.VOIDED,
    },
)
"""Every way a card sale begins (from None) and changes; drawn in docs/counter.md."""


def pos_reference(terminal_no: str, batch_no: str, trace_no: str) -> str:
    """The name of a slip: unique for good, because a terminal begins a new batch with each settlement."""
    return f"pos/{terminal_no}/{batch_no}/{trace_no}"


def may_void(paid_at: datetime, sale_shift: UUID, voided_at: datetime, shift: UUID) -> bool:
    """Whether a sale can still be taken back at the terminal: on its day and in its shift.

    With the end of a shift its terminal is settled with the acquirer; what goes back then is a refund (0220).
    """
    return sale_shift == shift and business_day(paid_at) == business_day(voided_at) and voided_at >= paid_at
