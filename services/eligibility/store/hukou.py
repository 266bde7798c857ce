"""Where the hukou of persons lies, by the lists that say so."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Writer

from ..tables import hukou
from .merges import KNOWN, members, survivor


def hukou_on(members: str, columns: str = "h.region") -> str:
    """SQL: the statement of a hukou that counts for records on `:as_of`, as known at `:known_at`; one row or none.

    The latest day counts, of one day the latest list, in a list its last row.
    """
    # One step into the index for each record, and then the lists that speak of it: while a register fills, a planner
    # without statistics would go through all that the few lists have said, for each person asked for.
    return (
        f"select {columns} from unnest({members}) as member (person_id) "
        "cross join lateral (select * from hukou h where h.pool = :pool and h.person_id = member.person_id "
        "  and (h.since is null or h.since <= :as_of) and h.recorded_at <= :known_at "
        "  and (h.withdrawn_at is null or h.withdrawn_at > :known_at) offset 0) h "
        "join feed f on f.pool = :pool and f.feed_id = h.feed_id "
        "where f.withdrawn_at is null or f.withdrawn_at > :known_at "
        "order by h.since desc nulls last, f.list_day desc, f.serial desc, h.feed_id desc, h.row_no desc limit 1"
    )


async def hukou_of(
    tx: Reader, pool: str, person_ids: Sequence[UUID], as_of: date, known_at: datetime
) -> dict[UUID, str | None]:
    """Where the hukou of persons lay on a day, as known at an instant; None: nobody has told."""
    rows = await tx.rows(
        "select asked.person_id, h.region from unnest(cast(:person_ids as uuid[])) as asked (person_id) "
        f"cross join lateral (select {survivor('asked.person_id', KNOWN)} as surviving_id offset 0) one "
        f"cross join lateral (select {members('one.surviving_id', KNOWN)} as members offset 0) who "
        f"left join lateral ({hukou_on('who.members')}) h on true",
        pool=pool,
        person_ids=list(person_ids),
        as_of=as_of,
        known_at=known_at,
    )
    return {row["person_id"]: row["region"] for row in rows}


async def persons_in_pool(
    tx: Reader, pool: str, known_at: datetime, after: UUID | None, limit: int
) -> tuple[list[UUID], UUID | None]:
    """Everybody whom the register knows and for whom nobody else answered at an instant, from `after` on; and after
    whom the next ones come (None: nobody)."""
    rows = await tx.rows(
        "select p.person_id, not exists (select from person_alias a where a.pool = :pool "
        f"  and a.person_id = p.person_id and {KNOWN}) as own from person p "
        "where p.pool = :pool and (cast(:after as uuid) is null or p.person_id > :after) "
        "order by p.person_id limit :limit",
        pool=pool,
        known_at=known_at,
        after=after,
        limit=limit,
    )
    return [row["person_id"] for row in rows if row["own"]], rows[-1]["person_id"] if len(rows) == limit else None


async def persons_in_region(
    tx: Reader,
    pool: str,
    region: str,
    as_of: date,
    known_at: datetime,
    after: tuple[str, UUID] | None,
    limit: int,
) -> tuple[list[UUID], tuple[str, UUID] | None]:
    """Who had a hukou in a region on a day, as known at an instant; and after whom the next ones come (None: nobody).

    Goes through all statements about the region, by village and person, and takes somebody where the one that counts
    comes by: so each person is taken once, also who came back, and who has turned out to be one with another.
    """
    rows = await tx.rows(
        "select said.region, said.person_id, one.surviving_id, "
        "  (counts.region, counts.person_id) = (said.region, said.person_id) as lives_there "
        "from (select distinct region, person_id from hukou where pool = :pool "
        "  and region between rpad(:region, 12, '0') and rpad(:region, 12, '9') "
        "  and (region, person_id) > (cast(:after_region as text), cast(:after_person as uuid)) "
        "  order by region, person_id limit :limit) said "
        f"cross join lateral (select {survivor('said.person_id', KNOWN)} as surviving_id offset 0) one "
        f"cross join lateral (select {members('one.surviving_id', KNOWN)} as members offset 0) who "
        f"left join lateral ({hukou_on('who.members', 'h.region, h.person_id')}) counts on true "
        "order by said.region, said.person_id",
        pool=pool,
        region=region,
        as_of=as_of,
        known_at=known_at,
        after_region=after[0] if after else "",
        after_person=after[1] if after else UUID(int=0),
        limit=limit,
    )
    last = (rows[-1]["region"], rows[-1]["person_id"]) if len(rows) == limit else None
    return [row["surviving_id"] for row in rows if row["lives_there"]], last


async def hukou_news(tx: Reader, pool: str, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Those of these statements that no list which counts has made before, by the id they are to have."""
    found = await tx.rows(
        "select said.hukou_id from unnest(cast(:hukou_ids as uuid[]), cast(:person_ids as uuid[]), "
        "  cast(:regions as text[]), cast(:households as text[]), cast(:sinces as date[])) "
        "  as said (hukou_id, person_id, region, household_no, since) "
        # One step into the index for each, also while Postgres has no statistics of a register that fills just now: it
        # would take a list for a handful of rows, and go through all that it has said for each of these.
        "where not exists (select from (select h.feed_id from hukou h where h.pool = :pool "
        "  and h.person_id = said.person_id and h.region = said.region and h.withdrawn_at is null "
        "  and (h.household_no, h.since) is not distinct from (said.household_no, said.since) offset 0) h "
        "  join feed f on f.pool = :pool and f.feed_id = h.feed_id where f.withdrawn_at is null offset 0)",
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
