"""SQL about breaks (差错): opened, proposed, resolved, superseded; and about money that a statement clears."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..rules.tax import POOLLESS
from ..tables import statement_break, transfer

BREAK = (
    "pool, break_id, kind, channel, institution, day, statement_id, row_no, collection_id, channel_fen, our_fen, "
    "owner, state, opened_on, due_on, overdue, resolution, reason, bill_no, proposed_by, proposed_at, approved_by, "
    "approved_at, answer, booked_id, version"
)
_LIVE = "state in ('open', 'proposed')"
# About the money of a withholding's line, by a return file. What merely stands on no statement is of other kinds.
_WITHHELD = (
    "b.row_no is null and b.collection_id is not null "
    "and b.kind in ('channel_failed', 'amount_differs', 'ours_missing')"
)


async def open_breaks(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> int:
    """Open breaks; how many were new. One about the same row, collection or file is not opened twice."""
    stored = await tx.insert(statement_break, rows, tail="on conflict do nothing returning break_id")
    return len(stored)


async def change_kinds(tx: Writer, pool: str, news: Sequence[Mapping[str, Any]]) -> None:
    """Give live breaks another kind, because their rows come to something else by now; proposals lapse with it."""
    if news:
        await tx.execute(
            "update statement_break as b set kind = news.kind, collection_id = news.collection_id, "
            "our_fen = news.our_fen, state = 'open', resolution = null, reason = null, bill_no = null, "
            "proposed_by = null, proposed_at = null, version = version + 1 "
            "from unnest(cast(:ids as uuid[]), cast(:kinds as text[]), cast(:collections as uuid[]), "
            "cast(:amounts as bigint[])) as news (break_id, kind, collection_id, our_fen) "
            "where pool = :pool and b.break_id = news.break_id and b.state in ('open', 'proposed') "
            "and b.kind <> news.kind",
            pool=pool,
            ids=[row["break_id"] for row in news],
            kinds=[row["kind"] for row in news],
            collections=[row["collection_id"] for row in news],
            amounts=[row["our_fen"] for row in news],
        )


async def supersede(tx: Writer, pool: str, break_ids: Sequence[UUID]) -> None:
    """End live breaks that something else has answered."""
    if break_ids:
        await tx.execute(
            "update statement_break set state = 'superseded', overdue = false, version = version + 1 "
            f"where pool = :pool and break_id = any(cast(:ids as uuid[])) and {_LIVE}",
            pool=pool,
            ids=list(break_ids),
        )


async def live_of_statement(tx: Reader, pool: str, statement_id: UUID) -> Sequence[UUID]:
    """The live breaks of a statement."""
    rows = await tx.rows(
        f"select break_id from statement_break where pool = :pool and statement_id = :statement_id and {_LIVE}",
        pool=pool,
        statement_id=statement_id,
    )
    return [row["break_id"] for row in rows]


async def supersede_missing_file(tx: Writer, statement: Mapping[str, Any]) -> None:
    """End the break about a day's missing statement: it has come."""
    await tx.execute(
        "update statement_break set state = 'superseded', overdue = false, version = version + 1 "
        "where pool = :pool and channel = :channel and institution = :institution and day = :day "
        f"and kind = 'statement_missing' and {_LIVE}",
        **{name: statement[name] for name in ("pool", "channel", "institution", "day")},
    )


async def supersede_found(tx: Writer, statement: Mapping[str, Any]) -> None:
    """End the breaks about money of this day that stood on no statement and stands on one now, or was reversed.

    Not those about reversed money that a bank has debited after all: only people know what became of it.
    """
    await tx.execute(
        "update statement_break as b set state = 'superseded', overdue = false, version = version + 1 "
        "where b.pool = :pool and b.channel = :channel and b.institution = :institution and b.day = :day "
        "and b.row_no is null and b.collection_id is not null and b.kind <> 'ours_missing' "
        "and b.state in ('open', 'proposed') "
        "and (exists (select 1 from collection as c where c.pool = :pool and c.collection_id = b.collection_id "
        "and c.reversed_at is not null) "
        "or exists (select 1 from statement_match as m join statement as s on s.pool = m.pool "
        "and s.statement_id = m.statement_id and s.state = 'accepted' where m.pool = :pool "
        "and m.subject_kind = 'collection' and m.subject_pool = b.pool and m.subject_id = b.collection_id))",
        **{name: statement[name] for name in ("pool", "channel", "institution", "day")},
    )


async def supersede_withheld(tx: Writer, pool: str, told: Mapping[UUID, tuple[str | None, int | None]]) -> None:
    """End live breaks about withheld money of which the bank says something else by now: kind and amount of the break
    that its last word is, by collection; None, None where it is none."""
    await tx.execute(
        "update statement_break as b set state = 'superseded', overdue = false, version = version + 1 "
        "from unnest(cast(:ids as uuid[]), cast(:kinds as text[]), cast(:amounts as bigint[])) "
        f"as told (collection_id, kind, channel_fen) where b.pool = :pool and {_WITHHELD} "
        "and b.collection_id = told.collection_id and b.state in ('open', 'proposed') "
        "and (b.kind, b.channel_fen) is distinct from (told.kind, told.channel_fen)",
        pool=pool,
        ids=list(told),
        kinds=[kind for kind, _ in told.values()],
        amounts=[amount_fen for _, amount_fen in told.values()],
    )


