"""Payments and refunds with every channel that can pay money back, each simulated by its own code, in one process."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deploy.local.simulators import bank as bank_simulator
from deploy.local.simulators import tax as tax_simulator
from deploy.local.simulators import tax_refunds
from deploy.local.simulators import wechat as wechat_simulator
from deploy.local.simulators.wechat_wire import settings_of as wechat_settings
from services.payments import usecases
from shared.ids import new_id
from shared.jobs import drain
from tests.payments_agents import Agent
from tests.payments_town import POOL, Counter, issue_bills
from tests.registration_town import publish_package
from tests.suite import ORDER, InProcessSuite
from tests.wechat_town import Line, WechatTown

Json = dict[str, Any]
FEN = 32000


class RoutesTown:
    """Bills that somebody has paid at a counter and once more through a channel."""

    def __init__(
        self, databases: dict[str, str], folder: Path, wechat_keys: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = folder / "keys"
        monkeypatch.setenv(
            "PAYMENTS_WECHAT",
            wechat_settings(wechat_keys, address="http://wechat", notify="http://payments", pause_seconds=0),
        )
        monkeypatch.setenv("PAYMENTS_BANKS", bank_simulator.settings_of(keys, "http://banks"))
        monkeypatch.setenv("PAYMENTS_TAX_KEYS", tax_simulator.settings_of(keys))
        monkeypatch.setenv("PAYMENTS_TAX_OFFICE", tax_refunds.office_settings("http://tax", keys))
        self.suite = suite = InProcessSuite(databases, keys, only=())
        late = suite._transports["payments"]
        self.wechat_app: FastAPI = wechat_simulator.create_app(
            keys=wechat_keys, clock=suite.clock, transport=late, scale=0, answer_seconds=0
        )
        banks = bank_simulator.create_app(biller="http://payments", keys=keys, clock=suite.clock, transport=late)
        tax = tax_simulator.create_app(payments="http://payments", keys=keys, transport=late)
        self.lines = {
            "wechat": Line(httpx.ASGITransport(self.wechat_app)),
            "bank": Line(httpx.ASGITransport(banks)),
            "tax": Line(httpx.ASGITransport(tax)),
        }
        suite._transports |= self.lines
        self.banks, self.tax = self._control(banks, "http://banks"), self._control(tax, "http://tax")
        for service in ORDER:
            suite.apps[service] = suite.make_app(service)
        self.wechat = WechatTown(suite, self.wechat_app, self.lines["wechat"], wechat_keys)
        suite.set_clock("2021-12-05 10:00")
        self._counter: Counter | None = None

    def _control(self, app: FastAPI, address: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=address)
        self.suite._clients.append(client)
        return client

    async def open(self) -> None:
        """Publish the package: refunds asks what it states."""
        await publish_package(self.suite)

    @property
    def service(self) -> usecases.Payments:
        """Payments' parts."""
        service: usecases.Payments = self.suite.apps["payments"].state.service
        return service

    async def counter(self) -> Counter:
        """A clerk with an open shift."""
        if self._counter is None:
            self._counter = await Counter.open(self.suite)
        return self._counter

    # Money that comes twice

    async def paid_twice(self, channel: str) -> Json:
        """Somebody pays at the counter and, unasked, once more through a channel; the application that this opens."""
        [bill] = await issue_bills(self.suite, [FEN])
        order = await self.wechat.ordered(bill) if channel == "wechat" else None
        assert (await (await self.counter()).take([bill])).status_code == 201
        if order:
            await self.wechat.pay(order, faults=["late"])  # WeChat closed it, and the payer paid all the same
        elif channel == "bank":
            item = {"bill_no": bill.bill_no, "amount_fen": FEN, "payer_name": "王小明", "fault": "unasked"}
            assert (await self.banks.post("/control/payments", json={"items": [item]})).status_code == 200
        elif channel == "etax":
            item = {"bill_no": bill.bill_no, "amount_fen": FEN, "paid_at": "2021-12-05T10:00:00+08:00"}
            assert (await self.tax.post("/control/payments", json={"items": [item]})).status_code == 200
        elif channel == "agent":
            agent = await Agent.open(self.suite)
            [line] = await agent.send([agent.pay(1, bill)])
            assert line["outcome"] == "surplus", line
        else:
            assert (await (await self.counter()).take([bill], pos=str(new_id())[:20])).status_code == 201
        await self.follow()
        found = await self.applications(person_id=str(bill.person_id))
        assert [(one["ground"], one["amount_fen"]) for one in found] == [("paid_twice", FEN)]
        return found[0]

    # The agency

    async def applications(self, **params: Any) -> list[Json]:
        """Applications as refunds shows them."""
        client = self.suite.client("refunds", "refunds:read")
        found: list[Json] = (await client.get("/v1/applications", params={"pool": POOL, **params})).json()["items"]
        return found

    async def read(self, application: Json) -> Json:
        """An application as it stands."""
        path = f"/v1/applications/{application['application_id']}"
        found: Json = (await self.suite.client("refunds", "refunds:read").get(path, params={"pool": POOL})).json()
        return found

    async def step(self, application: Json, step: str, by: str, body: Json, scope: str = "") -> httpx.Response:
        """One step of somebody's."""
        client = self.suite.client("refunds", f"refunds:{scope or step}", user=by)
        headers = {"Idempotency-Key": str(new_id()), "If-Match": f'"{application["version"]}"'}
        path = f"/v1/applications/{application['application_id']}/{step}"
        return await client.post(path, json={"pool": POOL, **body}, headers=headers)

    async def approved(self, application: Json) -> Json:
        """Check and decide by two people."""
        checked = await self.step(application, "check", "checker", {"result": "confirmed"})
        decided = await self.step(checked.json(), "decide", "decider", {"result": "approved"}, "approve")
        assert decided.status_code == 200, decided.text
        found: Json = decided.json()
        return found

    async def pay(self, application: Json, method: str, by: str = "clerk-wang") -> httpx.Response:
        """Pay an approved application."""
        body: Json = {"method": method}
        if method in ("cash", "pos_return"):
            body["shift_id"] = (await self.counter()).shift["shift_id"]
        return await self.step(application, "pay", by, body)

    async def paying(self, channel: str, method: str = "") -> Json:
        """An application whose payout payments has taken and no channel has heard of yet."""
        answer = await self.pay(await self.approved(await self.paid_twice(channel)), method or channel)
        assert (answer.status_code, answer.json()["payout_state"]) == (202, "submitted"), answer.text
        found: Json = answer.json()
        return found

    # Time

    async def follow(self) -> None:
        """Let refunds learn the news of payments; the bills are invented, so registration is left out."""
        await drain(self.suite.apps["refunds"].state.jobs)

    async def tick(self) -> bool:
        """It is time to submit, or to ask about, every refund once; then everybody hears of it."""
        async with self.service.database.writing() as tx:
            await tx.execute("update refund set asked_at = now() - interval '1 day' where asked_at is not null")
        worked = False
        for _ in range(100):
            if not await usecases.ask_refunds(self.service):
                break
            worked = True
        await self.wechat.deliver()
        await self.follow()
        return worked

    async def refund(self, application: Json) -> Json:
        """The refund of an application as payments shows it."""
        client = self.suite.client("payments", "payments:read")
        path = f"/v1/refunds/{application['refund_id']}"
        found: Json = (await client.get(path, params={"pool": POOL})).json()
        return found

    async def account(self, name: str) -> int:
        """The balance of an account."""
        answer = await self.suite.client("payments", "payments:read").get("/v1/accounts", params={"pool": POOL})
        balances = {item["account"]: item["balance_fen"] for item in answer.json()["items"]}
        return int(balances.get(name, 0))

    async def summary(self) -> Json:
        """What the pool's money came to."""
        client = self.suite.client("payments", "payments:read")
        found: Json = (await client.get("/v1/summary", params={"pool": POOL})).json()
        return found
