"""Create wechat."""

from alembic import op

revision = "0009_create_wechat"
down_revision = "0008_create_tax"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
