"""Every SQL statement of refunds. Each function works on a pool, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from .tables import application

_SHOWN = (
    "pool, application_id, scheme, collection_id, bill_no, person_id, region, ground, cause, late, state, amount_fen, "
    "applicant_name, applicant_id, explanation, reasons, requested_on, requested_at, requested_by, "
    "checked_by, checked_at, check_note, decided_by, decided_at, decision_note, "
    "refund_id, shift_id, method, paid_by, payout_state, rerouted_by, paying_since, payout_refusals, paid_at, version"
)


async def list_applications(
    tx: Reader,
    pool: str,
    area: str,
    *,
    after: UUID | None,
    limit: int,
    state: str | None = None,
    scheme: str | None = None,
    person_id: UUID | None = None,
) -> Sequence[Row]:
    """Applications inside an area in the order they were recorded; `limit` + 1 rows."""
    wanted: list[tuple[str, str, Any]] = [
        ("after", "application_id > :after", after),
        ("state", "state = :state", state),
        ("scheme", "scheme = :scheme", scheme),
        ("person_id", "person_id = :person_id", person_id),
        ("area", "region like :area", f"{area}%" if area else None),
    ]
    given = {name: value for name, _, value in wanted if value is not None}
    conditions = "".join(f" and {condition}" for name, condition, _ in wanted if name in given)
    return await tx.rows(
        f"select {_SHOWN} from application where pool = :pool{conditions} order by application_id limit :limit",
        pool=pool,
        limit=limit + 1,
        **given,
    )


async def find_application(tx: Reader, pool: str, application_id: UUID) -> Row | None:
    """One application."""
    return await tx.row(
        f"select {_SHOWN} from application where pool = :pool and application_id = :application_id",
        pool=pool,
        application_id=application_id,
    )


async def find_standing(tx: Reader, pool: str, collection_id: UUID) -> Row | None:
    """An application for a collection that was neither refused nor rejected; what goes on before what is paid."""
    return await tx.row(
        f"select {_SHOWN} from application where pool = :pool and collection_id = :collection_id "
        "and state not in ('refused', 'rejected') order by state = 'paid', application_id limit 1",
        pool=pool,
        collection_id=collection_id,
    )


async def lock_applications(tx: Writer, pool: str, application_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Lock applications in the order of their ids, which is everybody's order; unknown ones are left out."""
    rows = await tx.rows(
        f"select {_SHOWN} from application where pool = :pool and application_id = any(cast(:ids as uuid[])) "
        "order by application_id for update",
        pool=pool,
        ids=sorted(set(application_ids)),
    )
    return {row["application_id"]: row for row in rows}


async def insert_applications(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Record applications unless one stands for the same cause, or the system has found it before; those recorded."""
    ordered = sorted(rows, key=lambda row: (row["collection_id"], row["cause"]))
    stored = await tx.insert(application, ordered, tail="on conflict do nothing returning application_id")
    return {row["application_id"] for row in stored}


async def record_check(tx: Writer, row: Mapping[str, Any]) -> None:
    """Record a check of a locked application."""
    await tx.execute(
        "update application set state = :state, checked_by = :by, checked_at = :at, check_note = :note, "
        "reasons = :reasons, version = version + 1 where pool = :pool and application_id = :application_id",
        **row,
    )


async def record_decision(tx: Writer, row: Mapping[str, Any]) -> None:
    """Record the decision on a locked application."""
    await tx.execute(
        "update application set state = :state, decided_by = :by, decided_at = :at, decision_note = :note, "
        "reasons = :reasons, version = version + 1 where pool = :pool and application_id = :application_id",
        **row,
    )


async def record_payout(tx: Writer, row: Mapping[str, Any]) -> None:
    """Record the intent to pay out a locked application."""
    await tx.execute(
        "update application set state = :state, refund_id = :refund_id, shift_id = :shift_id, method = :method, "
        "paid_by = :by, paying_since = :wall, asked_at = :wall, version = version + 1 "
        "where pool = :pool and application_id = :application_id",
        **row,
    )


async def return_payout(tx: Writer, row: Mapping[str, Any]) -> None:
    """Take back the intent of a locked application and keep what was said."""
    await tx.execute(
        "update application set state = :state, refund_id = null, shift_id = null, method = null, paid_by = null, "
        "payout_state = null, paying_since = null, asked_at = null, "
        "payout_refusals = payout_refusals || cast(:refusal as jsonb), "
        "version = version + 1 where pool = :pool and application_id = :application_id",
        **row,
    )


async def mark_paid(tx: Writer, pool: str, paid: Sequence[tuple[UUID, datetime]], state: str) -> None:
    """Set locked applications to paid, each at its instant."""
    await tx.execute(
        "update application set state = :state, paid_at = news.paid_at, payout_state = null, paying_since = null, "
        "asked_at = null, version = version + 1 "
        "from unnest(cast(:ids as uuid[]), cast(:instants as timestamptz[])) as news (application_id, paid_at) "
        "where application.pool = :pool and application.application_id = news.application_id",
        pool=pool,
        state=state,
        ids=[application_id for application_id, _ in paid],
        instants=[at for _, at in paid],
    )


async def record_progress(tx: Writer, pool: str, application_id: UUID, refund_id: UUID, payout_state: str) -> None:
    """Note where payments says that a payout stands. What is abnormal stays so until the payout has an end."""
    await tx.execute(
        "update application set payout_state = :payout_state, version = version + 1 "
        "where pool = :pool and application_id = :application_id and refund_id = :refund_id and state = 'paying' "
        "and payout_state is distinct from :payout_state and payout_state is distinct from 'abnormal'",
        pool=pool,
        application_id=application_id,
        refund_id=refund_id,
        payout_state=payout_state,
    )


async def record_rerouting(tx: Writer, pool: str, application_id: UUID, by: str) -> None:
    """Record who sends the money of a locked application another way."""
    await tx.execute(
        "update application set rerouted_by = :by, version = version + 1 "
        "where pool = :pool and application_id = :application_id",
        pool=pool,
        application_id=application_id,
        by=by,
    )


async def pool_with_open_payout(tx: Reader, before: datetime) -> str | None:
    """The pool whose payout, unknown to us at payments, was asked about longest ago, if that was before an instant."""
    pool: str | None = await tx.value(
        "select pool from application where state = 'paying' and payout_state is null and asked_at < :before "
        "order by asked_at limit 1",
        before=before,
    )
    return pool


async def lease_payout(tx: Writer, pool: str, before: datetime, now: datetime) -> Row | None:
    """Take the payout asked about longest ago, before an instant; from `now` on it counts as asked about."""
    return await tx.row(
        "update application set asked_at = :now where pool = :pool and application_id = (select application_id "
        "from application where pool = :pool and state = 'paying' and payout_state is null and asked_at < :before "
        f"order by asked_at limit 1 for update skip locked) returning {_SHOWN}",
        pool=pool,
        before=before,
        now=now,
    )


async def summarise(tx: Reader, pool: str, scheme: str) -> Row:
    """Applications of a scheme: in all, paid, refused or rejected; what was paid back in fen."""
    row = await tx.row(
        "select count(*) as requested, count(*) filter (where state = 'paid') as paid, "
        "count(*) filter (where state in ('refused', 'rejected')) as refused, "
        "cast(coalesce(sum(amount_fen) filter (where state = 'paid'), 0) as bigint) as amount_fen "
        "from application where pool = :pool and scheme = :scheme",
        pool=pool,
        scheme=scheme,
    )
    assert row is not None
    return row
