"""Look-ups of statuses: as of a day, as known at an instant, with the rows they rest on."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from shared.database import Reader, Row

from .merges import KNOWN, members, survivor

_SHOWN = (
    "s.code, s.grade, s.school_region, s.valid_from as identified_on, s.valid_to, s.supplier, s.feed_id, "
    "s.row_no, s.ended_by, s.recorded_at, s.withdrawn_at"
)
_KNOWN = "s.recorded_at <= :known_at and (s.withdrawn_at is null or s.withdrawn_at > :known_at)"
_HOLDS = "s.valid_from <= :as_of and (s.valid_to is null or s.valid_to >= :as_of)"


async def known_statuses(tx: Reader, pool: str, person_ids: Sequence[UUID], known_at: datetime) -> Sequence[Row]:
    """What was held to be true of persons at an instant, whatever its days, with the evidence it rests on; by the id
    asked for, whoever answered for it then."""
    return await tx.rows(
        f"select asked.person_id, {_SHOWN}, f.sha256 from unnest(cast(:person_ids as uuid[])) as asked (person_id) "
        f"cross join lateral (select {survivor('asked.person_id', KNOWN)} as surviving_id offset 0) who "
        "cross join lateral (select * from status s where s.pool = :pool and s.person_id = who.surviving_id "
        f"  and {_KNOWN} offset 0) s "
        "join feed f on f.pool = :pool and f.feed_id = s.feed_id order by s.code, s.valid_from, s.supplier",
        pool=pool,
        person_ids=list(person_ids),
        known_at=known_at,
    )


async def all_statuses(tx: Reader, pool: str, person_ids: Sequence[UUID], known_at: datetime) -> Sequence[Row]:
    """Everything that was ever held to be true of persons, also what was withdrawn, with its evidence; by the id asked
    for, of all for whom that one's survivor answered at an instant."""
    return await tx.rows(
        f"select asked.person_id, {_SHOWN}, f.sha256 from unnest(cast(:person_ids as uuid[])) as asked (person_id) "
        f"cross join lateral (select {survivor('asked.person_id', KNOWN)} as surviving_id offset 0) one "
        f"cross join lateral (select {members('one.surviving_id', KNOWN)} as members offset 0) who "
        "cross join lateral (select * from status s "
        "  where s.pool = :pool and s.person_id = any(who.members) offset 0) s "
        "join feed f on f.pool = :pool and f.feed_id = s.feed_id "
        "order by s.code, s.valid_from, s.supplier, s.recorded_at",
        pool=pool,
        person_ids=list(person_ids),
        known_at=known_at,
    )


async def statuses_of_feed(tx: Reader, pool: str, feed_id: UUID, after: UUID | None, limit: int) -> Sequence[Row]:
    """The statuses that rest on rows of a list, or did, as they were recorded; `limit` + 1 rows."""
    return await tx.rows(
        "select status_id, person_id, code, grade, school_region, valid_from as identified_on, valid_to, row_no, "
        "recorded_at, withdrawn_at from status where pool = :pool and feed_id = :feed_id "
        "and (cast(:after as uuid) is null or status_id > :after) order by status_id limit :limit",
        pool=pool,
        feed_id=feed_id,
        after=after,
        limit=limit + 1,
    )


async def holders(
    tx: Reader, pool: str, code: str, region: str, as_of: date, known_at: datetime, after: UUID | None, limit: int
) -> Sequence[Row]:
    """Who holds a status on a day, with a hukou in a region ("": wherever), one row a person; `limit` + 1 rows.

    Of several suppliers that state it, the earliest statement is shown.
    """
    return await tx.rows(
        f"select distinct on (s.person_id) s.person_id, {_SHOWN}, f.sha256, h.region as hukou from status s "
        "join feed f on f.pool = :pool and f.feed_id = s.feed_id "
        "left join lateral (select region from hukou h join feed g on g.pool = :pool and g.feed_id = h.feed_id "
        f"  where h.pool = :pool and h.person_id = any({members('s.person_id', KNOWN)}) "
        "  and (h.since is null or h.since <= :as_of) "
        "  and h.recorded_at <= :known_at and (g.withdrawn_at is null or g.withdrawn_at > :known_at) "
        "  and (h.withdrawn_at is null or h.withdrawn_at > :known_at) "
        "  order by h.since desc nulls last, g.list_day desc, g.serial desc, h.feed_id desc, h.row_no desc limit 1) h "
        "  on true "
        f"where s.pool = :pool and s.code = :code and {_HOLDS} and {_KNOWN} "
        "and (cast(:after as uuid) is null or s.person_id > :after) "
        "and (cast(:region as text) = '' or starts_with(h.region, :region)) "
        "order by s.person_id, s.valid_from, s.supplier limit :limit",
        pool=pool,
        code=code,
        region=region,
        as_of=as_of,
        known_at=known_at,
        after=after,
        limit=limit + 1,
    )
