"""Agents' ledgers: devices that sign, books, lines."""

from alembic import op

revision = "0011_create_ledger"
down_revision = "0010_create_bank"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE agent_device (
        pool TEXT NOT NULL,
        device_id UUID NOT NULL,
        agent TEXT NOT NULL,
        public_key TEXT NOT NULL,
        label TEXT NOT NULL,
        registered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        withdrawn_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (pool, device_id),
        CONSTRAINT agent_device_key UNIQUE (pool, public_key)
    )
    """)
    op.execute("CREATE INDEX agent_device_agent ON agent_device (pool, agent)")
    op.execute("""
    CREATE TABLE ledger (
        pool TEXT NOT NULL,
        ledger_id UUID NOT NULL,
        scheme TEXT NOT NULL,
        unit_code TEXT NOT NULL,
        region TEXT NOT NULL,
        agency_name TEXT NOT NULL,
        agent TEXT NOT NULL,
        status TEXT NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        closed_by TEXT,
        payments_count INTEGER,
        contrary_count INTEGER,
        collected_fen BIGINT,
        ledger_hash TEXT,
        head_signature JSONB,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, ledger_id),
        CONSTRAINT ledger_status CHECK (status in ('open', 'closed', 'remitted')),
        CONSTRAINT ledger_closed_at CHECK ((status = 'open') = (closed_at is null)),
        CONSTRAINT ledger_four_eyes CHECK (closed_by <> agent),
        CONSTRAINT ledger_closing CHECK (num_nulls(closed_at, closed_by, payments_count, contrary_count, collected_fen, ledger_hash, head_signature) in (0, 7))
    )
    """)
    op.execute("CREATE UNIQUE INDEX ledger_one_open ON ledger (pool, scheme, unit_code, agent) WHERE status = 'open'")
    op.execute("""
    CREATE TABLE ledger_line (
        pool TEXT NOT NULL,
        ledger_id UUID NOT NULL,
        line_no INTEGER NOT NULL,
        kind TEXT NOT NULL,
        line_hash TEXT NOT NULL,
        amount_fen BIGINT,
        collection_id UUID,
        contrary_of INTEGER,
        content JSONB NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, ledger_id, line_no),
        CONSTRAINT ledger_line_contrary_once UNIQUE (pool, ledger_id, contrary_of),
        FOREIGN KEY(pool, ledger_id) REFERENCES ledger (pool, ledger_id),
        FOREIGN KEY(pool, ledger_id, contrary_of) REFERENCES ledger_line (pool, ledger_id, line_no),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        CONSTRAINT ledger_line_no CHECK (line_no > 0),
        CONSTRAINT ledger_line_kind CHECK (kind in ('payment', 'contrary', 'spoiled')),
        CONSTRAINT ledger_line_contrary CHECK ((kind = 'contrary') = (contrary_of is not null)),
        CONSTRAINT ledger_line_money CHECK (num_nulls(amount_fen, collection_id) = case kind when 'spoiled' then 2 else 0 end),
        CONSTRAINT ledger_line_amount CHECK (amount_fen > 0)
    )
    """)
    op.execute("CREATE UNIQUE INDEX ledger_line_collection ON ledger_line (pool, collection_id) WHERE kind = 'payment'")


def downgrade() -> None:
    op.drop_table("ledger_line")
    op.drop_table("ledger")
    op.drop_table("agent_device")
