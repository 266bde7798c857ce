"""Questions about persons: who is meant, and who it is. Each leaves an audit line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Reader, Row, Writer
from shared.idempotency import Answer, Once
from shared.identity import mask_number, normal_name
from shared.problem import FieldError
from shared.tokens import AREA_FORBIDDEN, Caller
from shared.versions import require_version

from .. import rules, schemas
from ..rules import DocumentKind, Doubt, Fault, Holder, MatchedBy, MergeSource, Shown
from ..store import persons as store
from .matching import count_uses, match_doubts
from .moments import Moment
from .register import document_digest, document_hash, find_or_create, new_document, open_name, open_number
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
    kind, number = rules.document_key(_shown_by(request.document))
    found = document_hash(service.sealer, kind, number)
    async with service.database.writing() as tx:
        known = await store.persons_by_number(tx, request.pool, [(kind, found)])
        if found not in known:
            raise schemas.PERSON_UNKNOWN(count=1)
        person_id = known[found]["person_id"]
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

    Raises Problem PERSON_UNKNOWN, AREA_FORBIDDEN, VERSION_DIFFERS, DOCUMENT_REFUSED, DOCUMENT_OF_ANOTHER.
    """

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        found = await read_persons(service, tx, caller, pool, [person_id], "person.read", {})
        own = await store.lock_person(tx, pool, found[person_id]["person_id"])
        assert own is not None
        require_version(own["version"], version)
        shown = replace(_shown_by(wanted.document), birth_date=own["birth_date"], sex=own["sex"])
        holder = rules.read_document(shown, business_day(now))
        if not isinstance(holder, Holder):
            raise schemas.DOCUMENT_REFUSED(detail=holder.detail)
        if (holder.birth_date, holder.sex) != (own["birth_date"], own["sex"]):
            raise schemas.DOCUMENT_REFUSED(detail="出生日期或性别与登记的不一致")
        days = wanted.valid_from, wanted.valid_to
        row = new_document(service.sealer, pool, own["person_id"], holder, now, *days)
        written = {}
        if await store.insert_document(tx, row):
            written[str(row["document_id"])] = document_digest(row)
        else:
            known = (await store.persons_by_number(tx, pool, [(row["type"], row["number_hash"])]))[row["number_hash"]]
            if known["surviving_id"] != own["person_id"]:
                raise schemas.DOCUMENT_OF_ANOTHER(person_id=known["surviving_id"])
            await store.set_document_days(tx, pool, known["document_id"], *days)
        await store.raise_versions(tx, pool, [own["person_id"]])
        detail = {"written": written}
        tx.audit(pool, "document.recorded", caller.client_id, caller.subject, now, [own["person_id"]], detail)
        facts = await store.read_persons(tx, pool, [person_id], business_day(now), now)
        return await _shown_person(service, tx, caller, pool, facts[person_id])

    return await once.run(service.database, pool, work)


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
