"""Event ids of the tax bureau that came with another content: refused, shown, and explained by somebody."""

from typing import Any

from shared.database import Writer
from shared.idempotency import Answer, Once
from shared.pages import page
from shared.tokens import Caller

from ..schemas import tax_office as wire
from ..store import tax as store
from .suite import Payments


async def list_tax_conflicts(
    service: Payments, caller: Caller, pool: str, *, after: str, limit: int, explained: bool | None
) -> dict[str, Any]:
    """Conflicts of a pool's money by event id. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        rows = await store.list_conflicts(tx, pool, after=after, limit=limit, explained=explained)
    items = [wire.TaxConflict.model_validate(row, extra="ignore").model_dump(mode="json") for row in rows]
    return page(items, limit, lambda row: row["event_id"])


async def explain_tax_conflict(
    service: Payments, caller: Caller, once: Once, event_id: str, order: wire.TaxConflictExplanation
) -> Answer:
    """Explain what came under an event id. Raises Problem AREA_FORBIDDEN, CONFLICT_UNKNOWN."""
    caller.require_pool(order.pool)

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        if not await store.explain_conflict(tx, order.pool, event_id, caller.subject, now, order.note):
            raise wire.CONFLICT_UNKNOWN(event_id=event_id)
        detail = {"event_id": event_id, "note": order.note}
        tx.audit(order.pool, "tax_conflict.explained", caller.client_id, caller.subject, now, [], detail)
        rows = await store.list_conflicts(tx, order.pool, after="", limit=1, explained=True, event_id=event_id)
        return Answer(200, wire.TaxConflict.model_validate(rows[0], extra="ignore").model_dump(mode="json"))

    return await once.run(service.database, order.pool, work)
