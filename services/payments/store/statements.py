"""SQL about statements and their rows: received, taken in, accepted, replaced, looked over again."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import statement, statement_row

STATEMENT = (
    "pool, statement_id, channel, institution, day, file_version, layout, file_name, sha256, size_bytes, evidence_id, "
    "state, rows_taken, told_count, told_fen, told_back_fen, found_count, found_fen, found_back_fen, received_by, "
    "received_at, taken_at, judged_by, judged_at, note, look_on, due_on, overdue, version"
)
_SERIES = "pool = :pool and channel = :channel and institution = :institution and day = :day"
_SHOWN = ", ".join(f"statement.{name.strip()}" for name in STATEMENT.split(","))
_COUNTED = (
    f"select {_SHOWN}, coalesce(rows.pending, 0) as pending, coalesce(rows.agreed, 0) as agreed, "
    "coalesce(breaks.open, 0) as breaks_open from statement "
    "left join lateral (select count(*) filter (where result = 0) as pending, "
    "count(*) filter (where result = any(cast(:agreed as smallint[]))) as agreed from statement_row "
    "where statement_row.pool = :pool "
    "and statement_row.statement_id = statement.statement_id) as rows on true "
    "left join lateral (select count(*) as open from statement_break "
    "where statement_break.pool = :pool and statement_break.statement_id = statement.statement_id "
    "and statement_break.state in ('open', 'proposed')) as breaks on true "
)


async def find_same(tx: Reader, series: Mapping[str, Any], sha256: str) -> Row | None:
    """The statement of a day that has these bytes."""
    return await tx.row(
        f"select {STATEMENT} from statement where {_SERIES} and sha256 = :sha256", **series, sha256=sha256
    )


async def insert_statement(tx: Writer, row: Mapping[str, Any]) -> bool:
    """A file that came in, as the next version of its day; False where somebody brought one at the same moment."""
    latest = await tx.value(
        f"select max(file_version) from statement where {_SERIES}",
        **{name: row[name] for name in ("pool", "channel", "institution", "day")},
    )
    stored = await tx.insert(
        statement, [{**row, "file_version": (latest or 0) + 1}], tail="on conflict do nothing returning statement_id"
    )
    return bool(stored)


async def set_evidence(tx: Writer, pool: str, statement_id: UUID, evidence_id: UUID) -> None:
    """Name the stored bytes of a new statement."""
    await tx.execute(
        "update statement set evidence_id = :evidence_id where pool = :pool and statement_id = :statement_id",
        pool=pool,
        statement_id=statement_id,
        evidence_id=evidence_id,
    )


async def find_statement(tx: Reader, pool: str, statement_id: UUID, agreed: Sequence[int]) -> Row | None:
    """One statement with what has become of its rows."""
    return await tx.row(
        f"{_COUNTED} where statement.pool = :pool and statement.statement_id = :statement_id",
        pool=pool,
        statement_id=statement_id,
        agreed=list(agreed),
    )


async def list_statements(
    tx: Reader,
    pool: str,
    agreed: Sequence[int],
    *,
    after: UUID | None,
    limit: int,
    channel: str | None,
    state: str | None,
    day: date | None,
) -> Sequence[Row]:
    """Statements in the order in which they came; `limit` + 1 rows."""
    return await tx.rows(
        f"{_COUNTED} where statement.pool = :pool "
        "and (cast(:after as uuid) is null or statement.statement_id > :after) "
        "and (cast(:channel as text) is null or statement.channel = :channel) "
        "and (cast(:state as text) is null or statement.state = :state) "
        "and (cast(:day as date) is null or statement.day = :day) order by statement.statement_id limit :limit",
        pool=pool,
        agreed=list(agreed),
        after=after,
        limit=limit + 1,
        channel=channel,
        state=state,
        day=day,
    )


async def list_rows(
    tx: Reader, pool: str, statement_id: UUID, *, after: int, limit: int, result: int | None
) -> Sequence[Row]:
    """Rows of a statement by number, each with what it stands for and its break; `limit` + 1 rows."""
    return await tx.rows(
        "select r.row_no, r.line_no, r.raw, r.kind, r.status, r.reference, r.order_no, r.amount_fen, r.paid_at, "
        "r.payer_name, r.faults, r.result, r.judged_on, b.break_id, b.state as break_state, "
        "coalesce((select jsonb_agg(jsonb_build_object('kind', m.subject_kind, 'pool', m.subject_pool, "
        "'id', m.subject_id, 'amount_fen', m.amount_fen, 'cleared', m.cleared_at is not null) order by m.subject_id) "
        "from statement_match as m where m.pool = :pool and m.statement_id = r.statement_id "
        "and m.row_no = r.row_no), '[]') as matches "
        "from statement_row as r left join statement_break as b on b.pool = r.pool "
        "and b.statement_id = r.statement_id and b.row_no = r.row_no and b.state <> 'superseded' "
        "where r.pool = :pool and r.statement_id = :statement_id and r.row_no > :after "
        "and (cast(:result as smallint) is null or r.result = :result) order by r.row_no limit :limit",
        pool=pool,
        statement_id=statement_id,
        after=after,
        limit=limit + 1,
        result=result,
    )


async def find_row(tx: Reader, pool: str, statement_id: UUID, row_no: int) -> Row | None:
    """One row."""
    return await tx.row(
        "select row_no, line_no, raw, digest, kind, status, reference, order_no, amount_fen, paid_at, payer_name, "
        "result from statement_row where pool = :pool and statement_id = :statement_id and row_no = :row_no",
        pool=pool,
        statement_id=statement_id,
        row_no=row_no,
    )


async def waiting_statements(tx: Reader) -> Sequence[Row]:
    """Files that are not taken in, oldest day first; of each day the newest version first."""
    return await tx.rows(
        f"select {STATEMENT} from statement where state = 'received' "
        "order by day, pool, channel, institution, file_version desc"
    )


async def lock_statement(tx: Writer, pool: str, statement_id: UUID, *, wait: bool) -> Row | None:
    """One statement, its row locked; without `wait` None where another worker is at it."""
    return await tx.row(
        f"select {STATEMENT} from statement where pool = :pool and statement_id = :statement_id "
        f"for update{'' if wait else ' skip locked'}",
        pool=pool,
        statement_id=statement_id,
    )


async def insert_rows(tx: Writer, pool: str, statement_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store the next rows of a locked statement and move its cursor."""
    await tx.copy(statement_row, rows)
    await tx.execute(
        "update statement set rows_taken = rows_taken + :count where pool = :pool and statement_id = :statement_id",
        pool=pool,
        statement_id=statement_id,
        count=len(rows),
    )


