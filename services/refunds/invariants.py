"""What must hold in refunds at any moment: queries that find nothing. An edit behind the services' back shows here."""

from datetime import timedelta

from shared.invariants import Invariant, alarm

_OF_APPLICATION = "event.pool = application.pool and event.subject = cast(application.application_id as text)"

INVARIANTS = (
    Invariant(
        "paid_application_was_closed_once",
        "Each paid application has exactly one refund.closed event with its amount and its refund",
        "select application.pool, application_id as subject from application left join event on "
        f"{_OF_APPLICATION} and event.type = 'refund.closed' where state = 'paid' "
        "group by application.pool, application_id, amount_fen, refund_id having count(event.seq) <> 1 "
        "or min(cast(event.data->>'amount_fen' as bigint)) <> amount_fen "
        "or min(event.data->>'refund_id') <> cast(refund_id as text)",
    ),
    Invariant(
        "closed_application_is_paid",
        "An application told as closed is paid",
        f"select event.pool, event.subject from event left join application on {_OF_APPLICATION} "
        "where event.type = 'refund.closed' and state is distinct from 'paid'",
    ),
    Invariant(
        "decision_was_told_once",
        "Each refused, rejected or approved application has exactly one refund.decided event with that outcome",
        "select application.pool, application_id as subject from application left join event on "
        f"{_OF_APPLICATION} and event.type = 'refund.decided' "
        "group by application.pool, application_id, state having count(event.seq) <> "
        "case when state in ('requested', 'checked') then 0 else 1 end or min(event.data->>'outcome') <> "
        "case when state in ('paying', 'paid') then 'approved' else state end",
    ),
    Invariant(
        "payout_has_an_outcome",
        "No payout is unknown at payments for an hour, or in the hands of a channel for a week of wall time",
        "select pool, application_id as subject from application where state = 'paying' "
        "and paying_since < now() - case when payout_state is null then interval '1 hour' else interval '7 days' end",
    ),
    Invariant(
        "payout_was_asked_for",
        "Payments has paid back nothing that no application asked for",
        "select pool, coalesce(detail->>'refund_id', '') as subject from audit_line where action = 'refund.unmatched'",
    ),
)

ALARMS = (
    alarm(
        "application_is_checked",
        "An application is checked within a week of its request",
        "select pool, application_id as subject from application where state = 'requested'",
        since="requested_at",
        limit=timedelta(days=7),
    ),
    alarm(
        "application_is_decided",
        "A checked application is decided within a week",
        "select pool, application_id as subject from application where state = 'checked'",
        since="checked_at",
        limit=timedelta(days=7),
    ),
    alarm(
        "application_is_paid",
        "What is approved is paid out within a week",
        "select pool, application_id as subject from application where state = 'approved'",
        since="decided_at",
        limit=timedelta(days=7),
    ),
)
"""What waits for somebody longer than it may. Each step may be tried again: it is done once."""
