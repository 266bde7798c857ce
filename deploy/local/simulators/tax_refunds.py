"""Refunds at the simulated tax bureau: it holds what it has confirmed, so an agency applies for the money.

    POST /tax/refunds {refund_no, event_id, amount_fen}   202 {refund_no, state, document_no, reason}
    GET  /tax/refunds/{refund_no}                         200 the same; 404 {"code": "REFUND_UNKNOWN"}

`state`: accepted → settled | refused. What is accepted is settled when one asks for it (a clerk has been at it). The
same number is one application; another one under it is 409 `NUMBER_REUSED`. An event that is unknown, or more than it
brought, is refused at once. Both are signed by the agency (RFC 9421, Ed25519, key id `canbao-payments`), 401 otherwise.

    POST /control/refunds {"outcome": "settled|accepted|held|refused|unknown", "count"}   what becomes of the next ones
         settled: at once · accepted (the default): when one asks · held: not before /control/refunds/release ·
         refused: the bureau says no · unknown: taken in, but the answer is lost (504)
    POST /control/refunds/release                                         what is held is settled from now on
"""

import base64
import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from deploy.local import places

from .tax_books import Books

AGENCY_KEY_ID = "canbao-payments"
Outcome = Literal["settled", "accepted", "held", "refused", "unknown"]

_PARAMETERS = re.compile(r"^sig1=(?P<inner>\((?P<names>[^)]*)\)(?P<rest>;.*))$")
_COVERED = ("@method", "@target-uri", "content-type", "content-digest")
_WINDOW_SECONDS = 300


class Application(BaseModel):
    """What the agency asks for."""

    refund_no: str
    event_id: str
    amount_fen: int


class Arrangement(BaseModel):
    """What becomes of the next applications."""

    outcome: Outcome
    count: int = 1


@dataclass
class Refund:
    """An application as the bureau keeps it."""

    refund_no: str
    event_id: str
    amount_fen: int
    state: str
    document_no: str
    reason: str | None = None


def agency_key_path(keys: Path = places.KEYS) -> Path:
    """Where the agency's private key lies in the local run; made at the first use."""
    path = keys / "payments-tax.pem"
    places.kept(path, new_key)
    return path


def office_settings(base_url: str, keys: Path = places.KEYS) -> str:
    """PAYMENTS_TAX_OFFICE: where applications go, and the agency's own key."""
    signing_key = f"file:{agency_key_path(keys)}"
    return json.dumps({"base_url": base_url, "key_id": AGENCY_KEY_ID, "signing_key": signing_key})


class Refunds:
    """The applications; kept in a file of one JSON object per line where a path is given, the last line counts."""

    def __init__(self, books: Books, path: Path | None) -> None:
        self._books, self._path = books, path
        self.known: dict[str, Refund] = {}
        self.next: list[Outcome] = []
        for line in path.read_text(encoding="utf-8").splitlines() if path and path.exists() else ():
            kept = Refund(**json.loads(line))
            self.known[kept.refund_no] = kept

    def keep(self, refund: Refund) -> None:
        """Put an application in, or write its change down."""
        self.known[refund.refund_no] = refund
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(refund), ensure_ascii=False) + "\n")

    def apply(self, asked: Application) -> tuple[Refund, bool]:
        """The application and whether its answer is lost."""
        outcome = self.next.pop(0) if self.next else "accepted"
        refund = Refund(asked.refund_no, asked.event_id, asked.amount_fen, "accepted", f"TS{len(self.known) + 1:09d}")
        refund.reason = self._fault(asked) or ("not_allowed" if outcome == "refused" else None)
        if refund.reason:
            refund.state = "refused"
        elif outcome == "settled":
            refund.state = "settled"
        elif outcome == "held":
            refund.state = "held"
        self.keep(refund)
        return refund, outcome == "unknown"

    def ask(self, refund: Refund) -> None:
        """Somebody asks: by now a clerk has been at what was accepted."""
        if refund.state == "accepted":
            refund.state = "settled"
            self.keep(refund)

    def _fault(self, asked: Application) -> str | None:
        payment = self._books.payments.get(asked.event_id)
        if payment is None:
            return "event_unknown"
        back = sum(one.amount_fen for one in self.known.values() if one.event_id == asked.event_id and not one.reason)
        return "exceeds_payment" if back + asked.amount_fen > payment.amount_fen else None


