"""Agents in the field: a device, a ledger, lines with both signatures; heads and finance officers who check."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from deploy.local.season import signing
from shared.database import Database
from shared.ids import new_id
from tests.payments_town import POOL, REGION, IssuedBill
from tests.suite import InProcessSuite

AT = "2021-12-05T10:00:00+08:00"
Line = dict[str, Any]


class Agent:
    """An agent with an open ledger; `app` is another worker of payments."""

    def __init__(self, client: httpx.AsyncClient, name: str, ledger: dict[str, Any]) -> None:
        self.client = client
        self.name = name
        self.ledger = ledger
        self.ledger_id: str = ledger["ledger_id"]
        self.device = signing.Device(name)
        self.hashes: dict[int, str] = {}

    @classmethod
    async def open(
        cls,
        suite: InProcessSuite,
        name: str = "agent-zhang",
        *,
        unit_code: str = "V1",
        region: str = REGION,
        app: Any = None,
    ) -> "Agent":
        """Register the device and open a ledger."""
        client = suite.client("payments", "payments:read payments:write", user=name, area=region, app=app)
        body = {
            "pool": POOL,
            "scheme": "yangcheng-2022",
            "unit_code": unit_code,
            "region": region,
            "agency_name": "沟底村委会",
        }
        answer = await post(client, "/v1/ledgers", body)
        assert answer.status_code == 201, answer.text
        agent = cls(client, name, answer.json())
        key = {"pool": POOL, "public_key": agent.device.public_key, "label": "手机"}
        assert (await post(client, "/v1/agents/devices", key)).status_code in (201, 409)  # one telephone, two ledgers
        return agent

    @property
    def account(self) -> str:
        """The held account of the ledger."""
        return f"held/agent/{self.ledger_id}"

    def pay(self, line_no: int, bill: IssuedBill, *, amount_fen: int | None = None, **other: Any) -> Line:
        """A signed payment line: the payer by an image, the agent by the device."""
        line = {
            "kind": "payment",
            "line_no": line_no,
            "bill_no": bill.bill_no,
            "amount_fen": amount_fen or bill.amount_fen,
            "payer_name": "王小明",
            "payer_id": None,
            "paid_at": AT,
            "method": "wechat",
            **other,
        }
        return self.sign(line, payer=line["payer_name"])

    def contrary(self, line_no: int, contrary_of: int, *, payer: str = "王小明") -> Line:
        """A signed contrary line."""
        line = {"kind": "contrary", "line_no": line_no, "contrary_of": contrary_of, "reason": "应为其弟缴费"}
        return self.sign(line, payer=payer)

    def spoil(self, line_no: int, *, receipt_no: str | None = None) -> Line:
        """A signed spoiled number, and the spoiled paper with it."""
        return self.sign(
            {"kind": "spoiled", "line_no": line_no, "reason": "漏页", "receipt_no": receipt_no}, payer=None
        )

    def sign(self, line: Line, *, payer: str | None) -> Line:
        """Put both signatures under a line."""
        self.hashes[line["line_no"]] = signing.line_hash(POOL, self.ledger_id, line)
        return self.device.signed_line(
            POOL, self.ledger_id, line, agent=self.name, payer=payer, signed_at=AT, payer_image="oss://payer.jpg"
        )

    async def send(self, lines: Sequence[Line], *, key: str | None = None) -> list[dict[str, Any]]:
        """Send lines; what became of each."""
        answer = await self.post_lines(lines, key=key)
        assert answer.status_code == 201, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def post_lines(self, lines: Sequence[Line], *, key: str | None = None) -> httpx.Response:
        """Send lines; the raw answer."""
        return await post(self.client, f"/v1/ledgers/{self.ledger_id}/lines", {"pool": POOL, "lines": lines}, key=key)

    async def totals(self) -> dict[str, Any]:
        """The foot of the ledger."""
        answer = await self.client.get(f"/v1/ledgers/{self.ledger_id}/totals", params={"pool": POOL})
        return dict(answer.json())

    async def slip(self, items: Sequence[dict[str, Any]], **other: Any) -> httpx.Response:
        """Hand over the money of these line results, to the town unless `to` says otherwise."""
        body = {
            "pool": POOL,
            "from_account": self.account,
            "to": "town",
            "receipts": [item["receipt_no"] for item in items if item["receipt_no"]],
            "collections": [item["collection_id"] for item in items if not item["receipt_no"]],
            "total_fen": 32000 * len(items),
            "paid_on": "2021-12-05",
            "bank_reference": f"bank-{new_id()}",
            **other,
        }
        return await post(self.client, "/v1/remittances", body)


async def open_connections(suite: InProcessSuite, *, app: Any = None, count: int = 12) -> None:
    """Let a worker open its connections first: requests that come at once are then at once in the database, too."""
    database: Database = (app or suite.apps["payments"]).state.database

    async def hold() -> None:
        async with database.reading() as tx:
            await tx.value("select cast(pg_sleep(0.1) as text)")

    await asyncio.gather(*[hold() for _ in range(count)])


async def post(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], *, key: str | None = None, version: int | None = None
) -> httpx.Response:
    """POST under a fresh key; with If-Match where a version is given."""
    headers = {"Idempotency-Key": key or str(new_id())}
    if version is not None:
        headers["If-Match"] = f'"{version}"'
    return await client.post(path, json=body, headers=headers)


def checker(suite: InProcessSuite, user: str, *, area: str = POOL, app: Any = None) -> httpx.AsyncClient:
    """Somebody who checks: the head of an agency, a town's or the county's finance officer."""
    scopes = "payments:read payments:write payments:check"
    return suite.client("payments", scopes, user=user, area=area, app=app)


async def close(suite: InProcessSuite, agent: Agent, *, user: str = "head-li", **other: Any) -> httpx.Response:
    """The head verifies the ledger by its foot and signs; `other` replaces what is stated."""
    head = checker(suite, user, area=REGION)
    totals = await agent.totals()
    signature = {"signer": user, "signed_at": AT, "ledger_hash": totals["ledger_hash"], "image_ref": "oss://head.jpg"}
    body = {
        "pool": POOL,
        "payments_count": totals["payments"]["count"],
        "contrary_count": totals["contrary"]["count"],
        "collected_fen": totals["collected_fen"],
        **{name: value for name, value in other.items() if name not in ("version", "signature")},
        "signature": signature | other.get("signature", {}),
    }
    version = other.get("version", totals["version"])
    return await post(head, f"/v1/ledgers/{agent.ledger_id}/close", body, version=version)


async def check(
    client: httpx.AsyncClient, slip: dict[str, Any], *, result: str = "confirmed", version: int = 1
) -> httpx.Response:
    """Confirm or reject a slip."""
    body = {"pool": POOL, "result": result, "note": "看过银行回单"}
    return await post(client, f"/v1/remittances/{slip['remittance_id']}/check", body, version=version)


async def balances(suite: InProcessSuite, *, as_of: str | None = None) -> dict[str, int]:
    """The accounts of the pool that are not zero."""
    params = {"pool": POOL, **({"as_of": as_of} if as_of else {})}
    answer = await suite.client("payments", "payments:read").get("/v1/accounts", params=params)
    return {row["account"]: row["balance_fen"] for row in answer.json()["items"] if row["balance_fen"]}


async def summary(suite: InProcessSuite) -> dict[str, Any]:
    """What the pool's money came to."""
    answer = await suite.client("payments", "payments:read").get("/v1/summary", params={"pool": POOL})
    answer.raise_for_status()
    return dict(answer.json())
