"""The files of batch withholding, byte for byte: the published example, names of odd width, and what cannot be read."""

import asyncio
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.local.places import free_port
from deploy.local.simulators import bank as simulator
from services.payments.formats.macs import Mac
from services.payments.formats.withholding import ReturnTotals, ReturnUnreadable, read_return, write_batch
from services.payments.rules.withholding import (
    Contradiction,
    LineAct,
    ReturnKind,
    WithholdingLineState,
    WithholdingState,
    Word,
    answered,
    hear,
)
from services.payments.settings import WithholdingSettings
from tests.suite import ROOT

VECTORS = json.loads((Path(__file__).parent / "vectors" / "gov.json").read_text(encoding="utf-8"))
MAC = Mac("sm3", VECTORS["sm3_key"].encode(), "suffix")
LAYOUT = WithholdingSettings()
BY_BYTES = WithholdingSettings(
    delimiter="",
    widths=dict(
        [
            *(("count", 6), ("total", 12), ("debited_count", 6), ("debited_total", 12)),
            *(("seq", 6), ("agreement_no", 10), ("payer_name", 9), ("account", 20), ("amount", 10), ("bill_no", 8)),
            *(("status", 1), ("debited", 10), ("debited_at", 14), ("message", 11)),
        ]
    ),
)


def line(seq: int = 1, payer_name: str = "张三", **changes: Any) -> dict[str, Any]:
    """A line of a batch."""
    return {
        "seq": seq,
        "agreement_no": f"P{seq:08d}",
        "payer_name": payer_name,
        "account": f"622200000000000000{seq}",
        "amount": 40000,
        "bill_no": f"B{seq:04d}",
        **changes,
    }


def closed(*rows: str, encoding: str = "gbk") -> bytes:
    """A file of these rows with the right code."""
    raw = [row.encode(encoding) for row in rows]
    return b"\r\n".join([*raw, f"<CA>{MAC.of_lines(raw)}</CA>".encode()])


def test_the_published_example_is_written_byte_for_byte() -> None:
    lines = [line(seq, name) for seq, name in enumerate(("张三", "李四", "王五"), start=1)]
    assert write_batch(LAYOUT, MAC, "1", lines) == VECTORS["batch_file"].encode("gbk")


@pytest.mark.parametrize("message", ["3126", "1104", "9110"])
def test_the_suffix_code_is_that_of_the_treasurys_front_end(message: str) -> None:
    text, _, code = VECTORS[message].partition("<!--")
    assert MAC.of(text.encode(VECTORS["encoding"])) == code.removesuffix("-->")


@pytest.mark.channel("bank: odd width")
@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("张三", "张三     ".encode("gbk")),
        ("欧阳修文", "欧阳修文 ".encode("gbk")),  # eight bytes in nine
        ("古丽·买买提", "古丽·买 ".encode("gbk")),  # cut before a character of which one byte would fit
        ("A李四王五", "A李四王五".encode("gbk")),
        ("AB李四王五", "AB李四王 ".encode("gbk")),
        ("王𠮷", "王𠮷   ".encode("gb18030")),  # a rare character, not in GBK: four bytes
        ("王一二𠮷", "王一二   ".encode("gb18030")),  # it would be cut inside
        ("", b" " * 9),
    ],
)
def test_a_file_cut_by_bytes_never_cuts_inside_a_character(name: str, cell: bytes) -> None:
    rows = write_batch(BY_BYTES, MAC, "1", [line(1, name)]).split(b"\r\n")
    assert rows[0] == b"1     40000       "
    assert rows[1] == b"1     P00000001 " + cell + b"6222000000000000001 40000     B0001   "
    assert len(rows[1]) == 63


