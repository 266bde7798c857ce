"""One bill, one winner: who wants to pay a bill is let to it once nobody else can pay it any more.

tx     the bills are locked, `find_rivals`: refused, or their orders begin to close (`begin_closing`)
calls  `close_rivals` has the channels close them, no transaction open
tx     once more from the beginning: what was paid at that very moment is found to be paid
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.clock import SHANGHAI, wall_now
from shared.database import Reader, Row, Writer
from shared.problem import Problem

from ..rules import orders as rules
from ..schemas import order_problems as problems
from ..store import orders as store
from .concluding import GRACE, cashiers, conclude, over
from .suite import Payments

_SUPERSEDED = "superseded"


@dataclass(eq=False)
class Contested(Exception):
    """These bills have orders that are to be closed at their channel before anybody else may pay."""

    pool: str
    bill_nos: tuple[str, ...]


async def find_rivals(
    service: Payments, tx: Reader, pool: str, bill_nos: Sequence[str]
) -> Mapping[str, Problem | Contested]:
    """Who else can pay these locked bills: those of which nobody can are left out.

    A Problem says why nobody else is let to the bill: ORDER_STANDS where its channel closes nothing and the order's
    time is not over, BILL_BEING_WITHHELD where a bank was asked to debit it.
    """
    found: dict[str, Problem | Contested] = {}
    for row in await store.rivals(tx, pool, bill_nos):
        rival = _rival(service, pool, row)
        if not isinstance(found.get(row["bill_no"]), Problem):
            found[row["bill_no"]] = rival
    return found


async def begin_closing(tx: Writer, contested: Contested) -> None:
    """Begin to close the orders of locked bills; whoever dies now leaves them to `ask_orders`."""
    await store.supersede_orders(tx, contested.pool, contested.bill_nos, _SUPERSEDED, wall_now())


async def close_rivals(service: Payments, contested: Contested, *, but: str = "") -> list[str]:
    """Have the channels close what is being closed, all but one order; the bills of which an order still lives."""
    async with service.database.reading() as tx:
        rivals = await store.closing_orders(tx, contested.pool, contested.bill_nos, but)
    ended = await asyncio.gather(*(conclude(service, rival) for rival in rivals))
    return sorted({row["bill_no"] for row in ended if rules.live(rules.OrderStatus(row["status"]))})


def _rival(service: Payments, pool: str, row: Row) -> Problem | Contested:
    if row["batch_no"] is not None:
        return problems.BILL_BEING_WITHHELD(institution=row["institution"], batch_no=row["batch_no"])
    cashier = cashiers(service).get(row["channel"])
    if cashier is None or cashier.closes or over(service, cashier, row):
        return Contested(pool, (row["bill_no"],))
    until = (row["expires_at"] + GRACE).astimezone(SHANGHAI)
    return problems.ORDER_STANDS(
        order_no=row["order_no"], channel=row["channel"], until=until.isoformat(timespec="seconds")
    )
