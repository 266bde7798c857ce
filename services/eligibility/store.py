"""Every SQL statement of eligibility. Each function works on a pool, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from .tables import feed, feed_rejection, hukou, status

_FEED = (
    "pool, feed_id, supplier, file_name, sha256, size_bytes, evidence_id, state, "
    "rows_total, rows_accepted, rows_rejected, received_by, received_at, taken_at"
)


# Feeds


async def find_feed(tx: Reader, pool: str, feed_id: UUID) -> Row | None:
    """One feed."""
    return await tx.row(
        f"select {_FEED} from feed where pool = :pool and feed_id = :feed_id", pool=pool, feed_id=feed_id
    )


async def find_feed_of_bytes(tx: Reader, pool: str, supplier: str, sha256: str) -> Row | None:
    """The feed in which a supplier handed over exactly these bytes."""
    return await tx.row(
        f"select {_FEED} from feed where pool = :pool and supplier = :supplier and sha256 = :sha256",
        pool=pool,
        supplier=supplier,
        sha256=sha256,
    )


async def list_feeds(tx: Reader, pool: str, after: UUID | None, limit: int) -> Sequence[Row]:
    """Feeds of the pool in the order they came; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_FEED} from feed where pool = :pool and (cast(:after as uuid) is null or feed_id > :after) "
        "order by feed_id limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
    )


