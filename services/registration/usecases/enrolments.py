"""Registering one person apart from a roster: latecomers, newborns, whoever comes to the agency (S004-02, S004-35).

Who is enrolled, did not pay in time and comes to pay is assessed anew here (`reassess_enrolment`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.clock import business_day
from shared.database import Reader, Writer
from shared.idempotency import Answer, Once
from shared.problem import BUSY, FieldError
from shared.tokens import Caller

from ..rules import Held, Package, Refused, reassess, status_day
from ..rules.states import EnrolmentState
from ..schemas.enrolments import EnrolmentAnswer, EnrolmentRequest, ReassessmentRequest
from ..schemas.problems import ENROLMENT_STATE, ENROLMENT_UNKNOWN, PERSON_REFUSED
from ..store import enrolments as store
from ..store import packages as package_store
from ..store import revisions as revision_store
from .enrolling import Applicant, Enrolled, Judged, Place, Unidentified, enrol, followed_news, hold_news, identify
from .reading import assessment_body
from .registration import Registration, governing, package_of_pool, unit_for, versions_of
from .revising import Change, change, standing_of

_TRIES = 5
_FIELDS = {"identity": "/person/document/number", "name": "/person/name", "region": "/person/hukou"}


async def enrol_one(service: Registration, caller: Caller, once: Once, asked: EnrolmentRequest) -> Answer:
    """Enrol one person, or record every reason why not.

    Raises Problem UNIT_UNKNOWN, AREA_FORBIDDEN, SCHEME_UNKNOWN, PERSON_REFUSED, UPSTREAM_UNAVAILABLE; BUSY where news
    about statuses, or corrections of the package, kept coming in between.
    """
    async with service.database.reading() as reader:
        unit = await unit_for(reader, caller, asked.pool, asked.unit_code)
    now = service.clock.now()
    for _ in range(_TRIES):
        news = await followed_news(service, asked.pool)
        async with service.database.reading() as reader:
            package = await package_of_pool(reader, asked.pool, asked.scheme)
        judged = await _judge(service, package, once, asked, business_day(now))

        async def register(tx: Writer, news: int = news, package: Package = package, judged: Judged = judged) -> Answer:
            if await hold_news(service, tx, asked.pool) != news:
                raise _OvertakenError
            if not await package_store.hold_in_force(tx, asked.pool, package.scheme, package.version):
                raise _OvertakenError
            place = Place(unit, None, now, caller.client_id, caller.subject)
            [outcome] = await enrol(tx, package, [judged], place)
            made = await _made(tx, asked.pool, outcome)
            return Answer(201, EnrolmentAnswer.body_of({"person_id": judged.person_id, **made}))

        with suppress(_OvertakenError):
            return await once.run(service.database, asked.pool, register)
    raise BUSY()


async def reassess_enrolment(
    service: Registration, caller: Caller, once: Once, enrolment_id: UUID, asked: ReassessmentRequest
) -> Answer:
    """What is due of somebody who has not paid in time and comes to pay today: a revision, or why nothing is taken.

    Where the bill still holds, nothing changes. Raises Problem ENROLMENT_UNKNOWN, AREA_FORBIDDEN, ENROLMENT_STATE,
    UPSTREAM_UNAVAILABLE; BUSY where news about statuses kept coming in between.
    """
    pool = asked.pool
    async with service.database.reading() as tx:
        found = await store.find_enrolment(tx, pool, enrolment_id)
    if found is None:
        raise ENROLMENT_UNKNOWN(enrolment_id=enrolment_id)
    caller.require_region(found["region"])
    now = service.clock.now()
    for _ in range(_TRIES):
        news = await followed_news(service, pool)
        held = await service.eligibility.every_status(pool, [found["person_id"]])

        async def work(tx: Writer, news: int = news, held: Mapping[UUID, Sequence[Held]] = held) -> Answer:
            if await hold_news(service, tx, pool) != news:
                raise _OvertakenError
            outcome = await _reassess(tx, pool, enrolment_id, held, now)
            named = {"enrolment_id": str(enrolment_id)}
            tx.audit(pool, "enrolment.reassessed", caller.client_id, caller.subject, now, list(held), named)
            made = await _made(tx, pool, outcome)
            return Answer(200, EnrolmentAnswer.body_of({"person_id": found["person_id"], **made}))

        with suppress(_OvertakenError):
            return await once.run(service.database, pool, work)
    raise BUSY()


async def _reassess(
    tx: Writer, pool: str, enrolment_id: UUID, held: Mapping[UUID, Sequence[Held]], now: datetime
) -> Enrolled | Refused:
    rows = await revision_store.lock_standing(tx, pool, list(held), date.min)
    row = next((row for row in rows if row["enrolment_id"] == enrolment_id), None)
    if row is None:
        raise ENROLMENT_STATE(state=EnrolmentState.WITHDRAWN)
    if row["state"] != EnrolmentState.ENROLLED:
        raise ENROLMENT_STATE(state=row["state"])
    package = governing(await versions_of(tx, pool, row["scheme"]), None)
    today, statuses = business_day(now), held[row["person_id"]]
    outcome = reassess(package, standing_of(row), statuses, assessed_for=row["assessed_for"], today=today)
    if isinstance(outcome, Refused):
        return outcome
    # From here it must succeed.
    if outcome:
        await change(tx, pool, [Change(row, package, outcome, today)], now)
    in_force = await store.find_in_force(tx, pool, enrolment_id)
    return Enrolled(enrolment_id, in_force)


class _OvertakenError(Exception):
    """Status news or a correction came between question and enrolment; nothing was written."""


async def _judge(service: Registration, package: Package, once: Once, asked: EnrolmentRequest, today: date) -> Judged:
    day = status_day(package, asked.enrolment, today)
    key = _upstream_key(once)
    [found] = await identify(service, package, [_applicant(asked)], today=today, status_day=day, key=key)
    if isinstance(found, Unidentified):
        faults = [FieldError(pointer=_pointer(code), code=code, detail=detail) for code, detail in found.faults]
        raise PERSON_REFUSED(errors=faults, count=len(faults))
    return found


async def _made(tx: Reader, pool: str, outcome: Enrolled | Refused) -> dict[str, Any]:
    if isinstance(outcome, Refused):
        reasons = [asdict(reason) for reason in outcome.reasons]
        return {"outcome": "refused", "enrolment": None, "assessment": None, "reasons": reasons}
    enrolment = await store.find_enrolment(tx, pool, outcome.enrolment_id)
    assessment = await store.find_assessment(tx, pool, outcome.assessment_id)
    assert enrolment is not None
    assert assessment is not None
    return {
        "outcome": "enrolled",
        "enrolment": dict(enrolment),
        "assessment": assessment_body(assessment),
        "reasons": [],
    }


def _applicant(asked: EnrolmentRequest) -> Applicant:
    person = asked.person
    return Applicant(
        row=0,
        name=person.name,
        number=person.document.number,
        hukou=person.hukou,
        residence=person.residence,
        kind=asked.enrolment,
        household_no=person.household_no or "",
        documents=None if asked.documents is None else frozenset(asked.documents),
        residence_permit=person.residence_permit or False,
        former_scheme=person.former_scheme,
        missed_years=person.missed_years or 0,
        repaired_years=person.repaired_years or 0,
        hukou_kind=person.hukou_kind,
        child_hukou_here=person.child_hukou_here,
        pension_elsewhere=person.pension_elsewhere,
        document_kind=person.document.type,
        birth_date=person.document.birth_date,
        sex=person.document.sex,
        newborn_number=person.newborn_number,
    )


def _upstream_key(once: Once) -> str:
    # Eligibility sees one client, us: the key tells our clients, their keys and their bodies apart.
    parts = f"{once.client_id}\n{once.key}\n{once.request_hash.hex()}"
    return f"enrolment-{hashlib.sha256(parts.encode()).hexdigest()}"


def _pointer(code: str) -> str:
    return _FIELDS.get(code.split("_", maxsplit=1)[0], "/person")
