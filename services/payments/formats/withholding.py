"""Files of batch withholding (批量代扣, protocols §2.2): a batch → its file, a bank's return file → its lines.

A file is a first line with totals, a line per debit, and a last line `<CA>…</CA>` with the code over those before it
(`Mac.of_lines`); lines end with CRLF, the last one with nothing. How lines are laid out is a matter of settings
(`WithholdingSettings`): values between delimiters, or columns cut by bytes, where a Chinese name takes two bytes a
character and is never cut inside one. A return that refuses the whole batch begins with a word for that instead of
totals: `VERIFY_FAILED|说明`.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..rules.withholding import Word
from ..settings import WithholdingSettings
from .bank import fen_to_yuan, read_instant
from .bank import yuan_to_fen as read_yuan
from .macs import Mac
from .xml import CODECS

MOST_BYTES = 32 * 1024 * 1024
"""Of a return file."""
_MOST_LINES = 500_000
_MOST_FRAME_BYTES = 4 * 1024
"""Of the first line, and of the last."""
_END = b"\r\n"
_TRAILER = re.compile(rb"<CA>([0-9A-Fa-f]{64})</CA>")
_FEN = re.compile(r"0|[1-9][0-9]{0,11}")
_SEQ = re.compile(r"[1-9][0-9]{0,5}")
_AMOUNTS = frozenset({"amount", "debited", "total", "debited_total"})


class ReturnUnreadable(Exception):
    """The file as a whole cannot be taken; the message tells the clerk why."""


@dataclass(frozen=True)
class ReturnTotals:
    """What a return file says of itself, or what its lines come to: all lines, and those that were debited."""

    count: int
    total_fen: int
    debited_count: int
    debited_fen: int


@dataclass(frozen=True)
class ReturnLine:
    """A line of a return file: the bank's word about one line of the batch. `debited_fen` is 0 where nothing was."""

    number: int
    seq: int
    bill_no: str
    amount_fen: int
    word: Word
    debited_fen: int
    debited_at: datetime | None
    message: str


@dataclass(frozen=True)
class ReturnFile:
    """A return file. `refusal`: the word with which it refuses the whole batch, and `reason` what is said to that."""

    refusal: str | None
    reason: str
    batch_no: str | None
    told: ReturnTotals | None
    lines: Sequence[ReturnLine]
    faults: Mapping[int, str]

    @property
    def found(self) -> ReturnTotals:
        """What the lines come to."""
        debited = [line.debited_fen for line in self.lines if line.word is Word.DEBITED]
        asked = sum(line.amount_fen for line in self.lines)
        return ReturnTotals(len(self.lines) + len(self.faults), asked, len(debited), sum(debited))


def write_batch(layout: WithholdingSettings, mac: Mac, batch_no: str, lines: Sequence[Mapping[str, Any]]) -> bytes:
    """The file of a batch. A line has `seq`, `agreement_no`, `payer_name`, `account`, `amount` in fen and `bill_no`."""
    head = {"batch_no": batch_no, "count": len(lines), "total": sum(line["amount"] for line in lines)}
    rows = [_row(layout, layout.head, head), *(_row(layout, layout.columns, line) for line in lines)]
    return _END.join([*rows, b"<CA>" + mac.of_lines(rows).encode() + b"</CA>"])


def read_return(layout: WithholdingSettings, mac: Mac, raw: bytes) -> ReturnFile:
    """A return file of the bank. Raises ReturnUnreadable for one that is cut, altered, or no return file.

    A line that cannot be read is a fault by its number in the file, and harms no other.
    """
    _require_size(raw)
    rows = [row.removesuffix(b"\r") for row in raw.split(b"\n")]
    while rows and not rows[-1].strip():
        rows.pop()
    trailer = _TRAILER.fullmatch(rows[-1].strip()) if rows else None
    if trailer is None:
        raise ReturnUnreadable("文件末行不是 <CA>…</CA>，文件不完整，请重新取得完整文件")
    if not mac.matches_lines(rows[:-1], trailer[1].decode()):
        raise ReturnUnreadable("文件校验码不符，内容已被改动或密钥不一致，请向银行重新取得文件")
    first, *rest = rows[:-1] or [b""]
    try:
        refusal = _refusal(layout, first)
    except ValueError as error:
        raise ReturnUnreadable(f"首行无法读取：{error}") from error
    if refusal:
        return ReturnFile(*refusal, None, None, [], {})
    batch_no, told = _told(layout, first)
    lines: list[ReturnLine] = []
    faults: dict[int, str] = {}
    for number, row in enumerate(rest, start=2):
        if not row.strip():
            continue
        try:
            lines.append(_line(layout, number, row))
        except ValueError as error:
            faults[number] = str(error)
    times = Counter(line.seq for line in lines)
    # Of a number that stands there twice nobody can tell which line is right.
    faults |= {line.number: f"序号 {line.seq} 在文件中出现多次" for line in lines if times[line.seq] > 1}
    return ReturnFile(None, "", batch_no, told, [line for line in lines if times[line.seq] == 1], faults)


