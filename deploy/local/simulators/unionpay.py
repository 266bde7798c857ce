"""UnionPay's gateway (ACP 5.1.0) as a merchant meets it: signed forms, a code to scan, notifications, the day's file.

What payers do, and what goes wrong, comes in through `/control/…`:

    POST /control/pay        {"order_no", "at"?, "faults"?: […]}   a payer pays; GET /qr/<code> is a page that does it
         faults: duplicate (notified three times) · delay · lost (never notified) · late (paid though its time is over)
         · refused (by the card; can be paid again) · unknown (05 until it is paid once more) · tampered, wrong_amount,
         wrong_merchant, wrong_order (in the notice)
    POST /control/faults     what goes wrong from now on, see `Faults`; what is not named goes right again
    GET  /control/statement?day=&faults=   the zip of a day; layout and faults stand in unionpay_books.py

Business time is the suite's; certificates go by wall time. Books are kept in a file.
"""

import asyncio
import html
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

import httpx
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel

from deploy.local import places
from deploy.local.clock import suite_clock
from shared.clock import Clock

from .unionpay_books import SHANGHAI, STATEMENT_FAULTS, Books, Trade, accounting_day, file_content
from .unionpay_wire import MERCHANT, CertificateMode, Keys, NotSigned

PAYMENT_FAULTS = frozenset(
    {
        *("duplicate", "delay", "lost", "late", "refused", "unknown"),
        *("tampered", "wrong_amount", "wrong_merchant", "wrong_order"),
    }
)
_SCHEDULE = (60, 120, 240, 900)  # seconds between the attempts of a notification


class Faults(BaseModel):
    """What goes wrong. Numbers count down: so many of the next calls; codes are used up one by one."""

    unknown: list[str] = []  # 03, 04, 05: the answer's code; what was asked is done all the same
    undone: list[str] = []  # any code: the answer's code, and nothing was done
    timeout_after_accept: int = 0  # what was asked is done, the answer never comes
    certificate: CertificateMode = ""  # whom the answers and notices claim to be of
    another_answer: int = 0  # a genuine answer about another transaction
    delay_seconds: float = 0
    back: str = "00"  # what becomes of money given back, as a query tells: 00, 05 (not known yet), another (failed)
    statement: list[str] = []


class Payment(BaseModel):
    """A payer pays."""

    order_no: str
    at: datetime | None = None
    faults: list[str] = []


@dataclass
class Letter:
    """A notification on its way: the same bytes in every attempt."""

    url: str
    body: bytes
    due: float
    attempts: int = 0


