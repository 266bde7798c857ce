"""Lists that departments' own systems hand over, each request signed with a key of the department (RFC 9421)."""

import hashlib
from collections.abc import Sequence

from shared.clock import wall_now
from shared.database import Row, Writer
from shared.idempotency import Answer, Once
from shared.signatures import NONCE_KEPT, BadSignature, Rfc9421, Signed, SignedHead
from shared.signed_requests import SIGNATURE_INVALID
from shared.tokens import Caller

from .. import schemas
from ..rules import Supplier
from ..store import supplier_keys as store
from ..store import suppliers as supplier_store
from .suite import Eligibility

VALID_KEYS = 2
"""Keys of a supplier that are valid at a time: the one in use, and the one that takes its place."""


async def verify_upload(service: Eligibility, pool: str, supplier_code: str, head: SignedHead) -> tuple[Signed, bytes]:
    """Who signed an upload whose body has not been read, and the SHA-256 that the body must have. The nonce is used up.

    Raises Problem SIGNATURE_INVALID, NONCE_USED.
    """
    async with service.database.reading() as tx:
        keys = await store.keys_of(tx, pool, supplier_code)
    valid = {key["key_id"]: key["public_key"] for key in keys if key["revoked_at"] is None}
    try:
        signed, sha256 = Rfc9421(valid).verify_head(head, wall_now())
    except BadSignature as error:
        raise SIGNATURE_INVALID(reason=error) from error
    async with service.database.writing() as tx:
        if not await store.use_nonce(tx, pool, signed.key_id, signed.nonce, signed.created + NONCE_KEPT):
            raise schemas.NONCE_USED(nonce=signed.nonce)
    return signed, sha256


def signed_caller(pool: str, supplier_code: str, signed: Signed) -> tuple[Caller, Once]:
    """Who hands a list over by a signature: the supplier, by that key, for that pool; its nonce is the key."""
    scopes = frozenset({"eligibility:write"})
    caller = Caller(f"supplier:{supplier_code}", f"{supplier_code}/{signed.key_id}", scopes, pool, float("inf"))
    key = hashlib.sha256(f"{signed.key_id}\n{signed.nonce}".encode()).hexdigest()
    return caller, Once(caller.client_id, key, signed.content)


async def add_key(
    service: Eligibility, caller: Caller, once: Once, pool: str, supplier_code: str, wanted: schemas.SupplierKeyAdded
) -> Answer:
    """Record a key of a supplier; it may sign at once. Raises Problem SUPPLIER_UNKNOWN, KEY_ID_TAKEN, KEYS_ENOUGH."""
    _known(service, supplier_code)

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        await supplier_store.take_turn(tx, pool, supplier_code)
        valid = [key for key in await store.keys_of(tx, pool, supplier_code) if key["revoked_at"] is None]
        if len(valid) >= VALID_KEYS:
            raise schemas.KEYS_ENOUGH(keys="、".join(key["key_id"] for key in valid))
        row = {
            "pool": pool,
            "key_id": wanted.key_id,
            "supplier": supplier_code,
            "public_key": wanted.public_key,
            "added_by": caller.subject,
            "added_at": now,
        }
        if not await store.insert_key(tx, row):
            raise schemas.KEY_ID_TAKEN(key_id=wanted.key_id)
        detail = {"supplier": supplier_code, "key_id": wanted.key_id}
        tx.audit(pool, "supplier.key_added", caller.client_id, caller.subject, now, [], detail)
        return _shown(await _key(tx, pool, supplier_code, wanted.key_id), 201)

    caller.require_pool(pool)
    return await once.run(service.database, pool, work)


async def list_keys(service: Eligibility, caller: Caller, pool: str, supplier_code: str) -> Sequence[Row]:
    """All keys of a supplier, revoked ones too. Raises Problem SUPPLIER_UNKNOWN."""
    _known(service, supplier_code)
    caller.require_pool(pool)
    async with service.database.reading() as tx:
        return await store.keys_of(tx, pool, supplier_code)


async def revoke_key(
    service: Eligibility, caller: Caller, once: Once, pool: str, supplier_code: str, key_id: str
) -> Answer:
    """A key may sign no longer; what it has signed stands. Raises Problem SUPPLIER_UNKNOWN, KEY_UNKNOWN."""
    _known(service, supplier_code)

    async def work(tx: Writer) -> Answer:
        now = service.clock.now()
        await supplier_store.take_turn(tx, pool, supplier_code)
        await _key(tx, pool, supplier_code, key_id)
        await store.revoke_key(tx, pool, supplier_code, key_id, caller.subject, now)
        detail = {"supplier": supplier_code, "key_id": key_id}
        tx.audit(pool, "supplier.key_revoked", caller.client_id, caller.subject, now, [], detail)
        return _shown(await _key(tx, pool, supplier_code, key_id))

    caller.require_pool(pool)
    return await once.run(service.database, pool, work)


async def forget_supplier_nonces(service: Eligibility) -> bool:
    """Delete nonces whose uploads are too old to be taken; whether there were any."""
    async with service.database.writing() as tx:
        return await store.forget_nonces(tx, wall_now()) > 0


async def _key(tx: Writer, pool: str, supplier_code: str, key_id: str) -> Row:
    for key in await store.keys_of(tx, pool, supplier_code):
        if key["key_id"] == key_id:
            return key
    raise schemas.KEY_UNKNOWN(key_id=key_id)


def _known(service: Eligibility, code: str) -> Supplier:
    supplier = service.suppliers.get(code)
    if supplier is None:
        raise schemas.SUPPLIER_UNKNOWN(supplier=code, known="、".join(service.suppliers))
    return supplier


def _shown(key: Row, status: int = 200) -> Answer:
    return Answer(status, schemas.SupplierKey.model_validate(key).model_dump(mode="json"))
