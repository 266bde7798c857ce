"""SQL about units."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.database import Reader, Writer

from ..tables import unit

_SHOWN = "pool, unit_code, name, kind, region, made_at"


async def find_unit(tx: Reader, pool: str, unit_code: str) -> Mapping[str, Any] | None:
    """One unit."""
    return await tx.row(
        f"select {_SHOWN} from unit where pool = :pool and unit_code = :unit_code", pool=pool, unit_code=unit_code
    )


async def insert_unit(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Make a unit; whether its code was free."""
    tail = "on conflict (pool, unit_code) do nothing returning unit_code"
    return bool(await tx.insert(unit, [row], tail=tail))


async def list_units(tx: Reader, pool: str, area: str, *, after: str, limit: int) -> Sequence[Mapping[str, Any]]:
    """Units of the pool inside an area, by code; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_SHOWN} from unit where pool = :pool and unit_code > :after and starts_with(region, :area)"
        " order by unit_code limit :limit",
        pool=pool,
        area=area,
        after=after,
        limit=limit + 1,
    )
