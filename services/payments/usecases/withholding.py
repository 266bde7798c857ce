"""Batches of withholding (批量代扣): one person builds a batch, another releases it, then the bank may have its file.

    built ── released: lines numbered, the file made and kept ──► sent ── the bank's files (`withholding_returns`)

A bill is asked for in one batch at most, and in none while an order for it can be paid elsewhere. What could not be
debited is asked for again by the next batch, because its bill is still open.
"""

import asyncio
import hashlib
import io
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from shared import evidence
from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.evidence import Upload
from shared.idempotency import Answer, Once
from shared.identity import mask_name
from shared.ids import new_id
from shared.pages import page
from shared.tokens import Caller
from shared.versions import require_version

from ..clients import Bank
from ..formats.withholding import write_batch
from ..rules import withholding as rules
from ..schemas import ledger_problems
from ..schemas import withholding as wire
from ..schemas import withholding_problems as problems
from ..settings import WithholdingSettings
from ..store import withholding as store
from .agreements import account_context
from .suite import Payments

_SETTLED, _CANCELLED = "not_due_any_more", "cancelled"


async def build_withholding(service: Payments, caller: Caller, once: Once, order: wire.WithholdingOrder) -> Answer:
    """Build a batch of the open bills whose persons have an agreement in force with the bank.

    Raises Problem AREA_FORBIDDEN, NO_WITHHOLDING, DEBIT_DAY_OVER, NOTHING_TO_WITHHOLD.
    """
    caller.require_pool(order.pool)
    _, layout = bank_of(service, order.institution)
    now = service.clock.now()
    if order.debit_on < business_day(now):
        raise problems.DEBIT_DAY_OVER(day=order.debit_on)
    withholding_id = new_id()
    row = {
        "pool": order.pool,
        "withholding_id": withholding_id,
        "institution": order.institution,
        "debit_on": order.debit_on,
        "state": rules.WITHHOLDING_TRANSITIONS[None, rules.WithholdingAct.BUILD],
        "built_by": caller.subject,
        "built_at": now,
    }

    async def work(tx: Writer) -> Answer:
        await store.insert_withholding(tx, row, rules.batch_prefix(order.pool, business_day(now)))
        await store.ask_for_bills(
            tx,
            order.pool,
            withholding_id,
            order.institution,
            order.debit_on,
            scheme=order.scheme,
            limit=layout.most_lines,
        )
        await _require_lines(tx, order.pool, withholding_id, order.debit_on)
        shown = _shown(await store.find_withholding(tx, order.pool, withholding_id))
        audit(service, tx, caller, shown, "withholding.built")
        return Answer(201, shown)

    return await once.run(service.database, order.pool, work)


async def release_withholding(
    service: Payments, caller: Caller, once: Once, withholding_id: UUID, version: int, order: wire.WithholdingAct
) -> Answer:
    """A second person asks for the money: the lines are numbered, and the bank's file is made and kept.

    Left out is what was paid, ordered or withdrawn since the batch was built. Raises Problem WITHHOLDING_UNKNOWN,
    AREA_FORBIDDEN, VERSION_DIFFERS, WITHHOLDING_NOT_IN_STATE, FOUR_EYES, DEBIT_DAY_OVER, NOTHING_TO_WITHHOLD.
    """

    async def work(tx: Writer) -> Answer:
        row = await locked(tx, caller, order.pool, withholding_id, rules.WithholdingAct.RELEASE, version)
        if caller.subject == row["built_by"]:
            raise ledger_problems.FOUR_EYES(subject=caller.subject)
        now = service.clock.now()
        if row["debit_on"] < business_day(now):
            raise problems.DEBIT_DAY_OVER(day=row["debit_on"])
        await store.share_bills(tx, order.pool, withholding_id)
        await store.drop_settled(tx, order.pool, withholding_id, row["debit_on"], _SETTLED)
        await _require_lines(tx, order.pool, withholding_id, row["debit_on"])
        # From here it must succeed.
        await store.number_lines(tx, order.pool, withholding_id)
        raw = await _file(service, tx, row)
        upload = Upload(io.BytesIO(raw), hashlib.sha256(raw).hexdigest(), len(raw))
        file_id = await evidence.keep(tx, service.sealer, order.pool, file_name(row), upload, now)
        after = _after(row, rules.WithholdingAct.RELEASE)
        said = {"released_by": caller.subject, "released_at": now, "file_id": file_id, "note": order.note}
        await store.move_withholding(tx, order.pool, withholding_id, after, **said)
        shown = _shown(await store.find_withholding(tx, order.pool, withholding_id))
        audit(service, tx, caller, shown, "withholding.released")
        return Answer(200, shown)

    return await once.run(service.database, order.pool, work)


async def cancel_withholding(
    service: Payments, caller: Caller, once: Once, withholding_id: UUID, version: int, order: wire.WithholdingAct
) -> Answer:
    """Cancel a batch that was not released; its bills are free.

    Raises Problem WITHHOLDING_UNKNOWN, AREA_FORBIDDEN, VERSION_DIFFERS, WITHHOLDING_NOT_IN_STATE.
    """

    async def work(tx: Writer) -> Answer:
        row = await locked(tx, caller, order.pool, withholding_id, rules.WithholdingAct.CANCEL, version)
        await store.drop_lines(tx, order.pool, withholding_id, _CANCELLED)
        await store.move_withholding(
            tx, order.pool, withholding_id, _after(row, rules.WithholdingAct.CANCEL), note=order.note
        )
        shown = _shown(await store.find_withholding(tx, order.pool, withholding_id))
        audit(service, tx, caller, shown, "withholding.cancelled")
        return Answer(200, shown)

    return await once.run(service.database, order.pool, work)


