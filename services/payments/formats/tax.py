"""Signatures on the tax bureau's messages: a signed request → who signed it, or BadSignature. No I/O.

`SignatureProfile` is what the service knows; `Rfc9421` is the profile of the contract (RFC 9421 with Ed25519), SM2 with
SM3 stands in `tax_sm2`. Each key has its profile.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    InvalidSignature,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519

from ..rules.tax import SIGNATURE_WINDOW

COVERED = ("@method", "@target-uri", "content-type", "content-digest")
"""What a signature must cover at least."""

LONGEST_NONCE = 200


class BadSignature(Exception):
    """The message is not proven to come from the bureau as it is; the text says why."""


@dataclass(frozen=True)
class SignedRequest:
    """A request as it came: header lines in their order, the address that was called, the raw body."""

    method: str
    address: str
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Signed:
    """What a good signature proves. `content` is a hash of address and body: the bytes that the nonce belongs to."""

    key_id: str
    nonce: str
    created: datetime
    content: bytes


class SignatureProfile(Protocol):
    """A way in which the bureau signs."""

    def verify(self, request: SignedRequest, now: datetime) -> Signed:
        """Who signed the request; `now` is wall time. Raises BadSignature."""
        ...


class Rfc9421:
    """RFC 9421 with Ed25519 over `COVERED`, the digest (RFC 9530) compared with the body.

    The algorithm is that of the key: an `alg` in the message may repeat it and decides nothing.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        """`keys`: key id → public key as PEM. Raises ValueError for one that is no Ed25519 public key."""
        self._keys = MappingKeyResolver(
            public_keys={key_id: _public_key(key_id, pem) for key_id, pem in keys.items()}, private_keys={}
        )

    def verify(self, request: SignedRequest, now: datetime) -> Signed:
        """Who signed the request; `now` is wall time. Raises BadSignature."""
        message = _Message(request.method, request.address, _Lines(request.headers))
        try:
            [result] = _Verifier(self._keys, now).verify(
                message, max_age=None, require_components=COVERED, body=request.body
            )
        except HTTPMessageSignaturesException as error:
            raise BadSignature(str(error) or "not valid") from error
        nonce = result.nonce or ""
        if not 0 < len(nonce) <= LONGEST_NONCE:
            raise BadSignature(f'the parameter "nonce" has 1 to {LONGEST_NONCE} characters')
        return Signed(
            key_id=str(result.parameters["keyid"]),
            nonce=nonce,
            created=datetime.fromtimestamp(int(result.parameters["created"]), UTC),
            content=hashlib.sha256(f"{request.address}\n".encode() + request.body).digest(),
        )


class _Verifier(HTTPMessageVerifier):
    """The library's verifier at a given moment, with the contract's window instead of its own."""

    def __init__(self, keys: MappingKeyResolver, now: datetime) -> None:
        super().__init__(signature_algorithm=ED25519, key_resolver=keys)
        self._now = int(now.timestamp())

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:  # noqa: ARG002 -- not ours
        """Raises InvalidSignature where the signature is too old, too new or says itself that it has expired."""
        created, expires = sig_input.params.get("created"), sig_input.params.get("expires")
        if created is None:
            raise InvalidSignature('the parameter "created" is missing')
        if abs(self._now - created) > SIGNATURE_WINDOW.total_seconds():
            raise InvalidSignature('"created" is more than 300 s from the present')
        if expires is not None and expires < self._now:
            raise InvalidSignature('"expires" has passed')


@dataclass(frozen=True)
class _Lines:
    """Header lines as the library reads them: each on its own, in their order."""

    lines: Sequence[tuple[str, str]]

    def items(self) -> Sequence[tuple[str, str]]:
        return self.lines


@dataclass(frozen=True)
class _Message:
    method: str
    url: str
    headers: _Lines


def _public_key(key_id: str, pem: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"the key {key_id} of the tax bureau is not a PEM public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"the key {key_id} of the tax bureau is not an Ed25519 key")  # noqa: TRY004 -- a setting
    return key
