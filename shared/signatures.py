"""Signed HTTP requests: RFC 9421 with Ed25519, the body by its digest (RFC 9530). A request → who signed it. No I/O."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

COVERED = ("@method", "@target-uri", "content-type", "content-digest")
"""What a signature must cover at least."""

SIGNATURE_WINDOW = timedelta(seconds=300)
"""How far the moment of a signature may be from wall time, either way."""

NONCE_KEPT = SIGNATURE_WINDOW + timedelta(seconds=60)
"""How long after its signature a nonce is kept: while its message could still be taken, and a little longer."""

LONGEST_NONCE = 200

# A message has one reading or none: what stands otherwise than RFC 8941 would write it is refused, not repaired.
_KEY = r"[a-z*][a-z0-9_.*-]*"
_VALUE = r'(?:"([^"\\]*)"|(-?[0-9]{1,15}))'
_INPUT = re.compile(rf"{_KEY}=(?P<inner>\((?P<names>[^()]*)\)(?P<parameters>(?:;{_KEY}={_VALUE})*))")
_PARAMETER = re.compile(rf";({_KEY})={_VALUE}")
_SIGNATURE = re.compile(rf"{_KEY}=:([A-Za-z0-9+/=]{{1,400}}):")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{1,64}):")


class BadSignature(Exception):
    """The message is not proven to come from its sender as it is; the text says why."""


@dataclass(frozen=True)
class SignedHead:
    """A request without its body: header lines in their order, the address that was called."""

    method: str
    address: str
    headers: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class SignedRequest(SignedHead):
    """A request as it came, with its raw body."""

    body: bytes


@dataclass(frozen=True)
class Signed:
    """What a good signature proves. `content` is a hash of address and body: the bytes that the nonce belongs to."""

    key_id: str
    nonce: str
    created: datetime
    content: bytes


@dataclass(frozen=True)
class Claimed:
    """A signature as a message has it, still to be checked: whose it says it is, and over which bytes."""

    key_id: str
    nonce: str
    created: datetime
    base: bytes
    signature: bytes


class Rfc9421:
    """RFC 9421 with Ed25519 over `COVERED`, the digest (RFC 9530) compared with the body.

    The algorithm is that of the key: an `alg` in the message may repeat it and decides nothing.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        """`keys`: key id → public key as PEM. Raises ValueError for one that is no Ed25519 public key."""
        self._keys = {key_id: ed25519_key(key_id, pem) for key_id, pem in keys.items()}

    def verify(self, request: SignedRequest, now: datetime) -> Signed:
        """Who signed the request; `now` is wall time. Raises BadSignature."""
        check_digest(request)
        return self._verified(request, hashlib.sha256(_line(request) + request.body), now)

    def verify_head(self, head: SignedHead, now: datetime) -> tuple[Signed, bytes]:
        """Who signed a request whose body has not been read, and the SHA-256 that it must have: for bodies that do not
        belong in memory, and are not taken from strangers. Raises BadSignature."""
        digest = _sha256_told(head)
        return self._verified(head, hashlib.sha256(_line(head) + digest), now), digest

    def _verified(self, head: SignedHead, content: Any, now: datetime) -> Signed:
        claimed = read_signature(head, "ed25519", now)
        key = self._keys.get(claimed.key_id)
        if key is None:
            raise BadSignature(f"the key {claimed.key_id[:60]!r} is not known")
        try:
            key.verify(claimed.signature, claimed.base)
        except InvalidSignature as error:
            raise BadSignature("the signature is not that of these bytes under the key") from error
        return Signed(claimed.key_id, claimed.nonce, claimed.created, content.digest())


