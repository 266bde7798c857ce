"""Slips with what stands in them, and receipts of claims on other payers."""

from alembic import op

revision = "0012_create_remittance"
down_revision = "0011_create_ledger"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE remittance (
        pool TEXT NOT NULL,
        remittance_id UUID NOT NULL,
        from_account TEXT NOT NULL,
        to_account TEXT NOT NULL,
        ledger_id UUID,
        region TEXT NOT NULL,
        scheme TEXT NOT NULL,
        items_count INTEGER NOT NULL,
        total_fen BIGINT NOT NULL,
        interest_fen BIGINT NOT NULL,
        paid_on DATE NOT NULL,
        bank_reference TEXT NOT NULL,
        status TEXT NOT NULL,
        submitted_by TEXT NOT NULL,
        submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        checked_by TEXT,
        checked_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, remittance_id),
        FOREIGN KEY(pool, ledger_id) REFERENCES ledger (pool, ledger_id),
        CONSTRAINT remittance_status CHECK (status in ('submitted', 'confirmed', 'rejected')),
        CONSTRAINT remittance_checked CHECK (num_nulls(checked_by, checked_at) = case status when 'submitted' then 2 else 0 end),
        CONSTRAINT remittance_four_eyes CHECK (checked_by <> submitted_by),
        CONSTRAINT remittance_amounts CHECK (total_fen > 0 and interest_fen >= 0 and items_count > 0),
        CONSTRAINT remittance_accounts CHECK (from_account <> to_account)
    )
    """)
    op.execute("""
    CREATE UNIQUE INDEX remittance_bank_reference ON remittance (pool, bank_reference, paid_on) WHERE status <> 'rejected'
    """)
    op.execute("CREATE INDEX remittance_from ON remittance (pool, from_account)")
    op.execute("CREATE INDEX remittance_to ON remittance (pool, to_account)")
    op.execute("""
    CREATE TABLE remittance_receipt (
        pool TEXT NOT NULL,
        remittance_id UUID NOT NULL,
        collection_id UUID NOT NULL,
        receipt_no TEXT,
        amount_fen BIGINT NOT NULL,
        live BOOLEAN NOT NULL,
        PRIMARY KEY (pool, remittance_id, collection_id),
        FOREIGN KEY(pool, remittance_id) REFERENCES remittance (pool, remittance_id),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        CONSTRAINT remittance_receipt_amount CHECK (amount_fen > 0)
    )
    """)
    op.execute("CREATE UNIQUE INDEX remittance_receipt_once ON remittance_receipt (pool, collection_id) WHERE live")
    op.execute("""
    CREATE TABLE remittance_part (
        pool TEXT NOT NULL,
        remittance_id UUID NOT NULL,
        part_id UUID NOT NULL,
        amount_fen BIGINT NOT NULL,
        live BOOLEAN NOT NULL,
        PRIMARY KEY (pool, remittance_id, part_id),
        FOREIGN KEY(pool, remittance_id) REFERENCES remittance (pool, remittance_id),
        FOREIGN KEY(pool, part_id) REFERENCES remittance (pool, remittance_id),
        CONSTRAINT remittance_part_amount CHECK (amount_fen > 0 and part_id <> remittance_id)
    )
    """)
    op.execute("CREATE UNIQUE INDEX remittance_part_once ON remittance_part (pool, part_id) WHERE live")
    op.execute("""
    CREATE TABLE claim_receipt (
        pool TEXT NOT NULL,
        claim_receipt_id UUID NOT NULL,
        payer TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        due_fen BIGINT,
        received_on DATE NOT NULL,
        bank_reference TEXT NOT NULL,
        status TEXT NOT NULL,
        submitted_by TEXT NOT NULL,
        submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        checked_by TEXT,
        checked_at TIMESTAMP WITH TIME ZONE,
        note TEXT,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, claim_receipt_id),
        CONSTRAINT claim_receipt_status CHECK (status in ('submitted', 'confirmed', 'rejected')),
        CONSTRAINT claim_receipt_checked CHECK (num_nulls(checked_by, checked_at) = case status when 'submitted' then 2 else 0 end),
        CONSTRAINT claim_receipt_four_eyes CHECK (checked_by <> submitted_by),
        CONSTRAINT claim_receipt_due CHECK ((status = 'confirmed') = (due_fen is not null)),
        CONSTRAINT claim_receipt_amount CHECK (amount_fen > 0 and amount_fen <= due_fen)
    )
    """)
    op.execute("""
    CREATE UNIQUE INDEX claim_receipt_bank_reference ON claim_receipt (pool, payer, bank_reference, received_on) WHERE status <> 'rejected'
    """)
    op.execute("CREATE INDEX claim_receipt_payer ON claim_receipt (pool, payer, claim_receipt_id)")


def downgrade() -> None:
    op.drop_table("claim_receipt")
    op.drop_table("remittance_part")
    op.drop_table("remittance_receipt")
    op.drop_table("remittance")
