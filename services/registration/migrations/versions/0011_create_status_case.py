"""Create status_case."""

from alembic import op

revision = "0011_create_status_case"
down_revision = "0010_alter_revision"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE status_case (
        pool TEXT NOT NULL,
        case_id UUID NOT NULL,
        scheme TEXT NOT NULL,
        person_id UUID NOT NULL,
        enrolment_id UUID NOT NULL,
        assessment_id UUID NOT NULL,
        kind TEXT NOT NULL,
        state TEXT NOT NULL,
        found_on DATE NOT NULL,
        status TEXT,
        payable_fen BIGINT NOT NULL,
        would_be_fen BIGINT NOT NULL,
        rules JSONB NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_by TEXT,
        decided_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, case_id),
        CONSTRAINT status_case_once UNIQUE (pool, assessment_id, kind, would_be_fen),
        FOREIGN KEY(pool, assessment_id) REFERENCES assessment (pool, assessment_id),
        CONSTRAINT status_case_kind CHECK (kind in ('recognised_late', 'excluded_late', 'withdrawn_after_payment')),
        CONSTRAINT status_case_noted CHECK ((kind = 'withdrawn_after_payment') = (state = 'noted')),
        CONSTRAINT status_case_state CHECK (state in ('open', 'approved', 'declined', 'noted')),
        CONSTRAINT status_case_decided CHECK (num_nonnulls(decided_by, decided_at, note)
            = case when state in ('approved', 'declined') then 3 else 0 end)
    )
    """)
    op.execute("CREATE INDEX status_case_state_id ON status_case (pool, state, case_id)")


def downgrade() -> None:
    op.drop_table("status_case")
