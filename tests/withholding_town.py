"""Agreements, batches and the bank's files about them, made over the API: what `test_withholding` works with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.simulators import bank as simulator
from deploy.local.simulators.wechat_wire import Keys
from services.payments import usecases
from shared.ids import new_id
from tests.bank_town import RCB, Town
from tests.payments_town import POOL, REGION, IssuedBill
from tests.wechat_town import WechatTown

MAKER, CHECKER = "clerk-wang", "chief-li"
SCOPES = "payments:read payments:write payments:check payments:approve"


def terms(bill: IssuedBill, number: str = "P1", **changes: Any) -> dict[str, Any]:
    """What a payer has signed for the person of a bill."""
    return {
        "region": REGION,
        "institution": RCB,
        "agreement_no": number,
        "payer_name": "张三",
        "account": "6222000000000000001",
        "person_ids": [str(bill.person_id)],
        "signed_on": "2021-08-20",
        **changes,
    }


@dataclass
class Desk:
    """Two people at the agency, and the bank behind them."""

    town: Town
    area: str = POOL

    def client(self, user: str = MAKER, *, app: Any = None) -> httpx.AsyncClient:
        """One of them."""
        return self.town.suite.client("payments", SCOPES, user=user, area=self.area, app=app)

    async def post(
        self, path: str, body: dict[str, Any], *, user: str = MAKER, version: int | None = None, app: Any = None
    ) -> httpx.Response:
        """Order something under a new key."""
        headers = {"Idempotency-Key": str(new_id())}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return await self.client(user, app=app).post(path, json={"pool": POOL, **body}, headers=headers)

    async def get(self, path: str, **params: Any) -> Any:
        """Ask for something."""
        answer = await self.client().get(path, params={"pool": POOL, **params})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sign(self, bills: Sequence[IssuedBill], **changes: Any) -> list[dict[str, Any]]:
        """An agreement for each bill's person."""
        made = []
        for at, bill in enumerate(bills, start=1):
            answer = await self.post("/v1/agreements", terms(bill, f"P{at:08d}", **changes))
            assert answer.status_code == 201, answer.text
            made.append(answer.json())
        return made

    async def build(self, day: str = "2021-12-05", *, app: Any = None) -> httpx.Response:
        """Build a batch."""
        return await self.post("/v1/withholdings", {"institution": RCB, "debit_on": day}, app=app)

    async def act(self, batch: dict[str, Any], act: str, *, user: str = CHECKER, app: Any = None) -> httpx.Response:
        """Release or cancel a batch."""
        path = f"/v1/withholdings/{batch['withholding_id']}/{act}"
        return await self.post(path, {}, user=user, version=batch["version"], app=app)

    async def send(self, bills: Sequence[IssuedBill], day: str = "2021-12-05") -> dict[str, Any]:
        """Sign, build, release, and bring the file to the bank."""
        await self.sign(bills)
        return await self.send_again(day)

    async def send_again(self, day: str = "2021-12-05") -> dict[str, Any]:
        """Build and release a batch of what is open, and bring its file to the bank."""
        built = await self.build(day)
        assert built.status_code == 201, built.text
        released = await self.act(built.json(), "release")
        assert released.status_code == 200, released.text
        batch: dict[str, Any] = released.json()
        raw = await self.file(batch)
        answer = await self.town.control_client().put(f"/bank/withholdings/{RCB}/{name(batch)}", content=raw)
        assert answer.status_code == 201, answer.text
        return batch

    async def file(self, batch: dict[str, Any]) -> bytes:
        """The batch's file."""
        path = f"/v1/withholdings/{batch['withholding_id']}/file"
        answer = await self.client(CHECKER).get(path, params={"pool": POOL})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"] == f"attachment; filename={name(batch)}"
        return answer.content

    async def arrange(self, batch: dict[str, Any], **order: Any) -> None:
        """Say what the bank makes of the file."""
        await self.town.control("withholdings", {"institution": RCB, "file_name": name(batch), **order})

    async def printed(self, batch: dict[str, Any], *, final: bool = True, faults: str = "") -> tuple[str, bytes]:
        """What the bank sends back, with its name."""
        params: dict[str, Any] = {"final": final, "faults": faults}
        path = f"/control/withholdings/{RCB}/{name(batch)}"
        answer = await self.town.control_client().get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.headers["content-disposition"].partition("filename=")[2], answer.content

    async def bring(
        self, batch: dict[str, Any], file_name: str, raw: bytes, *, app: Any = None, user: str = MAKER
    ) -> httpx.Response:
        """Hand a file of the bank over."""
        return await self.client(user, app=app).post(
            f"/v1/withholdings/{batch['withholding_id']}/returns",
            params={"pool": POOL, "file_name": file_name},
            content=raw,
            headers={"Idempotency-Key": str(new_id()), "Content-Type": "application/octet-stream"},
        )

    async def answer(self, batch: dict[str, Any], *, final: bool = True, faults: str = "") -> dict[str, Any]:
        """The bank answers, its file is brought and its lines are taken; the file's record."""
        brought = await self.bring(batch, *await self.printed(batch, final=final, faults=faults))
        assert brought.status_code in (200, 201), brought.text
        await self.take()
        return await self.returned(batch, brought.json()["return_no"])

    async def returned(self, batch: dict[str, Any], return_no: int) -> dict[str, Any]:
        """A file's record as it stands."""
        found = (await self.get(f"/v1/withholdings/{batch['withholding_id']}/returns"))["items"]
        one: dict[str, Any] = found[return_no - 1]
        return one

    async def take(self) -> None:
        """What the job does."""
        while await usecases.take_returns(self.town.service):
            pass

    async def batch(self, batch: dict[str, Any]) -> dict[str, Any]:
        """A batch as it stands."""
        found: dict[str, Any] = await self.get(f"/v1/withholdings/{batch['withholding_id']}")
        return found

    async def states(self, batch: dict[str, Any], bills: Sequence[IssuedBill]) -> list[tuple[str, str | None]]:
        """State and outcome of each bill's line."""
        lines = (await self.get(f"/v1/withholdings/{batch['withholding_id']}/lines"))["items"]
        by_bill = {line["bill_no"]: (line["state"], line["outcome"]) for line in lines}
        return [by_bill[bill.bill_no] for bill in bills]


def open_beside_wechat(
    databases: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[WechatTown, Desk]:
    """Payers who may order with WeChat, and the agency that asks their bank."""
    keys = tmp_path / "keys"
    monkeypatch.setenv("PAYMENTS_BANKS", simulator.settings_of(keys, "http://banks"))
    Keys(tmp_path)
    wechat = WechatTown.build(databases, keys, tmp_path, monkeypatch)
    banks = simulator.create_app(biller="http://payments", keys=keys, clock=wechat.suite.clock)
    return wechat, Desk(Town(wechat.suite, keys, banks, simulator.PARTIES))


def name(batch: dict[str, Any]) -> str:
    """The name of a batch's file."""
    return f"{batch['institution']}_{batch['batch_no']}.txt"
