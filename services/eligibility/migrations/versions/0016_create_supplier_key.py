"""Keys of departments' own systems, and the nonces that they have used."""

from alembic import op

revision = "0016_create_supplier_key"
down_revision = "0015_create_key_walk"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE supplier_key (
        pool TEXT NOT NULL,
        key_id TEXT NOT NULL,
        supplier TEXT NOT NULL,
        public_key TEXT NOT NULL,
        added_by TEXT NOT NULL,
        added_at TIMESTAMP WITH TIME ZONE NOT NULL,
        revoked_by TEXT,
        revoked_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (pool, key_id),
        CONSTRAINT supplier_key_revoked CHECK ((revoked_by is null) = (revoked_at is null))
    )
    """)
    op.execute("CREATE INDEX supplier_key_supplier ON supplier_key (pool, supplier)")
    op.execute("""
    CREATE TABLE supplier_nonce (
        pool TEXT NOT NULL,
        key_id TEXT NOT NULL,
        nonce TEXT NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, key_id, nonce)
    )
    """)
    op.execute("CREATE INDEX supplier_nonce_expiry ON supplier_nonce (expires_at)")


def downgrade() -> None:
    op.drop_table("supplier_nonce")
    op.drop_table("supplier_key")
