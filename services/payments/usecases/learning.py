"""News from registration: each assessment becomes a bill."""

from collections.abc import Sequence
from typing import Any

from shared.clock import business_day
from shared.database import Writer
from shared.events import Event

from .. import rules, schemas
from ..store import bills as store
from ..store import settling as settling_store
from .posting import claim_transfers
from .settling import bill_paid


async def learn_assessments(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Make the bills of newly issued assessments. Where nothing is owed the bill is paid at once."""
    rows = [_bill(pool, event) for event in events if event.type == "assessment.issued"]
    stored = await store.insert_bills(tx, rows)
    free = [row for row in rows if row["assessment_id"] in stored and row["status"] == rules.BillStatus.PAID]
    await settling_store.insert_transfers(
        tx, [transfer for row in free for transfer in claim_transfers(row, row["assessment_id"], row["issued_at"])]
    )
    for row in free:
        tx.publish(
            pool, "bill.paid", row["bill_no"], row["version"], row["issued_at"], bill_paid(row, row["paid_on"], None)
        )


def _bill(pool: str, event: Event) -> dict[str, Any]:
    news = schemas.AssessmentIssued.model_validate(event.data)
    free = news.payable_fen == 0
    return {
        "pool": pool,
        "bill_no": rules.bill_number(pool, str(news.assessment_id)),
        "assessment_id": news.assessment_id,
        "scheme": news.scheme,
        "person_id": news.person_id,
        "unit_code": news.unit_code,
        "region": news.region,
        "standard_fen": news.standard_fen,
        "amount_fen": news.payable_fen,
        "lines": news.lines,
        "window": news.window,
        "status": rules.BillStatus.PAID if free else rules.BillStatus.OPEN,
        "issued_at": event.occurred_at,
        "paid_on": business_day(event.occurred_at) if free else None,
        "version": 1,
    }
