"""Questions about persons: who is meant, and who it is. Each leaves an audit line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.idempotency import Answer, Once
from shared.identity import mask_number, normal_name
from shared.problem import FieldError, Problem
from shared.regions import area_covers_pool
from shared.tokens import AREA_FORBIDDEN, Caller
from shared.versions import require_version

from .. import rules, schemas
from ..rules import DocumentKind, Doubt, Fault, Holder, MatchedBy, MergeSource, Shown
from ..store import persons as store
from ..store.hukou import hukou_of
from .matching import count_uses, match_doubts
from .moments import Moment, moment
from .register import document_digest, find_or_create, known_by_number, new_document, open_name, open_number, take_turn
from .suite import Eligibility
from .uniting import tell

_NAMED_IN_A_PROBLEM = 20


async def resolve_persons(service: Eligibility, caller: Caller, once: Once, request: schemas.ResolveRequest) -> Answer:
    """Find the persons of a roster by number and record those nobody knows; each item is answered for itself.

    A token with an area smaller than the pool resolves whoever is declared to live or to be registered in its area.
    """
    pool = request.pool

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        read = [_read_item(caller, pool, item, business_day(now)) for item in request.items]
        named = [(one.name, holder) for one in read for holder in (one.holder, one.newborn) if holder]
        register = await find_or_create(service, tx, pool, now, named)
        means, undecided = await match_doubts(service, tx, pool, now, [one.doubt for one in read if one.doubt])
        records = [person.person_id for person in register.values()] + [match.person_id for match in means.values()]
        facts = await store.read_persons(tx, pool, sorted(set(records)), business_day(now), now)
        answers = []
        for one in read:
            person = register[one.holder] if one.holder else None
            match = means.get(one.doubt) if one.doubt else None
            if person and not person.goes_by(one.name):
                answers.append(_refused(one.row, [rules.NAME_DIFFERS]))
            elif person:
                by = None if person.created else MatchedBy.NUMBER
                answers.append(_resolved(one.row, by, facts[person.person_id]))
                if one.newborn:
                    two = (register[one.newborn].person_id, person.person_id)
                    await tell(tx, pool, *two, MergeSource.PARTNER, "参保登记时申报", caller.subject, now)
            elif match:
                answers.append(_resolved(one.row, match.by, facts[match.person_id]))
            else:
                answers.append(_refused(one.row, [rules.SEVERAL_CANDIDATES] if one.doubt in undecided else one.faults))
        await count_uses(tx, pool, now, [means[one.doubt] for one in read if one.doubt and one.doubt in means])
        written = {str(person.person_id): person.digest for person in register.values() if person.created}
        known = sorted({*records, *(row["person_id"] for row in facts.values())})
        tx.audit(pool, "person.resolved", caller.client_id, caller.subject, now, known, {"written": written})
        return Answer(200, schemas.ResolveAnswer(items=answers).model_dump(mode="json"))

    return await once.run(service.database, pool, work)


async def look_up_person(service: Eligibility, caller: Caller, request: schemas.LookupRequest) -> Answer:
    """The person whom a document names. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN."""
    document = rules.document_key(_shown_by(request.document))
    async with service.database.writing() as tx:
        known = await known_by_number(service.sealer, tx, request.pool, [document])
        if document not in known:
            raise schemas.PERSON_UNKNOWN(count=1)
        person_id = known[document]["person_id"]
        rows = await read_persons(service, tx, caller, request.pool, [person_id], "person.looked_up", {})
        return await _shown_person(service, tx, caller, request.pool, rows[person_id])


async def record_document(
    service: Eligibility,
    caller: Caller,
    once: Once,
    pool: str,
    person_id: UUID,
    version: int,
    wanted: schemas.DocumentAdded,
) -> Answer:
    """Record one more document of a person, or the days of one the person has.

    What is kept for retries names nobody: a request that comes again is shown the person as it is by then.

    Raises Problem PERSON_UNKNOWN, PERSON_ERASED, AREA_FORBIDDEN, VERSION_DIFFERS, DOCUMENT_REFUSED,
    DOCUMENT_OF_ANOTHER.
    """
    shown: list[Answer] = []

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        found = await read_persons(service, tx, caller, pool, [person_id], "person.read", {})
        await take_turn(service.sealer, tx, pool)
        own = await store.lock_person(tx, pool, found[person_id]["person_id"])
        assert own is not None
        require_not_erased(service, [own])
        require_version(own["version"], version)
        document_shown = replace(_shown_by(wanted.document), birth_date=own["birth_date"], sex=own["sex"])
        holder = rules.read_document(document_shown, business_day(now))
        if not isinstance(holder, Holder):
            raise schemas.DOCUMENT_REFUSED(detail=holder.detail)
        if (holder.birth_date, holder.sex) != (own["birth_date"], own["sex"]):
            raise schemas.DOCUMENT_REFUSED(detail="出生日期或性别与登记的不一致")
        days = wanted.valid_from, wanted.valid_to
        row, document = new_document(service.sealer, pool, own["person_id"], holder, now, *days), holder.document
        holds = await known_by_number(service.sealer, tx, pool, [document])
        written = {}
        if not holds and await store.insert_document(tx, row):
            written[str(row["document_id"])] = document_digest(row)
        else:
            known = (holds or await known_by_number(service.sealer, tx, pool, [document]))[document]
            if known["surviving_id"] != own["person_id"]:
                raise schemas.DOCUMENT_OF_ANOTHER(person_id=known["surviving_id"])
            await store.set_document_days(tx, pool, known["document_id"], *days)
        await store.raise_versions(tx, pool, [own["person_id"]])
        detail = {"written": written}
        tx.audit(pool, "document.recorded", caller.client_id, caller.subject, now, [own["person_id"]], detail)
        facts = await store.read_persons(tx, pool, [person_id], business_day(now), now)
        shown.append(await _shown_person(service, tx, caller, pool, facts[person_id]))
        return Answer(200, {})

    answer = await once.run(service.database, pool, work)
    if answer.status != 200:
        return answer
    if not answer.replayed:
        return shown[-1]
    return replace(await read_person(service, caller, pool, person_id, moment(service, None, None)), replayed=True)


async def read_person(service: Eligibility, caller: Caller, pool: str, person_id: UUID, asked: Moment) -> Answer:
    """One person, as of a day and as known at an instant. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN."""
    assert asked.as_of is not None
    async with service.database.writing() as tx:
        detail = {"as_of": asked.as_of.isoformat(), "known_at": asked.known_at.isoformat()}
        await read_persons(service, tx, caller, pool, [person_id], "person.read", detail)
        rows = await store.read_persons(tx, pool, [person_id], asked.as_of, asked.known_at)
        return await _shown_person(service, tx, caller, pool, rows[person_id])


async def read_persons(
    service: Eligibility,
    tx: Writer,
    caller: Caller,
    pool: str,
    person_ids: Sequence[UUID],
    action: str,
    detail: Mapping[str, Any],
) -> dict[UUID, Row]:
    """The one way to read persons, as they are today, by the id asked for: all of them are known and inside the
    caller's area, and the reading is on record. Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN."""
    now = service.clock.now()
    rows = await store.read_persons(tx, pool, person_ids, business_day(now), now)
    unknown = [person_id for person_id in person_ids if person_id not in rows]
    if unknown:
        raise schemas.PERSON_UNKNOWN(errors=_named(unknown, "person_unknown", "查无此人"), count=len(unknown))
    outside = [asked for asked, row in rows.items() if not rules.may_see(caller.area, pool, row["hukou"])]
    if outside:
        errors = _named(outside, "area_forbidden", "不在令牌的辖区内")
        raise AREA_FORBIDDEN(errors=errors, area=caller.area, region=rows[outside[0]]["hukou"] or pool)
    who = sorted({*rows, *(row["person_id"] for row in rows.values())})
    tx.audit(pool, action, caller.client_id, caller.subject, now, who, detail)
    return rows


