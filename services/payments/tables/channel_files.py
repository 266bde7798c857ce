"""Table of the day files that we fetch from channels: one row for each channel, kind and day, in the pool of no pool.

A merchant number may take money for several pools, so the file as it came belongs to none of them; what concerns a
pool becomes a statement there.
"""

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text

from shared.tables import Instant

from .metadata import metadata

channel_file = Table(
    "channel_file",
    metadata,
    Column("pool", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("ask_at", Instant, nullable=False),  # wall time: when the channel is asked next
    Column("said", Text),  # why it is not there yet
    Column("evidence_id", Uuid),
    Column("ended_at", Instant),
    PrimaryKeyConstraint("pool", "channel", "kind", "day"),
    CheckConstraint("kind ~ '^[a-z_]{1,40}$'", name="channel_file_kind"),
    CheckConstraint("state in ('wanted', 'taken', 'empty')", name="channel_file_state"),
    CheckConstraint("(state = 'taken') = (evidence_id is not null)", name="channel_file_evidence"),
    CheckConstraint("(state = 'wanted') = (ended_at is null)", name="channel_file_ended"),
    Index("channel_file_wanted", "pool", "channel", "ask_at", postgresql_where=text("state = 'wanted'")),
)
