"""How the simulated banks write messages: JSON in UTF-8, or XML in GBK as in the public specification of a
water company's bank interface (`<in>`, `<out>`, InstId, TranCode, TranDate, TranSeq; protocols §2.1).

A message is a tree of texts, `head` and `body`, with the same names in both forms.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any, Literal
from xml.sax.saxutils import escape

FormName = Literal["json", "xml"]
Tree = dict[str, Any]

MEDIA_TYPES: Mapping[str, str] = {"json": "application/json", "xml": "application/xml; charset=GBK"}

_TRANSACTIONS = {
    "QUERY": "Query",
    "PAY": "Pay",
    "REVERSE": "Reverse",
    "RESULT": "Result",
    "CHECK": "PayCheck",
    "PAYOUT": "Payout",
    "PAYOUT_QUERY": "PayoutQuery",
}
_HEAD = {"institution": "InstId", "trans_code": "TranCode", "trans_date": "TranDate", "trans_seq": "TranSeq"}
_PAY = {"bill_no": "BillKey"}
_CHECK = {
    "company_id": "companyId",
    "check_date": "payDate",
    "pay_count": "payCount",
    "pay_amount": "payMoney",
    "reverse_count": "reverseCount",
    "reverse_amount": "reverseMoney",
    "file_name": "fileName",
}


def write_message(form: str, head: Mapping[str, str], body: Mapping[str, Any]) -> bytes:
    """A message, or an answer where the head has a return code."""
    if form == "json":
        return json.dumps({"head": dict(head), "body": dict(body)}, ensure_ascii=False).encode()
    code = head["trans_code"]
    answered = "return_code" in head
    told = {**head, "trans_code": _TRANSACTIONS[code] + ("Res" if answered else "")}
    parts = f"<head><Version>1.0.1</Version>{_tags(told, _HEAD)}</head><body>{_tags(body, _names(code))}</body>"
    root = "out" if answered else "in"
    return f'<?xml version="1.0" encoding="GBK"?>\r\n<{root}>{parts}</{root}>\r\n'.encode("gb18030")


def read_message(form: str, raw: bytes) -> Tree:
    """The tree of a message or of an answer."""
    if form == "json":
        tree: Tree = json.loads(raw)
        return tree
    root = ET.fromstring(raw.decode("gb18030"))
    wire = root.findtext("head/TranCode", "")
    code = next((ours for ours, theirs in _TRANSACTIONS.items() if wire in (theirs, f"{theirs}Res")), wire)
    tree = {part.tag: _fields(part, {**_HEAD, **_names(code)}) for part in root}
    if "trans_code" in tree["head"]:
        tree["head"]["trans_code"] = code
    tree["head"].pop("version", None)
    return tree


def _names(code: str) -> Mapping[str, str]:
    return {"PAY": _PAY, "CHECK": _CHECK}.get(code, {})


def _tags(fields: Mapping[str, Any], names: Mapping[str, str]) -> str:
    tags = (
        (names.get(name) or "".join(part.title() for part in name.split("_")), text) for name, text in fields.items()
    )
    return "".join(f"<{tag}>{escape('' if text is None else str(text))}</{tag}>" for tag, text in tags)


def _fields(part: ET.Element, names: Mapping[str, str]) -> Tree:
    ours = {wire: name for name, wire in names.items()}
    return {ours.get(one.tag) or _snake(one.tag): _value(one, names) for one in part}


def _value(element: ET.Element, names: Mapping[str, str]) -> Any:
    """A text; a list where the element stands for several, each in an element of the singular's name."""
    if element.tag in ("Bills", "Rules"):
        return [_fields(one, names) if len(one) else one.text or "" for one in element]
    return element.text or ""


def _snake(tag: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", tag).lower()
