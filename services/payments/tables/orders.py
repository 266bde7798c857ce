"""Tables of orders with channels, and of the messages that channels send: evidence, once per channel and id."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
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

from shared.database import Json
from shared.tables import Instant

from .metadata import metadata

channel_order = Table(
    "channel_order",
    metadata,
    Column("pool", Text, nullable=False),
    Column("order_no", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("openid", Text),
    Column("payer_name", Text, nullable=False),
    Column("payer_id", Uuid),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("request", Json, nullable=False),
    Column("ticket", Text),  # what the channel hands out for paying: a prepay_id, an address, the text of a code
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("entered_at", Instant, nullable=False),  # wall time: since when it stands in its state
    Column("ask_at", Instant, nullable=False),  # wall time: when the channel is asked next
    Column("asked", Integer, nullable=False),
    Column("transaction_id", Text),
    Column("collection_id", Uuid),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "order_no"),
    ForeignKeyConstraint(["pool", "bill_no"], ["bill.pool", "bill.bill_no"]),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    UniqueConstraint("pool", "channel", "transaction_id", name="channel_order_transaction"),
    CheckConstraint("order_no ~ '^[0-9A-Za-z_|*-]{6,32}$' and order_no like pool || '%'", name="channel_order_no"),
    CheckConstraint("amount_fen > 0", name="channel_order_amount"),
    CheckConstraint(
        "status in ('created', 'open', 'closing', 'paid', 'closed', 'expired', 'failed')", name="channel_order_status"
    ),
    CheckConstraint("product in ('jsapi', 'h5', 'native')", name="channel_order_product"),
    CheckConstraint("(product = 'jsapi') = (openid is not null)", name="channel_order_openid"),
    CheckConstraint("status <> 'open' or ticket is not null", name="channel_order_open"),
    CheckConstraint(
        "(status = 'paid') = (transaction_id is not null) and (transaction_id is null) = (collection_id is null)",
        name="channel_order_paid",
    ),
    CheckConstraint("status <> 'failed' or reason is not null", name="channel_order_reason"),
    CheckConstraint("expires_at > created_at", name="channel_order_expiry"),
    Index(
        "channel_order_one_live",
        "pool",
        "bill_no",
        unique=True,
        postgresql_where=text("status in ('created', 'open')"),
    ),
    Index("channel_order_bill", "pool", "bill_no", "order_no"),
    Index("channel_order_ask", "pool", "ask_at", postgresql_where=text("status in ('created', 'open', 'closing')")),
)

channel_message = Table(
    "channel_message",
    metadata,
    Column("pool", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("reference", Text),
    Column("status", Text, nullable=False),
    Column("verdict", Text),
    Column("headers", Json, nullable=False),
    Column("body", LargeBinary, nullable=False),  # as it came; sealed where it names cards in clear (UnionPay)
    Column("content", Json, nullable=False),  # as opened, card numbers masked; empty where it could not be
    Column("received_at", Instant, nullable=False),
    Column("entered_at", Instant, nullable=False),  # wall time: since when it stands in its state
    PrimaryKeyConstraint("pool", "channel", "message_id"),
    CheckConstraint("status in ('received', 'applied', 'kept', 'unreadable')", name="channel_message_status"),
    CheckConstraint("status = 'received' or verdict is not null", name="channel_message_verdict"),
    Index("channel_message_reference", "pool", "channel", "reference"),
    Index("channel_message_waiting", "pool", "entered_at", postgresql_where=text("status = 'received'")),
)
