"""Payments alone, as the tax bureau meets it."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.payments.usecases import Payments
from tests.payments_town import POOL
from tests.suite import InProcessSuite
from tests.tax_bureau import Bureau, Channel


class Town:
    """Payments as the tax bureau meets it."""

    def __init__(self, suite: InProcessSuite, bureau: Bureau) -> None:
        self.suite = suite
        self.bureau = bureau
        self.app = suite.apps["payments"]
        self.channel = Channel(suite.client("payments"), bureau)

    async def summary(self, pool: str = POOL) -> dict[str, Any]:
        answer = await self.suite.client("payments", "payments:read").get("/v1/summary", params={"pool": pool})
        found: dict[str, Any] = answer.json()
        return found

    async def collections(self, bill_no: str, pool: str = POOL) -> list[dict[str, Any]]:
        client = self.suite.client("payments", "payments:read")
        answer = await client.get("/v1/collections", params={"pool": pool, "bill_no": bill_no})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def count(self, what: str) -> int:
        service: Payments = self.app.state.service
        async with service.database.reading() as tx:
            return int(await tx.value(f"select count(*) from {what}"))


def keys_of(*bureaus: Bureau) -> str:
    """PAYMENTS_TAX_KEYS."""
    return json.dumps({bureau.key_id: bureau.public_pem for bureau in bureaus})


@asynccontextmanager
async def open_town(databases: Mapping[str, str], keys: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    """Payments with one bureau whose key it knows, at six in the evening; at the end every invariant holds."""
    bureau = Bureau()
    monkeypatch.setenv("PAYMENTS_TAX_KEYS", keys_of(bureau))
    suite = InProcessSuite(databases, keys, only=("payments",))
    suite.set_clock("2021-12-05 18:00")
    yield Town(suite, bureau)
    assert await suite.invariants_broken() == {}
    await suite.close()
