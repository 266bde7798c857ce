"""Agreements to withhold (代扣协议): recorded one by one or many at once, shown masked, withdrawn by the payer.

An account is sealed like other personal data; it is opened for the bank's file alone. A person has one agreement that
stands, so that no bill is asked for on two accounts.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.identity import mask_name
from shared.ids import new_id
from shared.pages import page
from shared.tokens import Caller
from shared.versions import require_version

from ..rules import withholding as rules
from ..rules.bank import masked_account
from ..schemas import agreements as wire
from ..schemas import withholding_problems as problems
from ..store import agreements as store
from .suite import Payments

_TRIES = 3


class _Overtaken(Exception):
    """Somebody recorded an agreement for the same person at this very moment."""


async def record_agreement(service: Payments, caller: Caller, once: Once, order: wire.AgreementOrder) -> Answer:
    """Record an agreement; the same one again is the same. Raises Problem AREA_FORBIDDEN, AGREEMENT_REFUSED."""

    async def work(tx: Writer) -> Answer:
        [result] = await _record(service, tx, caller, order.pool, [order])
        if result.agreement_id is None:
            raise problems.AGREEMENT_REFUSED(detail=result.detail, reason=result.reason)
        status = 201 if result.outcome == "recorded" else 200
        return Answer(status, _shown(await store.find_agreement(tx, order.pool, result.agreement_id), caller))

    return await _run(service, once, order.pool, work)


async def record_agreements(service: Payments, caller: Caller, once: Once, order: wire.AgreementBatch) -> Answer:
    """Record many agreements: good ones are kept, bad ones come back with a reason. Raises Problem AREA_FORBIDDEN."""

    async def work(tx: Writer) -> Answer:
        results = await _record(service, tx, caller, order.pool, order.items)
        return Answer(200, wire.AgreementBatchAnswer(items=results).model_dump(mode="json"))

    return await _run(service, once, order.pool, work)


async def list_agreements(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    person_id: UUID | None,
    state: str | None,
) -> dict[str, Any]:
    """Agreements inside the caller's area. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_agreements(
            tx, pool, caller.area, after=after, limit=limit, person_id=person_id, state=state
        )
    return page([_shown(row, caller) for row in rows], limit, lambda row: row["agreement_id"])


