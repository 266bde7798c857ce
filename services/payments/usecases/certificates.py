"""The tax bureau's certificates (完税证明): their numbers are copied from paper or screen, never minted by us."""

import re
from typing import Any
from uuid import UUID

from shared.database import Writer
from shared.idempotency import Answer, Once
from shared.ids import new_id
from shared.tokens import Caller

from .. import schemas
from ..schemas import receipt_problems
from ..schemas import receipts as wire
from ..store import certificates as store
from ..store import refunds as collection_store
from .suite import Payments


async def record_certificate(
    service: Payments, caller: Caller, once: Once, collection_id: UUID, order: wire.CertificateOrder
) -> Answer:
    """Keep the number of the certificate for a payment. One recorded later takes its place; both stay.

    Raises Problem CERTIFICATE_MALFORMED, COLLECTION_UNKNOWN, AREA_FORBIDDEN.
    """
    settings = service.settings.receipts
    forms = ((order.certificate_no, settings.certificate_pattern), (order.ticket_no, settings.ticket_pattern))
    for value, pattern in forms:
        if value is not None and not re.fullmatch(pattern, value):
            raise receipt_problems.CERTIFICATE_MALFORMED(value=value, pattern=pattern)

    async def work(tx: Writer) -> Answer:
        collection = await collection_store.find_collection(tx, order.pool, collection_id)
        if collection is None:
            raise schemas.COLLECTION_UNKNOWN(collection_id=collection_id)
        caller.require_region(collection["region"])
        # From here it must succeed.
        row = {
            **order.model_dump(),
            "certificate_id": new_id(),
            "collection_id": collection_id,
            "recorded_by": caller.subject,
            "recorded_at": service.clock.now(),
        }
        await store.insert_certificate(tx, row)
        return Answer(201, wire.Certificate.model_validate(row).model_dump(mode="json"))

    return await once.run(service.database, order.pool, work)


async def list_certificates(service: Payments, caller: Caller, pool: str, collection_id: UUID) -> dict[str, Any]:
    """The certificates of a payment. Raises Problem COLLECTION_UNKNOWN, AREA_FORBIDDEN."""
    async with service.database.reading() as tx:
        collection = await collection_store.find_collection(tx, pool, collection_id)
        rows = await store.certificates_of(tx, pool, [collection_id])
    if collection is None:
        raise schemas.COLLECTION_UNKNOWN(collection_id=collection_id)
    caller.require_region(collection["region"])
    return {"items": rows}
