"""A department's list on its way, for whom a full list speaks, and when it needs a second person."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.codes import Status
from shared.graph import Graph


class FeedKind(StrEnum):
    """What it means that a list does not name somebody: nothing, or that the statuses of its supplier have ended."""

    CHANGES = "changes"
    FULL = "full"


@dataclass(frozen=True)
class Scope:
    """For what a full list speaks: statuses of these categories, of persons in this region; None: of all.

    Where a person belongs is what the supplier's own lists say (户籍地代码, or the region of the list that named them),
    so that no other department's list changes what a silence means; whom they place nowhere no regional list ends.
    """

    categories: frozenset[Status] | None = None
    region: str | None = None

    @classmethod
    def of(cls, categories: str | None, region: str | None) -> "Scope":
        """As a feed's row holds it: categories with a comma between."""
        return cls(frozenset(map(Status, categories.split(","))) if categories else None, region)

    @property
    def written(self) -> str | None:
        """The categories as a feed's row holds them."""
        return None if self.categories is None else ",".join(sorted(self.categories))


EVERYTHING = Scope()


def missing_parts(parts: int, here: Iterable[int]) -> list[int]:
    """The parts of a list that have not come, in their order."""
    return sorted(set(range(1, parts + 1)) - set(here))


class FeedState(StrEnum):
    """部门名单: from its bytes to the verdict on its last row, and back where it is withdrawn."""

    RECEIVED = "received"
    HELD = "held"
    ENDING = "ending"
    TAKEN = "taken"
    DECLINED = "declined"
    WITHDRAWING = "withdrawing"
    WITHDRAWN = "withdrawn"


class FeedAct(StrEnum):
    """What happens to a feed. Rows are taken, statuses ended and rows taken back in chunks, until none is left.

    Of a list in parts the one that is judged last is held or ends; it steps back when another part is withdrawn.
    """

    RECEIVE = "receive"
    TAKE_ROWS = "take_rows"
    TAKE_LAST_ROW = "take_last_row"
    HOLD = "hold"
    BEGIN_ENDING = "begin_ending"
    APPROVE = "approve"
    DECLINE = "decline"
    END_SOME = "end_some"
    END_LAST = "end_last"
    STEP_BACK = "step_back"
    WITHDRAW = "withdraw"
    TAKE_BACK_SOME = "take_back_some"
    TAKE_BACK_LAST = "take_back_last"


FEED_TRANSITIONS = Graph(
    FeedState,
    FeedAct,
    {
        (None, FeedAct.RECEIVE): FeedState.RECEIVED,
        (FeedState.RECEIVED, FeedAct.TAKE_ROWS): FeedState.RECEIVED,
        (FeedState.RECEIVED, FeedAct.TAKE_LAST_ROW): FeedState.TAKEN,
        (FeedState.RECEIVED, FeedAct.HOLD): FeedState.HELD,
        (FeedState.RECEIVED, FeedAct.BEGIN_ENDING): FeedState.ENDING,
        (FeedState.HELD, FeedAct.APPROVE): FeedState.ENDING,
        (FeedState.HELD, FeedAct.DECLINE): FeedState.DECLINED,
        (FeedState.ENDING, FeedAct.END_SOME): FeedState.ENDING,
        (FeedState.ENDING, FeedAct.END_LAST): FeedState.TAKEN,
        (FeedState.HELD, FeedAct.STEP_BACK): FeedState.TAKEN,
        (FeedState.ENDING, FeedAct.STEP_BACK): FeedState.TAKEN,
        (FeedState.DECLINED, FeedAct.STEP_BACK): FeedState.TAKEN,
        (FeedState.RECEIVED, FeedAct.WITHDRAW): FeedState.WITHDRAWING,
        (FeedState.HELD, FeedAct.WITHDRAW): FeedState.WITHDRAWING,
        (FeedState.TAKEN, FeedAct.WITHDRAW): FeedState.WITHDRAWING,
        (FeedState.DECLINED, FeedAct.WITHDRAW): FeedState.WITHDRAWING,
        (FeedState.WITHDRAWING, FeedAct.TAKE_BACK_SOME): FeedState.WITHDRAWING,
        (FeedState.WITHDRAWING, FeedAct.TAKE_BACK_LAST): FeedState.WITHDRAWN,
    },
)


def needs_second_person(held: int, ending: int, rejected: int, shrink_percent: int) -> bool:
    """Whether a full list that ends `ending` of the `held` statuses of its supplier waits for a second person.

    It also does where rows went back: whom it ends may stand in one of those.
    """
    return ending * 100 > held * shrink_percent or (ending > 0 and rejected > 0)
