"""Standard Webhooks 1.0.0: what a receiver verifies is `{webhook-id}.{webhook-timestamp}.{body}`.

`v1` is an HMAC-SHA256 under the endpoint's own secret (`whsec_` and 24 to 64 bytes in base64). `v1a` is an Ed25519
signature of the service for receivers that would rather hold a public key (`whpk_`). Several signatures stand in one
header while a secret is changed, and a receiver takes any of them.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

SECRET_PREFIX = "whsec_"  # noqa: S105 -- what a secret begins with
PUBLIC_PREFIX = "whpk_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh secret of an endpoint."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


class SigningKey:
    """The service's own key, Ed25519, for signatures of version `v1a`."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public = PUBLIC_PREFIX + base64.b64encode(public).decode()

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read the key. Raises ValueError where it is no Ed25519 private key in PEM."""
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the signing key of webhooks must be an Ed25519 private key")  # noqa: TRY004 -- of a setting
        return cls(key)

    def sign(self, signed: bytes) -> str:
        """The signature as it stands in the header."""
        return "v1a," + base64.b64encode(self._key.sign(signed)).decode()


def headers(
    message_id: str, timestamp: int, body: bytes, endpoint_secrets: Sequence[str], key: SigningKey | None = None
) -> dict[str, str]:
    """The three headers of a message; `timestamp` in seconds since 1970."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    signatures = [_mac(secret, signed) for secret in endpoint_secrets]
    if key:
        signatures.append(key.sign(signed))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _mac(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
