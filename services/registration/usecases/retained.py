"""What registration may erase after some days."""

from shared.retention.kinds import files

RETAINED = (
    files(
        "Rosters that were taken; what became of their rows stays, the rows themselves are gone",
        "select evidence_id from roster where pool = :pool and state = 'taken' and taken_at < :before",
    ),
)
"""Kinds beside those that every service has."""