def require_not_erased(service: Eligibility, records: Sequence[Row]) -> None:
    """Nothing is tied any more to persons whose name was erased; the caller keeps erasures out meanwhile, by a turn or
    a lock. Raises Problem PERSON_ERASED."""
    erased = [row["person_id"] for row in records if not open_name(service.sealer, row)]
    if erased:
        raise schemas.PERSON_ERASED(errors=_named(erased, "person_erased", "个人信息已删除"), count=len(erased))


@dataclass(frozen=True)
class Reading:
    """Whom somebody wants to read about; `detail` is what the audit line tells of it."""

    caller: Caller
    person_ids: Sequence[UUID]
    detail: Mapping[str, Any]


async def record_readings(
    service: Eligibility, tx: Writer, pool: str, action: str, readings: Sequence[Reading]
) -> list[Problem | None]:
    """Put readings of persons on record, which all are known and inside the caller's area; else why that one is refused
    (PERSON_UNKNOWN, AREA_FORBIDDEN)."""
    now = service.clock.now()
    every = list({person_id for one in readings for person_id in one.person_ids})
    others = await store.answered_by_others(tx, pool, every, now)
    judged = [one for one in readings if not area_covers_pool(one.caller.area, pool)]
    by_place = list({person_id for one in judged for person_id in one.person_ids})
    places = await hukou_of(tx, pool, by_place, business_day(now), now) if by_place else {}
    refusals: list[Problem | None] = []
    for one in readings:
        refusal = _refusal(pool, one, others, places)
        if refusal is None:
            who = {*one.person_ids, *(others[each] or each for each in one.person_ids if each in others)}
            ordered = sorted(who, key=attrgetter("int"))
            tx.audit(pool, action, one.caller.client_id, one.caller.subject, now, ordered, one.detail)
        refusals.append(refusal)
    return refusals


