"""SQL about assessments that the tax bureau is told of: which bills have changed, batches, their lines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.database import Reader, Row, Writer

from ..tables import tax_batch, tax_batch_line
from .leasing import TURN

BATCH = "pool, batch_no, lines_count, state, detail, built_at, asked_at, tries, answered_at, version"


async def hold_cursor(tx: Writer, pool: str) -> str:
    """Up to which bill the round has come; one worker goes it."""
    bill_no: str = await tx.value(
        "insert into tax_cursor (pool, bill_no) values (:pool, '') "
        "on conflict (pool) do update set bill_no = tax_cursor.bill_no returning bill_no",
        pool=pool,
    )
    return bill_no


async def move_cursor(tx: Writer, pool: str, bill_no: str) -> None:
    """The round has come so far."""
    await tx.execute("update tax_cursor set bill_no = :bill_no where pool = :pool", pool=pool, bill_no=bill_no)


async def changed_bills(tx: Writer, pool: str, after: str, limit: int) -> Sequence[Row]:
    """The next bills in the order of their numbers, each with what the bureau is to be told of it (`kind`), or null.

    A bill is told when it is open and was not told so; it is cancelled when it was told and is not owed any more, but
    where the bureau has collected it itself. Only one line of a bill is under way at a time.
    """
    return await tx.rows(
        "select b.bill_no, b.version, b.unit_code, b.person_id, b.scheme, b.amount_fen, b.window, "
        "case when last.state = 'waiting' then null "
        "when b.status = 'open' and b.amount_fen > 0 and (last.bill_no is null or last.state = 'repeated' "
        "or last.bill_version <> b.version) then 'save' "
        "when b.status <> 'open' and last.kind = 'save' and last.state = 'kept' and not exists ("
        "select 1 from collection as c where c.pool = :pool and c.settles = b.bill_no and c.channel = 'etax') "
        "then 'cancel' when b.status <> 'open' and last.kind = 'cancel' and last.state = 'repeated' then 'cancel' "
        "end as kind "
        "from bill as b left join lateral (select l.bill_no, l.bill_version, l.kind, l.state from tax_batch_line as l "
        "where l.pool = :pool and l.bill_no = b.bill_no order by l.batch_no desc limit 1) as last on true "
        "where b.pool = :pool and b.bill_no > :after order by b.bill_no limit :limit",
        pool=pool,
        after=after,
        limit=limit,
    )


async def insert_batch(tx: Writer, row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> None:
    """Store a batch before it is sent."""
    await tx.insert(tax_batch, [row])
    await tx.insert(tax_batch_line, lines)


async def lease_batch(tx: Writer, now: datetime, seconds: float, most_seconds: float) -> Row | None:
    """Take the batch that has waited longest to be sent or asked about; it counts as asked from `now` on."""
    turn = {"now": now, "seconds": seconds, "most_seconds": most_seconds}
    waiting = f"from tax_batch where state in ('built', 'sent') and {TURN}"
    pool = await tx.value(f"select pool {waiting} order by asked_at limit 1", **turn)
    return pool and await tx.row(
        "update tax_batch set asked_at = :now, tries = tries + 1 where pool = :pool and batch_no = ("
        f"select batch_no {waiting} and pool = :pool "
        f"order by asked_at limit 1 for update skip locked) returning {BATCH}",
        pool=pool,
        **turn,
    )


async def lock_batch(tx: Writer, pool: str, batch_no: str) -> Row:
    """One batch, locked."""
    row = await tx.row(
        f"select {BATCH} from tax_batch where pool = :pool and batch_no = :batch_no for update",
        pool=pool,
        batch_no=batch_no,
    )
    assert row is not None
    return row


async def move_batch(
    tx: Writer, pool: str, batch_no: str, state: str, *, detail: str | None, answered_at: datetime | None
) -> None:
    """Record what became of a locked batch."""
    await tx.execute(
        "update tax_batch set state = :state, detail = :detail, answered_at = :answered_at, version = version + 1 "
        "where pool = :pool and batch_no = :batch_no",
        pool=pool,
        batch_no=batch_no,
        state=state,
        detail=detail,
        answered_at=answered_at,
    )


async def note_batch(tx: Writer, pool: str, batch_no: str, detail: str) -> None:
    """Keep what was said of a batch on which nothing has changed."""
    await tx.execute(
        "update tax_batch set detail = :detail where pool = :pool and batch_no = :batch_no",
        pool=pool,
        batch_no=batch_no,
        detail=detail,
    )


async def lines_of(tx: Reader, pool: str, batch_no: str) -> Sequence[Row]:
    """The lines of a batch, with their bills as they stand."""
    return await tx.rows(
        "select l.line_no, l.bill_no, l.bill_version, l.kind, l.amount_fen, l.state, b.unit_code, b.person_id, "
        "b.scheme, b.window from tax_batch_line as l join bill as b on b.pool = l.pool and b.bill_no = l.bill_no "
        "where l.pool = :pool and l.batch_no = :batch_no order by l.line_no",
        pool=pool,
        batch_no=batch_no,
    )


async def keep_lines(tx: Writer, pool: str, batch_no: str, line_nos: Sequence[int]) -> None:
    """The bureau has kept these lines."""
    await tx.execute(
        "update tax_batch_line set state = 'kept' where pool = :pool and batch_no = :batch_no "
        "and state = 'waiting' and line_no = any(cast(:line_nos as integer[]))",
        pool=pool,
        batch_no=batch_no,
        line_nos=list(line_nos),
    )


async def refuse_lines(tx: Writer, pool: str, batch_no: str, refused: Sequence[tuple[int, str]]) -> None:
    """The bureau has refused these lines, each for its reason."""
    await tx.execute(
        "update tax_batch_line as l set state = 'refused', reason = told.reason "
        "from unnest(cast(:line_nos as integer[]), cast(:reasons as text[])) as told (line_no, reason) "
        "where l.pool = :pool and l.batch_no = :batch_no and l.line_no = told.line_no and l.state = 'waiting'",
        pool=pool,
        batch_no=batch_no,
        line_nos=[line_no for line_no, _ in refused],
        reasons=[reason for _, reason in refused],
    )


async def repeat_waiting(tx: Writer, pool: str, batch_no: str, reason: str) -> None:
    """The batch was refused as a whole: what was not at fault in it goes again."""
    await tx.execute(
        "update tax_batch_line set state = 'repeated', reason = :reason where pool = :pool "
        "and batch_no = :batch_no and state = 'waiting'",
        pool=pool,
        batch_no=batch_no,
        reason=reason,
    )


async def count_waiting(tx: Reader, pool: str, batch_no: str) -> int:
    """Lines of a batch on which the bureau has not said anything."""
    return int(
        await tx.value(
            "select count(*) from tax_batch_line where pool = :pool and batch_no = :batch_no and state = 'waiting'",
            pool=pool,
            batch_no=batch_no,
        )
    )


async def repeat_refused(tx: Writer, pool: str, bill_no: str) -> int:
    """Have a bill's refused line go again; how many there were."""
    return await tx.execute(
        "update tax_batch_line set state = 'repeated' where pool = :pool and bill_no = :bill_no and state = 'refused'",
        pool=pool,
        bill_no=bill_no,
    )


async def list_lines(
    tx: Reader, pool: str, area: str, *, after: str, limit: int, state: str | None, bill_no: str | None
) -> Sequence[Row]:
    """What the bureau was told last of each bill, by number; `limit` + 1 rows."""
    return await tx.rows(
        "select l.*, b.region from (select distinct on (l.bill_no) l.pool, l.batch_no, l.line_no, l.bill_no, "
        "l.bill_version, l.kind, l.amount_fen, l.state, l.reason from tax_batch_line as l where l.pool = :pool "
        "and l.bill_no > :after and (cast(:bill_no as text) is null or l.bill_no = :bill_no) "
        "order by l.bill_no, l.batch_no desc) as l "
        "join bill as b on b.pool = :pool and b.bill_no = l.bill_no "
        "where (cast(:state as text) is null or l.state = :state) and b.region like :area "
        "order by l.bill_no limit :limit",
        pool=pool,
        area=f"{area}%",
        after=after,
        limit=limit + 1,
        state=state,
        bill_no=bill_no,
    )
