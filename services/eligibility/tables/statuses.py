"""What accepted rows say, and the statuses that follow."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.tables import Instant

from .metadata import metadata

# What an accepted row says about a person's status, whether or not it was news. Statuses are worked out from these.
status_claim = Table(
    "status_claim",
    metadata,
    Column("pool", Text, nullable=False),
    Column("feed_id", Uuid, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("supplier", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("grade", SmallInteger),
    Column("school_region", Text),
    Column("region", Text),  # where the list says the person belongs; null: it does not say
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("case_id", Uuid),  # the decision by which it is about this person
    Column("withdrawn_at", Instant),  # with that decision
    PrimaryKeyConstraint("pool", "feed_id", "row_no"),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    ForeignKeyConstraint(["pool", "feed_id"], ["feed.pool", "feed.feed_id"]),
    CheckConstraint("valid_to >= valid_from", name="status_claim_days"),
    CheckConstraint("region ~ '^[1-9][0-9]{5,11}$'", name="status_claim_region"),
    CheckConstraint("case_id is not null or withdrawn_at is null", name="status_claim_withdrawn"),
    Index("status_claim_case", "pool", "case_id", postgresql_where=text("case_id is not null")),
    Index("status_claim_person", "pool", "supplier", "person_id", "code", "feed_id"),
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
    Column("ended_by", Uuid),
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
    Index("status_of_feed", "pool", "feed_id", "status_id"),
    Index("status_person", "pool", "person_id"),
    Index("status_holders", "pool", "code", "person_id"),
    Index("status_supplier", "pool", "supplier", "person_id", postgresql_where=text("withdrawn_at is null")),
)

# Dated statements of the public-security register: from `since` on (null: since birth) the hukou lies in `region`,
# until the next statement. The end is not stored, so that statements may come in any order. Each list's own rows are
# kept, also where they say nothing new: what another list says stands when this one is withdrawn.
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
    Column("case_id", Uuid),  # the decision by which it is about this person
    Column("withdrawn_at", Instant),  # with that decision
    PrimaryKeyConstraint("pool", "hukou_id"),
    UniqueConstraint(
        *("pool", "person_id", "since", "region", "household_no", "feed_id"),
        name="hukou_once",
        postgresql_nulls_not_distinct=True,
    ),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    ForeignKeyConstraint(["pool", "feed_id"], ["feed.pool", "feed.feed_id"]),
    CheckConstraint("region ~ '^[1-9][0-9]{11}$'", name="hukou_region"),
    CheckConstraint("case_id is not null or withdrawn_at is null", name="hukou_withdrawn"),
    Index("hukou_case", "pool", "case_id", postgresql_where=text("case_id is not null")),
    Index("hukou_feed", "pool", "feed_id", "row_no"),
    Index("hukou_region_person", "pool", "region", "person_id"),
)
