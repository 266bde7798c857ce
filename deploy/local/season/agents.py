"""Agents who collect in the villages: devices, ledgers with both signatures, closing, slips (S004-24 to S004-26).

What a device signs is in `signing`.
"""

from dataclasses import dataclass, field
from typing import Any

from .notebook import Notebook
from .signing import Device, ledger_hash
from .terminals import yuan
from .wire import Unexpected, Wire

Act = dict[str, Any]
_BY_IMAGE = "cash"  # who pays in cash signs on paper; who pays by telephone signs on the agent's
_RECEIVED = "流水号,交易时间,付款人,金额(元)"


@dataclass
class Book:
    """An agent's ledger as the agent knows it: what was sent, under which number, and what it hashed to."""

    ledger_id: str
    device: Device
    hashes: dict[int, str] = field(default_factory=dict)
    received: dict[int, Act] = field(default_factory=dict)  # on the agent's code or account; none that was taken back
    amounts: dict[int, int] = field(default_factory=dict)  # contrary lines below 0


class Agents:
    """The acts of agents and of the heads of their agencies."""

    def __init__(self, wire: Wire, notebook: Notebook, scheme: str) -> None:
        self._wire = wire
        self._notebook = notebook
        self._scheme = scheme
        self._devices: dict[str, Device] = {}
        self._books: dict[str, Book] = {}

    async def register_device(self, act: Act) -> None:
        """The agent's telephone makes a key and registers it."""
        device = self._devices[act["unit_code"]] = Device(act["unit_code"])
        body = {"pool": self._wire.pool, "public_key": device.public_key, "label": "村委会手机"}
        await self._wire.post("payments", act["by"], "/v1/agents/devices", key=f"act-{act['n']}", body=body)

    async def open_ledger(self, act: Act) -> None:
        """The first page."""
        given = {name: act[name] for name in ("unit_code", "region", "agency_name")}
        body = {"pool": self._wire.pool, "scheme": self._scheme, **given}
        reply = await self._wire.post("payments", act["by"], "/v1/ledgers", key=f"act-{act['n']}", body=body)
        self._books[act["unit_code"]] = Book(reply.body["ledger_id"], self._devices[act["unit_code"]])

    async def record_lines(self, act: Act) -> None:
        """Send lines; what was sent before has no second effect."""
        book = self._books[act["unit_code"]]
        lines = [self._line(act, book, line) for line in act["lines"]]
        path = f"/v1/ledgers/{book.ledger_id}/lines"
        body = {"pool": self._wire.pool, "lines": lines}
        reply = await self._wire.post("payments", act["by"], path, key=f"act-{act['n']}", body=body)
        for line, item in zip(act["lines"], reply.body["items"], strict=True):
            expected = "reversed" if line["kind"] == "contrary" else line.get("expected", "settled")
            if item["outcome"] != expected:
                self._notebook.surprise(act["n"], f"line {line['line_no']}: {expected} expected, got {item}")
            elif line["kind"] == "payment" and not item["known"]:
                amount_fen = book.amounts[line["line_no"]]
                self._notebook.took(line, "agent", item, amount_fen)

    def _line(self, act: Act, book: Book, line: Act) -> dict[str, Any]:
        """A line as the telephone sends it."""
        sent: dict[str, Any] = {"kind": line["kind"], "line_no": line["line_no"]}
        if line["kind"] == "payment":
            slip = self._notebook.slip(line["insured"])
            sent |= {"bill_no": slip.bill_no, "amount_fen": slip.amount_fen + line["difference_fen"]}
            sent |= {"payer_name": line["payer_name"], "paid_at": line["paid_at"], "method": line["method"]}
            if payer_id := self._notebook.persons.get(line["payer_identity_number"] or ""):
                sent["payer_id"] = payer_id
            book.amounts[line["line_no"]] = sent["amount_fen"]
            if line["method"] != _BY_IMAGE:
                book.received[line["line_no"]] = sent
            signed_at = line["paid_at"]
        else:
            sent |= {"contrary_of": line["contrary_of"], "reason": line["reason"]}
            book.amounts[line["line_no"]] = -book.amounts[line["contrary_of"]]
            book.received.pop(line["contrary_of"], None)
            signed_at = act["at"]
        by_image = line.get("method", _BY_IMAGE) == _BY_IMAGE
        signed = book.device.signed_line(
            self._wire.pool,
            book.ledger_id,
            sent,
            agent=act["by"],
            payer=line["payer_name"],
            signed_at=signed_at,
            payer_image=f"oss://ledgers/{act['unit_code']}/{line['line_no']:04d}-payer.jpg" if by_image else None,
        )
        book.hashes[line["line_no"]] = signed["agent_signature"]["line_hash"]
        return signed

    def statement(self, unit_code: str, day: str) -> tuple[str, bytes]:
        """What the bank says came in for an agent on a day, and under whose name: that of the agent's ledger."""
        book = self._books[unit_code]
        lines = {number: line for number, line in book.received.items() if line["paid_at"][:10] == day}
        rows = [
            f"{unit_code}{number:06d},{line['paid_at'][:19].replace('T', ' ')},{line['payer_name']},"
            f"{yuan(line['amount_fen'])}"
            for number, line in sorted(lines.items())
        ]
        total = f"合计,{len(rows)},{yuan(sum(line['amount_fen'] for line in lines.values()))}"
        return book.ledger_id, "".join(f"{row}\n" for row in (total, _RECEIVED, *rows)).encode()

    async def close_ledger(self, act: Act) -> None:
        """The head counts again what the agent has written, compares it with the ledger's foot, and signs."""
        book = self._books[act["unit_code"]]
        path = f"/v1/ledgers/{book.ledger_id}"
        totals = (await self._wire.get("payments", act["by"], f"{path}/totals", pool=self._wire.pool)).body
        counted = ledger_hash(book.hashes)
        if totals["ledger_hash"] != counted:
            self._notebook.surprise(act["n"], "the ledger's hash is not that of the agent's own lines")
        image = f"oss://ledgers/{act['unit_code']}/head.jpg"
        amounts = book.amounts.values()
        body = {
            "pool": self._wire.pool,
            "payments_count": sum(amount > 0 for amount in amounts),
            "contrary_count": sum(amount < 0 for amount in amounts),
            "collected_fen": sum(amounts),
            "signature": {
                "signer": act["by"],
                "signed_at": act["at"],
                "image_ref": image,
                "ledger_hash": counted,
            },
        }
        ledger = await self._wire.get("payments", act["by"], path, pool=self._wire.pool)
        await self._wire.post(
            "payments", act["by"], f"{path}/close", key=f"act-{act['n']}", body=body, if_match=ledger.etag
        )

    async def write_slip(self, act: Act) -> None:
        """Hand over to the town everything that is still held, receipt by receipt."""
        book = self._books[act["unit_code"]]
        receipts, collections, total_fen = [], [], 0
        lines = self._wire.items(
            "payments", act["by"], f"/v1/ledgers/{book.ledger_id}/lines", pages=500, pool=self._wire.pool, held="true"
        )
        async for line in lines:
            total_fen += line["amount_fen"]
            if line["receipt_no"]:
                receipts.append(line["receipt_no"])
            else:
                collections.append(line["collection_id"])
        if not total_fen:
            return
        body = {
            "pool": self._wire.pool,
            "from_account": f"held/agent/{book.ledger_id}",
            "to": act["to"],
            "receipts": receipts,
            "collections": collections,
            "total_fen": total_fen,
            "paid_on": act["paid_on"],
            "bank_reference": f"NH-{act['paid_on']}-{act['unit_code'][-3:]}",
        }
        reply = await self._wire.post("payments", act["by"], "/v1/remittances", key=f"act-{act['n']}", body=body)
        if reply.body["total_fen"] != total_fen:
            raise Unexpected(f"the slip of {act['by']} says {reply.body['total_fen']}, not {total_fen}")
