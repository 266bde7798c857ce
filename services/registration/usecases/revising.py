"""Changing what is due for somebody who is enrolled: a revision in place of an assessment, or a withdrawal.

Nothing is edited: a revision is an assessment of its own, and the one before stays as it was issued. The list of a
department and the decision of a person both end here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.codes import Payer, Status
from shared.database import Row, Writer
from shared.ids import new_id

from ..formats.facts import read_facts
from ..rules import Case, CaseKind, EnrolmentKind, Package, Revised, Span, Standing, Withdrawn, bill_window
from ..rules.states import CASE_TRANSITIONS, CaseAct
from ..schemas import events
from ..store import covers as cover_store
from ..store import enrolments as enrolment_store
from ..store import revisions as store
from .assessing import Assessment, freeze, told


@dataclass(frozen=True, slots=True)
class Change:
    """What news change for an enrolment: its locked row, its package, the outcome, the day on which the list came."""

    row: Row
    package: Package
    outcome: Revised | Withdrawn | Case
    found_on: date


def standing_of(row: Row) -> Standing:
    """A locked enrolment as the rules see it."""
    return Standing(
        facts=read_facts(row["facts"], EnrolmentKind(row["kind"])),
        paid_on=row["paid_on"],
        cover=Span(row["covered_from"], row["covered_to"]) if row["covered_from"] else None,
        payable_fen=row["payable_fen"],
        lines=tuple(
            (Payer(payer), amount_fen, Status(status) if status else None) for payer, amount_fen, status in row["lines"]
        ),
    )


async def change(tx: Writer, pool: str, changes: Sequence[Change], now: datetime) -> None:
    """Issue revisions, withdraw enrolments and keep cases, in the caller's transaction."""
    if not changes:
        return
    await _revise(tx, pool, [(one, one.outcome) for one in changes if isinstance(one.outcome, Revised)], now)
    await _withdraw(tx, pool, [(one, one.outcome) for one in changes if isinstance(one.outcome, Withdrawn)], now)
    cases = [_case_row(one, one.outcome, now) for one in changes if isinstance(one.outcome, Case)]
    await store.insert_cases(tx, cases)


async def _revise(tx: Writer, pool: str, revised: Sequence[tuple[Change, Revised]], now: datetime) -> None:
    issued = [(one.package, _assessment(one, revision)) for one, revision in revised]
    await freeze(tx, issued, now)
    await store.set_revisions(tx, pool, [(made.enrolment_id, made.revision) for _, made in issued])
    for (one, _), (package, made) in zip(revised, issued, strict=True):
        news = events.AssessmentRevised(
            **told(package, made, now),
            revises=one.row["assessment_id"],
            revision=made.revision,
            reason=made.reason or "",
            found_on=one.found_on,
            difference_fen=made.verdict.payable_fen - one.row["payable_fen"],
        )
        data = news.model_dump(mode="json", by_alias=True)
        tx.publish(pool, events.ASSESSMENT_REVISED, made.assessment_id, 1, now, data)


async def _withdraw(tx: Writer, pool: str, withdrawn: Sequence[tuple[Change, Withdrawn]], now: datetime) -> None:
    await store.withdraw(tx, pool, [(one.row["enrolment_id"], why.status) for one, why in withdrawn], now)
    await enrolment_store.insert_refusals(tx, [_refusal_row(one, why, now) for one, why in withdrawn])
    for one, why in withdrawn:
        row = one.row
        news = events.AssessmentVoided(
            assessment_id=row["assessment_id"],
            enrolment_id=row["enrolment_id"],
            scheme=row["scheme"],
            pool=pool,
            person_id=row["person_id"],
            reason=why.status,
            found_on=one.found_on,
            voided_at=now,
        )
        tx.publish(pool, events.ASSESSMENT_VOIDED, row["assessment_id"], 2, now, news.model_dump(mode="json"))
    await end_cover(tx, pool, [(one.row, why.status) for one, why in withdrawn], now)


async def end_cover(tx: Writer, pool: str, ending: Sequence[tuple[Row, str]], now: datetime) -> None:
    """End and tell the running cover of locked enrolments, each for its reason."""
    ended = await cover_store.end_covers(
        tx, pool, [row["enrolment_id"] for row, _ in ending], now, [reason for _, reason in ending]
    )
    for cover in ended:
        news = events.CoverEnded(
            cover_id=cover["cover_id"],
            person_id=cover["person_id"],
            scheme=cover["scheme"],
            year=cover["year"],
            starts_on=cover["covered_from"],
            ends_on=cover["covered_to"],
            reason=cover["end_reason"],
        )
        data = news.model_dump(mode="json", by_alias=True)
        tx.publish(pool, events.COVER_ENDED, cover["cover_id"], 2, now, data)


def _assessment(one: Change, revised: Revised) -> Assessment:
    row = one.row
    facts = read_facts(row["facts"], EnrolmentKind(row["kind"]))
    return Assessment(
        assessment_id=new_id(),
        enrolment_id=row["enrolment_id"],
        person_id=row["person_id"],
        unit_code=row["unit_code"],
        region=row["region"],
        assessed_for=revised.assessed_for,
        verdict=revised.verdict,
        window=bill_window(one.package, facts.paid(row["paid_on"] or revised.assessed_for)),
        revision=row["last_revision"] + 1,
        revises=row["assessment_id"],
        reason=revised.reason,
    )


def _refusal_row(one: Change, why: Withdrawn, now: datetime) -> dict[str, Any]:
    return {
        "pool": one.row["pool"],
        "scheme": one.row["scheme"],
        "person_id": one.row["person_id"],
        "code": why.refused_as,
        "unit_code": one.row["unit_code"],
        "refused_at": now,
    }


def _case_row(one: Change, case: Case, now: datetime) -> dict[str, Any]:
    would = case.would
    if isinstance(would, Withdrawn):
        status: str | None = would.status
        would_be_fen, rules = 0, would.rules
    else:
        helping = [line.status for line in would.verdict.lines if line.status]
        status, would_be_fen, rules = next(iter(helping), None), would.verdict.payable_fen, would.verdict.rules
    return case_row(one.row, case.kind, one.found_on, status=status, would_be_fen=would_be_fen, rules=rules, now=now)


def case_row(
    row: Row,
    kind: CaseKind,
    found_on: date,
    *,
    status: str | None,
    would_be_fen: int,
    rules: Sequence[str],
    now: datetime,
) -> dict[str, Any]:
    """A case about an assessment in force; one that asks nothing of anybody is noted, others are open."""
    return {
        "pool": row["pool"],
        "case_id": new_id(),
        "scheme": row["scheme"],
        "person_id": row["person_id"],
        "enrolment_id": row["enrolment_id"],
        "assessment_id": row["assessment_id"],
        "kind": kind,
        "state": CASE_TRANSITIONS[None, CaseAct.NOTE if kind.is_noted else CaseAct.OPEN],
        "found_on": found_on,
        "status": status,
        "payable_fen": row["payable_fen"],
        "would_be_fen": would_be_fen,
        "rules": list(rules),
        "opened_at": now,
        "version": 1,
    }
