"""News from payments: money that is due back opens an application by itself, money that has gone back closes one.

A payout that its channel has not carried out brings its application back to `approved`; one that the channel could not
bring home waits for a person (`rerouting.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.clock import business_day
from shared.database import Writer
from shared.events import Event
from shared.ids import new_id

from .. import rules, schemas, store
from .returning import return_payout
from .settling import settle

_FAILED = "refund_failed"
"""The code under which a refund that its channel did not carry out stands among the payouts that were refused."""


async def learn_payments(tx: Writer, pool: str, events: Sequence[Event]) -> None:
    """Open an application for each surplus unless one stands for it already; then close, return and mark payouts.

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
    for event in events:
        if event.type in ("refund.returned", "refund.abnormal"):
            trouble = schemas.RefundTrouble.model_validate(event.data, extra="ignore")
            await _learn_trouble(tx, pool, event.type, trouble, event.occurred_at)


async def _learn_trouble(tx: Writer, pool: str, kind: str, news: schemas.RefundTrouble, at: datetime) -> None:
    if kind == "refund.abnormal":
        await store.record_progress(tx, pool, news.application_id, news.refund_id, rules.PayoutState.ABNORMAL)
    else:
        await return_payout(tx, pool, news.application_id, news.refund_id, _FAILED, news.detail or "", at)


def _found(pool: str, event: Event) -> dict[str, Any]:
    news = schemas.CollectionSurplus.model_validate(event.data, extra="ignore")
    ground = rules.ground_of(news.reason, news.because)
    return {
        "pool": pool,
        "application_id": new_id(),
        "scheme": news.scheme,
        "collection_id": news.collection_id,
        "bill_no": news.bill_no,
        "person_id": news.person_id,
        "region": news.region,
        "ground": ground,
        "cause": news.cause,
        "late": news.late,
        "state": rules.TRANSITIONS[None, rules.Act.REQUEST],
        "amount_fen": news.amount_fen,
        "applicant_name": news.payer_name,
        "applicant_id": news.payer_id,
        "explanation": _EXPLAINED.get(ground, _VOIDED).format(bill_no=news.bill_no),
        "reasons": [],
        # Dated by its payment, whenever it was found (A004-12); a change of the assessment by the list it rests on.
        "requested_on": news.found_on or business_day(news.paid_at),
        "requested_at": event.occurred_at,
        "requested_by": rules.SYSTEM,
        "payout_refusals": [],
        "version": 1,
    }


_EXPLAINED: Mapping[str, str] = {
    rules.Ground.PAID_TWICE: "系统发现应缴单 {bill_no} 重复缴费",
    rules.Ground.STATUS_RECOGNISED: "缴费后列入救助花名，应缴单 {bill_no} 的核定已变更，退还差额",
    rules.Ground.JOINED_EMPLOYEE: "参保年度开始前已参加职工医保，应缴单 {bill_no} 已作废",
    rules.Ground.DECEASED: "参保年度开始前死亡，应缴单 {bill_no} 已作废",
}
_VOIDED = "应缴单 {bill_no} 的核定已作废"
