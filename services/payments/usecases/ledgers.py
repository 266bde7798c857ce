"""Agents' ledgers (S004-24…26): devices are registered, books opened and read, and closed by the head of the agency."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.pages import page
from shared.problem import FieldError
from shared.tokens import Caller
from shared.versions import require_version

from ..formats import ledgers as formats
from ..rules import ledgers as rules
from ..schemas import ledger_problems as problems
from ..schemas import ledgers as wire
from ..store import ledgers as store
from .suite import Payments

_MISSING_SHOWN = 100


async def register_device(service: Payments, caller: Caller, once: Once, order: wire.DeviceRegistration) -> Answer:
    """Register the key with which the acting person's device signs.

    Raises Problem DEVICE_KEY_FAULTY, DEVICE_KEY_TAKEN, AREA_FORBIDDEN.
    """
    caller.require_touch(order.pool)
    if not formats.is_public_key(order.public_key):
        raise problems.DEVICE_KEY_FAULTY()

    async def work(tx: Writer) -> Answer:
        row = {
            **order.model_dump(),
            "device_id": new_id(),
            "agent": caller.subject,
            "registered_at": service.clock.now(),
            "withdrawn_at": None,
        }
        if not await store.insert_device(tx, row):
            raise problems.DEVICE_KEY_TAKEN()
        return Answer(201, _device(row))

    return await once.run(service.database, order.pool, work)


async def withdraw_device(
    service: Payments, caller: Caller, once: Once, device_id: UUID, order: wire.DeviceWithdrawal
) -> Answer:
    """Withdraw one's own device: it signs nothing new. Raises Problem DEVICE_UNKNOWN."""

    async def work(tx: Writer) -> Answer:
        found = await store.find_device(tx, order.pool, device_id)
        if found is None or found["agent"] != caller.subject:
            raise problems.DEVICE_UNKNOWN(device_id=device_id)
        await store.withdraw_device(tx, order.pool, device_id, service.clock.now())
        return Answer(200, _device(await store.find_device(tx, order.pool, device_id)))

    return await once.run(service.database, order.pool, work)


async def open_ledger(service: Payments, caller: Caller, once: Once, order: wire.LedgerOpening) -> Answer:
    """Open a ledger of the acting person. Raises Problem LEDGER_OPEN where there is one, AREA_FORBIDDEN."""
    caller.require_region(order.region)

    async def work(tx: Writer) -> Answer:
        ledger_id = new_id()
        row = {
            **order.model_dump(),
            "ledger_id": ledger_id,
            "agent": caller.subject,
            "status": rules.LedgerStatus.OPEN,
            "opened_at": service.clock.now(),
            "version": 1,
        }
        if not await store.insert_ledger(tx, row):
            raise problems.LEDGER_OPEN(unit_code=order.unit_code)
        return Answer(201, _shown(await store.find_ledger(tx, order.pool, ledger_id)))

    return await once.run(service.database, order.pool, work)


async def list_ledgers(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    scheme: str | None,
    status: str | None,
    agent: str | None,
) -> dict[str, Any]:
    """Ledgers inside the caller's area. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_ledgers(
            tx, pool, caller.area, after=after, limit=limit, scheme=scheme, status=status, agent=agent
        )
    return page(rows, limit, lambda row: row["ledger_id"])


async def read_ledger(service: Payments, caller: Caller, pool: str, ledger_id: UUID) -> Row:
    """One ledger. Raises Problem LEDGER_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        return await _readable(tx, caller, pool, ledger_id)


async def list_ledger_lines(
    service: Payments, caller: Caller, pool: str, ledger_id: UUID, *, after: int, limit: int, held: bool | None
) -> dict[str, Any]:
    """Lines of a ledger by number, signatures included. Raises Problem LEDGER_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        await _readable(tx, caller, pool, ledger_id)
        rows = await store.list_lines(tx, pool, ledger_id, after=after, limit=limit, held=held)
    return page(rows, limit, lambda row: row["line_no"])


async def total_ledger(service: Payments, caller: Caller, pool: str, ledger_id: UUID) -> dict[str, Any]:
    """The foot of a ledger, to be printed. Raises Problem LEDGER_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        ledger = await _readable(tx, caller, pool, ledger_id)
        sums = await store.ledger_sums(tx, pool, ledger_id)
        totals = await _totals(tx, pool, ledger_id, sums)
    return {"status": ledger["status"], "version": ledger["version"], **totals}


