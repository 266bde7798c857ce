"""A batch of ledger lines that a device made without network: a file of JSON lines in UTF-8, each ended by a line feed.

    {"format": "canbao-ledger-batch", "version": 1, "pool": …, "ledger_id": …, "agent": …, "batch_no": …,
     "made_at": "2021-12-05T20:00:00+08:00", "lines": 2}
    {"kind": "payment", "line_no": 41, …, "receipt_no": "V200-00000007", "payer_signature": …, "agent_signature": …}
    {"kind": "spoiled", …}
    {"sha256": "…", "signed_at": "2021-12-05T20:00:01+08:00", "ed25519": "…"}

The lines between are those of the ledger as they are sent with network (`ledgers.py` says what is hashed and signed).
`sha256` is over every byte before the last line; the agent's device signs it in the role `batch` like a line's hash.
So a file that was cut anywhere is known by it, and a half of a batch is a batch of its own.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

FORMAT = "canbao-ledger-batch"
VERSION = 1
MOST_LINES = 20_000
MOST_LINE_BYTES = 16 * 1024
MOST_BYTES = 32 * 1024 * 1024
"""Of a file; the agent's application begins another batch before."""
_MOST_FRAME_BYTES = 4 * 1024
"""Of the head, and of the foot."""

_HEAD = frozenset({"format", "version", "pool", "ledger_id", "agent", "batch_no", "made_at", "lines"})
_FOOT = frozenset({"sha256", "signed_at", "ed25519"})


class BatchUnreadable(Exception):
    """The file as a whole cannot be taken; the message tells the agent what to do."""


@dataclass(frozen=True)
class BatchFile:
    """What a file says of itself, and its lines with their place in it (the head is row 1)."""

    pool: str
    ledger_id: UUID
    agent: str
    batch_no: str
    made_at: datetime
    lines: Sequence[tuple[int, bytes]]
    sha256: str
    signed_at: datetime
    ed25519: str


def read_batch(data: bytes) -> BatchFile:
    """Read a batch and compare its hash and count. Raises BatchUnreadable for one that is cut, altered or another.

    What is cheap is looked at first: nothing is parsed or split before its size is known to be that of a batch.
    """
    if len(data) > MOST_BYTES:
        raise BatchUnreadable(f"文件最大 {MOST_BYTES // 1024 // 1024} MiB，请分批导出")
    if data.count(b"\n") > MOST_LINES + 2:
        raise BatchUnreadable(f"文件行数过多；每批 1 至 {MOST_LINES} 行，请分批导出")
    end = data.rstrip(b"\r\n")
    start = end.rfind(b"\n") + 1
    if not start:
        raise BatchUnreadable("文件不完整，请重新导出后再传")
    foot = _object(end[start:], _FOOT, "末行（sha256、签名）")
    head = _object(data[: data.find(b"\n")], _HEAD, "首行（批次信息）")
    if (head["format"], head["version"]) != (FORMAT, VERSION):
        raise BatchUnreadable(f"首行的 format 应为 {FORMAT}，version 应为 {VERSION}")
    if hashlib.sha256(memoryview(data)[:start]).hexdigest() != foot["sha256"]:
        raise BatchUnreadable("文件内容与末行的 sha256 不符，文件可能被截断或改动，请重新导出后再传")
    rows = data[:start].split(b"\n")[:-1]
    lines = [(at, row.rstrip(b"\r")) for at, row in enumerate(rows[1:], start=2)]
    if len(lines) != head["lines"] or not 1 <= len(lines) <= MOST_LINES:
        raise BatchUnreadable(f"首行写明 {head['lines']} 行，实有 {len(lines)} 行；每批 1 至 {MOST_LINES} 行")
    if any(len(line) > MOST_LINE_BYTES for _, line in lines):
        raise BatchUnreadable(f"一行最多 {MOST_LINE_BYTES} 字节")
    try:
        return BatchFile(
            _text(head, "pool"),
            UUID(_text(head, "ledger_id")),
            _text(head, "agent"),
            _text(head, "batch_no"),
            _instant(head, "made_at"),
            lines,
            _text(foot, "sha256"),
            _instant(foot, "signed_at"),
            _text(foot, "ed25519"),
        )
    except ValueError as error:
        raise BatchUnreadable(f"首行或末行的值有误：{error}") from error


def write_refused(rows: Sequence[tuple[int, bytes, str, str]]) -> bytes:
    """The lines that were refused as JSON lines: row, reason, what to do, and the line as it came."""
    text = "".join(
        json.dumps(
            {"row": row, "reason": reason, "detail": detail, "line": _as_told(line)},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        + "\n"
        for row, line, reason, detail in rows
    )
    return text.encode()


def _object(raw: bytes, names: frozenset[str], what: str) -> Mapping[str, Any]:
    if len(raw) > _MOST_FRAME_BYTES:
        raise BatchUnreadable(f"{what}最多 {_MOST_FRAME_BYTES} 字节，文件可能不完整，请重新导出后再传")
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BatchUnreadable(f"{what}不是有效的 JSON，文件可能不完整，请重新导出后再传") from error
    if not isinstance(found, dict) or found.keys() != names:
        raise BatchUnreadable(f"{what}应有且只有：{'、'.join(sorted(names))}；文件可能不完整，请重新导出后再传")
    return found


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values[name]
    if not isinstance(value, str) or not 1 <= len(value) <= 200 or not value.isprintable():
        raise ValueError(f"{name} 应为 1 至 200 个字符的文本")
    return value


def _instant(values: Mapping[str, Any], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(_text(values, name))
    except ValueError as error:
        raise ValueError(f"{name} 应为带时区的时间，例如 2021-12-05T20:00:00+08:00") from error
    if at.tzinfo is None or not 2000 <= at.year < 2100:
        raise ValueError(f"{name} 应为带时区的时间，例如 2021-12-05T20:00:00+08:00")
    return at


def _as_told(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line.decode("utf-8", "replace")
