"""A row a pool that is locked by whoever gives settlements to lines of accounts."""

from alembic import op

revision = "0035_create_settlement_turn"
down_revision = "0034_alter_treasury_voucher"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE settlement_turn (pool TEXT NOT NULL, PRIMARY KEY (pool))")


def downgrade() -> None:
    op.drop_table("settlement_turn")
