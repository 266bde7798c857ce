"""Keys change while the service runs: how far each sealed column is, and a key of its own for each file."""

from alembic import op

from shared.tables import SHARED_TABLES_3

revision = "0005_create_key_walk"
down_revision = "0004_create_webhook"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in SHARED_TABLES_3:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("key_walk")
    # Files that were handed in since can be read with their own keys alone.
    op.execute("""
    DO $$ BEGIN
        IF EXISTS (SELECT FROM evidence WHERE key_sealed IS NOT NULL) THEN
            RAISE EXCEPTION 'there are files with keys of their own';
        END IF;
    END $$
    """)
    op.drop_column("evidence", "erased_at")
    op.drop_column("evidence", "key_sealed")
