"""Units: villages, schools and institutions that gather rosters."""

from typing import Any

from shared.database import Writer
from shared.idempotency import Answer, Once
from shared.pages import page
from shared.regions import in_pool
from shared.tokens import Caller

from ..schemas.problems import REGION_OUTSIDE_POOL, UNIT_EXISTS
from ..schemas.rosters import UnitOut, UnitRequest
from ..store import units as store
from .registration import Registration


async def make_unit(service: Registration, caller: Caller, once: Once, wanted: UnitRequest) -> Answer:
    """Make a unit; the same unit again is answered as it stands.

    Raises Problem AREA_FORBIDDEN, REGION_OUTSIDE_POOL, UNIT_EXISTS where its code belongs to another.
    """
    caller.require_region(wanted.region)
    if not in_pool(wanted.region, wanted.pool):
        raise REGION_OUTSIDE_POOL(region=wanted.region, pool=wanted.pool)
    made = {**wanted.model_dump(), "made_at": service.clock.now()}

    async def insert(tx: Writer) -> Answer:
        if await store.insert_unit(tx, made):
            return Answer(201, UnitOut.body_of(made))
        standing = await store.find_unit(tx, wanted.pool, wanted.unit_code)
        assert standing is not None
        if any(standing[name] != value for name, value in wanted.model_dump().items()):
            raise UNIT_EXISTS(unit_code=wanted.unit_code)
        return Answer(200, UnitOut.body_of(standing))

    return await once.run(service.database, wanted.pool, insert)


async def list_units(service: Registration, caller: Caller, pool: str, after: str, limit: int) -> dict[str, Any]:
    """The units inside the caller's area, by code. Raises Problem AREA_FORBIDDEN."""
    caller.require_touch(pool)
    async with service.database.reading() as tx:
        rows = await store.list_units(tx, pool, caller.area, after=after, limit=limit)
    return page(rows, limit, lambda row: row["unit_code"])
