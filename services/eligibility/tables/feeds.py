"""Departments and the lists that they hand over."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)

from shared.database import Json
from shared.tables import Instant

from .metadata import metadata

# What a pool has agreed with a department, and its turn: whoever changes what rests on its lists locks this row first.
supplier = Table(
    "supplier",
    metadata,
    Column("pool", Text, nullable=False),
    Column("supplier", Text, nullable=False),
    Column("contact", Text),
    Column("first_due_on", Date),
    Column("every_months", Integer),
    Column("stale_after_days", Integer),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "supplier"),
    CheckConstraint("every_months between 1 and 12", name="supplier_every_months"),
    CheckConstraint("every_months is null or first_due_on is not null", name="supplier_first_due_on"),
    CheckConstraint("stale_after_days > 0", name="supplier_stale_after_days"),
    CheckConstraint("version > 0", name="supplier_version"),
)

# One handed-over file. `rows_done` is the cursor of the job that judges it, `sweep_after` of the one that ends statuses
# or takes them back. A full list may come in `parts` under one `list_id`; `whole_id` is the first file of it that came
# (a list in one file: itself), and whichever part is judged last is `closing`: by it the whole ends what it does not
# name, as far as it speaks for that (`scope_categories`, a comma between; `scope_region`; null: all). Of two lists of a
# supplier the later one counts: by `list_day`, `serial`, then as they came.
feed = Table(
    "feed",
    metadata,
    Column("pool", Text, nullable=False),
    Column("feed_id", Uuid, nullable=False),
    Column("supplier", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("evidence_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("list_day", Date, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("list_id", Text),
    Column("part", Integer),
    Column("parts", Integer),
    Column("whole_id", Uuid, nullable=False),
    Column("scope_categories", Text),
    Column("scope_region", Text),
    Column("closing", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("rows_total", Integer, nullable=False),
    Column("rows_done", Integer, nullable=False),
    Column("rows_accepted", Integer, nullable=False),
    Column("rows_rejected", Integer, nullable=False),
    Column("received_by", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("taken_at", Instant),
    Column("statuses_held", Integer),
    Column("statuses_ending", Integer),
    Column("sweep_after", Uuid),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    Column("withdrawn_by", Text),
    Column("withdrawn_at", Instant),
    Column("withdrawal_reason", Text),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("pool", "feed_id"),
    Index(
        "feed_once",
        *("pool", "supplier", "sha256", "list_day", "list_id", "part"),
        unique=True,
        postgresql_where=text("withdrawn_at is null"),
        postgresql_nulls_not_distinct=True,
    ),
    Index(
        "feed_part_once",
        *("pool", "supplier", "list_id", "part"),
        unique=True,
        postgresql_where=text("withdrawn_at is null and list_id is not null"),
    ),
    Index("feed_whole", "pool", "whole_id"),
    ForeignKeyConstraint(["pool", "evidence_id"], ["evidence.pool", "evidence.evidence_id"]),
    CheckConstraint("kind in ('changes', 'full')", name="feed_kind"),
    CheckConstraint("list_day <= (received_at at time zone 'Asia/Shanghai')::date", name="feed_list_day"),
    CheckConstraint(
        "state in ('received', 'held', 'ending', 'taken', 'declined', 'withdrawing', 'withdrawn')", name="feed_state"
    ),
    CheckConstraint("kind = 'full' or state not in ('held', 'ending', 'declined')", name="feed_full"),
    CheckConstraint(
        "kind = 'full' or num_nonnulls(list_id, scope_categories, scope_region) = 0", name="feed_full_scope"
    ),
    CheckConstraint("num_nonnulls(list_id, part, parts) in (0, 3)", name="feed_part_whole"),
    CheckConstraint("part between 1 and parts and parts between 2 and 1000", name="feed_part_no"),
    CheckConstraint("list_id is not null or whole_id = feed_id", name="feed_whole_id"),
    CheckConstraint("scope_region ~ '^[1-9][0-9]{5,11}$'", name="feed_region"),
    CheckConstraint("closing or state not in ('held', 'ending', 'declined')", name="feed_closing"),
    CheckConstraint("not closing or kind = 'full' and withdrawn_at is null", name="feed_closing_full"),
    CheckConstraint("(statuses_ending is null) = (statuses_held is null)", name="feed_shrink"),
    CheckConstraint("(decided_by is null) = (decided_at is null)", name="feed_decided"),
    CheckConstraint("decided_by <> received_by", name="feed_four_eyes"),
    CheckConstraint("(state in ('withdrawing', 'withdrawn')) = (withdrawn_at is not null)", name="feed_withdrawn_at"),
    CheckConstraint(
        "(withdrawn_at is null) = (withdrawn_by is null) and (withdrawn_at is null) = (withdrawal_reason is null)",
        name="feed_withdrawn_by",
    ),
    CheckConstraint("rows_accepted >= 0 and rows_rejected >= 0", name="feed_counts"),
    CheckConstraint("rows_done = rows_accepted + rows_rejected and rows_done <= rows_total", name="feed_rows"),
    CheckConstraint("state <> 'taken' or taken_at is not null", name="feed_taken_at"),
    CheckConstraint(
        "state not in ('held', 'ending', 'taken', 'declined') or rows_done = rows_total", name="feed_taken_whole"
    ),
    Index(
        "feed_working",
        *("pool", "supplier", "feed_id"),
        postgresql_where=text("state in ('received', 'ending', 'withdrawing')"),
    ),
    Index("feed_full_lists", "pool", "supplier", "list_day", postgresql_where=text("kind = 'full'")),
    Index("feed_latest", "pool", "supplier", "list_day"),
)

# Why a row went back. Its cells stand in the feed's evidence, which is kept whole.
feed_rejection = Table(
    "feed_rejection",
    metadata,
    Column("pool", Text, nullable=False),
    Column("feed_id", Uuid, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("faults", Json, nullable=False),
    PrimaryKeyConstraint("pool", "feed_id", "row_no"),
    ForeignKeyConstraint(["pool", "feed_id"], ["feed.pool", "feed.feed_id"]),
    CheckConstraint("row_no > 1", name="feed_rejection_row"),
)

# A public key of a department's own system, by which it hands lists over without a clerk. Two may be valid at a time,
# so that a new one comes into use before the old one goes.
supplier_key = Table(
    "supplier_key",
    metadata,
    Column("pool", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("supplier", Text, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("revoked_by", Text),
    Column("revoked_at", Instant),
    PrimaryKeyConstraint("pool", "key_id"),
    CheckConstraint("(revoked_by is null) = (revoked_at is null)", name="supplier_key_revoked"),
    Index("supplier_key_supplier", "pool", "supplier"),
)

# Nonces of signed uploads that could still come again.
supplier_nonce = Table(
    "supplier_nonce",
    metadata,
    Column("pool", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("pool", "key_id", "nonce"),
    Index("supplier_nonce_expiry", "expires_at"),
)
