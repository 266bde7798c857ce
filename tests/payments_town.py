"""Bills without the other services: payments learns them from events as registration tells them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx

from services.payments import rules, usecases
from shared.clock import SHANGHAI
from shared.events import Event
from shared.ids import new_id
from tests.suite import InProcessSuite

POOL = "140522"
REGION = "140522108200"
WINDOW = {
    "from": "2021-09-01",
    "to": "2021-12-25",
    "first_day": 1,
    "last_day": 25,
    "rules": ["S004-06", "S004-08"],
    "day_rules": ["S004-07"],
}


@dataclass
class IssuedBill:
    """A bill as the test knows it."""

    bill_no: str
    person_id: UUID
    amount_fen: int


async def issue_bills(
    suite: InProcessSuite,
    amounts: Sequence[int],
    *,
    standard_fen: int = 32000,
    name_masked: str | None = None,
    pool: str = POOL,
) -> list[IssuedBill]:
    """Tell payments of assessments with these payable amounts; the fund pays the rest."""
    issued, events = [], []
    for seq, amount_fen in enumerate(amounts, start=1):
        assessment_id, person_id = new_id(), new_id()
        lines = [
            {"payer": "person", "amount_fen": amount_fen, "status": None, "rules": ["S004-09"]},
            {
                "payer": "medical_assistance_fund",
                "amount_fen": standard_fen - amount_fen,
                "status": "dibao",
                "rules": [],
            },
        ]
        data: dict[str, Any] = {
            "assessment_id": str(assessment_id),
            "scheme": "yangcheng-2022",
            "person_id": str(person_id),
            "unit_code": "V1",
            "region": REGION,
            "standard_fen": standard_fen,
            "payable_fen": amount_fen,
            "lines": [line for line in lines if line["amount_fen"]],
            "window": WINDOW,
            "name_masked": name_masked,
        }
        at = datetime(2021, 9, 1, 8, tzinfo=SHANGHAI)
        events.append(Event(pool, seq, "assessment.issued", str(assessment_id), 1, at, data))
        issued.append(IssuedBill(rules.bill_number(pool, str(assessment_id)), person_id, amount_fen))
    service: usecases.Payments = suite.apps["payments"].state.service
    async with service.database.writing() as tx:
        await usecases.learn_assessments(tx, pool, events)
    return issued


def trace_of(name: str) -> str:
    """The trace number of a slip that a test calls so."""
    return f"{int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) % 1_000_000:06d}"


def slip(name: str, *, at: str = "2021-12-05T10:00:00+08:00") -> dict[str, str]:
    """A slip of terminal T1."""
    return {"terminal_no": "T1", "batch_no": "000001", "trace_no": trace_of(name), "paid_at": at}


class Counter:
    """A clerk with an open shift."""

    def __init__(self, client: httpx.AsyncClient, shift: dict[str, Any]) -> None:
        self.client = client
        self.shift = shift

    @classmethod
    async def open(
        cls, suite: InProcessSuite, *, code: str = "HALL01", clerk: str = "clerk-wang", app: Any = None
    ) -> "Counter":
        """Open a shift with 500 yuan in the drawer."""
        client = suite.client("payments", "payments:read payments:write", user=clerk, area="140522", app=app)
        answer = await client.post(
            "/v1/shifts",
            json={"pool": POOL, "counter_code": code, "region": "140522108", "opening_float_fen": 50000},
            headers={"Idempotency-Key": f"open-{code}-{new_id()}"},
        )
        assert answer.status_code == 201, answer.text
        return cls(client, answer.json())

    async def take(
        self,
        bills: Sequence[IssuedBill],
        *,
        pos: str | None = None,
        key: str | None = None,
        amount_fen: int | None = None,
    ) -> httpx.Response:
        """Take money for bills; `pos` is what the test calls a slip, otherwise cash."""
        clock = datetime.fromisoformat("2021-12-05T10:00:00+08:00")
        body: dict[str, Any] = {
            "pool": POOL,
            "shift_id": self.shift["shift_id"],
            "method": "pos" if pos else "cash",
            "payer_name": "王小明",
            "items": [{"bill_no": bill.bill_no, "amount_fen": amount_fen or bill.amount_fen} for bill in bills],
        }
        if pos:
            body["pos"] = slip(pos, at=clock.isoformat())
        return await self.client.post(
            "/v1/counter/payments", json=body, headers={"Idempotency-Key": key or str(new_id())}
        )

    async def close(self, counted_fen: int, version: int = 1) -> httpx.Response:
        """Count the drawer and close."""
        return await self.client.post(
            f"/v1/shifts/{self.shift['shift_id']}/close",
            json={"pool": POOL, "counted_cash_fen": counted_fen},
            headers={"Idempotency-Key": str(new_id()), "If-Match": f'"{version}"'},
        )
