"""Packages (政策包) and their runs over everybody who is enrolled: what a version changes."""

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
    Uuid,
    text,
)

from shared.database import Json
from shared.tables import Instant

from .metadata import metadata

package_version = Table(
    "package_version",
    metadata,
    Column("pool", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("benefit_year", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("source", LargeBinary, nullable=False),  # the bytes as they came
    Column("drafted_by", Text, nullable=False),
    Column("drafted_at", Instant, nullable=False),
    Column("validated_by", Text),
    Column("validated_at", Instant),
    Column("answers", Json),  # what was said to each warning
    Column("corrects", Text),  # the version in whose place this one is published
    Column("correction_reason", Text),
    Column("counts_from", Date),  # who has paid before this day keeps what was assessed
    Column("published_by", Text),
    Column("published_at", Instant),
    Column("replaced_by", Text),
    Column("replaced_at", Instant),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Instant),
    Column("withdrawn_reason", Text),
    PrimaryKeyConstraint("pool", "scheme", "version"),
    ForeignKeyConstraint(
        ["pool", "scheme", "corrects"], ["package_version.pool", "package_version.scheme", "package_version.version"]
    ),
    ForeignKeyConstraint(
        ["pool", "scheme", "replaced_by"], ["package_version.pool", "package_version.scheme", "package_version.version"]
    ),
    CheckConstraint("version = 'sha256:' || encode(sha256(content), 'hex')", name="package_version_is_hash"),
    CheckConstraint(
        "state in ('draft', 'validated', 'published', 'replaced', 'withdrawn')", name="package_version_state"
    ),
    CheckConstraint(
        "num_nonnulls(validated_by, validated_at, answers)"
        " = case state when 'draft' then 0 when 'withdrawn' then 3 * num_nonnulls(validated_by) else 3 end",
        name="package_version_validated",
    ),
    CheckConstraint(
        "num_nonnulls(published_by, published_at) = case when state in ('published', 'replaced') then 2 else 0 end",
        name="package_version_published",
    ),
    CheckConstraint(
        "num_nonnulls(replaced_by, replaced_at) = case when state = 'replaced' then 2 else 0 end",
        name="package_version_replaced",
    ),
    CheckConstraint(
        "num_nonnulls(withdrawn_by, withdrawn_at, withdrawn_reason) = case when state = 'withdrawn' then 3 else 0 end",
        name="package_version_withdrawn",
    ),
    CheckConstraint(
        "num_nonnulls(corrects, correction_reason, counts_from) in (0, 3)", name="package_version_correction"
    ),
    CheckConstraint("published_by not in (drafted_by, validated_by)", name="package_version_four_eyes"),
    Index("package_in_force", "pool", "scheme", unique=True, postgresql_where=text("state = 'published'")),
)

package_run = Table(
    "package_run",
    metadata,
    Column("pool", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("scheme", Text, nullable=False),  # whose people are judged
    Column("package_scheme", Text, nullable=False),
    Column("package", Text, nullable=False),  # by which version
    Column("state", Text, nullable=False),
    Column("last_id", Uuid),  # the enrolment up to which all is done: the run's cursor
    Column("free_from", Instant, nullable=False),  # wall time from which a worker may take the run up: its lease
    Column("persons_total", Integer, nullable=False),  # when it was started
    Column("persons_done", Integer, nullable=False),
    Column("persons_changed", Integer, nullable=False),
    Column("persons_refused", Integer, nullable=False),
    Column("persons_left", Integer, nullable=False),  # of a correction: those of whom a person decides
    Column("started_by", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "run_id"),
    ForeignKeyConstraint(
        ["pool", "package_scheme", "package"],
        ["package_version.pool", "package_version.scheme", "package_version.version"],
    ),
    CheckConstraint("purpose in ('dry_run', 'correction')", name="package_run_purpose"),
    CheckConstraint("state in ('running', 'done', 'cancelled')", name="package_run_state"),
    CheckConstraint("(state = 'running') = (ended_at is null)", name="package_run_ended"),
    CheckConstraint("persons_changed + persons_refused + persons_left <= persons_done", name="package_run_persons"),
    Index("package_run_running", "pool", "started_at", postgresql_where=text("state = 'running'")),
    Index("package_run_package", "pool", "package_scheme", "package", "run_id"),
)

package_run_sum = Table(
    "package_run_sum",
    metadata,
    Column("pool", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("helped_as", Text, nullable=False),  # the status that helps; empty: nobody helps
    Column("payer", Text, nullable=False),
    Column("persons_before", Integer, nullable=False),
    Column("before_fen", BigInteger, nullable=False),
    Column("persons_after", Integer, nullable=False),
    Column("after_fen", BigInteger, nullable=False),
    PrimaryKeyConstraint("pool", "run_id", "kind", "helped_as", "payer"),
    ForeignKeyConstraint(["pool", "run_id"], ["package_run.pool", "package_run.run_id"]),
)

package_run_refusal = Table(
    "package_run_refusal",
    metadata,
    Column("pool", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("code", Text, nullable=False),
    Column("persons", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "run_id", "code"),
    ForeignKeyConstraint(["pool", "run_id"], ["package_run.pool", "package_run.run_id"]),
)

package_run_change = Table(
    "package_run_change",
    metadata,
    Column("pool", Text, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("enrolment_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("paid", Boolean, nullable=False),
    Column("effect", Text, nullable=False),
    Column("before", Json, nullable=False),
    Column("after", Json, nullable=False),  # JSON null: the person would be refused
    Column("reasons", Json, nullable=False),
    PrimaryKeyConstraint("pool", "run_id", "enrolment_id"),
    ForeignKeyConstraint(["pool", "run_id"], ["package_run.pool", "package_run.run_id"]),
    CheckConstraint(
        "effect in ('pays_more', 'pays_less', 'pays_the_same', 'refused')", name="package_run_change_effect"
    ),
    CheckConstraint("(effect = 'refused') = (after = 'null')", name="package_run_change_refused"),
)
