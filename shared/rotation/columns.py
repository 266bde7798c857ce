"""Sealed columns, and those that every service has."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import MetaData, Table

from .. import evidence
from ..database import Row, Writer
from ..sealing import Sealer
from ..webhooks.parts import secret_context


@dataclass(frozen=True)
class Hashed:
    """A keyed hash of what is sealed. `make` is given the row and the opened value; `after` the rows whose hash is
    another now, in the same transaction."""

    column: str
    make: Callable[[Sealer, Row, bytes], bytes]
    after: Callable[[Writer, str, datetime, Sequence[Row]], Awaitable[None]] | None = None


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed values; `context` says from a row for what its value is sealed.

    `also` are columns that `context` and `make` need beside the primary key, `only` a condition on rows, `chunk` how
    many rows are gone through in one transaction.
    """

    table: Table
    column: str
    context: Callable[[Row], str]
    also: tuple[str, ...] = ()
    only: str = "true"
    chunk: int = 500
    hashed: Hashed | None = None

    @property
    def subject(self) -> str:
        """The column's full name."""
        return f"{self.table.name}.{self.column}"

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key after the pool."""
        return tuple(column.name for column in self.table.primary_key if column.name != "pool")


def shared_columns(metadata: MetaData) -> Sequence[SealedColumn]:
    """The keys of files, the parts of files of before (under no key of their own), the secrets of webhooks."""
    file, part, webhook = (metadata.tables[name] for name in ("evidence", "evidence_part", "webhook"))
    return (
        SealedColumn(file, "key_sealed", lambda row: evidence.key_context(row["evidence_id"])),
        SealedColumn(part, "sealed", lambda row: evidence.part_context(row["evidence_id"], row["part_no"]), chunk=16),
        *(
            SealedColumn(webhook, column, lambda row: secret_context(row["webhook_id"]))
            for column in ("secret", "old_secret")
        ),
    )
