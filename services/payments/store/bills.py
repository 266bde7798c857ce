"""SQL about bills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import bill

BILL = (
    "pool, bill_no, assessment_id, scheme, person_id, unit_code, region, standard_fen, amount_fen, lines, "
    '"window", status, issued_at, paid_on, replaces, voided_at, void_reason, name_masked, version'
)
# As a list shows it: its window is decoded for nobody.
_SHOWN = (
    "pool, bill_no, assessment_id, scheme, person_id, unit_code, region, standard_fen, amount_fen, lines, status, "
    "issued_at, paid_on, replaces, voided_at, void_reason, version"
)


@dataclass(frozen=True)
class BillsOf:
    """A question after one person's bills inside an area, by number; None: whatever the state or the scheme."""

    person_id: UUID
    area: str
    status: str | None
    scheme: str | None
    after: str
    limit: int


async def bills_of(tx: Reader, pool: str, questions: Sequence[BillsOf]) -> list[list[Row]]:
    """What each of these questions is answered with, in their order; of each at most `limit` + 1 rows."""
    rows = await tx.rows(
        "select asked.n, b.* from unnest(cast(:person_ids as uuid[]), cast(:areas as text[]), "
        "  cast(:statuses as text[]), cast(:schemes as text[]), cast(:afters as text[]), cast(:limits as integer[])) "
        "  with ordinality as asked (person_id, area, status, scheme, after, row_limit, n) "
        f"cross join lateral (select {_SHOWN} from bill where pool = :pool and person_id = asked.person_id "
        "  and bill_no > asked.after and starts_with(region, asked.area) "
        "  and status = coalesce(asked.status, status) and scheme = coalesce(asked.scheme, scheme) "
        "  order by bill_no limit asked.row_limit) b order by asked.n, b.bill_no",
        pool=pool,
        person_ids=[one.person_id for one in questions],
        areas=[one.area for one in questions],
        statuses=[one.status for one in questions],
        schemes=[one.scheme for one in questions],
        afters=[one.after for one in questions],
        limits=[one.limit + 1 for one in questions],
    )
    answers: list[list[Row]] = [[] for _ in questions]
    for row in rows:
        answers[row["n"] - 1].append(row)
    return answers


async def list_bills(
    tx: Reader,
    pool: str,
    area: str,
    *,
    after: str,
    limit: int,
    status: str | None = None,
    scheme: str | None = None,
) -> Sequence[Row]:
    """Bills of the pool inside an area, by number; `limit` + 1 rows."""
    wanted: list[tuple[str, str, Any]] = [
        ("status", "status = :status", status),
        ("scheme", "scheme = :scheme", scheme),
        ("area", "region like :area", f"{area}%" if area else None),
    ]
    given = {name: value for name, _, value in wanted if value is not None}
    conditions = "".join(f" and {condition}" for name, condition, _ in wanted if name in given)
    return await tx.rows(
        f"select {_SHOWN} from bill where pool = :pool and bill_no > :after{conditions} order by bill_no limit :limit",
        pool=pool,
        after=after,
        limit=limit + 1,
        **given,
    )


async def find_bill(tx: Reader, pool: str, bill_no: str) -> Row | None:
    """One bill."""
    return await tx.row(
        f"select {BILL} from bill where pool = :pool and bill_no = :bill_no", pool=pool, bill_no=bill_no
    )


async def pools_of_bills(tx: Reader) -> Sequence[str]:
    """The pools that have bills; a step of the index for each, however many bills there are."""
    pools: list[str] = []
    while pool := await tx.value("select min(pool) from bill where pool > :after", after=pools[-1] if pools else ""):
        pools.append(pool)
    return pools


async def open_bills_of(tx: Reader, pools: Sequence[str], person_id: UUID) -> Sequence[Row]:
    """What a person has to pay in these pools."""
    return await tx.rows(
        f"select {BILL} from bill where pool = any(cast(:pools as text[])) "
        "and person_id = :person_id and status = 'open' order by bill_no",
        pools=list(pools),
        person_id=person_id,
    )


async def insert_bills(tx: Writer, rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Insert bills unless their assessment has one; the assessments that got theirs now."""
    stored = await tx.insert(bill, rows, tail="on conflict (pool, assessment_id) do nothing returning assessment_id")
    return {row["assessment_id"] for row in stored}


async def lock_bills(tx: Writer, pool: str, bill_nos: Sequence[str]) -> dict[str, Row]:
    """Lock bills in the order of their numbers, which is everybody's order; unknown numbers are left out."""
    rows = await tx.rows(
        f"select {BILL} from bill where pool = :pool and bill_no = any(cast(:bill_nos as text[])) "
        "order by bill_no for update",
        pool=pool,
        bill_nos=sorted(set(bill_nos)),
    )
    return {row["bill_no"]: row for row in rows}


async def mark_paid(tx: Writer, pool: str, paid: Sequence[tuple[str, date]]) -> None:
    """Set locked open bills to paid, each on its day."""
    if paid:
        await tx.execute(
            "update bill set status = 'paid', paid_on = news.paid_on, version = version + 1 "
            "from unnest(cast(:bill_nos as text[]), cast(:days as date[])) as news (bill_no, paid_on) "
            "where bill.pool = :pool and bill.bill_no = news.bill_no",
            pool=pool,
            bill_nos=[bill_no for bill_no, _ in paid],
            days=[day for _, day in paid],
        )


async def reopen(tx: Writer, pool: str, bill_nos: Sequence[str]) -> None:
    """Set locked paid bills to open again: the money that paid them was taken back."""
    await tx.execute(
        "update bill set status = 'open', paid_on = null, version = version + 1 "
        "where pool = :pool and bill_no = any(cast(:bill_nos as text[])) and status = 'paid'",
        pool=pool,
        bill_nos=list(bill_nos),
    )
