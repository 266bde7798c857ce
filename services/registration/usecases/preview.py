"""The preview of an assessment: the rules that assess for real, over what the caller states. It stores nothing."""

from collections.abc import Mapping
from typing import Any

from shared.clock import business_day
from shared.codes import RefusalCode

from ..rules import Accepted, Facts, GivenStatus, Package, Reason, Refused, assess
from ..schemas.preview import PreviewAnswer, PreviewRequest
from .registration import Registration, package_in_force


async def preview_assessment(service: Registration, asked: PreviewRequest) -> dict[str, Any]:
    """What would this person pay, who pays the rest, from when are they covered, and why?"""
    async with service.database.reading() as tx:
        package = await package_in_force(tx, asked.scheme)
    return _preview(package, asked)


def preview(packages: Mapping[str, Package], body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to the body of a preview by packages at hand (scheme → package), without a database.

    Raises ValidationError for a malformed body, which the API answers with 422.
    """
    asked = PreviewRequest.model_validate(body)
    answer = PreviewAnswer.model_validate(_preview(packages.get(asked.scheme), asked), from_attributes=True)
    return answer.model_dump(mode="json", by_alias=True)


def _preview(package: Package | None, asked: PreviewRequest) -> dict[str, Any]:
    if package is None:
        return answer_body(asked.scheme, None, unknown_scheme(asked.scheme))
    return answer_body(asked.scheme, package.version, assess(package, facts_of(asked)))


def unknown_scheme(scheme: str) -> Refused:
    """The refusal of a scheme that is not published."""
    return Refused((Reason(RefusalCode.UNKNOWN_SCHEME, f"没有已发布的方案 {scheme}", ()),))


def facts_of(asked: PreviewRequest) -> Facts:
    """What the caller states."""
    person = asked.person
    return Facts(
        birth_date=person.birth_date,
        hukou=person.hukou,
        hukou_since=person.hukou_since,
        residence=person.residence,
        enrolment=asked.enrolment,
        registered_on=business_day(asked.registered_at),
        paid_on=business_day(asked.paid_at) if asked.paid_at else None,
        statuses=tuple(
            GivenStatus(held.code, held.grade, held.identified_on, held.school_region) for held in asked.statuses or ()
        ),
        documents=None if asked.documents is None else frozenset(asked.documents),
        sex=person.sex,
        residence_permit=person.residence_permit or False,
        former_scheme=person.former_scheme,
        missed_years=person.missed_years or 0,
        repaired_years=person.repaired_years or 0,
        hukou_kind=person.hukou_kind,
        child_hukou_here=person.child_hukou_here,
        pension_elsewhere=person.pension_elsewhere,
    )


def answer_body(scheme: str, version: str | None, verdict: Accepted | Refused) -> dict[str, Any]:
    """The verdict as it is answered; both kinds have the same keys."""
    if isinstance(verdict, Refused):
        return {
            "decision": "refused",
            "scheme": scheme,
            "version": version,
            "reasons": verdict.reasons,
            "standard_fen": None,
            "payable_fen": None,
            "lines": [],
            "cover": None,
            "not_applied": [],
            "rules": verdict.rules,
        }
    return {
        "decision": "accepted",
        "scheme": scheme,
        "version": version,
        "reasons": [],
        "standard_fen": verdict.standard_fen,
        "payable_fen": verdict.payable_fen,
        "lines": verdict.lines,
        "cover": verdict.cover,
        "not_applied": verdict.not_applied,
        "rules": verdict.rules,
    }
