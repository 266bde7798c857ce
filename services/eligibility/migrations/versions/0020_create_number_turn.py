"""A row a pool that is locked by whoever records new numbers while look-up keys are changed."""

from alembic import op

revision = "0020_create_number_turn"
down_revision = "0019_create_person_erasure"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE TABLE number_turn (pool TEXT NOT NULL, PRIMARY KEY (pool))")


def downgrade() -> None:
    op.drop_table("number_turn")