class Gateway:
    """The merchant's gateway: what is asked, done and told."""

    def __init__(self, books: Books, keys: Keys, clock: Clock, client: httpx.AsyncClient, scale: float) -> None:
        self.books, self.keys, self.clock = books, keys, clock
        self.faults = Faults()
        self.letters: list[Letter] = []
        self.answers: list[int] = []
        """How the last notifications were answered."""
        self._client, self._scale = client, scale

    def handle(self, fields: dict[str, str]) -> dict[str, str]:
        """Do what a form asks; the fields of the answer."""
        if self.faults.undone:
            return {"respCode": self.faults.undone.pop(0), "respMsg": "失败"}
        act = {"01": self._purchase, "31": self._give_back, "04": self._give_back, "00": self._query, "76": self._file}
        done = act.get(fields["txnType"])
        answer = {"respCode": "00", "respMsg": "成功"} | (done(fields) if done else {"respCode": "10"})
        if self.faults.unknown and answer["respCode"] == "00":
            return {"respCode": self.faults.unknown.pop(0), "respMsg": "状态不明"}
        return answer

    def pay(self, payment: Payment) -> Trade:
        """A payer pays a purchase; the merchant is told. Raises HTTPException."""
        trade = next((each for each in self.books.trades.values() if each.order_no == payment.order_no), None)
        at, faults = payment.at or self.clock.now(), set(payment.faults)
        if trade is None or trade.txn_type != "01":
            raise HTTPException(404, "no such purchase")
        if trade.code == "00" or (trade.fields["payTimeout"] < _time(at) and "late" not in faults):
            raise HTTPException(409, "paid already, or its time is over")
        if faults & {"refused", "unknown"}:
            trade.code = "51" if "refused" in faults else "05"
            self.books.keep(trade)
            return trade
        self.books.happen(trade, at)
        if "lost" not in faults:
            self.notify(trade, faults)
        return trade

    def notify(self, trade: Trade, faults: set[str]) -> None:
        """Put a notification on its way."""
        told = {name: trade.fields[name] for name in _ECHOED if name in trade.fields}
        told |= {**trade.result(), "respCode": "00", "respMsg": "success"}
        told |= {"txnAmt": str(trade.amount - 100)} if "wrong_amount" in faults else {}
        told |= {"merId": "777290058110098"} if "wrong_merchant" in faults else {}
        told |= {"orderId": f"{trade.order_no[:6]}{'Y' * 26}"} if "wrong_order" in faults else {}
        signed = self.keys.signed(told, self.faults.certificate)
        signed |= {"txnAmt": "1"} if "tampered" in faults else {}
        delay = self.faults.delay_seconds + (60 if "delay" in faults else 0)
        letter = Letter(trade.fields["backUrl"], urlencode(signed).encode(), time.monotonic() + delay * self._scale)
        self.letters += [Letter(letter.url, letter.body, letter.due) for _ in range(3 if "duplicate" in faults else 1)]

    async def deliver(self, *, everything: bool = False) -> int:
        """Send what is due, or everything; how many were sent."""
        due = [letter for letter in self.letters if everything or letter.due <= time.monotonic()]
        for letter in due:
            self.letters.remove(letter)
        await asyncio.gather(*(self._attempt(letter) for letter in due))
        return len(due)

    async def _attempt(self, letter: Letter) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        try:
            status = (await self._client.post(letter.url, content=letter.body, headers=headers)).status_code
        except httpx.HTTPError:
            status = 0
        self.answers = [*self.answers[-999:], status]
        if status != httpx.codes.OK and letter.attempts < len(_SCHEDULE):
            letter.due = time.monotonic() + _SCHEDULE[letter.attempts] * self._scale
            letter.attempts += 1
            self.letters.append(letter)

    def _purchase(self, fields: dict[str, str]) -> dict[str, str]:
        known = self.books.trades.get((fields["orderId"], fields["txnTime"]))
        if known is None:
            if fields["payTimeout"] < _time(self.clock.now()) or int(fields["txnAmt"]) < 1:
                return {"respCode": "10", "respMsg": "payTimeout 或 txnAmt"}
            self.books.keep(Trade(fields["orderId"], fields["txnTime"], "01", fields))
        elif known.code or {**known.fields, "signature": ""} != {**fields, "signature": ""}:
            return {"respCode": "12", "respMsg": "重复交易"}
        return {"qrCode": f"https://qr.95516.com/00010000/{fields['orderId']}"}

    def _give_back(self, fields: dict[str, str]) -> dict[str, str]:
        if (fields["orderId"], fields["txnTime"]) in self.books.trades:
            return {"respCode": "12", "respMsg": "重复交易"}
        original, now, amount = self.books.by_query_id(fields["origQryId"]), self.clock.now(), int(fields["txnAmt"])
        if original is None:
            return {"respCode": "34", "respMsg": "查无此交易"}
        undoing = fields["txnType"] == "31"
        back_fen = self.books.given_back(original.query_id)
        if undoing and (original.settled_on != accounting_day(now).isoformat() or amount != original.amount):
            return {"respCode": "39", "respMsg": "交易不在受理时间范围内"}
        if back_fen + amount > original.amount:
            return {"respCode": "36", "respMsg": "交易金额超限"}
        trade = Trade(fields["orderId"], fields["txnTime"], fields["txnType"], fields, original=original.query_id)
        self.books.happen(trade, now, self.faults.back)
        if trade.code == "00":
            self.notify(trade, set())
        return {"queryId": trade.query_id}

    def _query(self, fields: dict[str, str]) -> dict[str, str]:
        trade = self.books.trades.get((fields["orderId"], fields["txnTime"]))
        if trade is None or not trade.code:  # nobody has scanned it yet
            return {"respCode": "34", "respMsg": "查无此交易"}
        return {**trade.result(), "origRespCode": trade.code, "origRespMsg": ""}

    def _file(self, fields: dict[str, str]) -> dict[str, str]:
        today = accounting_day(self.clock.now())
        month_day = fields["settleDate"]
        days = [date(year, int(month_day[:2]), int(month_day[2:])) for year in (today.year, today.year - 1)]
        day = next(each for each in days if each <= today)
        data = self.books.day_file(day, MERCHANT, self.faults.statement) if day < today else None
        if data is None:
            return {"respCode": "98", "respMsg": "文件不存在"}
        return {"fileName": f"{MERCHANT}_{day:%Y%m%d}.zip", "fileContent": file_content(data)}


