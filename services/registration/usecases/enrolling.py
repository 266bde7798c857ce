"""Enrolling: the one path by which a person joins a scheme, whether alone or on a roster.

    identify (eligibility, no transaction) → judge (rules) → enrol (one transaction, set-based)

`enrol` takes a list, and one person is a list of length one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from shared.codes import Document, RefusalCode, Status
from shared.database import Writer
from shared.events import hold_cursor, read_cursor
from shared.identity import mask_name
from shared.ids import new_id

from ..clients import Claim, KnownPerson, UnknownPerson
from ..formats.facts import write_facts
from ..rules import (
    Accepted,
    EnrolmentKind,
    Facts,
    GivenStatus,
    Package,
    Reason,
    Refused,
    assess,
    assessment_day,
    bill_window,
)
from ..rules.states import ENROLMENT_TRANSITIONS, EnrolmentAct
from ..schemas.events import ASSESSMENT_ISSUED, AssessmentIssued
from ..store import enrolments as store
from .assessing import Assessment, freeze, told
from .registration import Registration


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant(Claim):
    """One who asks to join, as eligibility is asked about them; `row` is the roster's, 0 for one who comes alone."""

    kind: EnrolmentKind
    household_no: str
    documents: frozenset[Document] | None = None
    residence_permit: bool = False
    former_scheme: Literal["urban", "nrcms"] | None = None
    missed_years: int = 0
    repaired_years: int = 0
    hukou_kind: Literal["urban", "rural"] | None = None
    child_hukou_here: bool | None = None
    pension_elsewhere: bool | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """An applicant whom the register knows, and what the rules say by the facts, for the day `facts.day`."""

    applicant: Applicant
    person_id: UUID
    facts: Facts
    verdict: Accepted | Refused


@dataclass(frozen=True, slots=True)
class Unidentified:
    """An applicant whom the register does not take."""

    applicant: Applicant
    faults: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What joining made."""

    enrolment_id: UUID
    assessment_id: UUID


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when applicants are enrolled, and by whom."""

    unit: Mapping[str, Any]
    roster_id: UUID | None
    now: datetime
    client_id: str
    actor: str


async def identify(
    service: Registration,
    package: Package,
    applicants: Sequence[Applicant],
    *,
    today: date,
    status_day: date,
    key: str,
) -> list[Judged | Unidentified]:
    """Ask eligibility who the applicants are and what they hold on `status_day`, and judge each.

    Each is judged for the first day on which they can pay.

    `key` makes a repetition with the same applicants safe. No transaction may be open. Raises UpstreamRefusal, Problem
    UPSTREAM_UNAVAILABLE.
    """
    people = await service.eligibility.resolve(package.pool, applicants, key=key)
    known = list(dict.fromkeys(person.person_id for person in people.values() if isinstance(person, KnownPerson)))
    statuses = await service.eligibility.statuses(package.pool, status_day, known)
    found: list[Judged | Unidentified] = []
    for applicant in applicants:
        person = people[applicant.row]
        if isinstance(person, UnknownPerson):
            found.append(Unidentified(applicant, person.faults))
        else:
            held = statuses.get(person.person_id, ())
            facts = _facts(package, applicant, person, held, today)
            found.append(Judged(applicant, person.person_id, facts, _judge(package, person, facts)))
    return found


async def followed_news(service: Registration, pool: str) -> int:
    """Up to which of eligibility's news this service has followed; read before `identify` asks."""
    async with service.database.reading() as tx:
        return await read_cursor(tx, pool, service.eligibility.upstream.name)


async def hold_news(service: Registration, tx: Writer, pool: str) -> int:
    """The same inside the transaction that enrols, kept from moving until it ends.

    Where it has moved, news may have been followed that `identify` did not know and that found nobody enrolled yet; the
    question is then put once more. News that come later find the enrolment.
    """
    return await hold_cursor(tx, pool, service.eligibility.upstream.name)


async def enrol(tx: Writer, package: Package, judged: Sequence[Judged], place: Place) -> list[Enrolled | Refused]:
    """Enrol whom the rules accept, record why the others are refused; an outcome for each, in order.

    A person once per scheme-year: whoever is enrolled already, earlier in the list or by another transaction at the
    same moment is refused `already_enrolled`, beside every other reason.
    """
    before = await store.enrolled_persons(tx, package.pool, package.scheme, [one.person_id for one in judged])
    asking: dict[UUID, Judged] = {}
    for one in judged:
        if one.person_id not in before and isinstance(one.verdict, Accepted):
            asking.setdefault(one.person_id, one)
    made = {person_id: Enrolled(new_id(), new_id()) for person_id in asking}
    # From here it must succeed.
    rows = [_enrolment_row(package, one, made[person_id], place) for person_id, one in asking.items()]
    joined = await store.insert_enrolments(tx, rows)
    await _issue(tx, package, [(one, made[one.person_id]) for one in asking.values() if one.person_id in joined], place)
    outcomes: list[Enrolled | Refused] = []
    for one in judged:
        if one.person_id in joined and asking[one.person_id] is one:
            outcomes.append(made[one.person_id])
        else:
            once = one.person_id in before or one.person_id in asking
            outcomes.append(_refusal(package, one.verdict, enrolled_before=once))
    await store.insert_refusals(tx, _refusal_rows(package, judged, outcomes, place))
    detail = {"scheme": package.scheme, "unit_code": place.unit["unit_code"], "roster_id": str(place.roster_id or "")}
    persons = [one.person_id for one in judged]
    tx.audit(package.pool, "person.registered", place.client_id, place.actor, place.now, persons, detail)
    return outcomes