@given(st.text(st.characters(codec="gb18030", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20))
def test_whatever_the_name_a_line_stays_a_line(name: str) -> None:
    for layout in (LAYOUT, BY_BYTES):
        rows = write_batch(layout, MAC, "1", [line(1, name), line(2)]).split(b"\r\n")
        assert len(rows) == 4
        text = rows[1].decode("gb18030")
        assert text.endswith("|B0001" if layout is LAYOUT else "B0001   ")
        assert layout is BY_BYTES or text.count("|") == 5


def test_a_return_is_read_in_both_layouts() -> None:
    told = ReturnTotals(3, 120000, 2, 52000)
    file = read_return(
        LAYOUT,
        MAC,
        closed(
            "3|120000|2|52000",
            "1|P00000001|张三|6222|40000|B0001|S|40000|20211205063000|扣款成功",
            "2|P00000002|李四|6222|40000|B0002|P|12000|20211205063001|部分",
            "3|P00000003|王五|6222|40000|B0003|F|0||余额不足",
        ),
    )
    assert (file.told, file.found, file.faults) == (told, told, {})
    assert [(one.seq, one.word, one.debited_fen) for one in file.lines] == [
        (1, Word.DEBITED, 40000),
        (2, Word.DEBITED, 12000),
        (3, Word.FAILED, 0),
    ]
    row = "1     P00000001 古丽·买 6222000000000000001 40000     B0001   S40000     20211205063000扣款      "
    row = row.replace("扣款      ", "扣款       ")
    by_bytes = read_return(BY_BYTES, MAC, closed("1     40000       1     40000       ", row))
    assert by_bytes.faults == {}
    assert by_bytes.found == by_bytes.told == ReturnTotals(1, 40000, 1, 40000)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1|P|张三|6222|40000|B1|S|40000|20211205063000", "应有 10 列，实有 9 列"),
        ("x|P|张三|6222|40000|B1|S|40000|20211205063000|", "不是编号"),
        ("1|P|张三|6222|400.00|B1|S|40000|20211205063000|", "不是以分为单位的金额"),
        ("1|P|张三|6222|40000|B1|S|0|20211205063000|", "与实扣金额“0”不符"),
        ("1|P|张三|6222|40000|B1|F|40000||", "与实扣金额“40000”不符"),
        ("1|P|张三|6222|40000|B1|S|40000|2021-12-05|", "an instant is YYYYMMDDhhmmss"),
        ("1|P|张三|6222|40000|B1|S|-1|20211205063000|", "不是以分为单位的金额"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_harms_no_other(text: str, why: str) -> None:
    good = "2|P|李四|6222|40000|B2|S|40000|20211205063000|"
    file = read_return(LAYOUT, MAC, closed("2|80000|2|80000", text, good))
    assert list(file.faults) == [2]
    assert why in file.faults[2]
    assert [one.seq for one in file.lines] == [2]
    assert file.told != file.found


def test_a_number_that_stands_twice_counts_for_neither() -> None:
    one = "1|P|张三|6222|40000|B1|S|40000|20211205063000|"
    file = read_return(LAYOUT, MAC, closed("2|80000|1|40000", one, one.replace("|S|40000|20211205063000|", "|F|0||")))
    assert (file.lines, list(file.faults)) == ([], [2, 3])


def test_a_word_that_nobody_knows_changes_nothing() -> None:
    file = read_return(LAYOUT, MAC, closed("1|40000|0|0", "1|P|张三|6222|40000|B1|?|0||"))
    assert [one.word for one in file.lines] == [Word.UNKNOWN]


@pytest.mark.parametrize("cut", range(1, 90, 7))
def test_a_file_that_is_cut_anywhere_is_no_file(cut: int) -> None:
    whole = closed("1|40000|1|40000", "1|P|张三|6222|40000|B1|S|40000|20211205063000|")
    with pytest.raises(ReturnUnreadable):
        read_return(LAYOUT, MAC, whole[:-cut])


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"\n" * 500_003, "500000 行"),
        (closed("1|40000|1|40000" + "|" * 5000), "首行和末行最多 4096 字节"),
        (closed("1|40000|1|40000") + b"x" * 5000, "首行和末行最多 4096 字节"),
        (b"x" * 5000, "首行和末行最多 4096 字节"),
    ],
)
def test_what_has_not_the_size_of_a_return_is_refused_unread(raw: bytes, why: str) -> None:
    with pytest.raises(ReturnUnreadable, match=why):
        read_return(LAYOUT, MAC, raw)


@given(st.binary(max_size=400))
def test_whatever_bytes_come_they_are_read_or_refused(raw: bytes) -> None:
    rows = raw.replace(b"\r\n", b"\n").split(b"\n")
    for data in (raw, b"\r\n".join([*rows, f"<CA>{MAC.of_lines(rows)}</CA>".encode()])):
        for layout in (LAYOUT, BY_BYTES):
            try:
                read_return(layout, MAC, data)
            except ReturnUnreadable:
                continue


