"""Lists as departments and villages keep them: CSV in two encodings, XLSX and JSON lines, always the same bytes."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import xlsxwriter

Cell = str | date | None
_MADE = datetime(2021, 8, 1, tzinfo=UTC).replace(tzinfo=None)  # else the day of writing stands in the file


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Cell]], encoding: str) -> None:
    """One list as CSV; days as YYYY-MM-DD, an empty cell for None."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([[_as_text(cell) for cell in row] for row in rows])
    path.write_bytes(text.getvalue().encode(encoding))


def write_jsonl(path: Path, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """One list as JSON lines: an object a row, days as YYYY-MM-DD, an empty text for None."""
    items = (dict(zip(header, map(_as_text, row), strict=True)) for row in rows)
    lines = [json.dumps(item, ensure_ascii=False) + "\n" for item in items]
    path.write_bytes("".join(lines).encode())


def write_xlsx(path: Path, title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """One list as a workbook with one sheet; days as date cells, all else as text, numbers of documents too."""
    book = xlsxwriter.Workbook(str(path), {"in_memory": True})
    book.set_properties({"title": title, "created": _MADE})
    bold, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet(title[:31])
    sheet.write_row(0, 0, header, bold)
    for n, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(n, column, cell, day)
            elif cell is not None:
                sheet.write_string(n, column, cell)
    sheet.freeze_panes(1, 0)
    sheet.autofit()
    book.close()


def _as_text(cell: Cell) -> str:
    return cell.isoformat() if isinstance(cell, date) else cell or ""