def _require_size(raw: bytes) -> None:
    """Nothing is split or decoded before the file is known to have the size of a return. Raises ReturnUnreadable."""
    if len(raw) > MOST_BYTES or raw.count(b"\n") > _MOST_LINES + 2:
        raise ReturnUnreadable(f"文件最大 {MOST_BYTES // 1024 // 1024} MiB、{_MOST_LINES} 行，请向银行核实文件")
    end = raw.rstrip()
    first, last = raw.find(b"\n") if b"\n" in raw else len(raw), len(end) - 1 - end.rfind(b"\n")
    if max(first, last) > _MOST_FRAME_BYTES:
        raise ReturnUnreadable(f"首行和末行最多 {_MOST_FRAME_BYTES} 字节，文件可能不完整，请重新取得完整文件")


def _refusal(layout: WithholdingSettings, first: bytes) -> tuple[str, str] | None:
    text = _decoded(layout, first)
    word = next((word for word in layout.refusals if text == word or re.match(rf"{re.escape(word)}\W", text)), None)
    return (word, text[len(word) :].strip(" |:：")) if word else None


def _told(layout: WithholdingSettings, first: bytes) -> tuple[str | None, ReturnTotals | None]:
    """What the first line says; no totals where it cannot be read, so that nobody takes the file for whole."""
    try:
        cells = _cells(layout, layout.return_head, first)
        totals = ReturnTotals(
            _count(cells["count"]),
            _amount(layout, cells["total"]),
            _count(cells["debited_count"]),
            _amount(layout, cells["debited_total"]),
        )
    except (ValueError, KeyError):
        return None, None
    return cells.get("batch_no"), totals


def _line(layout: WithholdingSettings, number: int, row: bytes) -> ReturnLine:
    cells = _cells(layout, layout.return_columns, row)
    if not _SEQ.fullmatch(cells["seq"]):
        raise ValueError(f"序号“{cells['seq']}”不是编号")
    word = Word(layout.words.get(cells["status"], Word.UNKNOWN))
    asked_fen = _amount(layout, cells["amount"])
    told = cells.get("debited", cells["amount"] if word is Word.DEBITED else "")
    debited_fen = _amount(layout, told) if told else 0
    if (debited_fen > 0) != (word is Word.DEBITED) and word is not Word.UNKNOWN:
        raise ValueError(f"状态“{cells['status']}”与实扣金额“{told}”不符")
    at = read_instant(cells["debited_at"]) if word is Word.DEBITED else None
    return ReturnLine(
        number, int(cells["seq"]), cells["bill_no"], asked_fen, word, debited_fen, at, cells.get("message", "")[:200]
    )


def _row(layout: WithholdingSettings, columns: Sequence[str], values: Mapping[str, Any]) -> bytes:
    codec = CODECS[layout.encoding]
    cells = [_cell(layout, name, _text(layout, name, values.get(name, ""))).encode(codec) for name in columns]
    cells = [_fitted(cell, layout.widths[name], codec) if name in layout.widths else cell
             for name, cell in zip(columns, cells, strict=True)]  # fmt: skip
    return layout.delimiter.encode(codec).join(cells)


def _text(layout: WithholdingSettings, name: str, value: Any) -> str:
    in_yuan = name in _AMOUNTS and layout.unit == "yuan"
    return fen_to_yuan(value) if in_yuan else str(value)


def _cell(layout: WithholdingSettings, name: str, text: str) -> str:
    """A value that breaks no line and no column."""
    if name != "payer_name":
        return text
    return re.sub(r"[\r\n\t]", " ", text.replace(layout.delimiter, " ") if layout.delimiter else text)


def _fitted(cell: bytes, width: int, codec: str) -> bytes:
    """A value of exactly `width` bytes: filled with blanks, or cut between two characters."""
    kept = cell[:width]
    while kept:
        try:
            kept.decode(codec)
            break
        except UnicodeDecodeError:
            kept = kept[:-1]
    return kept.ljust(width)


def _cells(layout: WithholdingSettings, columns: Sequence[str], row: bytes) -> dict[str, str]:
    if layout.delimiter:
        values = [value.strip() for value in _decoded(layout, row).split(layout.delimiter)]
    else:
        values, start = [], 0
        for name in columns:
            width = layout.widths[name]
            values.append(_decoded(layout, row[start : start + width]).strip())
            start += width
        if start != len(row):
            raise ValueError(f"应有 {start} 字节，实有 {len(row)} 字节")
    if len(values) != len(columns):
        raise ValueError(f"应有 {len(columns)} 列，实有 {len(values)} 列")
    return dict(zip(columns, values, strict=True))


def _decoded(layout: WithholdingSettings, raw: bytes) -> str:
    try:
        return raw.decode(CODECS[layout.encoding])
    except UnicodeDecodeError as error:
        raise ValueError(f"编码不是 {layout.encoding.upper()}") from error


def _amount(layout: WithholdingSettings, text: str) -> int:
    if layout.unit == "yuan":
        return read_yuan(text)
    if not _FEN.fullmatch(text):
        raise ValueError(f"“{text}”不是以分为单位的金额")
    return int(text)


def _count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(f"“{text}”不是笔数")
    return int(text)
