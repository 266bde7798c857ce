"""WeChat Pay (APIv3) as a merchant meets it: signed orders (JSAPI, H5, native), queries, closing, refunds, bills,
platform certificates, and notifications.

What payers do, and what goes wrong, comes in through `/control/…`:

    POST /control/pay        {"out_trade_no", "at"?, "faults"?: […]}   a payer pays an order
         faults: duplicate (notified three times) · delay · reorder (with the next ones) · lost (never notified) ·
         late (paid although closed or expired) · wrong_amount, wrong_mchid, wrong_appid, unknown_order (in the notice)
    POST /control/faults     what goes wrong from now on, see wechat_faults.py; what is not named goes right again
    POST /control/probe      {"kind"?: signtest|old|serial|tampered}   a notification that must be refused; its answer
    POST /control/fates      {"out_trade_no", "refund"}    what becomes of the next refund of an order, as in `Faults`
    POST /control/refunds    {"out_refund_no", "status"}   what becomes of a refund that is being processed
    POST /control/withdrawals {"amount"?, "at"?}           money goes to the merchant's bank account
    POST /control/certificates                             WeChat signs with a new platform certificate
    GET  /control/post                                     what is on its way, and how the last were answered
    GET  /control/statement?day=&kind=&faults=   a bill of a day (ALL, SUCCESS, REFUND, fund_flow), see wechat_bills.py

Business time (success_time, time_expire, days) is the suite's; signatures go by wall time. Books are kept in a file.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import orjson
from fastapi import FastAPI, HTTPException, Query, Request, Response

from deploy.local import places
from deploy.local.clock import suite_clock
from shared.clock import Clock

from .wechat_bills import BILL_FAULTS, TradeType
from .wechat_books import Books
from .wechat_faults import Drawing, Fate, Faults, Payment, Probe, RefundEnd
from .wechat_hall import Hall, Refusal
from .wechat_post import Post
from .wechat_wire import MCHID, Keys, NotSigned


def create_app(
    *,
    keys: Path = places.KEYS,
    books: Path | None = None,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    scale: float = 0.01,
    answer_seconds: float = 5,
) -> FastAPI:
    """WeChat Pay as a web application.

    `transport` stands in for the network to the merchant; `scale` shortens the schedule of notifications. Without a
    lifespan nothing is delivered by itself: `app.state.hall.post.deliver()` does it.
    """
    made = Keys(keys)
    client = httpx.AsyncClient(transport=transport, timeout=5, trust_env=False)
    hall = Hall(Books(books), Post(made, client, scale), made, clock or suite_clock(), answer_seconds)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        postman = asyncio.create_task(hall.post.run())
        yield
        postman.cancel()
        with suppress(asyncio.CancelledError):
            await postman
        await client.aclose()

    app = FastAPI(title="Canbao local WeChat Pay", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.hall = hall
    _serve_merchant(app, hall)
    _serve_bills(app, hall)
    _serve_payers(app, hall)
    _serve_faults(app, hall)

    @app.get("/healthz")
    async def read_health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _serve_merchant(app: FastAPI, hall: Hall) -> None:
    """The routes of APIv3."""

    @app.post("/v3/pay/transactions/{product}")
    async def place_order(request: Request, product: Literal["jsapi", "h5", "native"]) -> Response:
        return await _answered(hall, request, partial(hall.place, product), slow=True)

    @app.get("/v3/pay/transactions/out-trade-no/{number}")
    async def query_order(request: Request, number: str) -> Response:
        return await _answered(hall, request, lambda _: hall.order(number).shown())

    @app.get("/v3/pay/transactions/id/{transaction_id}")
    async def query_payment(request: Request, transaction_id: str) -> Response:
        def find(_: dict[str, Any]) -> dict[str, Any]:
            found = hall.books.by_transaction(transaction_id)
            if found is None:
                raise Refusal(404, "ORDER_NOT_EXIST")
            return found.shown()

        return await _answered(hall, request, find)

    @app.post("/v3/pay/transactions/out-trade-no/{number}/close")
    async def close_order(request: Request, number: str) -> Response:
        return await _answered(hall, request, lambda _: hall.close(number))

    @app.post("/v3/refund/domestic/refunds")
    async def order_refund(request: Request) -> Response:
        return await _answered(hall, request, hall.refund, slow=True)

    @app.get("/v3/refund/domestic/refunds/{number}")
    async def query_refund(request: Request, number: str) -> Response:
        def find(_: dict[str, Any]) -> dict[str, Any]:
            found = hall.books.refunds.get(number)
            if found is None:
                raise Refusal(404, "RESOURCE_NOT_EXISTS")
            return found.shown()

        return await _answered(hall, request, find)

    @app.get("/v3/certificates")
    async def hand_out_certificates(request: Request) -> Response:
        return await _answered(hall, request, lambda _: hall.keys.certificates())


def _serve_bills(app: FastAPI, hall: Hall) -> None:
    """The routes of a day's files."""

    @app.get("/v3/bill/tradebill")
    async def announce_trade_bill(
        request: Request, bill_date: date, bill_type: TradeType = "ALL", tar_type: Literal["GZIP", ""] = ""
    ) -> Response:
        base = str(request.base_url).rstrip("/")
        return await _answered(
            hall, request, lambda _: hall.trade_bill(bill_date, bill_type, base, packed=tar_type == "GZIP")
        )

    @app.get("/v3/bill/fundflowbill")
    async def announce_fund_flow(
        request: Request,
        bill_date: date,
        account_type: Literal["BASIC", "OPERATION", "FEES"] = "BASIC",
        tar_type: Literal["GZIP", ""] = "",
    ) -> Response:
        base = str(request.base_url).rstrip("/")
        return await _answered(
            hall, request, lambda _: hall.fund_flow(bill_date, account_type, base, packed=tar_type == "GZIP")
        )

    @app.get("/v3/billdownload/file")
    async def download_bill(request: Request, token: str) -> Response:
        try:
            _verify(hall, request, await request.body())
        except NotSigned as error:
            return _unsigned(error)
        data = hall.download(token)
        return Response(data) if data is not None else Response(status_code=404)


