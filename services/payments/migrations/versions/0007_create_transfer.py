"""Create transfer."""

from alembic import op

revision = "0007_create_transfer"
down_revision = "0006_create_refund"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE transfer (
        pool TEXT NOT NULL,
        transfer_id UUID NOT NULL,
        kind TEXT NOT NULL,
        debit_account TEXT NOT NULL,
        credit_account TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        scheme TEXT NOT NULL,
        subject TEXT NOT NULL,
        occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, transfer_id),
        CONSTRAINT transfer_once UNIQUE (pool, kind, subject, debit_account, credit_account),
        CONSTRAINT transfer_amount CHECK (amount_fen > 0),
        CONSTRAINT transfer_accounts CHECK (debit_account <> credit_account)
    )
    """)
    op.execute("CREATE INDEX transfer_credit ON transfer (pool, credit_account)")
    op.execute("CREATE INDEX transfer_debit ON transfer (pool, debit_account)")


def downgrade() -> None:
    op.drop_table("transfer")
