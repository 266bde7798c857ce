"""Refunds through the treasury: accounts of payees, packages, their lines."""

from alembic import op

revision = "0022_create_treasury_refund"
down_revision = "0021_create_treasury"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE refund_account (
        pool TEXT NOT NULL,
        application_id UUID NOT NULL,
        sealed BYTEA NOT NULL,
        recorded_by TEXT NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        confirmed_by TEXT,
        confirmed_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, application_id),
        CONSTRAINT refund_account_confirmed CHECK (num_nulls(confirmed_by, confirmed_at) in (0, 2)),
        CONSTRAINT refund_account_four_eyes CHECK (confirmed_by <> recorded_by)
    )
    """)
    op.execute("""
    CREATE TABLE refund_package (
        pool TEXT NOT NULL,
        refund_package_id UUID NOT NULL,
        office TEXT NOT NULL,
        entrust_date DATE NOT NULL,
        pack_no TEXT NOT NULL,
        message_id TEXT NOT NULL,
        items_count INTEGER NOT NULL,
        total_fen BIGINT NOT NULL,
        state TEXT NOT NULL,
        detail TEXT,
        built_at TIMESTAMP WITH TIME ZONE NOT NULL,
        asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
        tries INTEGER NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, refund_package_id),
        CONSTRAINT refund_package_number UNIQUE (pool, office, entrust_date, pack_no),
        CONSTRAINT refund_package_state CHECK (state in ('built', 'sent', 'answered', 'refused')),
        CONSTRAINT refund_package_amounts CHECK (items_count > 0 and total_fen > 0)
    )
    """)
    op.execute("""
    CREATE INDEX refund_package_waiting ON refund_package (pool, asked_at) WHERE state in ('built', 'sent')
    """)
    op.execute("""
    CREATE TABLE refund_package_item (
        pool TEXT NOT NULL,
        refund_package_id UUID NOT NULL,
        tra_no TEXT NOT NULL,
        refund_id UUID NOT NULL,
        amount_fen BIGINT NOT NULL,
        draw_back_no TEXT NOT NULL,
        voucher_no TEXT NOT NULL,
        sealed BYTEA NOT NULL,
        account_by TEXT NOT NULL,
        confirmed_by TEXT NOT NULL,
        paid_by TEXT NOT NULL,
        PRIMARY KEY (pool, refund_package_id, tra_no),
        CONSTRAINT refund_package_item_once UNIQUE (pool, refund_id),
        FOREIGN KEY(pool, refund_package_id) REFERENCES refund_package (pool, refund_package_id),
        FOREIGN KEY(pool, refund_id) REFERENCES refund (pool, refund_id),
        CONSTRAINT refund_package_item_amount CHECK (amount_fen > 0),
        CONSTRAINT refund_package_item_four_eyes CHECK (account_by not in (confirmed_by, paid_by))
    )
    """)


def downgrade() -> None:
    op.drop_table("refund_package_item")
    op.drop_table("refund_package")
    op.drop_table("refund_account")
