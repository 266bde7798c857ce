"""Day files that are fetched from channels."""

from alembic import op

revision = "0027_create_channel_file"
down_revision = "0026_create_ledger_batch"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE channel_file (
        pool TEXT NOT NULL,
        channel TEXT NOT NULL,
        kind TEXT NOT NULL,
        day DATE NOT NULL,
        state TEXT NOT NULL,
        asked INTEGER NOT NULL,
        ask_at TIMESTAMP WITH TIME ZONE NOT NULL,
        said TEXT,
        evidence_id UUID,
        ended_at TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (pool, channel, kind, day),
        CONSTRAINT channel_file_kind CHECK (kind ~ '^[a-z_]{1,40}$'),
        CONSTRAINT channel_file_state CHECK (state in ('wanted', 'taken', 'empty')),
        CONSTRAINT channel_file_evidence CHECK ((state = 'taken') = (evidence_id is not null)),
        CONSTRAINT channel_file_ended CHECK ((state = 'wanted') = (ended_at is null))
    )
    """)
    op.execute("""
    CREATE INDEX channel_file_wanted ON channel_file (pool, channel, ask_at) WHERE state = 'wanted'
    """)


def downgrade() -> None:
    op.drop_table("channel_file")
