"""Create collection."""

from alembic import op

revision = "0004_create_collection"
down_revision = "0003_create_shift"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE submission (
        pool TEXT NOT NULL,
        submission_id UUID NOT NULL,
        channel TEXT NOT NULL,
        reference TEXT NOT NULL,
        bill_no TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        paid_at TIMESTAMP WITH TIME ZONE NOT NULL,
        message JSONB NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, submission_id),
        CONSTRAINT submission_reference UNIQUE (pool, channel, reference),
        CONSTRAINT submission_amount CHECK (amount_fen > 0)
    )
    """)
    op.execute("""
    CREATE TABLE collection (
        pool TEXT NOT NULL,
        collection_id UUID NOT NULL,
        submission_id UUID NOT NULL,
        channel TEXT NOT NULL,
        method TEXT NOT NULL,
        bill_no TEXT NOT NULL,
        scheme TEXT,
        person_id UUID,
        region TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        refunded_fen BIGINT NOT NULL,
        payer_name TEXT NOT NULL,
        payer_id UUID,
        shift_id UUID,
        paid_at TIMESTAMP WITH TIME ZONE NOT NULL,
        booked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT,
        receipt_no TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, collection_id),
        CONSTRAINT collection_submission UNIQUE (pool, submission_id),
        FOREIGN KEY(pool, submission_id) REFERENCES submission (pool, submission_id),
        FOREIGN KEY(pool, shift_id) REFERENCES shift (pool, shift_id),
        CONSTRAINT collection_amount CHECK (amount_fen > 0),
        CONSTRAINT collection_refunded CHECK (refunded_fen between 0 and amount_fen),
        CONSTRAINT collection_outcome CHECK (outcome in ('settled', 'surplus', 'suspense')),
        CONSTRAINT collection_reason CHECK ((outcome = 'settled') = (reason is null)),
        CONSTRAINT collection_receipt CHECK ((outcome = 'suspense') = (receipt_no is null))
    )
    """)
    op.execute("CREATE INDEX collection_bill ON collection (pool, bill_no)")
    op.execute("CREATE INDEX collection_payer ON collection (pool, payer_id, collection_id)")
    op.execute("CREATE INDEX collection_person ON collection (pool, person_id, collection_id)")
    op.execute("CREATE UNIQUE INDEX collection_settles_once ON collection (pool, bill_no) WHERE outcome = 'settled'")
    op.execute("CREATE INDEX collection_shift ON collection (pool, shift_id)")


def downgrade() -> None:
    op.drop_table("collection")
    op.drop_table("submission")
