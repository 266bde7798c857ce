"""Assessments (核定) that the tax bureau is told of: how a batch and its lines change. No I/O.

Batch number and line number are the key: sent again they are the same line. Good lines are kept, bad ones come back.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from shared.graph import Graph

MOST_LINES = 1000
"""Lines in one batch."""


class BatchState(StrEnum):
    """核定批次: from the wish to the bureau's results."""

    BUILT = "built"
    SENT = "sent"
    ANSWERED = "answered"
    REFUSED = "refused"


class BatchAct(StrEnum):
    """What happens to a batch. `build` is ours, the others the bureau's word."""

    BUILD = "build"
    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"
    REFUSE = "refuse"


TAX_BATCH_TRANSITIONS = Graph(
    BatchState,
    BatchAct,
    {
        (None, BatchAct.BUILD): BatchState.BUILT,
        (BatchState.BUILT, BatchAct.ACKNOWLEDGE): BatchState.SENT,
        (BatchState.BUILT, BatchAct.ANSWER): BatchState.ANSWERED,
        (BatchState.BUILT, BatchAct.REFUSE): BatchState.REFUSED,
        (BatchState.SENT, BatchAct.ANSWER): BatchState.ANSWERED,
    },
)

BATCH_PATIENCE: Mapping[BatchState, timedelta] = {
    BatchState.BUILT: timedelta(hours=2),
    BatchState.SENT: timedelta(days=1),
}
"""How long a batch may wait for the bureau; after that somebody is told."""


class TaxLineState(StrEnum):
    """核定明细: what the bureau said of a line."""

    WAITING = "waiting"
    KEPT = "kept"
    REFUSED = "refused"
    REPEATED = "repeated"


class LineAct(StrEnum):
    """What happens to a line. `repeat`: it goes again in another batch."""

    GATHER = "gather"
    KEEP = "keep"
    REFUSE = "refuse"
    REPEAT = "repeat"


TAX_LINE_TRANSITIONS = Graph(
    TaxLineState,
    LineAct,
    {
        (None, LineAct.GATHER): TaxLineState.WAITING,
        (TaxLineState.WAITING, LineAct.KEEP): TaxLineState.KEPT,
        (TaxLineState.WAITING, LineAct.REFUSE): TaxLineState.REFUSED,
        (TaxLineState.WAITING, LineAct.REPEAT): TaxLineState.REPEATED,
        (TaxLineState.REFUSED, LineAct.REPEAT): TaxLineState.REPEATED,
    },
)
"""A line of a batch that was refused as a whole goes again by itself; a bad line when somebody says so."""


class TaxLineKind(StrEnum):
    """What a line asks of the bureau."""

    SAVE = "save"  # collect this
    CANCEL = "cancel"  # do not collect it any more: it was paid elsewhere, or is not owed
