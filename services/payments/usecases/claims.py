"""Claims on other payers (S004-15, S004-16, S000-52): what they owe for settled bills, and what they pay."""

from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.pages import page
from shared.tokens import Caller
from shared.versions import require_version

from ..rules import SPECIAL_ACCOUNT, claim_account
from ..rules import remittances as rules
from ..schemas import ledger_problems as problems
from ..schemas import remittances as wire
from ..store import claims as store
from ..store import settling as settling_store
from .posting import transfer
from .suite import Payments


async def list_claims(service: Payments, caller: Caller, pool: str) -> dict[str, Any]:
    """What each other payer owed and paid. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return {"items": await store.list_claims(tx, pool)}


async def record_claim_receipt(service: Payments, caller: Caller, once: Once, order: wire.ClaimReceiptOrder) -> Answer:
    """Write down money that a payer paid; it is posted when a second person has confirmed it.

    Raises Problem AREA_FORBIDDEN, DAY_AHEAD, CLAIM_EXCEEDS_DUE, BANK_REFERENCE_USED.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        if order.received_on > business_day(now):
            raise problems.DAY_AHEAD(day=order.received_on)
        await _require_due(tx, order.pool, order.payer, order.amount_fen)
        claim_receipt_id = new_id()
        row = {
            **order.model_dump(),
            "claim_receipt_id": claim_receipt_id,
            "status": rules.SlipStatus.SUBMITTED,
            "submitted_by": caller.subject,
            "submitted_at": now,
            "version": 1,
        }
        if not await store.insert_claim_receipt(tx, row):
            raise problems.BANK_REFERENCE_USED(bank_reference=order.bank_reference)
        return Answer(201, _shown(await store.find_claim_receipt(tx, order.pool, claim_receipt_id)))

    return await once.run(service.database, order.pool, work)


async def check_claim_receipt(
    service: Payments, caller: Caller, once: Once, claim_receipt_id: UUID, version: int, order: wire.Check
) -> Answer:
    """A second person confirms that the money is there, or rejects it. Never more than is due is posted.

    Raises Problem CLAIM_RECEIPT_UNKNOWN, AREA_FORBIDDEN, FOUR_EYES, ALREADY_CHECKED, VERSION_DIFFERS,
    CLAIM_EXCEEDS_DUE.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        known = await store.find_claim_receipt(tx, order.pool, claim_receipt_id)
        if known is None:
            raise problems.CLAIM_RECEIPT_UNKNOWN(claim_receipt_id=claim_receipt_id)
        await store.lock_claim_receipts(tx, order.pool, known["payer"])
        row = await store.find_claim_receipt(tx, order.pool, claim_receipt_id)
        assert row is not None
        if row["submitted_by"] == caller.subject:
            raise problems.FOUR_EYES(subject=caller.subject)
        if (rules.SlipStatus(row["status"]), rules.SlipAct.CONFIRM) not in rules.SLIP_TRANSITIONS:
            raise problems.ALREADY_CHECKED(status=row["status"])
        require_version(row["version"], version)
        confirmed = order.result == "confirmed"
        due_fen = await _require_due(tx, order.pool, row["payer"], row["amount_fen"]) if confirmed else None
        # From here it must succeed.
        now = service.clock.now()
        await store.check_claim_receipt(
            tx,
            {
                "pool": order.pool,
                "claim_receipt_id": claim_receipt_id,
                "status": order.result,
                "checked_by": caller.subject,
                "checked_at": now,
                "note": order.note,
                "due_fen": due_fen,
            },
        )
        if confirmed:
            await settling_store.insert_transfers(tx, [_posting(row, now)])
        detail = {"claim_receipt_id": str(claim_receipt_id), "amount_fen": row["amount_fen"]}
        tx.audit(order.pool, f"claim.{order.result}", caller.client_id, caller.subject, now, [], detail)
        return Answer(200, _shown(await store.find_claim_receipt(tx, order.pool, claim_receipt_id)))

    return await once.run(service.database, order.pool, work)


async def list_claim_receipts(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    payer: str | None,
    status: str | None,
) -> dict[str, Any]:
    """Money received on claims. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_claim_receipts(tx, pool, after=after, limit=limit, payer=payer, status=status)
    return page(rows, limit, lambda row: row["claim_receipt_id"])


async def read_claim_receipt(service: Payments, caller: Caller, pool: str, claim_receipt_id: UUID) -> Row:
    """One receipt of a claim. Raises Problem CLAIM_RECEIPT_UNKNOWN, AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        row = await store.find_claim_receipt(tx, pool, claim_receipt_id)
    if row is None:
        raise problems.CLAIM_RECEIPT_UNKNOWN(claim_receipt_id=claim_receipt_id)
    return row


async def _require_due(tx: Writer, pool: str, payer: str, amount_fen: int) -> int:
    """What is due of a payer. Raises Problem CLAIM_EXCEEDS_DUE where it is less than `amount_fen`."""
    due_fen = await store.claim_due(tx, pool, claim_account(payer))
    if amount_fen > due_fen:
        raise problems.CLAIM_EXCEEDS_DUE(payer=payer, due_fen=due_fen, amount_fen=amount_fen)
    return due_fen


def _posting(row: Row, now: Any) -> dict[str, Any]:
    about = {"pool": row["pool"], "scheme": None}
    return transfer(
        about,
        "claim_received",
        SPECIAL_ACCOUNT,
        claim_account(row["payer"]),
        row["amount_fen"],
        row["claim_receipt_id"],
        now,
    )


def _shown(row: Any) -> dict[str, Any]:
    return wire.ClaimReceipt.model_validate(dict(row)).model_dump(mode="json")
