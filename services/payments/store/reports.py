"""SQL that sums up: accounts, collections, receipts, and the four figures that must agree."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.database import Reader, Row

# An order-free mark of a set of persons: the same set gives the same number in every service.
DIGEST = (
    "cast(coalesce(sum("
    "cast(cast('x' || substr(md5(cast({person_id} as text)), 1, 15) as bit(60)) as bigint)), 0) as text)"
)


async def account_balances(tx: Reader, pool: str, *, as_of: datetime | None = None) -> Sequence[Row]:
    """Debits and credits of every account, as of any instant."""
    narrowed = " and occurred_at <= :as_of" if as_of else ""
    given: dict[str, Any] = {"as_of": as_of} if as_of else {}
    return await tx.rows(
        "select account, cast(sum(debit) as bigint) as debit_fen, cast(sum(credit) as bigint) as credit_fen from ("
        f"select debit_account as account, amount_fen as debit, 0 as credit from transfer where pool = :pool{narrowed} "
        f"union all select credit_account, 0, amount_fen from transfer where pool = :pool{narrowed}"
        ") as posting group by account order by account",
        pool=pool,
        **given,
    )


async def collected_by_channel(tx: Reader, pool: str) -> Sequence[Row]:
    """Count and sum of all money taken, by channel and outcome; money for an unknown bill has no scheme, but counts."""
    return await tx.rows(
        "select channel, outcome, count(*) as count, cast(sum(amount_fen) as bigint) as amount_fen from collection "
        "where pool = :pool and reversed_at is null group by channel, outcome order by channel, outcome",
        pool=pool,
    )


async def claim_figures(tx: Reader, pool: str) -> Row:
    """What other payers owe for the bills that are settled, and what they have paid of it."""
    row = await tx.row(
        "select cast(coalesce(sum(amount_fen) filter (where kind = 'claim'), 0) as bigint) "
        "- cast(coalesce(sum(amount_fen) filter (where kind = 'claim_reversed'), 0) as bigint) as claims_due_fen, "
        "cast(coalesce(sum(amount_fen) filter (where kind = 'claim_received'), 0) as bigint) as claims_received_fen "
        "from transfer where pool = :pool and kind in ('claim', 'claim_reversed', 'claim_received')",
        pool=pool,
    )
    assert row is not None
    return row


async def receipt_figures(tx: Reader, pool: str) -> Row:
    """Receipts issued and voided, gaps and doubles in the books' numbers; what agents hold unused is no gap."""
    row = await tx.row(
        "select (select count(*) from receipt where pool = :pool) as issued, "
        "(select count(*) from receipt where pool = :pool and voided_at is not null) as voided, "
        "(select cast(coalesce(sum(last_number), 0) as bigint) from receipt_book where pool = :pool) "
        " - (select count(distinct (book_code, number)) from receipt where pool = :pool) "
        " - (select count(*) from receipt_unissued where pool = :pool) "
        " - (select count(*) from receipt_block as block, "
        "    generate_series(block.first_number, block.last_number) as each (number) "
        "    where block.pool = :pool and block.state <> 'written_off' "
        "    and not exists (select 1 from receipt where receipt.pool = block.pool "
        "    and receipt.book_code = block.book_code and receipt.number = each.number) "
        "    and not exists (select 1 from receipt_unissued as other where other.pool = block.pool "
        "    and other.book_code = block.book_code and other.number = each.number)) as gaps, "
        "(select count(*) - count(distinct receipt_no) from receipt where pool = :pool) as duplicates",
        pool=pool,
    )
    assert row is not None
    return row


async def refund_figures(tx: Reader, pool: str) -> Row:
    """Count and sum of money paid back."""
    row = await tx.row(
        "select count(*) as count, cast(coalesce(sum(amount_fen), 0) as bigint) as amount_fen from refund "
        "where pool = :pool and state = 'settled'",
        pool=pool,
    )
    assert row is not None
    return row


async def four_way_figures(
    tx: Reader, pool: str, scheme: str, *, unit_code: str | None = None, region: str | None = None
) -> dict[str, Row]:
    """Persons who paid, as the bills, the collections, the receipts and the ledger know them: heads, fen and digest.

    `unit_code` and `region` (a prefix) keep the persons whose bill is of that unit, in that region.
    """
    wanted = [
        ("unit_code", "bill.unit_code = :unit_code", unit_code),
        ("region", "starts_with(bill.region, :region)", region),
    ]
    given = {name: value for name, _, value in wanted if value is not None}
    of_bill = "".join(f" and {condition}" for name, condition, _ in wanted if name in given)
    found = {}
    for name, (bill_no, sql) in _FOUR_WAY.items():
        whose = f" and exists (select 1 from bill where bill.pool = :pool and bill.bill_no = {bill_no}{of_bill})"
        row = await tx.row(sql + whose if given else sql, pool=pool, scheme=scheme, **given)
        assert row is not None
        found[name] = row
    return found


# Each figure, and by what it names the bill.
_FOUR_WAY = {
    "bills": ("paid.bill_no", f"""
        select count(*) as heads, cast(coalesce(sum(amount_fen), 0) as bigint) as amount_fen,
            {DIGEST.format(person_id="person_id")} as digest
        from bill as paid where pool = :pool and scheme = :scheme and status = 'paid' and amount_fen > 0
        """),
    "collections": ("collection.settles", f"""
        select count(*) as heads, cast(coalesce(sum(amount_fen - released_fen), 0) as bigint) as amount_fen,
            {DIGEST.format(person_id="person_id")} as digest
        from collection where pool = :pool and scheme = :scheme and settles is not null
        """),
    "receipts": ("collection.settles", f"""
        select count(*) as heads, cast(coalesce(sum(receipt.amount_fen - released_fen), 0) as bigint) as amount_fen,
            {DIGEST.format(person_id="receipt.person_id")} as digest
        from receipt join collection on collection.pool = receipt.pool
            and collection.collection_id = receipt.collection_id
        where receipt.pool = :pool and collection.scheme = :scheme and voided_at is null and settles is not null
        """),
    "ledger": ("transfer.bill_no", """
        select 0 as heads, '' as digest, cast(coalesce(sum(
            case when credit_account = 'premium/person' then amount_fen else -amount_fen end
            ), 0) as bigint) as amount_fen
        from transfer
        where pool = :pool and scheme = :scheme and 'premium/person' in (credit_account, debit_account)
        """),
}  # fmt: skip
