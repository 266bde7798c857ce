"""The tax bureau: collects premiums, confirms them to payments one by one or in batches, prints a list of each day.

Its messages are signed by RFC 9421 with Ed25519 (out/keys/tax-bureau.pem, key id `tax-bureau-local`), written out by
hand here, so that payments' library is not tested by itself. What a payer, the season driver or a test wants to happen
comes in through `/control/…`:

    POST /control/payments   {"items": [{bill_no, amount_fen, paid_at, payer_name?, event_id?, voucher_no?, mode?,
                              told_fen?, collected?}], "batch_no"?, "faults"?: […]}
         mode: single (the default) · batch (the default where `batch_no` is given; up to 1,000 to a message).
         Each message is repeated, signed anew, until payments answers 2xx. Answers {"items": [what payments said]} in
         the order given. An `event_id` that is known is sent again as it is known. With `told_fen` the message says
         another amount than was paid; with `collected` false there was no payment: it stands in no list.
         faults: duplicate (each message comes twice and must be answered the same) · reorder (the last comes first) ·
         changed (each event comes again with another amount and must be refused) · delay (nothing is sent: outcome
         "held")
    POST /control/release    sends what is held, and answers like /control/payments
    GET  /control/payments   all that was collected, with payments' answers
    GET  /control/statement?day=&faults=   the list of a day; its layout stands in tax_books.py

Applications to pay something back stand in tax_refunds.py, assessments in tax_assessments.py, the
treasury in treasury.py.

The books are kept in a file of the local run; what was not answered when the process died is sent when it is back.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from deploy.local import places

from .tax_assessments import router as assessment_router
from .tax_books import SHANGHAI, STATEMENT_FAULTS, Books, Payment
from .tax_refunds import is_signed, new_key
from .tax_refunds import router as refund_router
from .treasury import router as treasury_router

KEY_ID = "tax-bureau-local"
SINGLE = "/v1/channels/tax/confirmations"
BATCH = f"{SINGLE}/batches"
Fault = Literal["duplicate", "reorder", "changed", "delay"]

_BATCH_SIZE = 1000
_PATIENCE_SECONDS = 50.0
_PAUSE_SECONDS = 0.3


class NotTaken(Exception):
    """Payments did not take a message, or did not answer as it should; the text says what it answered."""


class Item(BaseModel):
    """A payer at the bureau."""

    bill_no: str
    amount_fen: int
    paid_at: AwareDatetime
    payer_name: str | None = None
    event_id: str | None = None
    voucher_no: str | None = None
    mode: Literal["single", "batch"] | None = None
    told_fen: int | None = None
    collected: bool = True


class Order(BaseModel):
    """Payers, and how their payments are confirmed."""

    items: list[Item]
    batch_no: str | None = None
    faults: list[Fault] = Field(default=[])


def key_of(keys: Path = places.KEYS) -> Ed25519PrivateKey:
    """The bureau's key; made at the first use."""
    pem = places.kept(keys / "tax-bureau.pem", new_key)
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def settings_of(keys: Path = places.KEYS) -> str:
    """PAYMENTS_TAX_KEYS: the public half, as payments gets it."""
    public = key_of(keys).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return json.dumps({KEY_ID: public.decode()})


def sign(key: Ed25519PrivateKey, address: str, body: bytes) -> dict[str, str]:
    """The headers of a POST with that body to that address, signed now."""
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    covered = {"@method": "POST", "@target-uri": address, "content-type": "application/json", "content-digest": digest}
    names = " ".join(f'"{name}"' for name in covered)
    nonce = secrets.token_hex(16)
    parameters = f'({names});created={int(time.time())};keyid="{KEY_ID}";alg="ed25519";nonce="{nonce}"'
    lines = [*(f'"{name}": {value}' for name, value in covered.items()), f'"@signature-params": {parameters}']
    signature = base64.b64encode(key.sign("\n".join(lines).encode())).decode()
    return {
        "Content-Type": "application/json",
        "Content-Digest": digest,
        "Signature-Input": f"sig1={parameters}",
        "Signature": f"sig1=:{signature}:",
    }


