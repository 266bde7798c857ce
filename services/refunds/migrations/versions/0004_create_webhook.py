"""The tables of webhooks, which every service has."""

from alembic import op

from shared.tables import SHARED_TABLES_2

revision = "0004_create_webhook"
down_revision = "0003_alter_routes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in SHARED_TABLES_2:
        op.execute(statement)


def downgrade() -> None:
    for table in ("webhook_delivery", "webhook"):
        op.drop_table(table)
