"""The banks that collect for payments (销账), on one port: they ask what is owed, pay, reverse, and check the day.

Their messages have a head and a body, all values texts, amounts in yuan, in JSON or in XML with GBK (`bank_wire`);
over the raw bytes stands an HMAC (SM3 or SHA-256) in a header. Batch withholding goes by files (`bank_withholding`).
What the season driver or a test wants to happen comes in through `/control/…`:

    POST /control/payments   {"items": [{institution?, bill_no, amount_fen, payer_name, at?, region?, fault?}]}
         fault: timeout (the line is closed before our answer is read: ask, then send the same again) · duplicate ·
         reverse (paid, then taken back) · reverse_first (the reversal arrives before its payment) · unasked (money is
         taken without asking first)
    POST /control/reversals  {"institution"?, "bill_no", "amount_fen"?}
    POST /control/checks     {"institution"?, "day"}                  day-end check with the bank's own totals
    POST /control/payouts    {"outcome": "accepted|done|failed|unknown", "count"}   what becomes of the next payouts
    GET  /control/statement?institution=&day=&faults=                 the check file; its layout stands in bank_books.py

The biller's orders come to `/bank/payouts` and `/bank/payouts/query`. The bank's books are kept in a file of the local
run, because serials must not begin anew with the process.
"""

import asyncio
import json
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from deploy.local import places
from deploy.local.clock import suite_clock
from shared.clock import Clock

from .bank_books import STATEMENT_FAULTS, Books, Entry, yuan
from .bank_payouts import PayoutOrder, Payouts, serve_biller
from .bank_wire import MEDIA_TYPES, FormName, read_message, write_message
from .bank_withholding import Withholding, serve_withholding

Fault = Literal["timeout", "duplicate", "reverse", "reverse_first", "unasked"]
Answer = Mapping[str, Any]

POOLS = ("140300", "999001", "371302", "150500", "140522", "999002")
_TRIES = 60
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Party:
    """A bank: its digest, what it calls success, and the form in which it writes."""

    institution: str
    digest: Literal["sm3", "sha256"]
    success: str
    form: FormName = "json"


PARTIES = {
    party.institution: party
    for party in (Party("RCB140522", "sm3", "AAAAAAA"), Party("CCB140500", "sha256", "000000", "xml"))
}
DEFAULT = "RCB140522"


class NotAnswered(Exception):
    """The biller did not answer, or not with a right code, however often it was asked."""


class Item(BaseModel):
    """A payer at the bank."""

    institution: str = DEFAULT
    bill_no: str
    amount_fen: int
    payer_name: str
    at: datetime | None = None
    region: str | None = None
    fault: Fault | None = None


class Payments(BaseModel):
    """Payers, one after the other."""

    items: list[Item]


class Reversal(BaseModel):
    """Take back the last payment for a bill."""

    institution: str = DEFAULT
    bill_no: str
    amount_fen: int | None = None


class CheckOrder(BaseModel):
    """End a day."""

    institution: str = DEFAULT
    day: date


def key_of(institution: str, keys: Path = places.KEYS) -> Path:
    """Where the key that a bank shares with payments lies, in hex; made at the first use."""
    path = keys / f"bank-{institution}.key"
    places.kept(path, lambda: secrets.token_hex(32).encode())
    return path


def settings_of(keys: Path = places.KEYS, address: str | None = None, parties: Mapping[str, Party] = PARTIES) -> str:
    """PAYMENTS_BANKS: how payments deals with these banks."""
    url = address or places.address(places.SIMULATOR_PORTS["bank"])
    return json.dumps(
        {
            party.institution: {
                "key": f"file:{key_of(party.institution, keys)}",
                "digest": party.digest,
                "form": party.form,
                "encoding": "gbk" if party.form == "xml" else "utf-8",
                "companies": {f"YB{pool}": pool for pool in POOLS},
                "return_codes": {"accepted": party.success},
                "payouts_url": url,
                "withholding": {},
            }
            for party in parties.values()
        }
    )


