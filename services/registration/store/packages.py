"""SQL about packages. `package_version` is a small reference table: a scheme's code alone finds its pool."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.database import Reader, Row, Writer

from ..tables import package_version

_SHOWN = (
    "pool, scheme, version, state, benefit_year, content, drafted_by, drafted_at, validated_by, validated_at, answers,"
    " corrects, correction_reason, counts_from, published_by, published_at, replaced_by, replaced_at, withdrawn_by,"
    " withdrawn_at, withdrawn_reason"
)


async def find_version(tx: Reader, scheme: str, version: str) -> Row | None:
    """One version of a scheme, whatever its state."""
    return await tx.row(
        f"select {_SHOWN} from package_version where scheme = :scheme and version = :version",
        scheme=scheme,
        version=version,
    )


async def find_source(tx: Reader, scheme: str, version: str) -> Row | None:
    """The pool of a version, and its bytes as they came."""
    return await tx.row(
        "select pool, source from package_version where scheme = :scheme and version = :version",
        scheme=scheme,
        version=version,
    )


async def lock_versions(tx: Writer, scheme: str) -> Sequence[Row]:
    """Every version of a scheme, the rows locked until the transaction ends: what moves one may move another.

    Whoever freezes assessments by one of them does not wait, unless they hold it in force.
    """
    pools = await tx.rows(
        "select distinct pool from package_version where scheme = :scheme order by pool", scheme=scheme
    )
    found: list[Row] = []
    for row in pools:
        found += await tx.rows(
            f"select {_SHOWN} from package_version where pool = :pool and scheme = :scheme "
            "order by version for no key update",
            pool=row["pool"],
            scheme=scheme,
        )
    return found


async def insert_draft(tx: Writer, row: Mapping[str, Any]) -> None:
    """A new draft. A version that is there already stays as it is, but one that was withdrawn is a draft again."""
    written = ("state", "source", "drafted_by", "drafted_at")
    blank = ("validated_by", "validated_at", "answers", "corrects", "correction_reason", "counts_from")
    gone = ("withdrawn_by", "withdrawn_at", "withdrawn_reason")
    anew = [*(f"{name} = excluded.{name}" for name in written), *(f"{name} = null" for name in (*blank, *gone))]
    tail = f"on conflict (pool, scheme, version) do update set {', '.join(anew)}"
    await tx.insert(package_version, [row], tail=f"{tail} where package_version.state = 'withdrawn'")


async def find_conflict(tx: Reader, pool: str, scheme: str, benefit_year: int) -> Row | None:
    """A package that makes this one impossible: the scheme in another pool, or another scheme of the pool's year."""
    return await tx.row(
        "select pool, scheme, benefit_year from package_version where state <> 'withdrawn'"
        " and ((scheme = :scheme and (pool <> :pool or benefit_year <> :benefit_year))"
        " or (pool = :pool and benefit_year = :benefit_year and scheme <> :scheme)) limit 1",
        pool=pool,
        scheme=scheme,
        benefit_year=benefit_year,
    )


async def set_validated(tx: Writer, pool: str, scheme: str, version: str, told: Mapping[str, Any]) -> None:
    """Keep who validated a locked version and when, the answers to its warnings, and what it corrects and why."""
    await tx.execute(
        "update package_version set state = 'validated', validated_by = :validated_by, validated_at = :validated_at,"
        " answers = :answers, corrects = :corrects, correction_reason = :correction_reason, counts_from = :counts_from"
        " where pool = :pool and scheme = :scheme and version = :version and state in ('draft', 'validated')",
        pool=pool,
        scheme=scheme,
        version=version,
        **told,
    )


async def publish(tx: Writer, pool: str, scheme: str, version: str, by: str, at: datetime) -> None:
    """Publish a locked version, in place of the one in force; from now on its content never changes."""
    named = {"pool": pool, "scheme": scheme, "version": version, "at": at}
    await tx.execute(
        "update package_version set state = 'replaced', replaced_by = :version, replaced_at = :at"
        " where pool = :pool and scheme = :scheme and state = 'published'",
        **named,
    )
    await tx.execute(
        "update package_version set state = 'published', published_by = :by, published_at = :at"
        " where pool = :pool and scheme = :scheme and version = :version and state = 'validated'",
        by=by,
        **named,
    )


async def withdraw(tx: Writer, pool: str, scheme: str, version: str, *, by: str, at: datetime, reason: str) -> None:
    """Withdraw a locked version that was never published."""
    await tx.execute(
        "update package_version set state = 'withdrawn', withdrawn_by = :by, withdrawn_at = :at,"
        " withdrawn_reason = :reason"
        " where pool = :pool and scheme = :scheme and version = :version and state in ('draft', 'validated')",
        pool=pool,
        scheme=scheme,
        version=version,
        by=by,
        at=at,
        reason=reason,
    )


async def hold_in_force(tx: Writer, pool: str, scheme: str, version: str) -> bool:
    """Whether a version is in force, and kept so until the transaction ends: its correction waits for it."""
    held = await tx.row(
        "select version from package_version where pool = :pool and scheme = :scheme and version = :version"
        " and state = 'published' for share",
        pool=pool,
        scheme=scheme,
        version=version,
    )
    return held is not None


async def find_in_force(tx: Reader, scheme: str) -> Row | None:
    """The version of a scheme that is in force."""
    return await tx.row(
        f"select {_SHOWN} from package_version where scheme = :scheme and state = 'published'", scheme=scheme
    )


async def list_in_force(tx: Reader, *, after: str, limit: int) -> Sequence[Row]:
    """Of every scheme the version in force, by scheme; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_SHOWN} from package_version where state = 'published' and scheme > :after"
        " order by scheme limit :limit",
        after=after,
        limit=limit + 1,
    )


async def list_versions(tx: Reader, scheme: str, *, after: str, limit: int) -> Sequence[Row]:
    """Every version of a scheme in the order in which they were drafted; `limit` + 1 rows."""
    return await tx.rows(
        f"select {_SHOWN} from package_version where scheme = :scheme and (:after = '' or (drafted_at, version) >"
        " (select drafted_at, version from package_version where scheme = :scheme and version = :after))"
        " order by drafted_at, version limit :limit",
        scheme=scheme,
        after=after,
        limit=limit + 1,
    )


async def list_published(tx: Reader, pool: str, scheme: str) -> Sequence[Row]:
    """What was ever in force of a scheme, the newest first: version, content, and the day from which it counts."""
    return await tx.rows(
        "select version, content, counts_from from package_version"
        " where pool = :pool and scheme = :scheme and state in ('published', 'replaced')"
        " order by replaced_at desc nulls first, version",
        pool=pool,
        scheme=scheme,
    )


async def list_pools(tx: Reader) -> list[str]:
    """Every pooling area that has a package."""
    return [row["pool"] for row in await tx.rows("select distinct pool from package_version order by pool")]
