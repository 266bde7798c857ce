"""Check (核验) and decision (审批): another person looks at an application before its money goes back (S004-31)."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Writer
from shared.idempotency import Answer, Once
from shared.problem import FieldError
from shared.tokens import Caller

from .. import rules, schemas, store
from .reading import find, shown
from .suite import Refunds
from .taking import take
from .telling import tell_decided

_CHECKS: Mapping[str, rules.Act] = {"confirmed": rules.Act.CONFIRM, "rejected": rules.Act.REJECT}
_DECISIONS: Mapping[str, rules.Act] = {"approved": rules.Act.APPROVE, "rejected": rules.Act.DECLINE}


async def check(
    service: Refunds, caller: Caller, once: Once, application_id: UUID, version: int, order: schemas.CheckResult
) -> Answer:
    """Confirm or reject a requested application.

    Confirming asks payments and registration anew, before the transaction begins, and judges the application as of
    the day it counts as asked. For money that the system found this is the first look at the scheme's rules: a
    follower asks nobody anything. Raises Problem APPLICATION_UNKNOWN, WRONG_STATE, FOUR_EYES, NOT_DUE, NOTE_NEEDED,
    VERSION_DIFFERS, AREA_FORBIDDEN, UPSTREAM_UNAVAILABLE.
    """
    standing = await find(service, caller, order.pool, application_id)
    _require_note(standing, order.note)
    confirming = order.result == "confirmed" and standing["state"] == rules.State.REQUESTED
    reasons = await _judge_anew(service, standing, order.note) if confirming else []

    async def work(tx: Writer) -> Answer:
        act = _CHECKS[order.result]
        row, state = await take(tx, caller, order.pool, application_id, version, rules.Step.CHECK, act)
        if reasons:
            raise _not_due(reasons)
        # From here it must succeed.
        found = [] if act is rules.Act.CONFIRM else [_said(rules.ReasonCode.NOT_CONFIRMED, order.note)]
        return await _record(tx, row, store.record_check, caller, service.clock.now(), state, order.note, found)

    return await once.run(service.database, order.pool, work)


async def decide(
    service: Refunds, caller: Caller, once: Once, application_id: UUID, version: int, order: schemas.Decision
) -> Answer:
    """Approve or reject a checked application.

    Raises Problem APPLICATION_UNKNOWN, WRONG_STATE, FOUR_EYES, NOTE_NEEDED, VERSION_DIFFERS, AREA_FORBIDDEN.
    """

    async def work(tx: Writer) -> Answer:
        act = _DECISIONS[order.result]
        row, state = await take(tx, caller, order.pool, application_id, version, rules.Step.DECIDE, act)
        _require_note(row, order.note)
        # From here it must succeed.
        found = [] if act is rules.Act.APPROVE else [_said(rules.ReasonCode.NOT_APPROVED, order.note)]
        return await _record(tx, row, store.record_decision, caller, service.clock.now(), state, order.note, found)

    return await once.run(service.database, order.pool, work)


async def _judge_anew(service: Refunds, application: Mapping[str, Any], note: str | None) -> list[rules.Reason]:
    """Why it is not due. Raises Problem NOTE_NEEDED where no rule speaks of it and the checker is silent."""
    collection = await service.payments.collection(application["pool"], application["collection_id"])
    stated = await service.registration.stated(application["pool"], application["scheme"])
    ground, day = application["ground"], application["requested_on"]
    found = application["requested_by"] == rules.SYSTEM
    if stated is None and found and not note:
        raise schemas.NOTE_NEEDED()
    return rules.judge(stated, collection, ground, day, late=application["late"], found=found)


def _require_note(application: Mapping[str, Any], note: str | None) -> None:
    """What the system found too late no rule decides: whoever does says why. Raises Problem NOTE_NEEDED."""
    if application["late"] and not note:
        raise schemas.NOTE_NEEDED()


def _not_due(reasons: list[rules.Reason]) -> Exception:
    errors = [FieldError(pointer="/result", code=reason.code, detail=reason.detail) for reason in reasons]
    behind = sorted({rule for reason in reasons for rule in reason.rules})
    return schemas.NOT_DUE(errors=errors, rules=behind, count=len(reasons))


def _said(code: rules.ReasonCode, note: str | None) -> rules.Reason:
    """What a person found is a reason in that person's words; it cites what the words cite."""
    assert note is not None
    return rules.Reason(code, note, ())


async def _record(
    tx: Writer,
    row: Mapping[str, Any],
    record: Callable[[Writer, Mapping[str, Any]], Awaitable[None]],
    caller: Caller,
    now: datetime,
    state: rules.State,
    note: str | None,
    reasons: list[rules.Reason],
) -> Answer:
    await record(
        tx,
        {
            "pool": row["pool"],
            "application_id": row["application_id"],
            "state": state,
            "by": caller.subject,
            "at": now,
            "note": note,
            "reasons": [reason.data() for reason in reasons],
        },
    )
    changed = await store.find_application(tx, row["pool"], row["application_id"])
    assert changed is not None
    tell_decided(tx, changed, now)
    return Answer(200, shown(changed))
