"""Invariants: named queries that must find nothing. Each service lists its own; they run after tests, by
`make verify`, over `GET /v1/invariants`, and nightly in production.

Alarms are of the same kind, but about people: what waits for somebody longer than it may, by the business clock. They
are asked for over `GET /v1/alarms`, and break nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .database import Reader


@dataclass(frozen=True)
class Invariant:
    """A query that must find nothing. Its rows begin with `pool` and name what is wrong in `subject`.

    Where `pools` is a query for pools, `sql` is about `:pool` and is asked of each of them.
    """

    name: str
    meaning: str
    sql: str
    pools: str = ""


def alarm(name: str, meaning: str, found: str, *, since: str, limit: timedelta) -> Invariant:
    """An alarm: `found` selects `pool` and `subject` with a condition; `since` is the instant from which it counts."""
    age = f"{since} < cast(:now as timestamptz) - interval '{limit.total_seconds():.0f} seconds'"
    return Invariant(name, meaning, f"{found} and {age}")


@dataclass(frozen=True)
class Finding:
    """What an invariant found: how many rows, and the first few."""

    name: str
    meaning: str
    found: int
    sample: list[str]


async def check(tx: Reader, invariants: Sequence[Invariant], **given: Any) -> list[Finding]:
    """Run every invariant; a finding for each, `found` 0 where all is well. Alarms are given `now`."""
    findings = []
    for invariant in invariants:
        found, sample = 0, []
        for of in [{"pool": row["pool"]} for row in await tx.rows(invariant.pools)] if invariant.pools else [{}]:
            rows = await tx.rows(
                f"with broken as ({invariant.sql}) "
                "select pool || '/' || cast(subject as text) as place, count(*) over () as found from broken limit 5",
                **(given | of),
            )
            found += rows[0]["found"] if rows else 0
            sample += [row["place"] for row in rows]
        findings.append(Finding(invariant.name, invariant.meaning, found, sample[:5]))
    return findings
