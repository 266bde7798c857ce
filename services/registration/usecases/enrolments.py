"""Registering one person apart from a roster: latecomers, newborns, whoever comes to the agency (S004-02, S004-35)."""

import hashlib
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from typing import Any

from shared.clock import business_day
from shared.database import Reader, Writer
from shared.idempotency import Answer, Once
from shared.problem import BUSY, FieldError
from shared.tokens import Caller

from ..rules import Package, Refused, assessment_day
from ..schemas.enrolments import EnrolmentAnswer, EnrolmentRequest
from ..schemas.problems import PERSON_REFUSED
from ..store import enrolments as store
from .enrolling import Applicant, Enrolled, Judged, Place, Unidentified, enrol, followed_news, hold_news, identify
from .reading import assessment_body
from .registration import Registration, package_of_pool, unit_for

_TRIES = 5
_FIELDS = {"identity": "/person/document/number", "name": "/person/name", "region": "/person/hukou"}


async def enrol_one(service: Registration, caller: Caller, once: Once, asked: EnrolmentRequest) -> Answer:
    """Enrol one person, or record every reason why not.

    Raises Problem UNIT_UNKNOWN, AREA_FORBIDDEN, SCHEME_UNKNOWN, PERSON_REFUSED, UPSTREAM_UNAVAILABLE; BUSY where news
    about statuses kept coming in between.
    """
    async with service.database.reading() as tx:
        unit = await unit_for(tx, caller, asked.pool, asked.unit_code)
        package = await package_of_pool(tx, asked.pool, asked.scheme)
    now = service.clock.now()
    for _ in range(_TRIES):
        news = await followed_news(service, asked.pool)
        judged = await _judge(service, package, once, asked, business_day(now))

        async def register(tx: Writer, news: int = news, judged: Judged = judged) -> Answer:
            if await hold_news(service, tx, asked.pool) != news:
                raise _OvertakenError
            place = Place(unit, None, now, caller.client_id, caller.subject)
            [outcome] = await enrol(tx, package, [judged], place)
            made = await _made(tx, asked.pool, outcome)
            return Answer(201, EnrolmentAnswer.body_of({"person_id": judged.person_id, **made}))

        with suppress(_OvertakenError):
            return await once.run(service.database, asked.pool, register)
    raise BUSY()


class _OvertakenError(Exception):
    """Status news came between the question to eligibility and the enrolment; nothing was written."""


async def _judge(service: Registration, package: Package, once: Once, asked: EnrolmentRequest, today: date) -> Judged:
    day = assessment_day(package.window, asked.enrolment, today)
    key = _upstream_key(once)
    [found] = await identify(service, package, [_applicant(asked)], today=today, assessed_for=day, key=key)
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
    )


def _upstream_key(once: Once) -> str:
    # Eligibility sees one client, us: the key tells our clients, their keys and their bodies apart.
    parts = f"{once.client_id}\n{once.key}\n{once.request_hash.hex()}"
    return f"enrolment-{hashlib.sha256(parts.encode()).hexdigest()}"


def _pointer(code: str) -> str:
    return _FIELDS.get(code.split("_", maxsplit=1)[0], "/person")
