"""The work list of names and numbers that may mean several persons."""

from alembic import op

revision = "0010_create_match_case"
down_revision = "0009_alter_hukou"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE match_case (
        pool TEXT NOT NULL,
        case_id UUID NOT NULL,
        given_hash BYTEA NOT NULL,
        given_sealed BYTEA NOT NULL,
        candidates JSONB NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        person_id UUID,
        decided_by TEXT,
        decided_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, case_id),
        CONSTRAINT match_case_once UNIQUE (pool, given_hash),
        FOREIGN KEY(pool, person_id) REFERENCES person (pool, person_id),
        CONSTRAINT match_case_decided_by CHECK ((decided_by is null) = (decided_at is null)),
        CONSTRAINT match_case_person CHECK (person_id is null or decided_at is not null),
        CONSTRAINT match_case_version CHECK (version = case when decided_at is null then 1 else 2 end)
    )
    """)
    op.execute("CREATE INDEX match_case_open ON match_case (pool, case_id) WHERE decided_at is null")


def downgrade() -> None:
    op.drop_table("match_case")
