"""What the tax bureau is told to collect, and has not answered in time."""

from datetime import timedelta

from shared.invariants import alarm

from ..rules.tax_assessments import BATCH_PATIENCE

REFUSED_LINE_PATIENCE = timedelta(days=3)
"""How long a line that the bureau refused may wait for somebody who mends it and sends it again."""

ALARMS = (
    *(
        alarm(
            f"tax_batch_{state.value}",
            "The tax bureau takes and answers batches of assessments in time",
            f"select pool, batch_no as subject from tax_batch where state = '{state.value}'",
            since="built_at",
            limit=limit,
        )
        for state, limit in BATCH_PATIENCE.items()
    ),
    alarm(
        "refused_tax_line_is_mended",
        "What the tax bureau refused to collect is mended and sent again within three days",
        "select line.pool, line.batch_no || '/' || line.line_no as subject from tax_batch_line as line "
        "join tax_batch as batch on batch.pool = line.pool and batch.batch_no = line.batch_no "
        "where line.state = 'refused'",
        since="batch.built_at",
        limit=REFUSED_LINE_PATIENCE,
    ),
)
