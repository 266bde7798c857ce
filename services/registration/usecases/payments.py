"""What payments tells: a paid bill makes its enrolment paid and starts cover."""

from collections.abc import Sequence

from shared.database import Writer
from shared.events import Event
from shared.ids import new_id

from ..rules import Span, split_by_year
from ..schemas.events import BILL_PAID, COVER_STARTED, BillPaid, CoverStarted
from ..store import covers as store


class UnknownBillError(Exception):
    """Payments told of a bill that no unpaid enrolment answers to; the follower stops here until somebody looks."""


async def learn_payments(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Apply a batch of the payments feed, in the transaction that moves the cursor. Other events change nothing here.

    Cover has one row per person and calendar year. Raises UnknownBillError.
    """
    paid = [(event, BillPaid.model_validate(event.data)) for event in events if event.type == BILL_PAID]
    if not paid:
        return
    marked = await store.mark_paid(
        tx,
        pool,
        [bill.assessment_id for _, bill in paid],
        [bill.bill_no for _, bill in paid],
        [bill.amount_fen for _, bill in paid],
        [bill.paid_on for _, bill in paid],
    )
    enrolments = {row["assessment_id"]: row for row in marked}
    strange = [bill.bill_no for _, bill in paid if bill.assessment_id not in enrolments]
    if strange or len(marked) != len(paid):
        raise UnknownBillError(f"paid bills without an unpaid enrolment in pool {pool}: {strange}")
    rows = []
    for event, bill in paid:
        enrolment = enrolments[bill.assessment_id]
        for span in split_by_year(Span(enrolment["covered_from"], enrolment["covered_to"])):
            cover = CoverStarted(
                cover_id=new_id(),
                person_id=enrolment["person_id"],
                scheme=enrolment["scheme"],
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
                    "enrolment_id": enrolment["enrolment_id"],
                    "covered_from": cover.starts_on,
                    "covered_to": cover.ends_on,
                    "started_at": event.occurred_at,
                }
            )
            told = cover.model_dump(mode="json", by_alias=True)
            tx.publish(pool, COVER_STARTED, cover.cover_id, 1, event.occurred_at, told)
    await store.insert_covers(tx, rows)
