"""Personal data at rest: AES-256-GCM under a named key, and a keyed hash (HMAC-SHA256) to look a number up.

Keys come as one secret setting, JSON, 32 bytes each in base64: `{"current": "k1", "keys": {"k1": "…"}, "lookup": "…"}`.
A sealed value names the key it was sealed with, so older keys stay readable while `current` moves on.
"""

import base64
import hashlib
import hmac
import json
import os
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class Sealer:
    """Seals and opens values; what was sealed in one `context` does not open in another."""

    def __init__(self, current: str, keys: dict[str, bytes], lookup: bytes) -> None:
        self.current = current
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._lookup = lookup

    @classmethod
    def from_setting(cls, setting: str) -> Self:
        """Read the secret setting. Raises ValueError where a key is missing or has the wrong length."""
        try:
            parts = json.loads(setting)
            keys = {key_id: base64.b64decode(key, validate=True) for key_id, key in parts["keys"].items()}
            lookup = base64.b64decode(parts["lookup"], validate=True)
            current = parts["current"]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError('sealing keys must be JSON {"current", "keys": {id: base64}, "lookup": base64}') from error
        if current not in keys or any(len(key) != 32 for key in [*keys.values(), lookup]):
            raise ValueError("sealing keys must be 32 bytes each, and `current` one of them")
        return cls(current, keys, lookup)

    def seal(self, value: str | bytes, context: str) -> bytes:
        """Encrypt under the current key."""
        plain = value.encode() if isinstance(value, str) else value
        nonce = os.urandom(_NONCE_BYTES)
        name = self.current.encode()
        return bytes([len(name)]) + name + nonce + self._ciphers[self.current].encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt. Raises KeyError for an unknown key, cryptography's InvalidTag for an altered value."""
        name_end = 1 + sealed[0]
        nonce_end = name_end + _NONCE_BYTES
        cipher = self._ciphers[sealed[1:name_end].decode(errors="replace")]
        return cipher.decrypt(sealed[name_end:nonce_end], sealed[nonce_end:], context.encode())

    def open_text(self, sealed: bytes, context: str) -> str:
        """Decrypt a text."""
        return self.open(sealed, context).decode()

    def lookup_hash(self, *parts: str) -> bytes:
        """The keyed hash under which a value is found without being readable."""
        return hmac.new(self._lookup, "\x1f".join(parts).encode(), hashlib.sha256).digest()
