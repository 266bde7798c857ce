"""Create tax."""

from alembic import op

revision = "0008_create_tax"
down_revision = "0007_create_transfer"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
