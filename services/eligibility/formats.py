"""Bytes ↔ values: the suppliers' data file, the lists that departments hand over, and the rows that go back to them.

A list is a table (XLSX, CSV) or JSON lines: one object a line, its keys the headings; line 1 counts as row 2, as it
would in a table.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, Any

import orjson
import yaml
from pydantic import TypeAdapter

from shared.sheets import REASON_COLUMN, OpenSheet, SheetRow, SheetUnreadable, open_sheet, read_day, write_returned

from .rules import HOLDER_COLUMNS, FeedRow, Supplier

_LINES = "jsonl"
_DAY_CELLS = ("since", "until", "birth")
_SUPPLIERS: TypeAdapter[list[Supplier]] = TypeAdapter(list[Supplier])


def read_suppliers(data: bytes) -> dict[str, Supplier]:
    """The suppliers by code (`suppliers.yaml`). Raises pydantic's ValidationError for what cannot be meant."""
    entries: dict[str, dict[str, Any]] = yaml.safe_load(data)
    suppliers = _SUPPLIERS.validate_python([{"code": code, **entry} for code, entry in entries.items()])
    return {supplier.code: supplier for supplier in suppliers}


def read_feed(supplier: Supplier, file_name: str, file: IO[bytes]) -> Iterator[FeedRow]:
    """The rows of a list, read as they are asked for. Raises SheetUnreadable where the file is broken or lacks a column
    it needs, for what stands further on while the rows are gone through."""
    headings = {**HOLDER_COLUMNS, **supplier.columns}
    for row in _read(supplier, file_name, file).rows:
        yield _feed_row(headings, row.number, row.cells)


def count_rows(supplier: Supplier, file_name: str, file: IO[bytes]) -> int:
    """How many rows a list has, read to its end. Raises SheetUnreadable."""
    return sum(1 for _ in _read(supplier, file_name, file).rows)


def write_rejected(supplier: Supplier, file_name: str, file: IO[bytes], reasons: Mapping[int, str]) -> bytes:
    """The rows of a list that go back (row number → reason), in the form they came in, with the column 退回原因."""
    sheet = _read(supplier, file_name, file)
    returned = ((row.cells, reasons[row.number]) for row in sheet.rows if row.number in reasons)
    if sheet.form == _LINES:
        return write_lines({**cells, REASON_COLUMN: reason} for cells, reason in returned)
    return write_returned(sheet.form, sheet.columns, returned)


def write_lines(items: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON lines."""
    return b"".join(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE) for item in items)


def _read(supplier: Supplier, file_name: str, file: IO[bytes]) -> OpenSheet:
    if file_name.lower().endswith(f".{_LINES}"):
        return _read_lines(file, supplier.required_headings)
    return open_sheet(file_name, file, required=supplier.required_headings)


def _read_lines(file: IO[bytes], required: Sequence[str]) -> OpenSheet:
    """JSON lines as a table: its columns are all that any of its lines has, so it is gone through twice.

    Raises SheetUnreadable for a line that is no object of plain values.
    """
    columns: dict[str, None] = {}
    empty = True
    for row in _lines(file):
        columns |= dict.fromkeys(row.cells)
        empty = False
    missing = [name for name in required if name not in columns]
    if missing and not empty:
        raise SheetUnreadable(f"缺少列：{'、'.join(missing)}")
    return OpenSheet(_LINES, list(columns), _lines(file))


def _lines(file: IO[bytes]) -> Iterator[SheetRow]:
    file.seek(0)
    for number, line in enumerate(file, start=2):
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 2 else line
        if text.strip():
            yield SheetRow(number, _plain_cells(number - 1, text))


def _plain_cells(line_no: int, line: bytes) -> dict[str, str]:
    try:
        cells = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise SheetUnreadable(f"第{line_no}行不是有效的 JSON（须为 UTF-8）") from error
    if not isinstance(cells, dict) or any(isinstance(cell, dict | list | bool) for cell in cells.values()):
        raise SheetUnreadable(f"第{line_no}行应为一个 JSON 对象，值为文字或数字")
    return {name: "" if cell is None else str(cell).replace("\0", "").strip() for name, cell in cells.items()}


def _feed_row(headings: Mapping[str, str], row_no: int, by_heading: Mapping[str, str]) -> FeedRow:
    cells = {name: by_heading.get(heading, "") for name, heading in headings.items()}
    return FeedRow(row_no, cells, {name: read_day(cells[name]) for name in _DAY_CELLS if cells.get(name)})
