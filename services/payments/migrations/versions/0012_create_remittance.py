"""Create remittance."""

from alembic import op

revision = "0012_create_remittance"
down_revision = "0011_create_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
