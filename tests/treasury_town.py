"""Payments with its tax bureau and the treasury, each simulated by its own code, in one process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from deploy.local.simulators import tax as simulator
from deploy.local.simulators import treasury_wire
from services.payments import usecases
from services.payments.rules.treasury import Times
from services.payments.store.treasury import times_of
from shared.ids import new_id
from shared.jobs import drain
from tests.payments_town import POOL
from tests.suite import InProcessSuite
from tests.wechat_town import Line

Json = dict[str, Any]
OFFICE = treasury_wire.office_of(POOL)
PAID, POSTED = "2021-12-05", "2021-12-06"
ACCOUNT = {"pool": POOL, "payee_name": "王小明", "account": "6222000000000000001", "bank_no": "102557000015"}


class TreasuryTown:
    """A bureau that collects, a treasury that posts, and clerks who hand its packages in."""

    def __init__(self, databases: Mapping[str, str], keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PAYMENTS_TAX_KEYS", simulator.settings_of(keys))
        monkeypatch.setenv("PAYMENTS_TREASURY", treasury_wire.settings_of("http://treasury", keys))
        monkeypatch.setenv("PAYMENTS_REFUND_ASK_SECONDS", "0.000001")
        self.keys = keys
        self.suite = suite = InProcessSuite(databases, keys, only=())
        app = simulator.create_app(payments="http://payments", keys=keys, transport=suite._transports["payments"])
        self.line = Line(httpx.ASGITransport(app))
        suite._transports["treasury"] = self.line
        suite.apps["payments"] = suite.make_app("payments")
        suite.set_clock("2021-12-06 10:00")
        self.bureau = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tax")
        suite._clients.append(self.bureau)

    @property
    def service(self) -> usecases.Payments:
        service: usecases.Payments = self.suite.apps["payments"].state.service
        return service

    def clerk(
        self, scopes: str = "payments:read payments:write", user: str = "clerk-wang", area: str = "140522"
    ) -> Any:
        return self.suite.client("payments", scopes, user=user, area=area)

    # The bureau and the treasury

    async def collect(self, *items: Json) -> list[Json]:
        """The bureau collects and confirms."""
        whole = [{"paid_at": f"{PAID}T10:00:00+08:00", "amount_fen": 32000, **item} for item in items]
        answer = await self.bureau.post("/control/payments", json={"items": whole})
        assert answer.status_code == 200, answer.text
        found: list[Json] = answer.json()["items"]
        return found

    async def handed_over(self, voucher_no: str, amount_fen: int, posted_on: str = POSTED, pool: str = POOL) -> None:
        """The agency hands a sum over, which the treasury posts."""
        item = {"pool": pool, "posted_on": posted_on, "voucher_no": voucher_no, "amount_fen": amount_fen}
        await self.bureau.post("/control/treasury/postings", json={"items": [item]})

    async def printed(self, message: str = "3126", **params: Any) -> bytes:
        """A package as the treasury prints it."""
        asked = {"pool": POOL, "day": POSTED} | ({"paid_on": PAID} if message == "3126" else {}) | params
        answer = await self.bureau.get(f"/control/treasury/{message}", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.content

    async def hand_in(self, raw: bytes, *, pool: str = POOL, client: httpx.AsyncClient | None = None) -> httpx.Response:
        """A clerk hands a package in."""
        return await (client or self.clerk()).post(
            "/v1/treasury/packages",
            params={"pool": pool, "file_name": "package.xml"},
            content=raw,
            headers={"Idempotency-Key": str(new_id()), "Content-Type": "application/octet-stream"},
        )

    async def post_day(self, **params: Any) -> Json:
        """The treasury's day, handed in whole in one part."""
        answer = await self.hand_in(await self.printed(**params))
        assert answer.status_code == 201, answer.text
        found: Json = answer.json()
        return found

    # What payments says

    async def vouchers(self, **params: Any) -> dict[str, str | None]:
        """Vouchers and what each comes to."""
        answer = await self.clerk().get("/v1/treasury/vouchers", params={"pool": POOL, "limit": 1000, **params})
        assert answer.status_code == 200, answer.text
        return {item["voucher_no"]: item["result"] for item in answer.json()["items"]}

    async def packages(self, **params: Any) -> list[Json]:
        answer = await self.clerk().get("/v1/treasury/packages", params={"pool": POOL, **params})
        items: list[Json] = answer.json()["items"]
        return items

    async def times(self, *collection_ids: str | UUID, pool: str = POOL) -> list[Times]:
        """The times of collections, in their order."""
        ids = [UUID(str(one)) for one in collection_ids]
        async with self.service.database.reading() as tx:
            found = await times_of(tx, pool, ids)
        return [found[one] for one in ids]

    async def post(
        self, path: str, body: Json, client: httpx.AsyncClient | None = None, key: str = ""
    ) -> httpx.Response:
        """A clerk sends a command."""
        headers = {"Idempotency-Key": key or str(new_id())}
        return await (client or self.clerk()).post(path, json=body, headers=headers)

    # Refunds through the treasury

    async def record_account(
        self, application_id: str, version: int | None = None, *, user: str = "clerk-wang", **changes: Any
    ) -> httpx.Response:
        """A clerk records the payee's account, or another one instead of the one read at `version`."""
        headers = {"Idempotency-Key": str(new_id())} | ({"If-Match": f'"{version}"'} if version else {})
        path = f"/v1/refund-accounts/{application_id}"
        client: httpx.AsyncClient = self.clerk(user=user)
        return await client.put(path, json=ACCOUNT | changes, headers=headers)

    async def confirm_account(
        self, application_id: str, version: int | None, *, user: str = "checker-liu", **changes: Any
    ) -> httpx.Response:
        """A second person confirms the account that they read at `version`."""
        headers = {"Idempotency-Key": str(new_id())} | ({"If-Match": f'"{version}"'} if version else {})
        path = f"/v1/refund-accounts/{application_id}/confirm"
        body = {"pool": POOL, **changes}
        client: httpx.AsyncClient = self.clerk("payments:check", user)
        return await client.post(path, json=body, headers=headers)

    async def alarms(self) -> dict[str, int]:
        """Alarms that ring."""
        answer = await self.clerk(area="").get("/v1/alarms")
        return {item["name"]: item["found"] for item in answer.json()["items"] if item["found"]}

    async def work(self) -> None:
        """Run the jobs until none finds work."""
        await drain([job for job in self.suite.apps["payments"].state.jobs if "follow" not in job.name])

    async def broken(self) -> Sequence[Json]:
        found = await self.suite.invariants_broken()
        return [item for items in found.values() for item in items]


@asynccontextmanager
async def open_treasury(
    databases: Mapping[str, str], keys: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TreasuryTown]:
    """The town, at ten on the day after people paid; at the end every invariant holds."""
    town = TreasuryTown(databases, keys, monkeypatch)
    yield town
    assert await town.broken() == []
    await town.suite.close()
