"""Tables of refunds through the treasury (退库): to which account, and the packages (TIPS 1104) that ask for them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.tables import Instant

from .metadata import metadata

refund_account = Table(
    "refund_account",
    metadata,
    Column("pool", Text, nullable=False),
    Column("application_id", Uuid, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("confirmed_by", Text),
    Column("confirmed_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "application_id"),
    CheckConstraint("num_nulls(confirmed_by, confirmed_at) in (0, 2)", name="refund_account_confirmed"),
    CheckConstraint("confirmed_by <> recorded_by", name="refund_account_four_eyes"),
)
"""The payee's bank account of an application, sealed. Another one has to be confirmed anew."""

refund_package = Table(
    "refund_package",
    metadata,
    Column("pool", Text, nullable=False),
    Column("refund_package_id", Uuid, nullable=False),
    Column("office", Text, nullable=False),
    Column("entrust_date", Date, nullable=False),
    Column("pack_no", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("items_count", Integer, nullable=False),
    Column("total_fen", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("detail", Text),
    Column("built_at", Instant, nullable=False),
    Column("asked_at", Instant, nullable=False),  # wall time: when the treasury was told or asked last, the lease
    Column("tries", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "refund_package_id"),
    UniqueConstraint("pool", "office", "entrust_date", "pack_no", name="refund_package_number"),
    CheckConstraint("state in ('built', 'sent', 'answered', 'refused')", name="refund_package_state"),
    CheckConstraint("items_count > 0 and total_fen > 0", name="refund_package_amounts"),
    Index("refund_package_waiting", "pool", "asked_at", postgresql_where=text("state in ('built', 'sent')")),
)

refund_package_item = Table(
    "refund_package_item",
    metadata,
    Column("pool", Text, nullable=False),
    Column("refund_package_id", Uuid, nullable=False),
    Column("tra_no", Text, nullable=False),
    Column("refund_id", Uuid, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("draw_back_no", Text, nullable=False),
    Column("voucher_no", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # the line as it is sent, account and name included
    Column("account_by", Text, nullable=False),  # who recorded the account, who confirmed it, who pays to it
    Column("confirmed_by", Text, nullable=False),
    Column("paid_by", Text, nullable=False),
    PrimaryKeyConstraint("pool", "refund_package_id", "tra_no"),
    UniqueConstraint("pool", "refund_id", name="refund_package_item_once"),
    ForeignKeyConstraint(["pool", "refund_package_id"], ["refund_package.pool", "refund_package.refund_package_id"]),
    ForeignKeyConstraint(["pool", "refund_id"], ["refund.pool", "refund.refund_id"]),
    CheckConstraint("amount_fen > 0", name="refund_package_item_amount"),
    CheckConstraint("account_by not in (confirmed_by, paid_by)", name="refund_package_item_four_eyes"),
)
