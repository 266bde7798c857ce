"""The pure part of registration: no I/O, no clock.

Read `facts` (what is told of a person) → `package` (what a notice states) → `assess` → `verdict` (what is answered) →
`revision` (what later news change).
"""

from .assess import assess
from .cover import split_by_year
from .facts import EnrolmentKind, Facts, GivenStatus
from .package import Package, RuleIds, Span, Window
from .revision import Case, CaseKind, Held, Revised, RevisionReason, Standing, Withdrawn, review
from .verdict import Accepted, Line, NotApplied, NotAppliedReason, Reason, Refused, merged
from .window import assessment_day, next_open_day, window_refusal

__all__ = [
    "Accepted",
    "Case",
    "CaseKind",
    "EnrolmentKind",
    "Facts",
    "GivenStatus",
    "Held",
    "Line",
    "NotApplied",
    "NotAppliedReason",
    "Package",
    "Reason",
    "Refused",
    "Revised",
    "RevisionReason",
    "RuleIds",
    "Span",
    "Standing",
    "Window",
    "Withdrawn",
    "assess",
    "assessment_day",
    "merged",
    "next_open_day",
    "review",
    "split_by_year",
    "window_refusal",
]
