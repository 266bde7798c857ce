"""What no database holds is a fault of its line, or of the totals: a file never stops at it for good."""

import pytest

from services.payments.formats.statement_layouts import open_reader
from services.payments.formats.statements import LineSplitter, StatementUnreadable, read_fen
from services.payments.rules.reconciling import Totals, totals_agree
from services.payments.settings import CheckFile
from shared.codes import Channel
from tests.test_statement_formats import BANK, RECEIPTS, read, wechat_bill


@pytest.mark.parametrize("told", ["9999999999,640.00", "2,640.00,3", "-2,640.00", "二,640.00"])
def test_a_file_whose_totals_nobody_can_read_is_refused(told: str) -> None:
    with pytest.raises(StatementUnreadable, match="首行应为合计"):
        read(Channel.AGENT, RECEIPTS.replace("2,总金额,640.00", told))


@pytest.mark.parametrize(
    ("text", "fen"), [("0", 0), ("32000", 32000), ("000000000032000", 32000), ("9" * 12, 10**12 - 1)]
)
def test_fen_as_files_write_them(text: str, fen: int) -> None:
    assert read_fen(text) == fen


@pytest.mark.parametrize("text", ["", "-1", "320.00", "٣", "²", "1_0", "9" * 13])
def test_what_is_no_fen(text: str) -> None:
    with pytest.raises(ValueError, match="以分为单位"):
        read_fen(text)


def test_a_bank_that_prints_fen_and_sums_up_in_yuan_has_told_no_totals() -> None:
    data = BANK.replace(".00|", "00|")
    _, reader = open_reader(Channel.BANK, "RCB140522", data.encode(), bank=CheckFile(unit="fen"))
    for line in LineSplitter().feed(data.encode()):
        reader.take(line)
    assert reader.told is None
    assert reader.found == Totals(3, 64000)


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        (b"2021-12-05 10:00:00", b"0001-01-01 00:00:00"),
        ("总交易单数".encode(), "总数".encode()),
        (b"`7,", b"`99999999999,"),
        (b"`7,", b"`7_0,"),
    ],
)
def test_what_a_database_cannot_hold_is_a_fault_of_its_line(said: bytes, instead: bytes) -> None:
    lines, told, found = read(Channel.WECHAT, wechat_bill().replace(said, instead))
    assert any(line.faults for line in lines)
    assert not totals_agree(told, found)


def test_a_nul_is_no_part_of_a_number() -> None:
    whole, _, _ = read(Channel.WECHAT, wechat_bill())
    lines, _, _ = read(Channel.WECHAT, wechat_bill().replace(b"140522ORDER0", b"140522\0ORDER0"))
    assert [line.order_no for line in lines] == [line.order_no for line in whole]
