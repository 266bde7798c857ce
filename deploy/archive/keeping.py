"""What lies in archives: checked against itself and the database, found, brought back."""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag

from shared import chain
from shared.clock import wall_now
from shared.database import Database, Reader
from shared.evidence import key_context, part_context
from shared.sealing import Sealer

from . import archives
from .archives import Archive, ArchiveBroken
from .contents import Files, Kind, kinds_of
from .years import ARCHIVES


def all_of(folder: Path, service: str, pool: str) -> Iterator[Archive]:
    """The archives of a pool in their order, each held to its manifest. Raises ArchiveBroken."""
    for path in sorted(folder.glob(f"{service}-{pool}-*.zip")):
        yield archives.read(path)


async def check(database: Database, service: str, pool: str, folder: Path, sealer: Sealer | None) -> tuple[int, int]:
    """Read every archive of a pool; how many there are and how many rows they hold. With keys files are opened, too.

    Raises ArchiveBroken where one is missing, was altered, or is not what the database let go.
    """
    rows, previous, found = 0, chain.NOTHING_BEFORE, []
    async with database.reading() as tx:
        count, last = await chain.read_anchor(tx.connection, ARCHIVES, pool)
        for number, each in enumerate(all_of(folder, service, pool), start=1):
            if (each.label.number, each.label.previous) != (number, previous):
                raise ArchiveBroken(f"{each.path.name} does not continue the archive before")
            kind = _kind_of(each)
            await _compare(tx, kind, each)
            if sealer is not None and isinstance(kind, Files):
                await _open_files(tx, kind, each, sealer)
            rows, previous = rows + each.rows, each.sha256
            found.append(each.name)
        if (len(found), previous) != (count, last):
            raise ArchiveBroken(
                f"the folder has {len(found)} archives of pool {pool}, the database knows {count}"
                if len(found) != count
                else f"{found[-1]} is not the archive that the database let go"
            )
        named = await tx.rows(
            "select distinct archived_in from evidence where pool = :pool and archived_in is not null", pool=pool
        )
        if lost := sorted({row["archived_in"] for row in named} - set(found)):
            raise ArchiveBroken(f"files of pool {pool} are said to lie in {lost[0]}, which is not there")
    return count, rows


def find(folder: Path, service: str, pool: str, words: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Archive and record of whatever has these words in what is said about it: an id, a hash, a day, a file's name."""
    for each in all_of(folder, service, pool):
        for record in each.read_records():
            if any(words in str(value) for value in record.values()):
                yield each.name, record


async def restore(database: Database, service: str, pool: str, folder: Path, words: str) -> int:
    """Put back what `find` finds (no words: everything), an archive a transaction; how many records came back.

    Nothing comes back out of archives that do not hold. Raises ArchiveBroken.
    """
    await check(database, service, pool, folder, None)
    total = 0
    for each in all_of(folder, service, pool):
        kind = _kind_of(each)
        wanted = [one for one in each.read_records() if any(words in str(value) for value in one.values())]
        if not wanted:
            continue
        by_key = {_key(one): one for one in wanted}
        async with database.writing() as tx:
            back = 0
            for key, rows in groupby(each.read_rows(kind.table), key=_key):
                if record := by_key.get(key):
                    back += await kind.bring_back(tx, pool, each.name, record, list(rows))
            if back:
                detail = {"archive": each.name, "records": back}
                tx.audit(pool, "archive.restored", "archive", "archive", wall_now(), [], detail)
        total += back
    return total


async def _compare(tx: Reader, kind: Kind, each: Archive) -> None:
    """Whatever the database takes to lie in an archive lies there, under the same hash."""
    held = {record.get("evidence_id"): record.get("sha256") for record in each.read_records()}
    for record_id, sha256 in (await kind.known(tx, each.label.pool, each.name)).items():
        if held.get(str(record_id)) != sha256:
            raise ArchiveBroken(f"{each.path.name} does not hold file {record_id} as the database knows it")


async def _open_files(tx: Reader, kind: Files, each: Archive, sealer: Sealer) -> None:
    """Each file that was not erased opens with its key, and has its hash."""
    told = {UUID(record["evidence_id"]): record["sha256"] for record in each.read_records()}
    keys = {
        row["evidence_id"]: row["key_sealed"]
        for row in await tx.rows(
            "select evidence_id, key_sealed from evidence where pool = :pool "
            "and evidence_id = any(cast(:ids as uuid[])) and key_sealed is not null",
            pool=each.label.pool,
            ids=list(told),
        )
    }
    for evidence_id, rows in groupby(each.read_rows(kind.table), key=lambda row: row["evidence_id"]):
        if evidence_id not in keys:
            continue
        seen = hashlib.sha256()
        try:
            own = Sealer.of_one_key(sealer.open(keys[evidence_id], key_context(evidence_id)))
            for row in rows:
                seen.update(own.open(row["sealed"], part_context(evidence_id, row["part_no"])))
        except (InvalidTag, KeyError) as error:
            raise ArchiveBroken(f"{each.path.name}: file {evidence_id} does not open") from error
        if seen.hexdigest() != told[evidence_id]:
            raise ArchiveBroken(f"{each.path.name}: file {evidence_id} does not have its SHA-256")


def _kind_of(each: Archive) -> Kind:
    for kind in kinds_of(each.label.service):
        if kind.name == each.label.kind:
            return kind
    raise ArchiveBroken(f"{each.path.name} holds {each.label.kind}, which this version does not know")


def _key(row: Mapping[str, Any]) -> str:
    """By what a row and its record belong together."""
    return str(row["evidence_id"]) if "evidence_id" in row else f"{row['channel']} {row['message_id']}"
