"""Payments with a simulated UnionPay, and WeChat Pay beside it, in one process; a test says when the post comes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from fastapi import FastAPI

from deploy.local.simulators import unionpay as simulator
from deploy.local.simulators import wechat as wechat_simulator
from deploy.local.simulators import wechat_wire
from deploy.local.simulators.unionpay_books import Trade
from deploy.local.simulators.unionpay_wire import settings_of
from services.payments import usecases
from services.payments.clients.unionpay import NOTIFICATIONS
from shared.ids import new_id
from tests.payments_town import POOL, IssuedBill
from tests.suite import InProcessSuite
from tests.wechat_town import Line as WechatLine
from tests.wechat_town import WechatTown

Json = dict[str, Any]
_NAMES = {"00": "query", "01": "create", "04": "refund", "31": "void", "76": "bill"}


class Line(httpx.AsyncBaseTransport):
    """The line to UnionPay, which a test can disturb: calls named in `lost` are carried out and never answered."""

    def __init__(self, through: httpx.AsyncBaseTransport) -> None:
        self._through = through
        self.calls: list[str] = []
        self.lost: set[str] = set()
        self.deadly: set[str] = set()
        """The process dies after these calls were carried out."""
        self.meanwhile: dict[str, Callable[[], Awaitable[Any]]] = {}
        """What happens elsewhere while these calls are on their way back."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = _NAMES[dict(parse_qsl(request.content.decode()))["txnType"]]
        self.calls.append(name)
        answer = await self._through.handle_async_request(request)
        if name in self.meanwhile:
            await self.meanwhile[name]()
        if name in self.deadly:
            raise RuntimeError("the process was killed")
        if name in self.lost:
            raise httpx.ReadTimeout("no answer", request=request)
        return answer


@dataclass
class UnionPayTown:
    """Payments alone, UnionPay and WeChat Pay behind lines."""

    suite: InProcessSuite
    gateway: simulator.Gateway
    simulator: FastAPI
    line: Line
    wechat: WechatTown
    keys: Path
    paid: list[Json] = field(default_factory=list)

    @classmethod
    def build(
        cls, databases: dict[str, str], keys: Path, channel_keys: Path, monkeypatch: pytest.MonkeyPatch, **more: Any
    ) -> "UnionPayTown":
        """Payments alone, with both channels set up."""
        wanted = settings_of(channel_keys, address="http://unionpay", notify="http://payments", **more)
        monkeypatch.setenv("PAYMENTS_UNIONPAY", wanted)
        wechat_wanted = wechat_wire.settings_of(
            channel_keys, address="http://wechat", notify="http://payments", pause_seconds=0
        )
        monkeypatch.setenv("PAYMENTS_WECHAT", wechat_wanted)
        suite = InProcessSuite(databases, keys, only=())
        to_payments = suite._transports["payments"]
        app = simulator.create_app(
            keys=channel_keys, clock=suite.clock, transport=to_payments, scale=0, answer_seconds=0
        )
        wechat_app = wechat_simulator.create_app(
            keys=channel_keys, clock=suite.clock, transport=to_payments, scale=0, answer_seconds=0
        )
        line, wechat_line = Line(httpx.ASGITransport(app)), WechatLine(httpx.ASGITransport(wechat_app))
        suite._transports |= {"unionpay": line, "wechat": wechat_line}
        suite.apps["payments"] = suite.make_app("payments")
        suite.set_clock("2021-12-05 10:00")
        wechat = WechatTown(suite, wechat_app, wechat_line, channel_keys)
        return cls(suite, app.state.gateway, app, line, wechat, channel_keys)

    @property
    def service(self) -> usecases.Payments:
        """Payments' parts."""
        service: usecases.Payments = self.suite.apps["payments"].state.service
        return service

    async def order(self, bill: IssuedBill, *, key: str = "", **changes: Any) -> httpx.Response:
        """A payer wants to pay a bill by UnionPay."""
        body = {
            "pool": POOL,
            "bill_no": bill.bill_no,
            "channel": "unionpay",
            "product": "native",
            "payer_name": "王小明",
        }
        client = self.suite.client("payments", "payments:read payments:write")
        return await client.post("/v1/orders", json=body | changes, headers={"Idempotency-Key": key or str(new_id())})

    async def ordered(self, bill: IssuedBill, **changes: Any) -> Json:
        """The order of a payer, which is open."""
        answer = await self.order(bill, **changes)
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        assert found["status"] == "open"
        return found

    async def control(self, path: str, **body: Any) -> Json:
        """Tell UnionPay what should happen."""
        transport = httpx.ASGITransport(self.simulator)
        async with httpx.AsyncClient(transport=transport, base_url="http://unionpay") as client:
            answer = await client.post(f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def pay(self, order: Json, *, deliver: bool = True, faults: Sequence[str] = ()) -> str:
        """The payer pays; UnionPay's number of the payment."""
        paid = await self.control("pay", order_no=order["order_no"], faults=list(faults))
        if deliver:
            await self.deliver()
        number: str = paid["query_id"]
        return number

    async def deliver(self, rounds: int = 10) -> list[int]:
        """Deliver every notification, and those that are repeated; how they were answered."""
        self.gateway.answers.clear()
        for _ in range(rounds):
            if not await self.gateway.deliver(everything=True):
                break
        return list(self.gateway.answers)

    async def notify(self, body: bytes, app: FastAPI | None = None) -> httpx.Response:
        """Send bytes to payments as UnionPay would."""
        return await self.suite.client("payments", app=app).post(NOTIFICATIONS, content=body)

    async def tick(self) -> None:
        """It is time to ask about every order and refund; jobs run until they have nothing left to do."""
        async with self.service.database.writing() as tx:
            await tx.execute("update channel_order set ask_at = now() - interval '1 second'")
            await tx.execute("update refund set asked_at = now() - interval '2 hours' where state <> 'settled'")
            await tx.execute(
                "update channel_message set entered_at = now() - interval '1 minute' where status = 'received'"
            )
        await usecases.close_superseded_orders(self.service)
        await usecases.ask_orders(self.service)
        await usecases.apply_messages(self.service)
        while await usecases.ask_refunds(self.service):
            pass

    async def rows(self, sql: str, **values: Any) -> list[Json]:
        """What stands in the database of payments."""
        return await self.wechat.rows(sql, **values)

    async def read(self, order: Json) -> Json:
        """An order as it stands."""
        return await self.wechat.read(order)

    async def outcomes(self) -> list[tuple[str, str | None]]:
        """What became of all money, in the order it was booked."""
        return await self.wechat.outcomes()

    def trades(self, txn_type: str) -> list[Trade]:
        """What UnionPay has carried out or heard of."""
        return [each for each in self.gateway.books.trades.values() if each.txn_type == txn_type]
