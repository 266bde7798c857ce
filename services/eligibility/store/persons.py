"""Persons, the documents that name them, and where their hukou lies."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import hukou

# Sets of keys are looked up by `lateral … offset 0`, one step into an index for each: left to itself, a planner without
# fresh statistics (after a large list) compares every row of the pool with every key.


async def persons_by_number(tx: Reader, pool: str, kind: str, hashes: Sequence[bytes]) -> dict[bytes, Row]:
    """Whom the register knows under these numbers: hash → person_id, name_sealed."""
    rows = await tx.rows(
        "select asked.number_hash, p.person_id, p.name_sealed "
        "from unnest(cast(:hashes as bytea[])) as asked (number_hash) "
        "cross join lateral (select person_id from identity_document d "
        "  where d.pool = :pool and d.type = :kind and d.number_hash = asked.number_hash offset 0) d "
        "cross join lateral (select person_id, name_sealed from person p "
        "  where p.pool = :pool and p.person_id = d.person_id offset 0) p",
        pool=pool,
        kind=kind,
        hashes=list(hashes),
    )
    return {row["number_hash"]: row for row in rows}


async def insert_persons(
    tx: Writer, pool: str, kind: str, at: datetime, rows: Sequence[Mapping[str, Any]]
) -> set[UUID]:
    """Insert persons whose number nobody has yet, each with its document; the ids that were taken up.

    Where another transaction inserts the same number at once, the first to commit wins and the other's row is left
    out. Numbers go in ascending order, so that two such transactions never wait in a ring.
    """
    stored = await tx.rows(
        "with candidate as (select * from unnest(cast(:person_ids as uuid[]), cast(:birth_dates as date[]), "
        "  cast(:sexes as text[]), cast(:names as bytea[]), cast(:document_ids as uuid[]), cast(:hashes as bytea[]), "
        "  cast(:numbers as bytea[])) "
        "  as c (person_id, birth_date, sex, name_sealed, document_id, number_hash, number_sealed)), "
        "named as (insert into identity_document "
        "  (pool, document_id, person_id, type, number_hash, number_sealed, recorded_at) "
        "  select :pool, document_id, person_id, :kind, number_hash, number_sealed, :at from candidate "
        "  order by number_hash on conflict (pool, type, number_hash) do nothing returning person_id) "
        "insert into person (pool, person_id, birth_date, sex, name_sealed, version, recorded_at) "
        "select :pool, person_id, birth_date, sex, name_sealed, 1, :at from candidate join named using (person_id) "
        "returning person_id",
        pool=pool,
        kind=kind,
        at=at,
        person_ids=[row["person_id"] for row in rows],
        birth_dates=[row["birth_date"] for row in rows],
        sexes=[row["sex"] for row in rows],
        names=[row["name_sealed"] for row in rows],
        document_ids=[row["document_id"] for row in rows],
        hashes=[row["number_hash"] for row in rows],
        numbers=[row["number_sealed"] for row in rows],
    )
    return {row["person_id"] for row in stored}


async def read_persons(
    tx: Reader, pool: str, person_ids: Sequence[UUID], as_of: date, known_at: datetime
) -> dict[UUID, Row]:
    """Persons by id, with their document, the place of their hukou on a day and the day they died, both as known at an
    instant; unknown ids are left out."""
    rows = await tx.rows(
        "select p.person_id, p.birth_date, p.sex, p.name_sealed, p.version, d.document_id, d.type, d.number_sealed, "
        "h.region as hukou, h.since as hukou_since, s.deceased_on "
        "from unnest(cast(:person_ids as uuid[])) as asked (person_id) "
        "cross join lateral (select * from person p "
        "  where p.pool = :pool and p.person_id = asked.person_id offset 0) p "
        "cross join lateral (select document_id, type, number_sealed from identity_document d "
        "  where d.pool = :pool and d.person_id = asked.person_id order by recorded_at, document_id limit 1) d "
        "left join lateral (select region, since from hukou h join feed f on f.pool = :pool and f.feed_id = h.feed_id "
        "  where h.pool = :pool and h.person_id = asked.person_id and (h.since is null or h.since <= :as_of) "
        "  and h.recorded_at <= :known_at and (f.withdrawn_at is null or f.withdrawn_at > :known_at) "
        "  order by h.since desc nulls last, f.list_day desc, f.serial desc, h.feed_id desc, h.row_no desc limit 1) h "
        "  on true "
        "cross join lateral (select min(valid_from) as deceased_on from status s where s.pool = :pool "
        "  and s.person_id = asked.person_id and s.code = 'deceased' and s.recorded_at <= :known_at "
        "  and (s.withdrawn_at is null or s.withdrawn_at > :known_at)) s",
        as_of=as_of,
        known_at=known_at,
        pool=pool,
        person_ids=list(person_ids),
    )
    return {row["person_id"]: row for row in rows}


async def raise_versions(tx: Writer, pool: str, person_ids: Sequence[UUID]) -> None:
    """Raise the version of persons about whom something else is answered now."""
    await tx.execute(
        "update person p set version = version + 1 from unnest(cast(:person_ids as uuid[])) as changed (person_id) "
        "where p.pool = :pool and p.person_id = changed.person_id",
        pool=pool,
        person_ids=list(person_ids),
    )


async def hukou_news(tx: Reader, pool: str, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Those of these statements that no list which counts has made before, by the id they are to have."""
    found = await tx.rows(
        "select said.hukou_id from unnest(cast(:hukou_ids as uuid[]), cast(:person_ids as uuid[]), "
        "  cast(:regions as text[]), cast(:households as text[]), cast(:sinces as date[])) "
        "  as said (hukou_id, person_id, region, household_no, since) "
        "where not exists (select from hukou h join feed f on f.pool = :pool and f.feed_id = h.feed_id "
        "  where h.pool = :pool and h.person_id = said.person_id and h.region = said.region "
        "  and (h.household_no, h.since) is not distinct from (said.household_no, said.since) "
        "  and f.withdrawn_at is null)",
        pool=pool,
        hukou_ids=[row["hukou_id"] for row in rows],
        person_ids=[row["person_id"] for row in rows],
        regions=[row["region"] for row in rows],
        households=[row["household_no"] for row in rows],
        sinces=[row["since"] for row in rows],
    )
    return {row["hukou_id"] for row in found}


