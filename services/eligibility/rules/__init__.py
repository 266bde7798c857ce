"""What eligibility decides. Pure: no I/O, no clock, no pydantic.

suppliers   what each department may assert, and by when its next list is due
documents   what names a person: each kind's number with its check digit
rows        what a row of a list says, and every fault in it
feeds       a list on its way, and when a full list needs a second person
merging     two records of one human being, and back
statuses    on which days a status holds, what was known of it when, who may see whose
"""

from collections.abc import Mapping
from typing import Any

from shared.graph import Graph

from .documents import DocumentKind, Holder, Shown, document_key, read_document, true_kind
from .erasing import ERASURE_TRANSITIONS, ErasureAct, ErasureState, KeptFor, Known, reasons_to_keep
from .feeds import EVERYTHING, FEED_TRANSITIONS, FeedAct, FeedKind, FeedState, Scope, missing_parts, needs_second_person
from .matching import Doubt, MatchedBy, doubt, meant, meant_by_name
from .merging import MERGE_TRANSITIONS, MergeAct, MergeSource, MergeState, Record, merges_by_itself
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
    number_is_all,
    read_holder,
    same_name,
)
from .statuses import NearReason, may_see, status_holds, why_not
from .suppliers import HOLDER_COLUMNS, Assertion, Due, FaultCode, Schedule, Supplier

GRAPHS: Mapping[str, Graph[Any, Any]] = {
    "feed": FEED_TRANSITIONS,
    "person_merge": MERGE_TRANSITIONS,
    "person_erasure": ERASURE_TRANSITIONS,
}
"""The state graphs of eligibility, by the table whose rows they move; drawn in the README."""

__all__ = [
    "ERASURE_TRANSITIONS",
    "EVERYTHING",
    "FEED_TRANSITIONS",
    "GRAPHS",
    "HOLDER_COLUMNS",
    "MERGE_TRANSITIONS",
    "NAME_DIFFERS",
    "OUTSIDE_AREA",
    "SEVERAL_CANDIDATES",
    "Accepted",
    "Assertion",
    "DocumentKind",
    "Doubt",
    "Doubtful",
    "Due",
    "ErasureAct",
    "ErasureState",
    "Fault",
    "FaultCode",
    "FeedAct",
    "FeedKind",
    "FeedRow",
    "FeedState",
    "Holder",
    "HukouClaim",
    "KeptFor",
    "Known",
    "MatchedBy",
    "MergeAct",
    "MergeSource",
    "MergeState",
    "NearReason",
    "Record",
    "Rejected",
    "Schedule",
    "Scope",
    "Shown",
    "StatusClaim",
    "Supplier",
    "Verdict",
    "document_key",
    "doubt",
    "judge_rows",
    "may_see",
    "meant",
    "meant_by_name",
    "merges_by_itself",
    "missing_parts",
    "needs_second_person",
    "number_is_all",
    "read_document",
    "read_holder",
    "reasons_to_keep",
    "same_name",
    "status_holds",
    "true_kind",
    "why_not",
]
