"""Create package_run: a package over everybody who is enrolled in a scheme, and what it changes."""

from alembic import op

revision = "0014_create_package_run"
down_revision = "0013_alter_package_version"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    CREATE TABLE package_run (
        pool TEXT NOT NULL,
        run_id UUID NOT NULL,
        purpose TEXT NOT NULL,
        scheme TEXT NOT NULL,
        package_scheme TEXT NOT NULL,
        package TEXT NOT NULL,
        state TEXT NOT NULL,
        last_id UUID,
        free_from TIMESTAMP WITH TIME ZONE NOT NULL,
        persons_total INTEGER NOT NULL,
        persons_done INTEGER NOT NULL,
        persons_changed INTEGER NOT NULL,
        persons_refused INTEGER NOT NULL,
        persons_left INTEGER NOT NULL,
        started_by TEXT NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        ended_at TIMESTAMP WITH TIME ZONE,
        version INTEGER NOT NULL,
        PRIMARY KEY (pool, run_id),
        FOREIGN KEY(pool, package_scheme, package) REFERENCES package_version (pool, scheme, version),
        CONSTRAINT package_run_purpose CHECK (purpose in ('dry_run', 'correction')),
        CONSTRAINT package_run_state CHECK (state in ('running', 'done', 'cancelled')),
        CONSTRAINT package_run_ended CHECK ((state = 'running') = (ended_at is null)),
        CONSTRAINT package_run_persons CHECK (persons_changed + persons_refused + persons_left <= persons_done)
    )
    """)
    op.execute("CREATE INDEX package_run_running ON package_run (pool, started_at) WHERE state = 'running'")
    op.execute("CREATE INDEX package_run_package ON package_run (pool, package_scheme, package, run_id)")
    op.execute("""
    CREATE TABLE package_run_sum (
        pool TEXT NOT NULL,
        run_id UUID NOT NULL,
        kind TEXT NOT NULL,
        helped_as TEXT NOT NULL,
        payer TEXT NOT NULL,
        persons_before INTEGER NOT NULL,
        before_fen BIGINT NOT NULL,
        persons_after INTEGER NOT NULL,
        after_fen BIGINT NOT NULL,
        PRIMARY KEY (pool, run_id, kind, helped_as, payer),
        FOREIGN KEY(pool, run_id) REFERENCES package_run (pool, run_id)
    )
    """)
    op.execute("""
    CREATE TABLE package_run_refusal (
        pool TEXT NOT NULL,
        run_id UUID NOT NULL,
        code TEXT NOT NULL,
        persons INTEGER NOT NULL,
        PRIMARY KEY (pool, run_id, code),
        FOREIGN KEY(pool, run_id) REFERENCES package_run (pool, run_id)
    )
    """)
    op.execute("""
    CREATE TABLE package_run_change (
        pool TEXT NOT NULL,
        run_id UUID NOT NULL,
        enrolment_id UUID NOT NULL,
        person_id UUID NOT NULL,
        unit_code TEXT NOT NULL,
        kind TEXT NOT NULL,
        paid BOOLEAN NOT NULL,
        effect TEXT NOT NULL,
        before JSONB NOT NULL,
        after JSONB NOT NULL,
        reasons JSONB NOT NULL,
        PRIMARY KEY (pool, run_id, enrolment_id),
        FOREIGN KEY(pool, run_id) REFERENCES package_run (pool, run_id),
        CONSTRAINT package_run_change_effect
            CHECK (effect in ('pays_more', 'pays_less', 'pays_the_same', 'refused')),
        CONSTRAINT package_run_change_refused CHECK ((effect = 'refused') = (after = 'null'))
    )
    """)
    op.execute("CREATE INDEX enrolment_scheme ON enrolment (pool, scheme, enrolment_id)")


def downgrade() -> None:
    op.execute("DROP INDEX enrolment_scheme")
    op.drop_table("package_run_change")
    op.drop_table("package_run_refusal")
    op.drop_table("package_run_sum")
    op.drop_table("package_run")
