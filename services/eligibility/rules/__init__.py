"""What eligibility decides. Pure: no I/O, no clock, no pydantic.

suppliers   what each department may assert, and by when its next list is due
rows        what a row of a list says, and every fault in it
feeds       a list on its way, and when a full list needs a second person
statuses    on which days a status holds, what was known of it when, who may see whose
"""

from collections.abc import Mapping
from typing import Any

from shared.graph import Graph

from .feeds import FEED_TRANSITIONS, FeedAct, FeedKind, FeedState, needs_second_person
from .matching import Doubt, doubt, meant
from .rows import (
    NAME_DIFFERS,
    OUTSIDE_AREA,
    SEVERAL_CANDIDATES,
    Accepted,
    Doubtful,
    Fault,
    FeedRow,
    HukouClaim,
    Rejected,
    StatusClaim,
    Verdict,
    judge_rows,
    read_holder,
    same_name,
)
from .statuses import NearReason, may_see, status_holds, why_not
from .suppliers import Assertion, Due, FaultCode, Schedule, Supplier

GRAPHS: Mapping[str, Graph[Any, Any]] = {"feed": FEED_TRANSITIONS}
"""The state graphs of eligibility, by the table whose rows they move; drawn in the README."""

__all__ = [
    "FEED_TRANSITIONS",
    "GRAPHS",
    "NAME_DIFFERS",
    "OUTSIDE_AREA",
    "SEVERAL_CANDIDATES",
    "Accepted",
    "Assertion",
    "Doubt",
    "Doubtful",
    "Due",
    "Fault",
    "FaultCode",
    "FeedAct",
    "FeedKind",
    "FeedRow",
    "FeedState",
    "HukouClaim",
    "NearReason",
    "Rejected",
    "Schedule",
    "StatusClaim",
    "Supplier",
    "Verdict",
    "doubt",
    "judge_rows",
    "may_see",
    "meant",
    "needs_second_person",
    "read_holder",
    "same_name",
    "status_holds",
    "why_not",
]
