"""Create application."""

from alembic import op

revision = "0002_create_application"
down_revision = "0001_create_shared"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE application (
        pool TEXT NOT NULL,
        application_id UUID NOT NULL,
        scheme TEXT NOT NULL,
        collection_id UUID NOT NULL,
        bill_no TEXT NOT NULL,
        person_id UUID,
        region TEXT NOT NULL,
        ground TEXT NOT NULL,
        state TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        applicant_name TEXT NOT NULL,
        applicant_id UUID,
        explanation TEXT,
        reasons JSONB NOT NULL,
        requested_on DATE NOT NULL,
        requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
        requested_by TEXT NOT NULL,
        checked_by TEXT,
        checked_at TIMESTAMP WITH TIME ZONE,
        check_note TEXT,
        decided_by TEXT,
        decided_at TIMESTAMP WITH TIME ZONE,
        decision_note TEXT,
        refund_id UUID,
        shift_id UUID,
        method TEXT,
        paid_by TEXT,
        paying_since TIMESTAMP WITH TIME ZONE,
        asked_at TIMESTAMP WITH TIME ZONE,
        payout_refusals JSONB NOT NULL,
        paid_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, application_id),
        CONSTRAINT application_refund_once UNIQUE (pool, refund_id),
        CONSTRAINT application_state CHECK (state in ('requested', 'refused', 'checked', 'approved', 'paying', 'paid', 'rejected')),
        CONSTRAINT application_amount CHECK (amount_fen > 0 or (state = 'refused' and amount_fen = 0)),
        CONSTRAINT application_reasons CHECK ((state in ('refused', 'rejected')) = (jsonb_array_length(reasons) > 0)),
        CONSTRAINT application_checked CHECK ((state in ('requested', 'refused')) = (checked_by is null) and (checked_by is null) = (checked_at is null)),
        CONSTRAINT application_decided CHECK ((state = 'rejected' or (state in ('approved', 'paying', 'paid')) = (decided_by is not null)) and (decided_by is null) = (decided_at is null)),
        CONSTRAINT application_paying CHECK (num_nonnulls(refund_id, shift_id, method, paid_by) = case when state in ('paying', 'paid') then 4 else 0 end and num_nonnulls(paying_since, asked_at) = case when state = 'paying' then 2 else 0 end),
        CONSTRAINT application_paid CHECK ((state = 'paid') = (paid_at is not null)),
        CONSTRAINT application_four_eyes CHECK (checked_by <> requested_by and decided_by <> requested_by and paid_by <> requested_by and paid_by <> checked_by and paid_by <> decided_by)
    )
    """)
    op.execute("CREATE INDEX application_asked ON application (pool, asked_at) WHERE state = 'paying'")
    op.execute("""
    CREATE UNIQUE INDEX application_found_once ON application (pool, collection_id) WHERE requested_by = 'system'
    """)
    op.execute("CREATE INDEX application_person ON application (pool, person_id)")
    op.execute("""
    CREATE UNIQUE INDEX application_standing ON application (pool, collection_id) WHERE state not in ('refused', 'rejected')
    """)
    op.execute("CREATE INDEX application_state_id ON application (pool, state, application_id)")


def downgrade() -> None:
    op.drop_table("application")
