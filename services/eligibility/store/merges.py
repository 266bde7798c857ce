"""Merges of persons, who answers for whom since when, and what lists say of newborns."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer
from shared.ids import new_id

from ..tables import person_alias, person_merge, tie_claim


def known(instant: str) -> str:
    """SQL: whether an alias `a` was in force at an instant."""
    return f"a.since <= {instant} and (a.until is null or a.until > {instant})"


NOW = "a.until is null"
KNOWN = known(":known_at")

_MERGE = (
    "m.pool, m.merge_id, m.merged_id, m.surviving_id, m.source, m.state, m.reason, m.proposed_by, m.proposed_at, "
    "m.decided_by, m.decided_at, m.merged_at, m.disputed_by, m.disputed_at, m.dispute_reason, m.undone_at, m.version"
)
# Whether a list that counts says that the two are one.
_TOLD = (
    "exists (select from tie_claim t join feed f on f.pool = :pool and f.feed_id = t.feed_id "
    "where t.pool = :pool and t.merged_id = m.merged_id and t.surviving_id = m.surviving_id and f.withdrawn_at is null)"
)


def survivor(person_id: str, in_force: str) -> str:
    """SQL: who answers for a person, itself where nobody else does. `in_force`: NOW, KNOWN or `known(…)`."""
    return (
        f"coalesce((select a.surviving_id from person_alias a where a.pool = :pool and a.person_id = {person_id} "
        f"and {in_force}), {person_id})"
    )


def members(surviving_id: str, in_force: str) -> str:
    """SQL: for whom a survivor answers, itself among them, as an array. `in_force`: NOW, KNOWN or `known(…)`."""
    return (
        "array_append(array(select a.person_id from person_alias a "
        f"where a.pool = :pool and a.surviving_id = {surviving_id} and {in_force} order by 1), {surviving_id})"
    )


async def survivors(tx: Reader, pool: str, person_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Who answers for each of these persons now."""
    rows = await tx.rows(
        f"select asked.person_id, {survivor('asked.person_id', NOW)} as surviving_id "
        "from unnest(cast(:person_ids as uuid[])) as asked (person_id)",
        pool=pool,
        person_ids=list(person_ids),
    )
    return {row["person_id"]: row["surviving_id"] for row in rows}


async def records(tx: Reader, pool: str, person_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Survivors as far as a merge goes by them: birth_date, sex, united, newborn, numbered."""
    rows = await tx.rows(
        "select p.person_id, p.birth_date, p.sex, cardinality(p.members) > 1 as united, "
        "coalesce(bool_or(d.type = 'newborn'), false) as newborn, "
        "coalesce(bool_or(d.type <> 'newborn'), false) as numbered "
        f"from (select p.*, {members('p.person_id', NOW)} as members from person p "
        "  where p.pool = :pool and p.person_id = any(cast(:person_ids as uuid[]))) p "
        "left join identity_document d on d.pool = :pool and d.person_id = any(p.members) "
        "group by p.person_id, p.birth_date, p.sex, p.members",
        pool=pool,
        person_ids=list(person_ids),
    )
    return {row["person_id"]: row for row in rows}


async def suppliers_of(tx: Reader, pool: str, person_ids: Sequence[UUID]) -> list[str]:
    """The suppliers that have said anything about the statuses of these persons."""
    rows = await tx.rows(
        "select distinct supplier from status_claim "
        "where pool = :pool and person_id = any(cast(:person_ids as uuid[])) order by supplier",
        pool=pool,
        person_ids=list(person_ids),
    )
    return [row["supplier"] for row in rows]


async def insert_ties(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep what accepted rows say of newborns."""
    await tx.insert(tie_claim, rows)


async def insert_merge(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Keep the word that two are one, unless it stands already; whether it was kept."""
    tail = (
        "on conflict (pool, least(merged_id, surviving_id), greatest(merged_id, surviving_id)) "
        "where state in ('told', 'proposed', 'merged', 'disputed') do nothing returning merge_id"
    )
    return bool(await tx.insert(person_merge, [row], tail=tail))


async def was_denied(tx: Reader, pool: str, merged_id: UUID, surviving_id: UUID) -> bool:
    """Whether people have decided that two persons are not one."""
    denied: bool = await tx.value(
        "select exists (select from person_merge where pool = :pool and merged_id = :merged_id "
        "and surviving_id = :surviving_id and state in ('declined', 'undone'))",
        pool=pool,
        merged_id=merged_id,
        surviving_id=surviving_id,
    )
    return denied


async def merges_to_settle(tx: Reader) -> Sequence[Row]:
    """What was told and is not carried out yet, and what rests on lists of which none counts any more; oldest first."""
    return await tx.rows(
        "select m.pool, m.merge_id from person_merge m where m.state = 'told' "
        "union all select m.pool, m.merge_id from person_merge m where m.source = 'list' "
        "and m.state in ('proposed', 'merged', 'disputed') and not exists (select from tie_claim t "
        "  join feed f on f.pool = t.pool and f.feed_id = t.feed_id where t.pool = m.pool "
        "  and t.merged_id = m.merged_id and t.surviving_id = m.surviving_id and f.withdrawn_at is null) "
        "order by merge_id limit 100"
    )


async def lock_merge(tx: Writer, pool: str, merge_id: UUID) -> Row | None:
    """One merge, its row locked, with whether a list that counts says so (`told`)."""
    return await tx.row(
        f"select {_MERGE}, {_TOLD} as told from person_merge m where m.pool = :pool and m.merge_id = :merge_id "
        "for update of m",
        pool=pool,
        merge_id=merge_id,
    )


async def find_merge(tx: Reader, pool: str, merge_id: UUID) -> Row | None:
    """One merge."""
    return await tx.row(
        f"select {_MERGE} from person_merge m where m.pool = :pool and m.merge_id = :merge_id",
        pool=pool,
        merge_id=merge_id,
    )


async def list_merges(
    tx: Reader, pool: str, state: str | None, person_id: UUID | None, after: UUID | None, limit: int
) -> Sequence[Row]:
    """Merges in the order they were told or proposed; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_MERGE} from person_merge m where m.pool = :pool "
        "and (cast(:state as text) is null or m.state = :state) "
        "and (cast(:person_id as uuid) is null or :person_id in (m.merged_id, m.surviving_id)) "
        "and (cast(:after as uuid) is null or m.merge_id > :after) order by m.merge_id limit :limit",
        pool=pool,
        state=state,
        person_id=person_id,
        after=after,
        limit=limit + 1,
    )


