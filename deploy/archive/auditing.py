"""Old audit lines in files: held by the chain they stand in, on disk before they are removed, checked at any time.

A file holds the lines of a pool from one number to another, one JSON object a line, each with its hash. The hash of the
line before the first stands in the first line of the file, so that file upon file continues one chain, and the last
hash is what the database keeps as the anchor of what it still has (`shared/chain.py:read_anchor`).
"""

import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson

from shared import chain
from shared.clock import SHANGHAI
from shared.database import Database

from .archives import ArchiveBroken, finish

LINES_A_FILE = 20_000
"""So many are moved in one transaction, which takes a second or two."""


@dataclass(frozen=True)
class Cut:
    """What was moved: the file, and the numbers of its first and last line."""

    path: Path
    first: int
    last: int


async def cut(database: Database, pool: str, before: date, folder: Path, *, most: int = LINES_A_FILE) -> Cut | None:
    """Move the oldest lines from before a day into a file, at most so many; None where there are none.

    The file is on disk before its lines are removed. Who dies between makes the same file again. Raises ArchiveBroken
    where the lines do not continue the chain: then nothing is moved.
    """
    until = datetime(before.year, before.month, before.day, tzinfo=SHANGHAI)
    async with database.writing() as tx:
        anchor, previous = await chain.take_anchor(tx.connection, chain.AUDIT, pool)
        lines = [_line({"pool": pool, "after": anchor, "hash": previous.hex()})]
        seq, hash_ = anchor, previous
        async for record in chain.read(tx.connection, chain.AUDIT, pool, anchor):
            if record["occurred_at"] >= until or seq - anchor == most:
                break
            stored = record.pop("hash")
            hash_ = chain.digest(hash_, record)
            seq += 1
            if hash_ != stored or record["seq"] != seq:
                raise ArchiveBroken(f"audit line {seq} of pool {pool} does not continue the chain")
            lines.append(_line({**record, "hash": stored.hex()}))
        if seq == anchor:
            return None
        path = folder / f"audit_line-{pool}-{anchor + 1:012}-{seq:012}.jsonl.gz"
        _put(path, b"".join(lines))
        await chain.remove_to(tx.connection, chain.AUDIT, pool, seq, hash_)
    return Cut(path, anchor + 1, seq)


async def check(database: Database, pool: str, folder: Path) -> int:
    """Read every file of a pool; how many lines they hold.

    Raises ArchiveBroken where they are not what the database let go.
    """
    async with database.reading() as tx:
        anchor, wanted = await chain.read_anchor(tx.connection, chain.AUDIT, pool)
    seq, hash_ = 0, chain.NOTHING_BEFORE
    for path in _files(folder, pool):
        for number, record in enumerate(_records(path), start=1):
            stored = bytes.fromhex(record.pop("hash"))
            if number == 1:
                if record != {"pool": pool, "after": seq} or stored != hash_:
                    raise ArchiveBroken(f"{path.name} does not continue the file before")
                continue
            hash_ = chain.digest(hash_, record)
            seq += 1
            if hash_ != stored or record["seq"] != seq:
                raise ArchiveBroken(f"{path.name}, line {number}: altered, or one is missing")
    if (seq, hash_) != (anchor, wanted):
        raise ArchiveBroken(f"the files of pool {pool} end at audit line {seq}, the database begins behind {anchor}")
    return seq


def _files(folder: Path, pool: str) -> list[Path]:
    return sorted(folder.glob(f"audit_line-{pool}-*.jsonl.gz"))


def _line(record: dict[str, Any]) -> bytes:
    return orjson.dumps(record, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) as file:
        for line in file:
            yield orjson.loads(line)


def _put(path: Path, content: bytes) -> None:
    """Write a file whole: it has its name when it is on disk. The same content makes the same bytes."""
    unfinished = path.with_suffix(".unfinished")
    with unfinished.open("wb") as file:
        file.write(gzip.compress(content, mtime=0))
        file.flush()
        os.fsync(file.fileno())
    finish(unfinished, path)
