"""Feeds and the rows that went back."""

from alembic import op

revision = "0003_create_feed"
down_revision = "0002_create_person"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE feed (
        pool TEXT NOT NULL,
        feed_id UUID NOT NULL,
        supplier TEXT NOT NULL,
        file_name TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        size_bytes BIGINT NOT NULL,
        evidence_id UUID,
        state TEXT NOT NULL,
        rows_total INTEGER NOT NULL,
        rows_done INTEGER NOT NULL,
        rows_accepted INTEGER NOT NULL,
        rows_rejected INTEGER NOT NULL,
        received_by TEXT NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (pool, feed_id),
        CONSTRAINT feed_once UNIQUE (pool, supplier, sha256),
        FOREIGN KEY(pool, evidence_id) REFERENCES evidence (pool, evidence_id),
        CONSTRAINT feed_state CHECK (state in ('received', 'taken')),
        CONSTRAINT feed_counts CHECK (rows_accepted >= 0 and rows_rejected >= 0),
        CONSTRAINT feed_rows CHECK (rows_done = rows_accepted + rows_rejected and rows_done <= rows_total),
        CONSTRAINT feed_taken_at CHECK ((state = 'taken') = (taken_at is not null)),
        CONSTRAINT feed_taken_whole CHECK (state <> 'taken' or rows_done = rows_total)
    )
    """)
    op.execute("CREATE INDEX feed_waiting ON feed (pool, supplier, feed_id) WHERE state = 'received'")
    op.execute("""
    CREATE TABLE feed_rejection (
        pool TEXT NOT NULL,
        feed_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        faults JSONB NOT NULL,
        PRIMARY KEY (pool, feed_id, row_no),
        FOREIGN KEY(pool, feed_id) REFERENCES feed (pool, feed_id),
        CONSTRAINT feed_rejection_row CHECK (row_no > 1)
    )
    """)


def downgrade() -> None:
    op.drop_table("feed_rejection")
    op.drop_table("feed")
