"""SQL about the tax bureau's certificates."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import tax_certificate


async def insert_certificate(tx: Writer, row: Mapping[str, Any]) -> None:
    """Keep the number of a certificate; one that was copied wrong stays behind the right one."""
    await tx.insert(tax_certificate, [row])


async def certificates_of(tx: Reader, pool: str, collection_ids: Sequence[UUID]) -> Sequence[Row]:
    """The certificates of collections, the latest first."""
    return await tx.rows(
        "select pool, certificate_id, collection_id, certificate_no, ticket_no, filled_on, recorded_by, recorded_at "
        "from tax_certificate where pool = :pool and collection_id = any(cast(:ids as uuid[])) "
        "order by collection_id, certificate_id desc",
        pool=pool,
        ids=list(collection_ids),
    )