def create_app(
    *,
    keys: Path = places.KEYS,
    books: Path | None = None,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    scale: float = 0.01,
    answer_seconds: float = 5,
) -> FastAPI:
    """UnionPay as a web application.

    `transport` stands in for the network to the merchant; `scale` shortens the schedule of notifications. Without a
    lifespan nothing is delivered by itself: `app.state.gateway.deliver()` does it.
    """
    client = httpx.AsyncClient(transport=transport, timeout=5, trust_env=False)
    gateway = Gateway(Books(books), Keys(keys), clock or suite_clock(), client, scale)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        postman = asyncio.create_task(_deliver(gateway))
        yield
        postman.cancel()
        with suppress(asyncio.CancelledError):
            await postman
        await client.aclose()

    app = FastAPI(title="Canbao local UnionPay", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.gateway = gateway
    _serve_merchant(app, gateway, answer_seconds)
    _serve_payers(app, gateway)

    @app.get("/healthz")
    async def read_health() -> dict[str, str]:
        return {"status": "ok"}

    return app


async def _deliver(gateway: Gateway) -> None:
    while True:
        if not await gateway.deliver():
            await asyncio.sleep(0.05)


def _serve_merchant(app: FastAPI, gateway: Gateway, answer_seconds: float) -> None:
    """The gateway's own routes."""

    @app.post("/gateway/api/backTransReq.do")
    @app.post("/gateway/api/queryTrans.do")
    @app.post("/")
    async def answer(request: Request) -> Response:
        asked = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        try:
            gateway.keys.verify(asked)
            done = gateway.handle(asked)
        except NotSigned as error:
            done = {"respCode": "11", "respMsg": f"验证签名失败: {error}"}
        except (KeyError, ValueError) as error:
            done = {"respCode": "10", "respMsg": f"报文格式错误: {error}"}
        if gateway.faults.timeout_after_accept and asked.get("txnType") != "00":
            gateway.faults.timeout_after_accept -= 1
            await asyncio.sleep(answer_seconds)
            return Response(status_code=504)
        told = {name: asked[name] for name in _ECHOED if name in asked} | done
        if gateway.faults.another_answer:
            gateway.faults.another_answer -= 1
            told["orderId"] = "ANOTHERORDER0001"
        signed = gateway.keys.signed(told, gateway.faults.certificate)
        return Response("&".join(f"{name}={text}" for name, text in signed.items()), media_type="text/html")

    @app.post("/gateway/api/frontTransReq.do")
    async def take_form(request: Request) -> Response:
        asked = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        try:
            gateway.keys.verify(asked)
        except NotSigned as error:
            return HTMLResponse(f"<p>验证签名失败: {error}</p>", 400)
        done = gateway.handle(asked)
        if done["respCode"] != "00":
            return HTMLResponse(f"<p>{done['respCode']} {done['respMsg']}</p>", 400)
        return RedirectResponse(f"/qr/{asked['orderId']}", 303)


def _serve_payers(app: FastAPI, gateway: Gateway) -> None:
    """What payers do and what goes wrong."""

    @app.get("/qr/{order_no}")
    async def show(order_no: str) -> HTMLResponse:
        trade = next((each for each in gateway.books.trades.values() if each.order_no == order_no), None)
        if trade is None:
            return HTMLResponse("<p>无此订单</p>", 404)
        state = "已支付" if trade.code == "00" else "<form method=post><button>支付</button></form>"
        return HTMLResponse(f"<p>{html.escape(order_no)}：{trade.amount / 100:.2f} 元</p>{state}")

    @app.post("/qr/{order_no}")
    async def pay_by_page(order_no: str) -> HTMLResponse:
        gateway.pay(Payment(order_no=order_no))
        return HTMLResponse("<p>支付成功</p>")

    @app.post("/control/pay")
    async def pay(payment: Payment) -> dict[str, str]:
        if unknown := set(payment.faults) - PAYMENT_FAULTS:
            raise HTTPException(422, f"no such faults: {', '.join(sorted(unknown))}")
        trade = gateway.pay(payment)
        return {"query_id": trade.query_id, "code": trade.code}

    @app.post("/control/faults")
    async def arrange(faults: Faults) -> Faults:
        gateway.faults = faults
        return faults

    @app.get("/control/statement")
    async def print_statement(day: date, faults: Annotated[str, Query()] = "") -> Response:
        wanted = frozenset(filter(None, faults.split(",")))
        if wanted - STATEMENT_FAULTS:
            raise HTTPException(422, f"faults: {', '.join(sorted(STATEMENT_FAULTS))}")
        data = gateway.books.day_file(day, MERCHANT, wanted)
        return Response(status_code=204) if data is None else Response(data, media_type="application/zip")


def _time(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y%m%d%H%M%S}"


_ECHOED = (
    *("version", "encoding", "signMethod", "txnType", "txnSubType", "bizType", "accessType", "merId"),
    *("orderId", "txnTime"),
)
