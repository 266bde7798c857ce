"""Queries: what is open, and the money that has come. Records for payers and persons are in `records.py`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from shared.database import Row
from shared.pages import page
from shared.tokens import Caller

from .. import schemas
from ..store import bills as bill_store
from ..store import refunds as store
from ..store.bills import BillsOf
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
    """Bills inside the caller's area, by number; what is asked about single persons at one moment is one query.

    Raises Problem AREA_FORBIDDEN.
    """
    caller.require_touch(pool)
    if person_id is not None:
        question = BillsOf(person_id, caller.area, status, scheme, after, limit)
        return await service.gatherer.submit("bills_of", pool, question, (), partial(_answer_bills, service, pool))
    async with service.database.reading() as tx:
        rows = await bill_store.list_bills(
            tx, pool, caller.area, after=after, limit=limit, status=status, scheme=scheme
        )
    return page(rows, limit, _bill_no)


async def _answer_bills(service: Payments, pool: str, questions: Sequence[BillsOf]) -> list[dict[str, Any]]:
    async with service.database.reading() as tx:
        answers = await bill_store.bills_of(tx, pool, questions)
    return [page(rows, one.limit, _bill_no) for one, rows in zip(questions, answers, strict=True)]


def _bill_no(row: Row) -> str:
    number: str = row["bill_no"]
    return number


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