@pytest.mark.parametrize(
    "change",
    [
        {"delimiter": ""},
        {"return_columns": ["seq", "amount"]},
        {"words": {"S": "paid"}},
        {"encoding": "latin-1"},
        {"most_lines": 0},
        {"columns_": []},
    ],
)
def test_a_layout_that_cannot_be_read_stops_the_start(change: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WithholdingSettings.model_validate(change)


def test_yuan_and_the_batchs_number_are_a_matter_of_settings() -> None:
    layout = WithholdingSettings(unit="yuan", delimiter=",", encoding="utf-8", head=("batch_no", "count", "total"))
    rows = write_batch(layout, MAC, "140522202112050001", [line(1, "王,明")]).decode().split("\r\n")
    assert rows[:2] == ["140522202112050001,1,400.00", "1,P00000001,王 明,6222000000000000001,400.00,B0001"]


# What the bank's word does


@pytest.mark.parametrize(
    ("state", "word", "booked", "told", "does"),
    [
        (WithholdingLineState.ASKED, Word.DEBITED, None, 40000, LineAct.DEBIT),
        (WithholdingLineState.ASKED, Word.DEBITED, None, 12000, LineAct.DEBIT_OTHERWISE),
        (WithholdingLineState.ASKED, Word.DEBITED, None, 50000, LineAct.DEBIT_OTHERWISE),
        (WithholdingLineState.ASKED, Word.FAILED, None, 0, LineAct.FAIL),
        (WithholdingLineState.ASKED, Word.UNKNOWN, None, 0, None),
        (WithholdingLineState.FAILED, Word.DEBITED, None, 40000, LineAct.DEBIT),
        (WithholdingLineState.FAILED, Word.FAILED, None, 0, None),
        (WithholdingLineState.DROPPED, Word.DEBITED, None, 40000, LineAct.DEBIT),
        (WithholdingLineState.DROPPED, Word.FAILED, None, 0, None),
        (WithholdingLineState.DEBITED, Word.DEBITED, 40000, 40000, None),
        (WithholdingLineState.DEBITED, Word.DEBITED, 40000, 12000, Contradiction.OTHER_AMOUNT),
        (WithholdingLineState.DEBITED, Word.FAILED, 40000, 0, Contradiction.TAKEN_BACK),
        (WithholdingLineState.DEBITED, Word.UNKNOWN, 40000, 0, None),
        (WithholdingLineState.PARTIAL, Word.DEBITED, 12000, 12000, None),
        (WithholdingLineState.PARTIAL, Word.DEBITED, 12000, 40000, Contradiction.OTHER_AMOUNT),
        (WithholdingLineState.PARTIAL, Word.FAILED, 12000, 0, Contradiction.TAKEN_BACK),
    ],
)
def test_what_the_banks_word_about_a_line_does(
    state: WithholdingLineState, word: Word, booked: int | None, told: int, does: LineAct | Contradiction | None
) -> None:
    assert hear(state, word, asked_fen=40000, booked_fen=booked, told_fen=told, reversed_=False) is does


@pytest.mark.parametrize("state", [WithholdingLineState.DEBITED, WithholdingLineState.PARTIAL])
@pytest.mark.parametrize(
    ("word", "told", "does"),
    [
        (Word.DEBITED, 40000, Contradiction.COME_AFTER_ALL),
        (Word.DEBITED, 12000, Contradiction.COME_AFTER_ALL),
        (Word.FAILED, 0, None),
        (Word.UNKNOWN, 0, None),
    ],
)
def test_what_the_banks_word_does_once_the_money_was_taken_back(
    state: WithholdingLineState, word: Word, told: int, does: Contradiction | None
) -> None:
    assert hear(state, word, asked_fen=40000, booked_fen=40000, told_fen=told, reversed_=True) is does


@pytest.mark.parametrize(
    ("state", "kind", "left", "after"),
    [
        (WithholdingState.SENT, ReturnKind.INTERIM, 0, WithholdingState.RETURNED),
        (WithholdingState.SENT, ReturnKind.FINAL, 1, WithholdingState.RETURNED),
        (WithholdingState.SENT, ReturnKind.FINAL, 0, WithholdingState.CLOSED),
        (WithholdingState.RETURNED, ReturnKind.FINAL, 0, WithholdingState.CLOSED),
        (WithholdingState.CLOSED, ReturnKind.FINAL, 0, WithholdingState.CLOSED),
        (WithholdingState.REFUSED, ReturnKind.INTERIM, 0, WithholdingState.RETURNED),
    ],
)
def test_a_batch_ends_with_the_last_word_about_its_last_line(
    state: WithholdingState, kind: ReturnKind, left: int, after: WithholdingState
) -> None:
    assert answered(state, kind, left=left) is after


# What the simulator's README shows


@pytest.fixture
def bank_address(tmp_path: Path) -> Iterator[str]:
    """The simulated banks on a port of their own; the biller is not there."""
    port = free_port()
    app = simulator.create_app(keys=tmp_path)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def test_the_example_of_the_simulators_readme_runs(bank_address: str, tmp_path: Path) -> None:
    text = (ROOT / "deploy" / "local" / "simulators" / "README.md").read_text(encoding="utf-8")
    script = text.split("<!-- runs: bank -->\n```sh\n")[1].split("```")[0]
    environment = {"PATH": os.environ["PATH"], "ADDRESS": bank_address, "KEYS": str(tmp_path), "LC_ALL": "C.UTF-8"}
    done = subprocess.run(["bash", "-e", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    taken, arranged, *files = done.stdout.replace("\r", "").splitlines()
    assert (json.loads(taken), json.loads(arranged)) == ({"lines": 2}, {"status": "ok"})
    mac = Mac("sm3", bytes.fromhex(simulator.key_of("RCB140522", tmp_path).read_text()), "suffix")
    interim, final = (read_return(LAYOUT, mac, "\r\n".join(rows).encode("gb18030")) for rows in (files[:4], files[4:]))
    assert [(line.word, line.debited_fen) for line in interim.lines] == [(Word.DEBITED, 40000), (Word.UNKNOWN, 0)]
    assert [(line.word, line.debited_fen) for line in final.lines] == [(Word.DEBITED, 40000), (Word.DEBITED, 12000)]
