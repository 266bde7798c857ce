"""Cases: news about statuses that change nothing by themselves. A person decides, or they are only kept to be seen."""

from datetime import date
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.codes import RefusalCode
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.pages import page
from shared.tokens import Caller
from shared.versions import require_version

from ..rules import Case, CaseKind, Held, Withdrawn, review
from ..rules.states import CASE_TRANSITIONS, CaseAct, CaseState
from ..schemas.cases import CaseDecision, StatusCase
from ..schemas.problems import CASE_DECIDED, CASE_MOOT, CASE_UNKNOWN
from ..store import aliases
from ..store import revisions as store
from .registration import Registration, governing, versions_of
from .revising import Change, change, standing_of


async def list_cases(
    service: Registration,
    caller: Caller,
    pool: str,
    *,
    scheme: str | None,
    state: str | None,
    after: UUID | None,
    limit: int,
) -> dict[str, Any]:
    """Cases inside the caller's area, in the order in which they were opened. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.writing() as tx:
        rows = await store.list_cases(tx, pool, caller.area, scheme=scheme, state=state, after=after, limit=limit)
        _audit(service, tx, caller, pool, rows[:limit])
    return page([StatusCase.body_of(row) for row in rows], limit, lambda row: row["case_id"])


async def read_case(service: Registration, caller: Caller, pool: str, case_id: UUID) -> dict[str, Any]:
    """One case. Raises Problem CASE_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.writing() as tx:
        row = await _find(tx, caller, pool, case_id)
        _audit(service, tx, caller, pool, [row])
    return StatusCase.body_of(row)


async def decide_case(
    service: Registration, caller: Caller, once: Once, case_id: UUID, version: int, order: CaseDecision
) -> Answer:
    """Approve a case, which then changes the assessment as if the list had come in time, or decline it.

    What the person holds is asked anew, before the transaction begins. Raises Problem CASE_UNKNOWN, AREA_FORBIDDEN,
    VERSION_DIFFERS, CASE_DECIDED; CASE_MOOT where the lists do not bear it out any more; UPSTREAM_UNAVAILABLE.
    """
    pool = order.pool
    async with service.database.reading() as reader:
        found = await _find(reader, caller, pool, case_id)
    approving = order.result == "approved"
    held = await service.eligibility.every_status(pool, [found["person_id"]]) if approving else {}

    async def work(tx: Writer) -> Answer:
        # Enrolments before cases, which is everybody's order of locks.
        standing = await store.lock_standing(tx, pool, [found["person_id"]], found["found_on"])
        case = await store.lock_case(tx, pool, case_id)
        require_version(case["version"], version)
        decided = CASE_TRANSITIONS.get((CaseState(case["state"]), CaseAct.APPROVE if approving else CaseAct.DECLINE))
        if decided is None:
            raise CASE_DECIDED(state=case["state"])
        now = service.clock.now()
        row = next((row for row in standing if row["assessment_id"] == case["assessment_id"]), None)
        known = held.get(case["person_id"], ())
        changed = await _bear_out(tx, case, row, known, business_day(now)) if approving else None
        # From here it must succeed.
        if changed:
            await change(tx, pool, [changed], now)
        await store.decide_case(tx, pool, case_id, state=decided, by=caller.subject, at=now, note=order.note)
        detail = {"case_id": str(case_id), "result": order.result}
        tx.audit(pool, "status_case.decided", caller.client_id, caller.subject, now, [case["person_id"]], detail)
        return Answer(200, StatusCase.body_of(await store.lock_case(tx, pool, case_id)))

    return await once.run(service.database, pool, work)


async def _bear_out(tx: Writer, case: Row, row: Row | None, held: tuple[Held, ...], today: date) -> Change:
    """What the case changes by what is known today. Raises Problem CASE_MOOT."""
    if row is not None:
        package = governing(await versions_of(tx, row["pool"], row["scheme"]), row["paid_on"])
        if case["kind"] == CaseKind.ENROLLED_TWICE:
            if not await aliases.enrolled_beside(tx, row["pool"], row["enrolment_id"]):
                raise CASE_MOOT(case_id=case["case_id"])
            again = Withdrawn("enrolled_twice", RefusalCode.ALREADY_ENROLLED, package.admission.once_rules)
            return Change(row, package, again, case["found_on"])
        outcome = review(package, standing_of(row), held, found_on=case["found_on"], today=today)
        if isinstance(outcome, Case) and outcome.kind is CaseKind(case["kind"]):
            return Change(row, package, outcome.would, case["found_on"])
    raise CASE_MOOT(case_id=case["case_id"])


async def _find(tx: Any, caller: Caller, pool: str, case_id: UUID) -> Row:
    row = await store.find_case(tx, pool, case_id)
    if row is None:
        raise CASE_UNKNOWN(case_id=case_id)
    caller.require_region(row["region"])
    found: Row = row
    return found


def _audit(service: Registration, tx: Writer, caller: Caller, pool: str, rows: Any) -> None:
    persons = list(dict.fromkeys(row["person_id"] for row in rows))
    if persons:
        tx.audit(pool, "status_case.read", caller.client_id, caller.subject, service.clock.now(), persons, {})
