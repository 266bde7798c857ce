"""Tables of eligibility: the last line of defence. `pool` comes first in every key."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.database import Json
from shared.tables import add_shared_tables

Instant = DateTime(timezone=True)

metadata = MetaData()
add_shared_tables(metadata)

# One row per human being. The name is sealed; what a person is called and numbered by stands in identity_document.
person = Table(
    "person",
    metadata,
    Column("pool", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("sex", Text, nullable=False),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "person_id"),
    CheckConstraint("sex in ('male', 'female')", name="person_sex"),
    CheckConstraint("version > 0", name="person_version"),
)

# A person may come to hold several documents; one number of one type names one person.
identity_document = Table(
    "identity_document",
    metadata,
    Column("pool", Text, nullable=False),
    Column("document_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("number_hash", LargeBinary, nullable=False),
    Column("number_sealed", LargeBinary, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "document_id"),
    UniqueConstraint("pool", "type", "number_hash", name="identity_document_number_once"),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    CheckConstraint("type in ('resident_id')", name="identity_document_type"),
    Index("identity_document_person", "pool", "person_id"),
)

# One handed-over list. `rows_done` is the cursor of the job that judges it.
feed = Table(
    "feed",
    metadata,
    Column("pool", Text, nullable=False),
    Column("feed_id", Uuid, nullable=False),
    Column("supplier", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("evidence_id", Uuid),
    Column("state", Text, nullable=False),
    Column("rows_total", Integer, nullable=False),
    Column("rows_done", Integer, nullable=False),
    Column("rows_accepted", Integer, nullable=False),
    Column("rows_rejected", Integer, nullable=False),
    Column("received_by", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("taken_at", Instant),
    PrimaryKeyConstraint("pool", "feed_id"),
    UniqueConstraint("pool", "supplier", "sha256", name="feed_once"),
    ForeignKeyConstraint(["pool", "evidence_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint("state in ('received', 'taken')", name="feed_state"),
    CheckConstraint("rows_accepted >= 0 and rows_rejected >= 0", name="feed_counts"),
    CheckConstraint("rows_done = rows_accepted + rows_rejected and rows_done <= rows_total", name="feed_rows"),
    CheckConstraint("(state = 'taken') = (taken_at is not null)", name="feed_taken_at"),
    CheckConstraint("state <> 'taken' or rows_done = rows_total", name="feed_taken_whole"),
    Index("feed_waiting", "pool", "supplier", "feed_id", postgresql_where=text("state = 'received'")),
)

# Why a row went back. Its cells stand in the feed's evidence, which is kept whole.
feed_rejection = Table(
    "feed_rejection",
    metadata,
    Column("pool", Text, nullable=False),
    Column("feed_id", Uuid, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("faults", Json, nullable=False),
    PrimaryKeyConstraint("pool", "feed_id", "row_no"),
    ForeignKeyConstraint(["pool", "feed_id"], ["feed.pool", "feed.feed_id"]),
    CheckConstraint("row_no > 1", name="feed_rejection_row"),
)

# Two times: valid_from..valid_to is when it was true, recorded_at..withdrawn_at when we held it to be true.
status = Table(
    "status",
    metadata,
    Column("pool", Text, nullable=False),
    Column("status_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("grade", SmallInteger),
    Column("school_region", Text),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("supplier", Text, nullable=False),
    Column("feed_id", Uuid, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("withdrawn_at", Instant),
    PrimaryKeyConstraint("pool", "status_id"),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    ForeignKeyConstraint(["pool", "feed_id"], ["feed.pool", "feed.feed_id"]),
    CheckConstraint("valid_to >= valid_from", name="status_days"),
    CheckConstraint("(code = 'disabled') = (grade is not null) and grade between 1 and 4", name="status_grade"),
    CheckConstraint("code = 'student' or school_region is null", name="status_school"),
    CheckConstraint("withdrawn_at >= recorded_at", name="status_withdrawn_at"),
    CheckConstraint("version = case when withdrawn_at is null then 1 else 2 end", name="status_version"),
    Index(
        "status_once",
        *("pool", "person_id", "code", "valid_from", "supplier"),
        unique=True,
        postgresql_where=text("withdrawn_at is null"),
    ),
    Index("status_feed", "pool", "feed_id", "row_no"),
)

# Dated statements of the public-security register: from `since` on (null: since birth) the hukou lies in `region`,
# until the next statement. The end is not stored, so that statements may come in any order.
hukou = Table(
    "hukou",
    metadata,
    Column("pool", Text, nullable=False),
    Column("hukou_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("region", Text, nullable=False),
    Column("household_no", Text),
    Column("since", Date),
    Column("feed_id", Uuid, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "hukou_id"),
    UniqueConstraint(
        *("pool", "person_id", "since", "region", "household_no"),
        name="hukou_once",
        postgresql_nulls_not_distinct=True,
    ),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    ForeignKeyConstraint(["pool", "feed_id"], ["feed.pool", "feed.feed_id"]),
    CheckConstraint("region ~ '^[1-9][0-9]{11}$'", name="hukou_region"),
    Index("hukou_feed", "pool", "feed_id", "row_no"),
)
