"""Orders know by which product of their channel they are paid; a payer's openid belongs to one of them."""

from alembic import op

revision = "0018_alter_order"
down_revision = "0017_alter_bill"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE channel_order ADD COLUMN product TEXT NOT NULL DEFAULT 'jsapi'")
    op.execute("ALTER TABLE channel_order ALTER COLUMN product DROP DEFAULT")
    op.execute("ALTER TABLE channel_order ALTER COLUMN openid DROP NOT NULL")
    op.execute("ALTER TABLE channel_order RENAME COLUMN prepay_id TO ticket")
    op.execute("""
    ALTER TABLE channel_order
        ADD CONSTRAINT channel_order_product CHECK (product in ('jsapi', 'h5', 'native')),
        ADD CONSTRAINT channel_order_openid CHECK ((product = 'jsapi') = (openid is not null))
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE channel_order DROP CONSTRAINT channel_order_product, DROP CONSTRAINT channel_order_openid")
    op.execute("ALTER TABLE channel_order RENAME COLUMN ticket TO prepay_id")
    op.execute("UPDATE channel_order SET openid = '' WHERE openid IS NULL")
    op.execute("ALTER TABLE channel_order ALTER COLUMN openid SET NOT NULL")
    op.execute("ALTER TABLE channel_order DROP COLUMN product")
