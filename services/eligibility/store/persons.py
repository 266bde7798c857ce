"""Persons and the documents that name them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import identity_document
from .hukou import hukou_on
from .merges import KNOWN, NOW, members, survivor

# Sets of keys are looked up by `lateral … offset 0`, one step into an index for each: left to itself, a planner without
# fresh statistics (after a large list) compares every row of the pool with every key.


async def take_numbers_turn(tx: Writer, pool: str) -> None:
    """Wait until no other transaction of the pool that took this turn is under way; held to the end of this one.

    Under one look-up key the unique index settles who records a number. While several are known, processes may write
    under different ones, and what hashes differ for the index does not: they record new numbers in turn.
    """
    await tx.execute(
        "insert into number_turn (pool) values (:pool) on conflict (pool) do update set pool = excluded.pool", pool=pool
    )


async def persons_by_number(tx: Reader, pool: str, documents: Sequence[tuple[str, bytes]]) -> dict[bytes, Row]:
    """Whom the register knows under these documents (kind and hash), by hash: person_id and name_sealed of the record
    that the document (document_id) names, and those of who answers for it (surviving_id, surviving_name)."""
    rows = await tx.rows(
        "select asked.number_hash, d.document_id, p.person_id, p.name_sealed, s.person_id as surviving_id, "
        "  s.name_sealed as surviving_name "
        "from unnest(cast(:kinds as text[]), cast(:hashes as bytea[])) as asked (kind, number_hash) "
        f"cross join lateral (select document_id, person_id, {survivor('d.person_id', NOW)} as surviving_id "
        "  from identity_document d "
        "  where d.pool = :pool and d.type = asked.kind and d.number_hash = asked.number_hash offset 0) d "
        "cross join lateral (select person_id, name_sealed from person p "
        "  where p.pool = :pool and p.person_id = d.person_id offset 0) p "
        "cross join lateral (select person_id, name_sealed from person p "
        "  where p.pool = :pool and p.person_id = d.surviving_id offset 0) s",
        pool=pool,
        kinds=[kind for kind, _ in documents],
        hashes=[number_hash for _, number_hash in documents],
    )
    return {row["number_hash"]: row for row in rows}


async def insert_persons(tx: Writer, pool: str, at: datetime, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert persons whose document nobody has yet, each with it; the ids that were taken up.

    Where another transaction inserts the same number at once, the first to commit wins and the other's row is left
    out. Numbers go in ascending order, so that two such transactions never wait in a ring.
    """
    # First the persons: not every database checks that a document's person is there at the end of the statement.
    await tx.execute(
        "insert into person (pool, person_id, birth_date, sex, name_sealed, name_hash, version, recorded_at) "
        "select :pool, person_id, birth_date, sex, name_sealed, name_hash, 1, :at "
        "from unnest(cast(:person_ids as uuid[]), cast(:birth_dates as date[]), cast(:sexes as text[]), "
        "  cast(:names as bytea[]), cast(:name_hashes as bytea[])) "
        "  as c (person_id, birth_date, sex, name_sealed, name_hash)",
        pool=pool,
        at=at,
        person_ids=[row["person_id"] for row in rows],
        birth_dates=[row["birth_date"] for row in rows],
        sexes=[row["sex"] for row in rows],
        names=[row["name_sealed"] for row in rows],
        name_hashes=[row["name_hash"] for row in rows],
    )
    named = await tx.rows(
        "insert into identity_document "
        "  (pool, document_id, person_id, type, number_hash, number_sealed, recorded_at) "
        "select :pool, document_id, person_id, type, number_hash, number_sealed, :at "
        "from unnest(cast(:person_ids as uuid[]), cast(:document_ids as uuid[]), cast(:types as text[]), "
        "  cast(:hashes as bytea[]), cast(:numbers as bytea[])) "
        "  as c (person_id, document_id, type, number_hash, number_sealed) "
        "order by number_hash on conflict (pool, type, number_hash) do nothing returning person_id",
        pool=pool,
        at=at,
        person_ids=[row["person_id"] for row in rows],
        document_ids=[row["document_id"] for row in rows],
        types=[row["type"] for row in rows],
        hashes=[row["number_hash"] for row in rows],
        numbers=[row["number_sealed"] for row in rows],
    )
    taken = {row["person_id"] for row in named}
    nobody = [row["person_id"] for row in rows if row["person_id"] not in taken]
    if nobody:
        await tx.execute(
            "delete from person where pool = :pool and person_id = any(cast(:ids as uuid[]))", pool=pool, ids=nobody
        )
    return taken


