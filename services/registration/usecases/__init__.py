"""What registration can do: one function per use case, its transactions in plain sight."""

from .cases import decide_case, list_cases, read_case
from .enrolments import enrol_one
from .packages import draft_package, list_schemes, publish_package, read_scheme
from .payments import learn_payments
from .preview import preview
from .reading import (
    list_assessments,
    list_covers,
    list_enrolments,
    progress,
    read_assessment,
    read_enrolment,
)
from .registration import Registration
from .rosters import hand_in_roster, list_roster_rows, list_rosters, read_returned_rows, read_roster
from .statuses import prepare_statuses
from .taking import take_waiting_roster
from .units import list_units, make_unit

__all__ = [
    "Registration",
    "decide_case",
    "draft_package",
    "enrol_one",
    "hand_in_roster",
    "learn_payments",
    "list_assessments",
    "list_cases",
    "list_covers",
    "list_enrolments",
    "list_roster_rows",
    "list_rosters",
    "list_schemes",
    "list_units",
    "make_unit",
    "prepare_statuses",
    "preview",
    "progress",
    "publish_package",
    "read_assessment",
    "read_case",
    "read_enrolment",
    "read_returned_rows",
    "read_roster",
    "read_scheme",
    "take_waiting_roster",
]