async def end_taking(tx: Writer, pool: str, statement_id: UUID, at: datetime, totals: Mapping[str, Any]) -> None:
    """Record what a wholly read, locked statement says of itself and what was found in it."""
    await tx.execute(
        "update statement set taken_at = :at, told_count = :told_count, told_fen = :told_fen, "
        "told_back_fen = :told_back_fen, found_count = :found_count, found_fen = :found_fen, "
        "found_back_fen = :found_back_fen where pool = :pool and statement_id = :statement_id",
        pool=pool,
        statement_id=statement_id,
        at=at,
        **totals,
    )


async def note_many_rows(tx: Writer) -> None:
    """Have the planner know of rows that came this minute; before autovacuum tells it, it takes them for a handful."""
    await tx.execute("analyze statement_row")


async def move_statement(
    tx: Writer,
    pool: str,
    statement_id: UUID,
    state: str,
    *,
    by: str | None = None,
    at: datetime | None = None,
    note: str | None = None,
    look_on: date | None = None,
) -> None:
    """Give a locked statement another state; `by` is who judged it."""
    await tx.execute(
        "update statement set state = :state, judged_by = coalesce(:by, judged_by), "
        "judged_at = coalesce(cast(:at as timestamptz), judged_at), note = coalesce(:note, note), "
        "look_on = cast(:look_on as date), overdue = false, version = version + 1 "
        "where pool = :pool and statement_id = :statement_id",
        pool=pool,
        statement_id=statement_id,
        state=state,
        by=by,
        at=at if by else None,
        note=note,
        look_on=look_on,
    )


async def lock_earlier(tx: Writer, series: Mapping[str, Any], file_version: int) -> Sequence[Row]:
    """The other versions of a day that are not over, locked, oldest first."""
    return await tx.rows(
        f"select {STATEMENT} from statement where {_SERIES} and file_version < :file_version "
        "and state in ('received', 'differs', 'accepted') order by file_version for update",
        **series,
        file_version=file_version,
    )


async def newer_accepted(tx: Reader, series: Mapping[str, Any], file_version: int) -> bool:
    """Whether a newer version of a day has been accepted."""
    found = await tx.value(
        f"select 1 from statement where {_SERIES} and file_version > :file_version and state = 'accepted' limit 1",
        **series,
        file_version=file_version,
    )
    return found is not None


