"""Rows without a good number: matched where they mean one known person, else put on the work list for a clerk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
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
from ..rules import Doubt, MatchedBy
from ..store import claims
from ..store import matches as store
from ..store import persons as person_store
from ..store import suppliers as supplier_store
from .register import known_by_number, known_names, name_hashes, open_name, open_number, take_turn
from .suite import Eligibility
from .working_out import work_out


@dataclass(frozen=True)
class Match:
    """Whom a doubtful row means, how that was found and, where a clerk has decided it, by which case."""

    person_id: UUID
    by: MatchedBy
    case_id: UUID | None = None


async def match_doubts(
    service: Eligibility, tx: Writer, pool: str, now: datetime, doubts: Sequence[Doubt]
) -> tuple[Mapping[Doubt, Match], frozenset[Doubt]]:
    """Whom doubtful rows mean, and those that may mean several and stand on the work list now. In sets.

    Only persons known under the same name come into question; nobody is recorded or changed. What a clerk has decided
    about the same row goes before everything else.
    """
    if not doubts:
        return {}, frozenset()
    sealer = service.sealer
    await take_turn(sealer, tx, pool)
    given = {doubt: sealer.lookup_hashes("match", *doubt.key) for doubt in doubts}
    hashes = [one for several in given.values() for one in several]
    decided = await store.decided_cases(tx, pool, hashes)
    by_number = await _by_number(sealer, tx, pool, doubts)
    by_name = await _by_name(sealer, tx, pool, [doubt for doubt in doubts if not by_number[doubt]])
    means: dict[Doubt, Match] = {}
    cases: dict[Doubt, frozenset[UUID]] = {}
    for doubt, given_hashes in given.items():
        numbered, named = by_number[doubt], by_name.get(doubt, [])
        meant_by_name = rules.meant_by_name(doubt.region, named)
        if decision := next((decided[one] for one in given_hashes if one in decided), None):
            if decision["person_id"]:
                means[doubt] = Match(decision["person_id"], MatchedBy.DECISION, decision["case_id"])
        elif person_id := rules.meant(numbered):
            means[doubt] = Match(person_id, doubt.by)
        elif meant_by_name:
            means[doubt] = Match(meant_by_name, MatchedBy.NAME_BIRTH_REGION)
        elif candidates := numbered | {person_id for person_id, _ in named}:
            cases[doubt] = candidates
    listed = await store.listed_hashes(tx, pool, hashes) if len(sealer.lookup_names) > 1 else frozenset()
    rows = [
        _case(sealer, pool, now, doubt, given[doubt][0], who)
        for doubt, who in cases.items()
        if listed.isdisjoint(given[doubt])
    ]
    await store.open_cases(tx, rows)
    return means, frozenset(cases)


async def count_uses(tx: Writer, pool: str, now: datetime, matches: Sequence[Match]) -> None:
    """Note that what clerks have decided was reused, once for each row that was taken by it."""
    reused = sorted(match.case_id for match in matches if match.case_id)
    await store.count_uses(tx, pool, reused, now)


async def _by_number(sealer: Sealer, tx: Writer, pool: str, doubts: Sequence[Doubt]) -> dict[Doubt, frozenset[UUID]]:
    """The known persons of the name whose number may be meant."""
    known = await known_by_number(sealer, tx, pool, {one for doubt in doubts for one in doubt.candidates})
    result = {}
    for doubt in doubts:
        found = [known[one] for one in doubt.candidates if one in known]
        same = [row for row in found if any(rules.same_name(doubt.name, name) for name in known_names(sealer, row))]
        result[doubt] = frozenset(row["surviving_id"] for row in same)
    return result


async def _by_name(
    sealer: Sealer, tx: Writer, pool: str, doubts: Sequence[Doubt]
) -> dict[Doubt, list[tuple[UUID, str | None]]]:
    """The known persons of the name and birth date, with the place of their hukou."""
    keys: dict[Doubt, list[tuple[bytes, date]]] = {
        doubt: [(found, doubt.birth_date) for found in name_hashes(sealer, doubt.name)]
        for doubt in doubts
        if doubt.birth_date
    }
    found: dict[tuple[bytes, date], list[tuple[UUID, str | None]]] = {}
    asked = {key for several in keys.values() for key in several}
    for row in await person_store.persons_by_name(tx, pool, sorted(asked)):
        found.setdefault((row["name_hash"], row["birth_date"]), []).append((row["surviving_id"], row["hukou"]))
    # Two records that are one person may stand under two look-up keys.
    return {
        doubt: list(dict.fromkeys(one for key in several for one in found.get(key, [])))
        for doubt, several in keys.items()
    }


async def list_cases(
    service: Eligibility, caller: Caller, pool: str, after: UUID | None, limit: int, *, decided: bool = False
) -> Sequence[dict[str, Any]]:
    """The open cases, or the decisions, in the order they came; one more than `limit` where there are more."""
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        now = service.clock.now()
        rows = await store.list_cases(tx, pool, after, limit, decided=decided)
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


async def withdraw_decision(
    service: Eligibility, caller: Caller, once: Once, pool: str, case_id: UUID, version: int, reason: str
) -> Answer:
    """Take a decision back: rows that were taken by it count no longer, and the same row opens a new case.

    Raises Problem MATCH_UNKNOWN, VERSION_DIFFERS, MATCH_NOT_DECIDED.
    """

    async def work(tx: Writer) -> Answer:
        # Turns before cases, which is everybody's order of locks.
        await supplier_store.take_every_turn(tx, pool, service.suppliers)
        case = await store.lock_case(tx, pool, case_id)
        if case is None:
            raise schemas.MATCH_UNKNOWN(case_id=case_id)
        require_version(case["version"], version)
        if case["decided_at"] is None or case["withdrawn_at"] is not None:
            raise schemas.MATCH_NOT_DECIDED(case_id=case_id)
        now, person_id = service.clock.now(), case["person_id"]
        await store.set_withdrawn(tx, pool, case_id, caller.subject, now, reason)
        for row in await claims.withdraw_decided(tx, pool, case_id, now):
            await work_out(tx, pool, row["supplier"], now, [person_id])
        who = [person_id] if person_id else []
        await person_store.raise_versions(tx, pool, who)
        detail = {"case_id": str(case_id), "reason": reason}
        tx.audit(pool, "match.withdrawn", caller.client_id, caller.subject, now, who, detail)
        shown = schemas.MatchDecided.model_validate({**case, "withdrawn_at": now, "version": 3})
        return Answer(200, shown.model_dump(mode="json"))

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
        "given_sealed": sealer.seal(orjson.dumps([doubt.name, doubt.given, *doubt.beside]), case_context(case_id)),
        "candidates": sorted(str(person_id) for person_id in candidates),
        "opened_at": now,
        "times_used": 0,
        "version": 1,
    }


def _shown_case(service: Eligibility, caller: Caller, case: Row, persons: Mapping[UUID, Row]) -> dict[str, Any]:
    name, number, *_ = orjson.loads(service.sealer.open(case["given_sealed"], case_context(case["case_id"])))
    full = caller.has("persons:full")
    candidates = []
    for row in (persons[UUID(person_id)] for person_id in case["candidates"]):
        known = open_number(service.sealer, row)
        document = {"type": row["type"], "number": known if full else mask_number(known)}
        candidates.append({**row, "name": open_name(service.sealer, row), "document": document})
    shown = number if full else mask_number(number)
    return {**case, "name": name, "number": shown, "candidates": candidates}


def forgotten_hash(sealer: Sealer, case_id: UUID) -> bytes:
    """What no name and number as written has: a case that is found no more."""
    return sealer.lookup_hash("match case", str(case_id))


def case_context(case_id: UUID) -> str:
    """For what the name and number of a case are sealed."""
    return f"match_case/{case_id}/given"
