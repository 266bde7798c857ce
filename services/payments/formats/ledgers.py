"""What an agent's device hashes and signs (S004-25), byte for byte.

The content of a line is JSON in UTF-8 with its keys in order and without blanks between; what is null is left out, and
instants are in UTC with whole seconds (`2021-12-05T02:00:00Z`); pool and ledger stand in it, the signatures do not. Its
SHA-256 in hex is the line's hash. An Ed25519 signature of a registered device is made over five lines of text, joined
by line feeds: `canbao-ledger-signature`, the role (`payer`, `agent`, `head`), the signer, the instant of signing, the
hash. So a payer's signature cannot stand for the agent's, nor one line's for another.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_UNSIGNED = frozenset({"payer_signature", "agent_signature"})


def line_hash(pool: str, ledger_id: UUID, line: Mapping[str, Any]) -> str:
    """The hash of what a line says. Its signatures are left out, pool and ledger come in."""
    content = {name: _plain(value) for name, value in line.items() if name not in _UNSIGNED and value is not None}
    text = json.dumps(
        {**content, "pool": pool, "ledger_id": str(ledger_id)},
        ensure_ascii=False,
        separators=(",", ":"),
        sort_keys=True,
    )
    return hashlib.sha256(text.encode()).hexdigest()


def ledger_hash(lines: Sequence[tuple[int, str]]) -> str:
    """The hash of a whole ledger: over `line_no hash` of each line, by number, joined by line feeds."""
    return hashlib.sha256("\n".join(f"{line_no} {hash_}" for line_no, hash_ in lines).encode()).hexdigest()


def is_signed_by(keys: Sequence[str], signature: str, role: str, signer: str, signed_at: datetime, hash_: str) -> bool:
    """Whether one of the devices (public keys in base64) made this signature (base64)."""
    message = "\n".join(("canbao-ledger-signature", role, signer, _plain(signed_at), hash_)).encode()
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return any(_verifies(key, raw, message) for key in keys)


def is_public_key(text: str) -> bool:
    """Whether a text is an Ed25519 public key: 32 bytes in base64."""
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except (binascii.Error, ValueError):
        return False


def _verifies(key: str, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(key)).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value) if isinstance(value, UUID) else value
