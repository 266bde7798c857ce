"""Create ledger."""

from alembic import op

revision = "0011_create_ledger"
down_revision = "0010_create_bank"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
