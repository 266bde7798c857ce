"""Tables that clerks send: whatever their program saved is read as text, and goes back as it came."""

import io
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from zipfile import ZipFile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.sheets import REASON_COLUMN, SheetUnreadable, read_day, read_sheet, write_returned, write_sheet
from tests.suite import ROOT

HEADER = ["姓名", "身份证号", "认定日期"]
ROW = ["王小明", "11010519491231002X", "2021-08-01"]
FORMS = ("utf-8", "utf-8-sig", "gb18030", "xlsx")


def file_name(form: str) -> str:
    return "名单.xlsx" if form == "xlsx" else "名单.csv"


def book(rows: Sequence[Sequence[object]], *, far: tuple[int, int] | None = None) -> bytes:
    """An XLSX as a clerk's program saves it: typed cells. `far` is a stray cell."""
    out = io.BytesIO()
    made = xlsxwriter.Workbook(out, {"in_memory": True, "default_date_format": "yyyy/m/d"})
    page = made.add_worksheet()
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            page.write(at, column, cell)
    if far:
        page.write(*far, " ")
    made.close()
    return out.getvalue()


def cells(form: str, data: bytes) -> list[list[str]]:
    """All cells of a table that we wrote, the header first."""
    sheet = read_sheet(file_name(form), data, required=[])
    return [sheet.columns, *([row.cells[name] for name in sheet.columns] for row in sheet.rows)]


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_read_whatever_it_was_saved_as(form: str) -> None:
    sheet = read_sheet(file_name(form), write_sheet(form, HEADER, [ROW]), required=HEADER)
    assert (sheet.form, sheet.columns) == (form, HEADER)
    assert [(row.number, list(row.cells.values())) for row in sheet.rows] == [(2, ROW)]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (datetime.fromisoformat("2021-08-01"), "2021-08-01"),
        (datetime.fromisoformat("2021-08-01T23:59:59"), "2021-08-01"),
        (date(2000, 2, 29), "2000-02-29"),
        (140522108200, "140522108200"),
        (2.0, "2"),
        (2.5, "2.5"),
        (-3, "-3"),
        ("  王小明　", "王小明"),
        ("110105194912310021", "110105194912310021"),
        ("007", "007"),
        (None, ""),
    ],
)
def test_a_typed_cell_becomes_the_text_a_clerk_sees(cell: object, text: str) -> None:
    sheet = read_sheet("a.xlsx", book([["列", "另一列"], [cell, "x"]]), required=["列"])
    assert sheet.rows[0].cells == {"列": text, "另一列": "x"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.xlsx", book([["姓名", "号", "", ""], ["甲", "1"], [], ["  ", ""], ["乙", "2", "", ""], ["丙"]])),
        ("a.csv", "姓名,号,,\r\n甲,1\r\n\r\n  ,\r\n乙,2,,\r\n丙\r\n".encode()),
        ("A.CSV", "姓名,号\n甲,1\n\n,\n乙,2\n丙".encode("gb18030")),
    ],
)
def test_blank_rows_count_blank_columns_do_not_and_short_rows_are_filled(name: str, data: bytes) -> None:
    sheet = read_sheet(name, data, required=["姓名", "号"])
    assert sheet.columns == ["姓名", "号"]
    assert [(row.number, row.cells["姓名"], row.cells["号"]) for row in sheet.rows] == [
        (2, "甲", "1"), (5, "乙", "2"), (6, "丙", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.xlsx", book([["姓名", "", "", "号"], ["甲", "", "x", 1]])), ("a.csv", "姓名,,,号\n甲,,x,1\n".encode())],
)
def test_columns_without_a_name_are_passed_over(name: str, data: bytes) -> None:
    assert read_sheet(name, data, required=["号"]).rows[0].cells == {"姓名": "甲", "号": "1"}


@pytest.mark.parametrize("form", FORMS)
def test_a_character_that_no_database_keeps_is_left_out(form: str) -> None:
    assert cells(form, write_sheet(form, ["列"], [["甲\0乙"], ["\0"]])) == [["列"], ["甲乙"]]


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("a.xls", b"", "不支持的文件类型"),
        ("a", b"x", "不支持的文件类型"),
        ("a.xlsx.exe", b"", "不支持的文件类型"),
        ("a.csv", b"", "没有表头"),
        ("a.xlsx", book([]), "没有表头"),
        ("a.csv", "姓名\n甲\n".encode(), "缺少列：身份证号、认定日期"),
        ("a.xlsx", book([["姓名"], ["甲"]]), "缺少列：身份证号、认定日期"),
        ("a.csv", ",".join([*HEADER, "姓名"]).encode(), "重复的列名"),
        ("a.xlsx", book([[*HEADER, " 姓名 "]]), "重复的列名"),
        ("a.csv", ",".join(HEADER).encode() + '\n"甲'.encode(), "格式有误"),
        ("a.csv", ",".join(HEADER).encode() + '\n"甲"乙,1'.encode(), "格式有误"),
        ("a.csv", ",".join(HEADER).encode("utf-16"), "编码无法识别"),
        ("a.csv", book([HEADER]), "编码无法识别"),
        ("a.xlsx", b"", "不是有效的 XLSX"),
        ("a.xlsx", ",".join(HEADER).encode(), "不是有效的 XLSX"),
        ("a.xlsx", book([HEADER])[:-30], "不是有效的 XLSX"),
        ("a.xlsx", book([HEADER])[:400], "不是有效的 XLSX"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(name: str, data: bytes, word: str) -> None:
    with pytest.raises(SheetUnreadable, match=word):
        read_sheet(name, data, required=HEADER)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_book_is_refused_or_read_and_nothing_else(data: st.DataObject) -> None:
    """Damage in the file, and damage in a part whose checksum was mended."""
    whole = write_sheet("xlsx", HEADER, [ROW])
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:at] + data.draw(st.binary(max_size=3)) + whole[at + 1 :]
    else:
        out = io.BytesIO()
        with ZipFile(io.BytesIO(whole)) as source, ZipFile(out, "w") as target:
            hit = data.draw(st.sampled_from(source.namelist()))
            for name in source.namelist():
                part = source.read(name)
                at = data.draw(st.integers(0, len(part) - 1)) if name == hit else len(part)
                target.writestr(name, part[:at] + data.draw(st.binary(max_size=3)) + part[at + 1 :])
        damaged = out.getvalue()
    with suppress(SheetUnreadable):
        assert read_sheet("a.xlsx", damaged, required=[]).form == "xlsx"


def test_one_stray_cell_far_away_is_refused_and_does_not_end_the_process() -> None:
    """In a process of its own with little memory, because what it is about is the death of the process."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9))\n"
        "from shared.sheets import SheetUnreadable, read_sheet\n"
        "try: read_sheet('a.xlsx', sys.stdin.buffer.read(), required=[])\n"
        "except SheetUnreadable as refused: print(refused.args[0].encode('unicode-escape').decode())\n"
    )
    far = book([HEADER, ROW], far=(1048575, 16383))
    assert len(far) < 10_000
    done = subprocess.run(
        [sys.executable, "-c", code], input=far, capture_output=True, timeout=60, check=False, cwd=ROOT
    )
    assert done.stdout.decode().strip().encode().decode("unicode-escape").startswith("表格过大"), done.stderr
    near = read_sheet("a.xlsx", book([HEADER, ROW], far=(5000, 100)), required=HEADER)
    assert len(near.rows) == 1


@pytest.mark.parametrize("form", FORMS)
def test_what_goes_back_has_the_form_it_came_in_and_the_reason_last(form: str) -> None:
    sent = write_sheet(form, HEADER, [ROW, ["李四", "", "昨天"]])
    sheet = read_sheet(file_name(form), sent, required=HEADER)
    returned = write_returned(sheet.form, sheet.columns, [(sheet.rows[1].cells, "缺少身份证号；日期无效")])
    again = read_sheet(file_name(form), returned, required=[*HEADER, REASON_COLUMN])
    assert again.form == form
    assert cells(form, returned) == [[*HEADER, "退回原因"], ["李四", "", "昨天", "缺少身份证号；日期无效"]]
    assert returned.startswith(b"\xef\xbb\xbf") is (form == "utf-8-sig")
    # Mended and sent once more with its reason column, it goes back with one reason column, not two.
    twice = write_returned(again.form, again.columns, [(again.rows[0].cells, "仍缺少身份证号")])
    assert cells(form, twice) == [[*HEADER, "退回原因"], ["李四", "", "昨天", "仍缺少身份证号"]]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "text", ["=1+1", "=HYPERLINK(A1)", "+8613800138000", "-2", "@SUM(A1)", "{=A1}", "http://a.b/c"]
)
def test_what_looks_like_a_formula_stays_a_text(form: str, text: str) -> None:
    data = write_sheet(form, ["列"], [[text]])
    assert cells(form, data) == [["列"], [text]]
    if form == "xlsx":
        with ZipFile(io.BytesIO(data)) as made:
            page = made.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in page
        assert b"<hyperlink" not in page


@pytest.mark.parametrize("text", ["甲,乙", '他说"好"', "第一行\n第二行", "甲;乙\t丙", "'引号'", '"', '"",""'])
@pytest.mark.parametrize("form", FORMS)
def test_commas_quotes_and_line_breaks_stay_inside_their_cell(form: str, text: str) -> None:
    assert cells(form, write_sheet(form, ["一", "二"], [[text, "x"]])) == [["一", "二"], [text, "x"]]


# What a cell may hold: no surrogates, no control characters but the line break; blanks around it are not kept.
cell_texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n", exclude_characters="\ufeff\ufffe\uffff"),
    max_size=40,
).map(str.strip)


@settings(deadline=None)
@given(st.sampled_from(FORMS), st.lists(st.tuples(cell_texts, cell_texts, cell_texts), max_size=8))
def test_whatever_is_written_is_read_again(form: str, rows: list[tuple[str, str, str]]) -> None:
    assert cells(form, write_sheet(form, HEADER, rows)) == [HEADER, *(list(row) for row in rows if any(row))]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2021-08-01", date(2021, 8, 1)),
        ("2021/8/1", date(2021, 8, 1)),
        ("2021.8.1", date(2021, 8, 1)),
        ("20210801", date(2021, 8, 1)),
        ("2021年8月1日", date(2021, 8, 1)),
        (" 2021-08-01 ", date(2021, 8, 1)),
        ("2021-08-01 10:30:00", date(2021, 8, 1)),
        ("2000-02-29", date(2000, 2, 29)),
        ("2021-02-29", None),
        ("2021-13-01", None),
        ("2021-08", None),
        ("210801", None),
        ("44409", None),
        ("昨天", None),
        ("", None),
    ],
)
def test_a_day_is_read_as_clerks_write_it(text: str, day: date | None) -> None:
    assert read_day(text) == day
