"""Message authentication codes of partners: an HMAC over the raw bytes, in upper-case hex.

The treasury's front end appends `SM3(message ‖ key)` instead. A keyed suffix is weaker than an HMAC and is used only
where a partner knows nothing else; it would be one more entry of `_HASHES`' kind, not another way through the code.
"""

import hmac

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

_HASHES: dict[str, hashes.HashAlgorithm] = {"sm3": hashes.SM3(), "sha256": hashes.SHA256()}


class Mac:
    """The code that one partner and we put on messages: HMAC with SM3 or SHA-256 under a shared key."""

    def __init__(self, digest: str, key: bytes) -> None:
        """Raises ValueError for an unknown digest or a key under 16 bytes."""
        if digest not in _HASHES:
            raise ValueError(f"a MAC is made with {' or '.join(_HASHES)}, not with {digest!r}")
        if len(key) < 16:
            raise ValueError("the key of a MAC has 16 bytes at least")
        self._hash, self._key = _HASHES[digest], key

    def of(self, raw: bytes) -> str:
        """The code of a message."""
        made = HMAC(self._key, self._hash)
        made.update(raw)
        return made.finalize().hex().upper()

    def matches(self, raw: bytes, given: str) -> bool:
        """Whether a message carries the right code; takes the same time wherever the two differ."""
        return hmac.compare_digest(self.of(raw).encode(), given.strip().upper().encode())