async def rows_to_carry(tx: Reader, pool: str, statement_id: UUID) -> Mapping[int, bytes]:
    """The rows of a statement about which there is a break, or which have brought money, with their lines' marks."""
    rows = await tx.rows(
        "select r.row_no, r.digest from statement_break as b join statement_row as r on r.pool = b.pool "
        "and r.statement_id = b.statement_id and r.row_no = b.row_no "
        "where b.pool = :pool and b.statement_id = :statement_id and b.state <> 'superseded' "
        "union select r.row_no, r.digest from settlement_line as line join statement_row as r on r.pool = line.pool "
        "and r.statement_id = line.statement_id and r.row_no = line.row_no "
        "where line.pool = :pool and line.statement_id = :statement_id",
        pool=pool,
        statement_id=statement_id,
    )
    return {row["row_no"]: row["digest"] for row in rows}


async def rows_with_digests(tx: Reader, pool: str, statement_id: UUID, digests: Sequence[bytes]) -> Sequence[Row]:
    """The rows of a statement whose lines have these marks, by number."""
    return await tx.rows(
        "select row_no, digest from statement_row where pool = :pool and statement_id = :statement_id "
        "and digest = any(cast(:digests as bytea[])) order by row_no",
        pool=pool,
        statement_id=statement_id,
        digests=list(digests),
    )


async def carry_over(tx: Writer, pool: str, before: UUID, after: UUID, pairs: Sequence[tuple[int, int]]) -> None:
    """Give rows of a new version what became of the same rows before: result, what they stand for, and break."""
    about = {"pool": pool, "before": before, "after": after}
    about |= {"rows_before": [pair[0] for pair in pairs], "rows_after": [pair[1] for pair in pairs]}
    same = "unnest(cast(:rows_before as integer[]), cast(:rows_after as integer[])) as same (row_before, row_after)"
    await tx.execute(
        "update statement_row as r set result = old.result, judged_on = old.judged_on "
        f"from statement_row as old join {same} on old.row_no = same.row_before "
        "where old.pool = :pool and old.statement_id = :before "
        "and r.pool = :pool and r.statement_id = :after and r.row_no = same.row_after",
        **about,
    )
    for table in ("statement_match", "statement_break", "settlement_line"):
        await tx.execute(
            f"update {table} as r set statement_id = :after, row_no = same.row_after from {same} "
            "where r.pool = :pool and r.statement_id = :before and r.row_no = same.row_before",
            **about,
        )


async def due_statements(tx: Reader, today: date) -> Sequence[Row]:
    """Accepted statements that are to be looked over today, oldest day first."""
    return await tx.rows(
        f"select {STATEMENT} from statement where look_on <= :today and state = 'accepted' "
        "order by day, pool, statement_id",
        today=today,
    )


async def look_again(tx: Writer, pool: str, statement_id: UUID, today: date) -> None:
    """Have a locked statement's unsettled rows judged once more today."""
    await tx.execute(
        "update statement_row as r set judged_on = null where pool = :pool and statement_id = :statement_id "
        "and (result = 0 or exists (select 1 from statement_break as b where b.pool = :pool "
        "and b.statement_id = r.statement_id and b.row_no = r.row_no and b.state in ('open', 'proposed')))",
        pool=pool,
        statement_id=statement_id,
    )
    await set_look(tx, pool, statement_id, today)


async def set_look(tx: Writer, pool: str, statement_id: UUID, day: date | None) -> None:
    """When a locked statement is looked over next; None where nothing of it is open."""
    await tx.execute(
        "update statement set look_on = :day where pool = :pool and statement_id = :statement_id",
        pool=pool,
        statement_id=statement_id,
        day=day,
    )


async def figures(tx: Reader, pool: str, agreed: Sequence[int], today: date) -> Row:
    """How far a pool is reconciled. Versions that were replaced or rejected do not count."""
    row = await tx.row(
        "with standing as (select statement_id from statement "
        "where pool = :pool and state in ('received', 'differs', 'accepted')), "
        "rows as (select result from statement_row where pool = :pool "
        "and statement_id in (select statement_id from standing)), "
        "breaks as (select state from statement_break where pool = :pool) "
        "select (select count(*) from standing) as statements, (select count(*) from rows) as lines, "
        "(select count(*) from rows where result = any(cast(:agreed as smallint[]))) as matched, "
        "(select count(*) from breaks) as exceptions_opened, "
        "(select count(*) from breaks where state in ('open', 'proposed')) as exceptions_open, "
        "(select count(*) from statement where pool = :pool "
        "and (state = 'received' or state = 'accepted' and look_on <= :today)) as statements_due",
        pool=pool,
        agreed=list(agreed),
        today=today,
    )
    assert row is not None
    return row
