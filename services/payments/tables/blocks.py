"""Tables of receipt numbers handed out beforehand (领用): blocks, and those of their numbers that became no receipt."""

from sqlalchemy import (
    BigInteger,
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
)

from shared.tables import Instant

from .metadata import metadata

receipt_block = Table(
    "receipt_block",
    metadata,
    Column("pool", Text, nullable=False),
    Column("block_id", Uuid, nullable=False),
    Column("book_code", Text, nullable=False),
    Column("first_number", BigInteger, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    Column("region", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("returned_at", Instant),
    Column("unused_count", Integer),  # as the agent stated when giving the rest back
    Column("checked_by", Text),
    Column("checked_at", Instant),
    Column("note", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "block_id"),
    UniqueConstraint("pool", "book_code", "first_number", name="receipt_block_first"),
    CheckConstraint("first_number > 0 and last_number >= first_number", name="receipt_block_numbers"),
    CheckConstraint("state in ('issued', 'returned', 'written_off')", name="receipt_block_state"),
    CheckConstraint(
        "num_nulls(returned_at, unused_count) = case state when 'issued' then 2 else 0 end",
        name="receipt_block_returned",
    ),
    CheckConstraint("num_nulls(checked_by, checked_at) in (0, 2)", name="receipt_block_checked"),
    CheckConstraint("state <> 'written_off' or checked_by is not null", name="receipt_block_written_off"),
    CheckConstraint("issued_by <> agent and checked_by <> agent", name="receipt_block_four_eyes"),
    Index("receipt_block_agent", "pool", "agent"),
)

receipt_unissued = Table(
    "receipt_unissued",
    metadata,
    Column("pool", Text, nullable=False),
    Column("book_code", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("block_id", Uuid, nullable=False),
    Column("cause", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "book_code", "number"),
    ForeignKeyConstraint(["pool", "block_id"], ["receipt_block.pool", "receipt_block.block_id"]),
    CheckConstraint("cause in ('spoiled', 'withheld', 'returned')", name="receipt_unissued_cause"),
    Index("receipt_unissued_block", "pool", "block_id"),
)
