"""Lists of departments: from their bytes to the verdict on each row."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import feed, feed_rejection

_FEED = (
    "pool, feed_id, supplier, file_name, sha256, size_bytes, evidence_id, kind, list_day, serial, list_id, part, "
    "parts, whole_id, scope_categories as categories, scope_region as region, closing, state, rows_total, "
    "rows_accepted, rows_rejected, received_by, received_at, taken_at, statuses_held, statuses_ending, decided_by, "
    "decided_at, withdrawn_by, withdrawn_at, withdrawal_reason, version"
)


async def find_feed(tx: Reader, pool: str, feed_id: UUID) -> Row | None:
    """One feed."""
    return await tx.row(
        f"select {_FEED} from feed where pool = :pool and feed_id = :feed_id", pool=pool, feed_id=feed_id
    )


async def find_feed_of_bytes(
    tx: Reader, pool: str, supplier: str, sha256: str, list_day: date | None, list_id: str | None, part: int | None
) -> Row | None:
    """The feed in which a supplier handed over exactly these bytes for that day (None: any) as that part; one that was
    withdrawn may come again."""
    rows = await tx.rows(
        f"select {_FEED} from feed where pool = :pool and supplier = :supplier and sha256 = :sha256 "
        "and (cast(:list_day as date) is null or list_day = :list_day) "
        "and list_id is not distinct from cast(:list_id as text) and part is not distinct from cast(:part as integer) "
        "and withdrawn_at is null order by feed_id desc limit 1",
        pool=pool,
        supplier=supplier,
        sha256=sha256,
        list_day=list_day,
        list_id=list_id,
        part=part,
    )
    return rows[0] if rows else None


async def parts_of(tx: Reader, pool: str, supplier: str, list_id: str) -> Sequence[Row]:
    """The parts of a list that came and count."""
    return await tx.rows(
        f"select {_FEED} from feed where pool = :pool and supplier = :supplier and list_id = :list_id "
        "and withdrawn_at is null order by part",
        pool=pool,
        supplier=supplier,
        list_id=list_id,
    )


async def wanting_lists(tx: Reader, pool: str) -> Mapping[str, Sequence[Row]]:
    """Of each supplier the lists of which parts have not come: list_id, list_day, parts, and those that are here."""
    rows = await tx.rows(
        "select supplier, list_id, list_day, parts, array_agg(part order by part) as here from feed "
        "where pool = :pool and list_id is not null and withdrawn_at is null "
        "group by supplier, list_id, list_day, parts having count(*) < parts order by supplier, list_day, list_id",
        pool=pool,
    )
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["supplier"], []).append(row)
    return found


async def list_feeds(
    tx: Reader, pool: str, supplier: str | None, state: str | None, after: UUID | None, limit: int
) -> Sequence[Row]:
    """Feeds of the pool in the order they came; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_FEED} from feed where pool = :pool and (cast(:after as uuid) is null or feed_id > :after) "
        "and (cast(:supplier as text) is null or supplier = :supplier) "
        "and (cast(:state as text) is null or state = :state) order by feed_id limit :limit",
        pool=pool,
        supplier=supplier,
        state=state,
        after=after,
        limit=limit + 1,
    )


