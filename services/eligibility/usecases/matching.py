"""Numbers that are not good: matched where they mean one known person, else put on the work list for a clerk."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.clock import business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.identity import mask_number
from shared.ids import new_id
from shared.sealing import Sealer
from shared.tokens import Caller
from shared.versions import require_version

from .. import rules, schemas
from ..rules import Doubt
from ..store import matches as store
from ..store import persons as person_store
from .register import RESIDENT_ID, number_hash, open_name, open_number
from .suite import Eligibility


async def match_doubts(
    service: Eligibility, tx: Writer, pool: str, now: datetime, doubts: Sequence[Doubt]
) -> tuple[Mapping[Doubt, UUID], frozenset[Doubt]]:
    """Whom doubtful numbers mean, and those that may mean several and stand on the work list now. In sets.

    Only persons known under the same name come into question; nobody is recorded or changed.
    """
    if not doubts:
        return {}, frozenset()
    hashes = {number: number_hash(service.sealer, number.number) for doubt in doubts for number in doubt.candidates}
    known = await person_store.persons_by_number(tx, pool, RESIDENT_ID, list(hashes.values()))
    given = {doubt: service.sealer.lookup_hash("match", doubt.given, doubt.name) for doubt in doubts}
    decided = await store.decided_cases(tx, pool, list(given.values()))
    means: dict[Doubt, UUID] = {}
    cases: dict[Doubt, frozenset[UUID]] = {}
    for doubt, given_hash in given.items():
        found = [known[hashes[number]] for number in doubt.candidates if hashes[number] in known]
        same = [row for row in found if rules.same_name(doubt.name, open_name(service.sealer, row))]
        candidates = frozenset(row["person_id"] for row in same)
        decision = decided.get(given_hash)
        if decision is None and len(candidates) > 1:
            cases[doubt] = candidates
        elif person_id := decision["person_id"] if decision else rules.meant(candidates):
            means[doubt] = person_id
    rows = [_case(service.sealer, pool, now, doubt, given[doubt], who) for doubt, who in cases.items()]
    await store.open_cases(tx, rows)
    return means, frozenset(cases)


async def list_cases(
    service: Eligibility, caller: Caller, pool: str, after: UUID | None, limit: int
) -> Sequence[dict[str, Any]]:
    """The open cases in the order they came; one more than `limit` where there are more."""
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        now = service.clock.now()
        rows = await store.list_cases(tx, pool, after, limit)
        asked = sorted({UUID(person_id) for row in rows for person_id in row["candidates"]})
        persons = await person_store.read_persons(tx, pool, asked, business_day(now), now)
        tx.audit(pool, "match.listed", caller.client_id, caller.subject, now, asked, {"cases": len(rows)})
    return [_shown_case(service, caller, row, persons) for row in rows]


async def decide_case(
    service: Eligibility, caller: Caller, once: Once, pool: str, case_id: UUID, version: int, person_id: UUID | None
) -> Answer:
    """Note whom a name and number mean (None: nobody who is known); it holds whenever they come again.

    Raises Problem MATCH_UNKNOWN, VERSION_DIFFERS, NOT_A_CANDIDATE.
    """

    async def work(tx: Writer) -> Answer:
        case = await store.lock_case(tx, pool, case_id)
        if case is None:
            raise schemas.MATCH_UNKNOWN(case_id=case_id)
        require_version(case["version"], version)
        if person_id is not None and str(person_id) not in case["candidates"]:
            raise schemas.NOT_A_CANDIDATE(person_id=person_id)
        now = service.clock.now()
        await store.set_decision(tx, pool, case_id, person_id, caller.subject, now)
        who = [person_id] if person_id else []
        tx.audit(pool, "match.decided", caller.client_id, caller.subject, now, who, {"case_id": str(case_id)})
        decision = schemas.MatchDecided(
            case_id=case_id, person_id=person_id, decided_by=caller.subject, decided_at=now, version=2
        )
        return Answer(200, decision.model_dump(mode="json"))

    caller.require_pool(pool)
    return await once.run(service.database, pool, work)


def _case(
    sealer: Sealer, pool: str, now: datetime, doubt: Doubt, given_hash: bytes, candidates: frozenset[UUID]
) -> dict[str, Any]:
    case_id = new_id()
    return {
        "pool": pool,
        "case_id": case_id,
        "given_hash": given_hash,
        "given_sealed": sealer.seal(orjson.dumps([doubt.name, doubt.given]), _context(case_id)),
        "candidates": sorted(str(person_id) for person_id in candidates),
        "opened_at": now,
        "version": 1,
    }


def _shown_case(service: Eligibility, caller: Caller, case: Row, persons: Mapping[UUID, Row]) -> dict[str, Any]:
    name, number = orjson.loads(service.sealer.open(case["given_sealed"], _context(case["case_id"])))
    full = caller.has("persons:full")
    candidates = []
    for row in (persons[UUID(person_id)] for person_id in case["candidates"]):
        known = open_number(service.sealer, row)
        document = {"type": row["type"], "number": known if full else mask_number(known)}
        candidates.append({**row, "name": open_name(service.sealer, row), "document": document})
    shown = number if full else mask_number(number)
    return {**case, "name": name, "number": shown, "candidates": candidates}


def _context(case_id: UUID) -> str:
    return f"match_case/{case_id}/given"
