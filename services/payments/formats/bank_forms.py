"""How a bank writes the messages of the write-off interface: raw bytes ↔ a tree of texts, `head` and `body`.

The tree is the same whatever the form: our names, amounts in yuan with two decimals. A form renames, and writes fen
where the bank counts in fen.

- `json`: `{"head": {…}, "body": {…}}` with our own names.
- `xml`: `<in><head>…</head><body>…</body></in>`, answered by `<out>`, in the names of the public specification
  (protocols §2.1, A): InstId, TranCode (Query, Pay, PayCheck; an answer's ends in `Res`), TranDate, TranSeq, BillKey,
  CompanyId, PayAmount …; names that it does not have are ours in its spelling (`pay_time` → PayTime).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from .xml import CODECS, Element, read_xml, write_text

Tree = Mapping[str, Any]


class Form(Protocol):
    """How a partner writes messages: a tree of texts as bytes."""

    @property
    def media_type(self) -> str:
        """Its Content-Type."""
        ...

    def read(self, raw: bytes) -> Tree:
        """The tree of a message. Raises ValueError."""
        ...

    def write(self, tree: Tree) -> bytes:
        """The bytes of a message or answer; the same tree always gives the same bytes."""
        ...


@dataclass(frozen=True)
class JsonForm:
    """JSON; fields stand by name, so that an answer that was kept and one just made are the same bytes."""

    encoding: str = "utf-8"
    unit: str = "yuan"

    @property
    def media_type(self) -> str:
        """Its Content-Type."""
        return "application/json"

    def read(self, raw: bytes) -> Tree:
        """The tree of a message. Raises ValueError."""
        tree = orjson.loads(raw.decode(CODECS[self.encoding]).removeprefix("\ufeff"))
        return _read_amounts(tree, self.unit) if isinstance(tree, dict) else {}

    def write(self, tree: Tree) -> bytes:
        """The bytes of a message or answer."""
        text = orjson.dumps(_written_amounts(tree, self.unit), option=orjson.OPT_SORT_KEYS)
        return text if self.encoding == "utf-8" else text.decode().encode(CODECS[self.encoding])


@dataclass(frozen=True)
class XmlForm:
    """XML; a field that stands twice is no message."""

    encoding: str = "gbk"
    unit: str = "yuan"

    @property
    def media_type(self) -> str:
        """Its Content-Type."""
        return f"application/xml; charset={self.encoding.upper()}"

    def read(self, raw: bytes) -> Tree:
        """The tree of a message. Raises ValueError."""
        root = read_xml(raw, self.encoding)
        parts = {name: _fields(part) for name, part in _once(root).items()}
        code = _code_of(parts.get("head", {}).get("TranCode", ""))
        names = {wire: name for name, wire in _names_of(code).items()}
        tree = {
            part: {names.get(wire) or _ours(wire): text for wire, text in fields.items()}
            for part, fields in parts.items()
        }
        if "head" in tree:
            tree["head"].pop("version", None)
            tree["head"]["trans_code"] = code
        return _read_amounts(tree, self.unit)

    def write(self, tree: Tree) -> bytes:
        """The bytes of a message, or of an answer where the head has a return code."""
        tree = _written_amounts(tree, self.unit)
        head, body = dict(tree["head"]), tree["body"]
        root, ending = ("out", "Res") if "return_code" in head else ("in", "")
        names = _names_of(head.get("trans_code", ""))
        if "trans_code" in head:
            head["trans_code"] = _TRANS_CODES.get(head["trans_code"], head["trans_code"]) + ending
        parts = f"<head><Version>{_VERSION}</Version>{_written(head, names)}</head><body>{_written(body, names)}</body>"
        declaration = f'<?xml version="1.0" encoding="{self.encoding.upper()}"?>'
        return f"{declaration}<{root}>{parts}</{root}>".encode(CODECS[self.encoding])


FORMS: Mapping[str, Callable[[str, str], Form]] = {"json": JsonForm, "xml": XmlForm}
"""A form by its name in the settings, to be made with an encoding and a unit."""

_VERSION = "1.0.1"
_TRANS_CODES: Mapping[str, str] = {
    "QUERY": "Query",
    "PAY": "Pay",
    "REVERSE": "Reverse",
    "RESULT": "Result",
    "CHECK": "PayCheck",
    "PAYOUT": "Payout",
    "PAYOUT_QUERY": "PayoutQuery",
}
_NAMES: Mapping[str, str] = {
    "institution": "InstId",
    "trans_code": "TranCode",
    "trans_date": "TranDate",
    "trans_seq": "TranSeq",
}
_NAMES_OF: Mapping[str, Mapping[str, str]] = {
    "PAY": {"bill_no": "BillKey"},
    "CHECK": {
        "company_id": "companyId",
        "check_date": "payDate",
        "pay_count": "payCount",
        "pay_amount": "payMoney",
        "reverse_count": "reverseCount",
        "reverse_amount": "reverseMoney",
        "file_name": "fileName",
    },
}
"""Names that are not ours in another spelling: of all messages, and of one."""


def _names_of(code: str) -> Mapping[str, str]:
    return {**_NAMES, **_NAMES_OF.get(code, {})}


def _code_of(wire: str) -> str:
    """Our code of a transaction, whether it is asked or answered; one that nobody knows stays as it is."""
    return next((ours for ours, theirs in _TRANS_CODES.items() if wire in (theirs, f"{theirs}Res")), wire)


def _once(parent: Element) -> dict[str, Element]:
    """The elements in an element by their names."""
    found = {element.name: element for element in parent}
    if len(found) != len(parent.children):
        raise ValueError(f"<{parent.name}> has an element twice")
    return found


def _fields(part: Element) -> dict[str, str]:
    return {name: element.text for name, element in _once(part).items()}


def _ours(wire: str) -> str:
    """`PayTime` → `pay_time`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", wire).lower()


