"""Tables of the tax bureau's messages. Its numbers are its own over all pools, so all stand in pool 000000.

What a message said stands with the money, in the submission (`message`), in the pool of its bill.
"""

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

from shared.database import Json
from shared.tables import Instant

from .metadata import metadata

tax_event = Table(
    "tax_event",
    metadata,
    Column("pool", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("home_pool", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("collection_id", Uuid),
    Column("outcome", Text),
    Column("receipt_no", Text),
    Column("reason", Text),
    PrimaryKeyConstraint("pool", "event_id"),
    CheckConstraint("(collection_id is null) = (outcome is null)", name="tax_event_answer"),
)
"""The first answer to each event id. `content` marks what was said under it, `home_pool` is where the money stands."""

tax_nonce = Table(
    "tax_nonce",
    metadata,
    Column("pool", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "key_id", "nonce"),
    Index("tax_nonce_expiry", "pool", "expires_at"),
)
"""Nonces of messages that could still be taken, with the hash of the bytes that each belongs to."""

tax_conflict = Table(
    "tax_conflict",
    metadata,
    Column("pool", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("said", Json, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("explained_by", Text),
    Column("explained_at", Instant),
    Column("note", Text),
    PrimaryKeyConstraint("pool", "event_id", "content"),
    CheckConstraint("times > 0", name="tax_conflict_times"),
    CheckConstraint("num_nulls(explained_by, explained_at, note) in (0, 3)", name="tax_conflict_explained"),
)
"""An event id that came with another content than its first: refused, and kept until somebody has explained it."""
