"""A bank's final file may have the bytes of its interim one, and money that was taken back may come after all."""

from alembic import op

revision = "0032_alter_withholding_return"
down_revision = "0031_alter_refund"
branch_labels = None
depends_on = None

_OF_COLLECTION = "row_no is null and collection_id is not null and state <> 'superseded'"


def upgrade() -> None:
    op.execute("""
    ALTER TABLE withholding_return
        DROP CONSTRAINT withholding_return_bytes,
        ADD CONSTRAINT withholding_return_bytes UNIQUE (pool, withholding_id, sha256, kind)
    """)
    op.execute("DROP INDEX statement_break_missing")
    op.execute(f"""
    CREATE UNIQUE INDEX statement_break_missing ON statement_break (pool, collection_id, (kind = 'ours_missing'))
        WHERE {_OF_COLLECTION}
    """)


def downgrade() -> None:
    op.execute(f"""
    UPDATE statement_break SET state = 'superseded', overdue = false WHERE kind = 'ours_missing' AND {_OF_COLLECTION}
    """)
    op.execute("DROP INDEX statement_break_missing")
    op.execute(f"""
    CREATE UNIQUE INDEX statement_break_missing ON statement_break (pool, collection_id) WHERE {_OF_COLLECTION}
    """)
    # Lines are taken by the files that came first; a final one with their bytes has nothing of its own.
    op.execute("""
    DELETE FROM withholding_return AS later USING withholding_return AS first WHERE later.pool = first.pool
        AND later.withholding_id = first.withholding_id AND later.sha256 = first.sha256
        AND later.return_no > first.return_no
    """)
    op.execute("""
    ALTER TABLE withholding_return
        DROP CONSTRAINT withholding_return_bytes,
        ADD CONSTRAINT withholding_return_bytes UNIQUE (pool, withholding_id, sha256)
    """)
