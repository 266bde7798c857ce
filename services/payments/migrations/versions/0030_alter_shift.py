"""Cash waits for its deposit slip, and what a drawer holds more or less is booked by a second person."""

from alembic import op

revision = "0030_alter_shift"
down_revision = "0029_create_pos_sale"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE shift
        ADD COLUMN denominations JSONB,
        ADD COLUMN deposit_fen BIGINT,
        ADD COLUMN deposit_due_on DATE,
        ADD COLUMN difference_note TEXT,
        ADD COLUMN difference_booked_by TEXT,
        ADD COLUMN difference_booked_at TIMESTAMP WITH TIME ZONE
    """)
    # The cash of shifts that were closed before went to the special account at once.
    op.execute("""
    UPDATE shift SET deposit_fen = 0, deposit_due_on = cast(closed_at AT TIME ZONE 'Asia/Shanghai' AS DATE)
        WHERE status = 'closed'
    """)
    op.execute("""
    UPDATE shift SET difference_note = coalesce(note, '-'), difference_booked_by = 'system',
        difference_booked_at = closed_at
        WHERE status = 'closed' AND expected_cash_fen <> counted_cash_fen
    """)
    op.execute("ALTER TABLE shift DROP CONSTRAINT shift_status")
    op.execute("""
    ALTER TABLE shift
        ADD CONSTRAINT shift_status CHECK (status in ('open', 'differs', 'closed')),
        ADD CONSTRAINT shift_closing CHECK (num_nulls(closed_at, expected_cash_fen, counted_cash_fen, takings_fen, deposit_fen, deposit_due_on) = case status when 'open' then 6 else 0 end),
        ADD CONSTRAINT shift_difference CHECK (status = 'open' or (status = 'differs') = (expected_cash_fen <> counted_cash_fen and difference_booked_at is null)),
        ADD CONSTRAINT shift_booked CHECK (num_nulls(difference_note, difference_booked_by, difference_booked_at) in (0, 3)),
        ADD CONSTRAINT shift_four_eyes CHECK (difference_booked_by <> clerk)
    """)
    op.execute("""
    CREATE TABLE remittance_shift (
        pool TEXT NOT NULL,
        remittance_id UUID NOT NULL,
        shift_id UUID NOT NULL,
        amount_fen BIGINT NOT NULL,
        live BOOLEAN NOT NULL,
        PRIMARY KEY (pool, remittance_id, shift_id),
        FOREIGN KEY(pool, remittance_id) REFERENCES remittance (pool, remittance_id),
        FOREIGN KEY(pool, shift_id) REFERENCES shift (pool, shift_id),
        CONSTRAINT remittance_shift_amount CHECK (amount_fen <> 0)
    )
    """)
    op.execute("CREATE UNIQUE INDEX remittance_shift_once ON remittance_shift (pool, shift_id) WHERE live")


def downgrade() -> None:
    op.drop_table("remittance_shift")
    op.execute("""
    ALTER TABLE shift
        DROP CONSTRAINT shift_status, DROP CONSTRAINT shift_closing, DROP CONSTRAINT shift_difference,
        DROP CONSTRAINT shift_booked, DROP CONSTRAINT shift_four_eyes
    """)
    op.execute("UPDATE shift SET status = 'closed' WHERE status = 'differs'")
    op.execute("ALTER TABLE shift ADD CONSTRAINT shift_status CHECK (status in ('open', 'closed'))")
    op.execute("""
    ALTER TABLE shift
        DROP COLUMN denominations, DROP COLUMN deposit_fen, DROP COLUMN deposit_due_on, DROP COLUMN difference_note,
        DROP COLUMN difference_booked_by, DROP COLUMN difference_booked_at
    """)
