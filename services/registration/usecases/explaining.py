"""Why an assessment says what it says: the steps of the rules, each rule in the words of the notice."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.codes import Payer, Status
from shared.tokens import Caller

from ..formats.schema import package_schema
from ..rules import Accepted, Line, NotApplied, NotAppliedReason, Package, Span, Step, assess, explain, explain_issued
from ..schemas.preview import PreviewRequest
from ..schemas.problems import ASSESSMENT_UNKNOWN
from ..store import enrolments
from .preview import answer_body, facts_of, unknown_scheme
from .registration import Registration, package_in_force, package_of_version


async def explain_assessment(service: Registration, asked: PreviewRequest) -> dict[str, Any]:
    """The preview's answer with the steps that led to it; none where the scheme is unknown."""
    async with service.database.reading() as tx:
        package = await package_in_force(tx, asked.scheme)
    return explained(package, asked)


def explained(package: Package | None, asked: PreviewRequest) -> dict[str, Any]:
    """The answer by a package at hand, without a database."""
    if package is None:
        return {**answer_body(asked.scheme, None, unknown_scheme(asked.scheme)), "explanation": []}
    facts = facts_of(asked)
    verdict = assess(package, facts)
    steps = explain(package, facts, verdict)
    return {**answer_body(asked.scheme, package.version, verdict), "explanation": _told(package, steps)}


async def read_explanation(service: Registration, caller: Caller, pool: str, assessment_id: UUID) -> dict[str, Any]:
    """Why an issued assessment says what it says. Raises Problem ASSESSMENT_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.writing() as tx:
        found = await enrolments.find_assessment(tx, pool, assessment_id)
        if found is None:
            raise ASSESSMENT_UNKNOWN(assessment_id=assessment_id)
        caller.require_region(found["region"])
        package = await package_of_version(tx, found["scheme"], found["package"])
        now = service.clock.now()
        tx.audit(pool, "assessment.read", caller.client_id, caller.subject, now, [found["person_id"]], {})
    steps = explain_issued(package, _verdict(found))
    return {**found, "explanation": _told(package, steps)}


def package_language() -> dict[str, Any]:
    """The JSON Schema of package files."""
    return package_schema()


def _verdict(row: Mapping[str, Any]) -> Accepted:
    """What was decided, as it was frozen."""
    return Accepted(
        standard_fen=row["standard_fen"],
        payable_fen=row["payable_fen"],
        lines=tuple(
            Line(
                Payer(line["payer"]),
                line["amount_fen"],
                Status(line["status"]) if line["status"] else None,
                tuple(line["rules"]),
            )
            for line in row["lines"]
        ),
        cover=Span(row["covered_from"], row["covered_to"]) if row["covered_from"] else None,
        not_applied=tuple(
            NotApplied(Status(one["status"]), one["amount_fen"], NotAppliedReason(one["reason"]), tuple(one["rules"]))
            for one in row["not_applied"]
        ),
        rules=tuple(row["rules"]),
    )


def _told(package: Package, steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [
        {
            "subject": step.subject,
            "outcome": step.outcome,
            "zh": step.words.zh,
            "en": step.words.en,
            "status": step.status,
            "payer": step.payer,
            "amount_fen": step.amount_fen,
            "rules": [_quoted(package, rule) for rule in step.rules],
        }
        for step in steps
    ]


def _quoted(package: Package, rule: str) -> dict[str, Any]:
    said = package.sentences.get(rule)
    if said is None:
        return {"id": rule, "quote": None, "zh": None, "en": None}
    return {"id": rule, "quote": said.quote, "zh": said.zh, "en": said.en}