async def insert_document(tx: Writer, row: Mapping[str, Any]) -> bool:
    """One more document of a person, unless somebody has it already; whether it was inserted."""
    tail = "on conflict (pool, type, number_hash) do nothing returning document_id"
    return bool(await tx.insert(identity_document, [row], tail=tail))


async def set_document_days(
    tx: Writer, pool: str, document_id: UUID, valid_from: date | None, valid_to: date | None
) -> None:
    """The days on which a document is valid."""
    await tx.execute(
        "update identity_document set valid_from = :valid_from, valid_to = :valid_to "
        "where pool = :pool and document_id = :document_id",
        pool=pool,
        document_id=document_id,
        valid_from=valid_from,
        valid_to=valid_to,
    )


async def read_persons(
    tx: Reader, pool: str, person_ids: Sequence[UUID], as_of: date, known_at: datetime
) -> dict[UUID, Row]:
    """Persons by the id asked for; unknown ids are left out. Whoever answered for that id at the instant is shown, with
    the document that names it, the place of the hukou on a day and the day of death, as known then.

    A number of the person's own names it rather than the mother's.
    """
    rows = await tx.rows(
        "select asked.person_id as asked_id, p.person_id, p.birth_date, p.sex, p.name_sealed, p.version, "
        "d.document_id, d.type, d.number_sealed, h.region as hukou, h.since as hukou_since, s.deceased_on, "
        "array_remove(who.members, who.surviving_id) as merged_ids "
        "from unnest(cast(:person_ids as uuid[])) as asked (person_id) "
        f"cross join lateral (select {survivor('asked.person_id', KNOWN)} as surviving_id offset 0) one "
        f"cross join lateral (select one.surviving_id, {members('one.surviving_id', KNOWN)} as members offset 0) who "
        "cross join lateral (select * from person p "
        "  where p.pool = :pool and p.person_id = who.surviving_id offset 0) p "
        "cross join lateral (select document_id, type, number_sealed from identity_document d "
        "  where d.pool = :pool and d.person_id = any(who.members) "
        "  order by d.type = 'newborn', d.person_id <> who.surviving_id, recorded_at, document_id limit 1) d "
        f"left join lateral ({hukou_on('who.members', 'h.region, h.since')}) h on true "
        "cross join lateral (select min(valid_from) as deceased_on from status s where s.pool = :pool "
        "  and s.person_id = who.surviving_id and s.code = 'deceased' and s.recorded_at <= :known_at "
        "  and (s.withdrawn_at is null or s.withdrawn_at > :known_at)) s",
        as_of=as_of,
        known_at=known_at,
        pool=pool,
        person_ids=list(person_ids),
    )
    return {row["asked_id"]: row for row in rows}


async def answered_by_others(
    tx: Reader, pool: str, person_ids: Sequence[UUID], known_at: datetime
) -> dict[UUID, UUID | None]:
    """Of these persons those whom the register does not know (None), and those for whom somebody else answered."""
    rows = await tx.rows(
        "select asked.person_id, p.person_id as surviving_id "
        "from unnest(cast(:person_ids as uuid[])) as asked (person_id) "
        f"cross join lateral (select {survivor('asked.person_id', KNOWN)} as surviving_id offset 0) one "
        "left join lateral (select person_id from person p "
        "  where p.pool = :pool and p.person_id = one.surviving_id offset 0) p on true "
        "where p.person_id is distinct from asked.person_id",
        pool=pool,
        person_ids=list(person_ids),
        known_at=known_at,
    )
    return {row["person_id"]: row["surviving_id"] for row in rows}


async def documents_of(tx: Reader, pool: str, person_ids: Sequence[UUID]) -> Sequence[Row]:
    """The documents that name these records, in the order in which they came."""
    return await tx.rows(
        "select document_id, person_id, type, number_hash, number_sealed, valid_from, valid_to, recorded_at "
        "from identity_document where pool = :pool and person_id = any(cast(:person_ids as uuid[])) "
        "order by recorded_at, document_id",
        pool=pool,
        person_ids=list(person_ids),
    )


