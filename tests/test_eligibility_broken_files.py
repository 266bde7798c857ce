"""Files as they should not be: each is refused with a sentence, or taken with its bad rows back; never a 500."""

import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random

import pytest
import xlsxwriter

from tests.eligibility_desk import ALL, VETERANS, eligibility_alone, number, send, sheet
from tests.suite import InProcessSuite

ROW = ["张三", number(1), "在乡重点优抚", "2019-01-01", ""]
GOOD = sheet(VETERANS, ROW)
LINE = json.dumps(dict(zip(VETERANS, ROW, strict=True)), ensure_ascii=False)


def workbook(*rows: list[object], merged: str = "", formula: str = "", sheets: int = 1) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    for _ in range(sheets):
        page = book.add_worksheet()
        for at, row in enumerate(rows):
            for column, cell in enumerate(row):
                page.write(at, column, cell)
        if merged:
            page.merge_range(merged, "合并")
        if formula:
            page.write_formula(formula, "=1/0", None, "#DIV/0!")
    book.close()
    return out.getvalue()


def zipped(*parts: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts:
            book.writestr(name, content)
    return out.getvalue()


def repacked(name: str, content: bytes) -> bytes:
    """A good workbook with one part replaced."""
    with zipfile.ZipFile(io.BytesIO(workbook(list(VETERANS), list(ROW)))) as book:
        parts = [(part, content if part == name else book.read(part)) for part in book.namelist()]
    return zipped(*parts)


def broken_files() -> Iterator[tuple[str, str, bytes, int]]:
    """What it is, its name, its bytes, and the answer's status."""
    good = workbook(list(VETERANS), list(ROW))
    for share in (1, 2, 3, 4):
        yield f"truncated at {share}/5", "a.xlsx", good[: len(good) * share // 5], 422
    for seed in range(4):
        random = Random(seed)
        spoilt = bytearray(good)
        for at in random.sample(range(len(spoilt)), 40):
            spoilt[at] = random.randrange(256)
        yield f"bytes overwritten {seed}", "a.xlsx", bytes(spoilt), 0
    sheet1 = "xl/worksheets/sheet1.xml"
    yield "csv named xlsx", "a.xlsx", GOOD, 422
    yield "xlsx named csv", "a.csv", good, 422
    yield "old xls", "a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, 422
    yield "pdf", "a.pdf", b"%PDF-1.7\n", 422
    yield "no suffix", "abcde", GOOD, 422
    yield "empty zip", "a.xlsx", zipped(), 422
    yield "zip of something else", "a.xlsx", zipped(("readme.txt", b"x")), 422
    yield "sheet without xml", "a.xlsx", repacked(sheet1, b"not xml"), 0
    yield "sheet cut off", "a.xlsx", repacked(sheet1, b"<worksheet><sheetData><row r='1'>"), 0
    yield "entity bomb", "a.xlsx", repacked(sheet1, b"<!DOCTYPE a [<!ENTITY a 'aaaa'>]><worksheet>&a;</worksheet>"), 0
    yield "stray cell", "a.xlsx", workbook(list(VETERANS), [*ROW[:4], ""]), 201
    far = b"<worksheet><sheetData><row r='1048576'><c r='XFD1048576'><v>1</v></c></row></sheetData></worksheet>"
    yield "cell at the far end", "a.xlsx", repacked(sheet1, far), 422
    yield "zip bomb", "a.xlsx", zipped((sheet1, b"\0" * (600 * 1024 * 1024))), 422
    yield "merged heading", "a.xlsx", workbook(list(VETERANS), list(ROW), merged="A1:B1"), 422
    yield "merged cells below", "a.xlsx", workbook(list(VETERANS), list(ROW), merged="A5:B6"), 201
    yield "formula", "a.xlsx", workbook(list(VETERANS), list(ROW), formula="E2"), 201
    yield "numbers as numbers", "a.xlsx", workbook(list(VETERANS), ["张三", 1.4e17, "在乡重点优抚", 43466, True]), 201
    yield "two sheets", "a.xlsx", workbook(list(VETERANS), list(ROW), sheets=2), 201
    yield "empty workbook", "a.xlsx", workbook(), 422
    yield "heading in row 2", "a.xlsx", workbook(["救助花名"], list(VETERANS), list(ROW)), 422
    yield "heading only", "a.csv", sheet(VETERANS), 201
    yield "heading twice", "a.csv", sheet([*VETERANS, "姓名"], [*ROW, "李四"]), 422
    yield "heading renamed", "a.csv", GOOD.replace("身份证号".encode(), "证件号码".encode()), 422
    yield "heading with blanks", "a.csv", GOOD.replace("身份证号".encode(), " 身份证号　".encode()), 0
    yield "blank lines only", "a.csv", b"\r\n\r\n\r\n", 422
    yield "semicolons", "a.csv", GOOD.replace(b",", b";"), 422
    yield "tabs", "a.csv", GOOD.replace(b",", b"\t"), 422
    yield "utf-16", "a.csv", GOOD.decode().encode("utf-16"), 422
    yield "no text", "a.csv", bytes(range(256)) * 8, 422
    yield "half utf-8", "a.csv", GOOD[:-20] + b"\xff\xfe" + GOOD[-20:], 0
    yield "gb18030 cut in a character", "a.csv", GOOD.decode().encode("gb18030")[:5], 422
    yield "open quote", "a.csv", GOOD + '"张三,1'.encode(), 422
    yield "quote in a cell", "a.csv", GOOD + '"张"三,1,,,\r\n'.encode(), 422
    yield "null characters", "a.csv", GOOD.replace("张三".encode(), "张\0三".encode()), 201
    yield "huge cell", "a.csv", sheet(VETERANS, ["张" * 4_000_000, *ROW[1:]]), 422
    yield "row longer than its heading", "a.csv", sheet(VETERANS, [*ROW, "x", "y"]), 201
    yield "row shorter than its heading", "a.csv", sheet(VETERANS, ROW[:2]), 201
    yield "control characters", "a.csv", sheet(VETERANS, ["张\x01三", "\x7f", "\u202e", "2019-01-01\x0b", ""]), 201
    yield "lone surrogate", "a.csv", sheet(VETERANS, ROW, encoding="utf-8") + b"\xed\xa0\x80,,,,\r\n", 0
    kinds = [*VETERANS, "证件类型", "出生日期", "性别"]
    yield "unknown kind of document", "a.csv", sheet(kinds, [*ROW, "军官证", "", ""]), 201
    yield "passport without birth date", "a.csv", sheet(kinds, [*ROW, "中国护照", "不详", "?"]), 201
    yield "newborn of nobody", "a.csv", sheet(kinds, [*ROW, "新生儿", "2021-07-01", "男"]), 201
    yield "kind twice", "a.csv", sheet([*kinds, "证件类型"], [*ROW, "", "", "", "01"]), 422
    yield "json list", "a.jsonl", f"[{LINE}]".encode(), 422
    yield "json cut off", "a.jsonl", LINE[:-5].encode(), 422
    yield "json nested", "a.jsonl", b'{"\xe5\xa7\x93\xe5\x90\x8d": {"a": 1}}', 422
    yield "json lacks a key", "a.jsonl", '{"姓名": "张三"}'.encode(), 422
    yield "json in gb18030", "a.jsonl", LINE.encode("gb18030"), 422
    yield "json of plain values", "a.jsonl", b"7\n", 422
    yield "json deep", "a.jsonl", b"[" * 100_000, 422


@pytest.fixture
async def suite(databases: dict[str, str], tmp_path: Path) -> AsyncIterator[InProcessSuite]:
    async with eligibility_alone(databases, tmp_path) as running:
        yield running


async def test_a_broken_file_is_refused_with_a_sentence_or_its_rows_go_back(suite: InProcessSuite) -> None:
    client, seen = suite.client("eligibility", ALL), 0
    for what, file_name, data, status in broken_files():
        answer = await send(client, "veterans", data, file_name=file_name)
        body, seen = answer.json(), seen + 1
        assert answer.status_code in ({status} if status else {200, 201, 422}), (what, body)
        if answer.status_code == 422:
            assert body["code"] == "feed_unreadable", what
            assert len(body["detail"]) > len("文件无法读取："), what
        await suite.settle_down()
    assert seen >= 40
    feeds = (await client.get("/v1/feeds", params={"pool": "140522", "limit": 1000})).json()["items"]
    assert {feed["state"] for feed in feeds} == {"taken"}
