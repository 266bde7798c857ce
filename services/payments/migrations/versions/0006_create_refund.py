"""Create refund."""

from alembic import op

revision = "0006_create_refund"
down_revision = "0005_create_receipt"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE refund (
        pool TEXT NOT NULL,
        refund_id UUID NOT NULL,
        application_id UUID NOT NULL,
        collection_id UUID NOT NULL,
        shift_id UUID NOT NULL,
        scheme TEXT NOT NULL,
        method TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        paid_to TEXT NOT NULL,
        paid_by TEXT NOT NULL,
        settled_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, refund_id),
        CONSTRAINT refund_application_once UNIQUE (pool, application_id),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        FOREIGN KEY(pool, shift_id) REFERENCES shift (pool, shift_id),
        CONSTRAINT refund_amount CHECK (amount_fen > 0)
    )
    """)
    op.execute("CREATE INDEX refund_collection ON refund (pool, collection_id)")
    op.execute("CREATE INDEX refund_shift ON refund (pool, shift_id)")


def downgrade() -> None:
    op.drop_table("refund")
