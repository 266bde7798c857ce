"""Bytes ↔ values: the suppliers' data file, the lists that departments hand over, and the rows that go back to them.

A list is a table (XLSX, CSV) or JSON lines: one object a line, its keys the headings; line 1 counts as row 2, as it
would in a table.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import yaml
from pydantic import TypeAdapter

from shared.sheets import REASON_COLUMN, Sheet, SheetRow, SheetUnreadable, read_day, read_sheet, write_returned

from .rules import HOLDER_COLUMNS, FeedRow, Supplier

_LINES = "jsonl"
_DAY_CELLS = ("since", "until", "birth")
_SUPPLIERS: TypeAdapter[list[Supplier]] = TypeAdapter(list[Supplier])


def read_suppliers(data: bytes) -> dict[str, Supplier]:
    """The suppliers by code (`suppliers.yaml`). Raises pydantic's ValidationError for what cannot be meant."""
    entries: dict[str, dict[str, Any]] = yaml.safe_load(data)
    suppliers = _SUPPLIERS.validate_python([{"code": code, **entry} for code, entry in entries.items()])
    return {supplier.code: supplier for supplier in suppliers}


def read_feed(supplier: Supplier, file_name: str, data: bytes) -> list[FeedRow]:
    """Read a list to its end. Raises SheetUnreadable where the file is broken or lacks a column it needs."""
    sheet = _read(supplier, file_name, data)
    return [_feed_row(supplier, row.number, row.cells) for row in sheet.rows]


def write_rejected(supplier: Supplier, file_name: str, data: bytes, reasons: Mapping[int, str]) -> bytes:
    """The rows of a list that go back (row number → reason), in the form they came in, with the column 退回原因."""
    sheet = _read(supplier, file_name, data)
    returned = ((row.cells, reasons[row.number]) for row in sheet.rows if row.number in reasons)
    if sheet.form == _LINES:
        return write_lines({**cells, REASON_COLUMN: reason} for cells, reason in returned)
    return write_returned(sheet.form, sheet.columns, returned)


def write_lines(items: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON lines."""
    return b"".join(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in items)


def _read(supplier: Supplier, file_name: str, data: bytes) -> Sheet:
    if file_name.lower().endswith(f".{_LINES}"):
        return _read_lines(data, supplier.required_headings)
    return read_sheet(file_name, data, required=supplier.required_headings)


def _read_lines(data: bytes, required: Sequence[str]) -> Sheet:
    """JSON lines as a table. Raises SheetUnreadable for a line that is no object of plain values."""
    rows = [
        SheetRow(number, _plain_cells(number - 1, line))
        for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=2)
        if line.strip()
    ]
    columns = list(dict.fromkeys(name for row in rows for name in row.cells))
    missing = [name for name in required if name not in columns]
    if rows and missing:
        raise SheetUnreadable(f"缺少列：{'、'.join(missing)}")
    return Sheet(_LINES, columns, rows)


def _plain_cells(line_no: int, line: bytes) -> dict[str, str]:
    try:
        cells = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise SheetUnreadable(f"第{line_no}行不是有效的 JSON（须为 UTF-8）") from error
    if not isinstance(cells, dict) or any(isinstance(cell, dict | list | bool) for cell in cells.values()):
        raise SheetUnreadable(f"第{line_no}行应为一个 JSON 对象，值为文字或数字")
    return {name: "" if cell is None else str(cell).replace("\0", "").strip() for name, cell in cells.items()}


def _feed_row(supplier: Supplier, row_no: int, by_heading: Mapping[str, str]) -> FeedRow:
    headings = {**HOLDER_COLUMNS, **supplier.columns}
    cells = {name: by_heading.get(heading, "") for name, heading in headings.items()}
    return FeedRow(row_no, cells, {name: read_day(cells[name]) for name in _DAY_CELLS if cells.get(name)})
