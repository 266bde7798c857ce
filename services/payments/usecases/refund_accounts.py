"""Accounts of payees to which the treasury pays back: one person records an account, a second confirms it, and whoever
pays is not the one who recorded it. Another account is confirmed anew; one that is in use stays.
"""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.identity import mask_name
from shared.tokens import Caller
from shared.versions import VERSION_MISSING, require_version, require_version_of

from ..rules import Method, RefundState
from ..schemas import treasury as wire
from ..schemas import treasury_problems as problems
from ..schemas.ledger_problems import FOUR_EYES
from ..store import refunds as refund_store
from ..store import treasury_refunds as store
from .suite import Payments


async def record_refund_account(
    service: Payments,
    caller: Caller,
    once: Once,
    application_id: UUID,
    version: int | None,
    order: wire.RefundAccountOrder,
) -> Answer:
    """Record to which account an application's money goes, or another one instead, which is to be confirmed anew.

    `version`: of the account that is changed; None for the first one. Raises Problem AREA_FORBIDDEN, ACCOUNT_IN_USE,
    VERSION_MISSING, VERSION_DIFFERS.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        before = await store.lock_account(tx, order.pool, application_id)
        await _require_unused(tx, order.pool, application_id)
        require_version_of(before["version"] if before else None, version)
        now = service.clock.now()
        account = order.model_dump(exclude={"pool"})
        account["opening_bank_no"] = order.opening_bank_no or order.bank_no
        row = {
            "pool": order.pool,
            "application_id": application_id,
            "sealed": service.sealer.seal(json.dumps(account), account_context(application_id)),
            "recorded_by": caller.subject,
            "recorded_at": now,
            "confirmed_by": None,
            "confirmed_at": None,
            "version": 1,
        }
        if before:
            await store.change_account(tx, row)
        elif not await store.insert_account(tx, row):
            raise VERSION_MISSING()  # somebody recorded the first one at this moment
        detail = {"application_id": str(application_id), "version": before["version"] + 1 if before else 1}
        tx.audit(order.pool, "refund_account.recorded", caller.client_id, caller.subject, now, [], detail)
        return Answer(200, _shown_account(service, await store.find_account(tx, order.pool, application_id)))

    return await once.run(service.database, order.pool, work)


async def confirm_refund_account(
    service: Payments,
    caller: Caller,
    once: Once,
    application_id: UUID,
    version: int,
    order: wire.RefundAccountConfirmation,
) -> Answer:
    """A second person has compared the account with the payee's papers: money may go there.

    Raises Problem AREA_FORBIDDEN, ACCOUNT_UNKNOWN, FOUR_EYES, ACCOUNT_IN_USE, VERSION_DIFFERS.
    """
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        row = await store.lock_account(tx, order.pool, application_id)
        if row is None:
            raise problems.ACCOUNT_UNKNOWN(application_id=application_id)
        if row["recorded_by"] == caller.subject:
            raise FOUR_EYES(subject=caller.subject)
        await _require_unused(tx, order.pool, application_id)
        require_version(row["version"], version)
        # From here it must succeed.
        now = service.clock.now()
        await store.change_account(tx, {**row, "confirmed_by": caller.subject, "confirmed_at": now})
        detail = {"application_id": str(application_id), "version": version}
        tx.audit(order.pool, "refund_account.confirmed", caller.client_id, caller.subject, now, [], detail)
        return Answer(200, _shown_account(service, await store.find_account(tx, order.pool, application_id)))

    return await once.run(service.database, order.pool, work)


async def require_account(tx: Writer, pool: str, application_id: UUID, payers: Collection[str]) -> None:
    """Whoever pays through the treasury pays to a confirmed account that none of the payers recorded; it stays as it is
    until the end of the transaction.

    Raises Problem ACCOUNT_NEEDED, FOUR_EYES, ACCOUNT_UNCONFIRMED.
    """
    account = await store.lock_account(tx, pool, application_id)
    if account is None:
        raise problems.ACCOUNT_NEEDED(application_id=application_id)
    if account["recorded_by"] in payers:
        raise FOUR_EYES(subject=account["recorded_by"])
    if account["confirmed_by"] is None:
        raise problems.ACCOUNT_UNCONFIRMED(application_id=application_id)


async def _require_unused(tx: Writer, pool: str, application_id: UUID) -> None:
    under_way = await refund_store.refunds_of(tx, pool, application_id)
    if any(one["method"] == Method.TREASURY and one["state"] != RefundState.FAILED for one in under_way):
        raise problems.ACCOUNT_IN_USE(application_id=application_id)


async def read_refund_account(service: Payments, caller: Caller, pool: str, application_id: UUID) -> dict[str, Any]:
    """An application's account, masked. Raises Problem AREA_FORBIDDEN, ACCOUNT_UNKNOWN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        row = await store.find_account(tx, pool, application_id)
    if row is None:
        raise problems.ACCOUNT_UNKNOWN(application_id=application_id)
    return _shown_account(service, row)


def account_context(application_id: UUID) -> str:
    """What an account is sealed for."""
    return f"refund_account/{application_id}"


def _shown_account(service: Payments, row: Row | None) -> dict[str, Any]:
    assert row is not None
    account = json.loads(service.sealer.open(row["sealed"], account_context(row["application_id"])))
    shown = dict(row) | {
        "payee_name": mask_name(account["payee_name"]),
        "account_end": account["account"][-4:],
        "bank_no": account["bank_no"],
    }
    return wire.RefundAccount.model_validate(shown, extra="ignore").model_dump(mode="json")
