"""Questions about persons: who is meant, and who it is. Each leaves an audit line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.identity import ResidentNumber, mask_number, normal_name, normal_number
from shared.problem import FieldError
from shared.tokens import AREA_FORBIDDEN, Caller

from .. import rules, schemas
from ..rules import Doubt, Fault, FaultCode
from ..store import persons as store
from .matching import match_doubts
from .moments import Moment
from .register import find_or_create, number_hash, open_name, open_number
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
        named = [(one.name, one.holder) for one in read if one.holder]
        register = await find_or_create(service, tx, pool, now, named)
        means, undecided = await match_doubts(service, tx, pool, now, [one.doubt for one in read if one.doubt])
        known = sorted({*(person.person_id for person in register.values()), *means.values()})
        facts = await store.read_persons(tx, pool, known, business_day(now), now)
        answers = []
        for one in read:
            person = register[one.holder.number] if one.holder else None
            if person and not rules.same_name(one.name, person.name):
                answers.append(_refused(one.row, [rules.NAME_DIFFERS]))
            elif person:
                answers.append(_resolved(one.row, "created" if person.created else "matched", facts[person.person_id]))
            elif matched := one.doubt and means.get(one.doubt):
                answers.append(_resolved(one.row, "matched", facts[matched]))
            else:
                answers.append(_refused(one.row, [rules.SEVERAL_CANDIDATES] if one.doubt in undecided else one.faults))
        written = {str(person.person_id): person.digest for person in register.values() if person.created}
        tx.audit(pool, "person.resolved", caller.client_id, caller.subject, now, known, {"written": written})
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
        rows = await read_persons(service, tx, caller, request.pool, [person_id], "person.looked_up", {})
        return _shown_person(service, caller, rows[person_id])


async def read_person(service: Eligibility, caller: Caller, pool: str, person_id: UUID, asked: Moment) -> Answer:
    """One person, as of a day and as known at an instant. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN."""
    assert asked.as_of is not None
    async with service.database.writing() as tx:
        detail = {"as_of": asked.as_of.isoformat(), "known_at": asked.known_at.isoformat()}
        await read_persons(service, tx, caller, pool, [person_id], "person.read", detail)
        rows = await store.read_persons(tx, pool, [person_id], asked.as_of, asked.known_at)
        return _shown_person(service, caller, rows[person_id])


async def read_persons(
    service: Eligibility,
    tx: Writer,
    caller: Caller,
    pool: str,
    person_ids: Sequence[UUID],
    action: str,
    detail: Mapping[str, Any],
) -> dict[UUID, Row]:
    """The one way to read persons, as they are today: all of them are known and inside the caller's area, and the
    reading is on record. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN."""
    now = service.clock.now()
    rows = await store.read_persons(tx, pool, person_ids, business_day(now), now)
    unknown = [person_id for person_id in person_ids if person_id not in rows]
    if unknown:
        raise schemas.PERSON_UNKNOWN(errors=_named(unknown, "person_unknown", "查无此人"), count=len(unknown))
    outside = [row["person_id"] for row in rows.values() if not rules.may_see(caller.area, pool, row["hukou"])]
    if outside:
        errors = _named(outside, "area_forbidden", "不在令牌的辖区内")
        raise AREA_FORBIDDEN(errors=errors, area=caller.area, region=rows[outside[0]]["hukou"] or pool)
    tx.audit(pool, action, caller.client_id, caller.subject, now, sorted(rows), detail)
    return rows


def _named(person_ids: Sequence[UUID], code: str, detail: str) -> list[FieldError]:
    return [
        FieldError(pointer=f"person_id:{person_id}", code=code, detail=detail)
        for person_id in person_ids[:_NAMED_IN_A_PROBLEM]
    ]


@dataclass(frozen=True)
class _Item:
    """An item of a roster as read: who it names by a good number, or may name by one that is not."""

    row: int
    name: str
    holder: ResidentNumber | None
    doubt: Doubt | None
    faults: Sequence[Fault]


def _read_item(caller: Caller, pool: str, item: schemas.ResolveItem, today: date) -> _Item:
    if not any(rules.may_see(caller.area, pool, region) for region in (item.hukou, item.residence)):
        return _Item(item.row, item.name, None, None, [rules.OUTSIDE_AREA])
    holder, faults = rules.read_holder(item.name, item.document.number, today)
    doubt = None
    if [fault.code for fault in faults] == [FaultCode.IDENTITY_NUMBER_INVALID]:
        doubt = rules.doubt(normal_name(item.name), item.document.number, today)
    return _Item(item.row, item.name, None if faults else holder, doubt, faults)


def _resolved(row: int, outcome: str, facts: Row) -> schemas.Resolved:
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
