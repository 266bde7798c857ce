"""The bank's write-off interface: its journal and its day-end checks."""

from alembic import op

revision = "0010_create_bank"
down_revision = "0009_create_wechat"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE bank_journal (
        pool TEXT NOT NULL,
        journal_id UUID NOT NULL,
        institution TEXT NOT NULL,
        bank_date DATE NOT NULL,
        bank_seq TEXT NOT NULL,
        kind TEXT NOT NULL,
        original_date DATE,
        original_seq TEXT,
        bill_no TEXT,
        amount_fen BIGINT NOT NULL,
        payer_name TEXT,
        account_masked TEXT,
        sub_channel TEXT,
        paid_at TIMESTAMP WITH TIME ZONE,
        third_state TEXT NOT NULL,
        our_state TEXT NOT NULL,
        host_state TEXT NOT NULL,
        collection_id UUID,
        content_hash BYTEA,
        answer JSONB,
        evidence_id UUID NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        checked_on DATE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, journal_id),
        CONSTRAINT bank_journal_serial UNIQUE (pool, institution, bank_date, bank_seq),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        FOREIGN KEY(pool, evidence_id) REFERENCES evidence (pool, evidence_id),
        CONSTRAINT bank_journal_standing CHECK ((kind, third_state, our_state, host_state) in (
            ('pay', 'pending', 'pending', 'done'),
            ('pay', 'done', 'done', 'done'),
            ('pay', 'untouched', 'done', 'done'),
            ('pay', 'reversed', 'reversed', 'reversed'),
            ('pay', 'untouched', 'reversed', 'reversed'),
            ('pay', 'reversed', 'reversed', 'done'),
            ('pay', 'untouched', 'reversed', 'done'),
            ('pay', 'pending', 'pending', 'reversed'),
            ('pay', 'untouched', 'refused', 'reversed'),
            ('reverse', 'pending', 'pending', 'done'),
            ('reverse', 'done', 'done', 'done'),
            ('reverse', 'untouched', 'done', 'done'),
            ('reverse', 'untouched', 'untouched', 'done'),
            ('reverse', 'untouched', 'refused', 'pending')
        )),
        CONSTRAINT bank_journal_amount CHECK (amount_fen > 0),
        CONSTRAINT bank_journal_original CHECK ((kind = 'reverse') = (original_seq is not null) and (original_seq is null) = (original_date is null)),
        CONSTRAINT bank_journal_booked CHECK (kind = 'reverse' or (our_state in ('done', 'reversed')) = (collection_id is not null))
    )
    """)
    op.execute("CREATE INDEX bank_journal_bill ON bank_journal (pool, bill_no)")
    op.execute("CREATE INDEX bank_journal_collection ON bank_journal (pool, collection_id)")
    op.execute(
        "CREATE UNIQUE INDEX bank_journal_reversed_once ON bank_journal (pool, institution, original_date, original_seq) "
        "WHERE kind = 'reverse' and our_state = 'done'"
    )
    op.execute("""
    CREATE TABLE bank_check (
        pool TEXT NOT NULL,
        institution TEXT NOT NULL,
        bank_date DATE NOT NULL,
        bank_seq TEXT NOT NULL,
        check_date DATE NOT NULL,
        pay_count BIGINT NOT NULL,
        pay_fen BIGINT NOT NULL,
        reverse_count BIGINT NOT NULL,
        reverse_fen BIGINT NOT NULL,
        our_pay_count BIGINT NOT NULL,
        our_pay_fen BIGINT NOT NULL,
        our_reverse_count BIGINT NOT NULL,
        our_reverse_fen BIGINT NOT NULL,
        agreed BOOLEAN NOT NULL,
        file_name TEXT NOT NULL,
        content_hash BYTEA NOT NULL,
        answer JSONB NOT NULL,
        evidence_id UUID NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, institution, bank_date, bank_seq),
        FOREIGN KEY(pool, evidence_id) REFERENCES evidence (pool, evidence_id),
        CONSTRAINT bank_check_agreed CHECK (agreed = ((pay_count, pay_fen, reverse_count, reverse_fen)
            = (our_pay_count, our_pay_fen, our_reverse_count, our_reverse_fen)))
    )
    """)
    op.execute("CREATE INDEX bank_check_day ON bank_check (pool, institution, check_date)")


def downgrade() -> None:
    op.drop_table("bank_check")
    op.drop_table("bank_journal")
