"""Signatures of the tax bureau with SM2 and SM3 (`sm2-sm3`), over the same message as Ed25519's: RFC 9421. No I/O.

RFC 9421 has no such algorithm; the message is read as for those that it has (`shared/signatures.py`). What differs from
partner to partner stands in `Sm2Key`.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from gmssl_pyx import InvalidValueError, normalize_sm2_public_key, sm2_verify

from shared.signatures import BadSignature, Rfc9421, Signed, SignedRequest, check_digest, read_signature

ALGORITHM = "sm2-sm3"


@dataclass(frozen=True)
class Sm2Key:
    """A public key of the bureau, and how its side signs with it.

    `public_key`: hex, with or without 04 in front. `form`: DER, or r and s one behind the other. `text`: what stands
    between the colons is base64 of the signature's bytes, or of their hex letters. `with_z`: whether user id and key
    are hashed in front (GM/T 0009); without, SM3 of the message alone is signed.
    """

    public_key: str
    form: Literal["der", "raw"] = "der"
    text: Literal["base64", "hex"] = "base64"
    user_id: str = "1234567812345678"
    with_z: bool = True


class Rfc9421Sm2:
    """RFC 9421 with SM2 over `COVERED`, the digest (RFC 9530) compared with the body."""

    def __init__(self, keys: Mapping[str, Sm2Key]) -> None:
        """`keys`: key id → key. Raises ValueError for one that is no point of the curve."""
        self._keys = {key_id: (key, _point(key_id, key.public_key)) for key_id, key in keys.items()}

    def verify(self, request: SignedRequest, now: datetime) -> Signed:
        """Who signed the request; `now` is wall time. Raises BadSignature."""
        check_digest(request)
        claimed = read_signature(request, ALGORITHM, now)
        if claimed.key_id not in self._keys:
            raise BadSignature(f"the key {claimed.key_id[:60]!r} is not known")
        if not _holds(*self._keys[claimed.key_id], claimed.base, claimed.signature):
            raise BadSignature("the signature is not that of these bytes under the key")
        content = hashlib.sha256(f"{request.address}\n".encode() + request.body).digest()
        return Signed(claimed.key_id, claimed.nonce, claimed.created, content)


class ByKey:
    """Each key with its own profile: those of SM2 by that, all others by Ed25519."""

    def __init__(self, ed25519: Rfc9421, sm2: Mapping[str, Sm2Key]) -> None:
        """Raises ValueError for an SM2 key that is none."""
        self._ed25519, self._sm2, self._sm2_ids = ed25519, Rfc9421Sm2(sm2), frozenset(sm2)

    def verify(self, request: SignedRequest, now: datetime) -> Signed:
        """Who signed the request; `now` is wall time. Raises BadSignature."""
        named = {key_id for name, text in request.headers if name.lower() == "signature-input"
                 for key_id in re.findall(r';keyid="([^"\\]*)"', text)}  # fmt: skip
        return (self._sm2 if named & self._sm2_ids else self._ed25519).verify(request, now)


def _point(key_id: str, public_key: str) -> bytes:
    try:
        return bytes(normalize_sm2_public_key(public_key))
    except InvalidValueError as error:
        raise ValueError(f"the key {key_id} of the tax bureau is not an SM2 public key in hex") from error


def _holds(key: Sm2Key, point: bytes, base: bytes, signature: bytes) -> bool:
    try:
        der = _der(key, signature)
        return bool(sm2_verify(point, base, der, signer_id=key.user_id.encode() if key.with_z else None))
    except (ValueError, InvalidValueError):
        return False


def _der(key: Sm2Key, signature: bytes) -> bytes:
    """The signature as DER, one way of writing it only. Raises ValueError for what is none."""
    raw = bytes.fromhex(signature.decode("ascii")) if key.text == "hex" else signature
    if key.form == "raw":
        if len(raw) != 64:
            raise ValueError("r and s have 32 bytes each")
        return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    if encode_dss_signature(*decode_dss_signature(raw)) != raw:
        raise ValueError("the DER is not the shortest")
    return raw
