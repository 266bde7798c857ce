"""Statements, their rows, what rows stand for, and breaks."""

from alembic import op

revision = "0013_create_statement"
down_revision = "0012_create_remittance"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE statement (
        pool TEXT NOT NULL,
        statement_id UUID NOT NULL,
        channel TEXT NOT NULL,
        institution TEXT NOT NULL,
        day DATE NOT NULL,
        file_version INTEGER NOT NULL,
        layout TEXT NOT NULL,
        file_name TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        size_bytes BIGINT NOT NULL,
        evidence_id UUID,
        state TEXT NOT NULL,
        rows_taken INTEGER NOT NULL,
        told_count INTEGER,
        told_fen BIGINT,
        told_back_fen BIGINT,
        found_count INTEGER,
        found_fen BIGINT,
        found_back_fen BIGINT,
        received_by TEXT NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE,
        judged_by TEXT,
        judged_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        look_on DATE,
        due_on DATE NOT NULL,
        overdue BOOLEAN NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, statement_id),
        CONSTRAINT statement_file_version UNIQUE (pool, channel, institution, day, file_version),
        CONSTRAINT statement_once UNIQUE (pool, channel, institution, day, sha256),
        FOREIGN KEY(pool, evidence_id) REFERENCES evidence (pool, evidence_id),
        CONSTRAINT statement_state CHECK (state in ('received', 'differs', 'accepted', 'rejected', 'replaced')),
        CONSTRAINT statement_counts CHECK (rows_taken >= 0 and file_version > 0),
        CONSTRAINT statement_taken_at CHECK (state in ('received', 'replaced') or taken_at is not null),
        CONSTRAINT statement_judged CHECK (state not in ('accepted', 'rejected') or judged_by is not null),
        CONSTRAINT statement_judged_at CHECK ((judged_by is null) = (judged_at is null)),
        CONSTRAINT statement_four_eyes CHECK (judged_by <> received_by)
    )
    """)
    op.execute("CREATE INDEX statement_look ON statement (pool, look_on) WHERE look_on is not null")
    op.execute("""
    CREATE UNIQUE INDEX statement_one_accepted ON statement (pool, channel, institution, day) WHERE state = 'accepted'
    """)
    op.execute("CREATE INDEX statement_waiting ON statement (pool, statement_id) WHERE state = 'received'")
    op.execute("""
    CREATE TABLE statement_row (
        pool TEXT NOT NULL,
        statement_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        line_no INTEGER NOT NULL,
        raw BYTEA NOT NULL,
        digest BYTEA NOT NULL,
        kind TEXT NOT NULL,
        status TEXT NOT NULL,
        reference TEXT,
        order_no TEXT,
        amount_fen BIGINT,
        paid_at TIMESTAMP WITH TIME ZONE,
        payer_name TEXT,
        faults JSONB NOT NULL,
        result SMALLINT NOT NULL,
        judged_on DATE,
        PRIMARY KEY (pool, statement_id, row_no),
        FOREIGN KEY(pool, statement_id) REFERENCES statement (pool, statement_id),
        CONSTRAINT statement_row_kind CHECK (kind in ('payment', 'reversal', 'refund')),
        CONSTRAINT statement_row_status CHECK (status in ('success', 'open', 'failed', 'unknown')),
        CONSTRAINT statement_row_result CHECK (result between 0 and 11),
        CONSTRAINT statement_row_amount CHECK (row_no > 0 and amount_fen >= 0)
    )
    """)
    op.execute("CREATE INDEX statement_row_back ON statement_row (pool, statement_id) WHERE kind = 'reversal'")
    op.execute("CREATE INDEX statement_row_digest ON statement_row (pool, statement_id, digest)")
    op.execute("CREATE INDEX statement_row_reference ON statement_row (pool, statement_id, reference)")
    op.execute("CREATE INDEX statement_row_result ON statement_row (pool, statement_id, result, row_no)")
    op.execute("""
    CREATE TABLE statement_match (
        pool TEXT NOT NULL,
        subject_kind TEXT NOT NULL,
        subject_pool TEXT NOT NULL,
        subject_id UUID NOT NULL,
        statement_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        amount_fen BIGINT NOT NULL,
        cleared_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (pool, subject_kind, subject_pool, subject_id),
        FOREIGN KEY(pool, statement_id, row_no) REFERENCES statement_row (pool, statement_id, row_no),
        CONSTRAINT statement_match_kind CHECK (subject_kind in ('collection', 'refund')),
        CONSTRAINT statement_match_amount CHECK (amount_fen > 0)
    )
    """)
    op.execute("CREATE INDEX statement_match_row ON statement_match (pool, statement_id, row_no)")
    op.execute("CREATE INDEX statement_match_uncleared ON statement_match (pool, statement_id) WHERE cleared_at is null")
    op.execute("""
    CREATE TABLE statement_break (
        pool TEXT NOT NULL,
        break_id UUID NOT NULL,
        kind TEXT NOT NULL,
        channel TEXT NOT NULL,
        institution TEXT NOT NULL,
        day DATE NOT NULL,
        statement_id UUID,
        row_no INTEGER,
        collection_id UUID,
        channel_fen BIGINT,
        our_fen BIGINT,
        owner TEXT NOT NULL,
        state TEXT NOT NULL,
        opened_on DATE NOT NULL,
        due_on DATE NOT NULL,
        overdue BOOLEAN NOT NULL,
        resolution TEXT,
        reason TEXT,
        bill_no TEXT,
        proposed_by TEXT,
        proposed_at TIMESTAMP WITH TIME ZONE,
        approved_by TEXT,
        approved_at TIMESTAMP WITH TIME ZONE,
        answer TEXT,
        booked_id UUID,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, break_id),
        FOREIGN KEY(pool, statement_id) REFERENCES statement (pool, statement_id),
        FOREIGN KEY(pool, statement_id, row_no) REFERENCES statement_row (pool, statement_id, row_no),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        FOREIGN KEY(pool, booked_id) REFERENCES collection (pool, collection_id),
        CONSTRAINT statement_break_kind CHECK (kind in ('amount_differs', 'channel_failed', 'channel_missing', 'ours_missing', 'host_missing', 'duplicate', 'unknown', 'data_differs', 'totals_differ', 'statement_missing')),
        CONSTRAINT statement_break_state CHECK (state in ('open', 'proposed', 'resolved', 'superseded')),
        CONSTRAINT statement_break_resolution CHECK (resolution in ('book', 'reverse', 'correct', 'confirm', 'ignore', 'wait')),
        CONSTRAINT statement_break_proposed CHECK (num_nulls(resolution, reason, proposed_by, proposed_at) in (0, 4) and (state not in ('proposed', 'resolved') or resolution is not null)),
        CONSTRAINT statement_break_approved CHECK (state <> 'resolved' or approved_by is not null),
        CONSTRAINT statement_break_approved_at CHECK ((approved_by is null) = (approved_at is null)),
        CONSTRAINT statement_break_four_eyes CHECK (approved_by <> proposed_by)
    )
    """)
    op.execute("CREATE INDEX statement_break_collection ON statement_break (pool, collection_id)")
    op.execute("""
    CREATE UNIQUE INDEX statement_break_missing ON statement_break (pool, collection_id) WHERE row_no is null and collection_id is not null and state <> 'superseded'
    """)
    op.execute("""
    CREATE UNIQUE INDEX statement_break_no_file ON statement_break (pool, channel, institution, day) WHERE kind = 'statement_missing' and state <> 'superseded'
    """)
    op.execute("""
    CREATE UNIQUE INDEX statement_break_row ON statement_break (pool, statement_id, row_no) WHERE row_no is not null and state <> 'superseded'
    """)
    op.execute("CREATE INDEX statement_break_state ON statement_break (pool, state, break_id)")
    op.execute("""
    CREATE UNIQUE INDEX statement_break_totals ON statement_break (pool, statement_id) WHERE kind = 'totals_differ'
    """)
    op.execute("CREATE INDEX collection_channel_paid ON collection (pool, channel, paid_at)")
    op.execute("CREATE INDEX submission_parent ON submission (pool, channel, regexp_replace(reference, '/[^/]*$', ''))")


def downgrade() -> None:
    op.drop_index("submission_parent", "submission")
    op.drop_index("collection_channel_paid", "collection")
    op.drop_table("statement_break")
    op.drop_table("statement_match")
    op.drop_table("statement_row")
    op.drop_table("statement")
