"""SQL about packages. `package_version` is a small reference table: a scheme's code alone finds its pool."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.database import Reader, Writer

from ..tables import package_version

_SHOWN = "pool, scheme, version, state, benefit_year, content, drafted_by, drafted_at, published_by, published_at"


async def find_version(tx: Reader, scheme: str, version: str) -> Mapping[str, Any] | None:
    """One version of a scheme, draft or published."""
    return await tx.row(
        f"select {_SHOWN} from package_version where scheme = :scheme and version = :version",
        scheme=scheme,
        version=version,
    )


async def lock_version(tx: Writer, scheme: str, version: str) -> Mapping[str, Any] | None:
    """One version of a scheme, its row locked until the transaction ends."""
    return await tx.row(
        f"select {_SHOWN} from package_version where scheme = :scheme and version = :version for update",
        scheme=scheme,
        version=version,
    )


async def insert_draft(tx: Writer, row: Mapping[str, Any]) -> None:
    """A new draft, unless this version is there already."""
    await tx.insert(package_version, [row], tail="on conflict (pool, scheme, version) do nothing")


async def find_conflict(tx: Reader, pool: str, scheme: str, benefit_year: int) -> Mapping[str, Any] | None:
    """A package that makes this one impossible: the scheme in another pool, or another scheme of the pool's year."""
    return await tx.row(
        "select pool, scheme, benefit_year from package_version where (scheme = :scheme and pool <> :pool)"
        " or (pool = :pool and benefit_year = :benefit_year and scheme <> :scheme) limit 1",
        pool=pool,
        scheme=scheme,
        benefit_year=benefit_year,
    )


async def publish(tx: Writer, pool: str, scheme: str, version: str, by: str, at: datetime) -> None:
    """Publish a draft; from now on the row never changes."""
    await tx.execute(
        "update package_version set state = 'published', published_by = :by, published_at = :at"
        " where pool = :pool and scheme = :scheme and version = :version and state = 'draft'",
        pool=pool,
        scheme=scheme,
        version=version,
        by=by,
        at=at,
    )


async def find_in_force(tx: Reader, scheme: str) -> Mapping[str, Any] | None:
    """The version of a scheme that was published last."""
    return await tx.row(
        f"select {_SHOWN} from package_version where scheme = :scheme and state = 'published'"
        " order by published_at desc, version limit 1",
        scheme=scheme,
    )


async def list_in_force(tx: Reader, *, after: str, limit: int) -> Sequence[Mapping[str, Any]]:
    """Of every scheme the version that was published last, by scheme; `limit` + 1 rows."""
    return await tx.rows(
        f"select distinct on (scheme) {_SHOWN} from package_version where state = 'published' and scheme > :after"
        " order by scheme, published_at desc, version limit :limit",
        after=after,
        limit=limit + 1,
    )


async def list_pools(tx: Reader) -> list[str]:
    """Every pooling area that has a package."""
    return [row["pool"] for row in await tx.rows("select distinct pool from package_version order by pool")]
