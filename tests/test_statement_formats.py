"""Day statements as bytes: every layout read, every bad line judged by itself, every cut end noticed."""

import csv
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.season.terminals import Terminals
from deploy.local.simulators import bank_books, tax_books, wechat_books
from services.payments.formats.statement_layouts import open_reader
from services.payments.formats.statements import (
    LineSplitter,
    StatementLine,
    StatementUnreadable,
    read_instant,
    read_text,
    yuan_to_fen,
)
from services.payments.rules.reconciling import LineKind, LineStatus, Totals, totals_agree
from shared.clock import SHANGHAI
from shared.codes import Channel

DAY = date(2021, 12, 5)
BILL = "1405227QK3M9Z5T2WB8XCD"

POS = """3,640.00
终端号,批次号,凭证号,原批次号,原凭证号,交易时间,金额(元),交易类型
14000123,000117,004211,,,2021-12-05 10:00:00,320.00,消费
14000123,000117,004212,,,2021-12-05 10:01:00,640.00,消费
14000123,000117,004213,000117,004211,2021-12-05 10:05:00,320.00,撤销
"""
CASH = """2,"1,280.00"
班次号,窗口,结班时间,现金收入(元)
0192F0C4-7B7A-7C3E-8A55-3F1F7F1B2A01,HALL01,2021-12-05 17:30:00,"1,280.00"
0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02,HALL02,2021-12-05 17:30:00,0.00
"""
RECEIPTS = """笔数,2,总金额,640.00
付款人,金额(元),交易时间,流水号,备注
王*明,320.00,2021/12/5 10:00,SKM001,城乡居民医保
,320,20211205110000,SKM002,
"""
BANK = f"""3|640.00
20211205|000000000001|{BILL}|320.00|APP|1
20211205|000000000002|{BILL}|640.00|COUNTER|1
20211205|000000000003|{BILL}|320.00|APP|2
"""
TAX = f"""对账日,2021-12-05,总笔数,2,总金额(元),640.00
电子税票号,缴费时间,应缴单号,金额(元),缴费人,事件号
314052211200000001,2021-12-05 09:30:00,{BILL},320.00,王小明,TAX-20211205-000001
314052211200000001,2021-12-05 09:30:01,{BILL},320.00,,TAX-20211205-000002
"""
FILES = {
    "pos": (Channel.COUNTER, POS),
    "cash": (Channel.COUNTER, CASH),
    "receipts": (Channel.AGENT, RECEIPTS),
    "bank": (Channel.BANK, BANK),
    "tax": (Channel.ETAX, TAX),
}


def read(
    channel: Channel, data: bytes | str, *, piece: int = 1 << 20
) -> tuple[list[StatementLine], Totals | None, Totals]:
    raw = data.encode() if isinstance(data, str) else data
    _, reader = open_reader(channel, "RCB140522", raw[: 64 * 1024])
    splitter = LineSplitter()
    raw_lines = [line for at in range(0, len(raw), piece) for line in splitter.feed(raw[at : at + piece])]
    raw_lines += splitter.end()
    lines = [line for line in (reader.take(each) for each in raw_lines) if line]
    return lines, reader.told, reader.found


def short(line: StatementLine) -> tuple[str, str, str | None, int | None]:
    return line.kind.value, line.status.value, line.reference, line.amount_fen


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("pos", [
            ("payment", "success", "pos/14000123/000117/004211", 32000),
            ("payment", "success", "pos/14000123/000117/004212", 64000),
            ("reversal", "success", "pos/14000123/000117/004211", 32000),
        ]),
        ("cash", [
            ("payment", "success", "shift/0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a01", 128000),
            ("payment", "success", "shift/0192f0c4-7b7a-7c3e-8a55-3f1f7f1b2a02", 0),
        ]),
        ("receipts", [
            ("payment", "success", "SKM001", 32000),
            ("payment", "success", "SKM002", 32000),
        ]),
        ("bank", [
            ("payment", "success", "RCB140522/20211205/000000000001", 32000),
            ("payment", "success", "RCB140522/20211205/000000000002", 64000),
            ("reversal", "success", "RCB140522/20211205/000000000003", 32000),
        ]),
        ("tax", [
            ("payment", "success", "TAX-20211205-000001", 32000),
            ("payment", "success", "TAX-20211205-000002", 32000),
        ]),
    ],
)  # fmt: skip
def test_each_layout_is_read_and_its_totals_agree(file: str, expected: list[tuple[str, str, str, int]]) -> None:
    lines, told, found = read(*FILES[file])
    assert [short(line) for line in lines] == expected
    assert not any(line.faults for line in lines)
    assert totals_agree(told, found)


