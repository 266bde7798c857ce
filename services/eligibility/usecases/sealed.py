"""What lies under eligibility's sealing keys, and what has to follow where a key is changed."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from shared.database import Row, Writer
from shared.rotation.columns import Hashed, SealedColumn, shared_columns
from shared.sealing import Sealer

from ..tables import identity_document, match_case, metadata, person
from .matching import case_context, forgotten_hash
from .register import document_hash, erased_hash, name_context, name_hash, number_context, vouch_anew


async def _vouch_anew(tx: Writer, pool: str, now: datetime, rows: Sequence[Row]) -> None:
    await vouch_anew(tx, pool, now, [row["document_id"] for row in rows])


def _number_hash(sealer: Sealer, row: Row, number: bytes) -> bytes:
    return document_hash(sealer, row["type"], number.decode()) if number else erased_hash(sealer, row["document_id"])


def _name_hash(sealer: Sealer, row: Row, name: bytes) -> bytes:
    return name_hash(sealer, name.decode()) if name else erased_hash(sealer, row["person_id"])


def _given_hash(sealer: Sealer, row: Row, sealed: bytes) -> bytes:
    name, given, *beside = orjson.loads(sealed)
    known = sealer.lookup_hashes("match", given, name, *beside)
    if row["given_hash"] in known:
        return known[0]
    # Cases of before 0015 without any number keep neither birth date nor place: what was decided is asked once more.
    return forgotten_hash(sealer, row["case_id"])


SEALED = (
    *shared_columns(metadata),
    SealedColumn(
        person,
        "name_sealed",
        lambda row: name_context(row["person_id"]),
        hashed=Hashed("name_hash", _name_hash),
    ),
    SealedColumn(
        identity_document,
        "number_sealed",
        lambda row: number_context(row["document_id"]),
        also=("type",),
        hashed=Hashed("number_hash", _number_hash, _vouch_anew),
    ),
    SealedColumn(
        match_case,
        "given_sealed",
        lambda row: case_context(row["case_id"]),
        hashed=Hashed("given_hash", _given_hash),
    ),
)
"""Every sealed column."""
