"""Payouts that take their time, several causes for one collection, cases that only a person can decide."""

from alembic import op

revision = "0003_alter_routes"
down_revision = "0002_create_application"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE application
        ADD COLUMN cause TEXT NOT NULL DEFAULT '',
        ADD COLUMN late BOOLEAN NOT NULL DEFAULT false,
        ADD COLUMN payout_state TEXT,
        ADD COLUMN rerouted_by TEXT
    """)
    op.execute("""
    ALTER TABLE application
        ALTER COLUMN cause DROP DEFAULT,
        ALTER COLUMN late DROP DEFAULT,
        DROP CONSTRAINT application_paying,
        ADD CONSTRAINT application_paying CHECK (
            num_nonnulls(refund_id, method, paid_by) = case when state in ('paying', 'paid') then 3 else 0 end
            and num_nonnulls(paying_since, asked_at) = case when state = 'paying' then 2 else 0 end),
        ADD CONSTRAINT application_shift
            CHECK ((shift_id is not null) = coalesce(method in ('cash', 'pos_return'), false)),
        ADD CONSTRAINT application_payout_state CHECK (payout_state is null
            or (state = 'paying' and payout_state in ('submitted', 'processing', 'abnormal'))),
        DROP CONSTRAINT application_four_eyes,
        ADD CONSTRAINT application_four_eyes CHECK (checked_by <> requested_by and decided_by <> requested_by
            and paid_by <> requested_by and paid_by <> checked_by and paid_by <> decided_by
            and rerouted_by <> requested_by and rerouted_by <> paid_by)
    """)
    op.execute("DROP INDEX application_standing")
    op.execute("DROP INDEX application_found_once")
    op.execute(
        "CREATE UNIQUE INDEX application_standing ON application (pool, collection_id, cause) "
        "WHERE state not in ('refused', 'rejected')"
    )
    op.execute(
        "CREATE UNIQUE INDEX application_found_once ON application (pool, collection_id, cause) "
        "WHERE requested_by = 'system'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX application_found_once")
    op.execute("DROP INDEX application_standing")
    op.execute("CREATE UNIQUE INDEX application_standing ON application (pool, collection_id) "
               "WHERE state not in ('refused', 'rejected')")
    op.execute("CREATE UNIQUE INDEX application_found_once ON application (pool, collection_id) "
               "WHERE requested_by = 'system'")
    op.execute("""
    ALTER TABLE application
        DROP CONSTRAINT application_four_eyes,
        DROP CONSTRAINT application_payout_state,
        DROP CONSTRAINT application_shift,
        DROP CONSTRAINT application_paying,
        DROP COLUMN cause,
        DROP COLUMN late,
        DROP COLUMN payout_state,
        DROP COLUMN rerouted_by,
        ADD CONSTRAINT application_paying CHECK (
            num_nonnulls(refund_id, shift_id, method, paid_by) = case when state in ('paying', 'paid') then 4 else 0 end
            and num_nonnulls(paying_since, asked_at) = case when state = 'paying' then 2 else 0 end),
        ADD CONSTRAINT application_four_eyes CHECK (checked_by <> requested_by and decided_by <> requested_by
            and paid_by <> requested_by and paid_by <> checked_by and paid_by <> decided_by)
    """)
