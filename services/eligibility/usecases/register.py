"""The register of persons: found by the number of a document, recorded where nobody has it yet."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Row, Writer
from shared.identity import ResidentNumber, normal_name
from shared.ids import new_id
from shared.sealing import Sealer

from ..store import persons as store
from .suite import Eligibility

RESIDENT_ID = "resident_id"


@dataclass(frozen=True)
class Registered:
    """A person of the register: the name on record and, where this transaction recorded it, the digest of its row."""

    person_id: UUID
    name: str
    digest: str | None

    @property
    def created(self) -> bool:
        """Whether this transaction recorded the person."""
        return self.digest is not None


async def find_or_create(
    service: Eligibility, tx: Writer, pool: str, at: datetime, named: Iterable[tuple[str, ResidentNumber]]
) -> dict[str, Registered]:
    """The persons behind these numbers, by number, in sets; a number nobody has becomes a person of the name given.

    Where a number comes under several names, the first counts. Two transactions that record the same number at once
    end with one person: the later one waits for the first and finds it.
    """
    first: dict[str, tuple[str, ResidentNumber]] = {}
    for name, holder in named:
        first.setdefault(holder.number, (name, holder))
    hashes = {number: number_hash(service.sealer, number) for number in first}
    known = await store.persons_by_number(tx, pool, RESIDENT_ID, list(hashes.values()))
    missing = {number: found for number, found in hashes.items() if found not in known}
    created: dict[UUID, str] = {}
    if missing:
        rows = [_new_person(service.sealer, found, *first[number]) for number, found in missing.items()]
        taken_up = await store.insert_persons(tx, pool, RESIDENT_ID, at, rows)
        created = {row["person_id"]: _person_digest(row) for row in rows if row["person_id"] in taken_up}
        known |= await store.persons_by_number(tx, pool, RESIDENT_ID, list(missing.values()))
    return {number: _registered(service.sealer, known[found], created) for number, found in hashes.items()}


def row_digest(*values: object) -> str:
    """SHA-256 over the values of a row as text. It stands in the audit line of the writing (`written`), so that the
    invariants see a row that somebody changed without a service."""
    plain = "/".join("" if value is None else str(value) for value in values)
    return hashlib.sha256(plain.encode()).hexdigest()


def number_hash(sealer: Sealer, number: str) -> bytes:
    """The keyed hash under which a resident identity number is found."""
    return sealer.lookup_hash(RESIDENT_ID, number)


def open_name(sealer: Sealer, row: Row) -> str:
    """The name of a row with `person_id` and `name_sealed`."""
    return sealer.open_text(row["name_sealed"], _name_context(row["person_id"]))


def open_number(sealer: Sealer, row: Row) -> str:
    """The number of a row with `document_id` and `number_sealed`."""
    return sealer.open_text(row["number_sealed"], _number_context(row["document_id"]))


def _registered(sealer: Sealer, row: Row, created: Mapping[UUID, str]) -> Registered:
    return Registered(row["person_id"], open_name(sealer, row), created.get(row["person_id"]))


def _person_digest(row: Row) -> str:
    return row_digest(row["person_id"], row["birth_date"], row["sex"], row["number_hash"].hex())


def _new_person(sealer: Sealer, found: bytes, name: str, holder: ResidentNumber) -> dict[str, Any]:
    person_id, document_id = new_id(), new_id()
    return {
        "person_id": person_id,
        "birth_date": holder.birth_date,
        "sex": holder.sex,
        "name_sealed": sealer.seal(normal_name(name), _name_context(person_id)),
        "document_id": document_id,
        "number_hash": found,
        "number_sealed": sealer.seal(holder.number, _number_context(document_id)),
    }


# A sealed value opens only in the row it was made for: copied to another row it is no name and no number.
def _name_context(person_id: UUID) -> str:
    return f"person/{person_id}/name"


def _number_context(document_id: UUID) -> str:
    return f"identity_document/{document_id}/number"
