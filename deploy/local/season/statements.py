"""Reconciliation: the channels' day statements are handed in, and what does not fit is resolved by two persons."""

import asyncio
import time
from collections import Counter
from typing import Any

from .notebook import Notebook
from .parties import POOL
from .simulators import Simulators
from .wire import Unexpected, Wire

Act = dict[str, Any]
_SIMULATOR = {"wechat": "wechat", "bank": "bank", "etax": "tax"}
_TAKING_SECONDS = 120.0
_POLL_SECONDS = 0.2
_READER = "reconciler-a"


class Statements:
    """Statements and exceptions."""

    def __init__(self, wire: Wire, notebook: Notebook, simulators: Simulators) -> None:
        self._wire = wire
        self._notebook = notebook
        self._simulators = simulators

    async def hand_in(self, act: Act) -> None:
        """Fetch the channel's file of a day, and hand it in as it is."""
        asked = {"day": act["day"], "faults": ",".join(act.get("faults", []))}
        if act["institution"]:
            asked["institution"] = act["institution"]
        content = await self._simulators.statement(_SIMULATOR[act["channel"]], **asked)
        if content is None:
            self._notebook.surprise(act["n"], f"{act['channel']} prints no statement for {act['day']}")
            return
        params = {
            "pool": POOL,
            "channel": act["channel"],
            "institution": act["institution"],
            "day": act["day"],
            "file_name": f"{act['channel']}-{act['day']}.txt",
        }
        key = f"act-{act['n']}"
        reply = await self._wire.post("payments", act["by"], "/v1/statements", key=key, content=content, params=params)
        if "wrong_amount" in act.get("faults", []):
            await self._until_found(f"/v1/statements/{reply.body['statement_id']}")

    async def _until_found(self, path: str) -> None:
        """Wait until what is wrong in a file has been found: the channel sends a better one only then."""
        deadline = time.monotonic() + _TAKING_SECONDS
        while not (await self._wire.get("payments", _READER, path, pool=POOL)).body["breaks_open"]:
            if time.monotonic() > deadline:
                raise Unexpected(f"nothing was found in {path} within {_TAKING_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def judge_statements(self, act: Act) -> None:
        """A second person sends back the files whose totals are not those of their lines."""
        await self.all_taken()
        async for statement in self._statements("differs"):
            path = f"/v1/statements/{statement['statement_id']}/check"
            body = {"pool": POOL, "result": "rejected", "note": "文件不完整，渠道重新发送"}
            key, etag = f"act-{act['n']}-{statement['statement_id']}", f'"{statement["version"]}"'
            await self._wire.post("payments", act["by"], path, key=key, body=body, if_match=etag)

    async def propose(self, act: Act) -> None:
        """Say what is to be done about every open exception."""
        await self.all_taken()
        async for found in self._exceptions("open"):
            path = f"/v1/exceptions/{found['exception_id']}/propose"
            body = {"pool": POOL, "resolution": "ignore", "reason": "已与渠道核实，渠道文件有误"}
            key, etag = f"act-{act['n']}-{found['exception_id']}", f'"{found["version"]}"'
            await self._wire.post("payments", act["by"], path, key=key, body=body, if_match=etag)

    async def approve(self, act: Act) -> None:
        """A second person approves."""
        async for found in self._exceptions("proposed"):
            path = f"/v1/exceptions/{found['exception_id']}/approve"
            body = {"pool": POOL, "result": "approved", "note": "同意"}
            key, etag = f"act-{act['n']}-{found['exception_id']}", f'"{found["version"]}"'
            await self._wire.post("payments", act["by"], path, key=key, body=body, if_match=etag)

    async def all_taken(self) -> None:
        """Wait until every statement that was handed in has been read to its end."""
        deadline = time.monotonic() + _TAKING_SECONDS
        while True:
            params = {"pool": POOL, "state": "received", "limit": 1}
            if not (await self._wire.get("payments", _READER, "/v1/statements", **params)).body["items"]:
                return
            if time.monotonic() > deadline:
                raise Unexpected(f"a statement was not taken in within {_TAKING_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)

    async def kinds(self) -> Counter[str]:
        """How many exceptions of each kind there have been, and how they ended."""
        found = self._wire.items("payments", _READER, "/v1/exceptions", pool=POOL)
        return Counter([f"{each['kind']} ({each['state']})" async for each in found])

    def _statements(self, state: str) -> Any:
        return self._wire.items("payments", _READER, "/v1/statements", pool=POOL, state=state)

    def _exceptions(self, state: str) -> Any:
        return self._wire.items("payments", _READER, "/v1/exceptions", pool=POOL, state=state)
