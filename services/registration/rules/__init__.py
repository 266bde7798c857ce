"""The pure part of registration: no I/O, no clock.

Read `facts` (what is told of a person) → `package` (what a notice states) and `who` (of whom) → `assess` and what it
names → `verdict` (what is answered) → `explaining` (why) → `payable` (when it is paid) → `revision` (what later news
change).
"""

from .assess import assess
from .cover import split_by_year
from .duplicates import Duplicate, OwnCover, Preference, check_order, duplicates
from .explaining import Outcome, Step, Subject, explain, explain_issued
from .facts import EnrolmentKind, Facts, GivenStatus
from .package import Package, RuleIds, Sentence, Span, Window
from .payable import assessment_day, bill_window, cover_when_paid, status_day
from .revision import Case, CaseKind, Held, Revised, RevisionReason, Standing, Withdrawn, reassess, review
from .states import GRAPHS
from .verdict import Accepted, Line, NotApplied, NotAppliedReason, Reason, Refused, merged
from .window import next_open_day, window_refusal

__all__ = [
    "GRAPHS",
    "Accepted",
    "Case",
    "CaseKind",
    "Duplicate",
    "EnrolmentKind",
    "Facts",
    "GivenStatus",
    "Held",
    "Line",
    "NotApplied",
    "NotAppliedReason",
    "Outcome",
    "OwnCover",
    "Package",
    "Preference",
    "Reason",
    "Refused",
    "Revised",
    "RevisionReason",
    "RuleIds",
    "Sentence",
    "Span",
    "Standing",
    "Step",
    "Subject",
    "Window",
    "Withdrawn",
    "assess",
    "assessment_day",
    "bill_window",
    "check_order",
    "cover_when_paid",
    "duplicates",
    "explain",
    "explain_issued",
    "merged",
    "next_open_day",
    "reassess",
    "review",
    "split_by_year",
    "status_day",
    "window_refusal",
]
