"""Who lives where: hukou statements are found by their region."""

from alembic import op

revision = "0018_alter_hukou"
down_revision = "0017_alter_audit_line"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX hukou_region_person ON hukou (pool, region, person_id)")


def downgrade() -> None:
    op.execute("DROP INDEX hukou_region_person")
