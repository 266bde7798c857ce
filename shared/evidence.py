"""The bytes that others hand over, kept as they came: sealed, in parts of one MiB, found by their SHA-256.

A file is sealed under a key of its own, which lies beside it under the service's key (an envelope): where that key is
changed, 32 bytes of each file are sealed anew and not the file.
"""

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from uuid import UUID

from fastapi import Request

from .clock import business_day
from .database import Database, Reader, Writer
from .ids import new_id
from .problem import ARCHIVED, TOO_LARGE, ProblemType
from .sealing import Sealer

LIMIT_BYTES = 256 * 1024 * 1024
_PART_BYTES = 1024 * 1024
_IN_MEMORY_BYTES = 8 * 1024 * 1024

EMPTY_UPLOAD = ProblemType(
    "empty_upload",
    422,
    ("文件为空", "The file is empty"),
    (
        "请求体没有内容，请以 application/octet-stream 提交文件",
        "The body is empty; send the file as application/octet-stream",
    ),
)


EVIDENCE_ERASED = ProblemType(
    "evidence_erased",
    410,
    ("文件已按保存期限删除", "The file was erased"),
    (
        "该文件保存期限已满，已于 {day} 删除，请向提交单位索取",
        "The file was kept for its time and erased on {day}; ask whoever handed it in",
    ),
)


class EvidenceAltered(Exception):
    """The stored bytes are not those that were received."""


@dataclass(frozen=True)
class Upload:
    """A received body, on disk where it is large."""

    file: IO[bytes]
    sha256: str
    size_bytes: int


async def receive_upload(request: Request) -> Upload:
    """Read the body of a request once, in pieces. Raises Problem TOO_LARGE, EMPTY_UPLOAD."""
    kept: Upload | None = getattr(request.state, "upload", None)
    if kept is not None:
        return kept
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 -- closed with the request
    request.state.upload_file = file
    seen, size = hashlib.sha256(), 0
    async for piece in request.stream():
        size += len(piece)
        if size > LIMIT_BYTES:
            raise TOO_LARGE(limit_bytes=LIMIT_BYTES)
        seen.update(piece)
        file.write(piece)
    if size == 0:
        raise EMPTY_UPLOAD()
    request.state.upload = Upload(file, seen.hexdigest(), size)
    return request.state.upload  # type: ignore[no-any-return]


def whole(upload: Upload, most_bytes: int) -> bytes:
    """All of an upload that is worked on in memory. Raises Problem TOO_LARGE before any of it is read."""
    if upload.size_bytes > most_bytes:
        raise TOO_LARGE(limit_bytes=most_bytes)
    upload.file.seek(0)
    return upload.file.read()


async def keep(tx: Writer, sealer: Sealer, pool: str, file_name: str, upload: Upload, at: datetime) -> UUID:
    """Store an upload in the caller's transaction; the id of the evidence."""
    evidence_id, key = new_id(), os.urandom(32)
    own = Sealer.of_one_key(key)
    await tx.execute(
        "insert into evidence (pool, evidence_id, sha256, file_name, size_bytes, received_at, key_sealed) "
        "values (:pool, :evidence_id, :sha256, :file_name, :size_bytes, :received_at, :key_sealed)",
        pool=pool,
        evidence_id=evidence_id,
        sha256=upload.sha256,
        file_name=file_name,
        size_bytes=upload.size_bytes,
        received_at=at,
        key_sealed=sealer.seal(key, key_context(evidence_id)),
    )
    upload.file.seek(0)
    part_no = 0
    while piece := upload.file.read(_PART_BYTES):
        part_no += 1
        await tx.execute(
            "insert into evidence_part (pool, evidence_id, part_no, sealed) "
            "values (:pool, :evidence_id, :part_no, :sealed)",
            pool=pool,
            evidence_id=evidence_id,
            part_no=part_no,
            sealed=own.seal(piece, part_context(evidence_id, part_no)),
        )
    return evidence_id


async def load(tx: Reader, sealer: Sealer, pool: str, evidence_id: UUID) -> bytes:
    """The bytes as they came. Raises EvidenceAltered, cryptography's InvalidTag where they no longer are, and Problem
    EVIDENCE_ERASED where they were kept long enough, ARCHIVED where they lie in an archive."""
    file = await _find(tx, sealer, pool, evidence_id)
    parts = await tx.rows(
        "select part_no, sealed from evidence_part where pool = :pool and evidence_id = :evidence_id order by part_no",
        pool=pool,
        evidence_id=evidence_id,
    )
    data = b"".join(file.sealer.open(part["sealed"], part_context(evidence_id, part["part_no"])) for part in parts)
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise EvidenceAltered(f"evidence {evidence_id} of pool {pool} does not have its SHA-256")
    return data


async def pieces(database: Database, sealer: Sealer, pool: str, evidence_id: UUID) -> AsyncIterator[bytes]:
    """The bytes as they came, in pieces of one MiB, each read in a transaction of its own; for files of any size.

    Raises what `load` raises; that the end is missing shows only there, so nothing is final before it.
    """
    seen, part_no = hashlib.sha256(), 0
    async with database.reading() as tx:
        file = await _find(tx, sealer, pool, evidence_id)
    while True:
        part_no += 1
        async with database.reading() as tx:
            sealed = await tx.value(
                "select sealed from evidence_part where pool = :pool and evidence_id = :evidence_id "
                "and part_no = :part_no",
                pool=pool,
                evidence_id=evidence_id,
                part_no=part_no,
            )
        if sealed is None:
            break
        piece = file.sealer.open(sealed, part_context(evidence_id, part_no))
        seen.update(piece)
        yield piece
    if seen.hexdigest() != file.sha256:
        async with database.reading() as tx:
            await _find(tx, sealer, pool, evidence_id)  # archived or erased between two pieces
        raise EvidenceAltered(f"evidence {evidence_id} of pool {pool} does not have its SHA-256")


async def fetch(database: Database, sealer: Sealer, pool: str, evidence_id: UUID) -> IO[bytes]:
    """The bytes as they came, as a file that is on disk where it is large; the caller closes it.

    Raises what `load` raises.
    """
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 -- the caller's to close
    try:
        async for piece in pieces(database, sealer, pool, evidence_id):
            file.write(piece)
    except BaseException:
        file.close()
        raise
    return file


@dataclass(frozen=True)
class _File:
    sha256: str
    sealer: Sealer


async def _find(tx: Reader, sealer: Sealer, pool: str, evidence_id: UUID) -> _File:
    row = await tx.row(
        "select sha256, key_sealed, erased_at, archived_in from evidence "
        "where pool = :pool and evidence_id = :evidence_id",
        pool=pool,
        evidence_id=evidence_id,
    )
    if row is None:
        raise EvidenceAltered(f"evidence {evidence_id} of pool {pool} is gone")
    if row["erased_at"] is not None:
        raise EVIDENCE_ERASED(day=business_day(row["erased_at"]))
    if row["archived_in"] is not None:
        raise ARCHIVED(archive=row["archived_in"])
    if row["key_sealed"] is None:
        return _File(row["sha256"], sealer)
    return _File(row["sha256"], Sealer.of_one_key(sealer.open(row["key_sealed"], key_context(evidence_id))))


def key_context(evidence_id: UUID) -> str:
    """For what the key of a file is sealed."""
    return f"evidence/{evidence_id}/key"


def part_context(evidence_id: UUID, part_no: int) -> str:
    """For what a part of a file is sealed."""
    return f"evidence/{evidence_id}/{part_no}"
