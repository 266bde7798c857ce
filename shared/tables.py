"""Tables that every service has: its chains, its cursors, its idempotency keys, the bytes it was handed.

`add_shared_tables` puts them into a service's metadata; `SHARED_TABLES_1` is what the service's first migration
runs. That tuple is frozen once released: a later change is a new tuple and a new migration in each service.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from .database import Json

Instant = DateTime(timezone=True)


def add_shared_tables(metadata: MetaData) -> None:
    """Declare the shared tables in a service's metadata."""
    _add_chains(metadata)
    _add_requests(metadata)


def _add_chains(metadata: MetaData) -> None:
    Table(
        "chain_head",
        metadata,
        Column("pool", Text, nullable=False),
        Column("chain", Text, nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("pool", "chain"),
        CheckConstraint("seq >= 0", name="chain_head_seq"),
    )
    Table(
        "event",
        metadata,
        Column("pool", Text, nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("event_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("occurred_at", Instant, nullable=False),
        Column("data", Json, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("pool", "seq"),
        Index("event_subject", "pool", "type", "subject"),
    )
    Table(
        "audit_line",
        metadata,
        Column("pool", Text, nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("action", Text, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("occurred_at", Instant, nullable=False),
        Column("persons", Json, nullable=False),
        Column("detail", Json, nullable=False),
        Column("hash", LargeBinary, nullable=False),
        PrimaryKeyConstraint("pool", "seq"),
    )
    Table(
        "follow_cursor",
        metadata,
        Column("pool", Text, nullable=False),
        Column("source", Text, nullable=False),
        Column("seq", BigInteger, nullable=False),
        PrimaryKeyConstraint("pool", "source"),
    )


def _add_requests(metadata: MetaData) -> None:
    Table(
        "idempotency_key",
        metadata,
        Column("pool", Text, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", Integer),
        Column("body", Json),
        Column("claimed_at", Instant, nullable=False),
        PrimaryKeyConstraint("pool", "client_id", "key"),
    )
    Table(
        "evidence",
        metadata,
        Column("pool", Text, nullable=False),
        Column("evidence_id", Uuid, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("file_name", Text, nullable=False),
        Column("size_bytes", BigInteger, nullable=False),
        Column("received_at", Instant, nullable=False),
        PrimaryKeyConstraint("pool", "evidence_id"),
        CheckConstraint("size_bytes >= 0", name="evidence_size"),
    )
    Table(
        "evidence_part",
        metadata,
        Column("pool", Text, nullable=False),
        Column("evidence_id", Uuid, nullable=False),
        Column("part_no", Integer, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        PrimaryKeyConstraint("pool", "evidence_id", "part_no"),
    )


SHARED_TABLES_1 = (
    """create table chain_head (pool text not null, chain text not null, seq bigint not null, hash bytea not null,
        primary key (pool, chain), constraint chain_head_seq check (seq >= 0))""",
    """create table event (pool text not null, seq bigint not null, event_id uuid not null, type text not null,
        subject text not null, version integer not null, occurred_at timestamptz not null, data jsonb not null,
        hash bytea not null, primary key (pool, seq))""",
    "create index event_subject on event (pool, type, subject)",
    """create table audit_line (pool text not null, seq bigint not null, action text not null, client_id text not null,
        actor text not null, occurred_at timestamptz not null, persons jsonb not null, detail jsonb not null,
        hash bytea not null, primary key (pool, seq))""",
    """create table follow_cursor (pool text not null, source text not null, seq bigint not null,
        primary key (pool, source))""",
    """create table idempotency_key (pool text not null, client_id text not null, key text not null,
        request_hash bytea not null, status integer, body jsonb, claimed_at timestamptz not null,
        primary key (pool, client_id, key))""",
    """create table evidence (pool text not null, evidence_id uuid not null, sha256 text not null,
        file_name text not null,
        size_bytes bigint not null, received_at timestamptz not null, primary key (pool, evidence_id),
        constraint evidence_size check (size_bytes >= 0))""",
    """create table evidence_part (pool text not null, evidence_id uuid not null, part_no integer not null,
        sealed bytea not null, primary key (pool, evidence_id, part_no))""",
)
"""What the first migration of each service runs, statement by statement. Frozen."""
