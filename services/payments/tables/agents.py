"""Tables of agents: the devices that sign, the ledgers (代收台账) and their lines."""

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

from shared.database import Json
from shared.tables import Instant

from .metadata import metadata

agent_device = Table(
    "agent_device",
    metadata,
    Column("pool", Text, nullable=False),
    Column("device_id", Uuid, nullable=False),
    Column("agent", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("registered_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    PrimaryKeyConstraint("pool", "device_id"),
    UniqueConstraint("pool", "public_key", name="agent_device_key"),
    Index("agent_device_agent", "pool", "agent"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("pool", Text, nullable=False),
    Column("ledger_id", Uuid, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("agency_name", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", Text),
    Column("payments_count", Integer),
    Column("contrary_count", Integer),
    Column("collected_fen", BigInteger),
    Column("ledger_hash", Text),
    Column("head_signature", Json),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "ledger_id"),
    CheckConstraint("status in ('open', 'closed', 'remitted')", name="ledger_status"),
    CheckConstraint("(status = 'open') = (closed_at is null)", name="ledger_closed_at"),
    CheckConstraint("closed_by <> agent", name="ledger_four_eyes"),
    CheckConstraint(
        "num_nulls(closed_at, closed_by, payments_count, contrary_count, collected_fen, ledger_hash, head_signature) "
        "in (0, 7)",
        name="ledger_closing",
    ),
    Index(
        "ledger_one_open",
        "pool",
        "scheme",
        "unit_code",
        "agent",
        unique=True,
        postgresql_where=text("status = 'open'"),
    ),
)

ledger_line = Table(
    "ledger_line",
    metadata,
    Column("pool", Text, nullable=False),
    Column("ledger_id", Uuid, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("line_hash", Text, nullable=False),
    Column("amount_fen", BigInteger),
    Column("collection_id", Uuid),
    Column("contrary_of", Integer),
    Column("content", Json, nullable=False),
    Column("received_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "ledger_id", "line_no"),
    UniqueConstraint("pool", "ledger_id", "contrary_of", name="ledger_line_contrary_once"),
    ForeignKeyConstraint(["pool", "ledger_id"], ["ledger.pool", "ledger.ledger_id"]),
    ForeignKeyConstraint(
        ["pool", "ledger_id", "contrary_of"], ["ledger_line.pool", "ledger_line.ledger_id", "ledger_line.line_no"]
    ),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    CheckConstraint("line_no > 0", name="ledger_line_no"),
    CheckConstraint("kind in ('payment', 'contrary', 'spoiled')", name="ledger_line_kind"),
    CheckConstraint("(kind = 'contrary') = (contrary_of is not null)", name="ledger_line_contrary"),
    CheckConstraint(
        "num_nulls(amount_fen, collection_id) = case kind when 'spoiled' then 2 else 0 end", name="ledger_line_money"
    ),
    CheckConstraint("amount_fen > 0", name="ledger_line_amount"),
    Index(
        "ledger_line_collection",
        "pool",
        "collection_id",
        unique=True,
        postgresql_where=text("kind = 'payment'"),
    ),
)
