"""Full lists in parts, and for some categories or a region; where a list says that a person belongs."""

from alembic import op

revision = "0014_alter_feed"
down_revision = "0013_alter_match_case"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE feed
        ADD list_id TEXT,
        ADD part INTEGER,
        ADD parts INTEGER,
        ADD whole_id UUID,
        ADD scope_categories TEXT,
        ADD scope_region TEXT,
        ADD closing BOOLEAN
    """)
    # Until now a list was one file, and every full one that was judged to its end spoke for the whole.
    op.execute("""
    UPDATE feed SET whole_id = feed_id,
        closing = kind = 'full' and state in ('held', 'ending', 'taken', 'declined')
    """)
    op.execute("""
    ALTER TABLE feed
        ALTER whole_id SET NOT NULL,
        ALTER closing SET NOT NULL,
        ADD CONSTRAINT feed_full_scope
            CHECK (kind = 'full' or num_nonnulls(list_id, scope_categories, scope_region) = 0),
        ADD CONSTRAINT feed_part_whole CHECK (num_nonnulls(list_id, part, parts) in (0, 3)),
        ADD CONSTRAINT feed_part_no CHECK (part between 1 and parts and parts between 2 and 1000),
        ADD CONSTRAINT feed_whole_id CHECK (list_id is not null or whole_id = feed_id),
        ADD CONSTRAINT feed_region CHECK (scope_region ~ '^[1-9][0-9]{5,11}$'),
        ADD CONSTRAINT feed_closing CHECK (closing or state not in ('held', 'ending', 'declined')),
        ADD CONSTRAINT feed_closing_full CHECK (not closing or kind = 'full' and withdrawn_at is null)
    """)
    op.execute("DROP INDEX feed_once")
    op.execute("""
    CREATE UNIQUE INDEX feed_once ON feed (pool, supplier, sha256, list_day, list_id, part) NULLS NOT DISTINCT
    WHERE withdrawn_at is null
    """)
    op.execute("""
    CREATE UNIQUE INDEX feed_part_once ON feed (pool, supplier, list_id, part)
    WHERE withdrawn_at is null and list_id is not null
    """)
    op.execute("CREATE INDEX feed_whole ON feed (pool, whole_id)")
    op.execute("""
    ALTER TABLE status_claim
        ADD region TEXT,
        ADD CONSTRAINT status_claim_region CHECK (region ~ '^[1-9][0-9]{5,11}$')
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE status_claim DROP region")
    for index in ("feed_whole", "feed_part_once", "feed_once"):
        op.execute(f"DROP INDEX {index}")
    op.execute("CREATE UNIQUE INDEX feed_once ON feed (pool, supplier, sha256) WHERE withdrawn_at is null")
    op.execute("""
    ALTER TABLE feed
        DROP list_id,
        DROP part,
        DROP parts,
        DROP whole_id,
        DROP scope_categories,
        DROP scope_region,
        DROP closing
    """)
