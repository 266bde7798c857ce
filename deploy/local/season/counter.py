"""Acts at the counters of the tax halls: shifts, payments, and the slips that households bring along (S004-23)."""

from typing import Any

from .notebook import Drawer, Notebook, Slip
from .terminals import Terminals
from .wire import Wire

Act = dict[str, Any]
_SLIP_OFFICE = "agency-officer-a"
_SINGLY = 40


class Counters:
    """Shifts and payments."""

    def __init__(self, wire: Wire, notebook: Notebook, terminals: Terminals) -> None:
        self._wire = wire
        self._notebook = notebook
        self._terminals = terminals

    async def print_slips(self, scheme: str) -> None:
        """Look up the open bills of all who need a slip: all at once, or singly where they are few."""
        wanted = self._notebook.without_slip
        queries: list[dict[str, str]] = [{}]
        if len(wanted) <= _SINGLY:
            queries = [{"person_id": person_id} for person_id in sorted(wanted)]
        for query in queries:
            about: dict[str, Any] = {"pool": self._wire.pool, "scheme": scheme, "status": "open", **query}
            bills = self._wire.items("payments", _SLIP_OFFICE, "/v1/bills", **about)
            async for bill in bills:
                self._notebook.slips[bill["person_id"]] = Slip(bill["bill_no"], bill["amount_fen"])
        wanted.clear()

    async def open_shift(self, act: Act) -> None:
        """A cashier counts the change and opens."""
        body = {
            "pool": self._wire.pool,
            "counter_code": act["counter"],
            "region": act["region"],
            "opening_float_fen": act["opening_float_fen"],
        }
        reply = await self._wire.post("payments", act["by"], "/v1/shifts", key=f"act-{act['n']}", body=body)
        drawer = Drawer(reply.body["shift_id"], act["opening_float_fen"])
        self._notebook.drawers[act["counter"], act["at"][:10]] = drawer

    async def close_shift(self, act: Act) -> None:
        """The cashier counts the drawer; it must hold what the shift expects."""
        drawer = self._notebook.drawers.pop((act["counter"], act["shift_day"]))
        path = f"/v1/shifts/{drawer.shift_id}"
        shift = await self._wire.get("payments", act["by"], path, pool=self._wire.pool)
        body = {"pool": self._wire.pool, "counted_cash_fen": drawer.cash_fen}
        reply = await self._wire.post(
            "payments", act["by"], f"{path}/close", key=f"act-{act['n']}", body=body, if_match=shift.etag
        )
        if reply.body["difference_fen"] != 0:
            self._notebook.surprise(act["n"], f"the drawer differs by {reply.body['difference_fen']} fen")
        if reply.body["deposit_fen"]:
            self._notebook.cash[act["counter"]].append((drawer.shift_id, reply.body["deposit_fen"]))

    async def register_terminal(self, act: Act) -> None:
        """The county says which card terminal stands at a counter."""
        named = {name: act[name] for name in ("terminal_no", "shop_no", "region")}
        body = {"pool": self._wire.pool, "counter_code": act["counter"], **named}
        await self._wire.post("payments", act["by"], "/v1/pos-terminals", key=f"act-{act['n']}", body=body)

    async def deposit_cash(self, act: Act) -> None:
        """The cashier brings the cash of the shifts before to the bank, whole, and writes the deposit slip."""
        shifts = self._notebook.cash.pop(act["counter"], [])
        if not shifts:
            return
        body = {
            "pool": self._wire.pool,
            "from_account": f"held/counter/{act['counter']}",
            "to": "special_account",
            "shifts": [shift_id for shift_id, _ in shifts],
            "total_fen": sum(fen for _, fen in shifts),
            "paid_on": act["at"][:10],
            "bank_reference": f"XJ-{act['at'][:10]}-{act['counter']}",
        }
        await self._wire.post("payments", act["by"], "/v1/remittances", key=f"act-{act['n']}", body=body)

    async def pay(self, act: Act) -> None:
        """Somebody pays for one or several people, or is told why not."""
        slips = [self._slip(number) for number in act["insured"]]
        if None in slips:
            self._notebook.surprise(act["n"], "there is no bill for somebody who came to pay")
            return
        drawer = self._notebook.drawers[act["counter"], act["shift_day"]]
        body: dict[str, Any] = {
            "pool": self._wire.pool,
            "shift_id": drawer.shift_id,
            "method": act["method"],
            "payer_name": act["payer_name"],
            "payer_id": self._notebook.persons.get(act["payer_identity_number"] or ""),
            "items": [{"bill_no": slip.bill_no, "amount_fen": slip.amount_fen} for slip in slips if slip],
        }
        if act["method"] == "pos":
            body["pos"] = {
                "terminal_no": act["terminal_no"],
                "batch_no": act["batch_no"],
                "trace_no": act["trace_no"],
                "paid_at": act["at"],
            }
        reply = await self._wire.post(
            "payments", act["by"], "/v1/counter/payments", key=f"act-{act['n']}", body=body, may_refuse=True
        )
        codes = {error["code"] for error in reply.body.get("errors", [])} if reply.code else set()
        if codes != ({act["expected_refusal"]} - {None}) or (reply.code and not codes):
            self._notebook.surprise(act["n"], f"{act['expected_refusal']} expected, got {reply.status} {reply.body}")
        if not reply.code:
            self._book(act, drawer, reply.body["items"], [slip.amount_fen for slip in slips if slip])

    def _book(self, act: Act, drawer: Drawer, items: list[dict[str, Any]], amounts: list[int]) -> None:
        """Note what came in: for the drawer, for those who will ask for it back, for the report."""
        for number, item, amount_fen in zip(act["insured"], items, amounts, strict=True):
            if (item["outcome"] == "suspense") != (act.get("expected") == "suspense"):
                self._notebook.surprise(act["n"], f"{act.get('expected') or 'no suspense'} expected, got {item}")
            self._notebook.took({**act, "insured": number}, "counter", item, amount_fen)
        if act["method"] == "cash":
            drawer.cash_fen += sum(amounts)
        else:
            self._terminals.charge(act, [item["collection_id"] for item in items], sum(amounts))

    def _slip(self, number: str) -> Slip | None:
        return self._notebook.slips.get(self._notebook.persons.get(number, ""))
