"""The register of persons: found by the number of a document, recorded where nobody has it yet."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer
from shared.identity import normal_name
from shared.ids import new_id
from shared.sealing import Sealer

from ..rules import Holder, same_name
from ..store import persons as store
from .suite import JOB, Eligibility

_HASHED_AT_ONCE = 500

Document = tuple[str, str]
"""Kind and number."""


@dataclass(frozen=True)
class Registered:
    """A record of the register: whom a document names, who answers for it, the names known of the two and, where this
    transaction recorded it, the digest of its row."""

    person_id: UUID
    surviving_id: UUID
    names: tuple[str, ...]
    digest: str | None

    @property
    def created(self) -> bool:
        """Whether this transaction recorded the person."""
        return self.digest is not None

    def goes_by(self, name: str) -> bool:
        """Whether the person is known under this name."""
        return any(same_name(name, known) for known in self.names)


async def find_or_create(
    service: Eligibility, tx: Writer, pool: str, at: datetime, named: Iterable[tuple[str, Holder]]
) -> dict[Holder, Registered]:
    """The persons behind these documents, in sets; a number nobody has becomes a person of the name given.

    Where a number comes under several names, the first counts. Two transactions that record the same number at once
    end with one person: the later one waits for the first and finds it.
    """
    first: dict[Document, tuple[str, Holder]] = {}
    documents: dict[Holder, Document] = {}
    for name, holder in named:
        documents[holder] = holder.document
        first.setdefault(documents[holder], (name, holder))
    sealer = service.sealer
    known = await known_by_number(sealer, tx, pool, first)
    if len(known) < len(first) and await take_turn(sealer, tx, pool):
        known |= await known_by_number(sealer, tx, pool, [one for one in first if one not in known])
    missing = {document: one for document, one in first.items() if document not in known}
    created: dict[Document, Registered] = {}
    if missing:
        rows = {document: _new_person(sealer, *one) for document, one in missing.items()}
        taken_up = await store.insert_persons(tx, pool, at, list(rows.values()))
        created = {
            document: Registered(row["person_id"], row["person_id"], (missing[document][0],), person_digest(row))
            for document, row in rows.items()
            if row["person_id"] in taken_up
        }
        known |= await known_by_number(sealer, tx, pool, [one for one in missing if one not in created])
    return {
        holder: created.get(document) or _registered(sealer, known[document]) for holder, document in documents.items()
    }


async def known_by_number(sealer: Sealer, tx: Reader, pool: str, documents: Iterable[Document]) -> dict[Document, Row]:
    """Whom the register knows under these documents, whichever look-up key they were written under; see
    `store.persons_by_number`."""
    hashes = {found: one for one in documents for found in sealer.lookup_hashes(*one)}
    if not hashes:
        return {}
    rows = await store.persons_by_number(tx, pool, [(kind, found) for found, (kind, _) in hashes.items()])
    return {hashes[found]: row for found, row in rows.items()}


async def take_turn(sealer: Sealer, tx: Writer, pool: str) -> bool:
    """While look-up keys are changed: wait for others who record numbers; whether somebody may have recorded some
    meanwhile. To be called before anything that is locked by those others."""
    if len(sealer.lookup_names) == 1:
        return False
    await store.take_numbers_turn(tx, pool)
    return True


async def hash_names(service: Eligibility) -> bool:
    """Make some names findable that were recorded before names had a hash; whether there were any."""
    if service.keys is None:
        return False
    async with service.database.writing() as tx:
        rows = await store.unhashed_persons(tx, _HASHED_AT_ONCE)
        names = [open_name(service.sealer, row) for row in rows]
        hashes = [name_hash(service.sealer, name) for name in names]
        found = [(row["pool"], row["person_id"], found) for row, found in zip(rows, hashes, strict=True)]
        await store.set_name_hashes(tx, found)
    return bool(rows)


def row_digest(*values: object) -> str:
    """SHA-256 over the values of a row as text. It stands in the audit line of the writing (`written`), so that the
    invariants see a row that somebody changed without a service."""
    plain = "/".join("" if value is None else str(value) for value in values)
    return hashlib.sha256(plain.encode()).hexdigest()


def document_hash(sealer: Sealer, kind: str, number: str) -> bytes:
    """The keyed hash under which the number of a document is written."""
    return sealer.lookup_hash(kind, number)


def name_hash(sealer: Sealer, name: str) -> bytes:
    """The keyed hash under which a name is written, however it is spaced."""
    return sealer.lookup_hash("name", normal_name(name))


def name_hashes(sealer: Sealer, name: str) -> tuple[bytes, ...]:
    """The keyed hashes under which a name is found."""
    return sealer.lookup_hashes("name", normal_name(name))


def open_name(sealer: Sealer, row: Row) -> str:
    """The name of a row with `person_id` and `name_sealed`."""
    return sealer.open_text(row["name_sealed"], name_context(row["person_id"]))


def open_surviving_name(sealer: Sealer, row: Row) -> str:
    """The name of who answers for a row with `surviving_id` and `surviving_name`."""
    return sealer.open_text(row["surviving_name"], name_context(row["surviving_id"]))


def open_number(sealer: Sealer, row: Row) -> str:
    """The number of a row with `document_id` and `number_sealed`."""
    return sealer.open_text(row["number_sealed"], number_context(row["document_id"]))


def erased_hash(sealer: Sealer, row_id: UUID) -> bytes:
    """What no number and no name has: in place of those that were erased."""
    return sealer.lookup_hash("erased", str(row_id))


# A sealed value opens only in the row it was made for: copied to another row it is no name and no number.
def number_context(document_id: UUID) -> str:
    """For what the number of a document is sealed."""
    return f"identity_document/{document_id}/number"


def name_context(person_id: UUID) -> str:
    """For what the name of a record is sealed."""
    return f"person/{person_id}/name"


def known_names(sealer: Sealer, row: Row) -> tuple[str, ...]:
    """The names of a row of `persons_by_number`: that of the record, and of who answers for it."""
    if row["person_id"] == row["surviving_id"]:
        return (open_name(sealer, row),)
    return (open_name(sealer, row), open_surviving_name(sealer, row))


def _registered(sealer: Sealer, row: Row) -> Registered:
    return Registered(row["person_id"], row["surviving_id"], known_names(sealer, row), None)


def person_digest(row: Row) -> str:
    """What the audit line of a person's writing vouches for, the first document with it."""
    return row_digest(row["person_id"], row["birth_date"], row["sex"], row["number_hash"].hex())


