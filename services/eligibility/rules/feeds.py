"""A department's list on its way, and when a full list needs a second person."""

from enum import StrEnum

from shared.graph import Graph


class FeedKind(StrEnum):
    """What it means that a list does not name somebody: nothing, or that the statuses of its supplier have ended."""

    CHANGES = "changes"
    FULL = "full"


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
    """What happens to a feed. Rows are taken, statuses ended and rows taken back in chunks, until none is left."""

    RECEIVE = "receive"
    TAKE_ROWS = "take_rows"
    TAKE_LAST_ROW = "take_last_row"
    HOLD = "hold"
    BEGIN_ENDING = "begin_ending"
    APPROVE = "approve"
    DECLINE = "decline"
    END_SOME = "end_some"
    END_LAST = "end_last"
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
