"""Create tax."""

from alembic import op

revision = "0008_create_tax"
down_revision = "0007_create_transfer"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE tax_event (
        pool TEXT NOT NULL,
        event_id TEXT NOT NULL,
        content BYTEA NOT NULL,
        home_pool TEXT NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        collection_id UUID,
        outcome TEXT,
        receipt_no TEXT,
        reason TEXT,
        PRIMARY KEY (pool, event_id),
        CONSTRAINT tax_event_answer CHECK ((collection_id is null) = (outcome is null))
    )
    """)
    op.execute("""
    CREATE TABLE tax_nonce (
        pool TEXT NOT NULL,
        key_id TEXT NOT NULL,
        nonce TEXT NOT NULL,
        content BYTEA NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, key_id, nonce)
    )
    """)
    op.execute("CREATE INDEX tax_nonce_expiry ON tax_nonce (pool, expires_at)")


def downgrade() -> None:
    op.drop_table("tax_nonce")
    op.drop_table("tax_event")
