"""What the bank sends back for a batch of withholding (回盘): received whole, then taken line by line by a job.

    received ── refuses the batch ──► its bills are free
             ├─ totals agree ──► accepted ──► taken in chunks: each line heard, money settled, contradictions for people
             └─ totals differ ──► a second person accepts or rejects it; until then nothing moves

The same line told again books nothing. An interim file that comes after the final one is not taken. A line that was
failed and is debited after all is booked; money that the bank denies afterwards is a break, never an edit.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import business_day
from shared.codes import Channel
from shared.database import Row, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.jobs import in_turn
from shared.tokens import Caller
from shared.versions import require_version

from ..formats.withholding import MOST_BYTES, ReturnFile, ReturnLine, ReturnUnreadable, read_return
from ..rules import withholding as rules
from ..rules.accounts import held_by_bank
from ..schemas import ledger_problems
from ..schemas import withholding as wire
from ..schemas import withholding_problems as problems
from ..store import withholding as batch_store
from ..store import withholding_returns as store
from .settling import Payment, settle
from .suite import Payments
from .withholding import audit, bank_of, not_in_state
from .withholding_breaks import tell_breaks

CHUNK_LINES = 1_000
_METHOD = "withholding"
_COUNTED = (rules.ReturnState.ACCEPTED, rules.ReturnState.TAKEN)


async def receive_return(
    service: Payments,
    caller: Caller,
    once: Once,
    upload: Upload,
    *,
    pool: str,
    withholding_id: UUID,
    name: str,
) -> Answer:
    """Keep a file of the bank about a batch; a job takes its lines. The same bytes of one kind are the same file.

    Raises Problem AREA_FORBIDDEN, WITHHOLDING_UNKNOWN, RETURN_OF_ANOTHER_BATCH, RETURN_UNREADABLE,
    WITHHOLDING_NOT_IN_STATE, RETURN_SUPERSEDED, TOO_LARGE.
    """
    caller.require_pool(pool)
    async with service.database.reading() as reader:
        about = await batch_store.find_withholding(reader, pool, withholding_id)
    if about is None:
        raise problems.WITHHOLDING_UNKNOWN(withholding_id=withholding_id)
    _, layout = bank_of(service, about["institution"])
    data = await asyncio.to_thread(evidence.whole, upload, MOST_BYTES)
    file = await _read(service, about["institution"], data)
    if about["batch_no"] not in name or file.batch_no not in (None, about["batch_no"]):
        raise problems.RETURN_OF_ANOTHER_BATCH(file_name=name, batch_no=about["batch_no"])
    kind = _kind(file, name, layout.final_prefix)

    async def work(tx: Writer) -> Answer:
        row = await batch_store.lock_withholding(tx, pool, withholding_id)
        assert row is not None
        earlier = await store.list_returns(tx, pool, withholding_id)
        # Where the interim file was complete already, the final one has its bytes and says that they are the last word.
        same = next((one for one in earlier if (one["sha256"], one["kind"]) == (upload.sha256, kind)), None)
        if same:
            return Answer(200, _shown(same))
        _require_takeable(row, kind, earlier)
        # From here it must succeed.
        now = service.clock.now()
        return_no = len(earlier) + 1
        kept = {
            "pool": pool,
            "withholding_id": withholding_id,
            "return_no": return_no,
            "kind": kind,
            "file_name": name,
            "sha256": upload.sha256,
            "evidence_id": await evidence.keep(tx, service.sealer, pool, name, upload, now),
            "state": rules.RETURN_TRANSITIONS[None, _first_act(file)],
            "told": asdict(file.told) if file.told else None,
            "found": None if file.refusal else asdict(file.found),
            "lines_taken": 0,
            "faults": {str(number): why for number, why in file.faults.items()},
            "received_by": caller.subject,
            "received_at": now,
            "version": 1,
        }
        await store.insert_return(tx, kept)
        if file.refusal:
            await _refuse(tx, row, file)
        audit(service, tx, caller, row, "withholding.returned")
        return Answer(201, _shown(await store.lock_return(tx, pool, withholding_id, return_no)))

    return await once.run(service.database, pool, work)


async def judge_return(
    service: Payments,
    caller: Caller,
    once: Once,
    withholding_id: UUID,
    return_no: int,
    version: int,
    order: wire.ReturnJudgement,
) -> Answer:
    """A second person accepts or rejects a file whose totals are not those of its lines.

    Raises Problem AREA_FORBIDDEN, WITHHOLDING_UNKNOWN, RETURN_UNKNOWN, VERSION_DIFFERS, RETURN_NOT_IN_STATE,
    FOUR_EYES, RETURN_SUPERSEDED.
    """
    caller.require_pool(order.pool)
    act = rules.ReturnAct.ACCEPT if order.result == "accepted" else rules.ReturnAct.REJECT

    async def work(tx: Writer) -> Answer:
        batch = await batch_store.lock_withholding(tx, order.pool, withholding_id)
        if batch is None:
            raise problems.WITHHOLDING_UNKNOWN(withholding_id=withholding_id)
        row = await store.lock_return(tx, order.pool, withholding_id, return_no)
        if row is None:
            raise problems.RETURN_UNKNOWN(return_no=return_no)
        require_version(row["version"], version)
        step = (rules.ReturnState(row["state"]), act)
        if step not in rules.RETURN_TRANSITIONS:
            raise problems.RETURN_NOT_IN_STATE(state=row["state"])
        if caller.subject == row["received_by"]:
            raise ledger_problems.FOUR_EYES(subject=caller.subject)
        if act is rules.ReturnAct.ACCEPT:
            earlier = await store.list_returns(tx, order.pool, withholding_id)
            _require_takeable(batch, rules.ReturnKind(row["kind"]), earlier)
        # From here it must succeed.
        said = {"judged_by": caller.subject, "judged_at": service.clock.now(), "note": order.note}
        after = rules.RETURN_TRANSITIONS[step]
        await store.change_return(tx, order.pool, withholding_id, return_no, state=after, **said)
        audit(service, tx, caller, batch, f"withholding.return_{order.result}")
        return Answer(200, _shown(await store.lock_return(tx, order.pool, withholding_id, return_no)))

    return await once.run(service.database, order.pool, work)


async def list_returns(service: Payments, caller: Caller, pool: str, withholding_id: UUID) -> dict[str, Any]:
    """The files that came for a batch. Raises Problem AREA_FORBIDDEN, WITHHOLDING_UNKNOWN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        if await batch_store.find_withholding(tx, pool, withholding_id) is None:
            raise problems.WITHHOLDING_UNKNOWN(withholding_id=withholding_id)
        return {"items": [_shown(row) for row in await store.list_returns(tx, pool, withholding_id)]}


