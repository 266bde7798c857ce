"""What payments tells: a paid bill makes its enrolment paid and starts cover, a reversed one makes it unpaid again."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.clock import business_day
from shared.database import Row, Writer
from shared.events import Event, waves
from shared.ids import new_id

from ..formats.facts import read_facts
from ..rules import CaseKind, EnrolmentKind, Package, cover_when_paid, split_by_year
from ..rules.states import ENROLMENT_TRANSITIONS, EnrolmentAct, EnrolmentState
from ..schemas.events import (
    ASSESSMENT_REINSTATED,
    BILL_PAID,
    BILL_REVERSED,
    COVER_STARTED,
    AssessmentReinstated,
    BillPaid,
    BillReversed,
    CoverStarted,
)
from ..store import covers as store
from ..store import revisions as revision_store
from .registration import package_of_version
from .revising import case_row, end_cover

_REVERSED = "bill_reversed"


class UnknownBillError(Exception):
    """Payments told of a bill that no enrolment answers to; the follower stops here until somebody looks."""


async def learn_payments(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Apply a batch of the payments feed, in the transaction that moves the cursor. Other events change nothing here.

    Raises UnknownBillError.
    """
    news = [event for event in events if event.type in (BILL_PAID, BILL_REVERSED)]
    for wave in waves(news, lambda event: event.data["person_id"]):
        await _learn_paid(tx, pool, [event for event in wave if event.type == BILL_PAID])
        await _learn_reversed(tx, pool, [event for event in wave if event.type == BILL_REVERSED])


async def _learn_paid(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Mark enrolments as paid; who was not paid before is covered, with one row per person and calendar year."""
    paid = [(event, BillPaid.model_validate(event.data)) for event in events]
    billed = await store.lock_billed(tx, pool, [bill.assessment_id for _, bill in paid])
    told = [(event, bill, billed.get(bill.assessment_id)) for event, bill in paid]
    _refuse_strange(pool, [bill.bill_no for _, bill, row in told if row is None or _paid_before(row)])
    # Money for a bill whose assessment was voided meanwhile: payments hears of that and owes it back.
    standing = [(event, bill, row) for event, bill, row in told if row is not None and _allows(row, EnrolmentAct.PAY)]
    await store.mark_paid(tx, pool, [_marks(bill, row) for _, bill, row in standing])
    await _reinstate(tx, pool, [(event, row) for event, _, row in standing if _overtaken(row)])
    fresh = [(event, bill, row) for event, bill, row in standing if row["state"] == EnrolmentState.ENROLLED]
    await _start_cover(tx, pool, fresh)


async def _learn_reversed(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Mark enrolments as unpaid again and end their cover."""
    news = [(event, BillReversed.model_validate(event.data)) for event in events]
    billed = await store.lock_billed(tx, pool, [bill.assessment_id for _, bill in news])
    told = [(event, bill, billed.get(bill.assessment_id)) for event, bill in news]
    _refuse_strange(pool, [bill.bill_no for _, bill, row in told if row is None or not _is_reversible(bill, row)])
    ending = [(event, row) for event, _, row in told if row is not None and _allows(row, EnrolmentAct.REVERSE)]
    await store.mark_unpaid(tx, pool, [row["enrolment_id"] for _, row in ending])
    for event, row in ending:
        await end_cover(tx, pool, [(row, _REVERSED)], event.occurred_at)


def _refuse_strange(pool: str, strange: Sequence[str]) -> None:
    if strange:
        raise UnknownBillError(f"bills that no enrolment in pool {pool} answers to: {list(strange)}")


def _paid_before(row: Row) -> bool:
    """Whether the enrolment is paid by this revision, or a later one, already: each is told as paid once."""
    return bool(row["state"] == EnrolmentState.PAID and row["billed_revision"] <= row["paid_revision"])


def _is_reversible(bill: BillReversed, row: Row) -> bool:
    reversible = _allows(row, EnrolmentAct.REVERSE) and row["bill_no"] == bill.bill_no
    return bool(row["state"] == EnrolmentState.WITHDRAWN or reversible)


def _allows(row: Row, act: EnrolmentAct) -> bool:
    return (EnrolmentState(row["state"]), act) in ENROLMENT_TRANSITIONS


def _overtaken(row: Row) -> bool:
    """Whether the person paid less before a revision upwards came: paid is paid, and what was paid is in force."""
    return bool(row["billed_revision"] < row["revision"] and row["in_force_fen"] > row["payable_fen"])


def _marks(bill: BillPaid, row: Row) -> Mapping[str, Any]:
    return {
        "enrolment_id": row["enrolment_id"],
        "bill_no": bill.bill_no,
        "amount_fen": bill.amount_fen,
        "paid_on": bill.paid_on,
        "paid_revision": row["billed_revision"],
        "revision": row["billed_revision"] if _overtaken(row) else row["revision"],
    }


async def _reinstate(tx: Writer, pool: str, overtaken: Sequence[tuple[Event, Row]]) -> None:
    """Tell that what was paid is in force, and keep that more was due; nothing is collected again."""
    rows = [
        case_row(
            row,
            CaseKind.WITHDRAWN_AFTER_PAYMENT,
            business_day(event.occurred_at),
            status=None,
            would_be_fen=row["in_force_fen"],
            rules=(),
            now=event.occurred_at,
        )
        for event, row in overtaken
    ]
    await revision_store.insert_cases(tx, rows)
    for event, row in overtaken:
        news = AssessmentReinstated(
            assessment_id=row["assessment_id"],
            enrolment_id=row["enrolment_id"],
            scheme=row["scheme"],
            pool=pool,
            person_id=row["person_id"],
            overtaken=row["in_force_id"],
        )
        data = news.model_dump(mode="json")
        tx.publish(pool, ASSESSMENT_REINSTATED, row["assessment_id"], 2, event.occurred_at, data)


async def _start_cover(tx: Writer, pool: str, paid: Sequence[tuple[Event, BillPaid, Row]]) -> None:
    """Start cover by the day of payment: late in the season it settles from when cover runs."""
    packages: dict[tuple[str, str], Package] = {}
    rows = []
    for event, bill, row in paid:
        which = (row["scheme"], row["package"])
        if which not in packages:
            packages[which] = await package_of_version(tx, *which)
        whole = cover_when_paid(packages[which], read_facts(row["facts"], EnrolmentKind(row["kind"])), bill.paid_on)
        for span in split_by_year(whole) if whole else ():
            cover = CoverStarted(
                cover_id=new_id(),
                person_id=row["person_id"],
                scheme=row["scheme"],
                year=span.starts_on.year,
                starts_on=span.starts_on,
                ends_on=span.ends_on,
            )
            rows.append(
                {
                    "pool": pool,
                    "cover_id": cover.cover_id,
                    "person_id": cover.person_id,
                    "year": cover.year,
                    "scheme": cover.scheme,
                    "enrolment_id": row["enrolment_id"],
                    "covered_from": cover.starts_on,
                    "covered_to": cover.ends_on,
                    "started_at": event.occurred_at,
                }
            )
            told = cover.model_dump(mode="json", by_alias=True)
            tx.publish(pool, COVER_STARTED, cover.cover_id, 1, event.occurred_at, told)
    await store.insert_covers(tx, rows)
