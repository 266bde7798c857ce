"""Departments' lists as bytes: encodings, headings, cells, and the form in which bad rows go back. No database."""

import io
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter
import yaml
from pydantic import ValidationError
from python_calamine import CalamineWorkbook

from services.eligibility import formats, rules
from shared.codes import Status
from shared.sheets import SheetUnreadable

SUPPLIERS_YAML = Path(formats.__file__).with_name("suppliers.yaml").read_bytes()
SUPPLIERS = formats.read_suppliers(SUPPLIERS_YAML)
DISABLED = SUPPLIERS["disabled_federation"]
CIVIL = SUPPLIERS["civil_affairs"]
HEADING = "姓名,身份证号,残疾等级,评定日期"
ROW = "张三,11010519491231002X,二级,2019-01-01"


def xlsx(*rows: list[object]) -> bytes:
    """A workbook; days become real date cells."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    page, day = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd"})
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                page.write_datetime(at, column, cell, day)
            else:
                page.write(at, column, cell)
    book.close()
    return out.getvalue()


def first(supplier: rules.Supplier, file_name: str, data: bytes) -> rules.FeedRow:
    (row,) = formats.read_feed(supplier, file_name, io.BytesIO(data))
    return row


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_reads_alike_in_every_encoding(encoding: str) -> None:
    row = first(DISABLED, "残联.csv", f"{HEADING}\r\n{ROW}\r\n".encode(encoding))
    assert (row.row_no, row.cell("name"), row.cell("word")) == (2, "张三", "二级")
    assert row.days == {"since": date(2019, 1, 1)}


def test_rare_characters_of_gb18030_survive() -> None:
    row = first(DISABLED, "残联.CSV", f"{HEADING}\n{ROW.replace('张三', '㐱䶮𠮷')}".encode("gb18030"))
    assert row.cell("name") == "㐱䶮𠮷"


@pytest.mark.parametrize(
    ("text", "name", "since"),
    [
        (f"{HEADING},备注\n{ROW},低保户", "张三", date(2019, 1, 1)),
        ("评定日期,残疾等级,身份证号,姓名\n2019/1/1,二级,11010519491231002x, 张三 ", "张三", date(2019, 1, 1)),
        (f" 姓名 ,身份证号,残疾等级,评定日期\n{ROW.replace('2019-01-01', '20190101')}", "张三", date(2019, 1, 1)),
        (f'{HEADING}\n"张,三",11010519491231002X,二级,长期', "张,三", None),
        (f"{HEADING}\n张三", "张三", None),
    ],
)
def test_columns_come_in_any_order_with_others_beside_them(text: str, name: str, since: date | None) -> None:
    row = first(DISABLED, "残联.csv", text.encode())
    assert (row.cell("name"), row.days.get("since")) == (name, since)


@pytest.mark.parametrize("day", [date(2021, 3, 1), "2021-03-01", "2021/3/1", "20210301", 20210301])
def test_days_of_a_workbook_may_be_cells_or_text(day: object) -> None:
    data = xlsx(["姓名", "身份证号", "救助类别", "认定日期"], ["张三", "11010519491231002X", "低保", day])
    assert first(CIVIL, "民政.xlsx", data).days["since"] == date(2021, 3, 1)


def test_rows_keep_the_number_that_the_clerk_sees() -> None:
    rows = formats.read_feed(DISABLED, "残联.csv", io.BytesIO(f"{HEADING}\n{ROW}\n,,,\n\n{ROW}".encode()))
    assert [row.row_no for row in rows] == [2, 5]


@pytest.mark.parametrize(
    ("file_name", "data", "told"),
    [
        ("残联.csv", b"", "表头"),
        ("残联.csv", "姓名,身份证号\n张三,1".encode(), "缺少列：残疾等级、评定日期"),
        ("残联.csv", f"{HEADING},姓名\n{ROW},李四".encode(), "重复的列名"),
        ("残联.csv", b"\xff\xfe\x00\xff", "编码"),
        ("残联.pdf", b"%PDF-1.7", "不支持"),
        ("残联.xlsx", b"PK\x03\x04 cut off", "XLSX"),
        ("残联.xlsx", f"{HEADING}\n{ROW}".encode(), "XLSX"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(file_name: str, data: bytes, told: str) -> None:
    with pytest.raises(SheetUnreadable, match=told):
        formats.count_rows(DISABLED, file_name, io.BytesIO(data))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_goes_back_in_the_form_it_came_in(encoding: str) -> None:
    data = f"备注,{HEADING}\r\n一,{ROW}\r\n二,{ROW}\r\n".encode(encoding)
    back = formats.write_rejected(DISABLED, "残联.csv", io.BytesIO(data), {3: "与第2行重复"})
    assert back.decode(encoding) == f"备注,{HEADING},退回原因\r\n二,{ROW},与第2行重复\r\n"
    assert back.startswith(b"\xef\xbb\xbf") == (encoding == "utf-8-sig")


def test_a_workbook_goes_back_as_a_workbook() -> None:
    heading: list[object] = ["姓名", "身份证号", "救助类别", "认定日期", "村"]
    bad: list[object] = ["", "11010519491231002X", "低保", date(2021, 3, 1), "一村"]
    data = xlsx(heading, ["张三", "11010519491231002X", "低保", date(2021, 3, 1), "一村"], bad)
    back = formats.write_rejected(CIVIL, "民政.xlsx", io.BytesIO(data), {3: "缺少姓名"})
    table = CalamineWorkbook.from_filelike(io.BytesIO(back)).get_sheet_by_index(0).to_python()
    assert table == [[*heading, "退回原因"], ["", "11010519491231002X", "低保", "2021-03-01", "一村", "缺少姓名"]]


def test_a_returned_file_put_right_can_be_sent_again() -> None:
    back = formats.write_rejected(DISABLED, "残联.csv", io.BytesIO(f"{HEADING}\n{ROW}".encode()), {2: "缺少姓名"})
    assert first(DISABLED, "退回-残联.csv", back).cell("number") == "11010519491231002X"


def test_every_supplier_of_the_season_is_known_and_every_status_has_one() -> None:
    assert set(SUPPLIERS) >= {
        "civil_affairs", "disabled_federation", "rural_revitalisation", "veterans", "public_security", "education",
        "employee_insurance",
    }  # fmt: skip
    assert {status for supplier in SUPPLIERS.values() for status in supplier.asserts} == set(Status)
    assert SUPPLIERS["disabled_federation"].words["一级"] == rules.Assertion(Status.DISABLED, 1)
    assert SUPPLIERS["disabled_federation"].unknown_word == rules.FaultCode.GRADE_INVALID
    assert SUPPLIERS["education"].every_row == rules.Assertion(Status.STUDENT)


@pytest.mark.parametrize(
    "change",
    [
        {"words": {"低保": {"status": "rich"}}},
        {"words": {}},
        {"every_row": {"status": "dibao"}},
        {"columns": {"name": "姓名", "number": "身份证号", "word": "救助类别"}},
        {"optional": ["nothing"]},
        {"unknown_word": "whatever"},
    ],
)
def test_a_supplier_that_cannot_be_meant_is_refused_on_load(change: dict[str, object]) -> None:
    entries = yaml.safe_load(SUPPLIERS_YAML)
    entries["civil_affairs"] |= change
    with pytest.raises(ValidationError):
        formats.read_suppliers(yaml.safe_dump(entries).encode())
