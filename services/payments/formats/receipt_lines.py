"""Receipts for a vendor of electronic receipts: one JSON object a line, UTF-8, with the vendor's names of fields.

Receipts and red ones are two lists, each by its own numbers, so that a vendor who comes again gets what is new; a red
one names its original (`relateBillBatchCode`, `relateBillNo`). Amounts are yuan with two decimals, times
`YYYYMMDDHHMMSSmmm` in Asia/Shanghai.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from shared.clock import SHANGHAI

_STATES = {"issued": "1", "voided": "2", "offset": "3"}  # 正常, 作废, 已冲红


def vendor_line(receipt: Mapping[str, Any], *, payer_name: str, place: str, pdf_url: str) -> bytes:
    """The line of a receipt, ended by a line feed. On paper, the printed form's numbers stand there as well."""
    on_paper = receipt["medium"] == "paper"
    return _line(
        {
            "busNo": receipt["business_no"],
            "placeCode": place,
            "billBatchCode": receipt["fiscal_code"],
            "billNo": receipt["fiscal_number"],
            "random": receipt["check_code"],
            "createTime": _time(receipt["issued_at"]),
            "payer": payer_name,
            "totalAmt": _yuan(receipt["amount_fen"]),
            "billQRCode": receipt["verify_url"],
            "pictureUrl": pdf_url,
            "pBillBatchCode": receipt["fiscal_code"] if on_paper else "",
            "pBillNo": receipt["fiscal_number"] if on_paper else "",
            "relateBillBatchCode": "",
            "relateBillNo": "",
            "state": _STATES[receipt["state"]],
            "writeOff": "0",
        }
    )


def red_line(receipt: Mapping[str, Any], *, payer_name: str, place: str, pdf_url: str) -> bytes:
    """The line of the red receipt that offsets a receipt, ended by a line feed: below zero, naming the original."""
    red = receipt["red"]
    return _line(
        {
            "busNo": f"{receipt['pool']}-{red['receipt_no']}",
            "placeCode": place,
            "billBatchCode": red["fiscal_code"],
            "billNo": red["fiscal_number"],
            "random": red["check_code"],
            "createTime": _time(red["issued_at"]),
            "payer": payer_name,
            "totalAmt": _yuan(-red["amount_fen"]),
            "billQRCode": red["verify_url"],
            "pictureUrl": pdf_url,
            "pBillBatchCode": "",
            "pBillNo": "",
            "relateBillBatchCode": receipt["fiscal_code"],
            "relateBillNo": receipt["fiscal_number"],
            "state": _STATES["issued"],
            "writeOff": "1",
        }
    )


def _line(values: Mapping[str, Any]) -> bytes:
    return orjson.dumps(values) + b"\n"


def _yuan(amount_fen: int) -> str:
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(SHANGHAI):%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"
