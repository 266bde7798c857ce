"""Offline batches (S004-24, S004-25): a signed file of ledger lines, made where there is no network.

    upload ── whole, signed by the agent's device ──► kept as evidence ── job ──► lines into the ledger, in chunks

A file that is cut, altered or not signed is refused whole and changes nothing. Of a whole one, good lines are booked as
if they had been sent with network, under the receipt numbers on their paper, and bad ones come back with a reason.
Anybody of the area may bring a file: the device's signature says whose it is. The same bytes are the same batch: sent
again, only what was refused can change.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from shared import evidence
from shared.database import Reader, Row, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.jobs import in_turn
from shared.pages import page
from shared.problem import validation_problem
from shared.tokens import Caller

from ..formats import ledger_batches as formats
from ..formats.ledgers import is_signed_by
from ..rules import ledger_batches as rules
from ..schemas import batches as wire
from ..schemas import ledger_problems as problems
from ..schemas.ledgers import ContraryLine, LedgerLine, PaymentLine, SpoiledLine
from ..store import batches as store
from ..store import ledgers as ledger_store
from .ledger_lines import write_lines
from .suite import Payments

CHUNK_LINES = 200
_ALL_LINES = formats.MOST_LINES + 1
_LINES: TypeAdapter[PaymentLine | ContraryLine | SpoiledLine] = TypeAdapter(LedgerLine)


async def receive_ledger_batch(
    service: Payments, caller: Caller, once: Once, upload: Upload, *, pool: str, ledger_id: UUID, file_name: str
) -> Answer:
    """Keep a batch; a job takes its lines. The device's signature says whose it is, whoever brings it.

    Raises Problem TOO_LARGE, LEDGER_UNKNOWN, AREA_FORBIDDEN, BATCH_UNREADABLE, BATCH_NOT_SIGNED.
    """
    file = await asyncio.to_thread(_read, upload, pool, ledger_id)

    async def work(tx: Writer) -> Answer:
        ledger = await ledger_store.find_ledger(tx, pool, ledger_id)
        if ledger is None:
            raise problems.LEDGER_UNKNOWN(ledger_id=ledger_id)
        caller.require_region(ledger["region"])
        now = service.clock.now()
        keys = await ledger_store.keys_of(tx, pool, ledger["agent"])
        signed = is_signed_by(keys, file.ed25519, "batch", ledger["agent"], file.signed_at, file.sha256)
        if file.agent != ledger["agent"] or file.signed_at > now or not signed:
            raise wire.BATCH_NOT_SIGNED(agent=ledger["agent"])
        # From here it must succeed.
        batch_id = new_id()
        row = {
            "pool": pool,
            "batch_id": batch_id,
            "ledger_id": ledger_id,
            "batch_no": file.batch_no,
            "sha256": upload.sha256,
            "file_name": file_name,
            "size_bytes": upload.size_bytes,
            "state": rules.BATCH_TRANSITIONS[None, rules.BatchAct.RECEIVE],
            "lines_count": len(file.lines),
            "lines_taken": 0,
            "made_at": file.made_at,
            "received_by": caller.subject,
            "received_at": now,
            "version": 1,
        }
        if not await store.insert_batch(tx, row):
            return Answer(200, await _send_again(tx, pool, ledger_id, upload.sha256))
        evidence_id = await evidence.keep(tx, service.sealer, pool, file_name, upload, now)
        await store.set_evidence(tx, pool, batch_id, evidence_id)
        detail = {"batch_id": str(batch_id), "ledger_id": str(ledger_id), "sha256": upload.sha256}
        tx.audit(pool, "ledger_batch.received", caller.client_id, caller.subject, now, [], detail)
        return Answer(201, _shown(await store.find_batch(tx, pool, batch_id)))

    return await once.run(service.database, pool, work)


async def list_ledger_batches(
    service: Payments, caller: Caller, pool: str, ledger_id: UUID, *, after: UUID | None, limit: int
) -> dict[str, Any]:
    """Batches of a ledger. Raises Problem LEDGER_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        await _require_ledger(tx, caller, pool, ledger_id)
        rows = await store.list_batches(tx, pool, ledger_id, after=after, limit=limit)
    return page(rows, limit, lambda row: row["batch_id"])


async def read_ledger_batch(service: Payments, caller: Caller, pool: str, batch_id: UUID) -> dict[str, Any]:
    """One batch. Raises Problem BATCH_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        return dict(await _readable(tx, caller, pool, batch_id))


async def list_ledger_batch_lines(
    service: Payments, caller: Caller, pool: str, batch_id: UUID, *, after: int, limit: int, refused: bool | None
) -> dict[str, Any]:
    """What became of a batch's lines. Raises Problem BATCH_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        await _readable(tx, caller, pool, batch_id)
        rows = await store.list_lines(tx, pool, batch_id, after=after, limit=limit, refused=refused)
    return page([{**row, "outcome": row["result"]} for row in rows], limit, lambda row: row["row_no"])


