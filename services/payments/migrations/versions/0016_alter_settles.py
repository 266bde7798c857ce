"""Money that moves to the bill of a revised assessment, and money that is promised to refunds on their way."""

from alembic import op

revision = "0016_alter_settles"
down_revision = "0015_alter_refund"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE bill
        ADD COLUMN replaces TEXT,
        ADD COLUMN voided_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN void_reason TEXT
    """)
    op.execute("UPDATE bill SET voided_at = issued_at, void_reason = 'assessment_voided' WHERE status = 'voided'")
    op.execute("""
    ALTER TABLE bill ADD CONSTRAINT bill_voided
        CHECK ((status = 'voided') = (voided_at is not null) and (voided_at is null) = (void_reason is null))
    """)
    op.execute(
        "CREATE UNIQUE INDEX bill_standing_once ON bill (pool, scheme, person_id) WHERE status <> 'voided'"
    )
    op.execute("""
    ALTER TABLE collection
        ADD COLUMN settles TEXT,
        ADD COLUMN refunding_fen BIGINT NOT NULL DEFAULT 0
    """)
    op.execute(
        "UPDATE collection SET settles = bill_no "
        "WHERE outcome = 'settled' and reversed_at is null and released_fen < amount_fen"
    )
    op.execute("""
    ALTER TABLE collection
        ALTER COLUMN refunding_fen DROP DEFAULT,
        DROP CONSTRAINT collection_refunded,
        DROP CONSTRAINT collection_reversed_or_refunded,
        ADD CONSTRAINT collection_refunded CHECK (refunded_fen >= 0 and refunding_fen >= 0
            and refunded_fen + refunding_fen <= released_fen),
        ADD CONSTRAINT collection_reversed_or_refunded
            CHECK (reversed_at is null or refunded_fen + refunding_fen = 0),
        ADD CONSTRAINT collection_settles_what_is_left CHECK (
            (settles is not null) = (outcome = 'settled' and reversed_at is null and released_fen < amount_fen))
    """)
    op.execute("DROP INDEX collection_settles_once")
    op.execute("CREATE UNIQUE INDEX collection_settles_once ON collection (pool, settles) WHERE settles is not null")


def downgrade() -> None:
    op.execute("DROP INDEX collection_settles_once")
    op.execute(
        "CREATE UNIQUE INDEX collection_settles_once ON collection (pool, bill_no) "
        "WHERE outcome = 'settled' and reversed_at is null"
    )
    op.execute("""
    ALTER TABLE collection
        DROP CONSTRAINT collection_settles_what_is_left,
        DROP CONSTRAINT collection_reversed_or_refunded,
        DROP CONSTRAINT collection_refunded,
        ADD CONSTRAINT collection_refunded CHECK (refunded_fen between 0 and released_fen),
        ADD CONSTRAINT collection_reversed_or_refunded CHECK (reversed_at is null or refunded_fen = 0),
        DROP COLUMN settles,
        DROP COLUMN refunding_fen
    """)
    op.execute("DROP INDEX bill_standing_once")
    op.execute("ALTER TABLE bill DROP CONSTRAINT bill_voided")
    op.execute("ALTER TABLE bill DROP COLUMN replaces, DROP COLUMN voided_at, DROP COLUMN void_reason")
