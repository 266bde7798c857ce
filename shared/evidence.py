"""The bytes that others hand over, kept as they came: sealed, in parts of one MiB, found by their SHA-256."""

import hashlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from uuid import UUID

from fastapi import Request

from .database import Database, Reader, Writer
from .ids import new_id
from .problem import TOO_LARGE, ProblemType
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
    evidence_id = new_id()
    await tx.execute(
        "insert into evidence (pool, evidence_id, sha256, file_name, size_bytes, received_at) "
        "values (:pool, :evidence_id, :sha256, :file_name, :size_bytes, :received_at)",
        pool=pool,
        evidence_id=evidence_id,
        sha256=upload.sha256,
        file_name=file_name,
        size_bytes=upload.size_bytes,
        received_at=at,
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
            sealed=sealer.seal(piece, _context(evidence_id, part_no)),
        )
    return evidence_id


async def load(tx: Reader, sealer: Sealer, pool: str, evidence_id: UUID) -> bytes:
    """The bytes as they came. Raises EvidenceAltered, cryptography's InvalidTag where they no longer are."""
    sha256 = await tx.value(
        "select sha256 from evidence where pool = :pool and evidence_id = :evidence_id",
        pool=pool,
        evidence_id=evidence_id,
    )
    parts = await tx.rows(
        "select part_no, sealed from evidence_part where pool = :pool and evidence_id = :evidence_id order by part_no",
        pool=pool,
        evidence_id=evidence_id,
    )
    data = b"".join(sealer.open(part["sealed"], _context(evidence_id, part["part_no"])) for part in parts)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise EvidenceAltered(f"evidence {evidence_id} of pool {pool} does not have its SHA-256")
    return data


async def pieces(database: Database, sealer: Sealer, pool: str, evidence_id: UUID) -> AsyncIterator[bytes]:
    """The bytes as they came, in pieces of one MiB, each read in a transaction of its own; for files of any size.

    Raises what `load` raises; that the end is missing shows only there, so nothing is final before it.
    """
    seen, part_no = hashlib.sha256(), 0
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
                sha256 = await tx.value(
                    "select sha256 from evidence where pool = :pool and evidence_id = :evidence_id",
                    pool=pool,
                    evidence_id=evidence_id,
                )
                break
        piece = sealer.open(sealed, _context(evidence_id, part_no))
        seen.update(piece)
        yield piece
    if seen.hexdigest() != sha256:
        raise EvidenceAltered(f"evidence {evidence_id} of pool {pool} does not have its SHA-256")


def _context(evidence_id: UUID, part_no: int) -> str:
    return f"evidence/{evidence_id}/{part_no}"
