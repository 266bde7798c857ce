"""A bank's reversal is found by its original, whatever has become of it."""

from alembic import op

revision = "0039_alter_bank_journal"
down_revision = "0038_alter_audit_line"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE INDEX bank_journal_original ON bank_journal (pool, institution, original_seq, original_date)
    WHERE kind = 'reverse'
    """)


def downgrade() -> None:
    op.execute("DROP INDEX bank_journal_original")
