"""Questions about persons: who is meant, who it is, and which statuses held on a day. Each leaves an audit line."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.identity import ResidentNumber, mask_number, normal_number
from shared.problem import FieldError
from shared.tokens import AREA_FORBIDDEN, Caller

from .. import rules, schemas, store
from ..rules import Fault
from .register import Registered, find_or_create, number_hash, open_name, open_number
from .suite import Eligibility

_NAMED_IN_A_PROBLEM = 20


async def resolve_persons(service: Eligibility, caller: Caller, once: Once, request: schemas.ResolveRequest) -> Answer:
    """Find the persons of a roster by number and record those nobody knows; each item is answered for itself.

    A token with an area smaller than the pool resolves whoever is declared to live or to be registered in its area.
    """
    pool = request.pool

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        read = [_read_item(caller, pool, item, business_day(now)) for item in request.items]
        named = [(item.name, holder) for item, (holder, _) in zip(request.items, read, strict=True) if holder]
        register = await find_or_create(service, tx, pool, now, named)
        facts = await store.read_persons(tx, pool, [person.person_id for person in register.values()])
        answers = []
        for item, (holder, faults) in zip(request.items, read, strict=True):
            person = register[holder.number] if holder else None
            if person and not rules.same_name(item.name, person.name):
                answers.append(_refused(item.row, [rules.NAME_DIFFERS]))
            elif person:
                answers.append(_resolved(item.row, person, facts[person.person_id]))
            else:
                answers.append(_refused(item.row, faults))
        persons = sorted(person.person_id for person in register.values())
        written = {str(person.person_id): person.digest for person in register.values() if person.created}
        tx.audit(pool, "person.resolved", caller.client_id, caller.subject, now, persons, {"written": written})
        return Answer(200, schemas.ResolveAnswer(items=answers).model_dump(mode="json"))

    return await once.run(service.database, pool, work)


async def look_up_person(service: Eligibility, caller: Caller, request: schemas.LookupRequest) -> Answer:
    """The person whom a document names. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN."""
    found = number_hash(service.sealer, normal_number(request.document.number))
    async with service.database.writing() as tx:
        known = await store.persons_by_number(tx, request.pool, request.document.type, [found])
        if found not in known:
            raise schemas.PERSON_UNKNOWN(count=1)
        person_id = known[found]["person_id"]
        rows = await _read_persons(service, tx, caller, request.pool, [person_id], "person.looked_up", {})
        return _shown_person(service, caller, rows[person_id])


async def read_person(service: Eligibility, caller: Caller, pool: str, person_id: UUID) -> Answer:
    """One person. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.writing() as tx:
        rows = await _read_persons(service, tx, caller, pool, [person_id], "person.read", {})
        return _shown_person(service, caller, rows[person_id])


async def query_statuses(
    service: Eligibility,
    caller: Caller,
    pool: str,
    person_ids: Sequence[UUID],
    as_of: date | None,
    *,
    every_day: bool = False,
) -> dict[str, Any]:
    """The statuses that persons hold on a day (today where none is given), each with the row it rests on.

    With `every_day` all that are not withdrawn, whatever their days.
    Refuses the whole question where one of the persons is unknown or outside the caller's area: a person left out
    would read like a person without statuses. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN.
    """
    asked = list(dict.fromkeys(person_ids))
    day = None if every_day else as_of or business_day(service.clock.now())
    async with service.database.writing() as tx:
        detail = {"as_of": day.isoformat() if day else "every day"}
        await _read_persons(service, tx, caller, pool, asked, "status.read", detail)
        living = await store.living_statuses(tx, pool, asked)
    held: dict[UUID, list[dict[str, Any]]] = {person_id: [] for person_id in asked}
    for row in living:
        if day is None or rules.status_holds(row["identified_on"], row["valid_to"], day):
            held[row["person_id"]].append(_shown_status(row))
    return {"as_of": day, "items": [{"person_id": person_id, "statuses": held[person_id]} for person_id in asked]}


async def _read_persons(
    service: Eligibility,
    tx: Writer,
    caller: Caller,
    pool: str,
    person_ids: Sequence[UUID],
    action: str,
    detail: Mapping[str, Any],
) -> dict[UUID, Row]:
    """The one way to read persons: all of them are known and inside the caller's area, and the reading is on record."""
    rows = await store.read_persons(tx, pool, person_ids)
    unknown = [person_id for person_id in person_ids if person_id not in rows]
    if unknown:
        raise schemas.PERSON_UNKNOWN(errors=_named(unknown, "person_unknown", "查无此人"), count=len(unknown))
    outside = [row["person_id"] for row in rows.values() if not rules.may_see(caller.area, pool, row["hukou"])]
    if outside:
        errors = _named(outside, "area_forbidden", "不在令牌的辖区内")
        raise AREA_FORBIDDEN(errors=errors, area=caller.area, region=rows[outside[0]]["hukou"] or pool)
    tx.audit(pool, action, caller.client_id, caller.subject, service.clock.now(), sorted(rows), detail)
    return rows


def _named(person_ids: Sequence[UUID], code: str, detail: str) -> list[FieldError]:
    return [
        FieldError(pointer=f"person_id:{person_id}", code=code, detail=detail)
        for person_id in person_ids[:_NAMED_IN_A_PROBLEM]
    ]


def _read_item(
    caller: Caller, pool: str, item: schemas.ResolveItem, today: date
) -> tuple[ResidentNumber | None, list[Fault]]:
    if not any(rules.may_see(caller.area, pool, region) for region in (item.hukou, item.residence)):
        return None, [rules.OUTSIDE_AREA]
    holder, faults = rules.read_holder(item.name, item.document.number, today)
    return (None if faults else holder), faults


def _resolved(row: int, person: Registered, facts: Row) -> schemas.Resolved:
    outcome = "created" if person.created else "matched"
    return schemas.Resolved.model_validate({**facts, "row": row, "outcome": outcome, "reasons": []})


def _refused(row: int, faults: Sequence[Fault]) -> schemas.Resolved:
    return schemas.Resolved(
        row=row,
        outcome="refused",
        person_id=None,
        birth_date=None,
        sex=None,
        hukou=None,
        hukou_since=None,
        deceased_on=None,
        reasons=[schemas.Reason(code=fault.code, detail=fault.detail) for fault in faults],
    )


def _shown_person(service: Eligibility, caller: Caller, row: Row) -> Answer:
    number = open_number(service.sealer, row)
    shown = number if caller.has("persons:full") else mask_number(number)
    document = schemas.DocumentOut(type=row["type"], number=shown)
    person = schemas.Person.model_validate({**row, "name": open_name(service.sealer, row), "document": document})
    return Answer(200, person.model_dump(mode="json"))


def _shown_status(row: Row) -> dict[str, Any]:
    evidence = {"supplier": row["supplier"], "feed_id": row["feed_id"], "row": row["row_no"], "sha256": row["sha256"]}
    return {**row, "evidence": evidence}