async def documents_with_holders(tx: Reader, pool: str, document_ids: Sequence[UUID]) -> Sequence[Row]:
    """Documents with the birth date and sex of the record each names, and whether it is the one that named it first."""
    return await tx.rows(
        "select d.document_id, d.person_id, d.type, d.number_hash, p.birth_date, p.sex, "
        "  d.document_id = (select f.document_id from identity_document f where f.pool = :pool "
        "  and f.person_id = d.person_id order by f.recorded_at, f.document_id limit 1) as is_first "
        "from unnest(cast(:document_ids as uuid[])) as asked (document_id) "
        "join identity_document d on d.pool = :pool and d.document_id = asked.document_id "
        "join person p on p.pool = :pool and p.person_id = d.person_id",
        pool=pool,
        document_ids=list(document_ids),
    )


async def lock_person(tx: Writer, pool: str, person_id: UUID) -> Row | None:
    """One record, locked."""
    return await tx.row(
        "select person_id, birth_date, sex, name_sealed, version from person "
        "where pool = :pool and person_id = :person_id for update",
        pool=pool,
        person_id=person_id,
    )


async def persons_by_name(tx: Reader, pool: str, asked: Sequence[tuple[bytes, date]]) -> Sequence[Row]:
    """Whom the register knows under these names (by hash) and birth dates: name_hash, birth_date, surviving_id and the
    hukou as known now. Who has turned out to be one with somebody else is shown once."""
    return await tx.rows(
        "select distinct on (asked.name_hash, asked.birth_date, p.surviving_id) asked.name_hash, asked.birth_date, "
        "  p.surviving_id, h.region as hukou "
        "from unnest(cast(:hashes as bytea[]), cast(:births as date[])) as asked (name_hash, birth_date) "
        f"cross join lateral (select {survivor('p.person_id', NOW)} as surviving_id from person p "
        "  where p.pool = :pool and p.name_hash = asked.name_hash and p.birth_date = asked.birth_date offset 0) p "
        f"left join lateral (select region from unnest({members('p.surviving_id', NOW)}) as member (person_id) "
        "  cross join lateral (select * from hukou h where h.pool = :pool and h.person_id = member.person_id "
        "    and h.withdrawn_at is null offset 0) h "
        "  join feed f on f.pool = :pool and f.feed_id = h.feed_id where f.withdrawn_at is null "
        "  order by h.since desc nulls last, f.list_day desc, f.serial desc, h.feed_id desc, h.row_no desc limit 1) h "
        "  on true order by 1, 2, 3",
        pool=pool,
        hashes=[name_hash for name_hash, _ in asked],
        births=[birth_date for _, birth_date in asked],
    )


async def unhashed_persons(tx: Reader, limit: int) -> Sequence[Row]:
    """Records whose name cannot be found by its hash yet."""
    return await tx.rows(
        "select pool, person_id, name_sealed from person where name_hash is null order by pool, person_id limit :limit",
        limit=limit,
    )


async def set_name_hashes(tx: Writer, rows: Sequence[tuple[str, UUID, bytes]]) -> None:
    """Make names findable: pool, record, hash."""
    await tx.execute(
        "update person p set name_hash = found.name_hash from unnest(cast(:pools as text[]), "
        "  cast(:person_ids as uuid[]), cast(:hashes as bytea[])) as found (pool, person_id, name_hash) "
        "where p.pool = found.pool and p.person_id = found.person_id and p.name_hash is null",
        pools=[pool for pool, _, _ in rows],
        person_ids=[person_id for _, person_id, _ in rows],
        hashes=[name_hash for _, _, name_hash in rows],
    )


async def raise_versions(tx: Writer, pool: str, person_ids: Sequence[UUID]) -> None:
    """Raise the version of persons about whom something else is answered now."""
    await tx.execute(
        "update person p set version = version + 1 from unnest(cast(:person_ids as uuid[])) as changed (person_id) "
        "where p.pool = :pool and p.person_id = changed.person_id",
        pool=pool,
        person_ids=list(person_ids),
    )
