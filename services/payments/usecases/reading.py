"""Queries: what is open, and the money that has come. Records for payers and persons are in `records.py`."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.pages import page
from shared.tokens import Caller

from .. import schemas
from ..store import bills as bill_store
from ..store import refunds as store
from .suite import Payments


async def list_bills(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: str,
    limit: int,
    status: str | None,
    person_id: UUID | None,
    scheme: str | None,
) -> dict[str, Any]:
    """Bills inside the caller's area, by number. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await bill_store.list_bills(
            tx, pool, caller.area, after=after, limit=limit, status=status, person_id=person_id, scheme=scheme
        )
    return page(rows, limit, lambda row: row["bill_no"])


async def read_bill(service: Payments, caller: Caller, pool: str, bill_no: str) -> Mapping[str, Any]:
    """One bill. Raises Problem BILL_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        row = await bill_store.find_bill(tx, pool, bill_no)
    if row is None:
        raise schemas.BILL_UNKNOWN(bill_no=bill_no)
    caller.require_region(row["region"])
    return row


async def list_collections(
    service: Payments,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    person_id: UUID | None,
    payer_id: UUID | None,
    bill_no: str | None,
) -> dict[str, Any]:
    """Collections inside the caller's area, in the order they were booked. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_collections(
            tx, pool, caller.area, after=after, limit=limit, person_id=person_id, payer_id=payer_id, bill_no=bill_no
        )
    return page(rows, limit, lambda row: row["collection_id"])


async def read_collection(service: Payments, caller: Caller, pool: str, collection_id: UUID) -> Mapping[str, Any]:
    """One collection. Raises Problem COLLECTION_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        row = await store.find_collection(tx, pool, collection_id)
    if row is None:
        raise schemas.COLLECTION_UNKNOWN(collection_id=collection_id)
    caller.require_region(row["region"])
    return row
