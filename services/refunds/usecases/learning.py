"""News from payments: money that came twice opens an application by itself, money that has gone back closes one."""

from collections.abc import Sequence
from typing import Any

from shared.clock import business_day
from shared.database import Writer
from shared.events import Event
from shared.ids import new_id

from .. import rules, schemas, store
from .settling import settle


async def learn_payments(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Open an application for each surplus unless one stands for it already, then close what was paid back.

    Nobody is asked here, for a transaction is open: whether the scheme lets this money go back is looked at by the
    check, which no application skips.
    """
    await store.insert_applications(tx, [_found(pool, event) for event in events if event.type == "collection.surplus"])
    settled = [
        schemas.RefundSettled.model_validate(event.data, extra="ignore")
        for event in events
        if event.type == "refund.settled"
    ]
    await settle(tx, pool, [rules.Settlement(**news.model_dump()) for news in settled])


def _found(pool: str, event: Event) -> dict[str, Any]:
    news = schemas.CollectionSurplus.model_validate(event.data, extra="ignore")
    return {
        "pool": pool,
        "application_id": new_id(),
        "scheme": news.scheme,
        "collection_id": news.collection_id,
        "bill_no": news.bill_no,
        "person_id": news.person_id,
        "region": news.region,
        "ground": rules.Ground.PAID_TWICE,
        "state": rules.TRANSITIONS[None, rules.Act.REQUEST],
        "amount_fen": news.amount_fen,
        "applicant_name": news.payer_name,
        "applicant_id": news.payer_id,
        "explanation": f"系统发现应缴单 {news.bill_no} 重复缴费",
        "reasons": [],
        "requested_on": business_day(news.paid_at),  # dated by its payment, whenever it was found (A004-12)
        "requested_at": event.occurred_at,
        "requested_by": rules.SYSTEM,
        "payout_refusals": [],
        "version": 1,
    }
