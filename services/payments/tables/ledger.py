"""Tables of money that goes back, and of the fund ledger."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from shared.tables import Instant

from .metadata import metadata

refund = Table(
    "refund",
    metadata,
    Column("pool", Text, nullable=False),
    Column("refund_id", Uuid, nullable=False),
    Column("application_id", Uuid, nullable=False),
    Column("collection_id", Uuid, nullable=False),
    Column("shift_id", Uuid, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("paid_to", Text, nullable=False),
    Column("paid_by", Text, nullable=False),
    Column("settled_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "refund_id"),
    UniqueConstraint("pool", "application_id", name="refund_application_once"),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    ForeignKeyConstraint(["pool", "shift_id"], ["shift.pool", "shift.shift_id"]),
    CheckConstraint("amount_fen > 0", name="refund_amount"),
    Index("refund_collection", "pool", "collection_id"),
    Index("refund_shift", "pool", "shift_id"),
)

transfer = Table(
    "transfer",
    metadata,
    Column("pool", Text, nullable=False),
    Column("transfer_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("debit_account", Text, nullable=False),
    Column("credit_account", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("bill_no", Text),
    Column("occurred_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "transfer_id"),
    UniqueConstraint("pool", "kind", "subject", "debit_account", "credit_account", name="transfer_once"),
    CheckConstraint("amount_fen > 0", name="transfer_amount"),
    CheckConstraint("debit_account <> credit_account", name="transfer_accounts"),
    Index("transfer_debit", "pool", "debit_account"),
    Index("transfer_credit", "pool", "credit_account"),
    Index("transfer_bill", "pool", "bill_no", "kind"),
)