async def open_work(tx: Reader, statement: Mapping[str, Any]) -> bool:
    """Whether anything about a statement's day waits: a pending row, or a break without an end."""
    found = await tx.value(
        "select 1 where exists (select 1 from statement_row where pool = :pool and statement_id = :statement_id "
        "and result = 0) or exists (select 1 from statement_break where pool = :pool and channel = :channel "
        f"and institution = :institution and day = :day and {_LIVE})",
        **{name: statement[name] for name in ("pool", "statement_id", "channel", "institution", "day")},
    )
    return found is not None


async def list_breaks(
    tx: Reader,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    state: str | None = None,
    channel: str | None = None,
    statement_id: UUID | None = None,
) -> Sequence[Row]:
    """Breaks with their rows, in the order in which they were opened; `limit` + 1 rows."""
    return await tx.rows(
        f"{_WITH_ROW} where b.pool = :pool and (cast(:after as uuid) is null or b.break_id > :after) "
        "and (cast(:state as text) is null or b.state = :state) "
        "and (cast(:channel as text) is null or b.channel = :channel) "
        "and (cast(:statement_id as uuid) is null or b.statement_id = :statement_id) order by b.break_id limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
        state=state,
        channel=channel,
        statement_id=statement_id,
    )


async def find_break(tx: Reader, pool: str, break_id: UUID) -> Row | None:
    """One break with its row."""
    return await tx.row(f"{_WITH_ROW} where b.pool = :pool and b.break_id = :break_id", pool=pool, break_id=break_id)


async def lock_break(tx: Writer, pool: str, break_id: UUID) -> Row | None:
    """One break, locked. Whoever changes its statement as well locks that first."""
    return await tx.row(
        f"select {BREAK} from statement_break where pool = :pool and break_id = :break_id for update",
        pool=pool,
        break_id=break_id,
    )


async def change_break(tx: Writer, pool: str, break_id: UUID, changes: Mapping[str, Any]) -> None:
    """Change a locked break; the columns are named by our own code."""
    columns = ", ".join(f"{name} = :{name}" for name in changes)
    await tx.execute(
        f"update statement_break set {columns}, version = version + 1 where pool = :pool and break_id = :break_id",
        pool=pool,
        break_id=break_id,
        **changes,
    )


async def mark_overdue(tx: Writer, today: date) -> int:
    """Raise the alarm on breaks, and on statements nobody has judged, that should be over by now; on how many."""
    breaks = await tx.execute(
        f"update statement_break set overdue = true where {_LIVE} and due_on < :today and not overdue", today=today
    )
    statements = await tx.execute(
        "update statement set overdue = true where state in ('received', 'differs') and due_on < :today "
        "and not overdue",
        today=today,
    )
    return breaks + statements


# --- clearing ---------------------------------------------------------------------------------------------------------


async def uncleared(tx: Writer, pool: str, statement_id: UUID, limit: int) -> Sequence[Row]:
    """Live money that a statement's rows stand for and that was not cleared, kept from being reversed meanwhile.

    That whose pool nobody could tell is asked for apart: rows are locked in one pool at a time, everybody's order.
    """
    found: list[Row] = []
    for home in sorted({POOLLESS, pool}):
        waiting = await tx.rows(
            "select subject_id from statement_match where pool = :pool and statement_id = :statement_id "
            "and subject_kind = 'collection' and subject_pool = :home and cleared_at is null",
            pool=pool,
            statement_id=statement_id,
            home=home,
        )
        found += await tx.rows(
            "select pool, collection_id, scheme, amount_fen, bill_no from collection where pool = :home "
            "and collection_id = any(cast(:ids as uuid[])) and reversed_at is null order by collection_id "
            "limit :limit for share",
            home=home,
            ids=[row["subject_id"] for row in waiting],
            limit=limit - len(found),
        )
    return found


async def post_clearing(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> None:
    """Post what leaves a channel for the special account, each collection once."""
    await tx.insert(transfer, rows, tail="on conflict (pool, kind, subject, debit_account, credit_account) do nothing")


async def mark_cleared(tx: Writer, pool: str, subject_pool: str, ids: Sequence[UUID], at: datetime) -> None:
    """Mark the collections of a pool that rows stand for as cleared."""
    await tx.execute(
        "update statement_match set cleared_at = :at where pool = :pool and subject_kind = 'collection' "
        "and subject_pool = :subject_pool and subject_id = any(cast(:ids as uuid[]))",
        pool=pool,
        subject_pool=subject_pool,
        ids=list(ids),
        at=at,
    )


_WITH_ROW = (
    f"select {', '.join(f'b.{name.strip()}' for name in BREAK.split(','))}, s.received_by, s.state as statement_state, "
    "r.line_no, r.kind as line_kind, r.raw, r.reference, r.order_no, r.paid_at, r.payer_name, "
    "r.amount_fen as line_fen, r.faults from statement_break as b "
    "left join statement as s on s.pool = b.pool and s.statement_id = b.statement_id "
    "left join statement_row as r on r.pool = b.pool and r.statement_id = b.statement_id and r.row_no = b.row_no"
)