async def insert_feed(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Insert a feed unless the supplier has handed over the same bytes before; whether it was inserted."""
    tail = "on conflict (pool, supplier, sha256) do nothing returning feed_id"
    return bool(await tx.insert(feed, [row], tail=tail))


async def set_evidence(tx: Writer, pool: str, feed_id: UUID, evidence_id: UUID) -> None:
    """Tie a new feed to its bytes."""
    await tx.execute(
        "update feed set evidence_id = :evidence_id where pool = :pool and feed_id = :feed_id",
        pool=pool,
        feed_id=feed_id,
        evidence_id=evidence_id,
    )


async def waiting_feeds(tx: Reader) -> Sequence[Row]:
    """Of each pool and supplier the first feed that is not taken: a later list may correct an earlier one."""
    return await tx.rows(
        f"select distinct on (pool, supplier) {_FEED} from feed where state = 'received' "
        "order by pool, supplier, feed_id"
    )


async def lock_cursor(tx: Writer, pool: str, feed_id: UUID) -> int | None:
    """How many rows of a waiting feed are judged, its row locked; None where another worker is at it or it is taken."""
    done: int | None = await tx.value(
        "select rows_done from feed where pool = :pool and feed_id = :feed_id and state = 'received' "
        "for update skip locked",
        pool=pool,
        feed_id=feed_id,
    )
    return done


async def move_cursor(tx: Writer, pool: str, feed_id: UUID, *, accepted: int, rejected: int, at: datetime) -> None:
    """Count the rows of a chunk on a locked feed; with the last one the feed is taken."""
    await tx.execute(
        "update feed set rows_done = rows_done + :judged, rows_accepted = rows_accepted + :accepted, "
        "rows_rejected = rows_rejected + :rejected, "
        "state = case when rows_done + :judged = rows_total then 'taken' else state end, "
        "taken_at = case when rows_done + :judged = rows_total then cast(:at as timestamptz) end "
        "where pool = :pool and feed_id = :feed_id",
        pool=pool,
        feed_id=feed_id,
        judged=accepted + rejected,
        accepted=accepted,
        rejected=rejected,
        at=at,
    )


async def insert_rejections(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep why rows went back."""
    await tx.insert(feed_rejection, rows)


async def rejections(tx: Reader, pool: str, feed_id: UUID) -> Sequence[Row]:
    """Row numbers and faults of a feed's rejected rows."""
    return await tx.rows(
        "select row_no, faults from feed_rejection where pool = :pool and feed_id = :feed_id order by row_no",
        pool=pool,
        feed_id=feed_id,
    )


# Persons
#
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


async def read_persons(tx: Reader, pool: str, person_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Persons by id, with their document, the place of their hukou and the day they died; unknown ids are left out."""
    rows = await tx.rows(
        "select p.person_id, p.birth_date, p.sex, p.name_sealed, p.version, d.document_id, d.type, d.number_sealed, "
        "h.region as hukou, h.since as hukou_since, s.deceased_on "
        "from unnest(cast(:person_ids as uuid[])) as asked (person_id) "
        "cross join lateral (select * from person p "
        "  where p.pool = :pool and p.person_id = asked.person_id offset 0) p "
        "cross join lateral (select document_id, type, number_sealed from identity_document d "
        "  where d.pool = :pool and d.person_id = asked.person_id order by recorded_at, document_id limit 1) d "
        "left join lateral (select region, since from hukou h where h.pool = :pool and h.person_id = asked.person_id "
        "  order by since desc nulls last, recorded_at desc, hukou_id desc limit 1) h on true "
        "cross join lateral (select min(valid_from) as deceased_on from status s where s.pool = :pool "
        "  and s.person_id = asked.person_id and s.code = 'deceased' and s.withdrawn_at is null) s",
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


# What is said about them


async def insert_hukou(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert statements that are not known yet; the ids that were taken up."""
    tail = "on conflict on constraint hukou_once do nothing returning hukou_id"
    return {row["hukou_id"] for row in await tx.insert(hukou, rows, tail=tail)}


async def withdraw_replaced(
    tx: Writer, pool: str, supplier: str, at: datetime, rows: Sequence[Mapping[str, Any]]
) -> Sequence[Row]:
    """Withdraw statuses that their supplier now states otherwise (last day, grade or school); the rows withdrawn."""
    return await tx.rows(
        "update status s set withdrawn_at = :at, version = 2 from unnest(cast(:person_ids as uuid[]), "
        "  cast(:codes as text[]), cast(:grades as smallint[]), cast(:schools as text[]), cast(:froms as date[]), "
        "  cast(:tos as date[])) as said (person_id, code, grade, school_region, valid_from, valid_to) "
        "where s.pool = :pool and s.supplier = :supplier and s.withdrawn_at is null "
        "and s.person_id = said.person_id and s.code = said.code and s.valid_from = said.valid_from "
        "and (s.grade, s.school_region, s.valid_to) is distinct from (said.grade, said.school_region, said.valid_to) "
        "returning s.status_id, s.person_id, s.code, s.grade, s.school_region, s.valid_from, s.valid_to, s.supplier, "
        "  s.feed_id, s.row_no, s.version",
        pool=pool,
        supplier=supplier,
        at=at,
        person_ids=[row["person_id"] for row in rows],
        codes=[row["code"] for row in rows],
        grades=[row["grade"] for row in rows],
        schools=[row["school_region"] for row in rows],
        froms=[row["valid_from"] for row in rows],
        tos=[row["valid_to"] for row in rows],
    )


async def insert_statuses(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert statuses that their supplier has not stated yet; the ids that were taken up."""
    tail = (
        "on conflict (pool, person_id, code, valid_from, supplier) where withdrawn_at is null "
        "do nothing returning status_id"
    )
    return {row["status_id"] for row in await tx.insert(status, rows, tail=tail)}


async def living_statuses(tx: Reader, pool: str, person_ids: Sequence[UUID]) -> Sequence[Row]:
    """Statuses of persons that are not withdrawn, whatever their days, with the evidence they rest on."""
    return await tx.rows(
        "select s.person_id, s.code, s.grade, s.school_region, s.valid_from as identified_on, s.valid_to, "
        "s.supplier, s.feed_id, s.row_no, f.sha256 from unnest(cast(:person_ids as uuid[])) as asked (person_id) "
        "cross join lateral (select * from status s "
        "  where s.pool = :pool and s.person_id = asked.person_id and s.withdrawn_at is null offset 0) s "
        "join feed f on f.pool = :pool and f.feed_id = s.feed_id order by s.code, s.valid_from, s.supplier",
        pool=pool,
        person_ids=list(person_ids),
    )
