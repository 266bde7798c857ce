"""Create package_version."""

from alembic import op

revision = "0002_create_package_version"
down_revision = "0001_create_shared"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE package_version (
        pool TEXT NOT NULL,
        scheme TEXT NOT NULL,
        version TEXT NOT NULL,
        state TEXT NOT NULL,
        benefit_year INTEGER NOT NULL,
        content BYTEA NOT NULL,
        source BYTEA NOT NULL,
        drafted_by TEXT NOT NULL,
        drafted_at TIMESTAMP WITH TIME ZONE NOT NULL,
        published_by TEXT,
        published_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (pool, scheme, version),
        CONSTRAINT package_version_is_hash CHECK (version = 'sha256:' || encode(sha256(content), 'hex')),
        CONSTRAINT package_version_state CHECK ((state = 'draft' and published_by is null and published_at is null) or (state = 'published' and published_by is not null and published_at is not null)),
        CONSTRAINT package_version_four_eyes CHECK (published_by <> drafted_by)
    )
    """)


def downgrade() -> None:
    op.drop_table("package_version")