async def take_returns(service: Payments) -> bool:
    """Take the lines of accepted files, the oldest first; whether there was anything to do.

    Raises what the first file raised that could not be taken, after the others were.
    """
    async with service.database.reading() as tx:
        waiting = await store.waiting_returns(tx)
    return await in_turn(waiting, partial(_take, service))


async def _take(service: Payments, about: Row) -> bool:
    """Take one file, or go on where it was left: the place moves in the transaction of its chunk."""
    pool, withholding_id = about["pool"], about["withholding_id"]
    async with service.database.reading() as reader:
        batch = await batch_store.find_withholding(reader, pool, withholding_id)
        raw = await evidence.load(reader, service.sealer, pool, about["evidence_id"])
    assert batch is not None
    file = await _read(service, batch["institution"], raw)
    while True:
        async with service.database.writing() as tx:
            row = await batch_store.lock_withholding(tx, pool, withholding_id)
            found = await store.lock_return(tx, pool, withholding_id, about["return_no"])
            if row is None or found is None or found["state"] != rules.ReturnState.ACCEPTED:
                return True  # another worker has ended it
            if await store.earlier_waits(tx, pool, withholding_id, about["return_no"]):
                return False  # heard first, a later word would be taken for the earlier one
            place = found["lines_taken"]
            chunk = file.lines[place : place + CHUNK_LINES]
            faults = await _take_lines(service, tx, row, found, chunk)
            changes: dict[str, Any] = {"lines_taken": place + len(chunk), "faults": {**found["faults"], **faults}}
            ended = place + len(chunk) == len(file.lines)
            if ended:
                changes["state"] = rules.RETURN_TRANSITIONS[rules.ReturnState.ACCEPTED, rules.ReturnAct.TAKE]
                left = await batch_store.lines_left(tx, pool, withholding_id)
                state = rules.WithholdingState(row["state"])
                after = rules.answered(state, rules.ReturnKind(found["kind"]), left=left)
                await batch_store.move_withholding(tx, pool, withholding_id, after)
            await store.change_return(tx, pool, withholding_id, about["return_no"], **changes)
        if ended:
            return True


async def _take_lines(
    service: Payments, tx: Writer, batch: Row, about: Row, lines: Sequence[ReturnLine]
) -> dict[str, str]:
    """Hear a chunk of lines; those that are not ours, and why."""
    pool, now = batch["pool"], service.clock.now()
    ours = await batch_store.lock_lines(tx, pool, batch["withholding_id"], [line.seq for line in lines])
    faults = {str(line.number): why for line in lines if (why := _fault(line, ours.get(line.seq)))}
    heard = [(line, ours[line.seq], _hear(line, ours[line.seq])) for line in lines if str(line.number) not in faults]
    acts = [(line, one, said) for line, one, said in heard if isinstance(said, rules.LineAct)]
    money = [(line, one) for line, one, said in acts if said is not rules.LineAct.FAIL]
    collections = await settle(tx, pool, [_payment(batch, line, one) for line, one in money], now) if money else []
    booked = {line.seq: row for (line, _), row in zip(money, collections, strict=True)}
    await batch_store.put_lines(
        tx, pool, batch["withholding_id"], [_told(line, one, said, booked.get(line.seq)) for line, one, said in acts]
    )
    await tell_breaks(service, tx, batch, about, heard)
    return faults


