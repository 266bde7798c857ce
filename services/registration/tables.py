"""Tables of registration: the last line of defence. `pool` comes first in every key.

    package_version ─┐
    unit ── roster ──┼── roster_row            who was handed in, and what became of each row
                     └── enrolment ── assessment ── assessment_line
                              │         │           who is enrolled, what is due and who pays it (frozen)
                              │         └── status_case     news that a person decides on, or that are only noted
                              └── cover             the days of one person in one calendar year
    refusal                                         one row per person and reason, for the season's count

Names and identity numbers stand in none of them: rows refer to `person_id`, the rosters themselves are sealed evidence.
"""

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

package_version = Table(
    "package_version",
    metadata,
    Column("pool", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("benefit_year", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("source", LargeBinary, nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("published_by", Text),
    Column("published_at", Instant),
    PrimaryKeyConstraint("pool", "scheme", "version"),
    CheckConstraint("version = 'sha256:' || encode(sha256(content), 'hex')", name="package_version_is_hash"),
    CheckConstraint(
        "(state = 'draft' and published_by is null and published_at is null)"
        " or (state = 'published' and published_by is not null and published_at is not null)",
        name="package_version_state",
    ),
    CheckConstraint("published_by <> drafted_by", name="package_version_four_eyes"),
)

unit = Table(
    "unit",
    metadata,
    Column("pool", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "unit_code"),
    CheckConstraint("kind in ('village', 'school', 'institution')", name="unit_kind"),
)

roster = Table(
    "roster",
    metadata,
    Column("pool", Text, nullable=False),
    Column("roster_id", Uuid, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("evidence_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows_total", Integer, nullable=False),
    Column("rows_enrolled", Integer, nullable=False),
    Column("rows_refused", Integer, nullable=False),
    Column("rows_rejected", Integer, nullable=False),
    Column("last_row", Integer, nullable=False),  # the sheet's row up to which all is done: the import's cursor
    Column("free_from", Instant, nullable=False),  # wall time from which a worker may take the roster up: its lease
    Column("received_by", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("taken_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "roster_id"),
    UniqueConstraint("pool", "scheme", "unit_code", "sha256", name="roster_handed_in_once"),
    ForeignKeyConstraint(["pool", "unit_code"], ["unit.pool", "unit.unit_code"]),
    ForeignKeyConstraint(["pool", "evidence_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint("(state = 'received') = (taken_at is null)", name="roster_taken"),
    CheckConstraint("state in ('received', 'taken')", name="roster_state"),
    CheckConstraint("rows_enrolled + rows_refused + rows_rejected <= rows_total", name="roster_rows"),
    Index("roster_waiting", "pool", "received_at", postgresql_where=text("state = 'received'")),
)

roster_row = Table(
    "roster_row",
    metadata,
    Column("pool", Text, nullable=False),
    Column("roster_id", Uuid, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("person_id", Uuid),
    Column("enrolment_id", Uuid),
    Column("reasons", Json, nullable=False),
    PrimaryKeyConstraint("pool", "roster_id", "row_no"),
    ForeignKeyConstraint(["pool", "roster_id"], ["roster.pool", "roster.roster_id"]),
    ForeignKeyConstraint(["pool", "enrolment_id"], ["enrolment.pool", "enrolment.enrolment_id"]),
    CheckConstraint(
        "(outcome = 'enrolled' and person_id is not null and enrolment_id is not null)"
        " or (outcome = 'refused' and person_id is not null and enrolment_id is null)"
        " or (outcome = 'rejected' and person_id is null and enrolment_id is null)",
        name="roster_row_outcome",
    ),
    CheckConstraint("(outcome = 'enrolled') = (reasons = '[]')", name="roster_row_reasons"),
    Index("roster_row_person", "pool", "scheme", "person_id"),
)

refusal = Table(
    "refusal",
    metadata,
    Column("pool", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("refused_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "scheme", "person_id", "code"),
    ForeignKeyConstraint(["pool", "unit_code"], ["unit.pool", "unit.unit_code"]),
)

enrolment = Table(
    "enrolment",
    metadata,
    Column("pool", Text, nullable=False),
    Column("enrolment_id", Uuid, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("household_no", Text, nullable=False),
    Column("roster_id", Uuid),
    Column("state", Text, nullable=False),
    Column("enrolled_at", Instant, nullable=False),
    Column("bill_no", Text),
    Column("paid_fen", BigInteger),
    Column("paid_on", Date),
    Column("revision", Integer, nullable=False),  # of its assessments the one in force
    Column("paid_revision", Integer),  # of its assessments the one whose bill was paid
    Column("withdrawn_at", Instant),
    Column("withdrawn_reason", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "enrolment_id"),
    ForeignKeyConstraint(["pool", "unit_code"], ["unit.pool", "unit.unit_code"]),
    ForeignKeyConstraint(["pool", "roster_id"], ["roster.pool", "roster.roster_id"]),
    CheckConstraint("kind in ('new', 'renewal', 'newborn')", name="enrolment_kind"),
    CheckConstraint(
        "state = 'withdrawn' or (state = 'enrolled' and num_nonnulls(bill_no, paid_fen, paid_on, paid_revision) = 0)"
        " or (state = 'paid' and num_nonnulls(bill_no, paid_fen, paid_on, paid_revision) = 4 and paid_fen >= 0)",
        name="enrolment_state",
    ),
    CheckConstraint(
        "(state = 'withdrawn') = (withdrawn_at is not null) and (withdrawn_at is null) = (withdrawn_reason is null)",
        name="enrolment_withdrawn",
    ),
    Index(
        "enrolment_person_once",
        *("pool", "scheme", "person_id"),
        unique=True,
        postgresql_where=text("state <> 'withdrawn'"),
    ),
    Index("enrolment_person", "pool", "person_id"),
    Index("enrolment_unit", "pool", "unit_code"),
)

assessment = Table(
    "assessment",
    metadata,
    Column("pool", Text, nullable=False),
    Column("assessment_id", Uuid, nullable=False),
    Column("enrolment_id", Uuid, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("package", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("assessed_for", Date, nullable=False),
    Column("standard_fen", BigInteger, nullable=False),
    Column("payable_fen", BigInteger, nullable=False),
    Column("covered_from", Date, nullable=False),
    Column("covered_to", Date, nullable=False),
    Column("not_applied", Json, nullable=False),
    Column("rules", Json, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("revision", Integer, nullable=False),  # 1 where the person enrolled; the row itself never changes
    Column("revises", Uuid),
    Column("reason", Text),
    PrimaryKeyConstraint("pool", "assessment_id"),
    UniqueConstraint("pool", "enrolment_id", "revision", name="assessment_revision_once"),
    ForeignKeyConstraint(["pool", "enrolment_id"], ["enrolment.pool", "enrolment.enrolment_id"]),
    ForeignKeyConstraint(
        ["pool", "scheme", "package"], ["package_version.pool", "package_version.scheme", "package_version.version"]
    ),
    CheckConstraint("payable_fen between 0 and standard_fen", name="assessment_payable"),
    CheckConstraint("covered_from <= covered_to", name="assessment_cover"),
    CheckConstraint(
        "(revision = 1) = (revises is null) and (revises is null) = (reason is null)", name="assessment_revises"
    ),
    Index("assessment_person", "pool", "scheme", "person_id"),
)

assessment_line = Table(
    "assessment_line",
    metadata,
    Column("pool", Text, nullable=False),
    Column("assessment_id", Uuid, nullable=False),
    Column("line_no", Integer, nullable=False),
    Column("payer", Text, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
    Column("status", Text),
    Column("rules", Json, nullable=False),
    PrimaryKeyConstraint("pool", "assessment_id", "line_no"),
    ForeignKeyConstraint(["pool", "assessment_id"], ["assessment.pool", "assessment.assessment_id"]),
    CheckConstraint("amount_fen > 0", name="assessment_line_amount"),
)

cover = Table(
    "cover",
    metadata,
    Column("pool", Text, nullable=False),
    Column("cover_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("year", Integer, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("enrolment_id", Uuid, nullable=False),
    Column("covered_from", Date, nullable=False),
    Column("covered_to", Date, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),  # the person is not covered after all, on none of its days
    Column("end_reason", Text),
    PrimaryKeyConstraint("pool", "cover_id"),
    ForeignKeyConstraint(["pool", "enrolment_id"], ["enrolment.pool", "enrolment.enrolment_id"]),
    CheckConstraint(
        "covered_from <= covered_to"
        " and extract(year from covered_from) = year and extract(year from covered_to) = year",
        name="cover_inside_year",
    ),
    CheckConstraint("(ended_at is null) = (end_reason is null)", name="cover_ended"),
    Index(
        "cover_once_a_year",
        *("pool", "person_id", "year"),
        unique=True,
        postgresql_where=text("ended_at is null"),
    ),
    Index("cover_enrolment", "pool", "enrolment_id"),
)

status_case = Table(
    "status_case",
    metadata,
    Column("pool", Text, nullable=False),
    Column("case_id", Uuid, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("enrolment_id", Uuid, nullable=False),
    Column("assessment_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("found_on", Date, nullable=False),
    Column("status", Text),
    Column("payable_fen", BigInteger, nullable=False),
    Column("would_be_fen", BigInteger, nullable=False),
    Column("rules", Json, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("note", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "case_id"),
    UniqueConstraint("pool", "assessment_id", "kind", "would_be_fen", name="status_case_once"),
    ForeignKeyConstraint(["pool", "assessment_id"], ["assessment.pool", "assessment.assessment_id"]),
    CheckConstraint("kind in ('recognised_late', 'excluded_late', 'withdrawn_after_payment')", name="status_case_kind"),
    CheckConstraint("(kind = 'withdrawn_after_payment') = (state = 'noted')", name="status_case_noted"),
    CheckConstraint("state in ('open', 'approved', 'declined', 'noted')", name="status_case_state"),
    CheckConstraint(
        "num_nonnulls(decided_by, decided_at, note) = case when state in ('approved', 'declined') then 3 else 0 end",
        name="status_case_decided",
    ),
    Index("status_case_state_id", "pool", "state", "case_id"),
)
