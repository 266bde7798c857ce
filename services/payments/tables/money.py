"""Tables of money that has come: submissions, collections, receipts."""

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

submission = Table(
    "submission",
    metadata,
    Column("pool", Text, nullable=False),
    Column("submission_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("paid_at", Instant, nullable=False),
    Column("message", Json, nullable=False),
    Column("received_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "submission_id"),
    UniqueConstraint("pool", "channel", "reference", name="submission_reference"),
    CheckConstraint("amount_fen > 0", name="submission_amount"),
)

collection = Table(
    "collection",
    metadata,
    Column("pool", Text, nullable=False),
    Column("collection_id", Uuid, nullable=False),
    Column("submission_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("scheme", Text),
    Column("person_id", Uuid),
    Column("region", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("released_fen", BigInteger, nullable=False),
    Column("refunding_fen", BigInteger, nullable=False),  # promised to refunds that are on their way
    Column("refunded_fen", BigInteger, nullable=False),
    Column("payer_name", Text, nullable=False),
    Column("payer_id", Uuid),
    Column("shift_id", Uuid),
    Column("paid_at", Instant, nullable=False),
    Column("booked_at", Instant, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("settles", Text),  # the bill that the money pays now; another than `bill_no` after a revision
    Column("receipt_no", Text),
    Column("reversed_at", Instant),
    Column("reversal_reason", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "collection_id"),
    UniqueConstraint("pool", "submission_id", name="collection_submission"),
    ForeignKeyConstraint(["pool", "submission_id"], ["submission.pool", "submission.submission_id"]),
    ForeignKeyConstraint(["pool", "shift_id"], ["shift.pool", "shift.shift_id"]),
    CheckConstraint("amount_fen > 0", name="collection_amount"),
    CheckConstraint(
        "refunded_fen >= 0 and refunding_fen >= 0 and refunded_fen + refunding_fen <= released_fen",
        name="collection_refunded",
    ),
    CheckConstraint("released_fen between 0 and amount_fen", name="collection_released"),
    CheckConstraint("outcome <> 'surplus' or released_fen = amount_fen", name="collection_surplus_released"),
    CheckConstraint("(reversed_at is null) = (reversal_reason is null)", name="collection_reversal"),
    CheckConstraint("reversed_at is null or refunded_fen + refunding_fen = 0", name="collection_reversed_or_refunded"),
    CheckConstraint(
        "(settles is not null) = (outcome = 'settled' and reversed_at is null and released_fen < amount_fen)",
        name="collection_settles_what_is_left",
    ),
    CheckConstraint("outcome in ('settled', 'surplus', 'suspense')", name="collection_outcome"),
    CheckConstraint("(outcome = 'settled') = (reason is null)", name="collection_reason"),
    CheckConstraint("(outcome = 'suspense') = (receipt_no is null)", name="collection_receipt"),
    Index("collection_settles_once", "pool", "settles", unique=True, postgresql_where=text("settles is not null")),
    Index("collection_person", "pool", "person_id", "collection_id"),
    Index("collection_payer", "pool", "payer_id", "collection_id"),
    Index("collection_bill", "pool", "bill_no"),
    Index("collection_shift", "pool", "shift_id"),
)

receipt_book = Table(
    "receipt_book",
    metadata,
    Column("pool", Text, nullable=False),
    Column("book_code", Text, nullable=False),
    Column("last_number", BigInteger, nullable=False),
    Column("last_red_number", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("pool", "book_code"),
    CheckConstraint("last_number >= 0 and last_red_number >= 0", name="receipt_book_number"),
)

receipt = Table(
    "receipt",
    metadata,
    Column("pool", Text, nullable=False),
    Column("book_code", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("receipt_no", Text, nullable=False),
    Column("collection_id", Uuid, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("payer_name", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'issued'")),
    Column("voided_at", Instant),  # since when it does not count, on paper or by a red receipt
    Column("void_reason", Text),
    Column("replaces", BigInteger),  # the number that it was issued instead of
    PrimaryKeyConstraint("pool", "book_code", "number"),
    UniqueConstraint("pool", "receipt_no", name="receipt_no_once"),
    ForeignKeyConstraint(["pool", "collection_id"], ["collection.pool", "collection.collection_id"]),
    ForeignKeyConstraint(["pool", "book_code", "replaces"], ["receipt.pool", "receipt.book_code", "receipt.number"]),
    CheckConstraint("amount_fen > 0 and number > 0", name="receipt_amount"),
    CheckConstraint("state in ('issued', 'voided', 'offset')", name="receipt_state"),
    CheckConstraint(
        "num_nulls(voided_at, void_reason) = case state when 'issued' then 2 else 0 end", name="receipt_void"
    ),
    Index("receipt_collection_once", "pool", "collection_id", unique=True, postgresql_where=text("state = 'issued'")),
    Index(
        "receipt_replaces_once",
        "pool",
        "book_code",
        "replaces",
        unique=True,
        postgresql_where=text("replaces is not null"),
    ),
)
