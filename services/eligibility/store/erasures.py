"""Requests to erase a person's name and numbers, what speaks against it, and the erasure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import person_erasure

_ERASURE = "pool, erasure_id, person_id, state, reason, requested_by, requested_at, decided_by, decided_at, version"

_BLANKS = "unnest(cast(:ids as uuid[]), cast(:sealed as bytea[]), cast(:hashes as bytea[])) as n (id, sealed, hash)"


@dataclass(frozen=True)
class Blank:
    """What a row has instead: an empty value, and a hash that nothing has."""

    id: UUID
    sealed: bytes
    hash: bytes


async def insert_request(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Keep a request, unless one for the person waits; whether it was kept."""
    tail = "on conflict (pool, person_id) where state = 'requested' do nothing returning erasure_id"
    return bool(await tx.insert(person_erasure, [row], tail=tail))


async def find_request(tx: Reader, pool: str, erasure_id: UUID) -> Row | None:
    """One request."""
    return await tx.row(
        f"select {_ERASURE} from person_erasure where pool = :pool and erasure_id = :erasure_id",
        pool=pool,
        erasure_id=erasure_id,
    )


async def lock_request(tx: Writer, pool: str, erasure_id: UUID) -> Row | None:
    """One request, its row locked."""
    return await tx.row(
        f"select {_ERASURE} from person_erasure where pool = :pool and erasure_id = :erasure_id for update",
        pool=pool,
        erasure_id=erasure_id,
    )


async def list_requests(tx: Reader, pool: str, state: str | None, after: UUID | None, limit: int) -> Sequence[Row]:
    """Requests in the order they came; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_ERASURE} from person_erasure where pool = :pool "
        "and (cast(:state as text) is null or state = :state) "
        "and (cast(:after as uuid) is null or erasure_id > :after) order by erasure_id limit :limit",
        pool=pool,
        state=state,
        after=after,
        limit=limit + 1,
    )


async def set_decided(tx: Writer, pool: str, erasure_id: UUID, state: str, by: str, at: datetime) -> None:
    """What became of a locked request."""
    await tx.execute(
        "update person_erasure set state = :state, decided_by = :by, decided_at = :at, version = version + 1 "
        "where pool = :pool and erasure_id = :erasure_id",
        pool=pool,
        erasure_id=erasure_id,
        state=state,
        by=by,
        at=at,
    )


async def lock_records(tx: Writer, pool: str, person_ids: Sequence[UUID]) -> None:
    """Lock records: nobody adds a document or a statement to them until this transaction ends."""
    await tx.rows(
        "select person_id from person where pool = :pool and person_id = any(cast(:ids as uuid[])) "
        "order by person_id for update",
        pool=pool,
        ids=list(person_ids),
    )


async def what_is_known(tx: Reader, pool: str, person_ids: Sequence[UUID], today: date) -> Row:
    """What speaks for keeping the data of these records: holds_status, merge_waits, match_waits, last_recorded_at."""
    ids = "any(cast(:ids as uuid[]))"
    row = await tx.row(
        f"select exists (select from status where pool = :pool and person_id = {ids} and withdrawn_at is null "
        "  and code <> 'deceased' and (valid_to is null or valid_to >= :today)) as holds_status, "
        f"exists (select from person_merge where pool = :pool and (merged_id = {ids} or surviving_id = {ids}) "
        "  and state in ('told', 'proposed', 'disputed')) as merge_waits, "
        "exists (select from match_case where pool = :pool and decided_at is null "
        "  and jsonb_exists_any(candidates, cast(:texts as text[]))) as match_waits, "
        f"greatest((select max(recorded_at) from person where pool = :pool and person_id = {ids}), "
        f"  (select max(recorded_at) from identity_document where pool = :pool and person_id = {ids}), "
        f"  (select max(greatest(recorded_at, withdrawn_at)) from status where pool = :pool and person_id = {ids}), "
        f"  (select max(recorded_at) from hukou where pool = :pool and person_id = {ids})) as last_recorded_at",
        pool=pool,
        ids=list(person_ids),
        texts=[str(person_id) for person_id in person_ids],
        today=today,
    )
    assert row is not None
    return row


async def cases_of(tx: Reader, pool: str, person_ids: Sequence[UUID]) -> Sequence[UUID]:
    """The decided cases of the work list that name one of these records."""
    rows = await tx.rows(
        "select case_id from match_case where pool = :pool and jsonb_exists_any(candidates, cast(:texts as text[])) "
        "order by case_id for update",
        pool=pool,
        texts=[str(person_id) for person_id in person_ids],
    )
    return [row["case_id"] for row in rows]


async def blank_names(tx: Writer, pool: str, rows: Sequence[Blank]) -> None:
    """Replace the names of records."""
    await tx.execute(
        f"update person p set name_sealed = n.sealed, name_hash = n.hash from {_BLANKS} "
        "where p.pool = :pool and p.person_id = n.id",
        pool=pool,
        **_values(rows),
    )


async def blank_numbers(tx: Writer, pool: str, rows: Sequence[Blank]) -> None:
    """Replace the numbers of documents."""
    await tx.execute(
        f"update identity_document d set number_sealed = n.sealed, number_hash = n.hash from {_BLANKS} "
        "where d.pool = :pool and d.document_id = n.id",
        pool=pool,
        **_values(rows),
    )


async def blank_cases(tx: Writer, pool: str, rows: Sequence[Blank]) -> None:
    """Replace names and numbers of the work list."""
    await tx.execute(
        f"update match_case c set given_sealed = n.sealed, given_hash = n.hash from {_BLANKS} "
        "where c.pool = :pool and c.case_id = n.id",
        pool=pool,
        **_values(rows),
    )


def _values(rows: Sequence[Blank]) -> dict[str, Any]:
    return {
        "ids": [row.id for row in rows],
        "sealed": [row.sealed for row in rows],
        "hashes": [row.hash for row in rows],
    }