def test_a_net_sum_below_zero_is_read_on_a_day_on_which_more_went_back_than_came() -> None:
    head = "合计,2,-{}\n终端号,批次号,凭证号,交易时间,金额(元),交易类型\n"
    line = "14000123,000117,{},2021-12-05 10:00:00,{},{}\n"
    rows = line.format("004211", "320.00", "退货") + line.format("004214", "40.00", "消费")
    _, told, found = read(Channel.COUNTER, head.format("280.00") + rows)
    assert told == Totals(2, -28000)
    assert totals_agree(told, found)
    assert not totals_agree(read(Channel.COUNTER, head.format("281.00") + rows)[1], found)


def test_what_the_terminals_of_the_season_print_is_read() -> None:
    terminals = Terminals()
    sale = {"terminal_no": "14000123", "batch_no": "211205", "trace_no": "000017", "at": "2021-12-05T10:20:00+08:00"}
    terminals.charge(sale, ["one", "two"], 64000)
    terminals.put_back({"n": 40, "at": "2021-12-05T15:10:00+08:00"}, "two", 32000)
    terminals.put_back({"n": 50, "at": "2021-12-06T15:10:00+08:00"}, "one", 32000)
    reference = "pos/14000123/211205/000017"
    paid, back = ("payment", "success", reference, 64000), ("refund", "success", reference, 32000)
    for day, expected, net_fen in (("2021-12-05", [paid, back], 32000), ("2021-12-06", [back], -32000)):
        lines, told, found = read(Channel.COUNTER, terminals.statement(day) or b"")
        assert [short(line) for line in lines] == expected
        assert told == found == Totals(len(expected), net_fen)
    assert terminals.statement("2021-12-07") is None


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_windows_line_ends_a_mark_and_gb18030_change_nothing(file: str, encoding: str) -> None:
    channel, text = FILES[file]
    lines, told, found = read(channel, text)
    same, told_too, found_too = read(channel, text.replace("\n", "\r\n").encode(encoding))
    assert [short(line) for line in same] == [short(line) for line in lines]
    assert (told_too, found_too) == (told, found)


@given(st.sampled_from(sorted(FILES)), st.integers(1, 40))
def test_where_the_pieces_of_a_file_end_does_not_matter(file: str, piece: int) -> None:
    channel, text = FILES[file]
    assert read(channel, text, piece=piece) == read(channel, text)


