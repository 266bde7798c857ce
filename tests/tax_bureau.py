"""The tax bureau of the tests: signs by RFC 9421 with its own hands, and badly where a test wants it."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SINGLE = "/v1/channels/tax/confirmations"
BATCH = "/v1/channels/tax/confirmations/batches"
COVERED = ("@method", "@target-uri", "content-type", "content-digest")


class Key(Protocol):
    """What a bureau signs with."""

    def sign(self, data: bytes, /) -> bytes: ...


class Bureau:
    """A bureau with a key of its own; `algorithm` is what it says of it."""

    def __init__(self, key_id: str = "tax-bureau-tests", key: Key | None = None, algorithm: str = "ed25519") -> None:
        self.key_id, self.algorithm = key_id, algorithm
        self._key: Key = key or Ed25519PrivateKey.generate()

    @property
    def public_pem(self) -> str:
        """What payments gets."""
        assert isinstance(self._key, Ed25519PrivateKey)
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(
        self,
        body: bytes,
        address: str,
        *,
        method: str = "POST",
        covered: Sequence[str] = COVERED,
        parameters: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        digest: str | None = None,
        label: str = "sig1",
    ) -> dict[str, str]:
        """The headers of a signed request. A parameter of None is left out."""
        digest = digest or f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        given: dict[str, Any] = {
            "created": int(time.time()),
            "keyid": self.key_id,
            "alg": self.algorithm,
            "nonce": secrets.token_hex(12),
        }
        given |= parameters or {}
        values = {"@method": method, "@target-uri": address, "content-type": content_type, "content-digest": digest}
        inner = f"({' '.join(quoted(name) for name in covered)})" + "".join(
            f";{name}={value if isinstance(value, int) else quoted(value)}"
            for name, value in given.items()
            if value is not None
        )
        lines = [f"{quoted(name)}: {values[name]}" for name in covered]
        base = "\n".join([*lines, f'"@signature-params": {inner}'])
        signature = base64.b64encode(self._key.sign(base.encode())).decode()
        return {
            "Content-Type": content_type,
            "Content-Digest": digest,
            "Signature-Input": f"{label}={inner}",
            "Signature": f"{label}=:{signature}:",
        }


class Channel:
    """The bureau's line to payments."""

    def __init__(self, client: httpx.AsyncClient, bureau: Bureau) -> None:
        self.client = client
        self.bureau = bureau

    async def confirm(self, item: Any, **signing: Any) -> httpx.Response:
        """Send one confirmation."""
        return await self.send(SINGLE, item, **signing)

    async def confirm_batch(self, items: Sequence[Any], batch_no: str = "B1", **signing: Any) -> httpx.Response:
        """Send a batch."""
        return await self.send(BATCH, {"batch_no": batch_no, "items": items}, **signing)

    async def send(self, path: str, body: Any, **signing: Any) -> httpx.Response:
        """Send anything, signed."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = self.bureau.sign(raw, str(self.client.base_url).rstrip("/") + path, **signing)
        return await self.client.post(path, content=raw, headers=headers)


def event(bill_no: str, number: int | str = 1, **changes: Any) -> dict[str, Any]:
    """A confirmation of 320 yuan on an open day."""
    return {
        "event_id": f"TAX-{number}",
        "bill_no": bill_no,
        "amount_fen": 32000,
        "paid_at": "2021-12-05T10:00:00+08:00",
        "voucher_no": "314052211000000001",
        "payer_name": "王小明",
        **changes,
    }


def quoted(text: str) -> str:
    """A structured-field string."""
    return f'"{text}"'
