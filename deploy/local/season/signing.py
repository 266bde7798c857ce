"""The device on which an agent, or the head of an agency, signs lines of a ledger.

What is hashed and signed is worked out here once more, from what services/payments says about the bytes: a telephone in
the field shares no code with the service either.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_NOT_HASHED = ("payer_signature", "agent_signature")


class Device:
    """A telephone with an Ed25519 key; made from a seed, so that a season can be repeated."""

    def __init__(self, seed: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"device {seed}".encode()).digest())

    @property
    def public_key(self) -> str:
        """As it is registered: 32 bytes in base64."""
        return base64.b64encode(self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()

    def sign(self, role: str, signer: str, signed_at: str, hash_: str) -> dict[str, Any]:
        """A signature as `payer`, `agent`, `head` or `batch`, without the hash that it is for."""
        message = "\n".join(("canbao-ledger-signature", role, signer, utc(signed_at), hash_))
        made = base64.b64encode(self._key.sign(message.encode())).decode()
        return {"signer": signer, "signed_at": signed_at, "ed25519": made}

    def signed_line(
        self,
        pool: str,
        ledger_id: str,
        line: Mapping[str, Any],
        *,
        agent: str,
        payer: str | None,
        signed_at: str,
        payer_image: str | None = None,
    ) -> dict[str, Any]:
        """A line with its signatures: the agent's by this device, the payer's by it or by an image."""
        hash_ = line_hash(pool, ledger_id, line)
        signed = {**line, "agent_signature": {**self.sign("agent", agent, signed_at, hash_), "line_hash": hash_}}
        if payer is None:
            return signed
        by_payer = self.sign("payer", payer, signed_at, hash_)
        if payer_image:
            by_payer = {"signer": payer, "signed_at": signed_at, "image_ref": payer_image}
        return {**signed, "payer_signature": {**by_payer, "line_hash": hash_}}

    def signed_batch(
        self, pool: str, ledger_id: str, lines: Sequence[Mapping[str, Any]], *, agent: str, batch_no: str, made_at: str
    ) -> bytes:
        """Signed lines as a file to be carried to where there is a network: a head, the lines, and the hash, signed."""
        head = {"format": "canbao-ledger-batch", "version": 1, "pool": pool, "ledger_id": ledger_id, "agent": agent,
                "batch_no": batch_no, "made_at": made_at, "lines": len(lines)}  # fmt: skip
        body = "".join(f"{_json(row)}\n" for row in (head, *lines)).encode()
        hash_ = hashlib.sha256(body).hexdigest()
        made = self.sign("batch", agent, made_at, hash_)
        foot = {"sha256": hash_, "signed_at": made["signed_at"], "ed25519": made["ed25519"]}
        return body + f"{_json(foot)}\n".encode()


def line_hash(pool: str, ledger_id: str, line: Mapping[str, Any]) -> str:
    """SHA-256 over a line as JSON: pool and ledger in it, keys in order, no blanks, nothing null, `paid_at` in UTC."""
    content = {name: value for name, value in line.items() if value is not None and name not in _NOT_HASHED}
    if "paid_at" in content:
        content["paid_at"] = utc(content["paid_at"])
    whole = {**content, "pool": pool, "ledger_id": ledger_id}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def ledger_hash(hashes: Mapping[int, str]) -> str:
    """SHA-256 over all lines of a ledger, by number: what the head signs."""
    text = "\n".join(f"{number} {hashes[number]}" for number in sorted(hashes))
    return hashlib.sha256(text.encode()).hexdigest()


def utc(instant: str) -> str:
    """An instant as it is hashed: in UTC, with whole seconds."""
    return datetime.fromisoformat(instant).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
