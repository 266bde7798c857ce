"""Look-ups of statuses: as of a day, as known at an instant, with the rows they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from shared.database import Reader, Row

from .hukou import hukou_on
from .merges import KNOWN, known, members, survivor

_SHOWN = (
    "s.code, s.grade, s.school_region, s.valid_from as identified_on, s.valid_to, s.supplier, s.feed_id, "
    "s.row_no, s.ended_by, s.recorded_at, s.withdrawn_at"
)
_KNOWN = "s.recorded_at <= :known_at and (s.withdrawn_at is null or s.withdrawn_at > :known_at)"
_HOLDS = "s.valid_from <= :as_of and (s.valid_to is null or s.valid_to >= :as_of)"


@dataclass(frozen=True)
class StatusesOf:
    """A question after the statuses of persons as known at an instant, whatever their days; `explain`: also what nobody
    knew of then, or no longer, of all for whom who answers for the person answered."""

    person_ids: Sequence[UUID]
    known_at: datetime
    explain: bool


async def statuses_of(tx: Reader, pool: str, questions: Sequence[StatusesOf]) -> list[Sequence[Row]]:
    """What was held to be true of the persons of each question, with the evidence it rests on; by the id asked for."""
    known_then = known("asked.known_at")
    rows = await tx.rows(
        f"select asked.n, asked.person_id, {_SHOWN}, f.sha256 "
        "from (select n, person_id, (cast(:instants as timestamptz[]))[n] as known_at, "
        "    (cast(:explained as boolean[]))[n] as explain "
        "  from unnest(cast(:numbers as integer[]), cast(:person_ids as uuid[])) as given (n, person_id) "
        "  offset 0) asked "
        f"cross join lateral (select {survivor('asked.person_id', known_then)} as surviving_id offset 0) one "
        f"cross join lateral (select case when asked.explain then {members('one.surviving_id', known_then)} "
        "  else array[one.surviving_id] end as members offset 0) who "
        "cross join lateral (select * from status s "
        "  where s.pool = :pool and s.person_id = any(who.members) offset 0) s "
        "join feed f on f.pool = :pool and f.feed_id = s.feed_id where asked.explain "
        "or s.recorded_at <= asked.known_at and (s.withdrawn_at is null or s.withdrawn_at > asked.known_at) "
        "order by asked.n, s.code, s.valid_from, s.supplier, s.recorded_at",
        pool=pool,
        instants=[one.known_at for one in questions],
        explained=[one.explain for one in questions],
        numbers=[n for n, one in enumerate(questions, 1) for _ in one.person_ids],
        person_ids=[person_id for one in questions for person_id in one.person_ids],
    )
    answers: list[list[Row]] = [[] for _ in questions]
    for row in rows:
        answers[row["n"] - 1].append(row)
    return list(answers)


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
        f"left join lateral ({hukou_on(members('s.person_id', KNOWN))}) h on true "
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
