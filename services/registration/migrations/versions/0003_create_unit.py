"""Create unit."""

from alembic import op

revision = "0003_create_unit"
down_revision = "0002_create_package_version"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE unit (
        pool TEXT NOT NULL,
        unit_code TEXT NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        region TEXT NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, unit_code),
        CONSTRAINT unit_kind CHECK (kind in ('village', 'school', 'institution'))
    )
    """)


def downgrade() -> None:
    op.drop_table("unit")
