"""SQL about rosters, their rows, and the lease under which one worker takes one of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Writer

from ..tables import roster, roster_row

_COLUMNS = (
    "pool, roster_id, scheme, unit_code, file_name, sha256, evidence_id, state, rows_total, rows_enrolled,"
    " rows_refused, rows_rejected, last_row, received_by, received_at, taken_at, version"
)


async def find_roster(tx: Reader, pool: str, roster_id: UUID) -> Mapping[str, Any] | None:
    """One roster."""
    return await tx.row(
        f"select {_COLUMNS} from roster where pool = :pool and roster_id = :roster_id", pool=pool, roster_id=roster_id
    )


async def find_same(tx: Reader, pool: str, scheme: str, unit_code: str, sha256: str) -> Mapping[str, Any] | None:
    """The roster that brought the same bytes from the same unit for the same scheme."""
    return await tx.row(
        f"select {_COLUMNS} from roster"
        " where pool = :pool and scheme = :scheme and unit_code = :unit_code and sha256 = :sha256",
        pool=pool,
        scheme=scheme,
        unit_code=unit_code,
        sha256=sha256,
    )


async def insert_roster(tx: Writer, row: Mapping[str, Any]) -> bool:
    """A roster that came in; False where the same bytes came in at the same moment."""
    tail = "on conflict (pool, scheme, unit_code, sha256) do nothing returning roster_id"
    return bool(await tx.insert(roster, [row], tail=tail))


async def list_rosters(
    tx: Reader, pool: str, scheme: str, area: str, *, after: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Rosters of a scheme inside an area, in the order in which they came; `limit` + 1 rows."""
    columns = ", ".join(f"r.{name.strip()}" for name in _COLUMNS.split(","))
    return await tx.rows(
        f"select {columns} from roster r join unit u on u.pool = r.pool and u.unit_code = r.unit_code"
        " where r.pool = :pool and r.scheme = :scheme and starts_with(u.region, :area)"
        " and (cast(:after as uuid) is null or r.roster_id > :after) order by r.roster_id limit :limit",
        pool=pool,
        scheme=scheme,
        area=area,
        after=after,
        limit=limit + 1,
    )


async def claim_waiting(tx: Writer, pool: str, now: datetime, until: datetime) -> Mapping[str, Any] | None:
    """Take the oldest roster of a pool that nobody works on, for the time until `until`; both are wall time."""
    return await tx.row(
        "update roster set free_from = :until where pool = :pool and roster_id = ("
        "select roster_id from roster where pool = :pool and state = 'received' and free_from <= :now"
        f" order by received_at, roster_id limit 1 for update skip locked) returning {_COLUMNS}",
        pool=pool,
        now=now,
        until=until,
    )


async def lock_roster(tx: Writer, pool: str, roster_id: UUID) -> Mapping[str, Any]:
    """One roster that is known to be there, its row locked until the transaction ends."""
    found = await tx.row(
        f"select {_COLUMNS} from roster where pool = :pool and roster_id = :roster_id for update",
        pool=pool,
        roster_id=roster_id,
    )
    assert found is not None
    return found


async def advance(
    tx: Writer,
    pool: str,
    roster_id: UUID,
    *,
    state: str,
    last_row: int,
    counts: Mapping[str, int],
    free_from: datetime,
    taken_at: datetime | None,
) -> None:
    """Move a received roster's cursor behind the rows just done; with `taken_at` all are."""
    await tx.execute(
        "update roster set last_row = :last_row, rows_enrolled = rows_enrolled + :enrolled,"
        " rows_refused = rows_refused + :refused, rows_rejected = rows_rejected + :rejected, free_from = :free_from,"
        " state = :state, taken_at = :taken_at, version = version + 1 where pool = :pool and roster_id = :roster_id",
        pool=pool,
        roster_id=roster_id,
        state=state,
        last_row=last_row,
        enrolled=counts.get("enrolled", 0),
        refused=counts.get("refused", 0),
        rejected=counts.get("rejected", 0),
        free_from=free_from,
        taken_at=taken_at,
    )


async def insert_rows(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """What became of rows."""
    await tx.insert(roster_row, rows)


async def persons_of_roster(tx: Reader, pool: str, roster_id: UUID, person_ids: Sequence[UUID]) -> set[UUID]:
    """Which of these persons a row of this roster has named already."""
    rows = await tx.rows(
        "select distinct person_id from roster_row where pool = :pool and roster_id = :roster_id"
        " and person_id = any(cast(:person_ids as uuid[]))",
        pool=pool,
        roster_id=roster_id,
        person_ids=list(person_ids),
    )
    return {row["person_id"] for row in rows}


async def list_rows(tx: Reader, pool: str, roster_id: UUID, *, after: int, limit: int) -> Sequence[Mapping[str, Any]]:
    """Rows of a roster by number; `limit` + 1 rows."""
    return await tx.rows(
        "select row_no as row, outcome, person_id, enrolment_id, reasons from roster_row"
        " where pool = :pool and roster_id = :roster_id and row_no > :after order by row_no limit :limit",
        pool=pool,
        roster_id=roster_id,
        after=after,
        limit=limit + 1,
    )


async def list_returned(tx: Reader, pool: str, roster_id: UUID) -> Sequence[Mapping[str, Any]]:
    """Every row of a roster that enrolled nobody."""
    return await tx.rows(
        "select row_no, person_id, reasons from roster_row"
        " where pool = :pool and roster_id = :roster_id and outcome <> 'enrolled' order by row_no",
        pool=pool,
        roster_id=roster_id,
    )
