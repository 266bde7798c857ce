"""Departments: what each may assert, what was agreed with it, and whether it is late."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from shared.clock import business_day
from shared.database import Row
from shared.idempotency import Answer
from shared.tokens import Caller
from shared.versions import require_version

from .. import schemas
from ..rules import Schedule, Supplier, missing_parts
from ..store import feeds as feed_store
from ..store import suppliers as store
from .suite import Eligibility

_NOTHING_AGREED: Row = {
    "contact": None, "first_due_on": None, "every_months": None, "stale_after_days": None, "version": 1,
}  # fmt: skip
_NO_LIST: Row = {"last_list_day": None, "last_received_at": None}


async def list_suppliers(service: Eligibility, caller: Caller, pool: str) -> Sequence[dict[str, Any]]:
    """Every department, as it stands today."""
    return await _stand(service, caller, pool, list(service.suppliers.values()))


async def read_supplier(service: Eligibility, caller: Caller, pool: str, code: str) -> Answer:
    """One department, as it stands today. Raises Problem SUPPLIER_UNKNOWN."""
    [stands] = await _stand(service, caller, pool, [_known(service, code)])
    return Answer(200, schemas.Supplier.model_validate(stands).model_dump(mode="json"))


async def set_agreement(
    service: Eligibility, caller: Caller, pool: str, code: str, version: int, agreement: schemas.Agreement
) -> Answer:
    """Note what a pool has agreed with a department. Raises Problem SUPPLIER_UNKNOWN, VERSION_DIFFERS."""
    _known(service, code)
    caller.require_pool(pool)
    async with service.database.writing() as tx:
        before = await store.take_turn(tx, pool, code)
        require_version(before["version"], version)
        await store.set_agreement(tx, pool, code, **agreement.model_dump())
        detail = {"supplier": code, "agreement": agreement.model_dump(mode="json")}
        tx.audit(pool, "supplier.agreed", caller.client_id, caller.subject, service.clock.now(), [], detail)
    return await read_supplier(service, caller, pool, code)


async def _stand(
    service: Eligibility, caller: Caller, pool: str, suppliers: Sequence[Supplier]
) -> Sequence[dict[str, Any]]:
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        agreed, lists = await store.read_suppliers(tx, pool), await feed_store.latest_lists(tx, pool)
        wanting = await feed_store.wanting_lists(tx, pool)
    today = business_day(service.clock.now())
    return [_shown(one, agreed, lists, today) | {"wanting": _wanting(wanting.get(one.code, []))} for one in suppliers]


def _known(service: Eligibility, code: str) -> Supplier:
    supplier = service.suppliers.get(code)
    if supplier is None:
        raise schemas.SUPPLIER_UNKNOWN(supplier=code, known="、".join(service.suppliers))
    return supplier


def _wanting(lists: Sequence[Row]) -> list[dict[str, Any]]:
    return [{**one, "missing": missing_parts(one["parts"], one["here"])} for one in lists]


def _shown(supplier: Supplier, agreed: Mapping[str, Row], lists: Mapping[str, Row], today: date) -> dict[str, Any]:
    agreement = agreed.get(supplier.code, _NOTHING_AGREED)
    last = lists.get(supplier.code, _NO_LIST)
    schedule = Schedule(agreement["first_due_on"], agreement["every_months"], agreement["stale_after_days"])
    due = schedule.due(last["last_list_day"], today)
    return {
        **agreement,
        **last,
        "supplier": supplier.code,
        "name": supplier.name,
        "asserts": supplier.asserts,
        "tells_hukou": supplier.tells_hukou,
        "headings": supplier.required_headings,
        "words": list(supplier.words),
        "shrink_percent": supplier.shrink_percent,
        "next_due_on": due.next_due_on,
        "overdue": due.overdue,
        "stale": due.stale,
    }