async def seen_by(service: Eligibility, tx: Reader, caller: Caller, pool: str, person_ids: Sequence[UUID]) -> set[UUID]:
    """Those whom a caller may see by where they belong today, as a question about each of them would be answered."""
    if area_covers_pool(caller.area, pool) or not person_ids:
        return set(person_ids)
    now = service.clock.now()
    places = await hukou_of(tx, pool, person_ids, business_day(now), now)
    return {person_id for person_id in person_ids if rules.may_see(caller.area, pool, places[person_id])}


def _refusal(
    pool: str, reading: Reading, others: Mapping[UUID, UUID | None], places: Mapping[UUID, str | None]
) -> Problem | None:
    """Why somebody may not read this; `others`: by whom persons are answered for, None: nobody knows them."""
    caller = reading.caller
    unknown = [each for each in reading.person_ids if each in others and others[each] is None]
    if unknown:
        return schemas.PERSON_UNKNOWN(errors=_named(unknown, "person_unknown", "查无此人"), count=len(unknown))
    if area_covers_pool(caller.area, pool):
        return None
    outside = [each for each in reading.person_ids if not rules.may_see(caller.area, pool, places[each])]
    if not outside:
        return None
    errors = _named(outside, "area_forbidden", "不在令牌的辖区内")
    return AREA_FORBIDDEN(errors=errors, area=caller.area, region=places[outside[0]] or pool)


def _named(person_ids: Sequence[UUID], code: str, detail: str) -> list[FieldError]:
    return [
        FieldError(pointer=f"person_id:{person_id}", code=code, detail=detail)
        for person_id in person_ids[:_NAMED_IN_A_PROBLEM]
    ]


@dataclass(frozen=True)
class _Item:
    """An item of a roster as read: who it names by a good document, or may name by one that is not; and under which
    number of the mother the same child was known before."""

    row: int
    name: str
    holder: Holder | None
    doubt: Doubt | None
    faults: Sequence[Fault]
    newborn: Holder | None = None


def _read_item(caller: Caller, pool: str, item: schemas.ResolveItem, today: date) -> _Item:
    if not any(rules.may_see(caller.area, pool, region) for region in (item.hukou, item.residence)):
        return _Item(item.row, item.name, None, None, [rules.OUTSIDE_AREA])
    shown = _shown_by(item.document)
    holder, faults = rules.read_holder(item.name, shown, today)
    if rules.number_is_all(faults):
        name = normal_name(item.name)
        doubt = rules.doubt(name, shown.number, today, birth_date=shown.birth_date, region=item.hukou)
        return _Item(item.row, item.name, None, doubt, faults)
    newborn = None
    if item.newborn_number and holder and not faults:
        before = Shown(item.newborn_number, DocumentKind.NEWBORN, holder.birth_date, holder.sex)
        newborn, faults = rules.read_holder(item.name, before, today)
    return _Item(item.row, item.name, None if faults else holder, None, faults, newborn)


def _shown_by(document: schemas.DocumentIn) -> Shown:
    return Shown(document.number, document.type, document.birth_date, document.sex)


def _resolved(row: int, by: MatchedBy | None, facts: Row) -> schemas.Resolved:
    outcome = "matched" if by else "created"
    return schemas.Resolved.model_validate({**facts, "row": row, "outcome": outcome, "matched_by": by, "reasons": []})


def _refused(row: int, faults: Sequence[Fault]) -> schemas.Resolved:
    return schemas.Resolved(
        row=row,
        outcome="refused",
        matched_by=None,
        person_id=None,
        birth_date=None,
        sex=None,
        hukou=None,
        hukou_since=None,
        deceased_on=None,
        reasons=[schemas.Reason(code=fault.code, detail=fault.detail) for fault in faults],
    )


async def _shown_person(service: Eligibility, tx: Reader, caller: Caller, pool: str, row: Row) -> Answer:
    """A row of `read_persons` with all documents of its records; numbers masked without `persons:full`."""
    full, sealer = caller.has("persons:full"), service.sealer
    found = await store.documents_of(tx, pool, [row["person_id"], *row["merged_ids"]])
    documents = []
    for one in found:
        number = open_number(sealer, one)
        documents.append({**one, "number": number if full else mask_number(number)})
    first = next(one for one in documents if one["document_id"] == row["document_id"])
    shown = {**row, "name": open_name(sealer, row), "document": first, "documents": documents}
    return Answer(200, schemas.Person.model_validate(shown).model_dump(mode="json"))
