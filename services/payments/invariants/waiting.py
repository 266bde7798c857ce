"""What waits for somebody longer than it may. Each is helped by doing what is due, which may be tried again."""

from datetime import timedelta

from shared.invariants import alarm

ALARMS = (
    alarm(
        "shift_is_closed",
        "A shift is counted and closed within a day",
        "select pool, shift_id as subject from shift where status = 'open'",
        since="opened_at",
        limit=timedelta(days=1),
    ),
    alarm(
        "slip_is_checked",
        "A slip is confirmed or rejected within three days",
        "select pool, remittance_id as subject from remittance where status = 'submitted'",
        since="submitted_at",
        limit=timedelta(days=3),
    ),
    alarm(
        "claim_receipt_is_checked",
        "What another payer paid is confirmed or rejected within three days",
        "select pool, claim_receipt_id as subject from claim_receipt where status = 'submitted'",
        since="submitted_at",
        limit=timedelta(days=3),
    ),
    alarm(
        "closed_ledger_is_remitted",
        "Of a closed ledger every fen is on a confirmed slip within a week",
        "select pool, ledger_id as subject from ledger where status = 'closed'",
        since="closed_at",
        limit=timedelta(days=7),
    ),
    alarm(
        "suspense_is_explained",
        "Money in suspense is paid back or taken back within ten days",
        "select pool, collection_id as subject from collection where outcome = 'suspense' and reversed_at is null "
        "and refunded_fen < amount_fen",
        since="booked_at",
        limit=timedelta(days=10),
    ),
)