class Bureau:
    """Collects, and tells payments until it has been heard."""

    def __init__(self, client: httpx.AsyncClient, key: Ed25519PrivateKey, books: Books) -> None:
        self._client, self._key, self._books = client, key, books

    async def collect(self, order: Order) -> list[dict[str, Any]]:
        """Take the money, then confirm it as ordered; what payments said of each. Raises NotTaken."""
        batch_no = order.batch_no or f"B{self._books.number():09d}"
        payments = []
        for item in order.items:
            mode = item.mode or ("batch" if order.batch_no else "single")
            payment = self._payment(item, batch_no if mode == "batch" else None, held="delay" in order.faults)
            self._books.keep(payment)
            payments.append(payment)
        await self._confirm([payment for payment in payments if payment.state != "held"], order.faults)
        return [_shown(payment) for payment in payments]

    async def release(self) -> list[dict[str, Any]]:
        """Confirm what is held. Raises NotTaken."""
        payments = self._books.in_state("held")
        for payment in payments:
            payment.state = "due"
        self._books.keep(*payments)
        await self._confirm(payments, ())
        return [_shown(payment) for payment in payments]

    async def catch_up(self) -> None:
        """Confirm what was not answered when the process ended, for as long as it takes."""
        while due := self._books.in_state("due"):
            with suppress(NotTaken):
                await self._confirm(due, ())
                return
            await asyncio.sleep(_PAUSE_SECONDS)

    def _payment(self, item: Item, batch_no: str | None, *, held: bool) -> Payment:
        """The payment that a payer makes now, or the one that is known under its event id."""
        if item.event_id in self._books.payments:
            return self._books.payments[item.event_id]
        number, day = self._books.number(), item.paid_at.astimezone(SHANGHAI)
        return Payment(
            event_id=item.event_id or f"TAX-{day:%Y%m%d}-{number:06d}",
            voucher_no=item.voucher_no or f"31405{day:%y%m}{number:09d}",
            bill_no=item.bill_no,
            amount_fen=item.amount_fen,
            paid_at=item.paid_at.isoformat(),
            payer_name=item.payer_name,
            batch_no=batch_no,
            state="held" if held else "due",
            told_fen=item.told_fen,
            collected=item.collected,
        )

    async def _confirm(self, payments: Sequence[Payment], faults: Sequence[Fault]) -> None:
        messages = _messages(payments)
        if "reorder" in faults:
            messages = [message[::-1] for message in reversed(messages)]
        for message in messages:
            answers = _items(await self._send(message, [payment.confirmation() for payment in message]))
            for payment, answer in zip(message, answers, strict=True):
                payment.take(answer)
            self._books.keep(*message)
            if "duplicate" in faults:
                await self._repeat(message, answers)
            if "changed" in faults:
                await self._change(message)

    async def _repeat(self, message: Sequence[Payment], first: list[dict[str, Any]]) -> None:
        """The same events once more. Raises NotTaken unless they have the first answers."""
        again = await self._send(message, [payment.confirmation() for payment in message])
        if _items(again) != first or again.headers.get("Idempotency-Replayed") != "true":
            raise NotTaken(f"{first} was answered otherwise when it came again: {again.text}")

    async def _change(self, message: Sequence[Payment]) -> None:
        """The same events with another amount. Raises NotTaken unless each is refused."""
        bodies = [payment.confirmation() | {"amount_fen": payment.amount_fen + 100} for payment in message]
        answer = await self._send(message, bodies, may_refuse=True)
        said = {item["reason"] for item in _items(answer)} if answer.is_success else {answer.json().get("code")}
        if said != {"event_id_reused"}:
            raise NotTaken(f"an event with another amount was answered {answer.status_code} {answer.text}")

    async def _send(
        self, message: Sequence[Payment], bodies: list[dict[str, Any]], *, may_refuse: bool = False
    ) -> httpx.Response:
        """A message, signed anew each time it is sent, until it is answered. Raises NotTaken for a refusal."""
        batch_no = message[0].batch_no
        path = BATCH if batch_no else SINGLE
        content = json.dumps({"batch_no": batch_no, "items": bodies} if batch_no else bodies[0]).encode()
        address = str(self._client.base_url).rstrip("/") + path
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                answer = await self._client.post(path, content=content, headers=sign(self._key, address, content))
                if answer.is_success or (may_refuse and answer.is_client_error):
                    return answer
                said = f"{answer.status_code} {answer.text[:500]}"
            except httpx.TransportError as error:
                answer, said = None, repr(error)
            if (answer is not None and answer.is_client_error) or time.monotonic() > deadline:
                raise NotTaken(f"{path}: {said}")
            await asyncio.sleep(_PAUSE_SECONDS)


