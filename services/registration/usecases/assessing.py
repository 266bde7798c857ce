"""An assessment as it is frozen and told, whether a person enrols or news revise what was due."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from shared.database import Writer

from ..rules import Accepted, Line, Package, Span, Window
from ..schemas.fields import LineOut, SpanOut, WindowOut
from ..store import enrolments as store
from .registration import window_body


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is due for an enrolment by a verdict, payable in `window`; revision 1 is where the person enrolled."""

    assessment_id: UUID
    enrolment_id: UUID
    person_id: UUID
    unit_code: str
    region: str
    assessed_for: date
    verdict: Accepted
    window: Window
    revision: int = 1
    revises: UUID | None = None
    reason: str | None = None


async def freeze(tx: Writer, issued: Sequence[tuple[Package, Assessment]], at: datetime) -> None:
    """Store assessments and their lines; nothing of them ever changes."""
    rows = [_row(package, made, at) for package, made in issued]
    lines = [line for package, made in issued for line in _lines(package.pool, made)]
    await store.insert_assessments(tx, rows, lines)


def told(package: Package, made: Assessment, at: datetime) -> dict[str, Any]:
    """All that a bill needs, as assessment.issued and assessment.revised tell it."""
    verdict, cover = made.verdict, made.verdict.cover
    return {
        "assessment_id": made.assessment_id,
        "enrolment_id": made.enrolment_id,
        "scheme": package.scheme,
        "version": package.version,
        "pool": package.pool,
        "person_id": made.person_id,
        "unit_code": made.unit_code,
        "region": made.region,
        "standard_fen": verdict.standard_fen,
        "payable_fen": verdict.payable_fen,
        "lines": [_line_out(line) for line in verdict.lines],
        "window": _window_out(made.window),
        "cover": _span_out(cover) if cover else None,
        "issued_at": at,
    }


# A city has few lines, windows and spans, and each stands in thousands of assessments.
@lru_cache
def _line_out(line: Line) -> LineOut:
    return LineOut(payer=line.payer, amount_fen=line.amount_fen, status=line.status, rules=list(line.rules))


@lru_cache
def _window_out(window: Window) -> WindowOut:
    return WindowOut.model_validate(window_body(window))


@lru_cache
def _span_out(span: Span) -> SpanOut:
    return SpanOut(starts_on=span.starts_on, ends_on=span.ends_on)


def _row(package: Package, made: Assessment, at: datetime) -> dict[str, Any]:
    verdict = made.verdict
    return {
        "pool": package.pool,
        "assessment_id": made.assessment_id,
        "enrolment_id": made.enrolment_id,
        "scheme": package.scheme,
        "package": package.version,
        "person_id": made.person_id,
        "unit_code": made.unit_code,
        "assessed_for": made.assessed_for,
        "standard_fen": verdict.standard_fen,
        "payable_fen": verdict.payable_fen,
        "covered_from": verdict.cover.starts_on if verdict.cover else None,
        "covered_to": verdict.cover.ends_on if verdict.cover else None,
        "not_applied": [asdict(status) for status in verdict.not_applied],
        "rules": list(verdict.rules),
        "issued_at": at,
        "revision": made.revision,
        "revises": made.revises,
        "reason": made.reason,
    }


def _lines(pool: str, made: Assessment) -> list[dict[str, Any]]:
    return [
        {
            "pool": pool,
            "assessment_id": made.assessment_id,
            "line_no": number,
            "payer": line.payer,
            "amount_fen": line.amount_fen,
            "status": line.status,
            "rules": list(line.rules),
        }
        for number, line in enumerate(made.verdict.lines, start=1)
    ]
