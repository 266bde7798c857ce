"""The work list of names and numbers that may mean several persons, and what clerks have decided."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import match_case

_CASE = "case_id, given_sealed, candidates, opened_at, person_id, decided_by, decided_at, version"


async def decided_cases(tx: Reader, pool: str, hashes: Sequence[bytes]) -> Mapping[bytes, Row]:
    """What was decided about names and numbers as written: hash → person_id (null: nobody who is known)."""
    rows = await tx.rows(
        "select given_hash, person_id from match_case "
        "where pool = :pool and given_hash = any(cast(:hashes as bytea[])) and decided_at is not null",
        pool=pool,
        hashes=list(hashes),
    )
    return {row["given_hash"]: row for row in rows}


async def open_cases(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put names and numbers on the work list, those that are not there yet."""
    await tx.insert(match_case, rows, tail="on conflict (pool, given_hash) do nothing")


async def list_cases(tx: Reader, pool: str, after: UUID | None, limit: int) -> Sequence[Row]:
    """The open cases in the order they came; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_CASE} from match_case where pool = :pool and decided_at is null "
        "and (cast(:after as uuid) is null or case_id > :after) order by case_id limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
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