class Line:
    """The line to the biller: signed messages out, answers with a right code back."""

    def __init__(self, party: Party, key: bytes, client: httpx.AsyncClient) -> None:
        self.party = party
        self._key, self._client = key, client

    @property
    def form(self) -> str:
        """The form of its messages."""
        return self.party.form

    def mac(self, raw: bytes) -> str:
        """The code over a message."""
        made = HMAC(self._key, hashes.SM3() if self.party.digest == "sm3" else hashes.SHA256())
        made.update(raw)
        return made.finalize().hex().upper()

    async def tell(
        self, operation: str, day: str, seq: str, body: Mapping[str, str], *, hang_up: bool = False
    ) -> Answer:
        """Send a message until it is answered; with `hang_up` the first answer is not waited for.

        Raises NotAnswered.
        """
        head = {"institution": self.party.institution, "trans_code": operation.upper()}
        head |= {"trans_date": day, "trans_seq": seq}
        raw = write_message(self.party.form, head, body)
        headers = {
            "Content-Type": MEDIA_TYPES[self.party.form],
            "X-Institution": self.party.institution,
            "X-Mac-Digest": self.party.digest,
            "X-Mac": self.mac(raw),
        }
        path = f"/v1/channels/bank/{operation}"
        if hang_up:
            await self._hang_up(path, raw, headers)
            result = {"company_id": body["company_id"], "original_date": day, "original_seq": seq}
            await self.tell("result", day, f"R{seq}", result)
        for _ in range(_TRIES):
            try:
                answer = await self._client.post(path, content=raw, headers=headers)
            except httpx.HTTPError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if answer.headers.get("X-Mac", "") == self.mac(answer.content):
                return read_message(self.party.form, answer.content)
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        raise NotAnswered(f"{operation} {seq} was not answered")

    async def _hang_up(self, path: str, raw: bytes, headers: Mapping[str, str]) -> None:
        """Send, and close the line before the answer is read: what became of it is unknown."""
        try:
            limits = httpx.Timeout(5, read=0.001)
            await self._client.post(path, content=raw, headers=dict(headers), timeout=limits)
        except httpx.HTTPError:
            return


class Bank:
    """One bank: its line, its books, its clerks."""

    def __init__(self, line: Line, books: Books, clock: Clock) -> None:
        self.line, self.party = line, line.party
        self._books, self._clock = books, clock

    async def pay(self, item: Item) -> dict[str, Any]:
        """Serve one payer: ask, take the money, tell; with whatever goes wrong on the way."""
        day, company = self._today(), f"YB{item.bill_no[:6]}"
        at = item.at or self._clock.now()
        if item.fault != "unasked":
            refused = await self._ask(item, day, company)
            if refused:
                return {"bill_no": item.bill_no, "outcome": "not_taken", **refused}
        account = f"6217{zlib.crc32(item.payer_name.encode()):012d}"
        seq = self._books.next_seq(self.party.institution, day)
        entry = Entry(self.party.institution, day, seq, "pay", item.bill_no, item.amount_fen, account, "APP")
        self._books.keep(entry)
        if item.fault == "reverse_first":
            await self._reverse(entry)
        body = {
            "company_id": company,
            "bill_no": item.bill_no,
            "pay_amount": yuan(item.amount_fen),
            "payer_name": item.payer_name,
            "payer_account": account,
            "pay_time": f"{at.astimezone(ZoneInfo('Asia/Shanghai')):%Y%m%d%H%M%S}",
            "sub_channel": "APP",
        }
        answer = await self.line.tell("pay", day, seq, body, hang_up=item.fault == "timeout")
        if item.fault == "duplicate":
            again = await self.line.tell("pay", day, seq, body)
            if again != answer:
                raise NotAnswered(f"payment {seq} was answered differently the second time")
        entry.outcome = answer["body"].get("outcome", "")
        if entry.state == "open":
            entry.state = "booked" if self._accepted(answer) else "refused"
        self._books.keep(entry)
        shown = _shown(entry, answer)
        if item.fault == "reverse":
            shown["reversal"] = await self._reverse(entry)
        return shown

    async def reverse(self, order: Reversal) -> dict[str, Any]:
        """Take back the last payment for a bill. Raises HTTPException 404 where there is none."""
        entry = self._books.paid_for(self.party.institution, order.bill_no)
        if entry is None:
            raise HTTPException(404, f"no payment for {order.bill_no} stands")
        return await self._reverse(entry, order.amount_fen)

    async def check(self, day: str) -> dict[str, Any]:
        """End a day: tell the totals of every company, which are those of the books."""
        paid, paid_fen, reversed_, reversed_fen = self._books.totals(self.party.institution, day)
        body = {
            "company_id": f"YB{self._books.pool_of_day(self.party.institution, day) or POOLS[0]}",
            "check_date": day,
            "pay_count": str(paid),
            "pay_amount": yuan(paid_fen),
            "reverse_count": str(reversed_),
            "reverse_amount": yuan(reversed_fen),
            "file_name": f"{self.party.institution}_{day}.txt",
        }
        today = self._today()
        answer = await self.line.tell("check", today, self._books.next_seq(self.party.institution, today), body)
        return {"agreed": self._accepted(answer), **answer["head"], **answer["body"]}

    async def _ask(self, item: Item, day: str, company: str) -> dict[str, Any] | None:
        """Why the money is not taken; None where the biller says that this bill can be paid with this amount."""
        query = {"company_id": company, "bill_key": item.bill_no, "region": item.region or item.bill_no[:6]}
        answer = await self.line.tell("query", day, self._books.next_seq(self.party.institution, day), query)
        if not self._accepted(answer):
            return dict(answer["head"])
        amounts = {bill["bill_no"]: bill["pay_amount"] for bill in answer["body"]["bills"]}
        if amounts.get(item.bill_no) != yuan(item.amount_fen):
            return {"return_code": "bank", "return_message": "金额与应缴不符"}
        return None

    async def _reverse(self, entry: Entry, amount_fen: int | None = None) -> dict[str, Any]:
        day = self._today()
        amount_fen = amount_fen or entry.amount_fen
        seq = self._books.next_seq(self.party.institution, day)
        reversal = Entry(
            self.party.institution, day, seq, "reverse", entry.bill_no, amount_fen, entry.account, entry.sub_channel
        )
        reversal.original_seq = entry.seq
        self._books.keep(reversal)
        body = {
            "company_id": f"YB{entry.bill_no[:6]}",
            "original_date": entry.day,
            "original_seq": entry.seq,
            "pay_amount": yuan(amount_fen),
        }
        answer = await self.line.tell("reverse", day, seq, body)
        if self._accepted(answer):
            never_paid = entry.state == "open"
            reversal.state, entry.state = ("refused", "refused") if never_paid else ("booked", "reversed")
        else:
            reversal.state = "refused"
        self._books.keep(reversal)
        self._books.keep(entry)
        return _shown(reversal, answer)

    def _accepted(self, answer: Answer) -> bool:
        return bool(answer["head"]["return_code"] == self.party.success)

    def _today(self) -> str:
        return f"{self._clock.now().astimezone(ZoneInfo('Asia/Shanghai')):%Y%m%d}"


