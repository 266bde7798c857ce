"""The table of shifts."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from shared.tables import Instant

from .metadata import metadata

shift = Table(
    "shift",
    metadata,
    Column("pool", Text, nullable=False),
    Column("shift_id", Uuid, nullable=False),
    Column("counter_code", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("clerk", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opening_float_fen", BigInteger, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("expected_cash_fen", BigInteger),
    Column("counted_cash_fen", BigInteger),
    Column("takings_fen", BigInteger),
    Column("note", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "shift_id"),
    CheckConstraint("status in ('open', 'closed')", name="shift_status"),
    CheckConstraint("opening_float_fen >= 0 and counted_cash_fen >= 0", name="shift_amounts"),
    Index("shift_one_open", "pool", "counter_code", unique=True, postgresql_where=text("status = 'open'")),
)
