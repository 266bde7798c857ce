"""Card terminals of the counters, and card sales under the names of their slips."""

from alembic import op

revision = "0029_create_pos_sale"
down_revision = "0028_create_settlement"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE pos_terminal (
        pool TEXT NOT NULL,
        terminal_no TEXT NOT NULL,
        shop_no TEXT NOT NULL,
        counter_code TEXT NOT NULL,
        region TEXT NOT NULL,
        registered_by TEXT NOT NULL,
        registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        withdrawn_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (pool, terminal_no)
    )
    """)
    op.execute("CREATE INDEX pos_terminal_counter ON pos_terminal (pool, counter_code)")
    op.execute("""
    CREATE TABLE pos_sale (
        pool TEXT NOT NULL,
        terminal_no TEXT NOT NULL,
        batch_no TEXT NOT NULL,
        trace_no TEXT NOT NULL,
        reference_no TEXT,
        shift_id UUID NOT NULL,
        state TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        items JSONB NOT NULL,
        paid_at TIMESTAMP WITH TIME ZONE NOT NULL,
        void_trace_no TEXT,
        voided_at TIMESTAMP WITH TIME ZONE,
        voided_by TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, terminal_no, batch_no, trace_no),
        FOREIGN KEY(pool, shift_id) REFERENCES shift (pool, shift_id),
        CONSTRAINT pos_sale_state CHECK (state in ('charged', 'voided')),
        CONSTRAINT pos_sale_amount CHECK (amount_fen > 0),
        CONSTRAINT pos_sale_voided CHECK (num_nulls(void_trace_no, voided_at, voided_by) = case state when 'voided' then 0 else 3 end),
        CONSTRAINT pos_sale_void_trace CHECK (void_trace_no <> trace_no)
    )
    """)
    op.execute(
        "CREATE UNIQUE INDEX pos_sale_void_once ON pos_sale (pool, terminal_no, batch_no, void_trace_no) "
        "WHERE void_trace_no IS NOT NULL"
    )
    op.execute("CREATE INDEX pos_sale_shift ON pos_sale (pool, shift_id)")


def downgrade() -> None:
    op.drop_table("pos_sale")
    op.drop_table("pos_terminal")
