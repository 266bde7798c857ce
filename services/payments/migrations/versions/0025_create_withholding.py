"""Agreements, batches of withholding, their lines, and the files that the bank sends back."""

from alembic import op

revision = "0025_create_withholding"
down_revision = "0024_create_red_receipt"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE agreement (
        pool TEXT NOT NULL,
        agreement_id UUID NOT NULL,
        region TEXT NOT NULL,
        institution TEXT NOT NULL,
        agreement_no TEXT NOT NULL,
        payer_name TEXT NOT NULL,
        payer_id UUID,
        account BYTEA NOT NULL,
        account_masked TEXT NOT NULL,
        signed_on DATE NOT NULL,
        valid_until DATE,
        state TEXT NOT NULL,
        recorded_by TEXT NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        withdrawn_by TEXT,
        withdrawn_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, agreement_id),
        CONSTRAINT agreement_number UNIQUE (pool, institution, agreement_no),
        CONSTRAINT agreement_state CHECK (state in ('valid', 'withdrawn')),
        CONSTRAINT agreement_valid CHECK (valid_until >= signed_on),
        CONSTRAINT agreement_withdrawn CHECK ((state = 'withdrawn') = (withdrawn_at is not null))
    )
    """)
    op.execute(
        "CREATE INDEX agreement_institution ON agreement (pool, institution, agreement_id) WHERE state = 'valid'"
    )
    op.execute("""
    CREATE TABLE agreement_person (
        pool TEXT NOT NULL,
        agreement_id UUID NOT NULL,
        person_id UUID NOT NULL,
        standing BOOLEAN NOT NULL,
        PRIMARY KEY (pool, agreement_id, person_id),
        FOREIGN KEY(pool, agreement_id) REFERENCES agreement (pool, agreement_id)
    )
    """)
    op.execute("CREATE UNIQUE INDEX agreement_person_once ON agreement_person (pool, person_id) WHERE standing")
    op.execute("""
    CREATE TABLE withholding (
        pool TEXT NOT NULL,
        withholding_id UUID NOT NULL,
        institution TEXT NOT NULL,
        batch_no TEXT NOT NULL,
        debit_on DATE NOT NULL,
        state TEXT NOT NULL,
        line_count INTEGER NOT NULL,
        total_fen BIGINT NOT NULL,
        built_by TEXT NOT NULL,
        built_at TIMESTAMP WITH TIME ZONE NOT NULL,
        released_by TEXT,
        released_at TIMESTAMP WITH TIME ZONE,
        file_id UUID,
        refusal TEXT,
        note TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, withholding_id),
        CONSTRAINT withholding_number UNIQUE (pool, institution, batch_no),
        FOREIGN KEY(pool, file_id) REFERENCES evidence (pool, evidence_id),
        CONSTRAINT withholding_state CHECK (state in ('built', 'sent', 'returned', 'closed', 'refused', 'cancelled')),
        CONSTRAINT withholding_totals CHECK (line_count >= 0 and total_fen >= 0),
        CONSTRAINT withholding_released CHECK ((state in ('built', 'cancelled')) = (released_by is null) and num_nulls(released_by, released_at, file_id) in (0, 3)),
        CONSTRAINT withholding_four_eyes CHECK (released_by <> built_by)
    )
    """)
    op.execute("""
    CREATE TABLE withholding_line (
        pool TEXT NOT NULL,
        withholding_id UUID NOT NULL,
        bill_no TEXT NOT NULL,
        seq INTEGER,
        agreement_id UUID NOT NULL,
        amount_fen BIGINT NOT NULL,
        state TEXT NOT NULL,
        debited_fen BIGINT,
        debited_at TIMESTAMP WITH TIME ZONE,
        collection_id UUID,
        message TEXT,
        PRIMARY KEY (pool, withholding_id, bill_no),
        CONSTRAINT withholding_line_seq UNIQUE (pool, withholding_id, seq),
        FOREIGN KEY(pool, withholding_id) REFERENCES withholding (pool, withholding_id),
        FOREIGN KEY(pool, bill_no) REFERENCES bill (pool, bill_no),
        FOREIGN KEY(pool, agreement_id) REFERENCES agreement (pool, agreement_id),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        CONSTRAINT withholding_line_state CHECK (state in ('asked', 'debited', 'partial', 'failed', 'dropped')),
        CONSTRAINT withholding_line_amount CHECK (amount_fen > 0),
        CONSTRAINT withholding_line_booked CHECK ((state in ('debited', 'partial')) = (collection_id is not null) and num_nulls(debited_fen, debited_at, collection_id) in (0, 3) and (state <> 'debited' or debited_fen = amount_fen) and (state <> 'partial' or debited_fen <> amount_fen))
    )
    """)
    op.execute("CREATE UNIQUE INDEX withholding_line_asked ON withholding_line (pool, bill_no) WHERE state = 'asked'")
    op.execute("CREATE INDEX withholding_line_bill ON withholding_line (pool, bill_no)")
    op.execute("CREATE INDEX withholding_line_collection ON withholding_line (pool, collection_id)")
    op.execute("""
    CREATE TABLE withholding_return (
        pool TEXT NOT NULL,
        withholding_id UUID NOT NULL,
        return_no INTEGER NOT NULL,
        kind TEXT NOT NULL,
        file_name TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        evidence_id UUID NOT NULL,
        state TEXT NOT NULL,
        told JSONB,
        found JSONB,
        lines_taken INTEGER NOT NULL,
        faults JSONB NOT NULL,
        received_by TEXT NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        judged_by TEXT,
        judged_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, withholding_id, return_no),
        CONSTRAINT withholding_return_bytes UNIQUE (pool, withholding_id, sha256),
        FOREIGN KEY(pool, withholding_id) REFERENCES withholding (pool, withholding_id),
        FOREIGN KEY(pool, evidence_id) REFERENCES evidence (pool, evidence_id),
        CONSTRAINT withholding_return_kind CHECK (kind in ('interim', 'final', 'refusal')),
        CONSTRAINT withholding_return_state CHECK (state in ('accepted', 'differs', 'rejected', 'taken')),
        CONSTRAINT withholding_return_taken CHECK (lines_taken >= 0),
        CONSTRAINT withholding_return_four_eyes CHECK (judged_by <> received_by),
        CONSTRAINT withholding_return_judged CHECK (state <> 'rejected' or judged_by is not null)
    )
    """)
    op.execute("""
    CREATE INDEX withholding_return_waiting ON withholding_return (pool, received_at) WHERE state = 'accepted'
    """)


def downgrade() -> None:
    op.drop_table("withholding_return")
    op.drop_table("withholding_line")
    op.drop_table("withholding")
    op.drop_table("agreement_person")
    op.drop_table("agreement")
