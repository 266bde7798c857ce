"""Personal data at rest: AES-256-GCM under a named key, and a keyed hash (HMAC-SHA256) to look a number up.

Keys come as one secret setting, JSON, 32 bytes each in base64: `{"current": "k1", "keys": {"k1": "…"}, "lookup": "…"}`.
A sealed value names the key it was sealed with, so older keys stay readable while `current` moves on. Look-up keys
move in the same way: `"lookup_current": "n2", "lookup_keys": {"n2": "…"}` stand beside `lookup`, the key without a
name; a hash under a key with a name begins with it. While several are known a number is looked up under each.

Keys stand in the order of their age. A last one that is not current yet is only announced: every process must know a
key before the first one writes with it. `shared/rotation` brings what was written before under the current keys.
"""

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}")
_UNNAMED = ""
_SHAPE = (
    'sealing keys must be JSON {"current", "keys": {id: base64}, "lookup": base64} '
    'or with "lookup_current", "lookup_keys": {id: base64}'
)


class Sealer:
    """Seals and opens values; what was sealed in one `context` does not open in another."""

    def __init__(
        self,
        current: str,
        keys: Mapping[str, bytes],
        lookup: bytes | None,
        *,
        lookup_current: str = _UNNAMED,
        lookup_keys: Mapping[str, bytes] | None = None,
    ) -> None:
        self.current = current
        self.lookup_current = lookup_current
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._lookups = {_UNNAMED: lookup} if lookup else {}
        self._lookups |= lookup_keys or {}

    @classmethod
    def from_setting(cls, setting: str) -> Self:
        """Read the secret setting. Raises ValueError where a key is missing or has the wrong length."""
        try:
            parts = json.loads(setting)
            current, keys = str(parts["current"]), _keys(parts["keys"])
            unnamed = base64.b64decode(parts["lookup"], validate=True) if "lookup" in parts else None
            lookup_keys = _keys(parts.get("lookup_keys", {}))
            lookup_current = str(parts.get("lookup_current", _UNNAMED))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(_SHAPE) from error
        given = [*keys.values(), *lookup_keys.values(), *([] if unnamed is None else [unnamed])]
        known_lookup = lookup_current in lookup_keys or (lookup_current == _UNNAMED and unnamed is not None)
        if current not in keys or not known_lookup or any(len(key) != _KEY_BYTES for key in given):
            raise ValueError("sealing keys must be 32 bytes each, `current` and `lookup_current` one of them")
        if not all(_NAME.fullmatch(name) for name in (*keys, *lookup_keys)):
            raise ValueError("sealing keys must be named by up to 32 letters, digits, dots, lines")
        return cls(current, keys, unnamed, lookup_current=lookup_current, lookup_keys=lookup_keys)

    @classmethod
    def of_one_key(cls, key: bytes) -> Self:
        """What seals under a key that is kept beside the values, itself sealed (an envelope): values name no key."""
        return cls(_UNNAMED, {_UNNAMED: key}, None)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys that open values, oldest first."""
        return tuple(self._ciphers)

    @property
    def lookup_names(self) -> tuple[str, ...]:
        """The look-up keys, oldest first; the one without a name is called ""."""
        return tuple(self._lookups)

    @property
    def announces(self) -> bool:
        """Whether a key newer than the current one is known, with which no process writes yet."""
        return self.names[-1] != self.current or self.lookup_names[-1] != self.lookup_current

    @property
    def only_one(self) -> bool:
        """Whether nothing can lie under another key than the current ones."""
        return len(self.names) == len(self.lookup_names) == 1

    def seal(self, value: str | bytes, context: str) -> bytes:
        """Encrypt under the current key."""
        plain = value.encode() if isinstance(value, str) else value
        nonce = os.urandom(_NONCE_BYTES)
        return _tag(self.current) + nonce + self._ciphers[self.current].encrypt(nonce, plain, context.encode())

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
        """The keyed hash under which a value is written, to be found without being readable."""
        return self._lookup_hash(self.lookup_current, parts)

    def lookup_hashes(self, *parts: str) -> tuple[bytes, ...]:
        """The keyed hashes under which a value may have been written, that of the current key first."""
        others = [name for name in self._lookups if name != self.lookup_current]
        return tuple(self._lookup_hash(name, parts) for name in (self.lookup_current, *others))

    def codes(self, *parts: str) -> tuple[bytes, ...]:
        """Keyed hashes that name no key: 32 bytes under the current look-up key, then under each other."""
        others = [name for name in self._lookups if name != self.lookup_current]
        return tuple(_hmac(self._lookups[name], parts) for name in (self.lookup_current, *others))

    def _lookup_hash(self, name: str, parts: tuple[str, ...]) -> bytes:
        found = _hmac(self._lookups[name], parts)
        return found if name == _UNNAMED else _tag(name) + found


def _keys(given: Mapping[str, str]) -> dict[str, bytes]:
    return {name: base64.b64decode(key, validate=True) for name, key in given.items()}


def _tag(name: str) -> bytes:
    return bytes([len(name)]) + name.encode()


def _hmac(key: bytes, parts: tuple[str, ...]) -> bytes:
    return hmac.new(key, "\x1f".join(parts).encode(), hashlib.sha256).digest()
