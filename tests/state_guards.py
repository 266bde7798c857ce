"""Guards in the databases of the tests: a row that goes where its service's graph has no edge raises an error.

So every test that moves anything holds every statement of the store to the tables in `rules`. A test that edits rows
behind a service's back says so first: `set local guards.off = 'on'`.
"""

from collections.abc import Iterator, Mapping
from enum import Enum

from deploy.local.drawings import graphs_of

COLUMNS: Mapping[str, str] = {
    "agreement": "state",
    "application": "state",
    "bill": "status",
    "channel_file": "state",
    "channel_message": "status",
    "channel_order": "status",
    "claim_receipt": "status",
    "collection": "outcome",
    "enrolment": "state",
    "feed": "state",
    "ledger": "status",
    "ledger_batch": "state",
    "package_run": "state",
    "package_version": "state",
    "person_erasure": "state",
    "person_merge": "state",
    "pos_sale": "state",
    "receipt": "state",
    "receipt_block": "state",
    "receipt_cancellation": "state",
    "receipt_segment": "state",
    "refund": "state",
    "refund_package": "state",
    "remittance": "status",
    "roster": "state",
    "settlement": "state",
    "shift": "status",
    "statement": "state",
    "statement_break": "state",
    "status_case": "state",
    "tax_batch": "state",
    "tax_batch_line": "state",
    "treasury_package": "state",
    "webhook": "state",
    "webhook_delivery": "state",
    "withholding": "state",
    "withholding_line": "state",
    "withholding_return": "state",
}
"""The column in which each table keeps its state. The bank's journal keeps it in four."""

_STATE: Mapping[str, str] = {
    "bank_journal": "concat_ws(' ', {0}.kind, {0}.third_state, {0}.our_state, {0}.host_state)",
    "collection": "case when {0}.reversed_at is not null then 'reversed' "
    "when {0}.outcome = 'settled' and {0}.settles is null then 'released' else {0}.outcome end",
}


def guards(service: str) -> Iterator[str]:
    """The statements that put up the guards of a service."""
    for table, graph in {**graphs_of(service), **graphs_of("webhooks")}.items():
        state = _STATE.get(table) or f"{{0}}.{COLUMNS[table]}"
        edges = sorted({f"{_told(before)}>{_told(after)}" for (before, _), after in graph.items()})
        yield f"""
            create function guard_{table}() returns trigger language plpgsql as $$
            declare
                was text := case when tg_op = 'UPDATE' then {state.format("old")} end;
                becomes text := {state.format("new")};
            begin
                if was is distinct from becomes and coalesce(was, '') || '>' || becomes <> all (array{edges})
                    and current_setting('guards.off', true) is distinct from 'on' then
                    raise exception 'no edge of {table} leads from % to %', coalesce(was, 'nowhere'), becomes;
                end if;
                return null;
            end $$"""
        yield (
            f"create trigger guard_{table} after insert or update on {table} "
            f"for each row execute function guard_{table}()"
        )


def _told(state: Enum | None) -> str:
    """A state as a row tells it; one of several columns with spaces between."""
    if state is None:
        return ""
    return str(state.value) if isinstance(state.value, str) else " ".join(state.value)
