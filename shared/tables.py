"""Tables that every service has: its chains, its cursors, its idempotency keys, the bytes it was handed.

`add_shared_tables` puts them into a service's metadata; `SHARED_TABLES_1` is what the service's first migration
runs. A tuple is frozen once released: a later change is a new tuple and a new migration in each service.
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
    text,
)

from .database import Json

Instant = DateTime(timezone=True)


def add_shared_tables(metadata: MetaData) -> None:
    """Declare the shared tables in a service's metadata."""
    _add_chains(metadata)
    _add_requests(metadata)
    _add_webhooks(metadata)
    _add_key_walks(metadata)


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
        Index(
            "audit_line_persons",
            "persons",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": "1024"},
            postgresql_ops={"persons": "jsonb_path_ops"},
        ),
        Index("audit_line_actor", "pool", "actor", "seq"),
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
        Column("key_sealed", LargeBinary),  # the file's own key; null: of before, parts lie under the service's keys
        Column("erased_at", Instant),  # its bytes were kept long enough
        Column("archived_in", Text),  # the archive (`deploy/archive`) that its bytes lie in
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


def _add_webhooks(metadata: MetaData) -> None:
    Table(
        "webhook",
        metadata,
        Column("pool", Text, nullable=False),
        Column("webhook_id", Uuid, nullable=False),
        Column("client_id", Text, nullable=False),
        Column("url", Text, nullable=False),
        Column("kinds", Json, nullable=False),  # empty: every kind of event
        Column("state", Text, nullable=False),
        Column("seq", BigInteger, nullable=False),  # the last event of the feed that has its delivery
        Column("secret", LargeBinary, nullable=False),  # sealed
        Column("old_secret", LargeBinary),  # sealed; signs as well until old_secret_until
        Column("old_secret_until", Instant),
        Column("rest_until", Instant),  # the receiver asked us to slow down
        Column("failures", Integer, nullable=False),  # attempts since the last success
        Column("created_at", Instant, nullable=False),
        Column("created_by", Text, nullable=False),
        Column("state_since", Instant, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("pool", "webhook_id"),
        CheckConstraint("state in ('active', 'failing', 'disabled', 'ended')", name="webhook_state"),
        CheckConstraint("(old_secret is null) = (old_secret_until is null)", name="webhook_old_secret"),
        CheckConstraint("seq >= 0 and failures >= 0", name="webhook_counts"),
        Index("webhook_client", "pool", "client_id", "webhook_id"),
    )
    Table(
        "webhook_delivery",
        metadata,
        Column("pool", Text, nullable=False),
        Column("webhook_id", Uuid, nullable=False),
        Column("seq", BigInteger, nullable=False),  # the event's number in the feed
        Column("event_id", Uuid, nullable=False),
        Column("type", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempts", Integer, nullable=False),  # made since it was spread or replayed
        Column("due_at", Instant),
        Column("leased_until", Instant),  # a worker is sending it, or died over it
        Column("answers", Json, nullable=False),  # the last attempts: at, status, trouble
        Column("concluded_at", Instant),
        PrimaryKeyConstraint("pool", "webhook_id", "seq"),
        CheckConstraint("state in ('waiting', 'sending', 'delivered', 'failed')", name="webhook_delivery_state"),
        CheckConstraint(
            "(due_at is not null) = (state in ('waiting', 'sending')) "
            "and (leased_until is not null) = (state = 'sending') "
            "and (concluded_at is not null) = (state in ('delivered', 'failed'))",
            name="webhook_delivery_stands",
        ),
        CheckConstraint("attempts between 0 and 10", name="webhook_delivery_attempts"),
        Index(
            "webhook_delivery_due",
            *("pool", "webhook_id", "due_at"),
            postgresql_where=text("state in ('waiting', 'sending')"),
        ),
        Index("webhook_delivery_concluded", "concluded_at", postgresql_where=text("concluded_at is not null")),
    )


def _add_key_walks(metadata: MetaData) -> None:
    # How far a sealed column of a pool has been gone through to bring it under the current keys (shared/rotation).
    Table(
        "key_walk",
        metadata,
        Column("pool", Text, nullable=False),
        Column("subject", Text, nullable=False),  # table.column
        Column("key", Text, nullable=False),
        Column("lookup_key", Text, nullable=False),
        Column("since", Instant, nullable=False),  # when the first walk to these keys began
        Column("begun_at", Instant, nullable=False),
        Column("position", Json, nullable=False),  # the key of the last row gone through; empty: none yet
        Column("seen", BigInteger, nullable=False),
        Column("changed", BigInteger, nullable=False),
        Column("passed_over", BigInteger, nullable=False),  # somebody else was at the row: the next walk has it
        Column("finished_at", Instant),
        PrimaryKeyConstraint("pool", "subject"),
        CheckConstraint("changed >= 0 and passed_over >= 0 and seen >= changed + passed_over", name="key_walk_counts"),
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

SHARED_TABLES_2 = (
    """create table webhook (pool text not null, webhook_id uuid not null, client_id text not null, url text not null,
        kinds jsonb not null, state text not null, seq bigint not null, secret bytea not null, old_secret bytea,
        old_secret_until timestamptz, rest_until timestamptz, failures integer not null,
        created_at timestamptz not null, created_by text not null, state_since timestamptz not null,
        version integer not null,
        primary key (pool, webhook_id),
        constraint webhook_state check (state in ('active', 'failing', 'disabled', 'ended')),
        constraint webhook_old_secret check ((old_secret is null) = (old_secret_until is null)),
        constraint webhook_counts check (seq >= 0 and failures >= 0))""",
    "create index webhook_client on webhook (pool, client_id, webhook_id)",
    """create table webhook_delivery (pool text not null, webhook_id uuid not null, seq bigint not null,
        event_id uuid not null, type text not null, state text not null, attempts integer not null,
        due_at timestamptz, leased_until timestamptz, answers jsonb not null, concluded_at timestamptz,
        primary key (pool, webhook_id, seq),
        constraint webhook_delivery_state check (state in ('waiting', 'sending', 'delivered', 'failed')),
        constraint webhook_delivery_stands check ((due_at is not null) = (state in ('waiting', 'sending'))
            and (leased_until is not null) = (state = 'sending')
            and (concluded_at is not null) = (state in ('delivered', 'failed'))),
        constraint webhook_delivery_attempts check (attempts between 0 and 10))""",
    """create index webhook_delivery_due on webhook_delivery (pool, webhook_id, due_at)
        where state in ('waiting', 'sending')""",
    """create index webhook_delivery_concluded on webhook_delivery (concluded_at)
        where concluded_at is not null""",
)

SHARED_TABLES_3 = (
    "alter table evidence add column key_sealed bytea, add column erased_at timestamptz",
    """create table key_walk (pool text not null, subject text not null, key text not null, lookup_key text not null,
        since timestamptz not null, begun_at timestamptz not null, position jsonb not null, seen bigint not null,
        changed bigint not null, passed_over bigint not null, finished_at timestamptz,
        primary key (pool, subject),
        constraint key_walk_counts check (changed >= 0 and passed_over >= 0 and seen >= changed + passed_over))""",
)

SHARED_TABLES_4 = (
    # A short pending list: whoever fills it sorts it in, holding the head row of the chain.
    """create index audit_line_persons on audit_line using gin (persons jsonb_path_ops)
        with (gin_pending_list_limit = 1024)""",
    "create index audit_line_actor on audit_line (pool, actor, seq)",
)

SHARED_TABLES_5 = ("alter table evidence add column archived_in text",)
