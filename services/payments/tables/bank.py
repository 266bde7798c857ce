"""Tables of the bank's write-off interface: its journal, one row per message about money, and its day-end checks."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from shared.database import Json
from shared.tables import Instant

from ..rules.bank import Standing
from .metadata import metadata

_STANDINGS = ", ".join(str(tuple(str(part) for part in standing.value)) for standing in Standing)

bank_journal = Table(
    "bank_journal",
    metadata,
    Column("pool", Text, nullable=False),
    Column("journal_id", Uuid, nullable=False),
    Column("institution", Text, nullable=False),
    Column("bank_date", Date, nullable=False),
    Column("bank_seq", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("original_date", Date),
    Column("original_seq", Text),
    Column("bill_no", Text),
    Column("amount_fen", BigInteger, nullable=False),
    Column("payer_name", Text),
    Column("account_masked", Text),
    Column("sub_channel", Text),
    Column("paid_at", Instant),
    Column("third_state", Text, nullable=False),
    Column("our_state", Text, nullable=False),
    Column("host_state", Text, nullable=False),
    Column("collection_id", Uuid),
    Column("content_hash", LargeBinary),
    Column("answer", Json),
    Column("evidence_id", Uuid, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("checked_on", Date),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "journal_id"),
    UniqueConstraint("pool", "institution", "bank_date", "bank_seq", name="bank_journal_serial"),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    ForeignKeyConstraint(["pool", "evidence_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint(f"(kind, third_state, our_state, host_state) in ({_STANDINGS})", name="bank_journal_standing"),
    CheckConstraint("amount_fen > 0", name="bank_journal_amount"),
    CheckConstraint(
        "(kind = 'reverse') = (original_seq is not null) and (original_seq is null) = (original_date is null)",
        name="bank_journal_original",
    ),
    CheckConstraint(
        "kind = 'reverse' or (our_state in ('done', 'reversed')) = (collection_id is not null)",
        name="bank_journal_booked",
    ),
    Index(
        "bank_journal_original",
        *("pool", "institution", "original_seq", "original_date"),
        postgresql_where=text("kind = 'reverse'"),
    ),
    Index(
        "bank_journal_reversed_once",
        "pool",
        "institution",
        "original_date",
        "original_seq",
        unique=True,
        postgresql_where=text("kind = 'reverse' and our_state = 'done'"),
    ),
    Index("bank_journal_bill", "pool", "bill_no"),
    Index("bank_journal_collection", "pool", "collection_id"),
)

bank_check = Table(
    "bank_check",
    metadata,
    Column("pool", Text, nullable=False),
    Column("institution", Text, nullable=False),
    Column("bank_date", Date, nullable=False),
    Column("bank_seq", Text, nullable=False),
    Column("check_date", Date, nullable=False),
    Column("pay_count", BigInteger, nullable=False),
    Column("pay_fen", BigInteger, nullable=False),
    Column("reverse_count", BigInteger, nullable=False),
    Column("reverse_fen", BigInteger, nullable=False),
    Column("our_pay_count", BigInteger, nullable=False),
    Column("our_pay_fen", BigInteger, nullable=False),
    Column("our_reverse_count", BigInteger, nullable=False),
    Column("our_reverse_fen", BigInteger, nullable=False),
    Column("agreed", Boolean, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("content_hash", LargeBinary, nullable=False),
    Column("answer", Json, nullable=False),
    Column("evidence_id", Uuid, nullable=False),
    Column("received_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "institution", "bank_date", "bank_seq"),
    ForeignKeyConstraint(["pool", "evidence_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint(
        "agreed = ((pay_count, pay_fen, reverse_count, reverse_fen)"
        " = (our_pay_count, our_pay_fen, our_reverse_count, our_reverse_fen))",
        name="bank_check_agreed",
    ),
    Index("bank_check_day", "pool", "institution", "check_date"),
)
