"""Statuses."""

from alembic import op

revision = "0004_create_status"
down_revision = "0003_create_feed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE status (
        pool TEXT NOT NULL,
        status_id UUID NOT NULL,
        person_id UUID NOT NULL,
        code TEXT NOT NULL,
        grade SMALLINT,
        school_region TEXT,
        valid_from DATE NOT NULL,
        valid_to DATE,
        supplier TEXT NOT NULL,
        feed_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        version INTEGER NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        withdrawn_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (pool, status_id),
        FOREIGN KEY(pool, person_id) REFERENCES person (pool, person_id),
        FOREIGN KEY(pool, feed_id) REFERENCES feed (pool, feed_id),
        CONSTRAINT status_days CHECK (valid_to >= valid_from),
        CONSTRAINT status_grade CHECK ((code = 'disabled') = (grade is not null) and grade between 1 and 4),
        CONSTRAINT status_school CHECK (code = 'student' or school_region is null),
        CONSTRAINT status_withdrawn_at CHECK (withdrawn_at >= recorded_at),
        CONSTRAINT status_version CHECK (version = case when withdrawn_at is null then 1 else 2 end)
    )
    """)
    op.execute("CREATE INDEX status_feed ON status (pool, feed_id, row_no)")
    op.execute("CREATE UNIQUE INDEX status_once ON status (pool, person_id, code, valid_from, supplier) WHERE withdrawn_at is null")


def downgrade() -> None:
    op.drop_table("status")
