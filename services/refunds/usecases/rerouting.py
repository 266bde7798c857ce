"""Sending money another way: its channel could not bring it home (the card is closed), so a person decides.

    tx 1   lock, refuse or record who decided
    call   POST payments /v1/refunds/{refund_id}/give-up
    tx 2   the application is `approved` again, and can be paid at a counter by somebody else

Whoever dies in between is helped by a retry, or by the news `refund.returned`.
"""

from uuid import UUID

from shared.database import Writer
from shared.idempotency import Answer, Once
from shared.tokens import Caller

from .. import rules, schemas, store
from ..clients import PAID_OTHERWISE, PayoutRefused
from .reading import shown
from .returning import return_payout
from .suite import Refunds
from .taking import take

_INTENDED = 202
"""The status that a key holds between the transactions, as in `paying.py`."""

_GIVEN_UP = "refund_given_up"


async def reroute(
    service: Refunds, caller: Caller, once: Once, application_id: UUID, version: int, order: schemas.Rerouting
) -> Answer:
    """Give up a payout that is abnormal; its application goes back to `approved`.

    Raises Problem APPLICATION_UNKNOWN, WRONG_STATE, NOT_ABNORMAL, PAID_OTHERWISE, FOUR_EYES, VERSION_DIFFERS,
    AREA_FORBIDDEN, UPSTREAM_UNAVAILABLE.
    """

    async def intend(tx: Writer) -> Answer:
        step, act = rules.Step.REROUTE, rules.Act.RETURN
        row, _ = await take(tx, caller, order.pool, application_id, version, step, act)
        if row["payout_state"] != rules.PayoutState.ABNORMAL:
            raise schemas.NOT_ABNORMAL(payout_state=row["payout_state"] or "unknown")
        # From here it must succeed.
        await store.record_rerouting(tx, order.pool, application_id, caller.subject)
        return Answer(_INTENDED, {"refund_id": str(row["refund_id"])})

    intended = await once.run(service.database, order.pool, intend)
    if intended.status != _INTENDED:
        return intended
    refund_id = UUID(intended.body["refund_id"])
    async with service.database.reading() as reader:
        row = await store.find_application(reader, order.pool, application_id)
    assert row is not None
    if row["state"] == rules.State.PAYING and row["refund_id"] == refund_id:
        try:
            await service.payments.give_up(row, caller.subject, order.note)
        except PayoutRefused as refusal:
            if refusal.code == PAID_OTHERWISE:
                raise schemas.PAID_OTHERWISE(detail=refusal.detail) from refusal
            # The channel has brought it home after all, or payments has given it up: its news say which.
            raise schemas.NOT_ABNORMAL(payout_state=refusal.code) from refusal
    async with service.database.writing() as tx:
        now = service.clock.now()
        await return_payout(tx, order.pool, application_id, refund_id, _GIVEN_UP, order.note, now)
        changed = await store.find_application(tx, order.pool, application_id)
        assert changed is not None
        answer = Answer(200, shown(changed))
        await once.remember(tx, order.pool, answer)
    return answer
