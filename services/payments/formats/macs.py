"""Message authentication codes of partners, over raw bytes, in upper-case hex (protocols §2.3).

- `hmac`: an HMAC under a shared key.
- `suffix`: the digest of the message with the key behind it, as the treasury's front end makes it. It is weaker than an
  HMAC and is used only where a partner knows nothing else.
"""

import hmac
from collections.abc import Iterable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

_HASHES: dict[str, hashes.HashAlgorithm] = {"sm3": hashes.SM3(), "sha256": hashes.SHA256()}
_KINDS = ("hmac", "suffix")


class Mac:
    """The code that one partner and we put on messages, with SM3 or SHA-256 under a shared key."""

    def __init__(self, digest: str, key: bytes, kind: str = "hmac") -> None:
        """Raises ValueError for an unknown digest or kind, or a key under 16 bytes."""
        if kind not in _KINDS:
            raise ValueError(f"a MAC is {' or '.join(_KINDS)}, not {kind!r}")
        if digest not in _HASHES:
            raise ValueError(f"a MAC is made with {' or '.join(_HASHES)}, not with {digest!r}")
        if len(key) < 16:
            raise ValueError("the key of a MAC has 16 bytes at least")
        self._hash, self._key, self._kind = _HASHES[digest], key, kind

    def of(self, raw: bytes) -> str:
        """The code of a message."""
        made = HMAC(self._key, self._hash) if self._kind == "hmac" else hashes.Hash(self._hash)
        made.update(raw if self._kind == "hmac" else raw + self._key)
        return made.finalize().hex().upper()

    def of_lines(self, lines: Iterable[bytes]) -> str:
        """The code at the end of a text file: over the codes of its lines, blank ones left out, in their order."""
        return self.of("".join(self.of(line) for line in lines if line.strip()).encode())

    def matches_lines(self, lines: Iterable[bytes], given: str) -> bool:
        """Whether a text file ends with the right code."""
        return hmac.compare_digest(self.of_lines(lines), given.upper())

    def matches(self, raw: bytes, given: str) -> bool:
        """Whether a message carries the right code; takes the same time wherever the two differ."""
        return hmac.compare_digest(self.of(raw).encode(), given.strip().upper().encode())
