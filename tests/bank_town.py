"""Payments and the simulated banks in one process: the banks' messages go out and come back through ASGI transports."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import orjson
from fastapi import FastAPI

from deploy.local.simulators import bank as simulator
from deploy.local.simulators.bank_wire import FormName, read_message, write_message
from services.payments import usecases
from services.payments.formats.bank import RETURN_CODES
from tests.payments_town import POOL, IssuedBill
from tests.suite import InProcessSuite, _Late

RCB, CCB = "RCB140522", "CCB140500"
DAY = "20211205"
STRANGE = "140522ZZZZZZZZZZZZZZZZ"
"""The number of no bill."""
SUCCESS = "AAAAAAA"


@dataclass
class Town:
    """The suite with its banks."""

    suite: InProcessSuite
    keys: Path
    banks: FastAPI
    parties: Mapping[str, simulator.Party]

    @property
    def service(self) -> usecases.Payments:
        """Payments' parts."""
        service: usecases.Payments = self.suite.apps["payments"].state.service
        return service

    def line(self, institution: str = RCB, *, app: FastAPI | None = None) -> simulator.Line:
        """A bank's line to payments, for messages of a test's own making."""
        transport = httpx.ASGITransport(app or self.suite.apps["payments"], raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://payments")
        self.suite._clients.append(client)
        key = bytes.fromhex(simulator.key_of(institution, self.keys).read_text())
        return simulator.Line(self.parties[institution], key, client)

    async def control(self, path: str, body: Mapping[str, Any]) -> Any:
        """Tell the banks what should happen."""
        answer = await self.control_client().post(f"/control/{path}", json=dict(body))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def control_client(self) -> httpx.AsyncClient:
        """The banks' control API."""
        client = httpx.AsyncClient(transport=httpx.ASGITransport(self.banks), base_url="http://banks")
        self.suite._clients.append(client)
        return client

    async def pay(self, bill: IssuedBill, **changes: Any) -> dict[str, Any]:
        """One payer at the bank."""
        item = {"bill_no": bill.bill_no, "amount_fen": bill.amount_fen, "payer_name": "王小明", **changes}
        [paid] = (await self.control("payments", {"items": [item]}))["items"]
        found: dict[str, Any] = paid
        return found

    async def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """What stands in the database of payments."""
        async with self.service.database.reading() as tx:
            return [dict(row) for row in await tx.rows(sql, **values)]

    async def states(self, seq: str, day: str = DAY) -> tuple[str, str, str]:
        """The three states of a serial: bill, our books, the bank's host."""
        [row] = await self.rows(
            "select third_state, our_state, host_state from bank_journal where bank_seq = :seq "
            "and to_char(bank_date, 'YYYYMMDD') = :day",
            seq=seq,
            day=day,
        )
        return row["third_state"], row["our_state"], row["host_state"]

    async def summary(self) -> dict[str, Any]:
        """What the pool's money came to."""
        answer = await self.suite.client("payments", "payments:read").get("/v1/summary", params={"pool": POOL})
        found: dict[str, Any] = answer.json()
        return found

    async def bill(self, bill: IssuedBill) -> dict[str, Any]:
        """A bill as it stands."""
        client = self.suite.client("payments", "payments:read")
        found: dict[str, Any] = (await client.get(f"/v1/bills/{bill.bill_no}", params={"pool": POOL})).json()
        return found


def build_town(
    databases: Mapping[str, str],
    keys: Path,
    setenv: Any,
    *,
    only: tuple[str, ...] = ("payments",),
    form: FormName | None = None,
    **changes: Any,
) -> Town:
    """Payments (and, where wanted, the other services) with the banks joined to it.

    `form`: all banks write in it; `changes` are further settings of every bank.
    """
    parties = {name: replace(party, form=form or party.form) for name, party in simulator.PARTIES.items()}
    settings = orjson.loads(simulator.settings_of(keys, "http://banks", parties))
    setenv("PAYMENTS_BANKS", orjson.dumps({name: one | changes for name, one in settings.items()}).decode())
    suite = InProcessSuite(databases, keys, only=())
    banks = simulator.create_app(
        biller="http://payments",
        keys=keys,
        clock=suite.clock,
        transport=_Late(suite.apps, "payments"),
        parties=parties,
    )
    suite._transports["bank"] = httpx.ASGITransport(banks)
    for service in only:
        suite.apps[service] = suite.make_app(service)
    suite.set_clock("2021-12-05 10:00")
    return Town(suite, keys, banks, parties)


@asynccontextmanager
async def open_town(
    databases: Mapping[str, str], keys: Path, setenv: Any, *, form: FormName | None = None, **changes: Any
) -> AsyncIterator[Town]:
    """Payments with its banks for one test, at the end of which every invariant must hold."""
    town = build_town(databases, keys, setenv, form=form, **changes)
    yield town
    assert await town.suite.invariants_broken() == {}
    await town.suite.close()


def payment(bill_no: str, amount: str = "320.00", **changes: str) -> dict[str, str]:
    """The body of a payment."""
    body = {
        "company_id": f"YB{POOL}",
        "bill_no": bill_no,
        "pay_amount": amount,
        "payer_name": "王小明",
        "payer_account": "6217001234567890123",
        "pay_time": "20211205100000",
        "sub_channel": "APP",
    }
    return {**body, **changes}


def reversal(seq: str, amount: str = "320.00", day: str = DAY, **changes: str) -> dict[str, str]:
    """The body of a reversal."""
    return {"company_id": f"YB{POOL}", "original_date": day, "original_seq": seq, "pay_amount": amount, **changes}


def serial(seq: str, day: str = DAY) -> dict[str, str]:
    """The body of a question for a serial."""
    return {"company_id": f"YB{POOL}", "original_date": day, "original_seq": seq}


def said(line: simulator.Line, answer: httpx.Response) -> dict[str, Any]:
    """What an answer says, whether or not it bears a code."""
    return read_message(line.form, answer.content)


def code(answer: Mapping[str, Any]) -> str:
    """Our name for an answer's return code."""
    names = {said: name for name, said in RETURN_CODES.items()}
    return str(names[answer["head"]["return_code"]])


def signed(line: simulator.Line, operation: str, seq: str, body: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """The bytes and headers of a message of a test's own making."""
    head = {"institution": line.party.institution, "trans_code": operation.upper(), "trans_date": DAY, "trans_seq": seq}
    raw = write_message(line.form, head, body)
    return raw, {"X-Institution": line.party.institution, "X-Mac": line.mac(raw)}
