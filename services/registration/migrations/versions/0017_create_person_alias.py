"""Persons who turned out to be one, and enrolments of one human being that stand twice."""

from alembic import op

revision = "0017_create_person_alias"
down_revision = "0016_create_webhook"
branch_labels = None
depends_on = None

_KINDS = (
    "'recognised_late', 'excluded_late', 'withdrawn_after_payment', 'corrected_after_payment'"
)


def upgrade() -> None:
    op.execute("""
    CREATE TABLE person_alias (
        pool TEXT NOT NULL,
        person_id UUID NOT NULL,
        surviving_id UUID NOT NULL,
        PRIMARY KEY (pool, person_id),
        CONSTRAINT person_alias_two CHECK (person_id <> surviving_id)
    )
    """)
    op.execute("CREATE INDEX person_alias_surviving ON person_alias (pool, surviving_id)")
    op.execute(f"""
    ALTER TABLE status_case
        DROP CONSTRAINT status_case_kind,
        ADD CONSTRAINT status_case_kind CHECK (kind in ({_KINDS}, 'enrolled_twice'))
    """)


def downgrade() -> None:
    op.execute("DELETE FROM status_case WHERE kind = 'enrolled_twice'")
    op.execute(f"""
    ALTER TABLE status_case
        DROP CONSTRAINT status_case_kind,
        ADD CONSTRAINT status_case_kind CHECK (kind in ({_KINDS}))
    """)
    op.drop_table("person_alias")
