"""A department's own computer, which hands lists over without a person: each request is signed (RFC 9421, RFC 9530).

What is signed is written down here once more, from what services/eligibility says about it: a department shares no code
with the service either.
"""

import base64
import hashlib
import secrets
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class DepartmentSystem:
    """The system of one supplier with an Ed25519 key; made from a seed, so that a season can be repeated."""

    def __init__(self, supplier: str) -> None:
        self.key_id = f"{supplier}-2021"
        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"department {supplier}".encode()).digest())

    @property
    def public_key(self) -> str:
        """As it is recorded: PEM."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, address: str, body: bytes) -> dict[str, str]:
        """The headers of one request; whoever got no answer signs anew, because a nonce is good once."""
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        covered = {
            "@method": "POST",
            "@target-uri": address,
            "content-type": "application/octet-stream",
            "content-digest": f"sha-256=:{digest}:",
        }
        names = " ".join(f'"{name}"' for name in covered)
        told = f'created={int(time.time())};keyid="{self.key_id}";alg="ed25519";nonce="{secrets.token_hex(16)}"'
        signed = f"({names});{told}"
        lines = [*(f'"{name}": {value}' for name, value in covered.items()), f'"@signature-params": {signed}']
        signature = base64.b64encode(self._key.sign("\n".join(lines).encode())).decode()
        return {
            "Content-Type": covered["content-type"],
            "Content-Digest": covered["content-digest"],
            "Signature-Input": f"sig1={signed}",
            "Signature": f"sig1=:{signature}:",
        }
