"""Create assessment and assessment_line."""

from alembic import op

revision = "0008_create_assessment"
down_revision = "0007_create_refusal"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE assessment (
        pool TEXT NOT NULL,
        assessment_id UUID NOT NULL,
        enrolment_id UUID NOT NULL,
        scheme TEXT NOT NULL,
        package TEXT NOT NULL,
        person_id UUID NOT NULL,
        unit_code TEXT NOT NULL,
        assessed_for DATE NOT NULL,
        standard_fen BIGINT NOT NULL,
        payable_fen BIGINT NOT NULL,
        covered_from DATE NOT NULL,
        covered_to DATE NOT NULL,
        not_applied JSONB NOT NULL,
        rules JSONB NOT NULL,
        issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, assessment_id),
        CONSTRAINT assessment_enrolment_once UNIQUE (pool, enrolment_id),
        FOREIGN KEY(pool, enrolment_id) REFERENCES enrolment (pool, enrolment_id),
        FOREIGN KEY(pool, scheme, package) REFERENCES package_version (pool, scheme, version),
        CONSTRAINT assessment_payable CHECK (payable_fen between 0 and standard_fen),
        CONSTRAINT assessment_cover CHECK (covered_from <= covered_to)
    )
    """)
    op.execute("CREATE INDEX assessment_person ON assessment (pool, scheme, person_id)")
    op.execute("""
    CREATE TABLE assessment_line (
        pool TEXT NOT NULL,
        assessment_id UUID NOT NULL,
        line_no INTEGER NOT NULL,
        payer TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        status TEXT,
        rules JSONB NOT NULL,
        PRIMARY KEY (pool, assessment_id, line_no),
        FOREIGN KEY(pool, assessment_id) REFERENCES assessment (pool, assessment_id),
        CONSTRAINT assessment_line_amount CHECK (amount_fen > 0)
    )
    """)


def downgrade() -> None:
    op.drop_table("assessment_line")
    op.drop_table("assessment")
