"""Decisions about doubtful rows are counted and can be withdrawn, and what rests on them with them."""

from alembic import op

revision = "0013_alter_match_case"
down_revision = "0012_create_webhook"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE match_case
        DROP CONSTRAINT match_case_once,
        DROP CONSTRAINT match_case_version,
        ADD COLUMN times_used INTEGER NOT NULL DEFAULT 0,
        ADD COLUMN last_used_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN withdrawn_by TEXT,
        ADD COLUMN withdrawn_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN withdrawal_reason TEXT,
        ADD CONSTRAINT match_case_version
            CHECK (version = case when decided_at is null then 1 when withdrawn_at is null then 2 else 3 end),
        ADD CONSTRAINT match_case_used CHECK (times_used >= 0 and (times_used > 0) = (last_used_at is not null)),
        ADD CONSTRAINT match_case_withdrawn_by CHECK ((withdrawn_at is null) = (withdrawn_by is null)
            and (withdrawn_at is null) = (withdrawal_reason is null)),
        ADD CONSTRAINT match_case_withdrawn CHECK (withdrawn_at is null or decided_at is not null)
    """)
    op.execute("ALTER TABLE match_case ALTER COLUMN times_used DROP DEFAULT")
    op.execute("CREATE UNIQUE INDEX match_case_once ON match_case (pool, given_hash) WHERE withdrawn_at is null")
    for table in ("status_claim", "hukou"):
        op.execute(f"""
        ALTER TABLE {table}
            ADD COLUMN case_id UUID,
            ADD COLUMN withdrawn_at TIMESTAMP WITH TIME ZONE,
            ADD CONSTRAINT {table}_withdrawn CHECK (case_id is not null or withdrawn_at is null)
        """)
        op.execute(f"CREATE INDEX {table}_case ON {table} (pool, case_id) WHERE case_id is not null")


def downgrade() -> None:
    for table in ("status_claim", "hukou"):
        op.execute(f"""
        ALTER TABLE {table}
            DROP CONSTRAINT {table}_withdrawn,
            DROP COLUMN withdrawn_at,
            DROP COLUMN case_id
        """)
    op.execute("DELETE FROM match_case WHERE withdrawn_at IS NOT NULL")
    op.execute("DROP INDEX match_case_once")
    op.execute("""
    ALTER TABLE match_case
        DROP CONSTRAINT match_case_withdrawn,
        DROP CONSTRAINT match_case_withdrawn_by,
        DROP CONSTRAINT match_case_used,
        DROP CONSTRAINT match_case_version,
        DROP COLUMN withdrawal_reason,
        DROP COLUMN withdrawn_at,
        DROP COLUMN withdrawn_by,
        DROP COLUMN last_used_at,
        DROP COLUMN times_used,
        ADD CONSTRAINT match_case_version CHECK (version = case when decided_at is null then 1 else 2 end),
        ADD CONSTRAINT match_case_once UNIQUE (pool, given_hash)
    """)