def _new_person(sealer: Sealer, name: str, holder: Holder) -> dict[str, Any]:
    person_id, document_id = new_id(), new_id()
    return {
        "person_id": person_id,
        "birth_date": holder.birth_date,
        "sex": holder.sex,
        "name_sealed": sealer.seal(normal_name(name), name_context(person_id)),
        "name_hash": name_hash(sealer, name),
        "document_id": document_id,
        "type": holder.kind.value,
        "number_hash": document_hash(sealer, *holder.document),
        "number_sealed": sealer.seal(holder.number, number_context(document_id)),
    }


async def vouch_anew(tx: Writer, pool: str, now: datetime, document_ids: Sequence[UUID]) -> None:
    """Audit lines vouch for the hashes of numbers: say what these are now that they were written anew."""
    written = {}
    for row in await store.documents_with_holders(tx, pool, document_ids):
        if row["is_first"]:
            written[str(row["person_id"])] = person_digest(row)
        else:
            written[str(row["document_id"])] = document_digest(row)
    tx.audit(pool, "number.rehashed", JOB, JOB, now, [], {"written": written})


def new_document(
    sealer: Sealer,
    pool: str,
    person_id: UUID,
    holder: Holder,
    at: datetime,
    valid_from: date | None,
    valid_to: date | None,
) -> dict[str, Any]:
    """The row of one more document of a person."""
    document_id = new_id()
    return {
        "pool": pool,
        "document_id": document_id,
        "person_id": person_id,
        "type": holder.kind.value,
        "number_hash": document_hash(sealer, holder.kind, holder.number),
        "number_sealed": sealer.seal(holder.number, number_context(document_id)),
        "valid_from": valid_from,
        "valid_to": valid_to,
        "recorded_at": at,
    }


def document_digest(row: Row) -> str:
    """What the audit line of a document's writing vouches for."""
    return row_digest(row["document_id"], row["person_id"], row["type"], row["number_hash"].hex())
