"""XML from partners, read without trusting it: no document type, so no entities; depth and size are bounded.

expat does not read GBK, so the bytes are decoded here, by the encoding that the partner's settings name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

CODECS: Mapping[str, str] = {"utf-8": "utf-8", "gbk": "gb18030"}
"""How each encoding is read. GB18030 is GBK with what GBK leaves out, among it the rare characters of names."""

_DECLARATION = re.compile(r"\s*<\?xml\s[^>]*\?>")
_ENCODING = re.compile(r"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_LABELS: Mapping[str, frozenset[str]] = {
    "utf-8": frozenset({"utf-8", "utf8"}),
    "gbk": frozenset({"gbk", "gb2312", "gb18030"}),
}
_DEEPEST = 16
_LONGEST = 16 * 1024 * 1024
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass
class Element:
    """An element: its own text without blanks around it, and the elements in it, in their order."""

    name: str
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def __iter__(self) -> Iterator["Element"]:
        return iter(self.children)


def read_xml(raw: bytes, encoding: str) -> Element:
    """The root element of a document. Raises ValueError for what is not well-formed, too deep, too long, has a document
    type, or says that it is in another encoding."""
    if len(raw) > _LONGEST:
        raise ValueError(f"XML is at most {_LONGEST} bytes")
    text = raw.decode(CODECS[encoding]).removeprefix("\ufeff")
    declaration = _DECLARATION.match(text)
    if declaration:
        named = _ENCODING.search(declaration[0])
        if named and named[1].lower() not in _LABELS[encoding]:
            raise ValueError(f"XML is in {encoding} here, not in {named[1]}")
        text = text[declaration.end() :]
    return _Builder().build(text)


def write_text(text: str) -> str:
    """A text inside an element; characters that no XML can hold are left out."""
    return escape(_NOT_XML.sub("", text))


class _Builder:
    """Makes elements of what expat reports."""

    def __init__(self) -> None:
        self._open: list[Element] = []
        self._root: Element | None = None

    def build(self, text: str) -> Element:
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(text, True)
        except expat.ExpatError as error:
            raise ValueError(f"XML is not well-formed: {error}") from error
        assert self._root is not None  # expat refuses a document without an element
        return self._root

    def _refuse(self, *_: object) -> None:
        raise ValueError("XML must not have a document type")

    def _start(self, name: str, _attributes: Mapping[str, str]) -> None:
        if len(self._open) == _DEEPEST:
            raise ValueError(f"XML is at most {_DEEPEST} elements deep")
        element = Element(name)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        element.text = element.text.strip()

    def _text(self, data: str) -> None:
        self._open[-1].text += data
