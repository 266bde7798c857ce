"""Queries: the applications of an area, one of them, and what became of all."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.pages import page
from shared.tokens import Caller

from .. import schemas, store
from .suite import Refunds


async def list_applications(
    service: Refunds,
    caller: Caller,
    pool: str,
    *,
    after: UUID | None,
    limit: int,
    state: str | None,
    scheme: str | None,
    person_id: UUID | None,
) -> dict[str, Any]:
    """Applications inside the caller's area, in the order they were recorded. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_applications(
            tx, pool, caller.area, after=after, limit=limit, state=state, scheme=scheme, person_id=person_id
        )
    return page(rows, limit, lambda row: row["application_id"])


async def read_application(service: Refunds, caller: Caller, pool: str, application_id: UUID) -> dict[str, Any]:
    """One application. Raises Problem APPLICATION_UNKNOWN, AREA_FORBIDDEN."""
    return shown(await find(service, caller, pool, application_id))


async def summarise(service: Refunds, caller: Caller, pool: str, scheme: str) -> dict[str, Any]:
    """What became of a scheme's applications. Raises Problem AREA_FORBIDDEN."""
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return dict(await store.summarise(tx, pool, scheme))


async def find(service: Refunds, caller: Caller, pool: str, application_id: UUID) -> Mapping[str, Any]:
    """The row of an application inside the caller's area. Raises Problem APPLICATION_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        row = await store.find_application(tx, pool, application_id)
    if row is None:
        raise schemas.APPLICATION_UNKNOWN(application_id=application_id)
    caller.require_region(row["region"])
    return row


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """An application as the wire shows it."""
    return schemas.Application.model_validate(dict(row)).model_dump(mode="json")
