"""Reconciliation: the channels' day statements are handed in, and what does not fit is resolved by two persons."""

import asyncio
import time
from collections import Counter
from typing import Any

from deploy.local.town.channels import UNIONPAY

from .agents import Agents
from .notebook import Notebook
from .simulators import Simulators
from .terminals import Terminals
from .wire import Unexpected, Wire

Act = dict[str, Any]
_SIMULATOR = {"wechat": "wechat", "bank": "bank", "etax": "tax"}
_REASONS = {
    "ignore": "已与渠道核实，渠道文件有误",
    "book": "税务局已收款，确认报文未送达",
    "correct": "税务局确认报文金额有误，以对账单为准",
    "reverse": "税务局确认报文有误，并未收款",
}
_TAKING_SECONDS = 120.0
_POLL_SECONDS = 0.2
_READER = "reconciler-a"


class Statements:
    """Statements and exceptions."""

    def __init__(
        self, wire: Wire, notebook: Notebook, simulators: Simulators, agents: Agents, terminals: Terminals
    ) -> None:
        self._wire = wire
        self._notebook = notebook
        self._simulators = simulators
        self._agents = agents
        self._terminals = terminals

    async def hand_in(self, act: Act) -> None:
        """Fetch the channel's file of a day, and hand it in as it is."""
        institution, content = await self._printed(act)
        if content is None:
            self._notebook.surprise(act["n"], f"{act['channel']} prints no statement for {act['day']}")
            return
        params = {
            "pool": self._wire.pool,
            "channel": act["channel"],
            "institution": institution,
            "day": act["day"],
            "file_name": f"{act['channel']}-{act['day']}.txt",
        }
        key = f"act-{act['n']}"
        reply = await self._wire.post("payments", act["by"], "/v1/statements", key=key, content=content, params=params)
        if "wrong_amount" in act.get("faults", []):
            await self._until_found(f"/v1/statements/{reply.body['statement_id']}")

    async def _printed(self, act: Act) -> tuple[str, bytes | None]:
        """Who a file is from, and the file; None where there is none."""
        if act["channel"] == "counter":
            return "", self._terminals.statement(act["day"])
        if act["channel"] == "agent":
            return self._agents.statement(act["institution"], act["day"])
        asked = {"day": act["day"], "faults": ",".join(act.get("faults", []))}
        if act["institution"]:
            asked["institution"] = act["institution"]
        simulator = "unionpay" if act["institution"] == UNIONPAY else _SIMULATOR[act["channel"]]
        return act["institution"], await self._simulators.statement(simulator, **asked)

    async def _until_found(self, path: str) -> None:
        """Wait until what is wrong in a file has been found: the channel sends a better one only then."""
        deadline = time.monotonic() + _TAKING_SECONDS
        while not (await self._wire.get("payments", _READER, path, pool=self._wire.pool)).body["breaks_open"]:
            if time.monotonic() > deadline:
                raise Unexpected(f"nothing was found in {path} within {_TAKING_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def judge_statements(self, act: Act) -> None:
        """A second person sends back the files whose totals are not those of their lines."""
        await self.all_taken()
        async for statement in self._statements("differs"):
            path = f"/v1/statements/{statement['statement_id']}/check"
            body = {"pool": self._wire.pool, "result": "rejected", "note": "文件不完整，渠道重新发送"}
            key, etag = f"act-{act['n']}-{statement['statement_id']}", f'"{statement["version"]}"'
            await self._wire.post("payments", act["by"], path, key=key, body=body, if_match=etag)

    async def propose(self, act: Act) -> None:
        """Say what is to be done about every open exception: as planned, and of all others nothing."""
        await self.all_taken()
        planned = {self._about(item): item["resolution"] for item in act["items"]}
        async for found in self._exceptions("open"):
            path = f"/v1/exceptions/{found['exception_id']}/propose"
            wanted = planned.pop(
                (found["channel"], found["day"], found["order_no"] or found["collection_id"]), "ignore"
            )
            body = {"pool": self._wire.pool, "resolution": wanted, "reason": _REASONS[wanted]}
            key, etag = f"act-{act['n']}-{found['exception_id']}", f'"{found["version"]}"'
            await self._wire.post("payments", act["by"], path, key=key, body=body, if_match=etag)
        if planned:
            self._notebook.surprise(act["n"], f"nothing was found of {', '.join(map(str, planned))}")

    def _about(self, item: Act) -> tuple[str, str, str]:
        """How the exception is known: by the bill that its line names; money that stands on no line, by itself."""
        if item["resolution"] == "reverse":
            return item["channel"], item["day"], self._notebook.money[item["insured"], "settled"]
        return item["channel"], item["day"], self._notebook.slip(item["insured"]).bill_no

    async def approve(self, act: Act) -> None:
        """A second person approves."""
        async for found in self._exceptions("proposed"):
            path = f"/v1/exceptions/{found['exception_id']}/approve"
            body = {"pool": self._wire.pool, "result": "approved", "note": "同意"}
            key, etag = f"act-{act['n']}-{found['exception_id']}", f'"{found["version"]}"'
            await self._wire.post("payments", act["by"], path, key=key, body=body, if_match=etag)

    async def all_taken(self) -> None:
        """Wait until every statement that was handed in has been read to its end and looked over."""
        deadline = time.monotonic() + _TAKING_SECONDS
        about = {"pool": self._wire.pool}
        while (await self._wire.get("payments", _READER, "/v1/reconciliation", **about)).body["statements_due"]:
            if time.monotonic() > deadline:
                raise Unexpected(f"statements were not looked over within {_TAKING_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def kinds(self) -> Counter[str]:
        """How many exceptions of each kind there have been, and how they ended."""
        found = self._wire.items("payments", _READER, "/v1/exceptions", pool=self._wire.pool)
        return Counter([f"{each['kind']} ({each['state']})" async for each in found])

    def _statements(self, state: str) -> Any:
        return self._wire.items("payments", _READER, "/v1/statements", pool=self._wire.pool, state=state)

    def _exceptions(self, state: str) -> Any:
        return self._wire.items("payments", _READER, "/v1/exceptions", pool=self._wire.pool, state=state)
