"""Bytes ↔ values: the suppliers' data file, the lists that departments hand over, and the rows that go back to them."""

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import TypeAdapter

from shared.sheets import read_day, read_sheet, write_returned

from .rules import FeedRow, Supplier

_DAY_CELLS = ("since", "until")
_SUPPLIERS: TypeAdapter[list[Supplier]] = TypeAdapter(list[Supplier])


def read_suppliers(data: bytes) -> dict[str, Supplier]:
    """The suppliers by code (`suppliers.yaml`). Raises pydantic's ValidationError for what cannot be meant."""
    entries: dict[str, dict[str, Any]] = yaml.safe_load(data)
    suppliers = _SUPPLIERS.validate_python([{"code": code, **entry} for code, entry in entries.items()])
    return {supplier.code: supplier for supplier in suppliers}


def read_feed(supplier: Supplier, file_name: str, data: bytes) -> list[FeedRow]:
    """Read a list to its end. Raises SheetUnreadable where the file is broken or lacks a column it needs."""
    sheet = read_sheet(file_name, data, required=supplier.required_headings)
    return [_feed_row(supplier, row.number, row.cells) for row in sheet.rows]


def write_rejected(supplier: Supplier, file_name: str, data: bytes, reasons: Mapping[int, str]) -> bytes:
    """The rows of a list that go back (row number → reason), in the form they came in, with the column 退回原因."""
    sheet = read_sheet(file_name, data, required=supplier.required_headings)
    returned = ((row.cells, reasons[row.number]) for row in sheet.rows if row.number in reasons)
    return write_returned(sheet.form, sheet.columns, returned)


def _feed_row(supplier: Supplier, row_no: int, by_heading: Mapping[str, str]) -> FeedRow:
    cells = {name: by_heading.get(heading, "") for name, heading in supplier.columns.items()}
    return FeedRow(row_no, cells, {name: read_day(cells[name]) for name in _DAY_CELLS if cells.get(name)})