async def insert_feed(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Insert a feed unless the supplier has handed over the same before; whether it was inserted."""
    return bool(await tx.insert(feed, [row], tail="on conflict do nothing returning feed_id"))


async def set_evidence(tx: Writer, pool: str, feed_id: UUID, evidence_id: UUID) -> None:
    """Tie a new feed to its bytes."""
    await tx.execute(
        "update feed set evidence_id = :evidence_id where pool = :pool and feed_id = :feed_id",
        pool=pool,
        feed_id=feed_id,
        evidence_id=evidence_id,
    )


async def working_feeds(tx: Reader) -> Sequence[Row]:
    """Of each pool and supplier the first feed with work left; the ones behind it wait, though any order would do."""
    return await tx.rows(
        f"select distinct on (pool, supplier) {_FEED} from feed where state in ('received', 'ending', 'withdrawing') "
        "order by pool, supplier, feed_id"
    )


async def lock_feed(tx: Writer, pool: str, feed_id: UUID) -> Row | None:
    """One feed, its row locked: no job is at it until the transaction ends."""
    return await tx.row(
        f"select {_FEED} from feed where pool = :pool and feed_id = :feed_id for update", pool=pool, feed_id=feed_id
    )


async def lock_work(tx: Writer, pool: str, feed_id: UUID, state: str) -> Row | None:
    """The cursors of a feed in a state, its row locked; None where another worker is at it or it has moved on."""
    return await tx.row(
        "select rows_done, sweep_after from feed where pool = :pool and feed_id = :feed_id and state = :state "
        "for update skip locked",
        pool=pool,
        feed_id=feed_id,
        state=state,
    )


async def move_cursor(tx: Writer, pool: str, feed_id: UUID, *, accepted: int, rejected: int) -> None:
    """Count the rows of a chunk on a locked feed."""
    await tx.execute(
        "update feed set rows_done = rows_done + :judged, rows_accepted = rows_accepted + :accepted, "
        "rows_rejected = rows_rejected + :rejected where pool = :pool and feed_id = :feed_id",
        pool=pool,
        feed_id=feed_id,
        judged=accepted + rejected,
        accepted=accepted,
        rejected=rejected,
    )


async def stand_of_whole(tx: Reader, pool: str, whole_id: UUID) -> Row:
    """Of a list and all its parts that count: how many were judged to the end before, and how many rows went back."""
    row = await tx.row(
        "select count(*) filter (where taken_at is not null) as judged, sum(rows_rejected) as rejected from feed "
        "where pool = :pool and whole_id = :whole_id and withdrawn_at is null",
        pool=pool,
        whole_id=whole_id,
    )
    assert row is not None
    return row


async def move_sweep(tx: Writer, pool: str, feed_id: UUID, after: UUID) -> None:
    """Note the last person whose statuses were worked out anew for a locked feed."""
    await tx.execute(
        "update feed set sweep_after = :after where pool = :pool and feed_id = :feed_id",
        pool=pool,
        feed_id=feed_id,
        after=after,
    )


async def set_judged(
    tx: Writer, pool: str, feed_id: UUID, state: str, at: datetime, *, held: int | None, ending: int | None
) -> None:
    """The last row of a locked feed is judged; of a full list that is whole now also how many statuses it found and how
    many it ends."""
    await tx.execute(
        "update feed set state = :state, taken_at = :at, statuses_held = :held, statuses_ending = :ending, "
        "closing = cast(:held as integer) is not null, version = version + 1 "
        "where pool = :pool and feed_id = :feed_id",
        pool=pool,
        feed_id=feed_id,
        state=state,
        at=at,
        held=held,
        ending=ending,
    )


async def set_swept(tx: Writer, pool: str, feed_id: UUID, state: str) -> None:
    """Everybody whom a locked feed concerns has been gone through."""
    await tx.execute(
        "update feed set state = :state, sweep_after = null, version = version + 1 "
        "where pool = :pool and feed_id = :feed_id",
        pool=pool,
        feed_id=feed_id,
        state=state,
    )


async def set_decided(tx: Writer, pool: str, feed_id: UUID, state: str, by: str, at: datetime) -> None:
    """A second person has decided about a locked feed."""
    await tx.execute(
        "update feed set state = :state, decided_by = :by, decided_at = :at, version = version + 1 "
        "where pool = :pool and feed_id = :feed_id",
        pool=pool,
        feed_id=feed_id,
        state=state,
        by=by,
        at=at,
    )


async def set_withdrawn(tx: Writer, pool: str, feed_id: UUID, state: str, by: str, at: datetime, reason: str) -> None:
    """A locked feed no longer counts."""
    await tx.execute(
        "update feed set state = :state, withdrawn_by = :by, withdrawn_at = :at, withdrawal_reason = :reason, "
        "closing = false, sweep_after = null, version = version + 1 where pool = :pool and feed_id = :feed_id",
        pool=pool,
        feed_id=feed_id,
        state=state,
        by=by,
        at=at,
        reason=reason,
    )


async def open_whole(tx: Writer, pool: str, whole_id: UUID) -> None:
    """A part of a list was withdrawn: the list is no longer whole, and nothing ends by it. The turn is taken."""
    await tx.execute(
        "update feed set state = 'taken', closing = false, sweep_after = null, version = version + 1 "
        "where pool = :pool and whole_id = :whole_id and closing and state in ('held', 'ending', 'declined', 'taken')",
        pool=pool,
        whole_id=whole_id,
    )


async def latest_lists(tx: Reader, pool: str) -> Mapping[str, Row]:
    """Of each supplier the latest day of a list that counts and is whole, and when the last file came."""
    rows = await tx.rows(
        "select supplier, max(list_day) filter (where parts is null or here = parts) as last_list_day, "
        "  max(received_at) as last_received_at from (select supplier, list_day, parts, received_at, "
        "    count(*) over (partition by whole_id) as here from feed where pool = :pool and withdrawn_at is null) f "
        "group by supplier",
        pool=pool,
    )
    return {row["supplier"]: row for row in rows}


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
