"""Create bank."""

from alembic import op

revision = "0010_create_bank"
down_revision = "0009_create_wechat"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
