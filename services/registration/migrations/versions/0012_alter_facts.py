"""Enrolments keep the facts by which they were assessed; a scheme may state no cover.

Enrolments from before are of schemes whose rates go by none of these facts but the kind of enrolment and, for newborns,
the day of birth, on which their cover begins; the rest is filled in as of a local resident.
"""

from alembic import op

revision = "0012_alter_facts"
down_revision = "0011_create_status_case"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE enrolment ADD COLUMN facts JSONB")
    op.execute("""
    UPDATE enrolment e SET facts = jsonb_build_object(
        'birth_date', a.covered_from, 'hukou', u.region, 'hukou_since', null, 'residence', u.region,
        'registered_on', cast(e.enrolled_at at time zone 'Asia/Shanghai' as date), 'sex', null,
        'residence_permit', false, 'former_scheme', null, 'missed_years', 0, 'repaired_years', 0,
        'hukou_kind', null, 'child_hukou_here', null, 'pension_elsewhere', null)
    FROM assessment a, unit u
    WHERE a.pool = e.pool AND a.enrolment_id = e.enrolment_id AND a.revision = e.revision
        AND u.pool = e.pool AND u.unit_code = e.unit_code
    """)
    op.execute("ALTER TABLE enrolment ALTER COLUMN facts SET NOT NULL")
    op.execute("""
    ALTER TABLE assessment
        ALTER COLUMN covered_from DROP NOT NULL,
        ALTER COLUMN covered_to DROP NOT NULL,
        ADD CONSTRAINT assessment_covered CHECK ((covered_from is null) = (covered_to is null))
    """)


def downgrade() -> None:
    op.execute("""
    ALTER TABLE assessment
        DROP CONSTRAINT assessment_covered,
        ALTER COLUMN covered_from SET NOT NULL,
        ALTER COLUMN covered_to SET NOT NULL
    """)
    op.execute("ALTER TABLE enrolment DROP COLUMN facts")
