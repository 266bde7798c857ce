"""Payers who stand before no clerk: WeChat, banks, the tax bureau. The driver tells the simulators what they do."""

import asyncio
import time
from typing import Any

from .notebook import Notebook
from .simulators import Simulators
from .wire import Unexpected, Wire

Act = dict[str, Any]
_SETTLING_SECONDS = 90.0
_POLL_SECONDS = 0.05


class Channels:
    """The acts of payers and partners outside our houses."""

    def __init__(self, wire: Wire, notebook: Notebook, simulators: Simulators) -> None:
        self._wire = wire
        self._notebook = notebook
        self._simulators = simulators
        self._orders: dict[str, str] = {}  # the act's name of an order -> order_no
        self._serials: dict[tuple[str, str], str] = {}  # institution, the act's serial -> bill_no

    async def order_wechat(self, act: Act) -> None:
        """The payer asks for an order and gets what opens the cashier, or is told why not (S004-20)."""
        openid = f"o{act['payer_identity_number'] or act['payer_name'].encode().hex()}"
        await self._order(act, {"channel": "wechat", "openid": openid})

    async def order_unionpay(self, act: Act) -> None:
        """The payer asks for a code to scan."""
        await self._order(act, {"channel": "unionpay", "product": "native"})

    async def _order(self, act: Act, cashier: Act) -> None:
        slip = self._notebook.slip(act["insured"])
        body = {"pool": self._wire.pool, "bill_no": slip.bill_no, **cashier,
                "payer_name": act["payer_name"], "place": act["place"],
                "payer_id": self._notebook.persons.get(act["payer_identity_number"] or "")}  # fmt: skip
        reply = await self._wire.post("payments", act["by"], "/v1/orders", key=f"act-{act['n']}", body=body,
                                      may_refuse=True)  # fmt: skip
        codes = {error["code"] for error in reply.body.get("errors", [])} | {reply.code} - {""}
        if (expected := act.get("expected_refusal")) is not None:
            if expected not in codes:
                self._notebook.surprise(act["n"], f"{expected} expected, got {reply.status} {reply.body}")
            return
        if reply.code:
            self._notebook.surprise(act["n"], f"no order: {reply.status} {reply.body}")
            return
        self._orders[act["order"]] = self._notebook.orders[act["insured"]] = reply.body["order_no"]

    async def pay_wechat(self, act: Act) -> None:
        """The payer pays; it is done when the order says so."""
        order_no = self._orders.get(act["order"])
        if order_no is None:
            return
        told = {"out_trade_no": order_no, "faults": act.get("faults", [])}
        await self._simulators.tell("wechat", "pay", told)
        await self._await_paid(act, order_no, "wechat")

    async def pay_unionpay(self, act: Act) -> None:
        """The payer scans the code and pays; it is done when the order says so."""
        order_no = self._orders.get(act["order"])
        if order_no is None:
            return
        await self._simulators.tell("unionpay", "pay", {"order_no": order_no, "at": act["at"]})
        await self._await_paid(act, order_no, "bank")

    async def _await_paid(self, act: Act, order_no: str, channel: str) -> None:
        path, deadline = f"/v1/orders/{order_no}", time.monotonic() + _SETTLING_SECONDS
        while True:
            order = (await self._wire.get("payments", act["by"], path, pool=self._wire.pool)).body
            if order["collection_id"] is not None:
                break
            if time.monotonic() > deadline:
                raise Unexpected(f"order {order_no} is {order['status']}, not paid, after {_SETTLING_SECONDS:.0f} s")
            await asyncio.sleep(_POLL_SECONDS)
        item = {"outcome": act.get("expected", "settled"), "collection_id": order["collection_id"]}
        self._notebook.took(act, channel, item, order["amount_fen"])

    async def pay_bank(self, act: Act) -> None:
        """The bank asks what is owed, takes it and tells us."""
        slip = self._notebook.slip(act["insured"])
        amount_fen = slip.amount_fen + act["difference_fen"]
        payment = {"institution": act["institution"], "bill_no": slip.bill_no, "amount_fen": amount_fen,
                   "payer_name": act["payer_name"], "at": act["at"], "fault": act.get("fault")}  # fmt: skip
        answer = await self._simulators.tell("bank", "payments", {"items": [payment]})
        said = answer["items"][0]
        expected = act.get("expected", "settled")
        if said["outcome"] != expected:
            self._notebook.surprise(act["n"], f"bank: {expected} expected, got {said}")
        if said["outcome"] in ("settled", "surplus", "suspense"):
            self._notebook.took(act, "bank", {"collection_id": None, **said}, amount_fen)

    async def reverse_bank(self, act: Act) -> None:
        """The bank takes back, on the same day, what it had told us (冲正)."""
        slip = self._notebook.slip(act["insured"])
        body = {"institution": act["institution"], "bill_no": slip.bill_no}
        said = await self._simulators.tell("bank", "reversals", body)
        if said["outcome"] != "reversed":
            self._notebook.surprise(act["n"], f"bank: the reversal was answered {said}")

    async def check_bank_day(self, act: Act) -> None:
        """The bank compares its totals of a day with ours (日终对账); afterwards it takes nothing of it back."""
        body = {"institution": act["institution"], "day": act["day"]}
        said = await self._simulators.tell("bank", "checks", body)
        if not said["agreed"]:
            self._notebook.surprise(act["n"], f"{act['institution']} and we do not agree on {act['day']}: {said}")

    async def confirm_tax(self, act: Act) -> None:
        """The tax bureau confirms what it has collected: one payment, or those of a day in a batch."""
        items = [self._confirmation(item) for item in act["items"]]
        body = {"items": items, "batch_no": act.get("batch_no"), "faults": act.get("faults", [])}
        answer = await self._simulators.tell("tax", "payments", body)
        for item, sent, said in zip(act["items"], items, answer["items"], strict=True):
            expected = item.get("expected", "settled")
            if said["outcome"] != expected:
                self._notebook.surprise(act["n"], f"{item['event']}: {expected} expected, got {said}")
            if said["outcome"] not in ("refused", "held"):
                self._notebook.took(item, "etax", said, sent["amount_fen"])

    def _confirmation(self, item: Act) -> dict[str, Any]:
        sent = {name: item[name] for name in ("paid_at", "voucher_no", "payer_name")} | {"event_id": item["event"]}
        if "bill_no" in item:
            return {**sent, "bill_no": item["bill_no"], "amount_fen": item["amount_fen"]}
        slip = self._notebook.slip(item["insured"])
        amount_fen = slip.amount_fen + item["difference_fen"]
        if "told_difference_fen" in item:
            sent["told_fen"] = amount_fen + item["told_difference_fen"]
        return {**sent, "bill_no": slip.bill_no, "amount_fen": amount_fen, "collected": item.get("collected", True)}
