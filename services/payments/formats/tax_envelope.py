"""Messages of older terminals (protocols §2.1, §3.3): JSON made out of XML, `head` and `body`. No I/O.

    {"head": {"serviceCode": "…"}, "body": {"request": {"jfxxlist": {"v": {…} or [{…}, …]}}}}

The trap: `v` is an object where there is one element, and an array where there are several. Both are read, everywhere.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

FIELDS: Mapping[str, str] = {
    "event_id": "spuuid",
    "bill_no": "yzpzxh",
    "amount": "sjje",
    "paid_at": "jksj",
    "voucher_no": "dzsphm",
    "payer_name": "xm",
    "batch_no": "hkpch",
    "person_id": "rybm",
    "item": "zsxmDm",
    "list": "jfxxlist",
}
"""Our names and the terminals'."""

_YUAN = re.compile(r"([0-9]{1,12})\.([0-9]{2})")


class EnvelopeUnreadable(ValueError):
    """The bytes are no such message; the text says what is wrong."""


def elements(value: Any) -> list[Any]:
    """The elements of a list made out of XML: nothing, one, several, or the same inside `v`."""
    if isinstance(value, dict) and set(value) == {"v"}:
        value = value["v"]
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list) else [value]


def read_message(raw: bytes) -> tuple[str, Mapping[str, Any]]:
    """Service code and request of a message. Raises EnvelopeUnreadable."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise EnvelopeUnreadable("not JSON") from error
    head, body = (_object(data, name) for name in ("head", "body"))
    code = head.get("serviceCode")
    if not isinstance(code, str) or not 0 < len(code) <= 64:
        raise EnvelopeUnreadable("head.serviceCode is missing")
    return code, _object(body, "request")


def read_items(request: Mapping[str, Any], fields: Mapping[str, str]) -> list[Any]:
    """The items of a request under our names; what is no object is left as it is, for the caller to refuse.

    Amounts are yuan with two decimals; one that is not is left out, so that the item is malformed.
    """
    names = {**FIELDS, **fields}
    return [_item(item, names) for item in elements(request.get(names["list"]))]


def write_answer(code: str, message: str, response: Mapping[str, Any], *, good: bool) -> bytes:
    """An answer in the terminals' shape."""
    head = {"retStatus": "S" if good else "F", "retCode": code, "retMsg": message}
    return json.dumps({"head": head, "body": {"response": response}}, ensure_ascii=False).encode()


def write_list(items: Sequence[Mapping[str, Any]], fields: Mapping[str, str]) -> dict[str, Any]:
    """A list in the terminals' shape, `v` being an object where there is one element."""
    names = {**FIELDS, **fields}
    named = [{names.get(name, name): value for name, value in item.items()} for item in items]
    return {names["list"]: {"v": named[0] if len(named) == 1 else named}}


def _object(data: Any, name: str) -> Mapping[str, Any]:
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise EnvelopeUnreadable(f"{name} is an object")
    return found


def _item(item: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(item, dict):
        return item
    wanted = ("event_id", "bill_no", "paid_at", "voucher_no", "payer_name", "person_id")
    found = {name: item[names[name]] for name in wanted if names[name] in item}
    # Terminals write this one as zsxmdm, too.
    code = next((value for name, value in item.items() if name.lower() == names["item"].lower()), None)
    if code not in (None, ""):
        found["item"] = str(code)
    amount = item.get(names["amount"])
    if isinstance(amount, str) and (yuan := _YUAN.fullmatch(amount)):
        found["amount_fen"] = int(yuan[1] + yuan[2])
    return found
