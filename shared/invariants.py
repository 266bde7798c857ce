"""Invariants: named queries that must find nothing. Each service lists its own; they run after tests, by
`make verify`, over `GET /v1/invariants`, and nightly in production."""

from collections.abc import Sequence
from dataclasses import dataclass

from .database import Reader


@dataclass(frozen=True)
class Invariant:
    """A query that must find nothing. Its rows begin with `pool` and name what is wrong in `subject`."""

    name: str
    meaning: str
    sql: str


@dataclass(frozen=True)
class Finding:
    """What an invariant found: how many rows, and the first few."""

    name: str
    meaning: str
    found: int
    sample: list[str]


async def check(tx: Reader, invariants: Sequence[Invariant]) -> list[Finding]:
    """Run every invariant; a finding for each, `found` 0 where all is well."""
    findings = []
    for invariant in invariants:
        rows = await tx.rows(
            f"with broken as ({invariant.sql}) "
            "select pool || '/' || cast(subject as text) as place, count(*) over () as found from broken limit 5"
        )
        findings.append(
            Finding(
                invariant.name,
                invariant.meaning,
                rows[0]["found"] if rows else 0,
                [row["place"] for row in rows],
            )
        )
    return findings
