"""The work list of names and numbers that may mean several persons, and what clerks have decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import match_case

_CASE = (
    "case_id, given_sealed, candidates, opened_at, person_id, decided_by, decided_at, times_used, last_used_at, "
    "withdrawn_by, withdrawn_at, withdrawal_reason, version"
)


async def decided_cases(tx: Reader, pool: str, hashes: Sequence[bytes]) -> Mapping[bytes, Row]:
    """What was decided about names and numbers as written: hash → case_id, person_id (null: nobody who is known). Not
    to be withdrawn before this transaction ends."""
    rows = await tx.rows(
        "select given_hash, case_id, person_id from match_case "
        "where pool = :pool and given_hash = any(cast(:hashes as bytea[])) and decided_at is not null "
        "and withdrawn_at is null order by case_id for update",
        pool=pool,
        hashes=list(hashes),
    )
    return {row["given_hash"]: row for row in rows}


async def listed_hashes(tx: Reader, pool: str, hashes: Sequence[bytes]) -> frozenset[bytes]:
    """Those of these names and numbers as written that stand on the work list, decided or not."""
    rows = await tx.rows(
        "select given_hash from match_case "
        "where pool = :pool and given_hash = any(cast(:hashes as bytea[])) and withdrawn_at is null",
        pool=pool,
        hashes=list(hashes),
    )
    return frozenset(row["given_hash"] for row in rows)


async def open_cases(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put names and numbers on the work list, those that are not there yet."""
    await tx.insert(match_case, rows, tail="on conflict (pool, given_hash) where withdrawn_at is null do nothing")


async def list_cases(tx: Reader, pool: str, after: UUID | None, limit: int, *, decided: bool) -> Sequence[Row]:
    """The open cases, or the decisions, in the order they came; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_CASE} from match_case where pool = :pool and (decided_at is not null) = :decided "
        "and (cast(:after as uuid) is null or case_id > :after) order by case_id limit :limit",
        pool=pool,
        decided=decided,
        after=after,
        limit=limit + 1,
    )


async def count_uses(tx: Writer, pool: str, case_ids: Sequence[UUID], at: datetime) -> None:
    """Count that decisions were reused, once for each time an id is given."""
    await tx.execute(
        "update match_case c set times_used = times_used + used.times, last_used_at = :at "
        "from (select case_id, count(*) as times from unnest(cast(:case_ids as uuid[])) as one (case_id) "
        "  group by case_id) used where c.pool = :pool and c.case_id = used.case_id",
        pool=pool,
        case_ids=list(case_ids),
        at=at,
    )


async def set_withdrawn(tx: Writer, pool: str, case_id: UUID, by: str, at: datetime, reason: str) -> None:
    """A decision holds no longer."""
    await tx.execute(
        "update match_case set withdrawn_by = :by, withdrawn_at = :at, withdrawal_reason = :reason, version = 3 "
        "where pool = :pool and case_id = :case_id",
        pool=pool,
        case_id=case_id,
        by=by,
        at=at,
        reason=reason,
    )


async def lock_case(tx: Writer, pool: str, case_id: UUID) -> Row | None:
    """One case, its row locked."""
    return await tx.row(
        f"select {_CASE} from match_case where pool = :pool and case_id = :case_id for update",
        pool=pool,
        case_id=case_id,
    )


async def set_decision(tx: Writer, pool: str, case_id: UUID, person_id: UUID | None, by: str, at: datetime) -> None:
    """Note whom a locked case means; None: nobody who is known."""
    await tx.execute(
        "update match_case set person_id = :person_id, decided_by = :by, decided_at = :at, version = 2 "
        "where pool = :pool and case_id = :case_id",
        pool=pool,
        case_id=case_id,
        person_id=person_id,
        by=by,
        at=at,
    )
