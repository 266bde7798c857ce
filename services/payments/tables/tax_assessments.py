"""Tables of the assessments (核定) that the tax bureau is told of: batches, lines, how far the bills were read."""

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
    text,
)

from shared.tables import Instant

from .metadata import metadata

tax_batch = Table(
    "tax_batch",
    metadata,
    Column("pool", Text, nullable=False),
    Column("batch_no", Text, nullable=False),
    Column("lines_count", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text),
    Column("built_at", Instant, nullable=False),
    Column("asked_at", Instant, nullable=False),  # wall time: when the bureau was told or asked last, the lease
    Column("tries", Integer, nullable=False),
    Column("answered_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "batch_no"),
    CheckConstraint("state in ('built', 'sent', 'answered', 'refused')", name="tax_batch_state"),
    CheckConstraint("(state in ('answered', 'refused')) = (answered_at is not null)", name="tax_batch_answered"),
    CheckConstraint("lines_count > 0", name="tax_batch_count"),
    Index("tax_batch_waiting", "pool", "asked_at", postgresql_where=text("state in ('built', 'sent')")),
)

tax_batch_line = Table(
    "tax_batch_line",
    metadata,
    Column("pool", Text, nullable=False),
    Column("batch_no", Text, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("bill_version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    PrimaryKeyConstraint("pool", "batch_no", "line_no"),
    ForeignKeyConstraint(["pool", "batch_no"], ["tax_batch.pool", "tax_batch.batch_no"]),
    ForeignKeyConstraint(["pool", "bill_no"], ["bill.pool", "bill.bill_no"]),
    CheckConstraint("kind in ('save', 'cancel')", name="tax_batch_line_kind"),
    CheckConstraint("state in ('waiting', 'kept', 'refused', 'repeated')", name="tax_batch_line_state"),
    CheckConstraint("(state in ('refused', 'repeated')) = (reason is not null)", name="tax_batch_line_reason"),
    CheckConstraint("amount_fen >= 0", name="tax_batch_line_amount"),
    Index(
        "tax_batch_line_bill",
        "pool",
        "bill_no",
        unique=True,
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("tax_batch_line_of_bill", "pool", "bill_no", "batch_no"),
    Index("tax_batch_line_refused", "pool", "bill_no", postgresql_where=text("state = 'refused'")),
)
"""A bill as the bureau is told of it. One line of a bill is under way at a time, so that none overtakes another."""

tax_cursor = Table(
    "tax_cursor",
    metadata,
    Column("pool", Text, nullable=False),
    Column("bill_no", Text, nullable=False),
    PrimaryKeyConstraint("pool"),
)
"""Up to which bill the last round of looking for changes has come."""