def router(books: Books, path: Path | None, keys: Path) -> APIRouter:
    """The routes, on the bureau's books."""
    routes = APIRouter()
    refunds = Refunds(books, path)

    @routes.post("/tax/refunds")
    async def take_application(request: Request) -> JSONResponse:
        body = await request.body()
        if not is_signed(request, body, keys):
            return JSONResponse({"code": "SIGN_ERROR"}, 401)
        asked = Application.model_validate_json(body)
        known = refunds.known.get(asked.refund_no)
        if known and (known.event_id, known.amount_fen) != (asked.event_id, asked.amount_fen):
            return JSONResponse({"code": "NUMBER_REUSED"}, 409)
        refund, lost = (known, False) if known else refunds.apply(asked)
        return JSONResponse({"code": "GATEWAY"}, 504) if lost else JSONResponse(_shown(refund), 202)

    @routes.get("/tax/refunds/{refund_no}")
    async def read_application(request: Request, refund_no: str) -> JSONResponse:
        if not is_signed(request, b"", keys):
            return JSONResponse({"code": "SIGN_ERROR"}, 401)
        refund = refunds.known.get(refund_no)
        if refund is None:
            return JSONResponse({"code": "REFUND_UNKNOWN"}, 404)
        refunds.ask(refund)
        return JSONResponse(_shown(refund))

    @routes.post("/control/refunds")
    async def arrange(order: Arrangement) -> dict[str, int]:
        refunds.next += [order.outcome] * order.count
        return {"arranged": len(refunds.next)}

    @routes.post("/control/refunds/release")
    async def release() -> dict[str, int]:
        held = [refund for refund in refunds.known.values() if refund.state == "held"]
        for refund in held:
            refund.state = "settled"
            refunds.keep(refund)
        return {"released": len(held)}

    @routes.get("/control/refunds")
    async def list_applications() -> dict[str, list[dict[str, object]]]:
        return {"items": [asdict(refund) for refund in refunds.known.values()]}

    return routes


def _shown(refund: Refund) -> Mapping[str, object]:
    state = "accepted" if refund.state == "held" else refund.state
    return {name: value for name, value in asdict(refund).items() if name not in ("event_id", "amount_fen")} | {
        "state": state
    }


def is_signed(request: Request, body: bytes, keys: Path) -> bool:
    """Whether the agency has just signed the request, its body included; worked out by hand."""
    given = _PARAMETERS.match(request.headers.get("signature-input", ""))
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    if given is None or request.headers.get("content-digest") != digest:
        return False
    if given["names"] != " ".join(f'"{name}"' for name in _COVERED) or f'keyid="{AGENCY_KEY_ID}"' not in given["rest"]:
        return False
    created = re.search(r";created=(\d+)", given["rest"])
    if created is None or abs(time.time() - int(created[1])) > _WINDOW_SECONDS:
        return False
    values = {
        "@method": request.method,
        "@target-uri": str(request.url),
        "content-type": request.headers.get("content-type", ""),
        "content-digest": digest,
    }
    base = "\n".join([*(f'"{name}": {values[name]}' for name in _COVERED), f'"@signature-params": {given["inner"]}'])
    signature = request.headers.get("signature", "").removeprefix("sig1=:").removesuffix(":")
    key = load_pem_private_key(agency_key_path(keys).read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    try:
        key.public_key().verify(base64.b64decode(signature), base.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def new_key() -> bytes:
    """A fresh Ed25519 key as PEM."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
