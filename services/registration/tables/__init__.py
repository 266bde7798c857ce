"""Tables of registration: the last line of defence. `pool` comes first in every key.

    package_version ─┬── package_run            a version over everybody who is enrolled: what it changes
                     │     └── _change · _sum · _refusal
    unit ── roster ──┼── roster_row            who was handed in, and what became of each row
                     └── enrolment ── assessment ── assessment_line
                              │         │           who is enrolled, what is due and who pays it (frozen)
                              │         └── status_case     news that a person decides on, or that are only noted
                              └── cover             the days of one person in one calendar year
    person_alias                                    who answers for a person, as eligibility tells it
    refusal                                         one row per person and reason, for the season's count

Names and identity numbers stand in none of them: rows refer to `person_id`, the rosters themselves are sealed evidence.
"""

from .enrolments import assessment, assessment_line, cover, enrolment, person_alias, status_case
from .metadata import metadata
from .packages import package_run, package_run_change, package_run_refusal, package_run_sum, package_version
from .rosters import refusal, roster, roster_row, unit

__all__ = [
    "assessment",
    "assessment_line",
    "cover",
    "enrolment",
    "metadata",
    "package_run",
    "package_run_change",
    "package_run_refusal",
    "package_run_sum",
    "package_version",
    "person_alias",
    "refusal",
    "roster",
    "roster_row",
    "status_case",
    "unit",
]
