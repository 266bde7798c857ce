"""Each list's own rows about hukou are kept, also where they say nothing new."""

from alembic import op

revision = "0009_alter_hukou"
down_revision = "0008_create_status_claim"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
    ALTER TABLE hukou
        DROP CONSTRAINT hukou_once,
        ADD CONSTRAINT hukou_once
            UNIQUE NULLS NOT DISTINCT (pool, person_id, since, region, household_no, feed_id)
    """)


def downgrade() -> None:
    # The first list that said it is the one that stays.
    op.execute("""
    DELETE FROM hukou USING hukou AS earlier WHERE earlier.pool = hukou.pool
        AND earlier.person_id = hukou.person_id AND earlier.region = hukou.region
        AND (earlier.since, earlier.household_no) IS NOT DISTINCT FROM (hukou.since, hukou.household_no)
        AND earlier.hukou_id < hukou.hukou_id
    """)
    op.execute("""
    ALTER TABLE hukou
        DROP CONSTRAINT hukou_once,
        ADD CONSTRAINT hukou_once UNIQUE NULLS NOT DISTINCT (pool, person_id, since, region, household_no)
    """)
