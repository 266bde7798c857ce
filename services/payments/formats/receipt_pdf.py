"""A receipt as a PDF: `receipt.typ` set by typst, an open font embedded (Noto Sans SC, SIL OFL 1.1) and a QR code."""

import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pylopdf_fonts_zh_cn
import segno
import typst

from shared.money import capitals, yuan

from ..rules.receipts import ReceiptState

_TEMPLATE = Path(__file__).with_name("receipt.typ").read_bytes()
_FONTS = [str(pylopdf_fonts_zh_cn.sans_path().parent)]
_METHODS = {
    "cash": "现金",
    "pos": "刷卡",
    "jsapi": "微信支付",
    "h5": "微信支付",
    "native": "微信支付",
}
_CHANNELS = {"wechat": "微信支付", "bank": "银行缴费", "etax": "税务渠道", "counter": "窗口", "agent": "代办"}
_STAMPS = {ReceiptState.ISSUED: "", ReceiptState.VOIDED: "作废", ReceiptState.OFFSET: "已冲红"}


@dataclass(frozen=True)
class Page:
    """What stands on a receipt. `related` names the receipt that offsets it, or takes its place, and the other way."""

    title: str
    item: str
    state: ReceiptState
    is_red: bool
    receipt_no: str
    code: str
    number: str
    check_code: str
    issued_on: date
    payer_name: str
    person_name: str
    bill_no: str
    channel: str
    method: str
    amount_fen: int
    related: str
    ended_on: date | None
    issuing_unit: str
    issued_by: str
    verify_url: str
    unit_seal: bytes | None
    supervision_seal: bytes | None


def render(page: Page) -> bytes:
    """The PDF. A red receipt has its amounts in red and below zero; what does not count any more is stamped."""
    return bytes(
        typst.compile(  # type: ignore[misc]  # its stub leaves a type variable open
            _TEMPLATE,
            font_paths=_FONTS,
            ignore_system_fonts=True,
            sys_inputs={"receipt": json.dumps(_values(page), ensure_ascii=False)},
        )
    )


def _values(page: Page) -> dict[str, object]:
    ended = not page.is_red and page.ended_on is not None
    return {
        "title": page.title,
        "item": page.item,
        "is_red": page.is_red,
        "stamp": "" if page.is_red else _STAMPS[page.state],
        "ended_on": _day(page.ended_on) if ended and page.ended_on else "",
        "receipt_no": page.receipt_no,
        "code": page.code,
        "number": page.number,
        "check_code": page.check_code,
        "issued_on": _day(page.issued_on),
        "payer_name": page.payer_name,
        "person_name": page.person_name or "（见应缴单）",
        "bill_no": page.bill_no,
        "method": _METHODS.get(page.method) or _CHANNELS.get(page.channel, page.channel),
        "standard": yuan(page.amount_fen),
        "figures": yuan(-page.amount_fen if page.is_red else page.amount_fen),
        "in_capitals": ("（负数）" if page.is_red else "") + capitals(page.amount_fen),
        "remark": page.related,
        "issuing_unit": page.issuing_unit,
        "issued_by": page.issued_by,
        "verify_page": page.verify_url.partition("?")[0],
        "qr": list(_qr(page.verify_url)),
        "unit_seal": list(page.unit_seal) if page.unit_seal else None,
        "supervision_seal": list(page.supervision_seal) if page.supervision_seal else None,
    }


def _qr(text: str) -> bytes:
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", border=2, xmldecl=False, svgns=True)
    return out.getvalue()


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