async def read_withholding_file(
    service: Payments, caller: Caller, pool: str, withholding_id: UUID
) -> tuple[str, bytes]:
    """The bank's file of a released batch, as it was made, with its name; who takes it is put on record.

    Raises Problem WITHHOLDING_UNKNOWN, AREA_FORBIDDEN, WITHHOLDING_NOT_IN_STATE.
    """
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        row = await _known(tx, pool, withholding_id)
        if row["file_id"] is None:
            raise not_in_state(row, "send")
        raw = await evidence.load(tx, service.sealer, pool, row["file_id"])
        audit(service, tx, caller, row, "withholding.file_fetched")
    return file_name(row), raw


async def list_withholdings(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    institution: str | None,
    state: str | None,
) -> dict[str, Any]:
    """Batches in the order in which they were built. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_withholdings(tx, pool, after=after, limit=limit, institution=institution, state=state)
    return page([_shown(row) for row in rows], limit, lambda row: row["withholding_id"])


async def read_withholding(service: Payments, caller: Caller, pool: str, withholding_id: UUID) -> dict[str, Any]:
    """One batch. Raises Problem WITHHOLDING_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return _shown(await _known(tx, pool, withholding_id))


async def list_withholding_lines(
    service: Payments, caller: Caller, pool: str, withholding_id: UUID, *, after: str, limit: int, state: str | None
) -> dict[str, Any]:
    """Lines of a batch, and what became of each. Raises Problem WITHHOLDING_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        await _known(tx, pool, withholding_id)
        rows = await store.list_lines(tx, pool, withholding_id, after=after, limit=limit, state=state)
    full = caller.has("persons:full")
    shown = [row if full else {**row, "payer_name": mask_name(row["payer_name"])} for row in rows]
    return page(shown, limit, lambda row: row["bill_no"])


def bank_of(service: Payments, institution: str) -> tuple[Bank, WithholdingSettings]:
    """A bank that withholds, and its layout. Raises Problem NO_WITHHOLDING."""
    bank = service.banks.get(institution)
    if bank is None or bank.withholding is None:
        raise problems.NO_WITHHOLDING(institution=institution)
    return bank, bank.withholding


async def locked(
    tx: Writer, caller: Caller, pool: str, withholding_id: UUID, act: rules.WithholdingAct, version: int
) -> Row:
    """The batch, locked and able to take `act`.

    Raises Problem AREA_FORBIDDEN, WITHHOLDING_UNKNOWN, VERSION_DIFFERS, WITHHOLDING_NOT_IN_STATE.
    """
    caller.require_pool(pool)
    row = await store.lock_withholding(tx, pool, withholding_id)
    if row is None:
        raise problems.WITHHOLDING_UNKNOWN(withholding_id=withholding_id)
    require_version(row["version"], version)
    if (rules.WithholdingState(row["state"]), act) not in rules.WITHHOLDING_TRANSITIONS:
        raise not_in_state(row, act)
    return row


def not_in_state(row: Mapping[str, Any], act: str) -> Exception:
    """The problem of a batch that cannot take `act` now."""
    return problems.WITHHOLDING_NOT_IN_STATE(state=row["state"], act=act, act_zh=_ACTS[act])


def file_name(row: Mapping[str, Any]) -> str:
    """The name of a batch's file; the bank's files about it have its number in theirs."""
    return f"{row['institution']}_{row['batch_no']}.txt"


def audit(service: Payments, tx: Writer, caller: Caller, row: Mapping[str, Any], action: str) -> None:
    """Leave an audit line about a batch."""
    detail = {"withholding_id": str(row["withholding_id"]), "batch_no": row["batch_no"]}
    tx.audit(row["pool"], action, caller.client_id, caller.subject, service.clock.now(), [], detail)


async def _file(service: Payments, tx: Reader, row: Row) -> bytes:
    bank, layout = bank_of(service, row["institution"])
    lines = await store.lines_to_send(tx, row["pool"], row["withholding_id"])

    def write() -> bytes:
        opened = [
            {
                "seq": line["seq"],
                "agreement_no": line["agreement_no"],
                "payer_name": line["payer_name"],
                "account": service.sealer.open_text(line["account"], account_context(line["agreement_id"])),
                "amount": line["amount_fen"],
                "bill_no": line["bill_no"],
            }
            for line in lines
        ]
        return write_batch(layout, bank.file_mac, row["batch_no"], opened)

    return await asyncio.to_thread(write)


async def _require_lines(tx: Writer, pool: str, withholding_id: UUID, day: date) -> None:
    totals = await store.total_lines(tx, pool, withholding_id)
    if not totals["line_count"]:
        raise problems.NOTHING_TO_WITHHOLD(day=day)


async def _known(tx: Reader, pool: str, withholding_id: UUID) -> Row:
    row = await store.find_withholding(tx, pool, withholding_id)
    if row is None:
        raise problems.WITHHOLDING_UNKNOWN(withholding_id=withholding_id)
    return row


def _after(row: Row, act: rules.WithholdingAct) -> rules.WithholdingState:
    return rules.WITHHOLDING_TRANSITIONS[rules.WithholdingState(row["state"]), act]


def _shown(row: Mapping[str, Any] | None) -> dict[str, Any]:
    return wire.Withholding.model_validate(row, extra="ignore").model_dump(mode="json")


_ACTS: Mapping[str, str] = {
    "release": "放行",
    "cancel": "取消",
    "send": "取文件",
    "return": "接收回盘文件",
    "refuse": "整批退回",
}
