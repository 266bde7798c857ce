"""Create receipt."""

from alembic import op

revision = "0005_create_receipt"
down_revision = "0004_create_collection"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE receipt_book (
        pool TEXT NOT NULL,
        book_code TEXT NOT NULL,
        last_number BIGINT NOT NULL,
        PRIMARY KEY (pool, book_code),
        CONSTRAINT receipt_book_number CHECK (last_number >= 0)
    )
    """)
    op.execute("""
    CREATE TABLE receipt (
        pool TEXT NOT NULL,
        book_code TEXT NOT NULL,
        number BIGINT NOT NULL,
        receipt_no TEXT NOT NULL,
        collection_id UUID NOT NULL,
        bill_no TEXT NOT NULL,
        person_id UUID NOT NULL,
        payer_name TEXT NOT NULL,
        amount_fen BIGINT NOT NULL,
        issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
        issued_by TEXT NOT NULL,
        voided_at TIMESTAMP WITH TIME ZONE,
        void_reason TEXT,
        PRIMARY KEY (pool, book_code, number),
        CONSTRAINT receipt_no_once UNIQUE (pool, receipt_no),
        CONSTRAINT receipt_collection_once UNIQUE (pool, collection_id),
        FOREIGN KEY(pool, collection_id) REFERENCES collection (pool, collection_id),
        CONSTRAINT receipt_amount CHECK (amount_fen > 0 and number > 0),
        CONSTRAINT receipt_void CHECK ((voided_at is null) = (void_reason is null))
    )
    """)


def downgrade() -> None:
    op.drop_table("receipt")
    op.drop_table("receipt_book")
