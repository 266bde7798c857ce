"""What a pool has agreed with its suppliers."""

from alembic import op

revision = "0006_create_supplier"
down_revision = "0005_create_hukou"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE supplier (
        pool TEXT NOT NULL,
        supplier TEXT NOT NULL,
        contact TEXT,
        first_due_on DATE,
        every_months INTEGER,
        stale_after_days INTEGER,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, supplier),
        CONSTRAINT supplier_every_months CHECK (every_months between 1 and 12),
        CONSTRAINT supplier_first_due_on CHECK (every_months is null or first_due_on is not null),
        CONSTRAINT supplier_stale_after_days CHECK (stale_after_days > 0),
        CONSTRAINT supplier_version CHECK (version > 0)
    )
    """)


def downgrade() -> None:
    op.drop_table("supplier")
