"""Assessments that are revised, enrolments that are withdrawn, cover that ends."""

from alembic import op

revision = "0010_alter_revision"
down_revision = "0009_create_cover"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE enrolment
        ADD COLUMN revision INTEGER NOT NULL DEFAULT 1,
        ADD COLUMN paid_revision INTEGER,
        ADD COLUMN withdrawn_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN withdrawn_reason TEXT
    """)
    op.execute("UPDATE enrolment SET paid_revision = 1 WHERE state = 'paid'")
    op.execute("""
    ALTER TABLE enrolment
        ALTER COLUMN revision DROP DEFAULT,
        DROP CONSTRAINT enrolment_person_once,
        DROP CONSTRAINT enrolment_state,
        ADD CONSTRAINT enrolment_state CHECK (state = 'withdrawn'
            or (state = 'enrolled' and num_nonnulls(bill_no, paid_fen, paid_on, paid_revision) = 0)
            or (state = 'paid' and num_nonnulls(bill_no, paid_fen, paid_on, paid_revision) = 4 and paid_fen >= 0)),
        ADD CONSTRAINT enrolment_withdrawn CHECK ((state = 'withdrawn') = (withdrawn_at is not null)
            and (withdrawn_at is null) = (withdrawn_reason is null))
    """)
    op.execute(
        "CREATE UNIQUE INDEX enrolment_person_once ON enrolment (pool, scheme, person_id) WHERE state <> 'withdrawn'"
    )
    op.execute("CREATE INDEX enrolment_person ON enrolment (pool, person_id)")
    op.execute("""
    ALTER TABLE assessment
        ADD COLUMN revision INTEGER NOT NULL DEFAULT 1,
        ADD COLUMN revises UUID,
        ADD COLUMN reason TEXT
    """)
    op.execute("""
    ALTER TABLE assessment
        ALTER COLUMN revision DROP DEFAULT,
        DROP CONSTRAINT assessment_enrolment_once,
        ADD CONSTRAINT assessment_revision_once UNIQUE (pool, enrolment_id, revision),
        ADD CONSTRAINT assessment_revises
            CHECK ((revision = 1) = (revises is null) and (revises is null) = (reason is null))
    """)
    op.execute("""
    ALTER TABLE cover
        ADD COLUMN ended_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN end_reason TEXT,
        DROP CONSTRAINT cover_once_a_year,
        ADD CONSTRAINT cover_ended CHECK ((ended_at is null) = (end_reason is null))
    """)
    op.execute("CREATE UNIQUE INDEX cover_once_a_year ON cover (pool, person_id, year) WHERE ended_at is null")


def downgrade() -> None:
    op.execute("DROP INDEX cover_once_a_year")
    op.execute("""
    ALTER TABLE cover
        DROP CONSTRAINT cover_ended,
        DROP COLUMN ended_at,
        DROP COLUMN end_reason,
        ADD CONSTRAINT cover_once_a_year UNIQUE (pool, person_id, year)
    """)
    op.execute("""
    ALTER TABLE assessment
        DROP CONSTRAINT assessment_revision_once,
        DROP CONSTRAINT assessment_revises,
        DROP COLUMN revision,
        DROP COLUMN revises,
        DROP COLUMN reason,
        ADD CONSTRAINT assessment_enrolment_once UNIQUE (pool, enrolment_id)
    """)
    op.execute("DROP INDEX enrolment_person")
    op.execute("DROP INDEX enrolment_person_once")
    op.execute("""
    ALTER TABLE enrolment
        DROP CONSTRAINT enrolment_state,
        DROP CONSTRAINT enrolment_withdrawn,
        DROP COLUMN revision,
        DROP COLUMN paid_revision,
        DROP COLUMN withdrawn_at,
        DROP COLUMN withdrawn_reason,
        ADD CONSTRAINT enrolment_person_once UNIQUE (pool, scheme, person_id),
        ADD CONSTRAINT enrolment_state CHECK (
            (state = 'enrolled' and bill_no is null and paid_fen is null and paid_on is null)
            or (state = 'paid' and bill_no is not null and paid_fen >= 0 and paid_on is not null))
    """)
