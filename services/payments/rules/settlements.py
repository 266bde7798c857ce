"""Money on its way from a channel to the special account (到账), and the links of the reconciliation chain. No I/O.

A channel's accepted statement says what it owes us for a day; slips and claims say what somebody has paid in. Each is a
settlement: expected until lines of an account's statement (资金对账单) have brought its amount. One line may bring
several days; the tolerance is 0 fen, what the channel keeps as its fee is told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.graph import Graph

from .reconciling import BreakKind, Resolution, Result, waits


class Source(StrEnum):
    """Whose statements and exceptions there are: the channels, our accounts, other payers, the treasury."""

    WECHAT = "wechat"
    BANK = "bank"
    ETAX = "etax"
    COUNTER = "counter"
    AGENT = "agent"
    ACCOUNT = "account"
    CLAIM = "claim"
    TREASURY = "treasury"


DIRECT_LAYOUTS = frozenset({"tax_day_list", "receipt_list", "shift_report"})
"""Statements that promise the special account nothing: the tax bureau pays the treasury, agents and drawers by slip."""

LONGEST_RUN = 10
"""Days that one line may bring together: a week of holidays and its ends."""


class SettlementState(StrEnum):
    """到账: from what the channel owes to what has come."""

    EXPECTED = "expected"
    ARRIVED = "arrived"
    DIFFERS = "differs"
    MISSING = "missing"


class SettlementAct(StrEnum):
    """What happens to a settlement. `reopen`: another version of a statement says something else."""

    EXPECT = "expect"
    ARRIVE = "arrive"
    DIFFER = "differ"
    MISS = "miss"
    REOPEN = "reopen"


_ACTS = {
    SettlementState.EXPECTED: SettlementAct.REOPEN,
    SettlementState.ARRIVED: SettlementAct.ARRIVE,
    SettlementState.DIFFERS: SettlementAct.DIFFER,
    SettlementState.MISSING: SettlementAct.MISS,
}

_EDGES: dict[tuple[SettlementState | None, SettlementAct], SettlementState] = {
    (before, act): after for after, act in _ACTS.items() for before in SettlementState if before is not after
}
SETTLEMENT_TRANSITIONS = Graph(
    SettlementState, SettlementAct, {(None, SettlementAct.EXPECT): SettlementState.EXPECTED, **_EDGES}
)
"""Every way a settlement begins (from None) and changes: its state follows from what has come and which day it is."""


@dataclass(frozen=True)
class Due:
    """What is still to come of a settlement; below zero where more went back than came, to be taken off a later day."""

    key: object
    day: date
    remainder_fen: int
    reference: str | None = None


def state_of(expected_fen: int, come_fen: int, day: date, today: date, window_days: int) -> SettlementState:
    """How a settlement stands; `come_fen` is what has arrived, and what the channel has kept as its fee."""
    if come_fen == expected_fen:
        return SettlementState.ARRIVED
    if waits(day, today, window_days) or (expected_fen < 0 and come_fen == 0):
        return SettlementState.EXPECTED
    return SettlementState.DIFFERS if come_fen else SettlementState.MISSING


def act_to(state: SettlementState) -> SettlementAct:
    """What brings a settlement into a state."""
    return _ACTS[state]


def find_run(amount_fen: int, due: Sequence[Due], until: date) -> Sequence[Due]:
    """The settlements that a line of this amount brings: days in a row, none after the line's own, the earliest first,
    one alone before several. Empty where no run comes to the amount."""
    days = sorted((one for one in due if one.day <= until), key=lambda one: one.day)
    for length in range(1, LONGEST_RUN + 1):
        for first in range(len(days) - length + 1):
            run = days[first : first + length]
            if sum(one.remainder_fen for one in run) == amount_fen:
                return run
    return ()


def named(text: str, due: Sequence[Due]) -> Sequence[Due]:
    """Those whose number (缴款单、存款单) stands in the words of a line as a whole."""
    words = set(text.replace("，", " ").replace(",", " ").replace("；", " ").replace(";", " ").split())
    return [one for one in due if one.reference and one.reference in words]


def judge_line(amount_fen: int | None, found: Sequence[Due], expected: Sequence[Due], *, window_open: bool) -> Result:
    """What a line that brings money comes to. `expected`: what its sender still owes us.

    A line that fits nothing waits for its window: the statement of the channel may come after the money.
    """
    if amount_fen is None:
        return Result.DATA_DIFFERS
    if found:
        return Result.MATCHED
    if window_open:
        return Result.PENDING
    return Result.AMOUNT_DIFFERS if expected else Result.OURS_MISSING


DAY_KINDS = (BreakKind.MONEY_MISSING, BreakKind.TREASURY_DIFFERS)
"""Breaks that are about a whole settlement or voucher."""


def resolutions_of(kind: BreakKind, *, readable: bool) -> tuple[Resolution, ...]:
    """What may be done about a break on the way of the money; nothing is collected or taken back for it."""
    nothing = (Resolution.IGNORE, Resolution.WAIT)
    if kind is BreakKind.AMOUNT_DIFFERS and readable:
        return (Resolution.CONFIRM, Resolution.SUSPEND, *nothing)
    if kind is BreakKind.MONEY_MISSING or (kind is BreakKind.OURS_MISSING and readable):
        return (Resolution.SUSPEND, *nothing)
    return nothing


class LinkState(StrEnum):
    """How a link of the chain order ↔ channel ↔ bank ↔ treasury stands."""

    AGREED = "agreed"
    WAITING = "waiting"
    BROKEN = "broken"
    NONE = "none"  # there is no such link: the tax bureau's money does not pass our accounts


def link_of(*, agreed: bool, waiting: bool) -> LinkState:
    """A link that should be there."""
    if agreed:
        return LinkState.AGREED
    return LinkState.WAITING if waiting else LinkState.BROKEN
