"""Settlements: what channels, slips and claims owe the special account for a day, the lines that brought it, and breaks."""

from alembic import op

revision = "0028_create_settlement"
down_revision = "0027_create_channel_file"
branch_labels = None
depends_on = None

_KINDS = (
    "'amount_differs', 'channel_failed', 'channel_missing', 'ours_missing', 'host_missing', 'duplicate', 'unknown', "
    "'data_differs', 'totals_differ', 'statement_missing'"
)
_RESOLUTIONS = "'book', 'reverse', 'correct', 'confirm', 'ignore', 'wait'"


def upgrade() -> None:
    op.execute("""
    CREATE TABLE settlement (
        pool TEXT NOT NULL,
        settlement_id UUID NOT NULL,
        channel TEXT NOT NULL,
        institution TEXT NOT NULL,
        day DATE NOT NULL,
        subject UUID NOT NULL,
        reference TEXT,
        expected_fen BIGINT NOT NULL,
        state TEXT NOT NULL,
        changed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, settlement_id),
        CONSTRAINT settlement_day UNIQUE (pool, channel, institution, day),
        CONSTRAINT settlement_state CHECK (state in ('expected', 'arrived', 'differs', 'missing'))
    )
    """)
    op.execute("CREATE INDEX settlement_recent ON settlement (pool, day)")
    op.execute("""
    CREATE TABLE settlement_line (
        pool TEXT NOT NULL,
        statement_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        settlement_id UUID NOT NULL,
        part TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        PRIMARY KEY (pool, statement_id, row_no, settlement_id),
        FOREIGN KEY (pool, statement_id, row_no) REFERENCES statement_row (pool, statement_id, row_no),
        FOREIGN KEY (pool, settlement_id) REFERENCES settlement (pool, settlement_id),
        CONSTRAINT settlement_line_part CHECK (part in ('arrived', 'fee'))
    )
    """)
    op.execute("CREATE INDEX settlement_line_settlement ON settlement_line (pool, settlement_id)")
    _allow(_KINDS + ", 'money_missing', 'treasury_differs'", _RESOLUTIONS + ", 'suspend'")
    op.execute("""
    CREATE UNIQUE INDEX statement_break_on_the_way ON statement_break
        (pool, kind, channel, institution, day, coalesce(our_fen, 0), coalesce(channel_fen, 0))
        WHERE kind in ('money_missing', 'treasury_differs') and state <> 'superseded'
    """)


def downgrade() -> None:
    op.execute("DROP INDEX statement_break_on_the_way")
    op.execute("DELETE FROM statement_break WHERE kind in ('money_missing', 'treasury_differs')")
    _allow(_KINDS, _RESOLUTIONS)
    op.drop_table("settlement_line")
    op.drop_table("settlement")


def _allow(kinds: str, resolutions: str) -> None:
    for name, column, values in (("kind", "kind", kinds), ("resolution", "resolution", resolutions)):
        op.execute(f"ALTER TABLE statement_break DROP CONSTRAINT statement_break_{name}")
        op.execute(
            f"ALTER TABLE statement_break ADD CONSTRAINT statement_break_{name} CHECK ({column} in ({values}))"
        )
