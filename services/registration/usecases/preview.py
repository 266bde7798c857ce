"""The preview of an assessment: the rules that assess for real, over what the caller states. It stores nothing."""

from typing import Any

from shared.clock import business_day
from shared.codes import RefusalCode

from ..rules import Accepted, Facts, GivenStatus, Reason, Refused, assess
from ..schemas.preview import PreviewRequest
from .registration import Registration, package_in_force


async def preview(service: Registration, asked: PreviewRequest) -> dict[str, Any]:
    """What would this person pay, who pays the rest, from when are they covered, and why?"""
    async with service.database.reading() as tx:
        package = await package_in_force(tx, asked.scheme)
    if package is None:
        unknown = Reason(RefusalCode.UNKNOWN_SCHEME, f"没有已发布的方案 {asked.scheme}", ())
        return _answer(asked.scheme, None, Refused((unknown,)))
    return _answer(asked.scheme, package.version, assess(package, _facts(asked)))


def _facts(asked: PreviewRequest) -> Facts:
    person = asked.person
    return Facts(
        birth_date=person.birth_date,
        hukou=person.hukou,
        hukou_since=person.hukou_since,
        residence=person.residence,
        enrolment=asked.enrolment,
        registered_on=business_day(asked.registered_at),
        paid_on=business_day(asked.paid_at) if asked.paid_at else None,
        statuses=tuple(GivenStatus(held.code, held.grade, held.identified_on) for held in asked.statuses or ()),
        documents=None if asked.documents is None else frozenset(asked.documents),
    )


def _answer(scheme: str, version: str | None, verdict: Accepted | Refused) -> dict[str, Any]:
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
