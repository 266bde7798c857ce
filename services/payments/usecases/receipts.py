"""Receipts as others see them: in JSON, as a PDF, in a vendor's form, and as the public check confirms them."""

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import takewhile
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from shared.clock import business_day
from shared.database import Row
from shared.identity import mask_name
from shared.pages import LIMIT
from shared.references import load_secret
from shared.tokens import Caller

from .. import schemas
from ..formats import receipt_pdf
from ..formats.receipt_lines import red_line, vendor_line
from ..rules import receipts as rules
from ..schemas import receipt_problems as problems
from ..schemas import receipts as wire
from ..settings import ReceiptForm
from ..store import receipts as store
from .stock import number_book
from .suite import Payments


async def read_receipt(service: Payments, caller: Caller, pool: str, receipt_no: str, base: str) -> dict[str, Any]:
    """One receipt, by its number or by that of its red one. `base` is the address that its QR code leads to.

    Raises Problem RECEIPT_UNKNOWN, AREA_FORBIDDEN.
    """
    row = await _find(service, caller, pool, receipt_no)
    return shown(service, row, base)


async def print_receipt(service: Payments, caller: Caller, pool: str, receipt_no: str, base: str) -> bytes:
    """A receipt as a PDF; under the number of a red receipt, that one.

    Raises Problem RECEIPT_UNKNOWN, AREA_FORBIDDEN.
    """
    row = await _find(service, caller, pool, receipt_no)
    receipt = shown(service, row, base)
    form = service.settings.receipts.form(pool)
    is_red = row["red_receipt_no"] == receipt_no
    own = receipt["red"] if is_red else receipt
    page = receipt_pdf.Page(
        title=_name(form, row),
        item=form.item,
        state=rules.ReceiptState(row["state"]),
        is_red=is_red,
        receipt_no=own["receipt_no"],
        code=own["fiscal_code"],
        number=own["fiscal_number"],
        check_code=own["check_code"],
        issued_on=business_day(own["issued_at"]),
        payer_name=row["payer_name"],
        person_name=row["name_masked"] or "",
        bill_no=row["bill_no"],
        channel=row["channel"],
        method=row["method"],
        amount_fen=row["amount_fen"],
        related=_related(receipt, is_red=is_red),
        ended_on=business_day(row["voided_at"]) if row["voided_at"] else None,
        issuing_unit=form.issuing_unit,
        issued_by=row["issued_by"],
        verify_url=own["verify_url"],
        unit_seal=load_secret(form.unit_seal) if form.unit_seal else None,
        supervision_seal=load_secret(form.supervision_seal) if form.supervision_seal else None,
    )
    return await asyncio.to_thread(receipt_pdf.render, page)


async def export_receipts(
    service: Payments, caller: Caller, pool: str, book_code: str, series: rules.Series, after: int, base: str
) -> bytes:
    """Receipts of a book, or its red ones, after a number, up to a thousand, as lines of JSON with a vendor's fields.

    Names of payers are masked without `persons:full`. Raises Problem AREA_FORBIDDEN.
    """
    caller.require_pool(pool)
    await number_book(service, pool, book_code)
    async with service.database.reading() as tx:
        found = await store.list_receipts(tx, pool, book_code, red=series is rules.Series.RED, after=after, limit=LIMIT)
    # What was issued since the book got its numbers comes with the next page: none may be left out in between.
    rows = list(takewhile(_is_numbered, found))
    full = caller.has("persons:full")
    red = series is rules.Series.RED
    line, number = (red_line, "red_receipt_no") if red else (vendor_line, "receipt_no")
    lines = [
        line(
            shown(service, row, base),
            payer_name=row["payer_name"] if full else mask_name(row["payer_name"]),
            place=row["region"],
            pdf_url=f"{base}/v1/receipts/{row[number]}/pdf?pool={pool}",
        )
        for row in rows
    ]
    await _note_reading(service, caller, pool, "receipt.exported", [row["person_id"] for row in rows])
    return b"".join(lines)


@dataclass(frozen=True)
class Asked:
    """What somebody holds in their hand: everything that the check code stands for, and the code."""

    code: str
    number: str
    check_code: str
    amount_fen: int
    day: date


async def verify_receipt(service: Payments, asked: Asked, address: str, now: float) -> dict[str, Any]:
    """Whether there is a receipt with these values, and whether it counts; no more than is printed on it.

    A wrong code is answered as an unknown number is: the same work is done, and the same is said. `address` is who
    asks, `now` the seconds of a steady clock. Who asks too often waits; then who has guessed too often at a receipt;
    then everybody, for a receipt at which too many have guessed: each address counts there once, so that nobody alone
    keeps others from asking. Raises Problem TOO_MANY_TRIES.
    """
    receipt = f"{asked.code} {asked.number}"
    guesser = f"{receipt} {address}"
    wait = service.check_rate.wait_seconds(address, now) or max(
        service.number_rate.left_seconds(key, now) for key in (guesser, receipt)
    )
    if wait:
        raise problems.TOO_MANY_TRIES(seconds=wait, retry_seconds=wait)
    printed = rules.Printed(asked.code, asked.number, asked.amount_fen, asked.day)
    given = asked.check_code.lower()
    right = sum(hmac.compare_digest(one, given) for one in rules.check_codes(service.sealer.codes, printed)) > 0
    async with service.database.reading() as tx:
        row = await store.find_by_fiscal_number(tx, asked.code, int(asked.number))
    known = _public(service, row, asked) if row else None
    if right and known:
        return known
    if service.number_rate.count(guesser, now) == 1:
        service.number_rate.count(receipt, now)
    return {**dict.fromkeys(wire.VerifiedReceipt.model_fields), "found": False}


