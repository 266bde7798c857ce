"""Orders with channels, and the messages that channels send."""

from alembic import op

revision = "0009_create_wechat"
down_revision = "0008_create_tax"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE channel_order (
        pool TEXT NOT NULL,
        order_no TEXT NOT NULL,
        channel TEXT NOT NULL,
        bill_no TEXT NOT NULL,
        region TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        openid TEXT NOT NULL,
        payer_name TEXT NOT NULL,
        payer_id UUID,
        status TEXT NOT NULL,
        reason TEXT,
        request JSONB NOT NULL,
        prepay_id TEXT,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ask_at TIMESTAMP WITH TIME ZONE NOT NULL,
        asked INTEGER NOT NULL,
        transaction_id TEXT,
        collection_id UUID,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, order_no),
        FOREIGN KEY(pool, bill_no) REFERENCES bill (pool, bill_no),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        CONSTRAINT channel_order_transaction UNIQUE (pool, channel, transaction_id),
        CONSTRAINT channel_order_no CHECK (order_no ~ '^[0-9A-Za-z_|*-]{6,32}$' and order_no like pool || '%'),
        CONSTRAINT channel_order_amount CHECK (amount_fen > 0),
        CONSTRAINT channel_order_status CHECK (status in ('created', 'open', 'closing', 'paid', 'closed', 'expired', 'failed')),
        CONSTRAINT channel_order_open CHECK (status <> 'open' or prepay_id is not null),
        CONSTRAINT channel_order_paid CHECK ((status = 'paid') = (transaction_id is not null) and (transaction_id is null) = (collection_id is null)),
        CONSTRAINT channel_order_reason CHECK (status <> 'failed' or reason is not null),
        CONSTRAINT channel_order_expiry CHECK (expires_at > created_at)
    )
    """)
    op.execute("""
    CREATE INDEX channel_order_ask ON channel_order (pool, ask_at) WHERE status in ('created', 'open', 'closing')
    """)
    op.execute("CREATE INDEX channel_order_bill ON channel_order (pool, bill_no, order_no)")
    op.execute("""
    CREATE UNIQUE INDEX channel_order_one_live ON channel_order (pool, bill_no) WHERE status in ('created', 'open')
    """)
    op.execute("""
    CREATE TABLE channel_message (
        pool TEXT NOT NULL,
        channel TEXT NOT NULL,
        message_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        reference TEXT,
        status TEXT NOT NULL,
        verdict TEXT,
        headers JSONB NOT NULL,
        body BYTEA NOT NULL,
        content JSONB NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        entered_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, channel, message_id),
        CONSTRAINT channel_message_status CHECK (status in ('received', 'applied', 'kept', 'unreadable')),
        CONSTRAINT channel_message_verdict CHECK (status = 'received' or verdict is not null)
    )
    """)
    op.execute("CREATE INDEX channel_message_reference ON channel_message (pool, channel, reference)")
    op.execute("CREATE INDEX channel_message_waiting ON channel_message (pool, entered_at) WHERE status = 'received'")


def downgrade() -> None:
    op.drop_table("channel_message")
    op.drop_table("channel_order")
