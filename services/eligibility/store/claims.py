"""What rows of lists say about statuses, and the statuses that follow from it.

Statuses are worked out from all claims of a supplier that count, so that lists may come twice, in halves and in any
order. Whoever does so has taken the supplier's turn before: two at once would each miss what the other adds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import status, status_claim
from .merges import NOW, members

_STATUS = (
    "status_id, person_id, code, grade, school_region, valid_from, valid_to, supplier, feed_id, row_no, ended_by, "
    "version"
)

# Whether a full list, in one of its files, names the person of a status `s` with it, under whichever record. `offset 0`
# keeps a planner that has no statistics yet from going through the whole list for every status.
_NAMED = (
    f"select from unnest({members('s.person_id', NOW)}) as m (person_id) "
    "cross join lateral (select feed_id from status_claim c where c.pool = :pool and c.supplier = :supplier "
    "  and c.person_id = m.person_id and c.code = s.code and c.withdrawn_at is null offset 0) c "
    "where c.feed_id = any(cast(:files as uuid[]))"
)
# What counts of everything that a supplier has said about a status `s` from its first day on, the latest list first and
# in a list its first row.
_CLAIMS = (
    f"from unnest({members('s.person_id', NOW)}) as m (person_id) "
    "cross join lateral (select feed_id, row_no, region, valid_from from status_claim c where c.pool = :pool "
    "  and c.supplier = :supplier and c.person_id = m.person_id and c.code = s.code and c.withdrawn_at is null "
    "  offset 0) c "
    "join feed f on f.pool = :pool and f.feed_id = c.feed_id "
    "where c.valid_from = s.valid_from and f.withdrawn_at is null"
)
_LATEST_FIRST = "f.list_day desc, f.serial desc, f.whole_id desc, f.part, c.row_no"
# For what a list of a supplier that ends statuses by its silence speaks, and all its files.
_FULL_LISTS = (
    "select l.feed_id, l.list_day, l.serial, l.whole_id, l.scope_region as region, "
    "  string_to_array(l.scope_categories, ',') as categories, "
    "  array(select p.feed_id from feed p where p.pool = :pool and p.whole_id = l.whole_id "
    "    and p.withdrawn_at is null) as files "
    "from feed l where l.pool = :pool and l.supplier = :supplier and l.closing and l.state in ('ending', 'taken')"
)


async def insert_claims(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what accepted rows say."""
    await tx.insert(status_claim, rows)


async def following_statuses(tx: Reader, pool: str, supplier: str, person_ids: Sequence[UUID]) -> Sequence[Row]:
    """The statuses that follow from everything a supplier's lists say about these survivors and all they answer for.

    Of several claims of one status from one day on the latest list's counts, in a list its first row. A later full
    list that speaks for this status and does not name the person with it ends it on the day before its own.
    """
    return await tx.rows(
        f"with asked as materialized (select person_id, {members('one.person_id', NOW)} as members "
        "  from unnest(cast(:person_ids as uuid[])) as one (person_id)), "
        f"full_lists as materialized ({_FULL_LISTS}), "
        "said as (select distinct on (asked.person_id, c.code, c.valid_from) asked.person_id, asked.members, c.code, "
        "    c.grade, c.school_region, c.region, c.valid_from, c.valid_to, c.feed_id, c.row_no, f.list_day, f.serial, "
        "    f.whole_id from asked "
        "  cross join unnest(asked.members) as m (person_id) "
        "  cross join lateral (select * from status_claim c where c.pool = :pool and c.supplier = :supplier "
        "    and c.person_id = m.person_id and c.withdrawn_at is null offset 0) c "
        "  join feed f on f.pool = :pool and f.feed_id = c.feed_id and f.withdrawn_at is null "
        f"  order by asked.person_id, c.code, c.valid_from, {_LATEST_FIRST}), "
        "ended as (select said.*, silent.feed_id as silent_feed, silent.list_day - 1 as last_day from said "
        "  left join lateral (select l.feed_id, l.list_day from full_lists l where l.list_day >= said.valid_from "
        "    and (l.list_day, l.serial, l.whole_id) > (said.list_day, said.serial, said.whole_id) "
        "    and (l.categories is null or said.code = any(l.categories)) "
        "    and (l.region is null or starts_with(said.region, l.region)) "
        "    and not exists (select from unnest(said.members) as m (person_id) "
        "      cross join lateral (select feed_id from status_claim c where c.pool = :pool "
        "        and c.supplier = :supplier and c.person_id = m.person_id and c.code = said.code "
        "        and c.withdrawn_at is null offset 0) o "
        "      where o.feed_id = any(l.files)) "
        "    order by l.list_day, l.serial, l.whole_id limit 1) silent on true) "
        "select person_id, code, grade, school_region, valid_from, least(valid_to, last_day) as valid_to, feed_id, "
        "  row_no, case when last_day < valid_to or valid_to is null then silent_feed end as ended_by from ended "
        "where last_day is null or last_day >= valid_from",
        pool=pool,
        supplier=supplier,
        person_ids=list(person_ids),
    )


