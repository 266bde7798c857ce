"""Payment records: of a payer, whoever it was paid for (S004-27); of an insured person, through whatever channel, with
the treasury's state (S004-28)."""

from datetime import date
from typing import Any
from uuid import UUID

from shared.codes import Channel
from shared.database import Row
from shared.identity import mask_name
from shared.pages import page
from shared.tokens import Caller

from ..rules.treasury import Times
from ..store import records as store
from ..store import treasury as treasury_store
from .suite import Payments


async def list_records(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    payer_id: UUID | None = None,
    person_id: UUID | None = None,
    channel: Channel | None,
    after: UUID | None,
    limit: int,
) -> dict[str, Any]:
    """Payment records inside the caller's area, the latest first. That somebody asked is written down.

    Raises Problem AREA_FORBIDDEN.
    """
    caller.require_touch(pool)
    async with service.database.writing() as tx:
        rows = await store.list_records(
            tx, pool, caller.area, payer_id=payer_id, person_id=person_id, channel=channel, after=after, limit=limit
        )
        times = await treasury_store.times_of(tx, pool, [row["collection_id"] for row in rows[:limit]])
        who = {one for row in rows[:limit] for one in (row["payer_id"], row["person_id"]) if one}
        asked = [one for one in (payer_id, person_id) if one]
        detail = {"asked": [str(one) for one in asked], "records": min(len(rows), limit)}
        now = service.clock.now()
        tx.audit(pool, "payment.listed", caller.client_id, caller.subject, now, sorted({*who, *asked}), detail)
    full = caller.has("persons:full")
    return page([_shown(row, times.get(row["collection_id"]), full=full) for row in rows], limit, _key)


def _key(row: Any) -> object:
    return row["collection_id"]


def _shown(row: Row, times: Times | None, *, full: bool) -> dict[str, Any]:
    arrived, posted, remitted = (times.arrived_on, times.posted_on, times.remitted_on) if times else (None, None, None)
    return {
        **row,
        "payer_name": row["payer_name"] if full else mask_name(row["payer_name"]),
        "arrived_on": arrived,
        "posted_on": posted,
        "remitted_on": remitted,
        "voucher_no": times.voucher if times else None,
        "stage": "reversed" if row["reversed_at"] else _stage(arrived, posted, remitted),
    }


def _stage(arrived: date | None, posted: date | None, remitted: date | None) -> str:
    if remitted:
        return "remitted"
    if posted:
        return "posted"
    return "arrived" if arrived else "paid"
