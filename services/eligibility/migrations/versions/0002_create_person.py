"""Persons and the documents that name them."""

from alembic import op

revision = "0002_create_person"
down_revision = "0001_create_shared"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE person (
        pool TEXT NOT NULL,
        person_id UUID NOT NULL,
        birth_date DATE NOT NULL,
        sex TEXT NOT NULL,
        name_sealed BYTEA NOT NULL,
        version INTEGER NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, person_id),
        CONSTRAINT person_sex CHECK (sex in ('male', 'female')),
        CONSTRAINT person_version CHECK (version > 0)
    )
    """)
    op.execute("""
    CREATE TABLE identity_document (
        pool TEXT NOT NULL,
        document_id UUID NOT NULL,
        person_id UUID NOT NULL,
        type TEXT NOT NULL,
        number_hash BYTEA NOT NULL,
        number_sealed BYTEA NOT NULL,
        recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
        PRIMARY KEY (pool, document_id),
        CONSTRAINT identity_document_number_once UNIQUE (pool, type, number_hash),
        FOREIGN KEY(pool, person_id) REFERENCES person (pool, person_id),
        CONSTRAINT identity_document_type CHECK (type in ('resident_id'))
    )
    """)
    op.execute("CREATE INDEX identity_document_person ON identity_document (pool, person_id)")


def downgrade() -> None:
    op.drop_table("identity_document")
    op.drop_table("person")
