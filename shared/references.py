"""Secrets by reference: a setting names where a secret lies, never the secret itself, and is read once at the start.

    file:out/keys/bank.key    the content of a file, without blanks around it
    env:BANK_KEY              the value of an environment variable

A hardware module or a vault is one more prefix here; nothing else has to change.
"""

import os
from pathlib import Path


class SecretMissing(ValueError):
    """A reference that leads nowhere; the message names the reference, not a secret."""


def load_secret(reference: str, *, binary: bool = False) -> bytes:
    """The secret behind a reference; `binary` bytes are left as they are. Raises SecretMissing."""
    kind, _, where = reference.partition(":")
    found = b""
    if kind == "file":
        try:
            found = Path(where).read_bytes()
            found = found if binary else found.strip()
        except OSError as error:
            raise SecretMissing(f"the secret {reference!r} cannot be read") from error
    elif kind == "env":
        found = os.environ.get(where, "").strip().encode()
    else:
        raise SecretMissing(f"a secret is named by file:… or env:…, not by {kind!r}")
    if not found:
        raise SecretMissing(f"the secret {reference!r} is empty")
    return found