async def insert_hukou(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert statements, of those that a list makes twice the first; the ids that were taken up."""
    tail = "on conflict on constraint hukou_once do nothing returning hukou_id"
    return {row["hukou_id"] for row in await tx.insert(hukou, rows, tail=tail)}


async def persons_of_supplier(tx: Reader, pool: str, supplier: str, after: UUID | None, limit: int) -> list[UUID]:
    """About whom a supplier has said anything, status or hukou, in ascending order."""
    rows = await tx.rows(
        "(select distinct person_id from status_claim where pool = :pool and supplier = :supplier "
        "  and (cast(:after as uuid) is null or person_id > :after) order by person_id limit :limit) "
        "union (select distinct h.person_id from feed f join hukou h on h.pool = :pool and h.feed_id = f.feed_id "
        "  where f.pool = :pool and f.supplier = :supplier "
        "  and (cast(:after as uuid) is null or h.person_id > :after) order by h.person_id limit :limit) "
        "order by person_id limit :limit",
        pool=pool,
        supplier=supplier,
        after=after,
        limit=limit,
    )
    return [row["person_id"] for row in rows]


async def told_of_hukou(tx: Reader, pool: str, feed_id: UUID, person_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these persons whose hukou a list tells."""
    rows = await tx.rows(
        "select distinct person_id from hukou "
        "where pool = :pool and feed_id = :feed_id and person_id = any(cast(:person_ids as uuid[]))",
        pool=pool,
        feed_id=feed_id,
        person_ids=list(person_ids),
    )
    return {row["person_id"] for row in rows}
