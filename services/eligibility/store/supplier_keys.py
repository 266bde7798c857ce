"""Keys of departments' own systems, and the nonces that they have used."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.database import Reader, Row, Writer

from ..tables import supplier_key

_KEY = "key_id, supplier, public_key, added_by, added_at, revoked_by, revoked_at"
_MOST_FORGOTTEN = 1000


async def insert_key(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Record a key, unless there is one of that id; whether it was recorded."""
    return bool(await tx.insert(supplier_key, [row], tail="on conflict do nothing returning key_id"))


async def keys_of(tx: Reader, pool: str, supplier: str) -> Sequence[Row]:
    """All keys of a supplier, in the order in which they came."""
    return await tx.rows(
        f"select {_KEY} from supplier_key where pool = :pool and supplier = :supplier order by added_at, key_id",
        pool=pool,
        supplier=supplier,
    )


async def revoke_key(tx: Writer, pool: str, supplier: str, key_id: str, by: str, at: datetime) -> None:
    """A key is valid no longer."""
    await tx.execute(
        "update supplier_key set revoked_by = :by, revoked_at = :at "
        "where pool = :pool and supplier = :supplier and key_id = :key_id and revoked_at is null",
        pool=pool,
        supplier=supplier,
        key_id=key_id,
        by=by,
        at=at,
    )


async def use_nonce(tx: Writer, pool: str, key_id: str, nonce: str, expires_at: datetime) -> bool:
    """Take a nonce; False where it was taken before."""
    return bool(
        await tx.execute(
            "insert into supplier_nonce (pool, key_id, nonce, expires_at) "
            "values (:pool, :key_id, :nonce, :expires_at) on conflict do nothing",
            pool=pool,
            key_id=key_id,
            nonce=nonce,
            expires_at=expires_at,
        )
    )


async def forget_nonces(tx: Writer, before: datetime) -> int:
    """Delete some nonces that expired before an instant; how many."""
    return await tx.execute(
        "delete from supplier_nonce where (pool, key_id, nonce) in (select pool, key_id, nonce from supplier_nonce "
        "where expires_at < :before order by expires_at limit :most)",
        before=before,
        most=_MOST_FORGOTTEN,
    )