async def standing_statuses(tx: Reader, pool: str, supplier: str, person_ids: Sequence[UUID]) -> Sequence[Row]:
    """The statuses by a supplier that are not withdrawn, of survivors and all they answer for, and whether the row that
    each rests on still counts, and the list that ended it still ends."""
    return await tx.rows(
        "select s.*, f.withdrawn_at is null and c.withdrawn_at is null and (s.ended_by is null or exists (select "
        "  from feed e where e.pool = :pool and e.feed_id = s.ended_by and e.closing)) as founded "
        "from unnest(cast(:person_ids as uuid[])) as asked (person_id) "
        f"cross join lateral unnest({members('asked.person_id', NOW)}) as m (person_id) "
        f"cross join lateral (select {_STATUS} from status s where s.pool = :pool and s.supplier = :supplier "
        "  and s.person_id = m.person_id and s.withdrawn_at is null offset 0) s "
        "join feed f on f.pool = :pool and f.feed_id = s.feed_id "
        "cross join lateral (select withdrawn_at from status_claim c "
        "  where c.pool = :pool and c.feed_id = s.feed_id and c.row_no = s.row_no offset 0) c",
        pool=pool,
        supplier=supplier,
        person_ids=list(person_ids),
    )


async def withdraw_statuses(tx: Writer, pool: str, at: datetime, status_ids: Sequence[UUID]) -> None:
    """Withdraw statuses: what was held to be true, and until when, stays."""
    await tx.execute(
        "update status s set withdrawn_at = :at, version = 2 "
        "from unnest(cast(:status_ids as uuid[])) as gone (status_id) "
        "where s.pool = :pool and s.status_id = gone.status_id",
        pool=pool,
        at=at,
        status_ids=list(status_ids),
    )


async def insert_statuses(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record statuses."""
    await tx.insert(status, rows)


async def files_of_whole(tx: Reader, pool: str, whole_id: UUID) -> list[UUID]:
    """The files of a full list that count."""
    rows = await tx.rows(
        "select feed_id from feed where pool = :pool and whole_id = :whole_id and withdrawn_at is null",
        pool=pool,
        whole_id=whole_id,
    )
    return [row["feed_id"] for row in rows]


async def count_ending(tx: Reader, pool: str, feed: Row) -> tuple[int, int]:
    """How many statuses for which a full list speaks hold on its day, and how many of them it ends: those that it does
    not name and no later list states again."""
    row = await tx.row(
        f"select count(*) as held, count(*) filter (where not exists ({_NAMED}) "
        f"and not exists (select {_CLAIMS} and (f.list_day, f.serial, f.whole_id) > (cast(:list_day as date), "
        "  cast(:serial as integer), cast(:whole_id as uuid)))) as ending "
        "from status s where s.pool = :pool and s.supplier = :supplier and s.withdrawn_at is null "
        "and s.valid_from <= :list_day and (s.valid_to is null or s.valid_to >= :list_day) "
        "and (cast(:categories as text) is null or s.code = any(string_to_array(:categories, ','))) "
        f"and (cast(:region as text) is null or starts_with((select c.region {_CLAIMS} order by {_LATEST_FIRST} "
        "  limit 1), :region))",
        pool=pool,
        supplier=feed["supplier"],
        files=await files_of_whole(tx, pool, feed["whole_id"]),
        whole_id=feed["whole_id"],
        list_day=feed["list_day"],
        serial=feed["serial"],
        categories=feed["categories"],
        region=feed["region"],
    )
    assert row is not None
    return row["held"], row["ending"]


async def persons_not_named(tx: Reader, pool: str, feed: Row, after: UUID | None, limit: int) -> list[UUID]:
    """Whose statuses of its supplier a full list is silent about, in ascending order; also where it does not speak for
    them, which is seen when they are worked out."""
    rows = await tx.rows(
        "select distinct s.person_id from status s where s.pool = :pool and s.supplier = :supplier "
        "and s.withdrawn_at is null and (s.valid_to is null or s.valid_to >= :list_day) "
        "and (cast(:after as uuid) is null or s.person_id > :after) "
        f"and not exists ({_NAMED}) "
        "order by s.person_id limit :limit",
        pool=pool,
        supplier=feed["supplier"],
        files=await files_of_whole(tx, pool, feed["whole_id"]),
        list_day=feed["list_day"],
        after=after,
        limit=limit,
    )
    return [row["person_id"] for row in rows]


async def withdraw_decided(tx: Writer, pool: str, case_id: UUID, at: datetime) -> Sequence[Row]:
    """Rows that were taken by a decision count no longer; the suppliers that said something about a status by them."""
    return await tx.rows(
        "with gone as (update status_claim set withdrawn_at = :at where pool = :pool and case_id = :case_id "
        "  and withdrawn_at is null returning supplier), "
        "gone_hukou as (update hukou set withdrawn_at = :at where pool = :pool and case_id = :case_id "
        "  and withdrawn_at is null) "
        "select distinct supplier from gone order by supplier",
        pool=pool,
        case_id=case_id,
        at=at,
    )
