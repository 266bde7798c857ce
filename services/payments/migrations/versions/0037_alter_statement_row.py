"""Rows of a statement are found in the order in which they are judged, odd ones by their result, money by its order."""

from alembic import op

revision = "0037_alter_statement_row"
down_revision = "0036_create_key_walk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP INDEX statement_row_digest")
    op.execute("DROP INDEX statement_row_result")
    op.execute(
        "CREATE INDEX statement_row_pending ON statement_row "
        "(pool, statement_id, coalesce(paid_at, '9999-12-31 00:00+00'), digest, row_no) WHERE result = 0"
    )
    op.execute("CREATE INDEX statement_row_odd ON statement_row (pool, statement_id, result, row_no) WHERE result > 1")
    op.execute(
        "CREATE INDEX submission_order ON submission (pool, channel, "
        "(coalesce(message->>'out_trade_no', message->>'orderId'))) "
        "WHERE coalesce(message->>'out_trade_no', message->>'orderId') IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DROP INDEX submission_order")
    op.execute("DROP INDEX statement_row_odd")
    op.execute("DROP INDEX statement_row_pending")
    op.execute("CREATE INDEX statement_row_result ON statement_row (pool, statement_id, result, row_no)")
    op.execute("CREATE INDEX statement_row_digest ON statement_row (pool, statement_id, digest)")
