"""SQL that shows the chain of a day: what was collected, what each statement says, which breaks are open."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from shared.database import Reader, Row

from .matching import CHANNEL_DAY

_INSTITUTION = "case when c.channel in ('bank', 'agent') then split_part(s.reference, '/', 1) else '' end"


async def collected(tx: Reader, pool: str, day: date) -> Sequence[Row]:
    """Live money of a day as its channels count days: by channel and institution, with the collections."""
    return await tx.rows(
        f"select c.channel, {_INSTITUTION} as institution, count(*) as collected_count, "
        "cast(sum(c.amount_fen) as bigint) as collected_fen, "
        "cast(sum(c.refunded_fen) as bigint) as refunded_fen, array_agg(c.collection_id) as collection_ids "
        "from collection as c join submission as s on s.pool = c.pool and s.submission_id = c.submission_id "
        "where c.pool = :pool and c.reversed_at is null "
        "and c.paid_at >= cast(cast(:day as date) - 2 as timestamp) at time zone 'Asia/Shanghai' "
        "and c.paid_at < cast(cast(:day as date) + 3 as timestamp) at time zone 'Asia/Shanghai' "
        f"and {CHANNEL_DAY} = :day group by 1, 2 order by 1, 2",
        pool=pool,
        day=day,
    )


async def statements(tx: Reader, pool: str, day: date) -> Sequence[Row]:
    """The statement of each channel and institution that counts for a day, or is on its way to."""
    return await tx.rows(
        "select distinct on (s.channel, s.institution) s.channel, s.institution, s.statement_id, s.state, s.layout, "
        "coalesce(sums.amount_fen, 0) as amount_fen, coalesce(sums.back_fen, 0) as back_fen, "
        "coalesce(sums.pending, 0) as pending from statement as s left join lateral ("
        "select cast(sum(amount_fen) filter (where kind = 'payment' and status = 'success') as bigint) as amount_fen, "
        "cast(sum(amount_fen) filter (where kind <> 'payment' and status = 'success') as bigint) as back_fen, "
        "count(*) filter (where result = 0) as pending from statement_row as r "
        "where r.pool = :pool and r.statement_id = s.statement_id) as sums on true "
        "where s.pool = :pool and s.day = :day and s.channel <> 'account' "
        "and s.state in ('received', 'differs', 'accepted') "
        "order by s.channel, s.institution, (s.state = 'accepted') desc, s.file_version desc",
        pool=pool,
        day=day,
    )


async def open_breaks(tx: Reader, pool: str, day: date) -> Sequence[Row]:
    """Breaks of a day that somebody has to do something about."""
    return await tx.rows(
        "select b.break_id, b.channel, b.institution, b.kind, b.state, b.owner, b.due_on, b.proposed_by "
        "from statement_break as b where b.pool = :pool and b.day = :day and b.state in ('open', 'proposed') "
        "order by b.break_id",
        pool=pool,
        day=day,
    )


async def lines_of(tx: Reader, pool: str, settlement_ids: Sequence[UUID]) -> Sequence[Row]:
    """The lines of accounts that brought settlements."""
    return await tx.rows(
        "select line.settlement_id, line.statement_id, line.row_no, line.part, line.amount_fen, "
        "statement.institution as account, statement.day, r.reference from settlement_line as line join statement "
        "on statement.pool = line.pool and statement.statement_id = line.statement_id "
        "and statement.state = 'accepted' join statement_row as r on r.pool = line.pool "
        "and r.statement_id = line.statement_id and r.row_no = line.row_no "
        "where line.pool = :pool and line.settlement_id = any(cast(:ids as uuid[])) "
        "order by statement.day, line.statement_id, line.row_no",
        pool=pool,
        ids=list(settlement_ids),
    )


async def amounts(tx: Reader, pool: str, collection_ids: Sequence[UUID]) -> dict[UUID, int]:
    """What collections come to less what was paid back of them, in fen."""
    rows = await tx.rows(
        "select collection_id, amount_fen - refunded_fen as amount_fen from collection "
        "where pool = :pool and collection_id = any(cast(:ids as uuid[]))",
        pool=pool,
        ids=list(collection_ids),
    )
    return {row["collection_id"]: int(row["amount_fen"]) for row in rows}
