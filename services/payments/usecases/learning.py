"""News from registration: each assessment becomes a bill, a revised one another, a voided one none."""

from collections.abc import Sequence

from shared.database import Writer
from shared.events import Event, waves

from .. import rules, schemas
from ..store import bills as store
from ..store import settling as settling_store
from .billing import bill_row
from .posting import claim_transfers
from .revising import revise_bills, void_bills
from .settling import bill_paid

ISSUED, REVISED, VOIDED = "assessment.issued", "assessment.revised", "assessment.voided"


async def learn_assessments(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Make, replace and void bills as registration tells. Where nothing is owed the bill is paid at once."""
    news = [event for event in events if event.type in (ISSUED, REVISED, VOIDED)]
    for wave in waves(news, lambda event: (event.data["scheme"], event.data["person_id"])):
        await _issue(tx, pool, [event for event in wave if event.type == ISSUED])
        await revise_bills(tx, pool, [event for event in wave if event.type == REVISED])
        await void_bills(tx, pool, [event for event in wave if event.type == VOIDED])


async def _issue(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    rows = []
    for event in events:
        news = schemas.AssessmentIssued.model_validate(event.data)
        rows.append(bill_row(pool, news, event.occurred_at, rules.first_status(news.payable_fen)))
    stored = await store.insert_bills(tx, rows)
    free = [row for row in rows if row["assessment_id"] in stored and row["status"] == rules.BillStatus.PAID]
    await settling_store.insert_transfers(
        tx, [transfer for row in free for transfer in claim_transfers(row, row["assessment_id"], row["issued_at"])]
    )
    for row in free:
        tx.publish(
            pool, "bill.paid", row["bill_no"], row["version"], row["issued_at"], bill_paid(row, row["paid_on"], None)
        )
