"""Whoever wrote down a voucher, or what was remitted up, does not take it back."""

from alembic import op

revision = "0034_alter_treasury_voucher"
down_revision = "0033_alter_treasury_package"
branch_labels = None
depends_on = None

_TABLES = ("treasury_voucher", "treasury_remitted")


def upgrade() -> None:
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_four_eyes CHECK (withdrawn_by <> recorded_by)")


def downgrade() -> None:
    for table in _TABLES:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_four_eyes")
