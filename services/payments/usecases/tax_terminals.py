"""Older terminals of the tax bureau: what they ask and confirm in JSON with `head` and `body`, answered in their shape.

Signed, judged and booked like every other confirmation; only the envelope is another (`formats/tax_envelope.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.clock import SHANGHAI
from shared.problem import Problem

from ..formats.tax import Signed
from ..formats.tax_envelope import FIELDS, EnvelopeUnreadable, read_items, read_message, write_answer, write_list
from ..rules import tax as rules
from ..schemas import tax as wire
from ..settings import TaxTerminalSettings
from ..store import bills as store
from .suite import Payments
from .tax import confirm_tax_batch, use_up_nonce

_MOST_ASKED = 100
_UNREADABLE, _UNKNOWN_CODE, _TOO_MANY, _REFUSED = "100001", "100002", "100003", "100009"


async def take_terminal_message(service: Payments, signed: Signed, raw: bytes) -> bytes | None:
    """Answer a terminal; None where the settings know of no terminals. Raises Problem NONCE_REUSED."""
    settings = service.settings.tax_terminal
    if settings is None:
        return None
    try:
        code, request = read_message(raw)
        items = read_items(request, settings.fields)
    except EnvelopeUnreadable as error:
        await use_up_nonce(service, signed)
        return write_answer(_UNREADABLE, f"报文无法读取：{error}", {}, good=False)
    if code == settings.confirm_code:
        return await _confirm(service, settings, signed, request, items)
    await use_up_nonce(service, signed)
    if code == settings.query_code:
        return await _query(service, settings, items)
    return write_answer(_UNKNOWN_CODE, f"未知的 serviceCode {code}", {}, good=False)


async def _confirm(
    service: Payments, settings: TaxTerminalSettings, signed: Signed, request: Mapping[str, Any], items: Sequence[Any]
) -> bytes:
    named = request.get({**FIELDS, **settings.fields}["batch_no"])
    batch_no = named if isinstance(named, str) and 0 < len(named) <= 64 else signed.nonce[:64]
    confirmations = [wire.read_terminal_confirmation(item) for item in items]
    batch = wire.TaxConfirmationBatch.model_construct(batch_no=batch_no, items=confirmations)
    try:
        answer = await confirm_tax_batch(service, signed, batch)
    except Problem as problem:
        if problem.kind.status == 401:
            raise
        return write_answer(_REFUSED, problem.body("zh")["detail"], {}, good=False)
    results = [
        {
            "event_id": item["event_id"] or "",
            "fhm": "1" if item["outcome"] == "refused" else "0",
            "fhxx": item.get("reason") or item["outcome"],
            "pzhm": item.get("receipt_no") or "",
        }
        for item in answer.body["items"]
    ]
    return write_answer(settings.success_code, "交易成功", write_list(results, settings.fields), good=True)


async def _query(service: Payments, settings: TaxTerminalSettings, items: Sequence[Any]) -> bytes:
    """What is open: of a bill, or of a person by the agency's number (`rybm`)."""
    if len(items) > _MOST_ASKED:
        return write_answer(_TOO_MANY, f"一次最多查询 {_MOST_ASKED} 项", {}, good=False)
    found: dict[str, Mapping[str, Any]] = {}
    async with service.database.reading() as tx:
        pools = await store.pools_of_bills(tx)
        for item in items:
            bill_no, person_id = _asked(item)
            if bill_no:
                bill = await store.find_bill(tx, rules.pool_named(bill_no), bill_no)
                found |= {bill_no: bill} if bill and bill["status"] == "open" else {}
            elif person_id:
                found |= {row["bill_no"]: row for row in await store.open_bills_of(tx, pools, person_id)}
    bills = [
        {
            "bill_no": bill_no,
            "person_id": str(row["person_id"]),
            "payer_name": row["name_masked"] or "",
            "amount": f"{row['amount_fen'] // 100}.{row['amount_fen'] % 100:02d}",
            "jkqx": str(row["window"]["to"]),
            "hdrq": f"{row['issued_at'].astimezone(SHANGHAI):%Y-%m-%d}",
        }
        for bill_no, row in sorted(found.items())
    ]
    return write_answer(settings.success_code, "交易成功", write_list(bills, settings.fields), good=True)


def _asked(item: Any) -> tuple[str, UUID | None]:
    """The bill or the person that an element asks about; neither where it names none that could be ours."""
    if not isinstance(item, dict):
        return "", None
    bill_no, person = item.get("bill_no"), item.get("person_id")
    try:
        return (bill_no if isinstance(bill_no, str) else ""), (UUID(person) if isinstance(person, str) else None)
    except ValueError:
        return "", None