async def set_state(
    tx: Writer,
    pool: str,
    merge_id: UUID,
    state: str,
    *,
    merged_at: datetime | None = None,
    undone_at: datetime | None = None,
) -> None:
    """Move a locked merge; the instants are given where it is carried out or undone."""
    await tx.execute(
        "update person_merge set state = :state, version = version + 1, merged_at = coalesce(:merged_at, merged_at), "
        "undone_at = coalesce(:undone_at, undone_at) where pool = :pool and merge_id = :merge_id",
        pool=pool,
        merge_id=merge_id,
        state=state,
        merged_at=merged_at,
        undone_at=undone_at,
    )


async def set_decided(tx: Writer, pool: str, merge_id: UUID, by: str, at: datetime) -> None:
    """Who has decided about a locked merge last."""
    await tx.execute(
        "update person_merge set decided_by = :by, decided_at = :at where pool = :pool and merge_id = :merge_id",
        pool=pool,
        merge_id=merge_id,
        by=by,
        at=at,
    )


async def set_disputed(tx: Writer, pool: str, merge_id: UUID, by: str, at: datetime, reason: str) -> None:
    """Who says that a locked merge was wrong, and why."""
    await tx.execute(
        "update person_merge set disputed_by = :by, disputed_at = :at, dispute_reason = :reason "
        "where pool = :pool and merge_id = :merge_id",
        pool=pool,
        merge_id=merge_id,
        by=by,
        at=at,
        reason=reason,
    )


async def unite(tx: Writer, pool: str, merge_id: UUID, gone: UUID, surviving: UUID, at: datetime) -> list[UUID]:
    """From now on one survivor answers for another, and for whom that one answered; for whom, the other first."""
    moved = await tx.rows(
        "update person_alias set until = :at where pool = :pool and surviving_id = :gone and until is null "
        "returning person_id",
        pool=pool,
        gone=gone,
        at=at,
    )
    people = [gone, *sorted(row["person_id"] for row in moved)]
    await _point(tx, pool, at, [(person_id, surviving, merge_id, person_id == gone) for person_id in people])
    return people


async def part(tx: Writer, pool: str, merge_id: UUID, at: datetime) -> tuple[UUID, UUID, list[UUID]]:
    """End what a merge united: who answered for the others before it does again. Who is freed, from whom, and for whom
    it answers, itself first."""
    freed = await tx.rows(
        "update person_alias set until = :at where pool = :pool and merge_id = :merge_id and until is null "
        "returning person_id, surviving_id, direct",
        pool=pool,
        merge_id=merge_id,
        at=at,
    )
    gone, surviving = next((row["person_id"], row["surviving_id"]) for row in freed if row["direct"])
    before = await tx.rows(
        "select distinct on (person_id) person_id, merge_id, direct from person_alias "
        "where pool = :pool and surviving_id = :gone and person_id = any(cast(:freed as uuid[])) "
        "order by person_id, alias_id desc",
        pool=pool,
        gone=gone,
        freed=[row["person_id"] for row in freed],
    )
    await _point(tx, pool, at, [(row["person_id"], gone, row["merge_id"], row["direct"]) for row in before])
    return gone, surviving, [gone, *(row["person_id"] for row in before)]


async def united_into(tx: Reader, pool: str, merge_id: UUID) -> UUID:
    """Into whom a merge that was carried out united others."""
    found: UUID = await tx.value(
        "select surviving_id from person_alias where pool = :pool and merge_id = :merge_id limit 1",
        pool=pool,
        merge_id=merge_id,
    )
    return found


async def aliased_by(tx: Reader, pool: str, person_id: UUID) -> UUID | None:
    """By which merge somebody else answers for a person now."""
    found: UUID | None = await tx.value(
        "select merge_id from person_alias where pool = :pool and person_id = :person_id and until is null",
        pool=pool,
        person_id=person_id,
    )
    return found


async def _point(tx: Writer, pool: str, at: datetime, pointing: Sequence[tuple[UUID, UUID, UUID, bool]]) -> None:
    """Note who answers for whom by which merge, as (person, survivor, merge, direct)."""
    rows = [
        {
            "pool": pool,
            "alias_id": new_id(),
            "person_id": person_id,
            "surviving_id": surviving_id,
            "merge_id": merge_id,
            "direct": direct,
            "since": at,
        }
        for person_id, surviving_id, merge_id, direct in pointing
    ]
    await tx.insert(person_alias, rows)
