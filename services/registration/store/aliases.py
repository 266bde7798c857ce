"""Which ids of persons mean the same human being."""

from collections.abc import Sequence
from uuid import UUID

from shared.database import Reader, Writer

ANY_ID = (
    "array(select :person_id union select a.surviving_id from person_alias a where a.pool = :pool"
    " and a.person_id = :person_id union select other.person_id from person_alias other where other.pool = :pool"
    " and other.surviving_id = coalesce((select a.surviving_id from person_alias a where a.pool = :pool"
    " and a.person_id = :person_id), :person_id))"
)
"""SQL: every id that means the person `:person_id`, as an array."""


async def point(tx: Writer, pool: str, person_ids: Sequence[UUID], surviving_id: UUID) -> None:
    """From now on somebody answers for these persons; who answers for itself is not kept."""
    await tx.execute(
        "delete from person_alias where pool = :pool and person_id = any(cast(:person_ids as uuid[]))",
        pool=pool,
        person_ids=list(person_ids),
    )
    await tx.execute(
        "insert into person_alias (pool, person_id, surviving_id) select :pool, person_id, :surviving_id"
        " from unnest(cast(:person_ids as uuid[])) as one (person_id) where person_id <> :surviving_id",
        pool=pool,
        person_ids=list(person_ids),
        surviving_id=surviving_id,
    )


async def everybody(tx: Reader, pool: str, person_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Every id that means one of these persons, with the one of those asked for that it means."""
    rows = await tx.rows(
        "select asked.person_id as asked_id, coalesce(other.person_id, one.surviving_id) as person_id"
        " from unnest(cast(:person_ids as uuid[])) as asked (person_id)"
        " cross join lateral (select coalesce((select a.surviving_id from person_alias a where a.pool = :pool"
        " and a.person_id = asked.person_id), asked.person_id) as surviving_id offset 0) one"
        " left join lateral (select a.person_id from person_alias a where a.pool = :pool"
        " and a.surviving_id = one.surviving_id union all select one.surviving_id) other on true"
        " order by 1, 2",
        pool=pool,
        person_ids=list(person_ids),
    )
    return {row["person_id"]: row["asked_id"] for row in rows} | {one: one for one in person_ids}


async def survivors(tx: Reader, pool: str, person_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Who answers for each of these persons."""
    rows = await tx.rows(
        "select asked.person_id, coalesce(a.surviving_id, asked.person_id) as surviving_id"
        " from unnest(cast(:person_ids as uuid[])) as asked (person_id)"
        " left join person_alias a on a.pool = :pool and a.person_id = asked.person_id",
        pool=pool,
        person_ids=list(person_ids),
    )
    return {row["person_id"]: row["surviving_id"] for row in rows}


async def enrolled_twice(tx: Reader, pool: str, surviving_ids: Sequence[UUID]) -> Sequence[UUID]:
    """Of persons who turned out to be one and are enrolled in a scheme more than once: all those enrolments but the
    first, of which a paid one goes before others."""
    rows = await tx.rows(
        "select enrolment_id from (select e.enrolment_id, row_number() over (partition by asked.person_id, e.scheme"
        " order by e.state = 'paid' desc, e.enrolled_at, e.enrolment_id) as place"
        " from unnest(cast(:surviving_ids as uuid[])) as asked (person_id)"
        " join enrolment e on e.pool = :pool and e.state <> 'withdrawn' and e.person_id = any(array_append(array("
        "select a.person_id from person_alias a where a.pool = :pool and a.surviving_id = asked.person_id),"
        " asked.person_id))) placed where place > 1 order by enrolment_id",
        pool=pool,
        surviving_ids=list(surviving_ids),
    )
    return [row["enrolment_id"] for row in rows]


async def enrolled_beside(tx: Reader, pool: str, enrolment_id: UUID) -> bool:
    """Whether the person of an enrolment stands enrolled in the same scheme once more, under whichever id."""
    beside: bool = await tx.value(
        "select exists (select from enrolment o where o.pool = :pool and o.scheme = e.scheme"
        " and o.enrolment_id <> e.enrolment_id and o.state <> 'withdrawn' and coalesce((select a.surviving_id"
        " from person_alias a where a.pool = :pool and a.person_id = o.person_id), o.person_id) = coalesce((select"
        " a.surviving_id from person_alias a where a.pool = :pool and a.person_id = e.person_id), e.person_id))"
        " from enrolment e where e.pool = :pool and e.enrolment_id = :enrolment_id",
        pool=pool,
        enrolment_id=enrolment_id,
    )
    return beside
