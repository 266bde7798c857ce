"""Who is who: persons and their documents, two records that are one, rows that may mean several."""

from sqlalchemy import (
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

from .metadata import metadata

# One row for whom a document named first. Of one human being there may be several, until person_alias unites them. The
# name is sealed and found by its keyed hash, which rows of before 0011 get from a job.
person = Table(
    "person",
    metadata,
    Column("pool", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("birth_date", Date, nullable=False),
    Column("sex", Text, nullable=False),
    Column("name_sealed", LargeBinary, nullable=False),
    Column("name_hash", LargeBinary),
    Column("version", Integer, nullable=False),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "person_id"),
    CheckConstraint("sex in ('male', 'female')", name="person_sex"),
    CheckConstraint("version > 0", name="person_version"),
    Index("person_name", "pool", "name_hash", "birth_date"),
    Index("person_unhashed", "pool", "person_id", postgresql_where=text("name_hash is null")),
)

# A person may come to hold several documents, each with the days on which it is valid where these are known; one number
# of one type names one person.
identity_document = Table(
    "identity_document",
    metadata,
    Column("pool", Text, nullable=False),
    Column("document_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("number_hash", LargeBinary, nullable=False),
    Column("number_sealed", LargeBinary, nullable=False),
    Column("valid_from", Date),
    Column("valid_to", Date),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "document_id"),
    UniqueConstraint("pool", "type", "number_hash", name="identity_document_number_once"),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    CheckConstraint(
        "type in ('resident_id', 'hmt_residence_permit', 'foreign_residence_card', 'chinese_passport', "
        "'foreign_passport', 'newborn')",
        name="identity_document_type",
    ),
    CheckConstraint("valid_to >= valid_from", name="identity_document_days"),
    Index("identity_document_person", "pool", "person_id"),
)

number_turn = Table(
    "number_turn",
    metadata,
    Column("pool", Text, nullable=False),
    PrimaryKeyConstraint("pool"),
)
"""One row a pool, locked by whoever records new numbers while look-up keys are changed: under two keys one number has
no row that both could have locked."""

# That two rows of person are one human being: told by a list of births or by a partner, or proposed by a clerk; and
# that it was wrong. What rests on either row is never rewritten: see person_alias.
person_merge = Table(
    "person_merge",
    metadata,
    Column("pool", Text, nullable=False),
    Column("merge_id", Uuid, nullable=False),
    Column("merged_id", Uuid, nullable=False),
    Column("surviving_id", Uuid, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("merged_at", Instant),
    Column("disputed_by", Text),
    Column("disputed_at", Instant),
    Column("dispute_reason", Text),
    Column("undone_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "merge_id"),
    ForeignKeyConstraint(["pool", "merged_id"], ["person.pool", "person.person_id"]),
    ForeignKeyConstraint(["pool", "surviving_id"], ["person.pool", "person.person_id"]),
    CheckConstraint("merged_id <> surviving_id", name="person_merge_two"),
    CheckConstraint("source in ('list', 'partner', 'clerk')", name="person_merge_source"),
    CheckConstraint(
        "state in ('told', 'proposed', 'declined', 'merged', 'disputed', 'undone', 'withdrawn')",
        name="person_merge_state",
    ),
    CheckConstraint("(decided_by is null) = (decided_at is null)", name="person_merge_decided"),
    CheckConstraint(
        "(disputed_by is null) = (disputed_at is null) and (disputed_by is null) = (dispute_reason is null)",
        name="person_merge_disputed",
    ),
    CheckConstraint("state not in ('merged', 'disputed', 'undone') or merged_at is not null", name="person_merge_at"),
    CheckConstraint("state <> 'undone' or undone_at is not null", name="person_merge_undone"),
    CheckConstraint("version > 0", name="person_merge_version"),
    Index(
        "person_merge_once",
        "pool",
        text("least(merged_id, surviving_id)"),
        text("greatest(merged_id, surviving_id)"),
        unique=True,
        postgresql_where=text("state in ('told', 'proposed', 'merged', 'disputed')"),
    ),
    Index("person_merge_state_id", "pool", "state", "merge_id"),
    Index("person_merge_merged", "pool", "merged_id"),
)

# Who answers for a person: from `since` until before `until` (null: until further notice) `surviving_id`, who is never
# itself somebody for whom another answers at that time. So a question follows one step at any instant. `direct`: the
# merge was of this person, not of somebody who answered for it.
person_alias = Table(
    "person_alias",
    metadata,
    Column("pool", Text, nullable=False),
    Column("alias_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("surviving_id", Uuid, nullable=False),
    Column("merge_id", Uuid, nullable=False),
    Column("direct", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    PrimaryKeyConstraint("pool", "alias_id"),
    ForeignKeyConstraint(["pool", "merge_id"], ["person_merge.pool", "person_merge.merge_id"]),
    CheckConstraint("person_id <> surviving_id", name="person_alias_two"),
    CheckConstraint("until >= since", name="person_alias_times"),
    Index(
        "person_alias_once",
        *("pool", "person_id"),
        unique=True,
        postgresql_where=text("until is null"),
    ),
    Index("person_alias_person", "pool", "person_id", "since"),
    Index("person_alias_surviving", "pool", "surviving_id"),
    Index("person_alias_merge", "pool", "merge_id"),
)

# What an accepted row says about a newborn: whom the number names was known by the mother's number before.
tie_claim = Table(
    "tie_claim",
    metadata,
    Column("pool", Text, nullable=False),
    Column("feed_id", Uuid, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("merged_id", Uuid, nullable=False),
    Column("surviving_id", Uuid, nullable=False),
    PrimaryKeyConstraint("pool", "feed_id", "row_no"),
    ForeignKeyConstraint(["pool", "feed_id"], ["feed.pool", "feed.feed_id"]),
    ForeignKeyConstraint(["pool", "merged_id"], ["person.pool", "person.person_id"]),
    ForeignKeyConstraint(["pool", "surviving_id"], ["person.pool", "person.person_id"]),
    Index("tie_claim_pair", "pool", "merged_id", "surviving_id"),
)

# The work list: a name with a number that is not good, or none, which may mean several known persons. What a clerk has
# decided is kept by the keyed hash of both as written, and holds whenever they come again, until it is withdrawn.
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
    Column("times_used", Integer, nullable=False),
    Column("last_used_at", Instant),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Instant),
    Column("withdrawal_reason", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "case_id"),
    Index(
        "match_case_once",
        *("pool", "given_hash"),
        unique=True,
        postgresql_where=text("withdrawn_at is null"),
    ),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    CheckConstraint("(decided_by is null) = (decided_at is null)", name="match_case_decided_by"),
    CheckConstraint("person_id is null or decided_at is not null", name="match_case_person"),
    CheckConstraint(
        "version = case when decided_at is null then 1 when withdrawn_at is null then 2 else 3 end",
        name="match_case_version",
    ),
    CheckConstraint("times_used >= 0 and (times_used > 0) = (last_used_at is not null)", name="match_case_used"),
    CheckConstraint(
        "(withdrawn_at is null) = (withdrawn_by is null) and (withdrawn_at is null) = (withdrawal_reason is null)",
        name="match_case_withdrawn_by",
    ),
    CheckConstraint("withdrawn_at is null or decided_at is not null", name="match_case_withdrawn"),
    Index("match_case_open", "pool", "case_id", postgresql_where=text("decided_at is null")),
)

# That a person's name and numbers are to be erased, by two people.
person_erasure = Table(
    "person_erasure",
    metadata,
    Column("pool", Text, nullable=False),
    Column("erasure_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", Instant, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "erasure_id"),
    ForeignKeyConstraint(["pool", "person_id"], ["person.pool", "person.person_id"]),
    CheckConstraint("state in ('requested', 'erased', 'declined')", name="person_erasure_state"),
    CheckConstraint(
        "(state = 'requested') = (decided_by is null) and (decided_by is null) = (decided_at is null)",
        name="person_erasure_decided",
    ),
    CheckConstraint("decided_by <> requested_by", name="person_erasure_four_eyes"),
    CheckConstraint("version > 0", name="person_erasure_version"),
    Index(
        "person_erasure_once",
        *("pool", "person_id"),
        unique=True,
        postgresql_where=text("state = 'requested'"),
    ),
)
