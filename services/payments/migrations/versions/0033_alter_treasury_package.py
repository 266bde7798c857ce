"""What its channel has paid of a refund; why one was given up; which answers of the treasury were acted on."""

from alembic import op

revision = "0033_alter_treasury_package"
down_revision = "0032_alter_withholding_return"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE refund ADD COLUMN told_fen BIGINT, ADD COLUMN give_up_note TEXT")
    # The note had taken the place of what the channel said.
    op.execute("""
    UPDATE refund SET give_up_note = coalesce(detail, '-'), detail = NULL WHERE given_up_by IS NOT NULL
    """)
    op.execute("ALTER TABLE refund DROP CONSTRAINT refund_given_up")
    op.execute("""
    ALTER TABLE refund
        ADD CONSTRAINT refund_given_up CHECK ((given_up_by is null) = (give_up_note is null) and (given_up_by is null or (state = 'failed' and given_up_by <> paid_by))),
        ADD CONSTRAINT refund_told CHECK (told_fen is null or (state = 'abnormal' and told_fen <> amount_fen))
    """)
    # Answers that are here count as not acted on: each is heard once more, which changes nothing where it agrees with
    # our books, and tells of it where it does not.
    op.execute("ALTER TABLE treasury_package ADD COLUMN acted_at TIMESTAMP WITH TIME ZONE")
    op.execute("""
    ALTER TABLE treasury_package
        ADD CONSTRAINT treasury_package_acted CHECK (acted_at is null or message_no = '9110')
    """)
    op.execute("""
    CREATE INDEX treasury_package_unheard ON treasury_package (pool, package_id)
        WHERE message_no = '9110' and state = 'accepted' and acted_at is null
    """)


def downgrade() -> None:
    op.execute("DROP INDEX treasury_package_unheard")
    op.execute("ALTER TABLE treasury_package DROP CONSTRAINT treasury_package_acted, DROP COLUMN acted_at")
    op.execute("ALTER TABLE refund DROP CONSTRAINT refund_told, DROP CONSTRAINT refund_given_up")
    op.execute("UPDATE refund SET detail = give_up_note WHERE given_up_by IS NOT NULL")
    op.execute("""
    ALTER TABLE refund
        ADD CONSTRAINT refund_given_up CHECK (given_up_by is null or (state = 'failed' and given_up_by <> paid_by)),
        DROP COLUMN told_fen, DROP COLUMN give_up_note
    """)
