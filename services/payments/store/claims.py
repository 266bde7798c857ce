"""SQL about claims on other payers and the money received on them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.database import Reader, Row, Writer

from ..tables import claim_receipt

_CLAIM_RECEIPT = (
    "pool, claim_receipt_id, payer, amount_fen, due_fen, received_on, bank_reference, status, submitted_by, "
    "submitted_at, checked_by, checked_at, note, version"
)


async def list_claims(tx: Reader, pool: str) -> Sequence[Row]:
    """What other payers owed and paid, by payer."""
    return await tx.rows(
        "select payer, cast(claimed_fen as bigint) as claimed_fen, cast(received_fen as bigint) as received_fen, "
        "cast(claimed_fen - received_fen as bigint) as due_fen from ("
        "select substr(account, 7) as payer, coalesce(sum(fen) filter (where not received), 0) as claimed_fen, "
        "coalesce(-sum(fen) filter (where received), 0) as received_fen from ("
        "select debit_account as account, amount_fen as fen, kind = 'claim_received' as received from transfer "
        "where pool = :pool and starts_with(debit_account, 'claim/') union all "
        "select credit_account, -amount_fen, kind = 'claim_received' from transfer "
        "where pool = :pool and starts_with(credit_account, 'claim/')) as posting group by account) as sums "
        "order by payer",
        pool=pool,
    )


async def claim_due(tx: Reader, pool: str, account: str) -> int:
    """What stands on a claim account: claimed and not yet received, in fen."""
    return int(
        await tx.value(
            "select coalesce(sum(case debit_account when :account then amount_fen else -amount_fen end), 0) "
            "from transfer where pool = :pool and :account in (debit_account, credit_account)",
            pool=pool,
            account=account,
        )
    )


async def insert_claim_receipt(tx: Writer, row: Mapping[str, Any]) -> bool:
    """Write down money received on a claim; False where the bank's number stands for another."""
    tail = (
        "on conflict (pool, payer, bank_reference, received_on) where status <> 'rejected' do nothing "
        "returning claim_receipt_id"
    )
    return bool(await tx.insert(claim_receipt, [row], tail=tail))


async def find_claim_receipt(tx: Reader, pool: str, claim_receipt_id: UUID) -> Row | None:
    """One receipt of a claim."""
    return await tx.row(
        f"select {_CLAIM_RECEIPT} from claim_receipt where pool = :pool and claim_receipt_id = :id",
        pool=pool,
        id=claim_receipt_id,
    )


async def lock_claim_receipts(tx: Writer, pool: str, payer: str) -> None:
    """Lock all receipts of a payer in one order: of two confirmed at once, the second sees what the first left due."""
    await tx.rows(
        "select claim_receipt_id from claim_receipt where pool = :pool and payer = :payer order by claim_receipt_id "
        "for update",
        pool=pool,
        payer=payer,
    )


async def list_claim_receipts(
    tx: Reader, pool: str, *, after: UUID | None, limit: int, payer: str | None, status: str | None
) -> Sequence[Row]:
    """Receipts of claims in the order in which they were written; `limit` + 1 rows."""
    wanted: list[tuple[str, str, Any]] = [
        ("after", "claim_receipt_id > :after", after),
        ("payer", "payer = :payer", payer),
        ("status", "status = :status", status),
    ]
    given = {name: value for name, _, value in wanted if value is not None}
    conditions = "".join(f" and {condition}" for name, condition, _ in wanted if name in given)
    return await tx.rows(
        f"select {_CLAIM_RECEIPT} from claim_receipt where pool = :pool{conditions} "
        "order by claim_receipt_id limit :limit",
        pool=pool,
        limit=limit + 1,
        **given,
    )


async def check_claim_receipt(tx: Writer, row: Mapping[str, Any]) -> None:
    """Confirm or reject a locked receipt of a claim."""
    await tx.execute(
        "update claim_receipt set status = :status, checked_by = :checked_by, checked_at = :checked_at, note = :note, "
        "due_fen = :due_fen, version = version + 1 where pool = :pool and claim_receipt_id = :claim_receipt_id",
        **row,
    )
