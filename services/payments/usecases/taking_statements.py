"""The job that takes statements in: line by line into rows, in chunks, whatever the file's size.

The cursor moves in the transaction of its chunk, so whoever is killed leaves nothing half done and nothing to do twice,
and several workers may be at it. While a piece of the file is read, what stood in the one before is stored. What the
file says of itself is compared when all of it has been read.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from shared import evidence
from shared.database import Row
from shared.jobs import in_turn

from ..formats.statement_files import Splitter, open_file
from ..formats.statements import RawLine, StatementLine, StatementReader
from ..rules import reconciling as rules
from ..rules.settlements import Source
from ..store import statements as store
from .statements import accept, gives_way, line_context
from .suite import Payments

CHUNK_ROWS = 5_000
_MANY_ROWS = 1_000
"""From so many rows on the planner is told of them."""


async def take_statements(service: Payments) -> bool:
    """Take in what waits, the oldest day first; whether there was anything to do.

    Raises what the first statement raised that could not be taken, after the others were.
    """
    async with service.database.reading() as tx:
        waiting = await store.waiting_statements(tx)
    return await in_turn(waiting, partial(take_statement, service))


async def take_statement(service: Payments, statement: Row) -> bool:
    """Take in one statement, or go on where it was left; whether anything was done."""
    intake = _Intake(service, statement)
    pieces = evidence.pieces(service.database, service.sealer, statement["pool"], statement["evidence_id"])
    async for piece in pieces:
        if not await intake.go_on(partial(intake.read, piece)):
            return intake.worked
    while not intake.ended:
        if not await intake.go_on(intake.read_end):
            return intake.worked
    return await intake.store(intake.take_chunks()) and await intake.end()


class _Intake:
    """One worker's way through one file: what is read and not stored yet."""

    def __init__(self, service: Payments, statement: Row) -> None:
        self.worked = False
        self.ended = False
        self._service = service
        self._statement = statement
        self._splitter: Splitter | None = None
        self._reader: StatementReader | None = None
        self._read_rows = 0
        self._stored_rows = int(statement["rows_taken"])
        self._rows: list[dict[str, Any]] = []
        self._tail: Iterator[RawLine] | None = None

    async def go_on(self, read: Callable[[], None]) -> bool:
        """Read on, and meanwhile store what was read before; False where somebody else has ended the intake."""
        chunks = self.take_chunks()
        reading = asyncio.create_task(asyncio.to_thread(read))
        try:
            return await self.store(chunks)
        finally:
            await reading

    def read(self, piece: bytes) -> None:
        """Read the lines of the next piece; rows that are stored already only count."""
        if self._splitter is None:
            channel, institution = Source(self._statement["channel"]), self._statement["institution"]
            _, self._splitter, self._reader = open_file(
                channel, institution, self._statement["day"], self._service.day_files, piece
            )
        self._take(self._splitter.feed(piece))

    def read_end(self) -> None:
        """Read a chunk of what follows the last line end, which of a zip is all."""
        assert self._splitter is not None
        self._tail = self._tail or self._splitter.end()
        lines = list(islice(self._tail, CHUNK_ROWS))
        self._take(lines)
        self.ended = len(lines) < CHUNK_ROWS

    def _take(self, raw_lines: Iterable[RawLine]) -> None:
        assert self._reader is not None
        for raw in raw_lines:
            line = self._reader.take(raw)
            if line is None:
                continue
            self._read_rows += 1
            if self._read_rows > self._stored_rows:
                self._rows.append(self._row(self._read_rows, line))

    def take_chunks(self) -> Sequence[Sequence[dict[str, Any]]]:
        """What has been read and waits to be stored, in whole chunks until the end."""
        count = len(self._rows) if self.ended else len(self._rows) // CHUNK_ROWS * CHUNK_ROWS
        chunks = [self._rows[at : min(at + CHUNK_ROWS, count)] for at in range(0, count, CHUNK_ROWS)]
        del self._rows[:count]
        return chunks

    async def store(self, chunks: Sequence[Sequence[dict[str, Any]]]) -> bool:
        """Store rows, each chunk in a transaction; False where somebody else has ended the intake."""
        for chunk in chunks:
            if not await self._store(chunk):
                return False
        return True

    async def _store(self, chunk: Sequence[dict[str, Any]]) -> bool:
        pool, statement_id = self._statement["pool"], self._statement["statement_id"]
        async with self._service.database.writing() as tx:
            row = await store.lock_statement(tx, pool, statement_id, wait=True)
            if row is None or row["state"] != rules.StatementState.RECEIVED:
                return False
            fresh = [each for each in chunk if each["row_no"] > row["rows_taken"]]  # another worker may have been here
            if fresh:
                await store.insert_rows(tx, pool, statement_id, fresh)
                self.worked = True
        return True

    def _row(self, row_no: int, line: StatementLine) -> dict[str, Any]:
        statement_id = self._statement["statement_id"]
        return {
            "pool": self._statement["pool"],
            "statement_id": statement_id,
            "row_no": row_no,
            "line_no": line.number,
            "raw": self._service.sealer.seal(line.raw, line_context(statement_id, line.number)),
            "digest": line.digest,
            "kind": line.kind,
            "status": line.status,
            "reference": line.reference,
            "order_no": line.order_no,
            "amount_fen": line.amount_fen,
            "paid_at": line.paid_at,
            "payer_name": line.payer_name,
            "faults": list(line.faults),
            "result": int(rules.Result.PENDING),
        }

    async def end(self) -> bool:
        """Compare the totals: the statement is accepted, or waits for a second person."""
        assert self._reader is not None
        pool, statement_id = self._statement["pool"], self._statement["statement_id"]
        told, found = self._reader.told, self._reader.found
        async with self._service.database.writing() as tx:
            row = await store.lock_statement(tx, pool, statement_id, wait=True)
            if row is None or row["state"] != rules.StatementState.RECEIVED or row["rows_taken"] != self._read_rows:
                return self.worked
            now = self._service.clock.now()
            totals = {
                "told_count": told.count if told else None,
                "told_fen": told.amount_fen if told else None,
                "told_back_fen": told.back_fen if told else None,
                "found_count": found.count,
                "found_fen": found.amount_fen,
                "found_back_fen": found.back_fen,
            }
            await store.end_taking(tx, pool, statement_id, now, totals)
            if found.count >= _MANY_ROWS:
                await store.note_many_rows(tx)
            act = rules.StatementAct.AGREE if rules.totals_agree(told, found) else rules.StatementAct.DIFFER
            if act is rules.StatementAct.AGREE:
                await accept(self._service, tx, {**row, **totals}, act, by=rules.SYSTEM, note=None, now=now)
            elif not await gives_way(tx, row):
                differs = rules.STATEMENT_TRANSITIONS[rules.StatementState.RECEIVED, act]
                await store.move_statement(tx, pool, statement_id, differs)
        return True
