"""What a pool has agreed with its suppliers, and their turns."""

from collections.abc import Iterable, Mapping
from datetime import date

from shared.database import Reader, Row, Writer

_SUPPLIER = "supplier, contact, first_due_on, every_months, stale_after_days, version"


async def read_suppliers(tx: Reader, pool: str) -> Mapping[str, Row]:
    """What has been agreed, by supplier; who has neither agreed anything nor handed over a list is left out."""
    rows = await tx.rows(f"select {_SUPPLIER} from supplier where pool = :pool", pool=pool)
    return {row["supplier"]: row for row in rows}


async def take_turn(tx: Writer, pool: str, supplier: str) -> Row:
    """The supplier's row, locked until the transaction ends: one at a time works out what rests on its lists."""
    await tx.execute(
        "insert into supplier (pool, supplier, version) values (:pool, :supplier, 1) "
        "on conflict (pool, supplier) do nothing",
        pool=pool,
        supplier=supplier,
    )
    row = await tx.row(
        f"select {_SUPPLIER} from supplier where pool = :pool and supplier = :supplier for update",
        pool=pool,
        supplier=supplier,
    )
    assert row is not None
    return row


async def take_every_turn(tx: Writer, pool: str, suppliers: Iterable[str]) -> None:
    """Every supplier's row, locked until the transaction ends: nobody works out statuses of the pool meanwhile. In the
    order of their names, so that two who do so never wait in a ring."""
    for supplier in sorted(suppliers):
        await take_turn(tx, pool, supplier)


async def set_agreement(
    tx: Writer,
    pool: str,
    supplier: str,
    *,
    contact: str | None,
    first_due_on: date | None,
    every_months: int | None,
    stale_after_days: int | None,
) -> None:
    """Store what was agreed with a supplier whose turn is taken."""
    await tx.execute(
        "update supplier set contact = :contact, first_due_on = :first_due_on, every_months = :every_months, "
        "stale_after_days = :stale_after_days, version = version + 1 where pool = :pool and supplier = :supplier",
        pool=pool,
        supplier=supplier,
        contact=contact,
        first_due_on=first_due_on,
        every_months=every_months,
        stale_after_days=stale_after_days,
    )
