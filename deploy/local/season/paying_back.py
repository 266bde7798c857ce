"""Paying back: what came twice is found by the system, checked, decided and paid by three people (S004-29…32)."""

import asyncio
import time
from typing import Any

from .notebook import Notebook
from .parties import POOL
from .wire import Unexpected, Wire

Act = dict[str, Any]
_PAYING_SECONDS = 60.0
_POLL_SECONDS = 0.1


class PayingBack:
    """Applications for refunds."""

    def __init__(self, wire: Wire, notebook: Notebook) -> None:
        self._wire = wire
        self._notebook = notebook

    async def learn_applications(self, scheme: str) -> None:
        """The checker's list: every application that waits for a check."""
        applications = self._wire.items(
            "refunds", "refund-checker", "/v1/applications", pool=POOL, scheme=scheme, state="requested"
        )
        async for application in applications:
            self._notebook.cases[application["person_id"]] = application["application_id"]

    async def check_refund(self, act: Act) -> None:
        """Somebody confirms that the premium came twice."""
        await self._step(act, "check", {"result": "confirmed"})

    async def decide_refund(self, act: Act) -> None:
        """Somebody else approves."""
        await self._step(act, "decide", {"result": "approved"})

    async def pay_refund(self, act: Act) -> None:
        """A cashier pays it back over the counter, or it goes back through its channel; done when the case says so."""
        drawer = self._notebook.drawers[act["counter"], act["shift_day"]] if act["counter"] else None
        body = {"shift_id": drawer.shift_id if drawer else None, "method": act["method"]}
        application = await self._step(act, "pay", body)
        path = f"/v1/applications/{application['application_id']}"
        deadline = time.monotonic() + _PAYING_SECONDS
        while application["state"] != "paid":
            if application["state"] != "paying" or time.monotonic() > deadline:
                raise Unexpected(f"refunds {path}: {application['state']} instead of paid")
            await asyncio.sleep(_POLL_SECONDS)
            application = (await self._wire.get("refunds", act["by"], path, pool=POOL)).body
        if drawer and act["method"] == "cash":
            drawer.cash_fen -= application["amount_fen"]

    async def request_refund(self, act: Act) -> None:
        """Somebody asks after the window, and is told on the spot why not (S004-30, S004-32)."""
        body = {
            "pool": POOL,
            "scheme": act["scheme"],
            "collection_id": self._notebook.settled[act["insured"]],
            "ground": act["ground"],
            "applicant": {"name": act["applicant_name"]},
        }
        reply = await self._wire.post("refunds", act["by"], "/v1/applications", key=f"act-{act['n']}", body=body)
        codes = {reason["code"] for reason in reply.body["reasons"]}
        if reply.body["state"] != "refused" or "outside_window" not in codes:
            self._notebook.surprise(act["n"], f"asked too late, but {reply.body['state']}: {sorted(codes)}")

    async def _step(self, act: Act, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """One step of somebody's case."""
        path = f"/v1/applications/{self._notebook.cases[self._notebook.persons[act['insured']]]}"
        standing = await self._wire.get("refunds", act["by"], path, pool=POOL)
        reply = await self._wire.post(
            "refunds",
            act["by"],
            f"{path}/{name}",
            key=f"act-{act['n']}",
            body={"pool": POOL, **body},
            if_match=standing.etag,
        )
        return reply.body
