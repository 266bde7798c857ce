"""What was chosen by measure: how tokens and signatures are checked and JSON is read and written, each beside what else
there is, in µs of one core."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from types import SimpleNamespace
from typing import Any

import orjson
from http_message_signatures import HTTPMessageVerifier, MappingKeyResolver
from http_message_signatures.algorithms import ED25519

from deploy.local.issuer import ISSUER, Issuer
from deploy.local.simulators import tax
from services.payments.schemas import CounterPayment
from shared.signatures import Rfc9421, SignedRequest
from shared.tokens import Verifier

from . import stage

_ROUNDS = 5
_SECONDS = 0.1
_TOKENS = 2000
_ADDRESS = "https://pay.example.gov.cn/v1/channels/tax/confirmations"
_PAYMENT = {
    "pool": stage.POOL,
    "shift_id": "0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01",
    "method": "cash",
    "payer_name": "王小明",
    "items": [{"bill_no": "99900100000000000000000001", "amount_fen": 32000}],
}
_CONFIRMED = {
    "event_id": "TAX-20211205-000001",
    "bill_no": "99900100000000000000000001",
    "amount_fen": 32000,
    "paid_at": "2021-12-05T10:00:00+08:00",
    "voucher_no": "314052211000000001",
    "payer_name": "王小明",
}


@dataclass(frozen=True)
class Choice:
    """What is done, in which way, and what that takes beside another way."""

    what: str
    chosen: str
    chosen_us: float
    instead: str
    instead_us: float
    why: str = ""
    """Where the slower one was chosen."""


def choices() -> list[Choice]:
    """Each choice, measured now."""
    return [_token(), _signature(), _body(), _line()]


def _token() -> Choice:
    issuer = Issuer()

    async def keys() -> dict[str, Any]:
        return issuer.jwks()

    async def timed(tokens: Sequence[str]) -> float:
        began = time.process_time()
        for token in tokens:
            await verifier.caller(token)
        return round(1e6 * (time.process_time() - began) / len(tokens), 2)

    verifier = Verifier(ISSUER, keys)
    first, *others = [issuer.mint("bench", scopes=frozenset(), user=f"clerk {n}") for n in range(_TOKENS)]

    async def both() -> tuple[float, float]:
        await timed([first])
        anew = await timed(others)
        return median([await timed(others * 20) for _ in range(_ROUNDS)]), anew

    again, anew = asyncio.run(both())
    return Choice("a token", "kept until it expires", again, "verified each time (joserfc, Ed25519)", anew)


def _signature() -> Choice:
    key = tax.key_of()
    body = json.dumps(_CONFIRMED, ensure_ascii=False).encode()
    headers = tax.sign(key, _ADDRESS, body)
    ours = Rfc9421(json.loads(tax.settings_of()))
    request, now = SignedRequest("POST", _ADDRESS, list(headers.items()), body), datetime.now(UTC)
    resolver = MappingKeyResolver(public_keys={tax.KEY_ID: key.public_key()}, private_keys={})
    theirs = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=resolver)
    message: Any = SimpleNamespace(method="POST", url=_ADDRESS, headers=headers)
    return Choice(
        "a signed message (RFC 9421)",
        "read strictly, digest and all (`shared/signatures.py`)",
        _timed(lambda: ours.verify(request, now)),
        "http-message-signatures",
        _timed(lambda: theirs.verify(message, body=body)),
    )


def _body() -> Choice:
    body = json.dumps(_PAYMENT, ensure_ascii=False).encode()
    return Choice(
        "the body of a payment",
        "json.loads, then its model",
        _timed(lambda: CounterPayment.model_validate(json.loads(body))),
        "pydantic's own JSON",
        _timed(lambda: CounterPayment.model_validate_json(body)),
        "FastAPI's refusals rest on it; a payment takes a hundred times as much",
    )


def _line() -> Choice:
    return Choice(
        "a line of a stream",
        "orjson",
        _timed(lambda: orjson.dumps(_CONFIRMED)),
        "json.dumps",
        _timed(lambda: json.dumps(_CONFIRMED, ensure_ascii=False).encode()),
    )


def _timed(work: Callable[[], object]) -> float:
    """µs of one call, the median of rounds after the first."""
    found = []
    for _ in range(_ROUNDS + 1):
        calls, began = 0, time.process_time()
        while (taken := time.process_time() - began) < _SECONDS:
            for _ in range(10):
                work()
            calls += 10
        found.append(1e6 * taken / calls)
    return round(median(found[1:]), 2)
