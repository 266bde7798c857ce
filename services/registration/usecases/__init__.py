"""What registration can do: one function per use case, its transactions in plain sight."""

from .cases import decide_case, list_cases, read_case
from .correcting import correct_enrolled
from .dry_runs import (
    cancel_dry_run,
    export_dry_run_changes,
    export_dry_run_sums,
    list_dry_run_changes,
    list_dry_runs,
    read_dry_run,
    start_dry_run,
)
from .duplicates import list_duplicate_cover
from .enrolments import enrol_one, reassess_enrolment
from .explaining import explain_assessment, package_language, read_explanation
from .judging import judge_dry_run
from .packages import (
    draft_package,
    list_package_versions,
    list_schemes,
    publish_package,
    read_package_source,
    read_package_version,
    read_scheme,
    validate_package,
    withdraw_package,
)
from .payments import learn_payments
from .preview import preview_assessment
from .reading import (
    list_assessments,
    list_covers,
    list_enrolments,
    progress,
    read_assessment,
    read_enrolment,
)
from .registration import Registration
from .retained import RETAINED
from .rosters import hand_in_roster, list_roster_rows, list_rosters, read_returned_rows, read_roster
from .statuses import prepare_statuses
from .taking import take_waiting_roster
from .units import list_units, make_unit

__all__ = [
    "RETAINED",
    "Registration",
    "cancel_dry_run",
    "correct_enrolled",
    "decide_case",
    "draft_package",
    "enrol_one",
    "explain_assessment",
    "export_dry_run_changes",
    "export_dry_run_sums",
    "hand_in_roster",
    "judge_dry_run",
    "learn_payments",
    "list_assessments",
    "list_cases",
    "list_covers",
    "list_dry_run_changes",
    "list_dry_runs",
    "list_duplicate_cover",
    "list_enrolments",
    "list_package_versions",
    "list_roster_rows",
    "list_rosters",
    "list_schemes",
    "list_units",
    "make_unit",
    "package_language",
    "prepare_statuses",
    "preview_assessment",
    "progress",
    "publish_package",
    "read_assessment",
    "read_case",
    "read_dry_run",
    "read_enrolment",
    "read_explanation",
    "read_package_source",
    "read_package_version",
    "read_returned_rows",
    "read_roster",
    "read_scheme",
    "reassess_enrolment",
    "start_dry_run",
    "take_waiting_roster",
    "validate_package",
    "withdraw_package",
]
