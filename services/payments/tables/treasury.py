"""Tables of the treasury: which voucher covers which money, its packages (TIPS) part by part, what was remitted up.

Rows of a package are written once. A corrected day is a new issue of the package; the one before stays, replaced.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from shared.database import Json
from shared.tables import Instant

from .metadata import metadata

treasury_voucher = Table(
    "treasury_voucher",
    metadata,
    Column("pool", Text, nullable=False),
    Column("voucher_id", Uuid, nullable=False),
    Column("voucher_no", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("collections_count", Integer, nullable=False),
    Column("handed_on", Date, nullable=False),
    Column("covers", Json, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Instant),
    Column("withdraw_reason", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "voucher_id"),
    CheckConstraint("amount_fen > 0 and collections_count > 0", name="treasury_voucher_amount"),
    CheckConstraint(
        "num_nulls(withdrawn_by, withdrawn_at, withdraw_reason) in (0, 3)", name="treasury_voucher_withdrawn"
    ),
    CheckConstraint("withdrawn_by <> recorded_by", name="treasury_voucher_four_eyes"),
    Index("treasury_voucher_once", "pool", "voucher_no", unique=True, postgresql_where=text("withdrawn_at is null")),
)
"""A voucher with which the agency handed money of other channels to the treasury, for many people at once."""

collection_voucher = Table(
    "collection_voucher",
    metadata,
    Column("pool", Text, nullable=False),
    Column("link_id", Uuid, nullable=False),
    Column("collection_id", Uuid, nullable=False),
    Column("voucher_no", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),  # less what was paid back before it was handed over
    Column("voucher_id", Uuid),  # null: the tax bureau's confirmation named it
    Column("live", Boolean, nullable=False),
    PrimaryKeyConstraint("pool", "link_id"),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    ForeignKeyConstraint(["pool", "voucher_id"], ["treasury_voucher.pool", "treasury_voucher.voucher_id"]),
    CheckConstraint("amount_fen > 0", name="collection_voucher_amount"),
    Index("collection_voucher_once", "pool", "collection_id", unique=True, postgresql_where=text("live")),
    Index("collection_voucher_no", "pool", "voucher_no", postgresql_where=text("live")),
)
"""Under which voucher money goes to the treasury; many people may share one."""

treasury_package = Table(
    "treasury_package",
    metadata,
    Column("pool", Text, nullable=False),
    Column("package_id", Uuid, nullable=False),
    Column("message_no", Text, nullable=False),
    Column("office", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("pack_no", Text, nullable=False),
    Column("issue", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("told_count", Integer, nullable=False),
    Column("told_fen", BigInteger),
    Column("result", Text, nullable=False),  # of the whole, where a message has one (9110); else empty
    Column("detail", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column(
        "acted_at", Instant
    ),  # when an answer (9110) was acted on; each issue is, whatever was made of the one before
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "package_id"),
    CheckConstraint("state in ('incomplete', 'differs', 'accepted', 'replaced')", name="treasury_package_state"),
    CheckConstraint("message_no in ('3122', '3123', '3126', '9110')", name="treasury_package_message"),
    CheckConstraint("issue > 0 and parts > 0 and told_count >= 0", name="treasury_package_counts"),
    CheckConstraint("acted_at is null or message_no = '9110'", name="treasury_package_acted"),
    Index(
        "treasury_package_unheard",
        "pool",
        "package_id",
        postgresql_where=text("message_no = '9110' and state = 'accepted' and acted_at is null"),
    ),
    Index("treasury_package_issue", "pool", "message_no", "office", "day", "pack_no", "issue", unique=True),
    Index(
        "treasury_package_day",
        "pool",
        "message_no",
        "office",
        "day",
        unique=True,
        postgresql_where=text("state = 'accepted' and message_no <> '9110'"),
    ),
)

treasury_part = Table(
    "treasury_part",
    metadata,
    Column("pool", Text, nullable=False),
    Column("package_id", Uuid, nullable=False),
    Column("part_no", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("evidence_id", Uuid, nullable=False),
    Column("rows_count", Integer, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("received_by", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "package_id", "part_no"),
    ForeignKeyConstraint(["pool", "package_id"], ["treasury_package.pool", "treasury_package.package_id"]),
    ForeignKeyConstraint(["pool", "evidence_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint("part_no > 0 and rows_count >= 0", name="treasury_part_counts"),
    Index("treasury_part_bytes", "pool", "sha256"),
)

treasury_row = Table(
    "treasury_row",
    metadata,
    Column("pool", Text, nullable=False),
    Column("package_id", Uuid, nullable=False),
    Column("part_no", Integer, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("voucher_no", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("entrust_date", Text),  # of the message that an answer or a check is about
    Column("order_pack", Text),
    Column("order_no", Text),
    Column("success", Boolean, nullable=False),
    Column("content", Json, nullable=False),
    PrimaryKeyConstraint("pool", "package_id", "part_no", "row_no"),
    ForeignKeyConstraint(
        ["pool", "package_id", "part_no"],
        ["treasury_part.pool", "treasury_part.package_id", "treasury_part.part_no"],
    ),
    CheckConstraint("row_no > 0", name="treasury_row_no"),
    Index("treasury_row_voucher", "pool", "voucher_no"),
)
"""A line of a part; `content` holds its codes as they came. It counts while its package is accepted."""

treasury_remitted = Table(
    "treasury_remitted",
    metadata,
    Column("pool", Text, nullable=False),
    Column("remitted_id", Uuid, nullable=False),
    Column("office", Text, nullable=False),
    Column("posted_on", Date, nullable=False),
    Column("remitted_on", Date, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("document_no", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Instant),
    Column("withdraw_reason", Text),
    PrimaryKeyConstraint("pool", "remitted_id"),
    CheckConstraint("amount_fen > 0", name="treasury_remitted_amount"),
    CheckConstraint("remitted_on >= posted_on", name="treasury_remitted_after"),
    CheckConstraint(
        "num_nulls(withdrawn_by, withdrawn_at, withdraw_reason) in (0, 3)", name="treasury_remitted_withdrawn"
    ),
    CheckConstraint("withdrawn_by <> recorded_by", name="treasury_remitted_four_eyes"),
    Index(
        "treasury_remitted_once",
        "pool",
        "office",
        "posted_on",
        unique=True,
        postgresql_where=text("withdrawn_at is null"),
    ),
)
"""上解: what was posted on a day, remitted up to the fund."""

treasury_counter = Table(
    "treasury_counter",
    metadata,
    Column("pool", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    PrimaryKeyConstraint("pool", "name"),
    CheckConstraint("last_number >= 0", name="treasury_counter_number"),
)
"""Numbers of our own messages: packages of a day, vouchers of refunds."""
