"""A counter that takes money, and the people around its receipts."""

from typing import Any

import httpx
from sqlalchemy import text

from services.payments import usecases
from shared.database import Database
from shared.ids import new_id
from tests.payments_town import POOL, Counter, IssuedBill, issue_bills
from tests.suite import InProcessSuite

BOOK = "HALL01"
READ, WRITE, CHECK = "payments:read", "payments:read payments:write", "payments:read payments:check"


def key(**more: str) -> dict[str, str]:
    """A fresh Idempotency-Key, and other headers."""
    return {"Idempotency-Key": str(new_id()), **more}


class Desk:
    """A counter that takes money, and the people around it."""

    def __init__(self, suite: InProcessSuite) -> None:
        self.suite = suite
        self.clerk = suite.client("payments", WRITE, user="clerk-wang", area="140522")
        self.chief = suite.client("payments", CHECK, user="chief-li", area="140522")
        self.service: usecases.Payments = suite.apps["payments"].state.service
        self.database: Database = self.service.database
        self.bills: list[IssuedBill] = []

    @classmethod
    async def open(cls, suite: InProcessSuite, bills: int = 3) -> "Desk":
        """A desk that has taken 320 yuan for each of so many bills on 5 December."""
        suite.set_clock("2021-12-05 10:00")
        desk = cls(suite)
        desk.bills = await issue_bills(suite, [32000] * bills, name_masked="李*娃")
        desk.counter = await Counter.open(suite)
        if bills:
            assert (await desk.counter.take(desk.bills)).status_code == 201
        return desk

    counter: Counter

    async def receipt(self, receipt_no: str = f"{BOOK}-00000001") -> dict[str, Any]:
        """A receipt as its JSON has it."""
        answer = await self.clerk.get(f"/v1/receipts/{receipt_no}", params={"pool": POOL})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ask(self, receipt_no: str = f"{BOOK}-00000001", **more: Any) -> httpx.Response:
        """The clerk asks for a receipt to be cancelled."""
        body = {"pool": POOL, "reason": "缴费人姓名印错", **more}
        return await self.clerk.post(f"/v1/receipts/{receipt_no}/cancellations", json=body, headers=key())

    async def check(self, asked: httpx.Response, *, by: httpx.AsyncClient | None = None, **more: Any) -> httpx.Response:
        """A second person judges the request."""
        assert asked.status_code == 201, asked.text
        body = {"pool": POOL, "result": "confirmed", **more}
        url = f"/v1/receipt-cancellations/{asked.json()['cancellation_id']}/check"
        return await (by or self.chief).post(url, json=body, headers=key(**{"If-Match": '"1"'}))

    async def hand_out(
        self, *, count: int = 5, first: str = "0000000001", code: str = "14990121", book: str = BOOK
    ) -> Any:
        """The officer hands out printed forms."""
        body = {"pool": POOL, "book_code": book, "fiscal_code": code, "first_number": first, "count": count}
        return await self.chief.post("/v1/receipt-segments", json=body, headers=key())

    async def segments(self) -> list[dict[str, Any]]:
        """The stock report."""
        answer = await self.chief.get("/v1/receipt-segments", params={"pool": POOL})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def summary(self) -> dict[str, Any]:
        """Receipts of the pool."""
        answer = await self.clerk.get("/v1/summary", params={"pool": POOL})
        found: dict[str, Any] = answer.json()["receipts"]
        return found

    async def run(self, sql: str, **values: Any) -> list[Any]:
        """Run a statement behind the service's back; its rows."""
        async with self.database.engine.begin() as connection:
            await connection.execute(text("set local guards.off = 'on'"))
            result = await connection.execute(text(sql), values)
            return list(result.mappings().all()) if result.returns_rows else []
