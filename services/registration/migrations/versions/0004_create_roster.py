"""Create roster."""

from alembic import op

revision = "0004_create_roster"
down_revision = "0003_create_unit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE roster (
        pool TEXT NOT NULL,
        roster_id UUID NOT NULL,
        scheme TEXT NOT NULL,
        unit_code TEXT NOT NULL,
        file_name TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        evidence_id UUID NOT NULL,
        state TEXT NOT NULL,
        rows_total INTEGER NOT NULL,
        rows_enrolled INTEGER NOT NULL,
        rows_refused INTEGER NOT NULL,
        rows_rejected INTEGER NOT NULL,
        last_row INTEGER NOT NULL,
        free_from TIMESTAMP WITH TIME ZONE NOT NULL,
        received_by TEXT NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL,
        taken_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, roster_id),
        CONSTRAINT roster_handed_in_once UNIQUE (pool, scheme, unit_code, sha256),
        FOREIGN KEY(pool, unit_code) REFERENCES unit (pool, unit_code),
        FOREIGN KEY(pool, evidence_id) REFERENCES evidence (pool, evidence_id),
        CONSTRAINT roster_taken CHECK ((state = 'received') = (taken_at is null)),
        CONSTRAINT roster_state CHECK (state in ('received', 'taken')),
        CONSTRAINT roster_rows CHECK (rows_enrolled + rows_refused + rows_rejected <= rows_total)
    )
    """)
    op.execute("CREATE INDEX roster_waiting ON roster (pool, received_at) WHERE state = 'received'")


def downgrade() -> None:
    op.drop_table("roster")
