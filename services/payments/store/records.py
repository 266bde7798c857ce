"""SQL about payment records: who paid what for whom, with receipt, refund and the tax bureau's certificate."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from shared.database import Reader, Row

_RECORD = """
    select c.pool, c.collection_id, c.bill_no, c.scheme, c.person_id, bill.name_masked as person_name_masked,
        c.payer_id, c.payer_name, c.region, c.channel, c.method, c.amount_fen, c.outcome, c.reason, c.paid_at,
        c.booked_at, c.reversed_at, c.receipt_no, receipt.state as receipt_state, c.refunded_fen,
        refund.state as refund_state, certificate.certificate_no, certificate.ticket_no
    from collection as c
    left join bill on bill.pool = c.pool and bill.bill_no = c.bill_no
    left join receipt on receipt.pool = c.pool and receipt.receipt_no = c.receipt_no
    left join lateral (select state from refund where refund.pool = :pool and refund.collection_id = c.collection_id
        order by refund_id desc limit 1) as refund on true
    left join lateral (select certificate_no, ticket_no from tax_certificate as one where one.pool = :pool
        and one.collection_id = c.collection_id order by certificate_id desc limit 1) as certificate on true
"""


def records_sql(
    pool: str,
    area: str,
    *,
    payer_id: UUID | None,
    person_id: UUID | None,
    channel: str | None,
    after: UUID | None,
    limit: int,
) -> tuple[str, dict[str, Any]]:
    """The statement that finds records, the latest first, and its values; `limit` + 1 rows.

    Only what is asked stands in it, so that the planner sees which index it is about.
    """
    wanted: list[tuple[str, str, Any]] = [
        ("payer_id", "c.payer_id = :payer_id", payer_id),
        ("person_id", "c.person_id = :person_id", person_id),
        ("channel", "c.channel = :channel", channel),
        ("area", "starts_with(c.region, :area)", area or None),
        ("after", "c.collection_id < :after", after),
    ]
    given = {name: value for name, _, value in wanted if value is not None}
    conditions = "".join(f" and {condition}" for name, condition, _ in wanted if name in given)
    sql = f"{_RECORD} where c.pool = :pool{conditions} order by c.collection_id desc limit :limit"
    return sql, {"pool": pool, "limit": limit + 1, **given}


async def list_records(tx: Reader, pool: str, area: str, **asked: Any) -> Sequence[Row]:
    """Payment records of a payer or of an insured person, as `records_sql` takes them."""
    sql, values = records_sql(pool, area, **asked)
    return await tx.rows(sql, **values)
