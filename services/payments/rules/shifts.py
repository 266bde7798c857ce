"""Shifts (班次) of a counter: money is taken and paid out only while one is open; its cash goes to the bank. No I/O."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from shared.graph import Graph


class ShiftStatus(StrEnum):
    """班次: from the float to the count of the drawer; `differs` until a second person has booked the difference."""

    OPEN = "open"
    DIFFERS = "differs"
    CLOSED = "closed"


class ShiftAct(StrEnum):
    """What happens to a shift. `differ`: it is closed, and the drawer holds another sum than it should."""

    OPEN = "open"
    CLOSE = "close"
    DIFFER = "differ"
    BOOK_DIFFERENCE = "book_difference"


SHIFT_TRANSITIONS = Graph(
    ShiftStatus,
    ShiftAct,
    {
        (None, ShiftAct.OPEN): ShiftStatus.OPEN,
        (ShiftStatus.OPEN, ShiftAct.CLOSE): ShiftStatus.CLOSED,
        (ShiftStatus.OPEN, ShiftAct.DIFFER): ShiftStatus.DIFFERS,
        (ShiftStatus.DIFFERS, ShiftAct.BOOK_DIFFERENCE): ShiftStatus.CLOSED,
    },
)
"""Every way a shift begins (from None) and changes; drawn in docs/counter.md. A closed one is not opened again."""


@dataclass(frozen=True)
class Takings:
    """What a shift took less what it paid back, in fen: on cards, and in cash."""

    card_fen: int
    cash_fen: int

    @property
    def total_fen(self) -> int:
        """All of it."""
        return self.card_fen + self.cash_fen

    @property
    def deposit_fen(self) -> int:
        """The cash that is to go to the bank."""
        return max(self.cash_fen, 0)

    @property
    def handed_over_fen(self) -> int:
        """What is the special account's at once: the cards', less the cash by which more was paid out than came in."""
        return self.card_fen + min(self.cash_fen, 0)


def deposit_after(deposit_fen: int, difference_fen: int) -> int:
    """The cash for the bank once a difference is booked, in fen: what was counted, but never less than nothing.

    What is short beyond the shift's cash is missing from the float. That is the hall's own change and stands on no
    account: it is made good to the drawer, and neither by premiums nor by the next shift's deposit.
    """
    return max(deposit_fen + difference_fen, 0)


def counted(denominations: Mapping[int, int]) -> int:
    """What notes and coins (value in fen → how many) come to."""
    return sum(value * number for value, number in denominations.items())


def deposit_due_on(closed_on: date, holidays: Collection[date], working_weekends: Collection[date]) -> date:
    """The next working day after a shift's end, by which its cash is at the bank.

    Saturdays and Sundays are none, unless the government has moved work to them; holidays are none (调休).
    """
    day = closed_on + timedelta(days=1)
    while day in holidays or (day.weekday() >= 5 and day not in working_weekends):
        day += timedelta(days=1)
    return day
