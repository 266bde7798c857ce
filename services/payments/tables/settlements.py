"""Tables of money on its way to the special account: what is owed us for a day, and which lines have brought it."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
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

settlement = Table(
    "settlement",
    metadata,
    Column("pool", Text, nullable=False),
    Column("settlement_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("institution", Text, nullable=False),  # the statement's; of a slip or claim its own identifier
    Column("day", Date, nullable=False),
    Column("subject", Uuid, nullable=False),  # the statement, slip or claim that says so
    Column("reference", Text),  # the bank's number, where somebody has paid in
    Column("expected_fen", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "settlement_id"),
    UniqueConstraint("pool", "channel", "institution", "day", name="settlement_day"),
    CheckConstraint("state in ('expected', 'arrived', 'differs', 'missing')", name="settlement_state"),
    Index("settlement_recent", "pool", "day"),
)

settlement_turn = Table(
    "settlement_turn",
    metadata,
    Column("pool", Text, nullable=False),
    PrimaryKeyConstraint("pool"),
)
"""One row a pool, locked by whoever gives settlements to lines: one that is new meanwhile has no row of its own that
both could have locked."""

settlement_line = Table(
    "settlement_line",
    metadata,
    Column("pool", Text, nullable=False),
    Column("statement_id", Uuid, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("settlement_id", Uuid, nullable=False),
    Column("part", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    PrimaryKeyConstraint("pool", "statement_id", "row_no", "settlement_id"),
    ForeignKeyConstraint(
        ["pool", "statement_id", "row_no"],
        ["statement_row.pool", "statement_row.statement_id", "statement_row.row_no"],
    ),
    ForeignKeyConstraint(["pool", "settlement_id"], ["settlement.pool", "settlement.settlement_id"]),
    CheckConstraint("part in ('arrived', 'fee')", name="settlement_line_part"),
    Index("settlement_line_settlement", "pool", "settlement_id"),
)
"""What a line of an account's statement brought of a settlement. It counts while its statement is accepted."""