def read_signature(head: SignedHead, algorithm: str, now: datetime) -> Claimed:
    """The one signature of a message over `COVERED` at least, made around `now`. Raises BadSignature.

    `algorithm` is the name by which the message may repeat what its key is for.
    """
    names, parameters, inner = _signature_input(_header(head, "signature-input"))
    if missing := [name for name in COVERED if name not in names]:
        raise BadSignature(f"not covered: {', '.join(missing)}")
    created = _created(parameters, now)
    key_id, nonce = str(parameters.get("keyid", "")), str(parameters.get("nonce", ""))
    if not key_id:
        raise BadSignature('the parameter "keyid" is missing')
    if not 0 < len(nonce) <= LONGEST_NONCE:
        raise BadSignature(f'the parameter "nonce" has 1 to {LONGEST_NONCE} characters')
    if parameters.get("alg", algorithm) != algorithm:
        raise BadSignature(f'the parameter "alg" is {algorithm} where it is given')
    lines = [f'"{name}": {_component(head, name)}' for name in names]
    try:
        base = "\n".join([*lines, f'"@signature-params": {inner}']).encode("ascii")
    except UnicodeEncodeError as error:
        raise BadSignature("what a signature covers is written in ASCII") from error
    signature = _header(head, "signature")
    if _label(signature) != _label(_header(head, "signature-input")):
        raise BadSignature("the headers signature-input and signature name one signature")
    return Claimed(key_id, nonce, created, base, _signature(signature))


def check_digest(request: SignedRequest) -> None:
    """Raises BadSignature where the body is not the one that the head tells of."""
    if not hmac.compare_digest(_sha256_told(request), hashlib.sha256(request.body).digest()):
        raise BadSignature("content-digest is not that of the body (sha-256)")


def _line(head: SignedHead) -> bytes:
    return f"{head.address}\n".encode()


def _sha256_told(head: SignedHead) -> bytes:
    told = _DIGEST.fullmatch(_header(head, "content-digest"))
    if told is None:
        raise BadSignature("content-digest is one digest, sha-256")
    return _bytes_of(told[1], "content-digest")


def _header(head: SignedHead, name: str) -> str:
    found = [value for each, value in head.headers if each.lower() == name]
    if len(found) != 1:
        raise BadSignature(f"the header {name} stands there once, not {len(found)} times")
    return found[0].strip(" \t")


def _signature_input(text: str) -> tuple[list[str], dict[str, str | int], str]:
    found = _INPUT.fullmatch(text)
    if found is None:
        raise BadSignature("the header signature-input is one signature's, with parameters")
    names = re.findall(r'"([^"]*)"', found["names"])
    if found["names"] != " ".join(f'"{name}"' for name in names) or len(set(names)) != len(names):
        raise BadSignature("the covered components are names in quotes, each once")
    said = _PARAMETER.findall(found["parameters"])
    parameters: dict[str, str | int] = {name: int(number) if number else text for name, text, number in said}
    if len(parameters) != len(said):
        raise BadSignature("a parameter stands there once")
    return names, parameters, found["inner"]


def _created(parameters: Mapping[str, str | int], now: datetime) -> datetime:
    created, expires = parameters.get("created"), parameters.get("expires")
    if not isinstance(created, int):
        raise BadSignature('the parameter "created" is missing')
    if abs(int(now.timestamp()) - created) > SIGNATURE_WINDOW.total_seconds():
        raise BadSignature('"created" is more than 300 s from the present')
    if expires is not None and (not isinstance(expires, int) or expires < int(now.timestamp())):
        raise BadSignature('"expires" has passed')
    return datetime.fromtimestamp(created, UTC)


def _component(head: SignedHead, name: str) -> str:
    """The value of a covered component (RFC 9421, 2.1 and 2.2)."""
    if not name.startswith("@"):
        if name != name.lower():
            raise BadSignature(f"{name[:40]} is not in small letters")
        return _header(head, name)
    if name == "@method":
        return head.method
    if name == "@target-uri":
        return head.address
    parts = urlsplit(head.address)
    derived = {"@authority": parts.netloc.lower(), "@scheme": parts.scheme, "@path": parts.path or "/"}
    if name not in derived:
        raise BadSignature(f"{name[:40]} is not a component that we know")
    return derived[name]


def _label(text: str) -> str:
    return text.partition("=")[0]


def _signature(text: str) -> bytes:
    found = _SIGNATURE.fullmatch(text)
    if found is None:
        raise BadSignature("the header signature is one signature, base64 between colons")
    return _bytes_of(found[1], "the signature")


def _bytes_of(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadSignature(f"{what} is not base64") from error


def ed25519_key(key_id: str, pem: str) -> Ed25519PublicKey:
    """A public key from PEM. Raises ValueError where it is none."""
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"the key {key_id} is not a PEM public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"the key {key_id} is not an Ed25519 key")  # noqa: TRY004 -- a value that was given
    return key
