"""Day files of the channels that we fetch ourselves (渠道文件): which days are due, and what becomes of a file."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from shared.clock import SHANGHAI
from shared.graph import Graph

TRADE = "trade"
"""The kind of a file of payments and refunds."""

MOST_DAYS = 90
"""How far back a channel keeps its files."""

LONGEST_PAUSE_SECONDS = 1800.0
"""Between two questions for a file; also where the channel did not answer."""

SHORTEST_PAUSE_SECONDS = 60.0


class FileState(StrEnum):
    """渠道文件: wanted until the channel has given it, or has said that there is none."""

    WANTED = "wanted"
    TAKEN = "taken"
    EMPTY = "empty"


class FileAct(StrEnum):
    """What happens to a file."""

    WANT = "want"
    TAKE = "take"
    FIND_NONE = "find_none"


FILE_TRANSITIONS = Graph(
    FileState,
    FileAct,
    {
        (None, FileAct.WANT): FileState.WANTED,
        (FileState.WANTED, FileAct.TAKE): FileState.TAKEN,
        (FileState.WANTED, FileAct.FIND_NONE): FileState.EMPTY,
    },
)
"""Every way a file begins (from None) and changes; drawn in docs/orders.md."""


def fund_flow(account: str) -> str:
    """The kind of a file of what moved in one of our accounts at a channel."""
    return f"fund_flow_{account.lower()}"


def due_days(now: datetime, there_from: time, after: date | None, began: date | None) -> Sequence[date]:
    """The days whose files are due and not wanted yet, in turn: those after `after`, else from where money `began`.

    A day's file is there from `there_from` of the day after. Without any money it begins with the newest such day.
    """
    local = now.astimezone(SHANGHAI)
    newest = local.date() - timedelta(days=1 if local.time() >= there_from else 2)
    first = after + timedelta(days=1) if after else began or newest
    first = max(first, newest - timedelta(days=MOST_DAYS - 1))
    return [first + timedelta(days=n) for n in range((newest - first).days + 1)]
