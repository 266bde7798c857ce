"""The tables that every service has."""

from alembic import op

from shared.tables import SHARED_TABLES_1

revision = "0001_create_shared"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in SHARED_TABLES_1:
        op.execute(statement)


def downgrade() -> None:
    for table in ("evidence_part", "evidence", "idempotency_key", "follow_cursor", "audit_line", "event", "chain_head"):
        op.drop_table(table)
