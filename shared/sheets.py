"""Tables that clerks send and get back: CSV (UTF-8 with or without BOM, GB18030) and XLSX, as rows of text.

A cell is always text: numbers without a trailing `.0`, dates as YYYY-MM-DD, blanks trimmed. What goes back has the form
in which it came: the same columns and encoding, and one column more that says what was wrong.
"""

import codecs
import csv
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import IO, NamedTuple
from zipfile import BadZipFile, ZipFile

import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook

REASON_COLUMN = "退回原因"

_PIECE_BYTES = 1024 * 1024
_MOST_CELLS = 20_000_000
_MOST_UNPACKED_BYTES = 512 * 1024 * 1024
# A row or cell that does not begin by saying that it stands in columns A to T of the first 999,999 rows.
_UNUSUAL = re.compile(rb'<(?:c|row)(?=[\s/>])(?! r="[A-T]?[1-9][0-9]{0,5}")|<\w+:(?:c|row)[\s/>]')
_ROW = re.compile(rb"<(?:\w+:)?row\b")
_CELL = re.compile(rb"<(?:\w+:)?c\b[^<>]*(?<!/)>")
_PLACE = re.compile(rb"<(?:\w+:)?c\b[^<>]*?\sr=[\"']([A-Za-z]{1,3})([0-9]{1,7})[\"'][^<>]*(?<!/)>")


class SheetUnreadable(Exception):
    """The file as a whole cannot be read; the message tells the clerk what to do."""


class SheetRow(NamedTuple):
    """One row: its number as the clerk's program shows it (the header is row 1) and its cells by column."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Sheet:
    """A table as it came. `form` is `xlsx` or the CSV's encoding."""

    form: str
    columns: list[str]
    rows: list[SheetRow]


@dataclass(frozen=True)
class OpenSheet:
    """A table whose rows are read as they are asked for, once. `form` is `xlsx` or the CSV's encoding."""

    form: str
    columns: list[str]
    rows: Iterator[SheetRow]


def read_sheet(file_name: str, data: bytes, *, required: Sequence[str]) -> Sheet:
    """Read a table whose first row names its columns. Empty rows are skipped, `number` still counts them.

    Raises SheetUnreadable for another kind of file, a broken one, or one without a required column.
    """
    sheet = open_sheet(file_name, io.BytesIO(data), required=required)
    return Sheet(sheet.form, sheet.columns, list(sheet.rows))


def open_sheet(file_name: str, file: IO[bytes], *, required: Sequence[str]) -> OpenSheet:
    """Open a table as `read_sheet` reads it. Of a CSV file no more than a piece is in memory at a time.

    Raises what `read_sheet` raises, for what stands further on while the rows are gone through.
    """
    suffix = file_name.rsplit(".", 1)[-1].lower()
    if suffix == "xlsx":
        form, table = "xlsx", _read_xlsx(file)
    elif suffix == "csv":
        form, table = _read_csv(file)
    else:
        raise SheetUnreadable(f"不支持的文件类型 .{suffix}，请用 .xlsx 或 .csv")
    first = next(table, None)
    if first is None:
        raise SheetUnreadable("文件没有表头行")
    columns = [_storable(name).strip() for name in first]
    while columns and not columns[-1]:
        columns.pop()
    missing = [name for name in required if name not in columns]
    if missing:
        raise SheetUnreadable(f"缺少列：{'、'.join(missing)}")
    named = [name for name in columns if name]
    if len(set(named)) != len(named):
        raise SheetUnreadable("表头有重复的列名")
    return OpenSheet(form, columns, _rows(columns, table))


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


@lru_cache(maxsize=8192)  # a list says the same few days over and over
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


def _rows(columns: Sequence[str], table: Iterable[Sequence[str]]) -> Iterator[SheetRow]:
    width, all_named = len(columns), all(columns)
    for number, row in enumerate(table, start=2):
        cells, text = row, "".join(row)
        if "\0" in text:
            cells = [_storable(cell) for cell in row]
            text = "".join(cells)
        if not text:
            continue
        if len(cells) < width:
            cells = [*cells, *[""] * (width - len(cells))]
        named = dict(zip(columns, cells, strict=False))
        if not all_named:
            del named[""]
        yield SheetRow(number, named)


def _storable(text: str) -> str:
    """No database keeps U+0000 in a text."""
    return text.replace("\0", "")


def _read_csv(file: IO[bytes]) -> tuple[str, Iterator[list[str]]]:
    encoding = _csv_encoding(file)
    file.seek(0)
    marked = file.read(3) == b"\xef\xbb\xbf"
    form = "utf-8" if encoding == "utf-8-sig" and not marked else encoding
    return form, _csv_rows(file, encoding)


def _csv_rows(file: IO[bytes], encoding: str) -> Iterator[list[str]]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        for row in csv.reader(text, strict=True):
            yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise SheetUnreadable(f"CSV 格式有误：{error}") from error
    finally:
        with suppress(ValueError):  # its owner has closed it
            text.detach()


def _csv_encoding(file: IO[bytes]) -> str:
    """The encoding in which all of the file can be read."""
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        file.seek(0)
        try:
            while piece := file.read(_PIECE_BYTES):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return encoding
    raise SheetUnreadable("CSV 编码无法识别，请用 UTF-8 或 GB18030 保存")


def _read_xlsx(file: IO[bytes]) -> Iterator[list[str]]:
    try:
        _require_sensible_size(file)
        file.seek(0)
        sheet = CalamineWorkbook.from_filelike(file).get_sheet_by_index(0)
        left = [""] * (
            sheet.start[1] if sheet.start else 0
        )  # rows come without the empty columns before the first cell
        rows = sheet.iter_rows()
    except (CalamineError, OSError, ValueError, IndexError, EOFError, RuntimeError, BadZipFile, zlib.error) as error:
        raise SheetUnreadable("不是有效的 XLSX 文件，请重新另存为 .xlsx") from error
    table = ([cell.strip() if type(cell) is str else _text(cell) for cell in row] for row in rows)
    return ([*left, *row] for row in table) if left else table


def _require_sensible_size(file: IO[bytes]) -> None:
    """The reader unpacks the book and fills a grid up to the farthest cell: one stray cell at XFD1048576 would end
    the process. Raises SheetUnreadable where the book is too large for that."""
    left = _MOST_UNPACKED_BYTES
    with ZipFile(file) as book:
        for part in book.infolist():
            with book.open(part) as unpacked:
                size, usual = _look_over(unpacked, left)
            left -= size
            if left < 0 or not (usual or _grid_size(book.read(part)) <= _MOST_CELLS):
                raise SheetUnreadable("表格过大：请删除远处多余的单元格，或分成几个文件提交")


def _look_over(unpacked: IO[bytes], most: int) -> tuple[int, bool]:
    """How large a part is, read no further than `most` allows; and whether all its cells say that they stand in columns
    A to T of the first 999,999 rows, as those of nearly every list do, so that they need not be counted."""
    size, usual, rest = 0, True, b""
    while size <= most and (piece := unpacked.read(_PIECE_BYTES)):
        size += len(piece)
        if usual:
            text = rest + piece
            cut = text.rfind(b"<")
            cut, rest = (cut, text[cut:]) if cut >= 0 else (len(text), b"")
            usual = len(rest) < _PIECE_BYTES and not _UNUSUAL.search(text, 0, cut)
    return size, usual and not _UNUSUAL.search(rest)


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
