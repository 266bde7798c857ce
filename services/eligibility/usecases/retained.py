"""What eligibility may erase after some days. Persons and what was said of them are asked about for as long as money
was paid on it; they are no kind."""

from shared.retention.kinds import Kind, files

RETAINED = (
    files(
        "Lists of departments that were taken, declined or withdrawn; what their rows said stays, the rows themselves "
        "and those that went back are gone",
        "select evidence_id from feed where pool = :pool and state in ('taken', 'declined', 'withdrawn') "
        "and greatest(taken_at, decided_at, withdrawn_at) < :before",
    ),
    Kind(
        "matches",
        "Names and doubtful numbers that a clerk has decided upon, when they have not come again since; they are asked "
        "once more if they do",
        365,
        "with gone as materialized (select case_id from match_case where pool = :pool "
        "and greatest(decided_at, last_used_at, withdrawn_at) < :before order by case_id limit :limit "
        "for update skip locked) "
        "delete from match_case known using gone where known.pool = :pool and known.case_id = gone.case_id",
    ),
)
"""Kinds beside those that every service has."""
