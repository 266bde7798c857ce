"""What each accepted row says of a status; statuses are worked out from these."""

from alembic import op

revision = "0008_create_status_claim"
down_revision = "0007_alter_feed"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE status_claim (
        pool TEXT NOT NULL,
        feed_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        supplier TEXT NOT NULL,
        person_id UUID NOT NULL,
        code TEXT NOT NULL,
        grade SMALLINT,
        school_region TEXT,
        valid_from DATE NOT NULL,
        valid_to DATE,
        PRIMARY KEY (pool, feed_id, row_no),
        FOREIGN KEY(pool, person_id) REFERENCES person (pool, person_id),
        FOREIGN KEY(pool, feed_id) REFERENCES feed (pool, feed_id),
        CONSTRAINT status_claim_days CHECK (valid_to >= valid_from)
    )
    """)
    # Until now a row that said nothing new left nothing behind; those that did stand in status.
    op.execute("""
    INSERT INTO status_claim
    SELECT pool, feed_id, row_no, supplier, person_id, code, grade, school_region, valid_from, valid_to FROM status
    """)
    op.execute("CREATE INDEX status_claim_person ON status_claim (pool, supplier, person_id, code, feed_id)")
    op.execute("ALTER TABLE status ADD ended_by UUID")
    op.execute("CREATE INDEX status_of_feed ON status (pool, feed_id, status_id)")
    op.execute("CREATE INDEX status_person ON status (pool, person_id)")
    op.execute("CREATE INDEX status_holders ON status (pool, code, person_id)")
    op.execute("CREATE INDEX status_supplier ON status (pool, supplier, person_id) WHERE withdrawn_at is null")


def downgrade() -> None:
    op.execute("DROP INDEX status_supplier")
    op.execute("DROP INDEX status_holders")
    op.execute("DROP INDEX status_person")
    op.execute("DROP INDEX status_of_feed")
    op.execute("ALTER TABLE status DROP ended_by")
    op.drop_table("status_claim")
