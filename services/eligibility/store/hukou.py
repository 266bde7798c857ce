"""Where the hukou of persons lies, by the lists that say so."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.database import Reader, Writer

from ..tables import hukou


async def hukou_news(tx: Reader, pool: str, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Those of these statements that no list which counts has made before, by the id they are to have."""
    found = await tx.rows(
        "select said.hukou_id from unnest(cast(:hukou_ids as uuid[]), cast(:person_ids as uuid[]), "
        "  cast(:regions as text[]), cast(:households as text[]), cast(:sinces as date[])) "
        "  as said (hukou_id, person_id, region, household_no, since) "
        "where not exists (select from hukou h join feed f on f.pool = :pool and f.feed_id = h.feed_id "
        "  where h.pool = :pool and h.person_id = said.person_id and h.region = said.region "
        "  and (h.household_no, h.since) is not distinct from (said.household_no, said.since) "
        "  and f.withdrawn_at is null and h.withdrawn_at is null)",
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
