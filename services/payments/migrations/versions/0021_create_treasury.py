"""Vouchers, the treasury's packages with their rows, what was remitted up."""

from alembic import op

revision = "0021_create_treasury"
down_revision = "0020_create_webhook"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE treasury_voucher (
        pool TEXT NOT NULL,
        voucher_id UUID NOT NULL,
        voucher_no TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        collections_count INTEGER NOT NULL,
        handed_on DATE NOT NULL,
        covers JSONB NOT NULL,
        recorded_by TEXT NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        withdrawn_by TEXT,
        withdrawn_at TIMESTAMP WITH TIME ZONE,
        withdraw_reason TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, voucher_id),
        CONSTRAINT treasury_voucher_amount CHECK (amount_fen > 0 and collections_count > 0),
        CONSTRAINT treasury_voucher_withdrawn CHECK (num_nulls(withdrawn_by, withdrawn_at, withdraw_reason) in (0, 3))
    )
    """)
    op.execute("""
    CREATE UNIQUE INDEX treasury_voucher_once ON treasury_voucher (pool, voucher_no) WHERE withdrawn_at is null
    """)
    op.execute("""
    CREATE TABLE collection_voucher (
        pool TEXT NOT NULL,
        link_id UUID NOT NULL,
        collection_id UUID NOT NULL,
        voucher_no TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        voucher_id UUID,
        live BOOLEAN NOT NULL,
        PRIMARY KEY (pool, link_id),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        FOREIGN KEY(pool, voucher_id) REFERENCES treasury_voucher (pool, voucher_id),
        CONSTRAINT collection_voucher_amount CHECK (amount_fen > 0)
    )
    """)
    op.execute("CREATE INDEX collection_voucher_no ON collection_voucher (pool, voucher_no) WHERE live")
    op.execute("CREATE UNIQUE INDEX collection_voucher_once ON collection_voucher (pool, collection_id) WHERE live")
    op.execute("""
    CREATE TABLE treasury_package (
        pool TEXT NOT NULL,
        package_id UUID NOT NULL,
        message_no TEXT NOT NULL,
        office TEXT NOT NULL,
        day DATE NOT NULL,
        pack_no TEXT NOT NULL,
        issue INTEGER NOT NULL,
        parts INTEGER NOT NULL,
        told_count INTEGER NOT NULL,
        told_fen BIGINT,
        result TEXT NOT NULL,
        detail TEXT NOT NULL,
        state TEXT NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, package_id),
        CONSTRAINT treasury_package_state CHECK (state in ('incomplete', 'differs', 'accepted', 'replaced')),
        CONSTRAINT treasury_package_message CHECK (message_no in ('3122', '3123', '3126', '9110')),
        CONSTRAINT treasury_package_counts CHECK (issue > 0 and parts > 0 and told_count >= 0)
    )
    """)
    op.execute("""
    CREATE UNIQUE INDEX treasury_package_day ON treasury_package (pool, message_no, office, day)
    WHERE state = 'accepted' and message_no <> '9110'
    """)
    op.execute("""
    CREATE UNIQUE INDEX treasury_package_issue ON treasury_package (pool, message_no, office, day, pack_no, issue)
    """)
    op.execute("""
    CREATE TABLE treasury_part (
        pool TEXT NOT NULL,
        package_id UUID NOT NULL,
        part_no INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        evidence_id UUID NOT NULL,
        rows_count INTEGER NOT NULL,
        amount_fen BIGINT NOT NULL,
        received_by TEXT NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, package_id, part_no),
        FOREIGN KEY(pool, package_id) REFERENCES treasury_package (pool, package_id),
        FOREIGN KEY(pool, evidence_id) REFERENCES evidence (pool, evidence_id),
        CONSTRAINT treasury_part_counts CHECK (part_no > 0 and rows_count >= 0)
    )
    """)
    op.execute("CREATE INDEX treasury_part_bytes ON treasury_part (pool, sha256)")
    op.execute("""
    CREATE TABLE treasury_row (
        pool TEXT NOT NULL,
        package_id UUID NOT NULL,
        part_no INTEGER NOT NULL,
        row_no INTEGER NOT NULL,
        voucher_no TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        entrust_date TEXT,
        order_pack TEXT,
        order_no TEXT,
        success BOOLEAN NOT NULL,
        content JSONB NOT NULL,
        PRIMARY KEY (pool, package_id, part_no, row_no),
        FOREIGN KEY(pool, package_id, part_no) REFERENCES treasury_part (pool, package_id, part_no),
        CONSTRAINT treasury_row_no CHECK (row_no > 0)
    )
    """)
    op.execute("CREATE INDEX treasury_row_voucher ON treasury_row (pool, voucher_no)")
    op.execute("""
    CREATE TABLE treasury_remitted (
        pool TEXT NOT NULL,
        remitted_id UUID NOT NULL,
        office TEXT NOT NULL,
        posted_on DATE NOT NULL,
        remitted_on DATE NOT NULL,
        amount_fen BIGINT NOT NULL,
        document_no TEXT NOT NULL,
        recorded_by TEXT NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        withdrawn_by TEXT,
        withdrawn_at TIMESTAMP WITH TIME ZONE,
        withdraw_reason TEXT,
        PRIMARY KEY (pool, remitted_id),
        CONSTRAINT treasury_remitted_amount CHECK (amount_fen > 0),
        CONSTRAINT treasury_remitted_after CHECK (remitted_on >= posted_on),
        CONSTRAINT treasury_remitted_withdrawn CHECK (num_nulls(withdrawn_by, withdrawn_at, withdraw_reason) in (0, 3))
    )
    """)
    op.execute("""
    CREATE UNIQUE INDEX treasury_remitted_once ON treasury_remitted (pool, office, posted_on) WHERE withdrawn_at is null
    """)
    op.execute("""
    CREATE TABLE treasury_counter (
        pool TEXT NOT NULL,
        name TEXT NOT NULL,
        last_number BIGINT NOT NULL,
        PRIMARY KEY (pool, name),
        CONSTRAINT treasury_counter_number CHECK (last_number >= 0)
    )
    """)
    # The tax bureau's confirmations have always named their vouchers.
    op.execute("""
    INSERT INTO collection_voucher (pool, link_id, collection_id, voucher_no, amount_fen, voucher_id, live)
    SELECT c.pool, gen_random_uuid(), c.collection_id, s.message->>'voucher_no', c.amount_fen, NULL, TRUE
    FROM collection AS c JOIN submission AS s ON s.pool = c.pool AND s.submission_id = c.submission_id
    WHERE c.channel = 'etax' AND s.message->>'voucher_no' IS NOT NULL
    """)


def downgrade() -> None:
    op.drop_table("treasury_counter")
    op.drop_table("treasury_remitted")
    op.drop_table("treasury_row")
    op.drop_table("treasury_part")
    op.drop_table("treasury_package")
    op.drop_table("collection_voucher")
    op.drop_table("treasury_voucher")
