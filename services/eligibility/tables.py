"""Tables of eligibility: the last line of defence. `pool` comes first in every key."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
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
from shared.tables import Instant, add_shared_tables

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

# What a pool has agreed with a department, and its turn: whoever changes what rests on its lists locks this row first.
supplier = Table(
    "supplier",
    metadata,
    Column("pool", Text, nullable=False),
    Column("supplier", Text, nullable=False),
    Column("contact", Text),
    Column("first_due_on", Date),
    Column("every_months", Integer),
    Column("stale_after_days", Integer),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "supplier"),
    CheckConstraint("every_months between 1 and 12", name="supplier_every_months"),
    CheckConstraint("every_months is null or first_due_on is not null", name="supplier_first_due_on"),
    CheckConstraint("stale_after_days > 0", name="supplier_stale_after_days"),
    CheckConstraint("version > 0", name="supplier_version"),
)

# One handed-over list. `rows_done` is the cursor of the job that judges it, `sweep_after` of the one that ends statuses
# or takes them back. Of two lists of a supplier the later one counts: by `list_day`, `serial`, then as they came.
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
    Column("kind", Text, nullable=False),
    Column("list_day", Date, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows_total", Integer, nullable=False),
    Column("rows_done", Integer, nullable=False),
    Column("rows_accepted", Integer, nullable=False),
    Column("rows_rejected", Integer, nullable=False),
    Column("received_by", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("taken_at", Instant),
    Column("statuses_held", Integer),
    Column("statuses_ending", Integer),
    Column("sweep_after", Uuid),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Instant),
    Column("withdrawal_reason", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "feed_id"),
    Index(
        "feed_once",
        *("pool", "supplier", "sha256"),
        unique=True,
        postgresql_where=text("withdrawn_at is null"),
    ),
    ForeignKeyConstraint(["pool", "evidence_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint("kind in ('changes', 'full')", name="feed_kind"),
    CheckConstraint("list_day <= (received_at at time zone 'Asia/Shanghai')::date", name="feed_list_day"),
    CheckConstraint(
        "state in ('received', 'held', 'ending', 'taken', 'declined', 'withdrawing', 'withdrawn')", name="feed_state"
    ),
    CheckConstraint("kind = 'full' or state not in ('held', 'ending', 'declined')", name="feed_full"),
    CheckConstraint("(statuses_ending is null) = (statuses_held is null)", name="feed_shrink"),
    CheckConstraint("(decided_by is null) = (decided_at is null)", name="feed_decided"),
    CheckConstraint("decided_by <> received_by", name="feed_four_eyes"),
    CheckConstraint("(state in ('withdrawing', 'withdrawn')) = (withdrawn_at is not null)", name="feed_withdrawn_at"),
    CheckConstraint(
        "(withdrawn_at is null) = (withdrawn_by is null) and (withdrawn_at is null) = (withdrawal_reason is null)",
        name="feed_withdrawn_by",
    ),
    CheckConstraint("rows_accepted >= 0 and rows_rejected >= 0", name="feed_counts"),
    CheckConstraint("rows_done = rows_accepted + rows_rejected and rows_done <= rows_total", name="feed_rows"),
    CheckConstraint("state <> 'taken' or taken_at is not null", name="feed_taken_at"),
    CheckConstraint(
        "state not in ('held', 'ending', 'taken', 'declined') or rows_done = rows_total", name="feed_taken_whole"
    ),
    Index(
        "feed_working",
        *("pool", "supplier", "feed_id"),
        postgresql_where=text("state in ('received', 'ending', 'withdrawing')"),
    ),
    Index("feed_full_lists", "pool", "supplier", "list_day", postgresql_where=text("kind = 'full'")),
    Index("feed_latest", "pool", "supplier", "list_day"),
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
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    PrimaryKeyConstraint("pool", "feed_id", "row_no"),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    ForeignKeyConstraint(["pool", "feed_id"], ["feed.pool", "feed.feed_id"]),
    CheckConstraint("valid_to >= valid_from", name="status_claim_days"),
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

# The work list: a name and a number that is not good, which may mean several known persons. What a clerk has decided is
# kept by the keyed hash of both as written, and holds whenever they come again.
match_case = Table(
    "match_case",
    metadata,
    Column("pool", Text, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("given_hash", LargeBinary, nullable=False),
    Column("given_sealed", LargeBinary, nullable=False),
    Column("candidates", Json, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("person_id", Uuid),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "case_id"),
    UniqueConstraint("pool", "given_hash", name="match_case_once"),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    CheckConstraint("(decided_by is null) = (decided_at is null)", name="match_case_decided_by"),
    CheckConstraint("person_id is null or decided_at is not null", name="match_case_person"),
    CheckConstraint("version = case when decided_at is null then 1 else 2 end", name="match_case_version"),
    Index("match_case_open", "pool", "case_id", postgresql_where=text("decided_at is null")),
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
    PrimaryKeyConstraint("pool", "hukou_id"),
    UniqueConstraint(
        *("pool", "person_id", "since", "region", "household_no", "feed_id"),
        name="hukou_once",
        postgresql_nulls_not_distinct=True,
    ),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    ForeignKeyConstraint(["pool", "feed_id"], ["feed.pool", "feed.feed_id"]),
    CheckConstraint("region ~ '^[1-9][0-9]{11}$'", name="hukou_region"),
    Index("hukou_feed", "pool", "feed_id", "row_no"),
)