def _theirs(name: str, names: Mapping[str, str]) -> str:
    """`pay_time` → `PayTime`, unless the specification has a name for it."""
    return names.get(name) or "".join(part.capitalize() for part in name.split("_"))


def _written(value: Any, names: Mapping[str, str], one: str = "Item") -> str:
    """A value between its tags: fields by name, the items of a list each in an element of its own."""
    if isinstance(value, Mapping):
        tags = [(_theirs(name, names), inner) for name, inner in sorted(value.items())]
        return "".join(f"<{tag}>{_written(inner, names, tag.removesuffix('s'))}</{tag}>" for tag, inner in tags)
    if isinstance(value, list):
        return "".join(f"<{one}>{_written(item, names)}</{one}>" for item in value)
    return write_text(str(value))


def _read_amounts(tree: Tree, unit: str) -> Tree:
    """A message with its amounts in yuan; every field that holds one is called `…_amount`."""
    body = tree.get("body")
    if unit == "yuan" or not isinstance(body, Mapping):
        return tree
    return {**tree, "body": {name: _from_fen(text) if _is_amount(name) else text for name, text in body.items()}}


def _written_amounts(value: Any, unit: str) -> Any:
    """What we say, with its amounts in the bank's unit."""
    if unit == "yuan":
        return value
    if isinstance(value, list):
        return [_written_amounts(item, unit) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: str(int(inner.replace(".", ""))) if _is_amount(name) else _written_amounts(inner, unit)
        for name, inner in value.items()
    }


def _is_amount(name: str) -> bool:
    return name.endswith("_amount")


def _from_fen(text: Any) -> Any:
    """`"30000"` → `"300.00"`; what is no amount in fen becomes none in yuan."""
    if not isinstance(text, str) or not re.fullmatch(r"0|[1-9][0-9]{0,11}", text):
        return None
    return f"{int(text) // 100}.{int(text) % 100:02d}"
