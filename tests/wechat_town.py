"""Payments and a simulated WeChat Pay in one process, joined by ASGI transports; a test says when the post comes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deploy.local.simulators import wechat as wechat_simulator
from deploy.local.simulators.wechat_hall import Hall
from deploy.local.simulators.wechat_wire import settings_of
from services.payments import usecases
from services.payments.clients.wechat import NOTIFICATIONS
from shared.ids import new_id
from tests.payments_town import POOL, IssuedBill
from tests.suite import InProcessSuite

Json = dict[str, Any]
Hook = Callable[[httpx.Request], Awaitable[None] | None]


class Line(httpx.AsyncBaseTransport):
    """The line to WeChat, which a test can disturb: `before` a call gets there, `after` it was carried out."""

    def __init__(self, through: httpx.AsyncBaseTransport) -> None:
        self._through = through
        self.before: Hook = lambda _: None
        self.after: Hook = lambda _: None
        self.calls: list[str] = []
        """What was asked, as `POST create`, in order."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(_name(request))
        await _done(self.before(request))
        answer = await self._through.handle_async_request(request)
        await _done(self.after(request))
        return answer

    def mend(self) -> None:
        """Undisturbed again."""
        self.before = self.after = lambda _: None

    def cut(self, *names: str) -> None:
        """The answers to these calls do not come back."""

        def lose(request: httpx.Request) -> None:
            if _name(request) in names:
                raise httpx.ReadTimeout("no answer", request=request)

        self.after = lose

    def kill(self, name: str) -> None:
        """The process dies after WeChat has taken this call."""

        def die(request: httpx.Request) -> None:
            if _name(request) == name:
                raise RuntimeError("the process was killed")

        self.after = die


async def _done(hook: Awaitable[None] | None) -> None:
    if hook is not None:
        await hook


def _name(request: httpx.Request) -> str:
    path = request.url.path
    if path.endswith(("/jsapi", "/h5", "/native")):
        return "create"
    if path.endswith("/close"):
        return "close"
    if "/refund/" in path:
        return "refund" if request.method == "POST" else "query_refund"
    return "bill" if "bill" in path else "query"


@dataclass
class WechatTown:
    """The suite with its merchant number."""

    suite: InProcessSuite
    simulator: FastAPI
    line: Line
    keys: Path

    @classmethod
    def build(
        cls, databases: dict[str, str], keys: Path, wechat_keys: Path, monkeypatch: pytest.MonkeyPatch
    ) -> "WechatTown":
        """Payments alone, with WeChat Pay behind a line."""
        wanted = settings_of(wechat_keys, address="http://wechat", notify="http://payments", pause_seconds=0)
        monkeypatch.setenv("PAYMENTS_WECHAT", wanted)
        suite = InProcessSuite(databases, keys, only=())
        app = wechat_simulator.create_app(
            keys=wechat_keys, clock=suite.clock, transport=suite._transports["payments"], scale=0, answer_seconds=0
        )
        line = Line(httpx.ASGITransport(app))
        suite._transports["wechat"] = line
        suite.apps["payments"] = suite.make_app("payments")
        suite.set_clock("2021-12-05 10:00")
        return cls(suite, app, line, wechat_keys)

    @property
    def service(self) -> usecases.Payments:
        """Payments' parts."""
        service: usecases.Payments = self.suite.apps["payments"].state.service
        return service

    @property
    def hall(self) -> Hall:
        """WeChat's own knowledge."""
        hall: Hall = self.simulator.state.hall
        return hall

    def client(self, scopes: str = "payments:read payments:write", **more: Any) -> httpx.AsyncClient:
        """The payer's application."""
        return self.suite.client("payments", scopes, **more)

    async def order(
        self, bill: IssuedBill, *, key: str = "", app: FastAPI | None = None, **changes: Any
    ) -> httpx.Response:
        """A payer wants to pay a bill."""
        body = {
            "pool": POOL,
            "bill_no": bill.bill_no,
            "channel": "wechat",
            "openid": "oUpF8uMuAJO",
            "payer_name": "王小明",
        }
        return await self.client(app=app).post(
            "/v1/orders", json=body | changes, headers={"Idempotency-Key": key or str(new_id())}
        )

    async def ordered(self, bill: IssuedBill, **changes: Any) -> Json:
        """The order of a payer, which is open."""
        answer = await self.order(bill, **changes)
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        assert found["status"] == "open"
        return found

    async def read(self, order: Json) -> Json:
        """An order as it stands."""
        answer = await self.client().get(f"/v1/orders/{order['order_no']}", params={"pool": POOL})
        assert answer.headers["ETag"] == f'"{answer.json()["version"]}"', answer.text
        found: Json = answer.json()
        return found

    async def close(self, order: Json, *, key: str = "") -> httpx.Response:
        """The payer does not want it any more."""
        return await self.client().post(
            f"/v1/orders/{order['order_no']}/close",
            json={"pool": POOL},
            headers={"Idempotency-Key": key or str(new_id()), "If-Match": f'"{order["version"]}"'},
        )

    async def control(self, path: str, **body: Any) -> Json:
        """Tell WeChat what should happen."""
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.simulator), base_url="http://wechat") as client:
            answer = await client.post(f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def pay(self, order: Json, *, deliver: bool = True, faults: Sequence[str] = ()) -> str:
        """The payer pays; WeChat's number of the payment."""
        paid = await self.control("pay", out_trade_no=order["order_no"], faults=list(faults))
        if deliver:
            await self.deliver()
        number: str = paid["transaction_id"]
        return number

    async def deliver(self, rounds: int = 30) -> list[int]:
        """Deliver every notification, and those that are repeated; how they were answered."""
        self.hall.post.answers.clear()
        for _ in range(rounds):
            if not await self.hall.post.deliver(everything=True):
                break
        return list(self.hall.post.answers)

    async def notify(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Send bytes to payments as WeChat would."""
        return await self.suite.client("payments").post(NOTIFICATIONS, content=body, headers=headers)

    async def tick(self) -> None:
        """It is time to ask about every order; jobs run until they have nothing left to do."""
        async with self.service.database.writing() as tx:
            await tx.execute("update channel_order set ask_at = now() - interval '1 second'")
            await tx.execute(
                "update channel_message set entered_at = now() - interval '1 minute' where status = 'received'"
            )
        await usecases.close_superseded_orders(self.service)
        await usecases.ask_orders(self.service)
        await usecases.apply_messages(self.service)

    async def rows(self, sql: str, **values: Any) -> list[Json]:
        """What stands in the database of payments."""
        async with self.service.database.reading() as tx:
            return [dict(row) for row in await tx.rows(sql, **values)]

    async def summary(self) -> Json:
        """What the pool's money came to."""
        answer = await self.client("payments:read").get("/v1/summary", params={"pool": POOL})
        found: Json = answer.json()
        return found

    async def outcomes(self) -> list[tuple[str, str | None]]:
        """What became of all money, in the order it was booked."""
        rows = await self.rows("select outcome, reason from collection order by collection_id")
        return [(row["outcome"], row["reason"]) for row in rows]