def _shown(entry: Entry, answer: Answer) -> dict[str, Any]:
    """What the control API says became of a message."""
    serial = {"bank_date": entry.day, "bank_seq": entry.seq, "kind": entry.kind, "bill_no": entry.bill_no}
    said = {name: answer["head"][name] for name in ("return_code", "return_message")}
    return {**answer["body"], **serial, **said, "outcome": answer["body"].get("outcome", "refused")}


def create_app(
    *,
    biller: str = places.address(places.SERVICE_PORTS["payments"]),
    keys: Path = places.KEYS,
    books: Path | None = None,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    parties: Mapping[str, Party] = PARTIES,
) -> FastAPI:
    """The banks as a web application; `transport` stands in for the network in one-process runs."""
    app = FastAPI(title="Canbao local banks", docs_url=None, redoc_url=None, openapi_url=None)
    client = httpx.AsyncClient(base_url=biller, transport=transport, timeout=30, trust_env=False)
    kept, time = Books(books), clock or suite_clock()
    lines = {
        name: Line(party, bytes.fromhex(key_of(name, keys).read_text()), client) for name, party in parties.items()
    }
    banks = {name: Bank(line, kept, time) for name, line in lines.items()}
    payouts = Payouts(kept)
    file_keys = {name: bytes.fromhex(key_of(name, keys).read_text()) for name in parties}
    serve_withholding(app, Withholding(kept, file_keys, time))

    @app.post("/control/payments")
    async def make_payments(orders: Payments) -> dict[str, Any]:
        return {"items": [await banks[item.institution].pay(item) for item in orders.items]}

    @app.post("/control/reversals")
    async def make_reversal(order: Reversal) -> dict[str, Any]:
        return await banks[order.institution].reverse(order)

    @app.post("/control/checks")
    async def make_check(order: CheckOrder) -> dict[str, Any]:
        return await banks[order.institution].check(f"{order.day:%Y%m%d}")

    @app.post("/control/payouts")
    async def arrange_payouts(order: PayoutOrder) -> dict[str, str]:
        payouts.arrange(order)
        return {"status": "ok"}

    @app.get("/control/statement")
    async def print_statement(
        day: date, institution: str = DEFAULT, faults: Annotated[str, Query()] = ""
    ) -> PlainTextResponse:
        wanted = frozenset(filter(None, faults.split(",")))
        if wanted - STATEMENT_FAULTS:
            raise HTTPException(422, f"faults: {', '.join(sorted(STATEMENT_FAULTS))}")
        return PlainTextResponse(kept.statement(institution, f"{day:%Y%m%d}", wanted))

    @app.post("/bank/payouts")
    async def order_payout(request: Request) -> Response:
        return await serve_biller(request, lines, payouts.order)

    @app.post("/bank/payouts/query")
    async def query_payout(request: Request) -> Response:
        return await serve_biller(request, lines, payouts.ask)

    @app.get("/healthz")
    async def read_health() -> dict[str, str]:
        return {"status": "ok"}

    return app
