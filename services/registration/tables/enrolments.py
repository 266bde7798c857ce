"""Who is enrolled, what is due and who pays it (frozen), and the days of cover."""

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

from shared.database import Json
from shared.tables import Instant

from .metadata import metadata

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
    Column("facts", Json, nullable=False),  # those by which the person was assessed
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
    Index("enrolment_scheme", "pool", "scheme", "enrolment_id"),
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
    Column("covered_from", Date),  # null: the notice states no cover
    Column("covered_to", Date),
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
    CheckConstraint("(covered_from is null) = (covered_to is null)", name="assessment_covered"),
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
    CheckConstraint(
        "kind in ('recognised_late', 'excluded_late', 'withdrawn_after_payment', 'corrected_after_payment', "
        "'enrolled_twice')",
        name="status_case_kind",
    ),
    CheckConstraint(
        "(kind in ('withdrawn_after_payment', 'corrected_after_payment')) = (state = 'noted')",
        name="status_case_noted",
    ),
    CheckConstraint("state in ('open', 'approved', 'declined', 'noted')", name="status_case_state"),
    CheckConstraint(
        "num_nonnulls(decided_by, decided_at, note) = case when state in ('approved', 'declined') then 3 else 0 end",
        name="status_case_decided",
    ),
    Index("status_case_state_id", "pool", "state", "case_id"),
)

# Who answers for a person now, as eligibility tells it (person.merged, person.parted). Enrolments and assessments keep
# the person by whom they were made: bills and receipts name that one.
person_alias = Table(
    "person_alias",
    metadata,
    Column("pool", Text, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("surviving_id", Uuid, nullable=False),
    PrimaryKeyConstraint("pool", "person_id"),
    CheckConstraint("person_id <> surviving_id", name="person_alias_two"),
    Index("person_alias_surviving", "pool", "surviving_id"),
)
