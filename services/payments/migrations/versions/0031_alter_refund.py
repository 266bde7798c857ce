"""A payment that could not be undone is refunded, and never undone again: since when, stands with the refund."""

from alembic import op

revision = "0031_alter_refund"
down_revision = "0030_alter_shift"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE refund ADD COLUMN undo_refused_at TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    op.execute("ALTER TABLE refund DROP COLUMN undo_refused_at")
