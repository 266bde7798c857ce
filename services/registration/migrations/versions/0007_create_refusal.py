"""Create refusal."""

from alembic import op

revision = "0007_create_refusal"
down_revision = "0006_create_roster_row"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE refusal (
        pool TEXT NOT NULL,
        scheme TEXT NOT NULL,
        person_id UUID NOT NULL,
        code TEXT NOT NULL,
        unit_code TEXT NOT NULL,
        refused_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, scheme, person_id, code),
        FOREIGN KEY(pool, unit_code) REFERENCES unit (pool, unit_code)
    )
    """)


def downgrade() -> None:
    op.drop_table("refusal")
