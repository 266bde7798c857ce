"""Tables of the tax bureau's messages. Its numbers are its own over all pools, so both stand in pool 000000.

What a message said stands with the money, in the submission (`message`), in the pool of its bill.
"""

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, Uuid

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
