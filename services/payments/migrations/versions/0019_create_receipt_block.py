"""Receipt numbers handed out beforehand: blocks, and those of their numbers that became no receipt."""

from alembic import op

revision = "0019_create_receipt_block"
down_revision = "0018_alter_order"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE receipt_block (
        pool TEXT NOT NULL,
        block_id UUID NOT NULL,
        book_code TEXT NOT NULL,
        first_number BIGINT NOT NULL,
        last_number BIGINT NOT NULL,
        region TEXT NOT NULL,
        agent TEXT NOT NULL,
        state TEXT NOT NULL,
        issued_by TEXT NOT NULL,
        issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
        returned_at TIMESTAMP WITH TIME ZONE,
        unused_count INTEGER,
        checked_by TEXT,
        checked_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, block_id),
        CONSTRAINT receipt_block_first UNIQUE (pool, book_code, first_number),
        CONSTRAINT receipt_block_numbers CHECK (first_number > 0 and last_number >= first_number),
        CONSTRAINT receipt_block_state CHECK (state in ('issued', 'returned', 'written_off')),
        CONSTRAINT receipt_block_returned CHECK (num_nulls(returned_at, unused_count) = case state when 'issued' then 2 else 0 end),
        CONSTRAINT receipt_block_checked CHECK (num_nulls(checked_by, checked_at) in (0, 2)),
        CONSTRAINT receipt_block_written_off CHECK (state <> 'written_off' or checked_by is not null),
        CONSTRAINT receipt_block_four_eyes CHECK (issued_by <> agent and checked_by <> agent)
    )
    """)
    op.execute("CREATE INDEX receipt_block_agent ON receipt_block (pool, agent)")
    op.execute("""
    CREATE TABLE receipt_unissued (
        pool TEXT NOT NULL,
        book_code TEXT NOT NULL,
        number BIGINT NOT NULL,
        block_id UUID NOT NULL,
        cause TEXT NOT NULL,
        recorded_by TEXT NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, book_code, number),
        FOREIGN KEY(pool, block_id) REFERENCES receipt_block (pool, block_id),
        CONSTRAINT receipt_unissued_cause CHECK (cause in ('spoiled', 'withheld', 'returned'))
    )
    """)
    op.execute("CREATE INDEX receipt_unissued_block ON receipt_unissued (pool, block_id)")


def downgrade() -> None:
    op.drop_table("receipt_unissued")
    op.drop_table("receipt_block")
