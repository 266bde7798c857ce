"""Batches of ledger lines that agents' devices made without network, and what became of each line."""

from alembic import op

revision = "0026_create_ledger_batch"
down_revision = "0025_create_withholding"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE ledger_batch (
        pool TEXT NOT NULL,
        batch_id UUID NOT NULL,
        ledger_id UUID NOT NULL,
        batch_no TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        file_name TEXT NOT NULL,
        size_bytes BIGINT NOT NULL,
        evidence_id UUID,
        state TEXT NOT NULL,
        lines_count INTEGER NOT NULL,
        lines_taken INTEGER NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        received_by TEXT NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, batch_id),
        CONSTRAINT ledger_batch_once UNIQUE (pool, ledger_id, sha256),
        FOREIGN KEY(pool, ledger_id) REFERENCES ledger (pool, ledger_id),
        FOREIGN KEY(pool, evidence_id) REFERENCES evidence (pool, evidence_id),
        CONSTRAINT ledger_batch_state CHECK (state in ('received', 'taken')),
        CONSTRAINT ledger_batch_lines CHECK (lines_count > 0 and lines_taken between 0 and lines_count),
        CONSTRAINT ledger_batch_whole CHECK (state <> 'taken' or lines_taken = lines_count),
        CONSTRAINT ledger_batch_taken_at CHECK ((state = 'taken') = (taken_at is not null))
    )
    """)
    op.execute("CREATE INDEX ledger_batch_waiting ON ledger_batch (pool, batch_id) WHERE state = 'received'")
    op.execute("""
    CREATE TABLE ledger_batch_line (
        pool TEXT NOT NULL,
        batch_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        line_no INTEGER,
        result TEXT NOT NULL,
        known BOOLEAN NOT NULL,
        collection_id UUID,
        receipt_no TEXT,
        reason TEXT,
        detail TEXT,
        PRIMARY KEY (pool, batch_id, row_no),
        FOREIGN KEY(pool, batch_id) REFERENCES ledger_batch (pool, batch_id),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        CONSTRAINT ledger_batch_line_refused CHECK ((result = 'refused') = (detail is not null)),
        CONSTRAINT ledger_batch_line_number CHECK (line_no is not null or result = 'refused')
    )
    """)
    op.execute(
        "CREATE INDEX ledger_batch_line_refused_rows ON ledger_batch_line (pool, batch_id, row_no) "
        "WHERE result = 'refused'"
    )


def downgrade() -> None:
    op.drop_table("ledger_batch_line")
    op.drop_table("ledger_batch")
