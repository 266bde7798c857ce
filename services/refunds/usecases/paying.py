"""Paying back: the intent is stored, then payments is asked with no transaction open, then the outcome is recorded.

    tx 1   lock, refuse or record the intent: state `paying`, a new refund_id
    call   POST payments /v1/refunds, its idempotency key the refund_id: asked ten times, it pays once
    tx 2   paid → `paid`, refund.closed · refused → `approved` again, with what was said · unknown → stays `paying`
           in the hands of a channel → stays `paying`, until payments tells its end

Whoever dies in between leaves an application that is `paying`. It is brought to its end by the client's retry, by the
news `refund.settled`, or by `ask_again`, whichever comes first; the two others find nothing left to do.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.clock import wall_now
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.tokens import Caller

from .. import rules, schemas, store
from ..clients import PayoutRefused
from .reading import shown
from .returning import return_payout
from .settling import settle
from .suite import Refunds
from .taking import take

_INTENDED = 202
"""The status that a key holds from tx 1 until the money is there or was refused.

A request made of two transactions cannot be answered in the first, and a key without an answer would be `in use` for
ever if its process died. So the key remembers the intent as its answer for the time being: a retry that finds it goes
on with that intent instead of making another. It is sent only where a channel has the payout in hand.
"""


async def pay(
    service: Refunds, caller: Caller, once: Once, application_id: UUID, version: int, order: schemas.Payout
) -> Answer:
    """Pay an approved application back, at an open shift of the caller or through the channel of the money.

    Raises Problem APPLICATION_UNKNOWN, WRONG_STATE, FOUR_EYES, VERSION_DIFFERS, AREA_FORBIDDEN; PAYOUT_REFUSED (as an
    answer) where payments refuses; UPSTREAM_UNAVAILABLE where the outcome is not known.
    """

    async def intend(tx: Writer) -> Answer:
        row, state = await take(tx, caller, order.pool, application_id, version, rules.Step.PAY, rules.Act.PAY)
        # From here it must succeed.
        refund_id = new_id()
        await store.record_payout(
            tx,
            {
                "pool": order.pool,
                "application_id": row["application_id"],
                "state": state,
                "refund_id": refund_id,
                "shift_id": order.shift_id,
                "method": order.method,
                "by": caller.subject,
                "wall": wall_now(),
            },
        )
        return Answer(_INTENDED, {"refund_id": str(refund_id)})

    intended = await once.run(service.database, order.pool, intend)
    if intended.status != _INTENDED:
        return intended
    refund_id = UUID(intended.body["refund_id"])
    async with service.database.reading() as tx:
        row = await store.find_application(tx, order.pool, application_id)
    assert row is not None
    if row["state"] == rules.State.PAYING and row["refund_id"] == refund_id:
        row = await _ask(service, row)
    answer = _answer(row, refund_id)
    async with service.database.writing() as tx:
        await once.remember(tx, order.pool, answer)
    return answer


async def ask_again(service: Refunds) -> bool:
    """Ask payments for one payout whose outcome has been open for too long; whether one was brought to its end.

    The lease keeps workers from asking for the same thing at once; that would be waste, not harm. It is by wall time.
    Raises Problem UPSTREAM_UNAVAILABLE; the payout then waits for its next turn behind the others.
    """
    now = wall_now()
    before = now - timedelta(seconds=service.settings.ask_again_seconds)
    async with service.database.reading() as reader:
        pool = await store.pool_with_open_payout(reader, before)
    if pool is None:
        return False
    async with service.database.writing() as tx:
        row = await store.lease_payout(tx, pool, before, now)
    if row is None:
        return False
    await _ask(service, row)
    return True


async def _ask(service: Refunds, row: Row) -> Row:
    """Have an application that is `paying` paid out, and record the outcome; the row as it stands then."""
    pool, application_id, refund_id = row["pool"], row["application_id"], row["refund_id"]
    try:
        outcome = await service.payments.pay_out(row)
    except PayoutRefused as refusal:
        async with service.database.writing() as tx:
            now = service.clock.now()
            await return_payout(tx, pool, application_id, refund_id, refusal.code, refusal.detail, now)
            changed = await store.find_application(tx, pool, application_id)
    else:
        async with service.database.writing() as tx:
            if isinstance(outcome, rules.Settlement):
                await settle(tx, pool, [outcome])
            else:
                await store.record_progress(tx, pool, application_id, refund_id, outcome)
            changed = await store.find_application(tx, pool, application_id)
    assert changed is not None
    return changed


def _answer(row: Mapping[str, Any], refund_id: UUID) -> Answer:
    """What became of an intent. Its refund is the application's, or stands among those that were refused."""
    for refusal in row["payout_refusals"]:
        if refusal["refund_id"] == str(refund_id):
            problem = schemas.PAYOUT_REFUSED(code=refusal["code"], detail=refusal["detail"])
            return Answer(problem.kind.status, {language: problem.body(language) for language in ("zh", "en")})
    assert row["refund_id"] == refund_id
    return Answer(200 if row["state"] == rules.State.PAID else _INTENDED, shown(row))
