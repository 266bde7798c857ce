"""How the tax bureau's messages are signed; `SignatureProfile` is what the service knows of it. No I/O.

RFC 9421 with Ed25519 is the profile of the contract (`shared/signatures.py`), SM2 with SM3 stands in `tax_sm2`. Each
key has its profile.
"""

from datetime import datetime
from typing import Protocol

from shared.signatures import BadSignature, Rfc9421, Signed, SignedRequest

__all__ = ["BadSignature", "Rfc9421", "SignatureProfile", "Signed", "SignedRequest"]


class SignatureProfile(Protocol):
    """A way in which the bureau signs."""

    def verify(self, request: SignedRequest, now: datetime) -> Signed:
        """Who signed the request; `now` is wall time. Raises BadSignature."""
        ...
