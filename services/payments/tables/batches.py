"""Tables of batches that agents' devices made without network, and what became of each of their lines."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.tables import Instant

from .metadata import metadata

ledger_batch = Table(
    "ledger_batch",
    metadata,
    Column("pool", Text, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("ledger_id", Uuid, nullable=False),
    Column("batch_no", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("evidence_id", Uuid),
    Column("state", Text, nullable=False),
    Column("lines_count", Integer, nullable=False),
    Column("lines_taken", Integer, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("received_by", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("taken_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "batch_id"),
    UniqueConstraint("pool", "ledger_id", "sha256", name="ledger_batch_once"),
    ForeignKeyConstraint(["pool", "ledger_id"], ["ledger.pool", "ledger.ledger_id"]),
    ForeignKeyConstraint(["pool", "evidence_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint("state in ('received', 'taken')", name="ledger_batch_state"),
    CheckConstraint("lines_count > 0 and lines_taken between 0 and lines_count", name="ledger_batch_lines"),
    CheckConstraint("state <> 'taken' or lines_taken = lines_count", name="ledger_batch_whole"),
    CheckConstraint("(state = 'taken') = (taken_at is not null)", name="ledger_batch_taken_at"),
    Index("ledger_batch_waiting", "pool", "batch_id", postgresql_where=text("state = 'received'")),
)

ledger_batch_line = Table(
    "ledger_batch_line",
    metadata,
    Column("pool", Text, nullable=False),
    Column("batch_id", Uuid, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("line_no", Integer),
    Column("result", Text, nullable=False),
    Column("known", Boolean, nullable=False),
    Column("collection_id", Uuid),
    Column("receipt_no", Text),
    Column("reason", Text),
    Column("detail", Text),
    PrimaryKeyConstraint("pool", "batch_id", "row_no"),
    ForeignKeyConstraint(["pool", "batch_id"], ["ledger_batch.pool", "ledger_batch.batch_id"]),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    CheckConstraint("(result = 'refused') = (detail is not null)", name="ledger_batch_line_refused"),
    CheckConstraint("line_no is not null or result = 'refused'", name="ledger_batch_line_number"),
    Index("ledger_batch_line_refused_rows", "pool", "batch_id", "row_no", postgresql_where=text("result = 'refused'")),
)
