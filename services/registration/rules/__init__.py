"""The pure part of registration: no I/O, no clock.

Read `facts` (what is told of a person) → `package` (what a notice states) → `assess` → `verdict` (what is answered).
"""

from .assess import assess
from .cover import split_by_year
from .facts import EnrolmentKind, Facts, GivenStatus
from .package import Package, RuleIds, Span, Window
from .verdict import Accepted, Line, NotApplied, NotAppliedReason, Reason, Refused, merged
from .window import assessment_day, next_open_day, window_refusal

__all__ = [
    "Accepted",
    "EnrolmentKind",
    "Facts",
    "GivenStatus",
    "Line",
    "NotApplied",
    "NotAppliedReason",
    "Package",
    "Reason",
    "Refused",
    "RuleIds",
    "Span",
    "Window",
    "assess",
    "assessment_day",
    "merged",
    "next_open_day",
    "split_by_year",
    "window_refusal",
]
