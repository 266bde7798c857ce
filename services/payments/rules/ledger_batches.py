"""Batches of ledger lines that were made without network (S004-25). No I/O."""

from enum import StrEnum

from shared.graph import Graph


class BatchState(StrEnum):
    """离线批次: kept, then taken into the ledger line by line."""

    RECEIVED = "received"
    TAKEN = "taken"


class BatchAct(StrEnum):
    """What happens to a batch. `send_again`: lines were refused, and the same file comes once more."""

    RECEIVE = "receive"
    TAKE = "take"
    SEND_AGAIN = "send_again"


BATCH_TRANSITIONS = Graph(
    BatchState,
    BatchAct,
    {
        (None, BatchAct.RECEIVE): BatchState.RECEIVED,
        (BatchState.RECEIVED, BatchAct.TAKE): BatchState.TAKEN,
        (BatchState.TAKEN, BatchAct.SEND_AGAIN): BatchState.RECEIVED,
    },
)
"""Every way a batch begins (from None) and changes; drawn in docs/agents.md."""

MALFORMED = "malformed"
"""Why a line is refused that is no line at all; the others are in `ledgers.LineFault`."""
