"""Signatures of the tax bureau with SM2 and SM3 (`sm2-sm3`), over the same message as Ed25519's: RFC 9421. No I/O.

RFC 9421 has no such algorithm, so its signature base is made here: one line for each covered component, last the
parameters, no line end behind it. What differs from partner to partner stands in `Sm2Key`.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from gmssl_pyx import InvalidValueError, normalize_sm2_public_key, sm2_verify

from ..rules.tax import SIGNATURE_WINDOW
from .tax import COVERED, LONGEST_NONCE, BadSignature, Rfc9421, Signed, SignedRequest

ALGORITHM = "sm2-sm3"

_KEY = r"[a-z*][a-z0-9_.*-]*"
_VALUE = r'(?:"([^"\\]*)"|(-?[0-9]{1,15}))'
_INPUT = re.compile(rf"{_KEY}=(?P<inner>\((?P<names>[^()]*)\)(?P<parameters>(?:;{_KEY}={_VALUE})*))")
_PARAMETER = re.compile(rf";({_KEY})={_VALUE}")
_SIGNATURE = re.compile(rf"{_KEY}=:([A-Za-z0-9+/=]{{1,400}}):")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/=]{1,64}):")


@dataclass(frozen=True)
class Sm2Key:
    """A public key of the bureau, and how its side signs with it.

    `public_key`: hex, with or without 04 in front. `form`: DER, or r and s one behind the other. `text`: what stands
    between the colons is base64 of the signature's bytes, or of their hex letters. `with_z`: whether user id and key
    are hashed in front (GM/T 0009); without, SM3 of the message alone is signed.
    """

    public_key: str
    form: Literal["der", "raw"] = "der"
    text: Literal["base64", "hex"] = "base64"
    user_id: str = "1234567812345678"
    with_z: bool = True


class Rfc9421Sm2:
    """RFC 9421 with SM2 over `COVERED`, the digest (RFC 9530) compared with the body."""

    def __init__(self, keys: Mapping[str, Sm2Key]) -> None:
        """`keys`: key id → key. Raises ValueError for one that is no point of the curve."""
        self._keys = {key_id: (key, _point(key_id, key.public_key)) for key_id, key in keys.items()}

    def verify(self, request: SignedRequest, now: datetime) -> Signed:
        """Who signed the request; `now` is wall time. Raises BadSignature."""
        names, parameters, inner = _signature_input(_header(request, "signature-input"))
        if missing := [name for name in COVERED if name not in names]:
            raise BadSignature(f"not covered: {', '.join(missing)}")
        created = _created(parameters, now)
        key_id, nonce = str(parameters.get("keyid", "")), str(parameters.get("nonce", ""))
        if not 0 < len(nonce) <= LONGEST_NONCE:
            raise BadSignature(f'the parameter "nonce" has 1 to {LONGEST_NONCE} characters')
        if parameters.get("alg", ALGORITHM) != ALGORITHM:
            raise BadSignature(f'the parameter "alg" is {ALGORITHM} where it is given')
        if key_id not in self._keys:
            raise BadSignature(f"the key {key_id[:60]!r} is not known")
        _check_digest(request)
        lines = [f'"{name}": {_component(request, name)}' for name in names]
        base = "\n".join([*lines, f'"@signature-params": {inner}']).encode()
        if not _holds(*self._keys[key_id], base, _signature(_header(request, "signature"))):
            raise BadSignature("the signature is not that of these bytes under the key")
        content = hashlib.sha256(f"{request.address}\n".encode() + request.body).digest()
        return Signed(key_id, nonce, created, content)


class ByKey:
    """Each key with its own profile: those of SM2 by that, all others by Ed25519."""

    def __init__(self, ed25519: Rfc9421, sm2: Mapping[str, Sm2Key]) -> None:
        """Raises ValueError for an SM2 key that is none."""
        self._ed25519, self._sm2, self._sm2_ids = ed25519, Rfc9421Sm2(sm2), frozenset(sm2)

    def verify(self, request: SignedRequest, now: datetime) -> Signed:
        """Who signed the request; `now` is wall time. Raises BadSignature."""
        named = {key_id for name, text in request.headers if name.lower() == "signature-input"
                 for key_id in re.findall(r';keyid="([^"\\]*)"', text)}  # fmt: skip
        return (self._sm2 if named & self._sm2_ids else self._ed25519).verify(request, now)


def _point(key_id: str, public_key: str) -> bytes:
    try:
        return bytes(normalize_sm2_public_key(public_key))
    except InvalidValueError as error:
        raise ValueError(f"the key {key_id} of the tax bureau is not an SM2 public key in hex") from error


def _header(request: SignedRequest, name: str) -> str:
    found = [value for each, value in request.headers if each.lower() == name]
    if len(found) != 1:
        raise BadSignature(f"the header {name} stands there once, not {len(found)} times")
    return found[0].strip()


def _signature_input(text: str) -> tuple[list[str], dict[str, str | int], str]:
    found = _INPUT.fullmatch(text)
    if found is None:
        raise BadSignature("the header signature-input is one signature's, with parameters")
    names = re.findall(r'"([^"]*)"', found["names"])
    if found["names"] != " ".join(f'"{name}"' for name in names) or len(set(names)) != len(names):
        raise BadSignature("the covered components are names in quotes, each once")
    parameters: dict[str, str | int] = {
        name: int(number) if number else text for name, text, number in _PARAMETER.findall(found["parameters"])
    }
    return names, parameters, found["inner"]


def _created(parameters: Mapping[str, str | int], now: datetime) -> datetime:
    created, expires = parameters.get("created"), parameters.get("expires")
    if not isinstance(created, int):
        raise BadSignature('the parameter "created" is missing')
    if abs(int(now.timestamp()) - created) > SIGNATURE_WINDOW.total_seconds():
        raise BadSignature('"created" is more than 300 s from the present')
    if isinstance(expires, int) and expires < int(now.timestamp()):
        raise BadSignature('"expires" has passed')
    return datetime.fromtimestamp(created, UTC)


def _check_digest(request: SignedRequest) -> None:
    found = _DIGEST.fullmatch(_header(request, "content-digest"))
    wanted = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    if found is None or not hmac.compare_digest(found[1], wanted):
        raise BadSignature("content-digest is not that of the body (sha-256)")


def _component(request: SignedRequest, name: str) -> str:
    if name == "@method":
        return request.method
    if name == "@target-uri":
        return request.address
    if name.startswith("@") or name != name.lower():
        raise BadSignature(f"{name[:40]} is not a component that we know")
    return _header(request, name)


def _signature(text: str) -> bytes:
    found = _SIGNATURE.fullmatch(text)
    if found is None:
        raise BadSignature("the header signature is one signature, base64 between colons")
    try:
        return base64.b64decode(found[1], validate=True)
    except binascii.Error as error:
        raise BadSignature("the signature is not base64") from error


def _holds(key: Sm2Key, point: bytes, base: bytes, signature: bytes) -> bool:
    try:
        der = _der(key, signature)
        return bool(sm2_verify(point, base, der, signer_id=key.user_id.encode() if key.with_z else None))
    except (ValueError, InvalidValueError):
        return False


def _der(key: Sm2Key, signature: bytes) -> bytes:
    """The signature as DER, one way of writing it only. Raises ValueError for what is none."""
    raw = bytes.fromhex(signature.decode("ascii")) if key.text == "hex" else signature
    if key.form == "raw":
        if len(raw) != 64:
            raise ValueError("r and s have 32 bytes each")
        return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    if encode_dss_signature(*decode_dss_signature(raw)) != raw:
        raise ValueError("the DER is not the shortest")
    return raw
