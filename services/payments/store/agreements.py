"""SQL about agreements to withhold (代扣协议) and the persons they pay for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import agreement, agreement_person

AGREEMENT = (
    "pool, agreement_id, region, institution, agreement_no, payer_name, payer_id, account_masked, signed_on, "
    "valid_until, state, recorded_by, recorded_at, withdrawn_by, withdrawn_at, note, version"
)
_SHOWN = (
    f"select {AGREEMENT}, (select array_agg(p.person_id order by p.person_id) from agreement_person as p "
    "where p.pool = :pool and p.agreement_id = agreement.agreement_id) as person_ids from agreement"
)


async def insert_agreements(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert agreements whose number is new with their bank; the identifiers of those that were."""
    stored = await tx.insert(
        agreement,
        rows,
        tail="on conflict (pool, institution, agreement_no) do nothing returning agreement_id",
    )
    return {row["agreement_id"] for row in stored}


async def by_number(tx: Reader, pool: str, numbers: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Row]:
    """Agreements by institution and number, with their sealed accounts."""
    rows = await tx.rows(
        f"select {', '.join(f'a.{name.strip()}' for name in AGREEMENT.split(','))}, a.account, "
        "(select array_agg(p.person_id order by p.person_id) from agreement_person as p where p.pool = :pool "
        "and p.agreement_id = a.agreement_id) as person_ids from agreement as a "
        "join unnest(cast(:institutions as text[]), cast(:numbers as text[])) as named (institution, agreement_no) "
        "on named.institution = a.institution and named.agreement_no = a.agreement_no where a.pool = :pool",
        pool=pool,
        institutions=[institution for institution, _ in numbers],
        numbers=[number for _, number in numbers],
    )
    return {(row["institution"], row["agreement_no"]): row for row in rows}


async def lock_persons(tx: Writer, pool: str, person_ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
    """The agreement that stands for each of these persons, kept from being withdrawn until this transaction ends."""
    rows = await tx.rows(
        "select person_id, agreement_id from agreement_person where pool = :pool and standing "
        "and person_id = any(cast(:ids as uuid[])) order by person_id for share",
        pool=pool,
        ids=sorted(set(person_ids)),
    )
    return {row["person_id"]: row["agreement_id"] for row in rows}


async def insert_persons(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> int:
    """Put down for whom agreements pay; how many. Left out is who has another agreement that stands."""
    tail = "on conflict (pool, person_id) where standing do nothing returning person_id"
    return len(await tx.insert(agreement_person, rows, tail=tail))


async def list_agreements(
    tx: Reader, pool: str, area: str, *, after: UUID | None, limit: int, person_id: UUID | None, state: str | None
) -> Sequence[Row]:
    """Agreements inside an area, in the order in which they were recorded; `limit` + 1 rows."""
    return await tx.rows(
        f"{_SHOWN} where pool = :pool and region like :area "
        "and (cast(:after as uuid) is null or agreement_id > :after) "
        "and (cast(:state as text) is null or state = :state) "
        "and (cast(:person_id as uuid) is null or exists (select 1 from agreement_person as p "
        "where p.pool = :pool and p.agreement_id = agreement.agreement_id and p.person_id = :person_id)) "
        "order by agreement_id limit :limit",
        pool=pool,
        area=f"{area}%",
        after=after,
        limit=limit + 1,
        person_id=person_id,
        state=state,
    )


async def find_agreement(tx: Reader, pool: str, agreement_id: UUID) -> Row | None:
    """One agreement, its account masked."""
    return await tx.row(
        f"{_SHOWN} where pool = :pool and agreement_id = :agreement_id", pool=pool, agreement_id=agreement_id
    )


async def lock_agreement(tx: Writer, pool: str, agreement_id: UUID) -> Row | None:
    """One agreement, locked."""
    return await tx.row(
        f"select {AGREEMENT} from agreement where pool = :pool and agreement_id = :agreement_id for update",
        pool=pool,
        agreement_id=agreement_id,
    )


async def withdraw(
    tx: Writer, pool: str, agreement_id: UUID, state: str, *, by: str, at: datetime, note: str | None
) -> None:
    """Withdraw a locked agreement; its persons are free for another."""
    await tx.execute(
        "update agreement set state = :state, withdrawn_by = :by, withdrawn_at = :at, note = :note, "
        "version = version + 1 where pool = :pool and agreement_id = :agreement_id",
        pool=pool,
        agreement_id=agreement_id,
        state=state,
        by=by,
        at=at,
        note=note,
    )
    await tx.execute(
        "update agreement_person set standing = false where pool = :pool and agreement_id = :agreement_id",
        pool=pool,
        agreement_id=agreement_id,
    )
