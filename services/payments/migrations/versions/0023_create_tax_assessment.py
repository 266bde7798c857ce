"""Assessments that the tax bureau is told of, and event ids that came with another content."""

from alembic import op

revision = "0023_create_tax_assessment"
down_revision = "0022_create_treasury_refund"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE tax_batch (
        pool TEXT NOT NULL,
        batch_no TEXT NOT NULL,
        lines_count INTEGER NOT NULL,
        state TEXT NOT NULL,
        detail TEXT,
        built_at TIMESTAMP WITH TIME ZONE NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        tries INTEGER NOT NULL,
        answered_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, batch_no),
        CONSTRAINT tax_batch_state CHECK (state in ('built', 'sent', 'answered', 'refused')),
        CONSTRAINT tax_batch_answered CHECK ((state in ('answered', 'refused')) = (answered_at is not null)),
        CONSTRAINT tax_batch_count CHECK (lines_count > 0)
    )
    """)
    op.execute("CREATE INDEX tax_batch_waiting ON tax_batch (pool, asked_at) WHERE state in ('built', 'sent')")
    op.execute("""
    CREATE TABLE tax_batch_line (
        pool TEXT NOT NULL,
        batch_no TEXT NOT NULL,
        line_no INTEGER NOT NULL,
        bill_no TEXT NOT NULL,
        bill_version INTEGER NOT NULL,
        kind TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        PRIMARY KEY (pool, batch_no, line_no),
        FOREIGN KEY(pool, batch_no) REFERENCES tax_batch (pool, batch_no),
        FOREIGN KEY(pool, bill_no) REFERENCES bill (pool, bill_no),
        CONSTRAINT tax_batch_line_kind CHECK (kind in ('save', 'cancel')),
        CONSTRAINT tax_batch_line_state CHECK (state in ('waiting', 'kept', 'refused', 'repeated')),
        CONSTRAINT tax_batch_line_reason CHECK ((state in ('refused', 'repeated')) = (reason is not null)),
        CONSTRAINT tax_batch_line_amount CHECK (amount_fen >= 0)
    )
    """)
    op.execute("CREATE UNIQUE INDEX tax_batch_line_bill ON tax_batch_line (pool, bill_no) WHERE state = 'waiting'")
    op.execute("CREATE INDEX tax_batch_line_of_bill ON tax_batch_line (pool, bill_no, batch_no)")
    op.execute("CREATE INDEX tax_batch_line_refused ON tax_batch_line (pool, bill_no) WHERE state = 'refused'")
    op.execute("""
    CREATE TABLE tax_cursor (
        pool TEXT NOT NULL,
        bill_no TEXT NOT NULL,
        PRIMARY KEY (pool)
    )
    """)
    op.execute("""
    CREATE TABLE tax_conflict (
        pool TEXT NOT NULL,
        event_id TEXT NOT NULL,
        content BYTEA NOT NULL,
        said JSONB NOT NULL,
        key_id TEXT NOT NULL,
        times INTEGER NOT NULL,
        first_at TIMESTAMP WITH TIME ZONE NOT NULL,
        last_at TIMESTAMP WITH TIME ZONE NOT NULL,
        explained_by TEXT,
        explained_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        PRIMARY KEY (pool, event_id, content),
        CONSTRAINT tax_conflict_times CHECK (times > 0),
        CONSTRAINT tax_conflict_explained CHECK (num_nulls(explained_by, explained_at, note) in (0, 3))
    )
    """)


def downgrade() -> None:
    op.drop_table("tax_conflict")
    op.drop_table("tax_cursor")
    op.drop_table("tax_batch_line")
    op.drop_table("tax_batch")