def _serve_payers(app: FastAPI, hall: Hall) -> None:
    """What payers, banks and WeChat itself do."""

    @app.post("/control/pay")
    async def pay(payment: Payment) -> dict[str, str]:
        try:
            order = hall.pay(payment)
        except Refusal as refusal:
            raise HTTPException(409, refusal.code) from refusal
        return {"transaction_id": order.transaction_id, "success_time": order.success_time}

    @app.post("/control/refunds")
    async def end_refund(end: RefundEnd) -> dict[str, Any]:
        refund = hall.books.refunds.get(end.out_refund_no)
        if refund is None:
            raise HTTPException(404, "no such refund")
        hall.end_refund(refund, end.status)
        return refund.shown()

    @app.post("/control/fates")
    async def decide_fate(fate: Fate) -> Fate:
        hall.fates[fate.out_trade_no] = fate
        return fate

    @app.post("/control/withdrawals")
    async def draw(drawing: Drawing) -> dict[str, Any]:
        try:
            return asdict(hall.draw(drawing))
        except Refusal as refusal:
            raise HTTPException(409, refusal.message) from refusal

    @app.post("/control/certificates")
    async def rotate() -> dict[str, str]:
        return {"serial_no": hall.keys.rotate()}


def _serve_faults(app: FastAPI, hall: Hall) -> None:
    """What goes wrong, and what can be seen of it."""

    @app.post("/control/faults")
    async def arrange(faults: Faults) -> Faults:
        hall.arrange(faults)
        return hall.faults

    @app.post("/control/probe")
    async def probe(wanted: Probe) -> dict[str, int]:
        try:
            return {"status": await hall.probe(wanted.kind)}
        except Refusal as refusal:
            raise HTTPException(409, refusal.code) from refusal

    @app.get("/control/post")
    async def read_post() -> dict[str, Any]:
        waiting = [{"url": letter.url, "attempts": letter.attempts} for letter in hall.post.letters]
        return {"waiting": waiting, "answers": hall.post.answers}

    @app.get("/control/statement")
    async def print_statement(
        day: date, kind: TradeType | Literal["fund_flow"] = "ALL", faults: Annotated[str, Query()] = ""
    ) -> Response:
        wanted = frozenset(filter(None, faults.split(",")))
        if wanted - BILL_FAULTS:
            raise HTTPException(422, f"faults: {', '.join(sorted(BILL_FAULTS))}")
        books = hall.books
        data = books.fund_flow(day, wanted) if kind == "fund_flow" else books.statement(day, wanted, kind)
        return Response(status_code=204) if data is None else Response(data, media_type="text/csv")


async def _answered(
    hall: Hall, request: Request, act: Callable[[dict[str, Any]], Any], *, slow: bool = False
) -> Response:
    """Do what a signed request asks, and sign what comes of it."""
    raw = await request.body()
    try:
        _verify(hall, request, raw)
    except NotSigned as error:
        return _unsigned(error)
    status, answer = 200, None
    try:
        if hall.use_up("system_error"):
            raise Refusal(500, "SYSTEM_ERROR", "系统错误")
        if hall.use_up("frequency_limited"):
            raise Refusal(429, "FREQUENCY_LIMITED", "频率超限")
        if request.query_params.get("mchid", MCHID) != MCHID:
            raise Refusal(400, "PARAM_ERROR", "mchid")
        answer = act(orjson.loads(raw) if raw else {})
    except Refusal as refusal:
        status, answer = refusal.status, {"code": refusal.code, "message": refusal.message, "detail": {}}
    except (KeyError, TypeError, ValueError) as error:
        status, answer = 400, {"code": "PARAM_ERROR", "message": str(error), "detail": {}}
    if slow and status == httpx.codes.OK and hall.use_up("timeout_after_accept"):
        await asyncio.sleep(hall.answer_seconds)
        return Response(status_code=504)
    body = b"" if answer is None else orjson.dumps(answer)
    serial = hall.keys.serial(hall.faults.key_mode, request.headers.get("Wechatpay-Serial", ""))
    code = str(answer.get("code", "")) if status != httpx.codes.OK and answer else ""
    headers = hall.keys.headers(body, serial, error_no=_ERROR_NOS.get(code, 0), flaw=hall.faults.answers)
    return Response(body, 204 if answer is None else status, headers, "application/json")


_ERROR_NOS = {
    "ORDER_NOT_EXIST": 268512771,
    "FREQUENCY_LIMITED": 268447840,
    "PARAM_ERROR": 268435461,
    "ORDERPAID": 268449538,
    "ORDER_CLOSED": 268447914,
    "OUT_TRADE_NO_USED": 268498688,
}
"""What stands behind the last dash of Request-ID."""


def _verify(hall: Hall, request: Request, raw: bytes) -> None:
    """Whether the merchant has signed what came over the wire. Raises NotSigned."""
    query = request.scope["query_string"].decode()
    target = request.scope["raw_path"].decode() + (f"?{query}" if query else "")
    hall.keys.verify(request.headers.get("Authorization", ""), request.method, target, raw)


def _unsigned(error: NotSigned) -> Response:
    """WeChat does not sign the answer to a request that it does not believe."""
    return Response(orjson.dumps({"code": "SIGN_ERROR", "message": str(error)}), 401, media_type="application/json")
