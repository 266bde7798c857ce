"""Town and county finance: slips are checked by a second person and passed on, other payers' money comes in."""

from typing import Any

from .notebook import Notebook
from .wire import Wire

Act = dict[str, Any]


class Finance:
    """Remittance and claims."""

    def __init__(self, wire: Wire, notebook: Notebook) -> None:
        self._wire = wire
        self._notebook = notebook
        self._to_pass_on: dict[str, list[tuple[str, int]]] = {}  # town -> slips that it has confirmed

    async def check_slips(self, act: Act) -> None:
        """Look at the bank's slips and confirm what has come: the town its agents', the county the towns'."""
        slips = self._wire.items("payments", act["by"], "/v1/remittances", pool=self._wire.pool, status="submitted")
        async for slip in slips:
            to_town = slip["to_account"].startswith("held/town/")
            if to_town != (len(act["region"]) == 9):
                continue
            path = f"/v1/remittances/{slip['remittance_id']}"
            key = f"act-{act['n']}-{slip['remittance_id']}"
            body = {"pool": self._wire.pool, "result": "confirmed", "note": "银行已到账"}
            etag = f'"{slip["version"]}"'
            await self._wire.post("payments", act["by"], f"{path}/check", key=key, body=body, if_match=etag)
            if to_town:
                own = self._to_pass_on.setdefault(slip["to_account"].removeprefix("held/town/"), [])
                own.append((slip["remittance_id"], slip["total_fen"]))

    async def pass_slips_on(self, act: Act) -> None:
        """The town hands on to the special account what it has confirmed."""
        slips = self._to_pass_on.pop(act["region"], [])
        if not slips:
            return
        body = {
            "pool": self._wire.pool,
            "from_account": f"held/town/{act['region']}",
            "to": "special_account",
            "slips": [remittance_id for remittance_id, _ in slips],
            "total_fen": sum(total_fen for _, total_fen in slips),
            "paid_on": act["paid_on"],
            "bank_reference": f"XZ-{act['paid_on']}-{act['region'][-3:]}",
        }
        await self._wire.post("payments", act["by"], "/v1/remittances", key=f"act-{act['n']}", body=body)

    async def enter_claim(self, act: Act) -> None:
        """Money of another payer has come: as much as was due (S004-15, S004-16)."""
        claims = (await self._wire.get("payments", act["by"], "/v1/claims", pool=self._wire.pool)).body["items"]
        due_fen = next((claim["due_fen"] for claim in claims if claim["payer"] == act["payer"]), 0)
        if due_fen <= 0:
            return
        day = act["at"][:10]
        body = {"pool": self._wire.pool, "payer": act["payer"], "amount_fen": due_fen, "received_on": day,
                "bank_reference": f"CZ-{day}-{act['payer'][:12]}"}  # fmt: skip
        await self._wire.post("payments", act["by"], "/v1/claims/receipts", key=f"act-{act['n']}", body=body)

    async def check_claims(self, act: Act) -> None:
        """A second person has seen the money on the special account."""
        about: dict[str, Any] = {"pool": self._wire.pool, "status": "submitted"}
        receipts = self._wire.items("payments", act["by"], "/v1/claims/receipts", **about)
        async for receipt in receipts:
            path = f"/v1/claims/receipts/{receipt['claim_receipt_id']}/check"
            key = f"act-{act['n']}-{receipt['claim_receipt_id']}"
            body = {"pool": self._wire.pool, "result": "confirmed", "note": "银行已到账"}
            etag = f'"{receipt["version"]}"'
            await self._wire.post("payments", act["by"], path, key=key, body=body, if_match=etag)
