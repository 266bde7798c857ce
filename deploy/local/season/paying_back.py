"""Paying back: what is due back is asked for or found, checked, decided and paid by several people (S004-29…32)."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from .notebook import Notebook, whose
from .simulators import Simulators
from .terminals import Terminals
from .wire import Unexpected, Wire

Act = dict[str, Any]
_PAYING_SECONDS = 60.0
_POLL_SECONDS = 0.1


class PayingBack:
    """Applications for refunds."""

    def __init__(self, wire: Wire, notebook: Notebook, simulators: Simulators, terminals: Terminals) -> None:
        self._wire = wire
        self._notebook = notebook
        self._simulators = simulators
        self._terminals = terminals

    async def learn_applications(self, scheme: str) -> None:
        """The checker's list: every application that waits for a check."""
        applications = self._wire.items(
            "refunds", "refund-checker", "/v1/applications", pool=self._wire.pool, scheme=scheme, state="requested"
        )
        async for application in applications:
            key = application["person_id"] or application["bill_no"]
            self._notebook.cases[key] = application["application_id"]

    async def kinds(self, scheme: str) -> Counter[str]:
        """How many applications there have been on each ground, and how they ended."""
        found = self._wire.items("refunds", "refund-checker", "/v1/applications", pool=self._wire.pool, scheme=scheme)
        return Counter([f"{each['ground']} ({each['state']})" async for each in found])

    async def check_refund(self, act: Act) -> None:
        """Somebody confirms that the money is due back."""
        await self._step(act, "check", {"result": "confirmed", "note": act.get("note")})

    async def decide_refund(self, act: Act) -> None:
        """Somebody else approves."""
        await self._step(act, "decide", {"result": "approved", "note": act.get("note")})

    async def pay_refund(self, act: Act) -> None:
        """A cashier pays it back over the counter, or it goes back through its channel; done when the case says so."""
        drawer = self._notebook.drawers[act["counter"], act["shift_day"]] if act["counter"] else None
        fate = act.get("fate")
        if fate:
            order_no = self._notebook.orders[act["insured"]]
            await self._simulators.tell("wechat", "fates", {"out_trade_no": order_no, "refund": fate.upper()})
        body = {"shift_id": drawer.shift_id if drawer else None, "method": act["method"]}
        application = await self._step(act, "pay", body)
        if fate == "processing":
            await self._bring_to_its_end(act, application)
        if fate == "abnormal":
            await self._until(act, application, lambda now: now["payout_state"] == "abnormal")
            return
        application = await self._until(act, application, lambda now: now["state"] == "paid")
        if drawer and act["method"] == "cash":
            drawer.cash_fen -= application["amount_fen"]
        if act["method"] == "pos_return":
            self._terminals.put_back(act, application["collection_id"], application["amount_fen"])

    async def reroute_refund(self, act: Act) -> None:
        """The channel could not bring it home: somebody sends it another way."""
        await self._step(act, "reroute", {"note": act["note"]})

    async def request_refund(self, act: Act) -> None:
        """Somebody asks; too late, the reason is told on the spot (S004-30, S004-32)."""
        outcome = "suspense" if act["ground"] == "wrong_payment" else "settled"
        body = {
            "pool": self._wire.pool,
            "scheme": act["scheme"],
            "collection_id": self._notebook.money[whose(act), outcome],
            "ground": act["ground"],
            "applicant": {"name": act["applicant_name"]},
        }
        reply = await self._wire.post("refunds", act["by"], "/v1/applications", key=f"act-{act['n']}", body=body)
        codes = {reason["code"] for reason in reply.body["reasons"]}
        too_late = act["expected"] == "refused"
        if reply.body["state"] != act["expected"] or ("outside_window" in codes) != too_late:
            self._notebook.surprise(act["n"], f"{act['expected']} expected, got {reply.body['state']}: {sorted(codes)}")

    async def _bring_to_its_end(self, act: Act, application: dict[str, Any]) -> None:
        """WeChat has taken the refund in hand; some time later the money is there, and it says so."""
        refund_id = UUID(application["refund_id"])
        path, deadline = f"/v1/refunds/{refund_id}", time.monotonic() + _PAYING_SECONDS
        while (await self._wire.get("payments", act["by"], path, pool=self._wire.pool)).body["state"] != "processing":
            if time.monotonic() > deadline:
                raise Unexpected(f"payments {path}: never processing")
            await asyncio.sleep(_POLL_SECONDS)
        end = {"out_refund_no": f"{self._wire.pool}{refund_id.hex}", "status": "SUCCESS"}
        await self._simulators.tell("wechat", "refunds", end)

    async def _until(
        self, act: Act, application: dict[str, Any], done: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """The application once it is so; it must be on its way until then."""
        path = f"/v1/applications/{application['application_id']}"
        deadline = time.monotonic() + _PAYING_SECONDS
        while not done(application):
            if application["state"] != "paying" or time.monotonic() > deadline:
                raise Unexpected(f"refunds {path}: {application['state']} {application['payout_state']}")
            await asyncio.sleep(_POLL_SECONDS)
            application = (await self._wire.get("refunds", act["by"], path, pool=self._wire.pool)).body
        return application

    async def _step(self, act: Act, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """One step of a case."""
        path = f"/v1/applications/{self._notebook.cases[self._notebook.case_key(act)]}"
        standing = await self._wire.get("refunds", act["by"], path, pool=self._wire.pool)
        reply = await self._wire.post(
            "refunds",
            act["by"],
            f"{path}/{name}",
            key=f"act-{act['n']}",
            body={"pool": self._wire.pool, **body},
            if_match=standing.etag,
        )
        return reply.body