BAD_LINES: list[tuple[str, int, str, str, str]] = [
    ("bank", 1, "20211205|000000000001", "应有 6 列，实有 2 列", "cut"),
    ("bank", 1, f"20211205|000000000001|{BILL}|abc|APP|1", "“abc”不是以元为单位的金额", "no amount"),
    ("bank", 1, f"20211205|000000000001|{BILL}|-320.00|APP|1", "“-320.00”不是以元为单位的金额", "negative"),
    ("bank", 1, f"20211205|000000000001|{BILL}|320.001|APP|1", "“320.001”不是以元为单位的金额", "part of a fen"),
    ("bank", 1, f"20211205|000000000001|{BILL}|1e3|APP|1", "“1e3”不是以元为单位的金额", "exponent"),
    ("bank", 1, f"20211205|000000000001|{BILL}|３２０|APP|1", "不是以元为单位的金额", "full-width digits"),
    ("bank", 1, f"20211305|000000000001|{BILL}|320.00|APP|1", "", "thirteenth month"),
    ("bank", 1, f"|000000000001|{BILL}|320.00|APP|1", "缺少交易日期", "no date"),
    ("bank", 1, f"20211205||{BILL}|320.00|APP|1", "缺少交易流水号", "no serial"),
    ("bank", 1, f"20211205|{'9' * 200}|{BILL}|320.00|APP|1", "交易流水号过长", "endless serial"),
    ("pos", 2, "14000123,109121530211,2021-12-05 10:00:00,320.00", "应有 8 列，实有 4 列", "a column short"),
    ("pos", 2, '14000123,"109121530211,2021-12-05 10:00:00,320.00,消费', "引号不成对或分隔有误", "open quote"),
    ("pos", 2, "14000123,000117,004211,,,yesterday,320.00,消费", "", "no instant"),
    ("cash", 2, ",HALL01,2021-12-05 17:30:00,640.00", "缺少班次号", "no shift"),
    ("receipts", 2, "王小明,320.00,2021-12-05 10:00,,x", "缺少流水号", "no serial"),
    ("tax", 2, f"3140,2021-12-05 09:30:00,{BILL},320.00,王小明,", "缺少事件号", "no event"),
    ("tax", 2, f"3140,2021-12-05 09:30:00,{BILL},320.00", "应有 6 列，实有 4 列", "cut"),
    ("tax", 2, f"3140,0001-01-01 00:00:00,{BILL},320.00,王小明,T1", "年份 1 有误", "before what a database holds"),
    ("tax", 2, f"3140,9999-12-31T23:59:59-14:00,{BILL},320.00,王小明,T1", "年份 9999 有误", "after it"),
]


@pytest.mark.parametrize(
    ("file", "at", "bad", "fault", "why"), BAD_LINES, ids=[f"{row[0]}: {row[-1]}" for row in BAD_LINES]
)
def test_a_bad_line_harms_no_other(file: str, at: int, bad: str, fault: str, why: str) -> None:
    channel, text = FILES[file]
    rows = text.splitlines()
    whole, _, _ = read(channel, text)
    lines, told, found = read(channel, "\n".join([*rows[:at], bad, *rows[at + 1 :]]) + "\n")
    assert [short(line) for line in lines[1:]] == [short(line) for line in whole[1:]], "every other line stands"
    assert lines[0].amount_fen is None
    assert fault in lines[0].faults[0]
    assert not totals_agree(told, found)


def test_bytes_in_no_encoding_an_endless_line_and_a_nul_are_faults_of_their_line() -> None:
    rows = BANK.encode().splitlines()
    for bad, fault in ((b"\xff\xfe\xfd\x81|1", "编码"), (b"1" * 100_000, "行过长"), (b"\0\0|\0", "列")):
        lines, _, _ = read(Channel.BANK, b"\n".join([rows[0], bad, *rows[2:]]) + b"\n")
        assert fault in lines[0].faults[0], bad[:10]
        assert [line.amount_fen for line in lines] == [None, 64000, 32000]
        assert "\0" not in read_text(lines[0].raw)


def test_an_unknown_word_is_a_payment_of_unknown_status_and_keeps_its_amount() -> None:
    lines, told, found = read(Channel.COUNTER, POS.replace("撤销", "预授权"))
    assert (lines[2].status, lines[2].amount_fen) == (LineStatus.UNKNOWN, 32000)
    assert lines[2].faults == ("交易类型“预授权”不明",)
    assert not totals_agree(told, found)


@pytest.mark.parametrize("file", FILES)
def test_a_lost_line_shows_in_the_totals(file: str) -> None:
    channel, text = FILES[file]
    rows = text.splitlines()
    for lost in range(1 if file == "bank" else 2, len(rows)):
        _, told, found = read(channel, "\n".join(rows[:lost] + rows[lost + 1 :]) + "\n")
        assert not totals_agree(told, found), rows[lost]