async def export_refused_lines(service: Payments, caller: Caller, pool: str, batch_id: UUID) -> bytes:
    """The lines that came back, as a file. Raises Problem BATCH_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        batch = await _readable(tx, caller, pool, batch_id)
        rows = await store.list_lines(tx, pool, batch_id, after=0, limit=_ALL_LINES, refused=True)
        data = await evidence.load(tx, service.sealer, pool, batch["evidence_id"])
    lines = dict(formats.read_batch(data).lines)
    return formats.write_refused([(row["row_no"], lines[row["row_no"]], row["reason"], row["detail"]) for row in rows])


async def take_ledger_batches(service: Payments) -> bool:
    """Take what waits, the oldest batch first; whether there was anything to do.

    Raises what the first batch raised that could not be taken, after the others were.
    """
    async with service.database.reading() as tx:
        waiting = await store.waiting_batches(tx)
    return await in_turn(waiting, partial(take_ledger_batch, service))


async def take_ledger_batch(service: Payments, named: Row) -> bool:
    """Take one batch, or go on where it was left: each chunk in a transaction with the position reached."""
    pool, batch_id = named["pool"], named["batch_id"]
    async with service.database.reading() as tx:
        batch = await store.find_batch(tx, pool, batch_id)
        assert batch is not None
        data = await evidence.load(tx, service.sealer, pool, batch["evidence_id"])
    lines = await asyncio.to_thread(_lines, data)
    worked = False
    while await _take_chunk(service, pool, batch_id, lines):
        worked = True
    return worked


_Read = tuple[int, PaymentLine | ContraryLine | SpoiledLine | None, str]


async def _take_chunk(service: Payments, pool: str, batch_id: UUID, lines: Sequence[_Read]) -> bool:
    """The next lines of a batch; False where none is left, or somebody else has ended it."""
    async with service.database.writing() as tx:
        batch = await store.lock_batch(tx, pool, batch_id)
        if batch is None or (rules.BatchState(batch["state"]), rules.BatchAct.TAKE) not in rules.BATCH_TRANSITIONS:
            return False
        now, done = service.clock.now(), batch["lines_taken"]
        chunk = lines[done : done + CHUNK_LINES]
        ledger = await ledger_store.lock_ledger(tx, pool, batch["ledger_id"])
        assert ledger is not None
        whole = [(row_no, line) for row_no, line, _ in chunk if line is not None]
        results = await write_lines(tx, ledger, [line for _, line in whole], now)
        rows = [_result(row_no, result) for (row_no, _), result in zip(whole, results, strict=True)]
        rows += [_malformed(row_no, why) for row_no, line, why in chunk if line is None]
        await store.put_lines(tx, pool, batch_id, rows)
        await store.move_on(tx, pool, batch_id, done + len(chunk))
        if done + len(chunk) == len(lines):
            await store.end_batch(tx, pool, batch_id, now)
    return True


def _read(upload: Upload, pool: str, ledger_id: UUID) -> formats.BatchFile:
    data = evidence.whole(upload, formats.MOST_BYTES)
    try:
        file = formats.read_batch(data)
    except formats.BatchUnreadable as error:
        raise wire.BATCH_UNREADABLE(why=error) from error
    if (file.pool, file.ledger_id) != (pool, ledger_id):
        raise wire.BATCH_UNREADABLE(why=f"文件属于台账 {file.pool}/{file.ledger_id}")
    return file


def _lines(data: bytes) -> list[_Read]:
    """The lines of a batch in the order of their numbers, so that a contrary line follows what it takes back."""
    read = [(row_no, *_line(raw)) for row_no, raw in formats.read_batch(data).lines]
    return sorted(read, key=lambda one: (one[1].line_no if one[1] else 0, one[0]))


def _line(raw: bytes) -> tuple[PaymentLine | ContraryLine | SpoiledLine | None, str]:
    """A line, or what is wrong with it."""
    if b"\\u0000" in raw:
        return None, "内容含有不可用的字符（U+0000）"
    try:
        return _LINES.validate_json(raw), ""
    except ValidationError as error:
        faults = [{**fault, "loc": fault["loc"] or ("line",)} for fault in error.errors(include_url=False)]
        errors = validation_problem(faults).errors
        return None, "；".join(f"{one.pointer} {one.detail}".strip() for one in errors)[:500]


def _result(row_no: int, result: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("line_no", "known", "collection_id", "receipt_no", "reason", "detail")
    return {"row_no": row_no, "result": result["outcome"], **{name: result[name] for name in kept}}


def _malformed(row_no: int, why: str) -> dict[str, Any]:
    blank = {"line_no": None, "known": False, "collection_id": None, "receipt_no": None}
    return {"row_no": row_no, "result": "refused", "reason": rules.MALFORMED, "detail": why, **blank}


async def _send_again(tx: Writer, pool: str, ledger_id: UUID, sha256: str) -> dict[str, Any]:
    """The batch with these bytes; where lines of it were refused, they may be right by now."""
    batch = await store.lock_same(tx, pool, ledger_id, sha256)
    edge = (rules.BatchState(batch["state"]), rules.BatchAct.SEND_AGAIN)
    if batch["refused_count"] and edge in rules.BATCH_TRANSITIONS:
        await store.take_again(tx, pool, batch["batch_id"])
    return _shown(await store.find_batch(tx, pool, batch["batch_id"]))


async def _require_ledger(tx: Reader, caller: Caller, pool: str, ledger_id: UUID) -> None:
    ledger = await ledger_store.find_ledger(tx, pool, ledger_id)
    if ledger is None:
        raise problems.LEDGER_UNKNOWN(ledger_id=ledger_id)
    caller.require_region(ledger["region"])


async def _readable(tx: Reader, caller: Caller, pool: str, batch_id: UUID) -> Row:
    batch = await store.find_batch(tx, pool, batch_id)
    if batch is None:
        raise wire.BATCH_UNKNOWN(batch_id=batch_id)
    await _require_ledger(tx, caller, pool, batch["ledger_id"])
    return batch


def _shown(row: Row | None) -> dict[str, Any]:
    assert row is not None
    return wire.Batch.model_validate(dict(row)).model_dump(mode="json")
