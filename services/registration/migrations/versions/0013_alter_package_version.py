"""Packages are validated before they are published, corrected by later versions, and withdrawn as drafts.

Versions published until now were checked when they were handed in, which counts as their validation. Of several of one
scheme each later one corrected the one before it, from the day of its publication on.
"""

from alembic import op

revision = "0013_alter_package_version"
down_revision = "0012_alter_facts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE package_version
        ADD COLUMN validated_by TEXT,
        ADD COLUMN validated_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN answers JSONB,
        ADD COLUMN corrects TEXT,
        ADD COLUMN correction_reason TEXT,
        ADD COLUMN counts_from DATE,
        ADD COLUMN replaced_by TEXT,
        ADD COLUMN replaced_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN withdrawn_by TEXT,
        ADD COLUMN withdrawn_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN withdrawn_reason TEXT,
        DROP CONSTRAINT package_version_state,
        DROP CONSTRAINT package_version_four_eyes
    """)
    op.execute("""
    UPDATE package_version v
    SET state = case when told.next is null then 'published' else 'replaced' end,
        validated_by = v.drafted_by, validated_at = v.drafted_at, answers = '[]',
        corrects = told.former, correction_reason = case when told.former is not null then '更正原因未记录' end,
        counts_from = case when told.former is not null
            then cast(v.published_at at time zone 'Asia/Shanghai' as date) end,
        replaced_by = told.next, replaced_at = told.next_at
    FROM (
        SELECT pool, scheme, version, lag(version) over one as former, lead(version) over one as next,
            lead(published_at) over one as next_at
        FROM package_version WHERE state = 'published'
        WINDOW one AS (PARTITION BY pool, scheme ORDER BY published_at, version DESC)
    ) told
    WHERE told.pool = v.pool AND told.scheme = v.scheme AND told.version = v.version
    """)
    op.execute("""
    ALTER TABLE package_version
        ADD FOREIGN KEY (pool, scheme, corrects) REFERENCES package_version (pool, scheme, version),
        ADD FOREIGN KEY (pool, scheme, replaced_by) REFERENCES package_version (pool, scheme, version),
        ADD CONSTRAINT package_version_state
            CHECK (state in ('draft', 'validated', 'published', 'replaced', 'withdrawn')),
        ADD CONSTRAINT package_version_validated CHECK (num_nonnulls(validated_by, validated_at, answers)
            = case state when 'draft' then 0 when 'withdrawn' then 3 * num_nonnulls(validated_by) else 3 end),
        ADD CONSTRAINT package_version_published CHECK (num_nonnulls(published_by, published_at)
            = case when state in ('published', 'replaced') then 2 else 0 end),
        ADD CONSTRAINT package_version_replaced CHECK (num_nonnulls(replaced_by, replaced_at)
            = case when state = 'replaced' then 2 else 0 end),
        ADD CONSTRAINT package_version_withdrawn CHECK (num_nonnulls(withdrawn_by, withdrawn_at, withdrawn_reason)
            = case when state = 'withdrawn' then 3 else 0 end),
        ADD CONSTRAINT package_version_correction
            CHECK (num_nonnulls(corrects, correction_reason, counts_from) in (0, 3)),
        ADD CONSTRAINT package_version_four_eyes CHECK (published_by not in (drafted_by, validated_by))
    """)
    op.execute("CREATE UNIQUE INDEX package_in_force ON package_version (pool, scheme) WHERE state = 'published'")


def downgrade() -> None:
    op.execute("DROP INDEX package_in_force")
    op.execute("""
    ALTER TABLE package_version
        DROP CONSTRAINT package_version_state,
        DROP CONSTRAINT package_version_validated,
        DROP CONSTRAINT package_version_published,
        DROP CONSTRAINT package_version_replaced,
        DROP CONSTRAINT package_version_withdrawn,
        DROP CONSTRAINT package_version_correction,
        DROP CONSTRAINT package_version_four_eyes,
        DROP COLUMN validated_by,
        DROP COLUMN validated_at,
        DROP COLUMN answers,
        DROP COLUMN corrects,
        DROP COLUMN correction_reason,
        DROP COLUMN counts_from,
        DROP COLUMN replaced_by,
        DROP COLUMN replaced_at,
        DROP COLUMN withdrawn_by,
        DROP COLUMN withdrawn_at,
        DROP COLUMN withdrawn_reason
    """)
    op.execute("UPDATE package_version SET state = case when published_at is null then 'draft' else 'published' end")
    op.execute("""
    ALTER TABLE package_version
        ADD CONSTRAINT package_version_state CHECK (
            (state = 'draft' and published_by is null and published_at is null)
            or (state = 'published' and published_by is not null and published_at is not null)),
        ADD CONSTRAINT package_version_four_eyes CHECK (published_by <> drafted_by)
    """)