@pytest.mark.parametrize("file", ["bank", "tax"])
def test_wherever_a_file_of_whole_lines_is_cut_it_shows(file: str) -> None:
    channel, text = FILES[file]
    raw = text.encode()
    first = raw.index(b"\n", raw.index(b"\n") + 1) if file == "tax" else raw.index(b"\n")
    for end in range(first + 1, len(raw)):
        _, told, found = read(channel, raw[:end])
        assert not totals_agree(told, found), raw[:end][-30:]


@pytest.mark.parametrize(
    ("channel", "data"),
    [
        (Channel.BANK, TAX),
        (Channel.ETAX, BANK),
        (Channel.COUNTER, RECEIPTS),
        (Channel.AGENT, POS),
        (Channel.WECHAT, BANK),
        (Channel.BANK, "20211205|000000000001|x|320.00|APP|1\n"),
        (Channel.COUNTER, "终端号,批次号,凭证号,交易时间,金额(元),交易类型\n"),
        (Channel.COUNTER, "1,320.00\n终端号,批次号,凭证号,交易时间\n"),
        (Channel.ETAX, "\x00\x01\x02"),
        (Channel.AGENT, "PK\x03\x04"),
    ],
)
def test_what_is_no_statement_of_its_channel_is_refused_with_what_is_expected(channel: Channel, data: str) -> None:
    with pytest.raises(StatementUnreadable, match=r"无法识别|微信交易账单"):
        open_reader(channel, "", data.encode())


@pytest.mark.parametrize("file", ["bank", "pos", "tax", "receipts"])
def test_a_day_without_lines_is_a_statement_too(file: str) -> None:
    channel, text = FILES[file]
    rows = text.splitlines()
    head = ["0|0.00"] if file == "bank" else ["0,0.00", rows[1]]
    lines, told, found = read(channel, "\n".join(head) + "\n")
    assert lines == []
    assert totals_agree(told, found)


@pytest.mark.parametrize(
    ("text", "fen"), [("320.00", 32000), ("0.5", 50), ("0", 0), ("1,320.00", 132000), ("12,345,678.9", 1234567890)]
)
def test_yuan_as_files_write_it(text: str, fen: int) -> None:
    assert yuan_to_fen(text) == fen


@pytest.mark.parametrize(
    "text", ["", " ", "-1", "+1", "1,32.00", "13,20", "1.234", "1.", ".5", "1e2", "٣", "NaN", "9" * 12]
)
def test_what_is_no_yuan(text: str) -> None:
    with pytest.raises(ValueError, match="金额"):
        yuan_to_fen(text)


@pytest.mark.parametrize(
    "text",
    [
        "2021-12-05 10:00:00",
        "2021/12/5 10:00",
        "20211205100000",
        "2021-12-05T10:00:00+08:00",
        "2021-12-05T02:00:00+00:00",
    ],
)
def test_instants_as_files_write_them(text: str) -> None:
    assert read_instant(text) == datetime(2021, 12, 5, 10, tzinfo=SHANGHAI)


# --- what the simulators print ----------------------------------------------------------------------------------------

PRINTED = [("", True), ("unknown_line", True), ("wrong_amount", True), ("cut_end", False)]


def wechat_bill(faults: Sequence[str] = (), *, refunds: bool = True) -> bytes:
    books = wechat_books.Books()
    for n in range(3):
        body = {
            "appid": "wx", "mchid": "1900007291", "description": "居民,医保", "attach": "", "payer": {"openid": "o"},
            "time_expire": "2021-12-05T12:00:00+08:00", "amount": {"total": 32000 + n, "currency": "CNY"},
        }  # fmt: skip
        at = "2021-12-05T10:00:00+08:00"
        books.keep(wechat_books.Order(f"140522ORDER{n}", f"wx{n}", body, "SUCCESS", f"4200{n}", at))
    for n, state in enumerate(["SUCCESS", "PROCESSING", "ABNORMAL", "CLOSED"] if refunds else []):
        body = {"amount": {"refund": 100 + n}}
        at = "2021-12-05T11:00:00+08:00"
        books.keep(wechat_books.Refund(f"140522{n:032x}", f"50{n}", "140522ORDER0", "42000", body, at, state))
    printed = books.statement(DAY, faults)
    assert printed is not None
    return printed


