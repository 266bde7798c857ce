"""Documents of every kind with their days, names found by their hash, and persons who turn out to be one."""

from alembic import op

revision = "0011_create_person_merge"
down_revision = "0010_create_match_case"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE person ADD COLUMN name_hash BYTEA")
    op.execute("CREATE INDEX person_name ON person (pool, name_hash, birth_date)")
    op.execute("CREATE INDEX person_unhashed ON person (pool, person_id) WHERE name_hash is null")
    op.execute("""
    ALTER TABLE identity_document
        ADD COLUMN valid_from DATE,
        ADD COLUMN valid_to DATE,
        DROP CONSTRAINT identity_document_type,
        ADD CONSTRAINT identity_document_type CHECK (type in ('resident_id', 'hmt_residence_permit',
            'foreign_residence_card', 'chinese_passport', 'foreign_passport', 'newborn')),
        ADD CONSTRAINT identity_document_days CHECK (valid_to >= valid_from)
    """)
    op.execute("""
    CREATE TABLE person_merge (
        pool TEXT NOT NULL,
        merge_id UUID NOT NULL,
        merged_id UUID NOT NULL,
        surviving_id UUID NOT NULL,
        source TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL,
        proposed_by TEXT NOT NULL,
        proposed_at TIMESTAMP WITH TIME ZONE NOT NULL,
        decided_by TEXT,
        decided_at TIMESTAMP WITH TIME ZONE,
        merged_at TIMESTAMP WITH TIME ZONE,
        disputed_by TEXT,
        disputed_at TIMESTAMP WITH TIME ZONE,
        dispute_reason TEXT,
        undone_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, merge_id),
        FOREIGN KEY(pool, merged_id) REFERENCES person (pool, person_id),
        FOREIGN KEY(pool, surviving_id) REFERENCES person (pool, person_id),
        CONSTRAINT person_merge_two CHECK (merged_id <> surviving_id),
        CONSTRAINT person_merge_source CHECK (source in ('list', 'partner', 'clerk')),
        CONSTRAINT person_merge_state CHECK (state in
            ('told', 'proposed', 'declined', 'merged', 'disputed', 'undone', 'withdrawn')),
        CONSTRAINT person_merge_decided CHECK ((decided_by is null) = (decided_at is null)),
        CONSTRAINT person_merge_disputed CHECK ((disputed_by is null) = (disputed_at is null)
            and (disputed_by is null) = (dispute_reason is null)),
        CONSTRAINT person_merge_at CHECK (state not in ('merged', 'disputed', 'undone') or merged_at is not null),
        CONSTRAINT person_merge_undone CHECK (state <> 'undone' or undone_at is not null),
        CONSTRAINT person_merge_version CHECK (version > 0)
    )
    """)
    op.execute("""
    CREATE UNIQUE INDEX person_merge_once
        ON person_merge (pool, least(merged_id, surviving_id), greatest(merged_id, surviving_id))
        WHERE state in ('told', 'proposed', 'merged', 'disputed')
    """)
    op.execute("CREATE INDEX person_merge_state_id ON person_merge (pool, state, merge_id)")
    op.execute("CREATE INDEX person_merge_merged ON person_merge (pool, merged_id)")
    op.execute("""
    CREATE TABLE person_alias (
        pool TEXT NOT NULL,
        alias_id UUID NOT NULL,
        person_id UUID NOT NULL,
        surviving_id UUID NOT NULL,
        merge_id UUID NOT NULL,
        direct BOOLEAN NOT NULL,
        since TIMESTAMP WITH TIME ZONE NOT NULL,
        until TIMESTAMP WITH TIME ZONE,
        PRIMARY KEY (pool, alias_id),
        FOREIGN KEY(pool, merge_id) REFERENCES person_merge (pool, merge_id),
        CONSTRAINT person_alias_two CHECK (person_id <> surviving_id),
        CONSTRAINT person_alias_times CHECK (until >= since)
    )
    """)
    op.execute("CREATE UNIQUE INDEX person_alias_once ON person_alias (pool, person_id) WHERE until is null")
    op.execute("CREATE INDEX person_alias_person ON person_alias (pool, person_id, since)")
    op.execute("CREATE INDEX person_alias_surviving ON person_alias (pool, surviving_id)")
    op.execute("CREATE INDEX person_alias_merge ON person_alias (pool, merge_id)")
    op.execute("""
    CREATE TABLE tie_claim (
        pool TEXT NOT NULL,
        feed_id UUID NOT NULL,
        row_no INTEGER NOT NULL,
        merged_id UUID NOT NULL,
        surviving_id UUID NOT NULL,
        PRIMARY KEY (pool, feed_id, row_no),
        FOREIGN KEY(pool, feed_id) REFERENCES feed (pool, feed_id),
        FOREIGN KEY(pool, merged_id) REFERENCES person (pool, person_id),
        FOREIGN KEY(pool, surviving_id) REFERENCES person (pool, person_id)
    )
    """)
    op.execute("CREATE INDEX tie_claim_pair ON tie_claim (pool, merged_id, surviving_id)")


def downgrade() -> None:
    op.drop_table("tie_claim")
    op.drop_table("person_alias")
    op.drop_table("person_merge")
    # Who is known by such a document alone cannot be told in the tables of before.
    op.execute("""
    DO $$ BEGIN
        IF EXISTS (SELECT FROM identity_document WHERE type <> 'resident_id') THEN
            RAISE EXCEPTION 'there are persons whom documents of other kinds name';
        END IF;
    END $$
    """)
    op.execute("""
    ALTER TABLE identity_document
        DROP CONSTRAINT identity_document_days,
        DROP CONSTRAINT identity_document_type,
        ADD CONSTRAINT identity_document_type CHECK (type in ('resident_id')),
        DROP COLUMN valid_to,
        DROP COLUMN valid_from
    """)
    op.execute("DROP INDEX person_unhashed")
    op.execute("DROP INDEX person_name")
    op.execute("ALTER TABLE person DROP COLUMN name_hash")
