"""Create cover."""

from alembic import op

revision = "0009_create_cover"
down_revision = "0008_create_assessment"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE cover (
        pool TEXT NOT NULL,
        cover_id UUID NOT NULL,
        person_id UUID NOT NULL,
        year INTEGER NOT NULL,
        scheme TEXT NOT NULL,
        enrolment_id UUID NOT NULL,
        covered_from DATE NOT NULL,
        covered_to DATE NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, cover_id),
        CONSTRAINT cover_once_a_year UNIQUE (pool, person_id, year),
        FOREIGN KEY(pool, enrolment_id) REFERENCES enrolment (pool, enrolment_id),
        CONSTRAINT cover_inside_year CHECK (covered_from <= covered_to and extract(year from covered_from) = year and extract(year from covered_to) = year)
    )
    """)
    op.execute("CREATE INDEX cover_enrolment ON cover (pool, enrolment_id)")


def downgrade() -> None:
    op.drop_table("cover")
