"""Create statement."""

from alembic import op

revision = "0013_create_statement"
down_revision = "0012_create_remittance"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