def shown(service: Payments, row: Row, base: str) -> dict[str, Any]:
    """A numbered receipt as its JSON has it."""
    printed = rules.printed(row["code"], row["fiscal_number"], row["amount_fen"], row["issued_at"])
    own = {
        "fiscal_code": printed.code,
        "fiscal_number": printed.number,
        "check_code": rules.check_codes(service.sealer.codes, printed)[0],
    }
    return {
        **row,
        **own,
        "business_no": f"{row['pool']}-{row['receipt_no']}",
        "verify_url": _verify_url(base, own, row["amount_fen"], printed.day),
        "red": _red(service, row, base),
    }


def _red(service: Payments, row: Row, base: str) -> dict[str, Any] | None:
    if row["red_receipt_no"] is None:
        return None
    printed = rules.printed(row["red_code"], row["red_fiscal_number"], row["amount_fen"], row["red_issued_at"])
    own = {
        "fiscal_code": printed.code,
        "fiscal_number": printed.number,
        "check_code": rules.check_codes(service.sealer.codes, printed)[0],
    }
    return {
        **own,
        "receipt_no": row["red_receipt_no"],
        "verify_url": _verify_url(base, own, row["amount_fen"], printed.day),
        "amount_fen": row["amount_fen"],
        "reason": row["red_reason"],
        "issued_at": row["red_issued_at"],
    }


async def _find(service: Payments, caller: Caller, pool: str, receipt_no: str) -> Row:
    """A receipt with its fiscal numbers; where a job has not given them yet, they are given now."""
    for _ in range(2):
        async with service.database.reading() as tx:
            row = await store.find_receipt(tx, pool, receipt_no)
        if row is None:
            raise schemas.RECEIPT_UNKNOWN(receipt_no=receipt_no)
        caller.require_region(row["region"])
        if _is_numbered(row):
            return row
        await number_book(service, pool, row["book_code"])
    raise RuntimeError(f"receipt {receipt_no} of {pool} has no fiscal number")


def _name(form: ReceiptForm, row: Row) -> str:
    return form.paper_name if row["medium"] == rules.Medium.PAPER else form.name


def _is_numbered(row: Row) -> bool:
    return bool(row["code"] and (row["red_receipt_no"] is None or row["red_code"]))


def _public(service: Payments, row: Row, asked: Asked) -> dict[str, Any] | None:
    """What everybody may know of a receipt; None where the date or the amount is not that of this number."""
    is_red = (row["red_code"], row["red_fiscal_number"]) == (asked.code, int(asked.number))
    issued_at = row["red_issued_at"] if is_red else row["issued_at"]
    if (row["amount_fen"], business_day(issued_at)) != (asked.amount_fen, asked.day):
        return None
    form = service.settings.receipts.form(row["pool"])
    return {
        "found": True,
        "state": row["state"],
        "is_red": is_red,
        "name": _name(form, row),
        "issuing_unit": form.issuing_unit,
        "payer_name_masked": mask_name(row["payer_name"]),
        "amount_fen": row["amount_fen"],
        "issued_on": asked.day,
        "ended_on": business_day(row["voided_at"]) if row["voided_at"] else None,
    }


def _related(receipt: Mapping[str, Any], *, is_red: bool) -> str:
    """The other receipts that this one is to be read with, as its remark names them."""
    if is_red:
        return f"冲销原票据：{receipt['fiscal_code']} / {receipt['fiscal_number']}"
    red = receipt["red"]
    remarks = [f"已由红票冲销：{red['fiscal_code']} / {red['fiscal_number']}"] if red else []
    names = {"replaces": "换开，原票据", "replaced_by": "已换开，新票据"}
    return "；".join([*remarks, *(f"{word}：{receipt[name]}" for name, word in names.items() if receipt[name])])


def _verify_url(base: str, own: Mapping[str, Any], amount_fen: int, day: date) -> str:
    asked = {
        "code": own["fiscal_code"],
        "number": own["fiscal_number"],
        "check_code": own["check_code"],
        "amount": f"{amount_fen // 100}.{amount_fen % 100:02d}",
        "day": day.isoformat(),
    }
    return f"{base}/verify?{urlencode(asked)}"


async def _note_reading(service: Payments, caller: Caller, pool: str, action: str, persons: list[UUID]) -> None:
    async with service.database.writing() as tx:
        tx.audit(pool, action, caller.client_id, caller.subject, service.clock.now(), persons, {"count": len(persons)})
