"""Full lists, the order of lists, four eyes over one that shrinks, withdrawal."""

from alembic import op

revision = "0007_alter_feed"
down_revision = "0006_create_supplier"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE feed
        ADD kind TEXT NOT NULL DEFAULT 'changes',
        ADD list_day DATE,
        ADD serial INTEGER NOT NULL DEFAULT 0,
        ADD statuses_held INTEGER,
        ADD statuses_ending INTEGER,
        ADD sweep_after UUID,
        ADD decided_by TEXT,
        ADD decided_at TIMESTAMP WITH TIME ZONE,
        ADD withdrawn_by TEXT,
        ADD withdrawn_at TIMESTAMP WITH TIME ZONE,
        ADD withdrawal_reason TEXT,
        ADD version INTEGER NOT NULL DEFAULT 1
    """)
    # Lists that came without a day of their own count as of the day they came.
    op.execute("UPDATE feed SET list_day = (received_at at time zone 'Asia/Shanghai')::date")
    op.execute("""
    ALTER TABLE feed
        ALTER kind DROP DEFAULT,
        ALTER serial DROP DEFAULT,
        ALTER version DROP DEFAULT,
        ALTER list_day SET NOT NULL,
        DROP CONSTRAINT feed_once,
        DROP CONSTRAINT feed_state,
        DROP CONSTRAINT feed_taken_at,
        DROP CONSTRAINT feed_taken_whole,
        ADD CONSTRAINT feed_kind CHECK (kind in ('changes', 'full')),
        ADD CONSTRAINT feed_list_day CHECK (list_day <= (received_at at time zone 'Asia/Shanghai')::date),
        ADD CONSTRAINT feed_state
            CHECK (state in ('received', 'held', 'ending', 'taken', 'declined', 'withdrawing', 'withdrawn')),
        ADD CONSTRAINT feed_full CHECK (kind = 'full' or state not in ('held', 'ending', 'declined')),
        ADD CONSTRAINT feed_shrink CHECK ((statuses_ending is null) = (statuses_held is null)),
        ADD CONSTRAINT feed_decided CHECK ((decided_by is null) = (decided_at is null)),
        ADD CONSTRAINT feed_four_eyes CHECK (decided_by <> received_by),
        ADD CONSTRAINT feed_withdrawn_at CHECK ((state in ('withdrawing', 'withdrawn')) = (withdrawn_at is not null)),
        ADD CONSTRAINT feed_withdrawn_by CHECK (
            (withdrawn_at is null) = (withdrawn_by is null) and (withdrawn_at is null) = (withdrawal_reason is null)
        ),
        ADD CONSTRAINT feed_taken_at CHECK (state <> 'taken' or taken_at is not null),
        ADD CONSTRAINT feed_taken_whole
            CHECK (state not in ('held', 'ending', 'taken', 'declined') or rows_done = rows_total)
    """)
    op.execute("DROP INDEX feed_waiting")
    op.execute("CREATE UNIQUE INDEX feed_once ON feed (pool, supplier, sha256) WHERE withdrawn_at is null")
    op.execute(
        "CREATE INDEX feed_working ON feed (pool, supplier, feed_id) "
        "WHERE state in ('received', 'ending', 'withdrawing')"
    )
    op.execute("CREATE INDEX feed_full_lists ON feed (pool, supplier, list_day) WHERE kind = 'full'")
    op.execute("CREATE INDEX feed_latest ON feed (pool, supplier, list_day)")


def downgrade() -> None:
    op.execute("DROP INDEX feed_latest")
    op.execute("DROP INDEX feed_full_lists")
    op.execute("DROP INDEX feed_working")
    op.execute("DROP INDEX feed_once")
    op.execute("""
    ALTER TABLE feed
        DROP CONSTRAINT feed_kind,
        DROP CONSTRAINT feed_list_day,
        DROP CONSTRAINT feed_state,
        DROP CONSTRAINT feed_full,
        DROP CONSTRAINT feed_shrink,
        DROP CONSTRAINT feed_decided,
        DROP CONSTRAINT feed_four_eyes,
        DROP CONSTRAINT feed_withdrawn_at,
        DROP CONSTRAINT feed_withdrawn_by,
        DROP CONSTRAINT feed_taken_at,
        DROP CONSTRAINT feed_taken_whole,
        DROP kind,
        DROP list_day,
        DROP serial,
        DROP statuses_held,
        DROP statuses_ending,
        DROP sweep_after,
        DROP decided_by,
        DROP decided_at,
        DROP withdrawn_by,
        DROP withdrawn_at,
        DROP withdrawal_reason,
        DROP version,
        ADD CONSTRAINT feed_once UNIQUE (pool, supplier, sha256),
        ADD CONSTRAINT feed_state CHECK (state in ('received', 'taken')),
        ADD CONSTRAINT feed_taken_at CHECK ((state = 'taken') = (taken_at is not null)),
        ADD CONSTRAINT feed_taken_whole CHECK (state <> 'taken' or rows_done = rows_total)
    """)
    op.execute("CREATE INDEX feed_waiting ON feed (pool, supplier, feed_id) WHERE state = 'received'")