def _messages(payments: Sequence[Payment]) -> list[list[Payment]]:
    """What goes out together: each payment alone, or with others of its batch number."""
    messages: list[list[Payment]] = []
    batches: dict[str, list[Payment]] = {}
    for payment in payments:
        batch = batches.get(payment.batch_no or "", [])
        if payment.batch_no and 0 < len(batch) < _BATCH_SIZE:
            batch.append(payment)
            continue
        messages.append([payment])
        batches[payment.batch_no or ""] = messages[-1]
    return messages


def _items(answer: httpx.Response) -> list[dict[str, Any]]:
    said = answer.json()
    items: list[dict[str, Any]] = said.get("items", [said])
    return items


def _shown(payment: Payment) -> dict[str, Any]:
    return asdict(payment) | {"outcome": payment.outcome or payment.state}


def create_app(
    *,
    payments: str = places.address(places.SERVICE_PORTS["payments"]),
    keys: Path = places.KEYS,
    books: Path | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> FastAPI:
    """The bureau as a web application; `transport` stands in for the network in one-process runs."""
    client = httpx.AsyncClient(base_url=payments, transport=transport, timeout=30, trust_env=False)
    kept = Books(books)
    bureau = Bureau(client, key_of(keys), kept)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        catching_up = asyncio.create_task(bureau.catch_up())
        yield
        catching_up.cancel()
        await client.aclose()

    app = FastAPI(title="Canbao local tax bureau", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    @app.exception_handler(NotTaken)
    async def _say_so(_request: Request, error: NotTaken) -> Response:
        return JSONResponse({"detail": str(error)}, 502)

    @app.post("/control/payments")
    async def make_payments(order: Order) -> dict[str, Any]:
        return {"items": await bureau.collect(order)}

    @app.post("/control/release")
    async def release_payments() -> dict[str, Any]:
        return {"items": await bureau.release()}

    @app.get("/control/payments")
    async def list_payments() -> dict[str, Any]:
        return {"items": [_shown(payment) for payment in kept.payments.values()]}

    @app.get("/control/statement")
    async def print_statement(day: date, faults: Annotated[str, Query()] = "") -> Response:
        wanted = frozenset(filter(None, faults.split(",")))
        if wanted - STATEMENT_FAULTS:
            raise HTTPException(422, f"faults: {', '.join(sorted(STATEMENT_FAULTS))}")
        return Response(kept.statement(day, wanted), media_type="text/csv; charset=utf-8")

    @app.get("/healthz")
    async def read_health() -> dict[str, str]:
        return {"status": "ok"}

    app.include_router(refund_router(kept, books.with_name("tax-refunds.jsonl") if books else None, keys))
    app.include_router(assessment_router(partial(is_signed, keys=keys)))
    app.include_router(treasury_router(kept, books.with_name("treasury.jsonl") if books else None, keys))
    return app