def _fault(line: ReturnLine, one: Row | None) -> str | None:
    """Why a line is not one of the batch as it was sent."""
    if one is None:
        return f"批次中没有序号 {line.seq}"
    if line.bill_no != one["bill_no"]:
        return f"序号 {line.seq} 的应缴单号与批次不符"
    if line.amount_fen != one["amount_fen"]:
        return f"序号 {line.seq} 的应扣金额与批次不符"
    return None


def _hear(line: ReturnLine, one: Row) -> rules.LineAct | rules.Contradiction | None:
    return rules.hear(
        rules.WithholdingLineState(one["state"]),
        line.word,
        asked_fen=one["amount_fen"],
        booked_fen=one["debited_fen"],
        told_fen=line.debited_fen,
        reversed_=one["reversed_at"] is not None,
    )


def _payment(batch: Row, line: ReturnLine, one: Row) -> Payment:
    institution, at = batch["institution"], line.debited_at
    assert at is not None
    return Payment(
        channel=Channel.BANK,
        method=_METHOD,
        reference=rules.line_reference(institution, business_day(at), batch["batch_no"], line.seq),
        bill_no=one["bill_no"],
        amount_fen=line.debited_fen,
        paid_at=at,
        payer_name=one["payer_name"],
        payer_id=one["payer_id"],
        region=one["region"],
        book_code=f"YH{institution}",
        taken_by=f"bank/{institution}",
        shift_id=None,
        held_account=held_by_bank(institution),
        message={
            "withholding_id": str(batch["withholding_id"]),
            "batch_no": batch["batch_no"],
            "seq": line.seq,
            "payer_account": one["account_masked"],
            "message": line.message,
        },
    )


def _told(line: ReturnLine, one: Row, act: rules.LineAct, booked: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "seq": line.seq,
        "state": rules.LINE_TRANSITIONS[rules.WithholdingLineState(one["state"]), act],
        "debited_fen": line.debited_fen if booked else None,
        "debited_at": line.debited_at if booked else None,
        "collection_id": booked["collection_id"] if booked else None,
        "message": line.message,
    }


async def _refuse(tx: Writer, row: Row, file: ReturnFile) -> None:
    """The bank has refused the whole batch: nothing was debited, and its bills are free."""
    after = rules.WITHHOLDING_TRANSITIONS[rules.WithholdingState(row["state"]), rules.WithholdingAct.REFUSE]
    await batch_store.drop_lines(tx, row["pool"], row["withholding_id"], file.refusal or "")
    said = {"refusal": file.refusal, "note": file.reason[:500] or None}
    await batch_store.move_withholding(tx, row["pool"], row["withholding_id"], after, **said)


def _require_takeable(row: Row, kind: rules.ReturnKind, earlier: Sequence[Row]) -> None:
    """Raises Problem WITHHOLDING_NOT_IN_STATE, RETURN_SUPERSEDED."""
    state = rules.WithholdingState(row["state"])
    if kind is rules.ReturnKind.REFUSAL:
        accepted = any(one["state"] in _COUNTED for one in earlier)
        if accepted or (state, rules.WithholdingAct.REFUSE) not in rules.WITHHOLDING_TRANSITIONS:
            raise not_in_state(row, rules.WithholdingAct.REFUSE)
        return
    if state not in rules.ANSWERABLE:
        raise not_in_state(row, rules.WithholdingAct.RETURN)
    final = any(one["kind"] == rules.ReturnKind.FINAL and one["state"] in _COUNTED for one in earlier)
    if final and kind is rules.ReturnKind.INTERIM:
        raise problems.RETURN_SUPERSEDED()


def _kind(file: ReturnFile, name: str, final_prefix: str) -> rules.ReturnKind:
    if file.refusal:
        return rules.ReturnKind.REFUSAL
    return rules.ReturnKind.FINAL if name.startswith(final_prefix) else rules.ReturnKind.INTERIM


def _first_act(file: ReturnFile) -> rules.ReturnAct:
    if file.refusal:
        return rules.ReturnAct.REFUSE
    return rules.ReturnAct.AGREE if file.told == file.found else rules.ReturnAct.DIFFER


async def _read(service: Payments, institution: str, raw: bytes) -> ReturnFile:
    """Raises Problem RETURN_UNREADABLE."""
    bank, layout = bank_of(service, institution)
    try:
        return await asyncio.to_thread(read_return, layout, bank.file_mac, raw)
    except ReturnUnreadable as error:
        raise problems.RETURN_UNREADABLE(reason=error) from error


def _shown(row: Mapping[str, Any] | None) -> dict[str, Any]:
    return wire.WithholdingReturn.model_validate(row, extra="ignore").model_dump(mode="json")