def test_the_trade_bill_is_read_with_its_refunds_and_its_totals_agree() -> None:
    lines, told, found = read(Channel.WECHAT, wechat_bill())
    assert totals_agree(told, found)
    assert [short(line) for line in lines[:3]] == [("payment", "success", f"4200{n}", 32000 + n) for n in range(3)]
    assert [(line.status, line.amount_fen) for line in lines[3:]] == [
        (LineStatus.SUCCESS, 100), (LineStatus.OPEN, 101), (LineStatus.OPEN, 102), (LineStatus.FAILED, 103),
    ]  # fmt: skip
    assert {line.kind for line in lines[3:]} == {LineKind.REFUND}
    assert lines[3].reference == f"140522{0:032x}"


@pytest.mark.parametrize(("fault", "whole"), [("unknown_line", True), ("wrong_amount", True), ("cut_end", False)])
def test_faults_of_a_trade_bill(fault: str, whole: bool) -> None:
    lines, told, found = read(Channel.WECHAT, wechat_bill([fault]))
    assert totals_agree(told, found) is whole
    assert lines[0].amount_fen == 32000 + 100 * (fault == "wrong_amount")
    assert len(lines) == (8 if fault == "unknown_line" else 7)


def test_a_spoilt_line_of_a_trade_bill_harms_no_other() -> None:
    rows = wechat_bill().split(b"\r\n")
    lines, told, found = read(Channel.WECHAT, b"\r\n".join([rows[0], rows[1][:-40], *rows[2:]]))
    assert lines[0].amount_fen is None
    assert [line.amount_fen for line in lines[1:3]] == [32001, 32002]
    assert not totals_agree(told, found)


@pytest.mark.parametrize(("fault", "whole"), PRINTED)
def test_what_the_bank_prints(fault: str, whole: bool) -> None:
    books = bank_books.Books()
    for n in range(1, 4):
        state = "reversed" if n == 2 else "booked"
        books.keep(bank_books.Entry("RCB140522", "20211205", f"{n:012d}", "pay", BILL, 32000, "6222", "APP", state))
    back = bank_books.Entry("RCB140522", "20211205", f"{4:012d}", "reverse", BILL, 32000, "6222", "APP", "booked")
    books.keep(back)
    lines, told, found = read(Channel.BANK, books.statement("RCB140522", "20211205", {fault} - {""}))
    assert totals_agree(told, found) is whole
    assert lines[0].amount_fen == 32000 + 100 * (fault == "wrong_amount")
    assert [line.kind for line in lines[:3]] == [LineKind.PAYMENT] * 3


@pytest.mark.parametrize(("fault", "whole"), PRINTED)
def test_what_the_tax_bureau_prints(fault: str, whole: bool) -> None:
    books = tax_books.Books()
    for n in range(3):
        at = datetime(2021, 12, 5, 9, tzinfo=SHANGHAI) + timedelta(minutes=n)
        books.keep(tax_books.Payment(f"TAX-{n}", "3140", BILL, 32000, at.isoformat(), "王,小明", None))
    lines, told, found = read(Channel.ETAX, books.statement(DAY, {fault} - {""}))
    assert totals_agree(told, found) is whole
    assert lines[0].payer_name == "王,小明"
    assert lines[0].order_no == BILL


def test_a_large_file_is_read_one_line_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([[20_000, "6400000.00"], ["流水号", "交易时间", "付款人", "金额(元)"]])
        writer.writerows([f"S{n}", "2021-12-05 10:00:00", "王小明", "320.00"] for n in range(20_000))
    splitter, held = LineSplitter(), 0
    _, reader = open_reader(Channel.AGENT, "", path.read_bytes()[:65536])
    with path.open("rb") as file:
        while piece := file.read(4096):
            lines = list(splitter.feed(piece))
            held = max(held, len(lines))
            for line in lines:
                reader.take(line)
    assert totals_agree(reader.told, reader.found)
    assert held < 200, "no more than a piece is held at once"
