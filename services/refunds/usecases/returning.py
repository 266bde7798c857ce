"""A payout that was not carried out brings its application back to `approved`, and what was said is kept."""

from datetime import datetime
from uuid import UUID

from shared.database import Writer

from .. import rules, schemas, store


async def return_payout(
    tx: Writer, pool: str, application_id: UUID, refund_id: UUID, code: str, detail: str, at: datetime
) -> None:
    """Take the payout back, unless somebody else has done so: the same refund is returned once."""
    row = (await store.lock_applications(tx, pool, [application_id])).get(application_id)
    if row is None or row["state"] != rules.State.PAYING or row["refund_id"] != refund_id:
        return
    said = schemas.PayoutRefusal(refund_id=refund_id, code=code, detail=detail, paid_by=row["paid_by"], refused_at=at)
    await store.return_payout(
        tx,
        {
            "pool": pool,
            "application_id": application_id,
            "state": rules.TRANSITIONS[rules.State.PAYING, rules.Act.RETURN],
            "refusal": said.model_dump(mode="json"),
        },
    )
