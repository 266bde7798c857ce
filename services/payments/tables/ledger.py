"""Tables of money that goes back, and of the fund ledger."""

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
    text,
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
    Column("shift_id", Uuid),
    Column("scheme", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("paid_to", Text, nullable=False),
    Column("paid_by", Text, nullable=False),
    Column("reference", Text),  # the channel's own number of the refund
    Column("detail", Text),  # what the channel said last
    Column("told_fen", BigInteger),  # what the channel has paid, where that is another sum than was asked for
    Column("submitted_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("failed_at", Instant),
    Column("given_up_by", Text),
    Column("give_up_note", Text),
    Column("waiting_since", Instant),  # wall time: since when the outcome is open
    Column("asked_at", Instant),  # wall time: when the channel was asked last, which is the worker's lease
    Column("tries", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("undo_refused_at", Instant),  # wall time: since when it is a refund (04), and never again an undoing (31)
    PrimaryKeyConstraint("pool", "refund_id"),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    ForeignKeyConstraint(["pool", "shift_id"], ["shift.pool", "shift.shift_id"]),
    CheckConstraint("amount_fen > 0", name="refund_amount"),
    CheckConstraint("state in ('submitted', 'processing', 'settled', 'abnormal', 'failed')", name="refund_state"),
    CheckConstraint("(state = 'settled') = (settled_at is not null)", name="refund_settled"),
    CheckConstraint("(state = 'failed') = (failed_at is not null)", name="refund_failed"),
    CheckConstraint(
        "(given_up_by is null) = (give_up_note is null) "
        "and (given_up_by is null or (state = 'failed' and given_up_by <> paid_by))",
        name="refund_given_up",
    ),
    CheckConstraint(
        "told_fen is null or (state = 'abnormal' and told_fen <> amount_fen)",
        name="refund_told",
    ),
    CheckConstraint("(method in ('cash', 'pos_return')) = (shift_id is not null)", name="refund_shift_given"),
    CheckConstraint("shift_id is null or state = 'settled'", name="refund_at_counter"),
    CheckConstraint("(state in ('settled', 'failed')) = (waiting_since is null)", name="refund_waiting"),
    CheckConstraint("(shift_id is null) = (asked_at is not null)", name="refund_asked_at"),
    Index("refund_application_live", "pool", "application_id", unique=True, postgresql_where=text("state <> 'failed'")),
    Index("refund_collection", "pool", "collection_id"),
    Index("refund_shift", "pool", "shift_id"),
    Index("refund_asked", "pool", "asked_at", postgresql_where=text("state in ('submitted', 'processing')")),
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
