"""Our signature on messages to the tax bureau: RFC 9421 with Ed25519, the digest of the body by RFC 9530. No I/O."""

import base64
import hashlib
import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_CONTENT_TYPE = "application/json"


class RequestSigner:
    """Signs requests with one key."""

    def __init__(self, key_id: str, pem: bytes) -> None:
        """Raises ValueError where `pem` is no Ed25519 private key."""
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the key for the tax bureau is not an Ed25519 key")  # noqa: TRY004 -- a setting
        self._key_id, self._key = key_id, key

    def sign(self, method: str, address: str, body: bytes, created: int) -> dict[str, str]:
        """The headers of a request with that body to that address, signed at a second of wall time."""
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        covered = {
            "@method": method,
            "@target-uri": address,
            "content-type": _CONTENT_TYPE,
            "content-digest": digest,
        }
        names = " ".join(f'"{name}"' for name in covered)
        nonce = secrets.token_hex(16)
        parameters = f'({names});created={created};keyid="{self._key_id}";alg="ed25519";nonce="{nonce}"'
        lines = [*(f'"{name}": {value}' for name, value in covered.items()), f'"@signature-params": {parameters}']
        signature = base64.b64encode(self._key.sign("\n".join(lines).encode())).decode()
        return {
            "Content-Type": _CONTENT_TYPE,
            "Content-Digest": digest,
            "Signature-Input": f"sig1={parameters}",
            "Signature": f"sig1=:{signature}:",
        }
