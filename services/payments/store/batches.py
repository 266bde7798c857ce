"""SQL about batches of ledger lines that were made without network."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables.batches import ledger_batch, ledger_batch_line

_BATCH = (
    "batch.pool, batch.batch_id, batch.ledger_id, batch.batch_no, batch.sha256, batch.file_name, batch.size_bytes, "
    "batch.evidence_id, batch.state, batch.lines_count, batch.lines_taken, batch.made_at, batch.received_by, "
    "batch.received_at, batch.taken_at, batch.version, (select count(*) from ledger_batch_line as line "
    "where line.pool = :pool and line.batch_id = batch.batch_id and line.result = 'refused') as refused_count"
)
_LINE = "row_no, line_no, result, known, collection_id, receipt_no, reason, detail"


async def insert_batch(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Keep a batch; False where the same bytes came before for the ledger."""
    tail = "on conflict (pool, ledger_id, sha256) do nothing returning batch_id"
    return bool(await tx.insert(ledger_batch, [row], tail=tail))


async def set_evidence(tx: Writer, pool: str, batch_id: UUID, evidence_id: UUID) -> None:
    """Name the stored bytes of a new batch."""
    await tx.execute(
        "update ledger_batch set evidence_id = :evidence_id where pool = :pool and batch_id = :batch_id",
        pool=pool,
        batch_id=batch_id,
        evidence_id=evidence_id,
    )


async def find_batch(tx: Reader, pool: str, batch_id: UUID) -> Row | None:
    """One batch."""
    return await tx.row(
        f"select {_BATCH} from ledger_batch as batch where batch.pool = :pool and batch.batch_id = :batch_id",
        pool=pool,
        batch_id=batch_id,
    )


async def lock_batch(tx: Writer, pool: str, batch_id: UUID) -> Row | None:
    """One batch, locked: its lines are taken by one worker at a time."""
    locked = await tx.row(
        "select batch_id from ledger_batch where pool = :pool and batch_id = :batch_id for update",
        pool=pool,
        batch_id=batch_id,
    )
    return await find_batch(tx, pool, batch_id) if locked else None


async def lock_same(tx: Writer, pool: str, ledger_id: UUID, sha256: str) -> Row:
    """The batch of a ledger with these bytes, locked."""
    row = await tx.row(
        "select batch_id from ledger_batch where pool = :pool and ledger_id = :ledger_id and sha256 = :sha256 "
        "for update",
        pool=pool,
        ledger_id=ledger_id,
        sha256=sha256,
    )
    assert row is not None
    found = await find_batch(tx, pool, row["batch_id"])
    assert found is not None
    return found


async def list_batches(tx: Reader, pool: str, ledger_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Row]:
    """Batches of a ledger in the order in which they came; `limit` + 1 rows."""
    narrowed = "and batch.batch_id > :after " if after else ""
    return await tx.rows(
        f"select {_BATCH} from ledger_batch as batch where batch.pool = :pool and batch.ledger_id = :ledger_id "
        f"{narrowed}order by batch.batch_id limit :limit",
        pool=pool,
        ledger_id=ledger_id,
        limit=limit + 1,
        **({"after": after} if after else {}),
    )


async def waiting_batches(tx: Reader) -> Sequence[Row]:
    """Batches that are not taken yet, the oldest first."""
    return await tx.rows("select pool, batch_id from ledger_batch where state = 'received' order by batch_id")


async def put_lines(tx: Writer, pool: str, batch_id: UUID, rows: Sequence[Mapping[str, Any]]) -> None:
    """Note what became of lines of a locked batch; a line that is taken once more has its latest end."""
    await tx.insert(
        ledger_batch_line,
        [{**row, "pool": pool, "batch_id": batch_id} for row in rows],
        tail="on conflict (pool, batch_id, row_no) do update set line_no = excluded.line_no, "
        "result = excluded.result, known = excluded.known, collection_id = excluded.collection_id, "
        "receipt_no = excluded.receipt_no, reason = excluded.reason, detail = excluded.detail",
    )


async def move_on(tx: Writer, pool: str, batch_id: UUID, lines_taken: int) -> None:
    """So many lines of a locked batch are taken."""
    await tx.execute(
        "update ledger_batch set lines_taken = :lines_taken, version = version + 1 "
        "where pool = :pool and batch_id = :batch_id",
        pool=pool,
        batch_id=batch_id,
        lines_taken=lines_taken,
    )


async def end_batch(tx: Writer, pool: str, batch_id: UUID, at: datetime) -> None:
    """All lines of a locked batch are taken."""
    await tx.execute(
        "update ledger_batch set state = 'taken', taken_at = :at, version = version + 1 "
        "where pool = :pool and batch_id = :batch_id",
        pool=pool,
        batch_id=batch_id,
        at=at,
    )


async def take_again(tx: Writer, pool: str, batch_id: UUID) -> None:
    """A locked batch is to be taken once more, from its first line."""
    await tx.execute(
        "update ledger_batch set state = 'received', lines_taken = 0, taken_at = null, version = version + 1 "
        "where pool = :pool and batch_id = :batch_id",
        pool=pool,
        batch_id=batch_id,
    )


async def list_lines(
    tx: Reader, pool: str, batch_id: UUID, *, after: int, limit: int, refused: bool | None
) -> Sequence[Row]:
    """What became of a batch's lines, in the order of the file; `limit` + 1 rows."""
    narrowed = "" if refused is None else f"and result {'=' if refused else '<>'} 'refused' "
    return await tx.rows(
        f"select {_LINE} from ledger_batch_line where pool = :pool and batch_id = :batch_id and row_no > :after "
        f"{narrowed}order by row_no limit :limit",
        pool=pool,
        batch_id=batch_id,
        after=after,
        limit=limit + 1,
    )
