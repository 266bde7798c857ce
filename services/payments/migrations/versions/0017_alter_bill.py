"""Bills carry the masked name of the person, so that whoever pays can see for whom."""

from alembic import op

revision = "0017_alter_bill"
down_revision = "0016_alter_settles"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE bill ADD COLUMN name_masked TEXT")


def downgrade() -> None:
    op.execute("ALTER TABLE bill DROP COLUMN name_masked")
