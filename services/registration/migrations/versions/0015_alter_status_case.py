"""More that is due by a correction of the package, after payment, is noted."""

from alembic import op

revision = "0015_alter_status_case"
down_revision = "0014_create_package_run"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE status_case
        DROP CONSTRAINT status_case_kind,
        DROP CONSTRAINT status_case_noted,
        ADD CONSTRAINT status_case_kind CHECK (kind in
            ('recognised_late', 'excluded_late', 'withdrawn_after_payment', 'corrected_after_payment')),
        ADD CONSTRAINT status_case_noted
            CHECK ((kind in ('withdrawn_after_payment', 'corrected_after_payment')) = (state = 'noted'))
    """)


def downgrade() -> None:
    op.execute("DELETE FROM status_case WHERE kind = 'corrected_after_payment'")
    op.execute("""
    ALTER TABLE status_case
        DROP CONSTRAINT status_case_kind,
        DROP CONSTRAINT status_case_noted,
        ADD CONSTRAINT status_case_kind CHECK (kind in ('recognised_late', 'excluded_late', 'withdrawn_after_payment')),
        ADD CONSTRAINT status_case_noted CHECK ((kind = 'withdrawn_after_payment') = (state = 'noted'))
    """)
