"""Create roster_row."""

from alembic import op

revision = "0006_create_roster_row"
down_revision = "0005_create_enrolment"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE roster_row (
        pool TEXT NOT NULL,
        roster_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        scheme TEXT NOT NULL,
        outcome TEXT NOT NULL,
        person_id UUID,
        enrolment_id UUID,
        reasons JSONB NOT NULL,
        PRIMARY KEY (pool, roster_id, row_no),
        FOREIGN KEY(pool, roster_id) REFERENCES roster (pool, roster_id),
        FOREIGN KEY(pool, enrolment_id) REFERENCES enrolment (pool, enrolment_id),
        CONSTRAINT roster_row_outcome CHECK ((outcome = 'enrolled' and person_id is not null and enrolment_id is not null) or (outcome = 'refused' and person_id is not null and enrolment_id is null) or (outcome = 'rejected' and person_id is null and enrolment_id is null)),
        CONSTRAINT roster_row_reasons CHECK ((outcome = 'enrolled') = (reasons = '[]'))
    )
    """)
    op.execute("CREATE INDEX roster_row_person ON roster_row (pool, scheme, person_id)")


def downgrade() -> None:
    op.drop_table("roster_row")
