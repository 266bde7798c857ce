"""Household registration."""

from alembic import op

revision = "0005_create_hukou"
down_revision = "0004_create_status"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE hukou (
        pool TEXT NOT NULL,
        hukou_id UUID NOT NULL,
        person_id UUID NOT NULL,
        region TEXT NOT NULL,
        household_no TEXT,
        since DATE,
        feed_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, hukou_id),
        CONSTRAINT hukou_once UNIQUE NULLS NOT DISTINCT (pool, person_id, since, region, household_no),
        FOREIGN KEY(pool, person_id) REFERENCES person (pool, person_id),
        FOREIGN KEY(pool, feed_id) REFERENCES feed (pool, feed_id),
        CONSTRAINT hukou_region CHECK (region ~ '^[1-9][0-9]{11}$')
    )
    """)
    op.execute("CREATE INDEX hukou_feed ON hukou (pool, feed_id, row_no)")


def downgrade() -> None:
    op.drop_table("hukou")
