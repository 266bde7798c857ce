"""Units, their rosters, and what became of each row."""

from sqlalchemy import (
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
