"""Audit lines are found by the persons they concern and by who acted."""

from alembic import op

from shared.tables import SHARED_TABLES_4

revision = "0006_alter_audit_line"
down_revision = "0005_create_key_walk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in SHARED_TABLES_4:
        op.execute(statement)


def downgrade() -> None:
    for index in ("audit_line_actor", "audit_line_persons"):
        op.execute(f"drop index {index}")
