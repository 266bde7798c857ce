"""Create enrolment."""

from alembic import op

revision = "0005_create_enrolment"
down_revision = "0004_create_roster"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE enrolment (
        pool TEXT NOT NULL,
        enrolment_id UUID NOT NULL,
        scheme TEXT NOT NULL,
        person_id UUID NOT NULL,
        kind TEXT NOT NULL,
        unit_code TEXT NOT NULL,
        household_no TEXT NOT NULL,
        roster_id UUID,
        state TEXT NOT NULL,
        enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL,
        bill_no TEXT,
        paid_fen BIGINT,
        paid_on DATE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, enrolment_id),
        CONSTRAINT enrolment_person_once UNIQUE (pool, scheme, person_id),
        FOREIGN KEY(pool, unit_code) REFERENCES unit (pool, unit_code),
        FOREIGN KEY(pool, roster_id) REFERENCES roster (pool, roster_id),
        CONSTRAINT enrolment_kind CHECK (kind in ('new', 'renewal', 'newborn')),
        CONSTRAINT enrolment_state CHECK ((state = 'enrolled' and bill_no is null and paid_fen is null and paid_on is null) or (state = 'paid' and bill_no is not null and paid_fen >= 0 and paid_on is not null))
    )
    """)
    op.execute("CREATE INDEX enrolment_unit ON enrolment (pool, unit_code)")


def downgrade() -> None:
    op.drop_table("enrolment")