def _facts(
    package: Package, applicant: Applicant, person: KnownPerson, statuses: tuple[GivenStatus, ...], today: date
) -> Facts:
    permit = any(status.code is Status.RESIDENCE_PERMIT for status in statuses)
    facts = Facts(
        birth_date=person.birth_date,
        # The register of public security goes before what a list says; where it is silent, the list counts.
        hukou=person.hukou or applicant.hukou,
        hukou_since=person.hukou_since,
        residence=applicant.residence,
        enrolment=applicant.kind,
        registered_on=today,
        paid_on=today,
        statuses=tuple(status for status in statuses if status.code is not Status.RESIDENCE_PERMIT),
        documents=applicant.documents,
        sex=person.sex,
        residence_permit=applicant.residence_permit or permit,
        former_scheme=applicant.former_scheme,
        missed_years=applicant.missed_years,
        repaired_years=applicant.repaired_years,
        hukou_kind=applicant.hukou_kind,
        child_hukou_here=applicant.child_hukou_here,
        pension_elsewhere=applicant.pension_elsewhere,
    )
    return facts.paid(assessment_day(package, facts, today))


def _judge(package: Package, person: KnownPerson, facts: Facts) -> Accepted | Refused:
    if person.deceased_on is not None and person.deceased_on <= facts.registered_on:
        # Nothing else is asked about the dead.
        detail = f"登记显示该人员已于{person.deceased_on}死亡"
        return Refused((Reason(RefusalCode.NOT_ELIGIBLE, detail, package.admission.rules),))
    return assess(package, facts)


def _refusal(package: Package, verdict: Accepted | Refused, *, enrolled_before: bool) -> Refused:
    reasons = verdict.reasons if isinstance(verdict, Refused) else ()
    if enrolled_before:
        text = f"该人员本年度已参保（{package.title}）"
        reasons = (Reason(RefusalCode.ALREADY_ENROLLED, text, package.admission.once_rules), *reasons)
    return Refused(reasons)


async def _issue(tx: Writer, package: Package, joined: Sequence[tuple[Judged, Enrolled]], place: Place) -> None:
    """Freeze the assessments of those who joined, and tell them."""
    issued = [(package, _assessment(package, one, made, place)) for one, made in joined]
    for (one, _), (_, made) in zip(joined, issued, strict=True):
        news = AssessmentIssued(**told(package, made, place.now), name_masked=mask_name(one.applicant.name))
        data = news.model_dump(mode="json", by_alias=True)
        tx.publish(package.pool, ASSESSMENT_ISSUED, made.assessment_id, 1, place.now, data)
    await freeze(tx, issued, place.now)


def _assessment(package: Package, one: Judged, made: Enrolled, place: Place) -> Assessment:
    assert isinstance(one.verdict, Accepted)
    return Assessment(
        assessment_id=made.assessment_id,
        enrolment_id=made.enrolment_id,
        person_id=one.person_id,
        unit_code=place.unit["unit_code"],
        region=place.unit["region"],
        assessed_for=one.facts.day,
        verdict=one.verdict,
        window=bill_window(package, one.facts),
    )


def _enrolment_row(package: Package, one: Judged, made: Enrolled, place: Place) -> dict[str, Any]:
    return {
        "pool": package.pool,
        "enrolment_id": made.enrolment_id,
        "scheme": package.scheme,
        "person_id": one.person_id,
        "kind": one.applicant.kind,
        "unit_code": place.unit["unit_code"],
        "household_no": one.applicant.household_no,
        "facts": write_facts(one.facts),
        "roster_id": place.roster_id,
        "state": ENROLMENT_TRANSITIONS[None, EnrolmentAct.ENROL],
        "enrolled_at": place.now,
        "revision": 1,
        "version": 1,
    }


def _refusal_rows(
    package: Package, judged: Sequence[Judged], outcomes: Sequence[Enrolled | Refused], place: Place
) -> list[dict[str, Any]]:
    return [
        {
            "pool": package.pool,
            "scheme": package.scheme,
            "person_id": one.person_id,
            "code": reason.code,
            "unit_code": place.unit["unit_code"],
            "refused_at": place.now,
        }
        for one, outcome in zip(judged, outcomes, strict=True)
        if isinstance(outcome, Refused)
        for reason in outcome.reasons
    ]
