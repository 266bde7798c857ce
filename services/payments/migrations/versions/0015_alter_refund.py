"""Refunds that take their time: back through the channel that the money came by. Those made before were paid at once."""

from alembic import op

revision = "0015_alter_refund"
down_revision = "0014_alter_reversal"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE refund
        ALTER COLUMN shift_id DROP NOT NULL,
        ALTER COLUMN settled_at DROP NOT NULL,
        ADD COLUMN state TEXT NOT NULL DEFAULT 'settled',
        ADD COLUMN reference TEXT,
        ADD COLUMN detail TEXT,
        ADD COLUMN submitted_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN failed_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN given_up_by TEXT,
        ADD COLUMN waiting_since TIMESTAMP WITH TIME ZONE,
        ADD COLUMN asked_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN tries INTEGER NOT NULL DEFAULT 0,
        ADD COLUMN version INTEGER NOT NULL DEFAULT 1
    """)
    op.execute("UPDATE refund SET submitted_at = settled_at")
    op.execute("""
    ALTER TABLE refund
        ALTER COLUMN state DROP DEFAULT,
        ALTER COLUMN tries DROP DEFAULT,
        ALTER COLUMN version DROP DEFAULT,
        ALTER COLUMN submitted_at SET NOT NULL,
        DROP CONSTRAINT refund_application_once,
        ADD CONSTRAINT refund_state CHECK (state in ('submitted', 'processing', 'settled', 'abnormal', 'failed')),
        ADD CONSTRAINT refund_settled CHECK ((state = 'settled') = (settled_at is not null)),
        ADD CONSTRAINT refund_failed CHECK ((state = 'failed') = (failed_at is not null)),
        ADD CONSTRAINT refund_given_up CHECK (given_up_by is null or (state = 'failed' and given_up_by <> paid_by)),
        ADD CONSTRAINT refund_shift_given CHECK ((method in ('cash', 'pos_return')) = (shift_id is not null)),
        ADD CONSTRAINT refund_at_counter CHECK (shift_id is null or state = 'settled'),
        ADD CONSTRAINT refund_waiting CHECK ((state in ('settled', 'failed')) = (waiting_since is null)),
        ADD CONSTRAINT refund_asked_at CHECK ((shift_id is null) = (asked_at is not null))
    """)
    op.execute("CREATE UNIQUE INDEX refund_application_live ON refund (pool, application_id) WHERE state <> 'failed'")
    op.execute("CREATE INDEX refund_asked ON refund (pool, asked_at) WHERE state in ('submitted', 'processing')")


def downgrade() -> None:
    op.execute("DROP INDEX refund_asked")
    op.execute("DROP INDEX refund_application_live")
    op.execute("""
    ALTER TABLE refund
        DROP CONSTRAINT refund_state,
        DROP CONSTRAINT refund_settled,
        DROP CONSTRAINT refund_failed,
        DROP CONSTRAINT refund_given_up,
        DROP CONSTRAINT refund_shift_given,
        DROP CONSTRAINT refund_at_counter,
        DROP CONSTRAINT refund_waiting,
        DROP CONSTRAINT refund_asked_at,
        DROP COLUMN state,
        DROP COLUMN reference,
        DROP COLUMN detail,
        DROP COLUMN submitted_at,
        DROP COLUMN failed_at,
        DROP COLUMN given_up_by,
        DROP COLUMN waiting_since,
        DROP COLUMN asked_at,
        DROP COLUMN tries,
        DROP COLUMN version,
        ALTER COLUMN shift_id SET NOT NULL,
        ALTER COLUMN settled_at SET NOT NULL,
        ADD CONSTRAINT refund_application_once UNIQUE (pool, application_id)
    """)
