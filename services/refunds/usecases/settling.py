"""Closing applications whose money has gone back. The answer of payments, its news and the recovery all come here."""

from collections.abc import Sequence

from shared.database import Row, Writer

from .. import rules, store
from .telling import tell_closed

UNMATCHED = "refund.unmatched"
"""The audit line of a payout that no application asked for; an invariant finds it."""


async def settle(tx: Writer, pool: str, settlements: Sequence[rules.Settlement]) -> None:
    """Close the applications that these payouts belong to, in the caller's transaction; one is a list of length one.

    What is closed already stays as it is. A payout that no application of ours asked for was made past this service;
    it changes nothing here and is never passed over in silence.
    """
    by_id = {settlement.application_id: settlement for settlement in settlements}
    locked = await store.lock_applications(tx, pool, list(by_id))
    closing = []
    for application_id, settlement in by_id.items():
        row = locked.get(application_id)
        if row is None or not _asked_for(row, settlement):
            _leave_mark(tx, pool, settlement)
        elif row["state"] == rules.State.PAYING:
            closing.append((application_id, settlement.settled_at))
    if not closing:
        return
    await store.mark_paid(tx, pool, closing, rules.TRANSITIONS[rules.State.PAYING, rules.Act.SETTLE])
    for row in (await store.lock_applications(tx, pool, [application_id for application_id, _ in closing])).values():
        tell_closed(tx, row)


def _asked_for(row: Row, settlement: rules.Settlement) -> bool:
    return (row["refund_id"], row["amount_fen"]) == (settlement.refund_id, settlement.amount_fen)


def _leave_mark(tx: Writer, pool: str, settlement: rules.Settlement) -> None:
    detail = {
        "refund_id": str(settlement.refund_id),
        "application_id": str(settlement.application_id),
        "amount_fen": settlement.amount_fen,
    }
    tx.audit(pool, UNMATCHED, "payments", "payments", settlement.settled_at, [], detail)
