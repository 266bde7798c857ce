"""Tables that clerks send and get back: CSV (UTF-8 with or without BOM, GB18030) and XLSX, as rows of text.

A cell is always text: numbers without a trailing `.0`, dates as YYYY-MM-DD, blanks trimmed. What goes back has the form
in which it came: the same columns and encoding, and one column more that says what was wrong.
"""

import csv
import io
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zipfile import BadZipFile, ZipFile

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook

REASON_COLUMN = "退回原因"

_MOST_CELLS = 20_000_000
_MOST_UNPACKED_BYTES = 512 * 1024 * 1024
_ROW = re.compile(rb"<(?:\w+:)?row\b")
_CELL = re.compile(rb"<(?:\w+:)?c\b[^<>]*(?<!/)>")
_PLACE = re.compile(rb"<(?:\w+:)?c\b[^<>]*?\sr=[\"']([A-Za-z]{1,3})([0-9]{1,7})[\"'][^<>]*(?<!/)>")


class SheetUnreadable(Exception):
    """The file as a whole cannot be read; the message tells the clerk what to do."""


@dataclass(frozen=True)
class SheetRow:
    """One row: its number as the clerk's program shows it (the header is row 1) and its cells by column."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Sheet:
    """A table as it came. `form` is `xlsx` or the CSV's encoding."""

    form: str
    columns: list[str]
    rows: list[SheetRow]


def read_sheet(file_name: str, data: bytes, *, required: Sequence[str]) -> Sheet:
    """Read a table whose first row names its columns. Empty rows are skipped, `number` still counts them.

    Raises SheetUnreadable for another kind of file, a broken one, or one without a required column.
    """
    suffix = file_name.rsplit(".", 1)[-1].lower()
    if suffix == "xlsx":
        form, table = "xlsx", _read_xlsx(data)
    elif suffix == "csv":
        form, table = _read_csv(data)
    else:
        raise SheetUnreadable(f"不支持的文件类型 .{suffix}，请用 .xlsx 或 .csv")
    if not table:
        raise SheetUnreadable("文件没有表头行")
    table = [[cell.replace("\0", "") for cell in cells] for cells in table]  # no database keeps it in a text
    columns = [name.strip() for name in table[0]]
    while columns and not columns[-1]:
        columns.pop()
    missing = [name for name in required if name not in columns]
    if missing:
        raise SheetUnreadable(f"缺少列：{'、'.join(missing)}")
    named = [name for name in columns if name]
    if len(set(named)) != len(named):
        raise SheetUnreadable("表头有重复的列名")
    rows = [SheetRow(number, _cells(columns, cells)) for number, cells in enumerate(table[1:], start=2) if any(cells)]
    return Sheet(form, columns, rows)


def write_returned(sheet_form: str, columns: Sequence[str], rows: Iterable[tuple[dict[str, str], str]]) -> bytes:
    """Rows in the form they came in, each with its reason in the last column."""
    named = [name for name in columns if name != REASON_COLUMN]
    table = [[cells.get(name, "") for name in named] + [reason] for cells, reason in rows]
    return write_sheet(sheet_form, [*named, REASON_COLUMN], table)


def write_sheet(form: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A table of text as XLSX or as CSV in an encoding."""
    if form == "xlsx":
        return _write_xlsx(columns, rows)
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode(form)


def read_day(text: str) -> date | None:
    """A day as clerks write it: 2021-08-01, 2021/8/1, 2021.8.1, 20210801; None where it is no day."""
    plain = text.strip().replace("/", "-").replace(".", "-").replace("年", "-").replace("月", "-").removesuffix("日")
    if len(plain) == 8 and plain.isdigit():
        plain = f"{plain[:4]}-{plain[4:6]}-{plain[6:]}"
    try:
        year, month, day = (int(part) for part in plain.split(" ", maxsplit=1)[0].split("-"))
        return date(year, month, day)
    except ValueError:
        return None


def _cells(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    return {name: (cells[at] if at < len(cells) else "") for at, name in enumerate(columns) if name}


def _read_csv(data: bytes) -> tuple[str, list[list[str]]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        form = "utf-8" if encoding == "utf-8-sig" and not data.startswith(b"\xef\xbb\xbf") else encoding
        try:
            return form, [
                [cell.strip().removeprefix("\t") for cell in row]
                for row in csv.reader(io.StringIO(text, newline=""), strict=True)
            ]
        except csv.Error as error:
            raise SheetUnreadable(f"CSV 格式有误：{error}") from error
    raise SheetUnreadable("CSV 编码无法识别，请用 UTF-8 或 GB18030 保存")


def _read_xlsx(data: bytes) -> list[list[str]]:
    try:
        _require_sensible_size(data)
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
        return [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    except (CalamineError, OSError, ValueError, IndexError, EOFError, RuntimeError, BadZipFile, zlib.error) as error:
        raise SheetUnreadable("不是有效的 XLSX 文件，请重新另存为 .xlsx") from error


def _require_sensible_size(data: bytes) -> None:
    """The reader unpacks the book and fills a grid up to the farthest cell: one stray cell at XFD1048576 would end
    the process. Raises SheetUnreadable where the book is too large for that."""
    left = _MOST_UNPACKED_BYTES
    with ZipFile(io.BytesIO(data)) as book:
        for part in book.infolist():
            with book.open(part) as file:
                content = file.read(left + 1)
            left -= len(content)
            if left < 0 or _grid_size(content) > _MOST_CELLS:
                raise SheetUnreadable("表格过大：请删除远处多余的单元格，或分成几个文件提交")


def _grid_size(part: bytes) -> int:
    """Rows times columns of a worksheet, counted to its farthest filled cells, whether named (A1) or just in a row."""
    places = set(_PLACE.findall(part))
    lines = _ROW.split(part)
    rows = max([len(lines), *(int(row) for _, row in places)])
    columns = max(
        *(len(_CELL.findall(line)) for line in lines),
        *(_column_number(letters) for letters in {letters for letters, _ in places}),
        1,
    )
    return rows * columns


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _text(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _write_xlsx(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "constant_memory": True,
            "strings_to_numbers": False,
            "strings_to_formulas": False,
            "in_memory": True,
        },
    )
    book.set_properties({"created": datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)})
    page = book.add_worksheet()
    for at, cells in enumerate([columns, *rows]):
        for column, cell in enumerate(cells):
            page.write_string(at, column, cell)
    book.close()
    return out.getvalue()
