"""Erasure of a person's name and numbers, by two people."""

from alembic import op

revision = "0019_create_person_erasure"
down_revision = "0018_alter_hukou"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE person_erasure (
        pool TEXT NOT NULL,
        erasure_id UUID NOT NULL,
        person_id UUID NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        requested_by TEXT NOT NULL,
        requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_by TEXT,
        decided_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, erasure_id),
        FOREIGN KEY(pool, person_id) REFERENCES person (pool, person_id),
        CONSTRAINT person_erasure_state CHECK (state in ('requested', 'erased', 'declined')),
        CONSTRAINT person_erasure_decided
            CHECK ((state = 'requested') = (decided_by is null) and (decided_by is null) = (decided_at is null)),
        CONSTRAINT person_erasure_four_eyes CHECK (decided_by <> requested_by),
        CONSTRAINT person_erasure_version CHECK (version > 0)
    )
    """)
    op.execute("""
    CREATE UNIQUE INDEX person_erasure_once ON person_erasure (pool, person_id) WHERE state = 'requested'
    """)


def downgrade() -> None:
    op.drop_table("person_erasure")
