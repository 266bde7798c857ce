"""A file says in which archive its bytes lie, once its scheme-year is over."""

from alembic import op

from shared.tables import SHARED_TABLES_5

revision = "0040_alter_evidence"
down_revision = "0039_alter_bank_journal"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in SHARED_TABLES_5:
        op.execute(statement)


def downgrade() -> None:
    # What lies in an archive is brought back first (`python -m deploy.archive restore`).
    op.execute("""
    DO $$ BEGIN
        IF EXISTS (SELECT FROM evidence WHERE archived_in IS NOT NULL) THEN
            RAISE EXCEPTION 'there are files in archives';
        END IF;
    END $$
    """)
    op.drop_column("evidence", "archived_in")
