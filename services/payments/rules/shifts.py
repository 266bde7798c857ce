"""Shifts (班次) of a counter: money is taken and paid out only while one is open. No I/O."""

from enum import StrEnum

from shared.graph import Graph


class ShiftStatus(StrEnum):
    """班次: from the float in the drawer to the count of it."""

    OPEN = "open"
    CLOSED = "closed"


class ShiftAct(StrEnum):
    """What happens to a shift."""

    OPEN = "open"
    CLOSE = "close"


SHIFT_TRANSITIONS = Graph(
    ShiftStatus,
    ShiftAct,
    {
        (None, ShiftAct.OPEN): ShiftStatus.OPEN,
        (ShiftStatus.OPEN, ShiftAct.CLOSE): ShiftStatus.CLOSED,
    },
)
"""Every way a shift begins (from None) and changes; drawn in the README. A closed one is not opened again."""
