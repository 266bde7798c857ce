"""Collections that are reversed, or of which a part is owed back; transfers that know their bill."""

from alembic import op

revision = "0014_alter_reversal"
down_revision = "0013_create_statement"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE collection
        ADD COLUMN released_fen BIGINT NOT NULL DEFAULT 0,
        ADD COLUMN reversed_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN reversal_reason TEXT
    """)
    op.execute("UPDATE collection SET released_fen = amount_fen WHERE outcome = 'surplus'")
    op.execute("ALTER TABLE collection ALTER COLUMN released_fen DROP DEFAULT")
    op.execute("""
    ALTER TABLE collection
        DROP CONSTRAINT collection_refunded,
        ADD CONSTRAINT collection_refunded CHECK (refunded_fen between 0 and released_fen),
        ADD CONSTRAINT collection_released CHECK (released_fen between 0 and amount_fen),
        ADD CONSTRAINT collection_surplus_released CHECK (outcome <> 'surplus' or released_fen = amount_fen),
        ADD CONSTRAINT collection_reversal CHECK ((reversed_at is null) = (reversal_reason is null)),
        ADD CONSTRAINT collection_reversed_or_refunded CHECK (reversed_at is null or refunded_fen = 0)
    """)
    op.execute("DROP INDEX collection_settles_once")
    op.execute(
        "CREATE UNIQUE INDEX collection_settles_once ON collection (pool, bill_no) "
        "WHERE outcome = 'settled' and reversed_at is null"
    )
    op.execute("ALTER TABLE transfer ADD COLUMN bill_no TEXT")
    op.execute("UPDATE transfer SET bill_no = subject WHERE kind = 'claim'")
    op.execute("CREATE INDEX transfer_bill ON transfer (pool, bill_no, kind)")


def downgrade() -> None:
    op.execute("DROP INDEX transfer_bill")
    op.execute("ALTER TABLE transfer DROP COLUMN bill_no")
    op.execute("DROP INDEX collection_settles_once")
    op.execute("CREATE UNIQUE INDEX collection_settles_once ON collection (pool, bill_no) WHERE outcome = 'settled'")
    op.execute("""
    ALTER TABLE collection
        DROP CONSTRAINT collection_refunded,
        DROP CONSTRAINT collection_released,
        DROP CONSTRAINT collection_surplus_released,
        DROP CONSTRAINT collection_reversal,
        DROP CONSTRAINT collection_reversed_or_refunded,
        DROP COLUMN released_fen,
        DROP COLUMN reversed_at,
        DROP COLUMN reversal_reason,
        ADD CONSTRAINT collection_refunded CHECK (refunded_fen between 0 and amount_fen)
    """)
