"""An archive: a zip that says what it holds, and continues the one before.

    manifest.json   service, pool, scheme, number, what kind of records, which schema, the hash of the archive before,
                    and of both members rows, sums and SHA-256
    records.jsonl   what was archived, a line each, to be found by: a file, a statement
    rows.jsonl      the rows as they stood in the database, a line each; bytes in base64

Nothing but unzip is needed to read one in thirty years. It has its name when all of it is on disk. The same content
makes the same bytes, so whoever dies before the rows are gone makes the same archive again.
"""

import base64
import hashlib
import os
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import orjson
from sqlalchemy import Date, DateTime, LargeBinary, Table, Uuid

from shared.database import Row

FORMAT = 1
_MANIFEST, _RECORDS, _ROWS = "manifest.json", "records.jsonl", "rows.jsonl"
_PIECE = 1024 * 1024


class ArchiveBroken(RuntimeError):
    """A file does not continue the chain, or what it holds was altered; the message names the file."""


@dataclass(frozen=True)
class Label:
    """What an archive is of; `previous` is the SHA-256 of the archive before, `schema` the migration of the tables."""

    service: str
    pool: str
    number: int
    scheme: str
    kind: str
    schema: str
    previous: bytes

    @property
    def name(self) -> str:
        """The archive's name, which is that of its file without the ending."""
        return f"{self.service}-{self.pool}-{self.number:06}-{self.scheme}-{self.kind}"


@dataclass(frozen=True)
class Archive:
    """An archive that was read to its end and is what it says. `sha256` is that of the file."""

    path: Path
    label: Label
    records: int
    rows: int
    sha256: bytes

    @property
    def name(self) -> str:
        """The archive's name."""
        return self.label.name

    def read_records(self) -> Iterator[dict[str, Any]]:
        """What was archived."""
        return _lines(self.path, _RECORDS)

    def read_rows(self, table: Table) -> Iterator[dict[str, Any]]:
        """The rows, as the table takes them."""
        return (_from_line(table, line) for line in _lines(self.path, _ROWS))


async def write(folder: Path, label: Label, records: Sequence[Row], rows: AsyncIterator[Row]) -> Archive:
    """Put an archive into a folder and read it back."""
    unfinished = folder / f"{label.name}.unfinished"
    with unfinished.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
            members = [_put_records(made, records), await _put_rows(made, rows)]
            about = {
                "format": FORMAT,
                **{name: value for name, value in vars(label).items() if name != "previous"},
                "previous": label.previous.hex(),
                "members": members,
            }
            with made.open(_member(_MANIFEST), "w") as member:
                member.write(orjson.dumps(about, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    path = folder / f"{label.name}.zip"
    finish(unfinished, path)
    return read(path)


def finish(unfinished: Path, path: Path) -> None:
    """Give a file that is on disk its name, so that the name is on disk, too.

    Raises ArchiveBroken where another file has this name: what it holds may be in no database any more.
    """
    if path.exists() and _sha256_of(path) != _sha256_of(unfinished):
        raise ArchiveBroken(
            f"{path} is there already and holds something else, so nothing was moved. Where it is another database's, "
            "name another folder; where a run was killed just before its end, put that file aside and run again"
        )
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def require_last(folder: Path, service: str, pool: str, number: int, sha256: bytes) -> None:
    """Raises ArchiveBroken unless the folder has the archive that the next one continues: it is no other database's."""
    found = list(folder.glob(f"{service}-{pool}-{number:06}-*.zip"))
    if number and [_sha256_of(path) for path in found] != [sha256]:
        raise ArchiveBroken(
            f"{folder} does not have archive {number} of pool {pool} as this database let it go, so nothing was moved: "
            "name the folder that goes with the database, or bring it back from its copy"
        )


def read(path: Path) -> Archive:
    """An archive, held to its own manifest. Raises ArchiveBroken."""
    try:
        with zipfile.ZipFile(path) as held:
            about = orjson.loads(held.read(_MANIFEST))
            records, rows = [_check_member(path, held, member) for member in about["members"]]
        if about["format"] != FORMAT:
            raise ArchiveBroken(f"{path.name} has format {about['format']}, which this version does not know")
        named = {name: about[name] for name in ("service", "pool", "number", "scheme", "kind", "schema")}
        label = Label(**named, previous=bytes.fromhex(about["previous"]))
    except ArchiveBroken:
        raise
    # RuntimeError: by a bit that turned it is encrypted, or of a version to come.
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError) as error:
        raise ArchiveBroken(f"{path.name} cannot be read: {error}") from error
    if path.name != f"{label.name}.zip":
        raise ArchiveBroken(f"{path.name} is {label.name} by its manifest")
    return Archive(path, label, records, rows, _sha256_of(path))


def _put_records(made: zipfile.ZipFile, records: Sequence[Row]) -> dict[str, Any]:
    with made.open(_member(_RECORDS), "w", force_zip64=True) as member:
        lines = _Lines(member)
        for record in records:
            lines.add(record)
    return lines.described(_RECORDS)


async def _put_rows(made: zipfile.ZipFile, rows: AsyncIterator[Row]) -> dict[str, Any]:
    with made.open(_member(_ROWS), "w", force_zip64=True) as member:
        lines = _Lines(member)
        async for row in rows:
            lines.add(row)
    return lines.described(_ROWS)


class _Lines:
    """Lines on their way into a member: counted, summed where they are money or sizes, hashed."""

    def __init__(self, member: IO[bytes]) -> None:
        self._write: Callable[[bytes], int] = member.write
        self._hash = hashlib.sha256()
        self._rows = 0
        self._sums: dict[str, int] = {}

    def add(self, row: Row) -> None:
        line = orjson.dumps(
            {name: _to_line(value) for name, value in row.items()},
            option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE,
        )
        self._write(line)
        self._hash.update(line)
        self._rows += 1
        for name in ("amount_fen", "size_bytes"):
            if row.get(name) is not None:
                self._sums[name] = self._sums.get(name, 0) + row[name]

    def described(self, name: str) -> dict[str, Any]:
        return {"name": name, "rows": self._rows, "sums": self._sums, "sha256": self._hash.hexdigest()}


def _check_member(path: Path, held: zipfile.ZipFile, about: Mapping[str, Any]) -> int:
    seen, rows = hashlib.sha256(), 0
    with held.open(about["name"]) as member:
        while piece := member.read(_PIECE):
            seen.update(piece)
            rows += piece.count(b"\n")
    if (seen.hexdigest(), rows) != (about["sha256"], about["rows"]):
        raise ArchiveBroken(f"{path.name}: {about['name']} is not what the manifest says")
    return rows


def _lines(path: Path, name: str) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(path) as held, held.open(name) as member:
        for line in member:
            yield orjson.loads(line)


def _member(name: str) -> zipfile.ZipInfo:
    # Without the time of day, so that the same content makes the same bytes.
    member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _to_line(value: Any) -> Any:
    match value:
        case bytes() | memoryview():
            return base64.b64encode(value).decode()
        case UUID():  # the driver's own kind of it
            return str(value)
    return value


def _from_line(table: Table, line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if value is None else _from_json(table, name, value) for name, value in line.items()}


def _from_json(table: Table, name: str, value: Any) -> Any:
    match table.c[name].type:
        case LargeBinary():
            return base64.b64decode(value, validate=True)
        case DateTime():
            return datetime.fromisoformat(value)
        case Date():
            return date.fromisoformat(value)
        case Uuid():
            return UUID(value)
    return value


def _sha256_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