async def read_agreement(service: Payments, caller: Caller, pool: str, agreement_id: UUID) -> dict[str, Any]:
    """One agreement. Raises Problem AGREEMENT_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        row = await store.find_agreement(tx, pool, agreement_id)
    if row is None:
        raise problems.AGREEMENT_UNKNOWN(agreement_id=agreement_id)
    caller.require_region(row["region"])
    return _shown(row, caller)


async def withdraw_agreement(
    service: Payments, caller: Caller, once: Once, agreement_id: UUID, version: int, order: wire.AgreementWithdrawal
) -> Answer:
    """Withdraw an agreement: from now on no batch asks for its account. What is with the bank already stays there.

    Raises Problem AGREEMENT_UNKNOWN, AREA_FORBIDDEN, VERSION_DIFFERS, AGREEMENT_WITHDRAWN.
    """

    async def work(tx: Writer) -> Answer:
        row = await store.lock_agreement(tx, order.pool, agreement_id)
        if row is None:
            raise problems.AGREEMENT_UNKNOWN(agreement_id=agreement_id)
        caller.require_region(row["region"])
        require_version(row["version"], version)
        step = (rules.AgreementState(row["state"]), rules.AgreementAct.WITHDRAW)
        if step not in rules.AGREEMENT_TRANSITIONS:
            raise problems.AGREEMENT_WITHDRAWN(agreement_no=row["agreement_no"])
        # From here it must succeed.
        now, after = service.clock.now(), rules.AGREEMENT_TRANSITIONS[step]
        await store.withdraw(tx, order.pool, agreement_id, after, by=caller.subject, at=now, note=order.note)
        shown = _shown(await store.find_agreement(tx, order.pool, agreement_id), caller)
        _audit(service, tx, caller, order.pool, "agreement.withdrawn", shown)
        return Answer(200, shown)

    return await once.run(service.database, order.pool, work)


def account_context(agreement_id: UUID) -> str:
    """What an account is sealed for."""
    return f"agreement/{agreement_id}/account"


async def _run(service: Payments, once: Once, pool: str, work: Any) -> Answer:
    for _ in range(_TRIES - 1):
        try:
            return await once.run(service.database, pool, work)
        except _Overtaken:
            continue
    return await once.run(service.database, pool, work)


async def _record(
    service: Payments, tx: Writer, caller: Caller, pool: str, items: Sequence[wire.AgreementTerms]
) -> list[wire.AgreementResult]:
    """Judge each item after those before it, then write the good ones, set-based."""
    for item in items:
        caller.require_region(item.region)
    known = await store.by_number(tx, pool, [(item.institution, item.agreement_no) for item in items])
    bound = dict(await store.lock_persons(tx, pool, [person for item in items for person in item.person_ids]))
    today = business_day(service.clock.now())
    seen: dict[tuple[str, str], tuple[wire.AgreementTerms, UUID]] = {}
    results, fresh = [], []
    for item in items:
        key = (item.institution, item.agreement_no)
        earlier = known.get(key)
        if earlier is not None and _same(service, item, earlier):
            results.append(_result(item, "known", earlier["agreement_id"]))
        elif key in seen and seen[key][0] == item:
            results.append(_result(item, "known", seen[key][1]))
        elif fault := _fault(service, item, today, taken=earlier is not None or key in seen, bound=bound):
            results.append(_result(item, "refused", None, fault))
        else:
            agreement_id = new_id()
            seen[key] = (item, agreement_id)
            bound |= dict.fromkeys(item.person_ids, agreement_id)
            fresh.append(_row(service, caller, pool, item, agreement_id))
            results.append(_result(item, "recorded", agreement_id))
    await _write(service, tx, caller, pool, fresh)
    return results


async def _write(
    service: Payments, tx: Writer, caller: Caller, pool: str, fresh: Sequence[tuple[dict[str, Any], Sequence[UUID]]]
) -> None:
    if len(await store.insert_agreements(tx, [row for row, _ in fresh])) < len(fresh):
        raise _Overtaken
    persons = [
        {"pool": pool, "agreement_id": row["agreement_id"], "person_id": person_id, "standing": True}
        for row, person_ids in fresh
        for person_id in dict.fromkeys(person_ids)
    ]
    if await store.insert_persons(tx, persons) < len(persons):
        raise _Overtaken
    for row, person_ids in fresh:
        _audit(service, tx, caller, pool, "agreement.recorded", {**row, "person_ids": person_ids})


def _fault(
    service: Payments, item: wire.AgreementTerms, today: date, *, taken: bool, bound: Mapping[UUID, UUID]
) -> wire.AgreementFault | None:
    bank = service.banks.get(item.institution)
    if bank is None or bank.withholding is None:
        return "bank_unknown"
    if item.signed_on > today:
        return "signed_ahead"
    if item.valid_until is not None and item.valid_until < max(today, item.signed_on):
        return "already_over"
    if taken:
        return "number_taken"
    return "person_has_agreement" if any(person in bound for person in item.person_ids) else None


def _same(service: Payments, item: wire.AgreementTerms, row: Row) -> bool:
    account = service.sealer.open_text(row["account"], account_context(row["agreement_id"]))
    said = item.model_dump(exclude={"account", "person_ids"})
    return (
        account == item.account
        and set(item.person_ids) == set(row["person_ids"])
        and all(row[name] == value for name, value in said.items() if name in row)
    )


def _row(
    service: Payments, caller: Caller, pool: str, item: wire.AgreementTerms, agreement_id: UUID
) -> tuple[dict[str, Any], Sequence[UUID]]:
    return {
        "pool": pool,
        "agreement_id": agreement_id,
        "region": item.region,
        "institution": item.institution,
        "agreement_no": item.agreement_no,
        "payer_name": item.payer_name,
        "payer_id": item.payer_id,
        "account": service.sealer.seal(item.account, account_context(agreement_id)),
        "account_masked": masked_account(item.account),
        "signed_on": item.signed_on,
        "valid_until": item.valid_until,
        "state": rules.AGREEMENT_TRANSITIONS[None, rules.AgreementAct.SIGN],
        "recorded_by": caller.subject,
        "recorded_at": service.clock.now(),
        "version": 1,
    }, item.person_ids


def _result(
    item: wire.AgreementTerms, outcome: Any, agreement_id: UUID | None, reason: wire.AgreementFault | None = None
) -> wire.AgreementResult:
    detail = _WORDS[reason].format(institution=item.institution, agreement_no=item.agreement_no) if reason else ""
    return wire.AgreementResult(
        agreement_no=item.agreement_no, outcome=outcome, agreement_id=agreement_id, reason=reason, detail=detail
    )


def _audit(service: Payments, tx: Writer, caller: Caller, pool: str, action: str, row: Mapping[str, Any]) -> None:
    persons = [UUID(str(person_id)) for person_id in row["person_ids"]]
    detail = {"agreement_id": str(row["agreement_id"]), "agreement_no": row["agreement_no"]}
    tx.audit(pool, action, caller.client_id, caller.subject, service.clock.now(), persons, detail)


def _shown(row: Mapping[str, Any] | None, caller: Caller) -> dict[str, Any]:
    shown = wire.Agreement.model_validate(row, extra="ignore").model_dump(mode="json")
    return shown if caller.has("persons:full") else shown | {"payer_name": mask_name(shown["payer_name"])}


_WORDS: Mapping[wire.AgreementFault, str] = {
    "number_taken": "协议号 {agreement_no} 在银行 {institution} 已登记为其他内容，请核对协议号",
    "person_has_agreement": "参保人已有有效代扣协议，请先解除原协议",
    "bank_unknown": "银行 {institution} 未开通批量代扣，请核对机构号",
    "already_over": "协议已到期，请核对有效期",
    "signed_ahead": "签署日期晚于今日，请核对签署日期",
}
