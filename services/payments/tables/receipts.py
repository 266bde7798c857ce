"""Tables about receipts beside the receipts themselves: red ones, fiscal numbers, cancellations, the nightly proof, and
the tax bureau's certificates."""

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
    text,
)

from shared.tables import Instant

from .metadata import metadata

red_receipt = Table(
    "red_receipt",
    metadata,
    Column("pool", Text, nullable=False),
    Column("book_code", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("receipt_no", Text, nullable=False),
    Column("original_number", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "book_code", "number"),
    UniqueConstraint("pool", "book_code", "original_number", name="red_receipt_once"),
    UniqueConstraint("pool", "receipt_no", name="red_receipt_no_once"),
    ForeignKeyConstraint(
        ["pool", "book_code", "original_number"], ["receipt.pool", "receipt.book_code", "receipt.number"]
    ),
    CheckConstraint("amount_fen > 0 and number > 0", name="red_receipt_amount"),
)

receipt_stock = Table(
    "receipt_stock",
    metadata,
    Column("pool", Text, nullable=False),  # always 000000: a fiscal number is unique over all pools
    Column("code", Text, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    PrimaryKeyConstraint("pool", "code"),
    CheckConstraint("last_number between 0 and 9999999999", name="receipt_stock_number"),
    CheckConstraint("pool = '000000'", name="receipt_stock_poolless"),
)

receipt_segment = Table(
    "receipt_segment",
    metadata,
    Column("pool", Text, nullable=False),
    Column("segment_id", Uuid, nullable=False),
    Column("book_code", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("medium", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("first_fiscal", BigInteger, nullable=False),
    Column("first_number", BigInteger, nullable=False),  # of the book, which has the fiscal number `first_fiscal`
    Column("last_number", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("handed_out_by", Text, nullable=False),
    Column("handed_out_at", Instant, nullable=False),
    Column("written_off_by", Text),
    Column("written_off_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "segment_id"),
    UniqueConstraint("pool", "book_code", "series", "first_number", name="receipt_segment_first"),
    UniqueConstraint("pool", "book_code", "series", "last_number", name="receipt_segment_last"),
    CheckConstraint("code ~ '^[0-9]{8}$'", name="receipt_segment_code"),
    CheckConstraint("series in ('ordinary', 'red')", name="receipt_segment_series"),
    CheckConstraint("medium in ('paper', 'electronic')", name="receipt_segment_medium"),
    CheckConstraint(
        "first_number > 0 and last_number >= first_number and first_fiscal > 0 "
        "and first_fiscal + last_number - first_number <= 9999999999",
        name="receipt_segment_numbers",
    ),
    CheckConstraint("state in ('handed_out', 'written_off')", name="receipt_segment_state"),
    CheckConstraint(
        "num_nulls(written_off_by, written_off_at) = case state when 'handed_out' then 2 else 0 end",
        name="receipt_segment_written_off",
    ),
    CheckConstraint("written_off_by <> handed_out_by", name="receipt_segment_four_eyes"),
    Index("receipt_segment_fiscal", "code", "first_fiscal", "pool"),
)

receipt_cancellation = Table(
    "receipt_cancellation",
    metadata,
    Column("pool", Text, nullable=False),
    Column("cancellation_id", Uuid, nullable=False),
    Column("book_code", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("region", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("payer_name", Text),  # as it should have been; null: as it was
    Column("state", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("checked_by", Text),
    Column("checked_at", Instant),
    Column("note", Text),
    Column("new_number", BigInteger),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "cancellation_id"),
    ForeignKeyConstraint(["pool", "book_code", "number"], ["receipt.pool", "receipt.book_code", "receipt.number"]),
    ForeignKeyConstraint(["pool", "book_code", "new_number"], ["receipt.pool", "receipt.book_code", "receipt.number"]),
    CheckConstraint("state in ('requested', 'confirmed', 'rejected')", name="receipt_cancellation_state"),
    CheckConstraint(
        "num_nulls(checked_by, checked_at) = case state when 'requested' then 2 else 0 end",
        name="receipt_cancellation_checked",
    ),
    CheckConstraint("(new_number is not null) = (state = 'confirmed')", name="receipt_cancellation_new"),
    CheckConstraint("checked_by <> requested_by", name="receipt_cancellation_four_eyes"),
    Index(
        "receipt_cancellation_open",
        "pool",
        "book_code",
        "number",
        unique=True,
        postgresql_where=text("state = 'requested'"),
    ),
)

receipt_proof = Table(
    "receipt_proof",
    metadata,
    Column("pool", Text, nullable=False),
    Column("book_code", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("first_number", BigInteger, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    Column("issued_count", BigInteger, nullable=False),
    Column("outstanding_count", BigInteger, nullable=False),  # handed out in blocks, not yet come back
    Column("unissued_count", BigInteger, nullable=False),
    Column("missing_count", BigInteger, nullable=False),
    Column("doubled_count", BigInteger, nullable=False),
    Column("cancelled_count", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("proven_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "book_code", "day"),
    CheckConstraint("last_number >= first_number and first_number > 0", name="receipt_proof_numbers"),
)

tax_certificate = Table(
    "tax_certificate",
    metadata,
    Column("pool", Text, nullable=False),
    Column("certificate_id", Uuid, nullable=False),
    Column("collection_id", Uuid, nullable=False),
    Column("certificate_no", Text, nullable=False),
    Column("ticket_no", Text),
    Column("filled_on", Date, nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "certificate_id"),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    Index("tax_certificate_collection", "pool", "collection_id", "certificate_id"),
)