async def close_ledger(
    service: Payments, caller: Caller, once: Once, ledger_id: UUID, version: int, order: wire.LedgerClosing
) -> Answer:
    """The head of the agency has verified the ledger, states its figures and signs; it is final then (S004-26).

    Raises Problem LEDGER_UNKNOWN, AREA_FORBIDDEN, FOUR_EYES, LEDGER_CLOSED, VERSION_DIFFERS, WINDOW_OPEN, LEDGER_GAPS,
    FIGURES_DIFFER, SIGNATURE_REFUSED.
    """

    async def work(tx: Writer) -> Answer:
        ledger = await store.lock_ledger(tx, order.pool, ledger_id)
        _require_closable(ledger, caller, ledger_id)
        require_version(ledger["version"] if ledger else 0, version)
        sums = await store.ledger_sums(tx, order.pool, ledger_id)
        totals = await _totals(tx, order.pool, ledger_id, sums)
        now = service.clock.now()
        if not rules.may_close(business_day(now), sums["last_day"]):
            raise problems.WINDOW_OPEN(last_day=sums["last_day"], rules=["S004-26"])
        if totals["missing"]:
            raise problems.LEDGER_GAPS(
                missing="、".join(str(number) for number in totals["missing"]), rules=["S004-26"]
            )
        _require_figures(order, totals)
        await _require_signature(tx, service, caller, order)
        # From here it must succeed.
        await store.close_ledger(
            tx,
            {
                **order.model_dump(include={"pool", "payments_count", "contrary_count", "collected_fen"}),
                "ledger_id": ledger_id,
                "closed_at": now,
                "closed_by": caller.subject,
                "ledger_hash": totals["ledger_hash"],
                "head_signature": order.signature.model_dump(mode="json"),
            },
        )
        await store.mark_remitted(tx, order.pool, ledger_id)
        tx.audit(
            order.pool, "ledger.closed", caller.client_id, caller.subject, now, [],
            {"ledger_id": str(ledger_id), "ledger_hash": totals["ledger_hash"]},
        )  # fmt: skip
        return Answer(200, _shown(await store.find_ledger(tx, order.pool, ledger_id)))

    return await once.run(service.database, order.pool, work)


def _require_closable(ledger: Row | None, caller: Caller, ledger_id: UUID) -> None:
    if ledger is None:
        raise problems.LEDGER_UNKNOWN(ledger_id=ledger_id)
    caller.require_region(ledger["region"])
    if ledger["agent"] == caller.subject:
        raise problems.FOUR_EYES(subject=caller.subject, rules=["S004-26"])
    if (rules.LedgerStatus(ledger["status"]), rules.LedgerAct.CLOSE) not in rules.LEDGER_TRANSITIONS:
        raise problems.LEDGER_CLOSED(ledger_id=ledger_id)


def _require_figures(order: wire.LedgerClosing, totals: Mapping[str, Any]) -> None:
    """Two independent counts must agree: the head's own, and the ledger's."""
    compared = [
        ("/payments_count", order.payments_count, totals["payments"]["count"]),
        ("/contrary_count", order.contrary_count, totals["contrary"]["count"]),
        ("/collected_fen", order.collected_fen, totals["collected_fen"]),
        ("/signature/ledger_hash", order.signature.ledger_hash, totals["ledger_hash"]),
    ]
    errors = [
        FieldError(pointer=pointer, code="differs", detail=f"所报 {stated}，台账为 {found}")
        for pointer, stated, found in compared
        if stated != found
    ]
    if errors:
        raise problems.FIGURES_DIFFER(errors=errors, rules=["S004-26"])


async def _require_signature(tx: Reader, service: Payments, caller: Caller, order: wire.LedgerClosing) -> None:
    signature = order.signature
    if signature.signer != caller.subject or signature.signed_at > service.clock.now():
        raise problems.SIGNATURE_REFUSED(rules=["S004-26"])
    if signature.ed25519 is None:
        return
    keys = await store.keys_of(tx, order.pool, caller.subject)
    if not formats.is_signed_by(
        keys, signature.ed25519, "head", signature.signer, signature.signed_at, signature.ledger_hash
    ):
        raise problems.SIGNATURE_REFUSED(rules=["S004-26"])


async def _readable(tx: Reader, caller: Caller, pool: str, ledger_id: UUID) -> Row:
    row = await store.find_ledger(tx, pool, ledger_id)
    if row is None:
        raise problems.LEDGER_UNKNOWN(ledger_id=ledger_id)
    caller.require_region(row["region"])
    return row


async def _totals(tx: Reader, pool: str, ledger_id: UUID, sums: Row) -> dict[str, Any]:
    methods = await store.sums_by_method(tx, pool, ledger_id)
    collected_fen = sums["payments_fen"] - sums["contrary_fen"]
    return {
        "ledger_id": ledger_id,
        "payments": {"count": sums["payments_count"], "amount_fen": sums["payments_fen"]},
        "contrary": {"count": sums["contrary_count"], "amount_fen": sums["contrary_fen"]},
        "spoiled_count": sums["spoiled_count"],
        "collected_fen": collected_fen,
        "collected_in_words": rules.in_words(collected_fen),
        "by_method": {row["method"]: {"count": row["count"], "amount_fen": row["amount_fen"]} for row in methods},
        "handed_over_fen": sums["handed_over_fen"],
        "held_fen": collected_fen - sums["handed_over_fen"],
        "last_line_no": sums["last_line_no"],
        "missing": await store.missing_lines(tx, pool, ledger_id, sums["last_line_no"], _MISSING_SHOWN),
        "ledger_hash": formats.ledger_hash(await store.line_hashes(tx, pool, ledger_id)),
    }


def _shown(row: Any) -> dict[str, Any]:
    return wire.Ledger.model_validate(dict(row)).model_dump(mode="json")


def _device(row: Any) -> dict[str, Any]:
    return wire.Device.model_validate(dict(row)).model_dump(mode="json")
