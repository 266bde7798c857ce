"""Create bill."""

from alembic import op

revision = "0002_create_bill"
down_revision = "0001_create_shared"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE bill (
        pool TEXT NOT NULL,
        bill_no TEXT NOT NULL,
        assessment_id UUID NOT NULL,
        scheme TEXT NOT NULL,
        person_id UUID NOT NULL,
        unit_code TEXT NOT NULL,
        region TEXT NOT NULL,
        standard_fen BIGINT NOT NULL,
        amount_fen BIGINT NOT NULL,
        lines JSONB NOT NULL,
        "window" JSONB NOT NULL,
        status TEXT NOT NULL,
        issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
        paid_on DATE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, bill_no),
        CONSTRAINT bill_assessment UNIQUE (pool, assessment_id),
        CONSTRAINT bill_amount CHECK (amount_fen between 0 and standard_fen),
        CONSTRAINT bill_status CHECK (status in ('open', 'paid', 'voided')),
        CONSTRAINT bill_no_begins_with_pool CHECK (bill_no like pool || '%%'),
        CONSTRAINT bill_paid_on CHECK ((status = 'paid') = (paid_on is not null))
    )
    """)
    op.execute("CREATE INDEX bill_person ON bill (pool, person_id)")
    op.execute("CREATE INDEX bill_status_no ON bill (pool, status, bill_no)")


def downgrade() -> None:
    op.drop_table("bill")
