"""Receipts have states, fiscal numbers and red receipts; cancellations, nightly proofs, the tax bureau's certificates."""

from alembic import op

revision = "0024_create_red_receipt"
down_revision = "0023_create_tax_assessment"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE receipt_book
        ADD COLUMN last_red_number BIGINT NOT NULL DEFAULT 0,
        DROP CONSTRAINT receipt_book_number,
        ADD CONSTRAINT receipt_book_number CHECK (last_number >= 0 and last_red_number >= 0)
    """)
    op.execute("""
    ALTER TABLE receipt
        ADD COLUMN state TEXT NOT NULL DEFAULT 'issued',
        ADD COLUMN replaces BIGINT,
        DROP CONSTRAINT receipt_collection_once,
        DROP CONSTRAINT receipt_void
    """)
    op.execute("UPDATE receipt SET state = 'voided' WHERE voided_at IS NOT NULL")
    op.execute("""
    ALTER TABLE receipt
        ADD FOREIGN KEY(pool, book_code, replaces) REFERENCES receipt (pool, book_code, number),
        ADD CONSTRAINT receipt_state CHECK (state in ('issued', 'voided', 'offset')),
        ADD CONSTRAINT receipt_void CHECK (num_nulls(voided_at, void_reason) = case state when 'issued' then 2 else 0 end)
    """)
    op.execute("CREATE UNIQUE INDEX receipt_collection_once ON receipt (pool, collection_id) WHERE state = 'issued'")
    op.execute("""
    CREATE UNIQUE INDEX receipt_replaces_once ON receipt (pool, book_code, replaces) WHERE replaces is not null
    """)
    op.execute("""
    CREATE TABLE red_receipt (
        pool TEXT NOT NULL,
        book_code TEXT NOT NULL,
        number BIGINT NOT NULL,
        receipt_no TEXT NOT NULL,
        original_number BIGINT NOT NULL,
        amount_fen BIGINT NOT NULL,
        reason TEXT NOT NULL,
        issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, book_code, number),
        CONSTRAINT red_receipt_once UNIQUE (pool, book_code, original_number),
        CONSTRAINT red_receipt_no_once UNIQUE (pool, receipt_no),
        FOREIGN KEY(pool, book_code, original_number) REFERENCES receipt (pool, book_code, number),
        CONSTRAINT red_receipt_amount CHECK (amount_fen > 0 and number > 0)
    )
    """)
    op.execute("""
    CREATE TABLE receipt_stock (
        pool TEXT NOT NULL,
        code TEXT NOT NULL,
        last_number BIGINT NOT NULL,
        PRIMARY KEY (pool, code),
        CONSTRAINT receipt_stock_number CHECK (last_number between 0 and 9999999999),
        CONSTRAINT receipt_stock_poolless CHECK (pool = '000000')
    )
    """)
    op.execute("""
    CREATE TABLE receipt_segment (
        pool TEXT NOT NULL,
        segment_id UUID NOT NULL,
        book_code TEXT NOT NULL,
        series TEXT NOT NULL,
        medium TEXT NOT NULL,
        code TEXT NOT NULL,
        first_fiscal BIGINT NOT NULL,
        first_number BIGINT NOT NULL,
        last_number BIGINT NOT NULL,
        state TEXT NOT NULL,
        handed_out_by TEXT NOT NULL,
        handed_out_at TIMESTAMP WITH TIME ZONE NOT NULL,
        written_off_by TEXT,
        written_off_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, segment_id),
        CONSTRAINT receipt_segment_first UNIQUE (pool, book_code, series, first_number),
        CONSTRAINT receipt_segment_last UNIQUE (pool, book_code, series, last_number),
        CONSTRAINT receipt_segment_code CHECK (code ~ '^[0-9]{8}$'),
        CONSTRAINT receipt_segment_series CHECK (series in ('ordinary', 'red')),
        CONSTRAINT receipt_segment_medium CHECK (medium in ('paper', 'electronic')),
        CONSTRAINT receipt_segment_numbers CHECK (first_number > 0 and last_number >= first_number and first_fiscal > 0 and first_fiscal + last_number - first_number <= 9999999999),
        CONSTRAINT receipt_segment_state CHECK (state in ('handed_out', 'written_off')),
        CONSTRAINT receipt_segment_written_off CHECK (num_nulls(written_off_by, written_off_at) = case state when 'handed_out' then 2 else 0 end),
        CONSTRAINT receipt_segment_four_eyes CHECK (written_off_by <> handed_out_by)
    )
    """)
    op.execute("CREATE INDEX receipt_segment_fiscal ON receipt_segment (code, first_fiscal, pool)")
    op.execute("""
    CREATE TABLE receipt_cancellation (
        pool TEXT NOT NULL,
        cancellation_id UUID NOT NULL,
        book_code TEXT NOT NULL,
        number BIGINT NOT NULL,
        region TEXT NOT NULL,
        reason TEXT NOT NULL,
        payer_name TEXT,
        state TEXT NOT NULL,
        requested_by TEXT NOT NULL,
        requested_at TIMESTAMP WITH TIME ZONE NOT NULL,
        checked_by TEXT,
        checked_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        new_number BIGINT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, cancellation_id),
        FOREIGN KEY(pool, book_code, number) REFERENCES receipt (pool, book_code, number),
        FOREIGN KEY(pool, book_code, new_number) REFERENCES receipt (pool, book_code, number),
        CONSTRAINT receipt_cancellation_state CHECK (state in ('requested', 'confirmed', 'rejected')),
        CONSTRAINT receipt_cancellation_checked CHECK (num_nulls(checked_by, checked_at) = case state when 'requested' then 2 else 0 end),
        CONSTRAINT receipt_cancellation_new CHECK ((new_number is not null) = (state = 'confirmed')),
        CONSTRAINT receipt_cancellation_four_eyes CHECK (checked_by <> requested_by)
    )
    """)
    op.execute("""
    CREATE UNIQUE INDEX receipt_cancellation_open ON receipt_cancellation (pool, book_code, number) WHERE state = 'requested'
    """)
    op.execute("""
    CREATE TABLE receipt_proof (
        pool TEXT NOT NULL,
        book_code TEXT NOT NULL,
        day DATE NOT NULL,
        first_number BIGINT NOT NULL,
        last_number BIGINT NOT NULL,
        issued_count BIGINT NOT NULL,
        outstanding_count BIGINT NOT NULL,
        unissued_count BIGINT NOT NULL,
        missing_count BIGINT NOT NULL,
        doubled_count BIGINT NOT NULL,
        cancelled_count BIGINT NOT NULL,
        amount_fen BIGINT NOT NULL,
        digest TEXT NOT NULL,
        proven_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, book_code, day),
        CONSTRAINT receipt_proof_numbers CHECK (last_number >= first_number and first_number > 0)
    )
    """)
    op.execute("""
    CREATE TABLE tax_certificate (
        pool TEXT NOT NULL,
        certificate_id UUID NOT NULL,
        collection_id UUID NOT NULL,
        certificate_no TEXT NOT NULL,
        ticket_no TEXT,
        filled_on DATE NOT NULL,
        recorded_by TEXT NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, certificate_id),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id)
    )
    """)
    op.execute("CREATE INDEX tax_certificate_collection ON tax_certificate (pool, collection_id, certificate_id)")


def downgrade() -> None:
    for table in (
        "tax_certificate", "receipt_proof", "receipt_cancellation", "receipt_segment", "receipt_stock", "red_receipt",
    ):
        op.drop_table(table)
    op.execute("DROP INDEX receipt_replaces_once")
    op.execute("DROP INDEX receipt_collection_once")
    op.execute("ALTER TABLE receipt DROP COLUMN replaces, DROP COLUMN state")
    op.execute("""
    ALTER TABLE receipt
        ADD CONSTRAINT receipt_collection_once UNIQUE (pool, collection_id),
        ADD CONSTRAINT receipt_void CHECK ((voided_at is null) = (void_reason is null))
    """)
    op.execute("ALTER TABLE receipt_book DROP COLUMN last_red_number")
    op.execute("ALTER TABLE receipt_book ADD CONSTRAINT receipt_book_number CHECK (last_number >= 0)")
