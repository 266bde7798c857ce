"""The table of bills."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
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

bill = Table(
    "bill",
    metadata,
    Column("pool", Text, nullable=False),
    Column("bill_no", Text, nullable=False),
    Column("assessment_id", Uuid, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("standard_fen", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("lines", Json, nullable=False),
    Column("window", Json, nullable=False),
    Column("status", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("paid_on", Date),
    Column("replaces", Text),  # the bill of the assessment that this one's revises
    Column("voided_at", Instant),
    Column("void_reason", Text),
    Column("name_masked", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "bill_no"),
    UniqueConstraint("pool", "assessment_id", name="bill_assessment"),
    CheckConstraint("amount_fen between 0 and standard_fen", name="bill_amount"),
    CheckConstraint("status in ('open', 'paid', 'voided')", name="bill_status"),
    # Two signs, as the migration wrote it; to LIKE they are one.
    CheckConstraint("bill_no like pool || '%%'", name="bill_no_begins_with_pool"),
    CheckConstraint("(status = 'paid') = (paid_on is not null)", name="bill_paid_on"),
    CheckConstraint(
        "(status = 'voided') = (voided_at is not null) and (voided_at is null) = (void_reason is null)",
        name="bill_voided",
    ),
    Index("bill_person", "pool", "person_id"),
    Index(
        "bill_standing_once", "pool", "scheme", "person_id", unique=True, postgresql_where=text("status <> 'voided'")
    ),
    Index("bill_status_no", "pool", "status", "bill_no"),
)
