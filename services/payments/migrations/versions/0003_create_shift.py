"""Create shift."""

from alembic import op

revision = "0003_create_shift"
down_revision = "0002_create_bill"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE shift (
        pool TEXT NOT NULL,
        shift_id UUID NOT NULL,
        counter_code TEXT NOT NULL,
        region TEXT NOT NULL,
        clerk TEXT NOT NULL,
        status TEXT NOT NULL,
        opening_float_fen BIGINT NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        expected_cash_fen BIGINT,
        counted_cash_fen BIGINT,
        takings_fen BIGINT,
        note TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, shift_id),
        CONSTRAINT shift_status CHECK (status in ('open', 'closed')),
        CONSTRAINT shift_amounts CHECK (opening_float_fen >= 0 and counted_cash_fen >= 0)
    )
    """)
    op.execute("CREATE UNIQUE INDEX shift_one_open ON shift (pool, counter_code) WHERE status = 'open'")


def downgrade() -> None:
    op.drop_table("shift")
